"""One request on its way: built, redirected, read within limits."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from cronplug import Context, PermanentError
from cronplug_http.judging import body_faults, status_fits

if TYPE_CHECKING:
    from cronplug_http import Request

MAX_REDIRECTS = 5
BODY_READ_BYTES = 1024 * 1024
"""How much of an answer's body is read and looked at."""
BODY_KEPT_CHARACTERS = 64 * 1024
"""How much of it is kept in the result."""

_KEPT_HEADERS = ("content-type", "content-length", "date", "etag", "location", "retry-after", "server", "x-request-id")
_NO_CHARSETS = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"})
"""Python's codecs beyond charsets: they know no error handler, or need a time that grows with the square of the text."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2


class RequestFailed(Exception):
    """There was no complete answer; another attempt may get one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer. `body` is its beginning, decoded; `complete` says whether that is all."""

    response: httpx.Response
    body: str
    complete: bool
    seconds: float


def build(payload: Request, ctx: Context) -> httpx.Request:
    """The request. Raises PermanentError when it cannot be made."""
    try:
        headers = httpx.Headers([_header(name, value) for name, value in payload.headers.items()])
        headers.setdefault("Idempotency-Key", ctx.idempotency_key)
        headers.setdefault("Accept-Encoding", "identity")  # what is unpacked could be a thousand times as long
        if payload.body is not None:
            headers.setdefault("Content-Type", "text/plain; charset=utf-8")
        return ctx.http.build_request(
            payload.method,
            payload.url,
            headers=headers,
            content=None if payload.body is None else payload.body.encode(),
            json=payload.jsonBody,
        )
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise PermanentError(f"The request cannot be made: {error}") from error


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    # RFC 9110 5.5: a line break in a header would start another one.
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is not a header's name")
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise ValueError(f"the header {name} holds a control character")
    return name.encode("ascii"), value.encode()


async def exchange(http_request: httpx.Request, payload: Request, ctx: Context) -> Answer:
    """Send the request, follow redirects, read the answer. Raises RequestFailed."""
    try:
        return await _follow(http_request, payload, ctx)
    except httpx.HTTPError as error:
        raise RequestFailed(f"No complete answer: {str(error) or type(error).__name__}") from error


async def _follow(http_request: httpx.Request, payload: Request, ctx: Context) -> Answer:
    started = time.monotonic()
    for _ in range(MAX_REDIRECTS + 1):
        response = await ctx.http.send(http_request, stream=True, follow_redirects=False)
        try:
            if response.next_request is None or not payload.followRedirects:
                body, complete = await _read(response)
                return Answer(response=response, body=body, complete=complete, seconds=time.monotonic() - started)
        finally:
            await response.aclose()
        http_request = response.next_request
        ctx.log.info("%d, redirected to %s", response.status_code, shown(http_request.url))
    raise httpx.TooManyRedirects(f"more than {MAX_REDIRECTS} redirects", request=http_request)


async def _read(response: httpx.Response) -> tuple[str, bool]:
    data = bytearray()
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > BODY_READ_BYTES:
            return _text(response, bytes(data[:BODY_READ_BYTES])), False
    return _text(response, bytes(data)), True


def _text(response: httpx.Response, data: bytes) -> str:
    charset = response.charset_encoding or "utf-8"
    if charset.lower().replace("-", "_") in _NO_CHARSETS:
        charset = "utf-8"
    try:
        return data.decode(charset, errors="replace")
    except (LookupError, ValueError):  # a charset that nobody knows, or one of Python's that is none
        return data.decode(errors="replace")


def faults_of(payload: Request, answer: Answer) -> list[str]:
    """What is not as expected, each as a sentence."""
    status = answer.response.status_code
    faults = []
    if not status_fits(status, payload.expectStatus):
        faults.append(f"the status is {status}, expected was {' or '.join(payload.expectStatus)}")
    faults += body_faults(
        answer.body,
        complete=answer.complete,
        contains=payload.expectBodyContains,
        json_expected=payload.expectJson,
    )
    return faults


def told(answer: Answer, faults: list[str]) -> dict[str, Any]:
    """The function's result."""
    response = answer.response
    status = f"{response.status_code} {response.reason_phrase}".strip()
    milliseconds = round(answer.seconds * 1000)
    return {
        "success": not faults,
        "message": "; ".join(faults) if faults else f"{status} in {milliseconds} ms",
        "status": response.status_code,
        "url": shown(response.url),
        "headers": {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
        "body": answer.body[:BODY_KEPT_CHARACTERS].replace("\0", "\ufffd"),
        "bodyTruncated": not answer.complete or len(answer.body) > BODY_KEPT_CHARACTERS,
        "elapsedMilliseconds": milliseconds,
    }


def shown(url: httpx.URL) -> str:
    """The address without a password in it."""
    return str(url.copy_with(username=None, password=None))
