"""Who may call: bearer tokens, session cookies, and the rule against cross-site writes.

Everything under `/api` needs a token or a session, except making and ending sessions. `/metrics` does too unless the
server listens on loopback only. With `SCHEDULER_AUTH=none` (loopback only) nobody is asked; the cross-site rule holds
all the same, since a browser would carry any page's requests to loopback.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal, cast
from urllib.parse import urlsplit

from quart import Quart, Response, current_app, g, request

from cronplug.api.operation import ATTRIBUTE, Operation
from cronplug.api.parts import parts
from cronplug.errors import CrossSiteRefused, HostRefused, Unauthorized
from cronplug.settings import is_loopback

COOKIE = "cronplug_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, until when their session lives, and the name of their token where that is known."""

    by: Literal["token", "session", "none"]
    expires_at: datetime | None = None
    name: str | None = None


def install_sign_in(app: Quart) -> None:
    """Check every request to `app` before its route runs."""

    @app.before_request
    async def check() -> None:
        _check_host()
        if _is_public():
            _refuse_cross_site()
            return
        g.caller = await _caller()
        if g.caller.by == "session" and request.method not in _SAFE_METHODS:
            _demand_same_origin()
        elif g.caller.by == "none":
            _refuse_cross_site()


def signed_in() -> Caller:
    """The caller of the present request."""
    return cast(Caller, g.caller)


def set_cookie(response: Response, text: str, *, max_age_seconds: int) -> Response:
    """Give the browser a session."""
    response.set_cookie(
        COOKIE, text, max_age=max_age_seconds, path="/", httponly=True, samesite="Lax", secure=_is_https()
    )
    return response


def clear_cookie(response: Response) -> Response:
    """Take the session from the browser."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="Lax", secure=_is_https())
    return response


def _is_public() -> bool:
    """By the route that was found, never by the text of the path: `//api/...` finds the routes of `/api/...` too."""
    if request.url_rule is None:
        return not request.path.lstrip("/").startswith("api")
    declared: Operation | None = getattr(current_app.view_functions[request.url_rule.endpoint], ATTRIBUTE, None)
    if declared is None:
        return False
    return declared.public or (declared.maybe_public and parts().settings.listens_on_loopback)


async def _caller() -> Caller:
    settings, access = parts().settings, parts().access
    authorization = request.headers.get("Authorization")
    if authorization is not None and settings.auth == "token":
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer" and (name := await access.check_token(token.strip())) is not None:
            return Caller("token", name=name)
        raise Unauthorized("The token is not valid. Send Authorization: Bearer <token>.")
    if settings.auth == "none":
        return Caller("none")
    text = request.cookies.get(COOKIE)
    if text:
        expires_at = await access.check_session(text)
        if expires_at is not None:
            return Caller("session", expires_at)
        raise Unauthorized("The session has ended. Sign in again.")
    raise Unauthorized("Sign in, or send Authorization: Bearer <token>.")


def _demand_same_origin() -> None:
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site == "same-origin" or (site is None and origin is not None and _is_own_origin(origin)):
        return
    raise CrossSiteRefused("A write with a session cookie must come from this server's own pages.")


def _refuse_cross_site() -> None:
    """Where no cookie is looked at: refuse only what a browser says is from elsewhere."""
    if request.method in _SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site not in (None, "same-origin", "none") or (
        site is None and origin is not None and not _is_own_origin(origin)
    ):
        raise CrossSiteRefused("This request comes from another site's page.")


def _is_own_origin(origin: str) -> bool:
    """Same host and port as the request was sent to (a proxy may have ended TLS), or the public address."""
    return origin == parts().settings.public_url or (
        origin.partition("://")[0] in ("http", "https") and origin.partition("://")[2] == request.host
    )


def _is_https() -> bool:
    return request.scheme == "https" or parts().settings.public_url.startswith("https://")


def _check_host() -> None:
    """Against DNS rebinding: a server on loopback answers only to names of this machine and to its public one."""
    settings = parts().settings
    if not settings.listens_on_loopback or request.endpoint in ("server.get_health", "server.get_readiness"):
        return
    if not _is_own_name(request.host, settings.public_url):
        raise HostRefused(
            f"This server answers only to names of this machine, not to {_name_in(request.host)[:80]!r}; set "
            "SCHEDULER_BASE_URL to the address people use."
        )


@lru_cache(maxsize=32)
def _is_own_name(host: str, public_url: str) -> bool:
    name = _name_in(host)
    return (
        is_loopback(name)
        or name.endswith(".localhost")
        or (name != "" and name == _name_in(public_url.partition("://")[2]))
    )


def _name_in(host: str) -> str:
    """Without the port; "" when it cannot be read."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
