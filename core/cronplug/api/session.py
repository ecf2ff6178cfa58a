"""Signing in with a browser: a token becomes a cookie."""

from __future__ import annotations

from quart import Blueprint, Response, request

from cronplug.access import SESSION_DAYS
from cronplug.api.operation import answer, no_content, operation
from cronplug.api.parts import parts
from cronplug.api.requests import read_body
from cronplug.api.server_json import Credentials, Session
from cronplug.api.sign_in import COOKIE, clear_cookie, set_cookie, signed_in
from cronplug.errors import Unauthorized

session = Blueprint("session", __name__, url_prefix="/api/scheduler/session")


@session.get("")
@operation("getSession", tag="session", answers={200: Session})
async def get_session() -> Response:
    """Say how the caller is signed in."""
    caller = signed_in()
    return answer(Session(auth_mode=parts().settings.auth, signed_in_by=caller.by, expires_at=caller.expires_at))


@session.post("")
@operation(
    "signIn",
    tag="session",
    body=Credentials,
    answers={204: None},
    problems=(401,),
    answer_headers=("Set-Cookie",),
    public=True,
)
async def sign_in() -> Response:
    """Exchange a token for a session cookie."""
    credentials = await read_body(Credentials)
    made = await parts().access.create_session(credentials.token)
    if made is None:
        raise Unauthorized("This token is not valid.")
    text, _ = made
    return set_cookie(no_content(), text, max_age_seconds=SESSION_DAYS * 86_400)


@session.delete("")
@operation("signOut", tag="session", answers={204: None}, public=True)
async def sign_out() -> Response:
    """End the session of the cookie, if there is one."""
    text = request.cookies.get(COOKIE)
    if text:
        await parts().access.delete_session(text)
    return clear_cookie(no_content())
