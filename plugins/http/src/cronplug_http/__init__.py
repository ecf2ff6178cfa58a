"""HTTP requests as a function, with what the answer must be for the run to count as a success."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from cronplug import Context, PermanentError, function
from cronplug_http.judging import JsonExpectation, body_faults, status_fits

__all__ = ["JsonExpectation", "Request", "request"]

MAX_REDIRECTS = 5
BODY_READ_BYTES = 1024 * 1024
"""How much of an answer's body is read and looked at."""
BODY_KEPT_CHARACTERS = 64 * 1024
"""How much of it is kept in the result."""

_KEPT_HEADERS = ("content-type", "content-length", "date", "etag", "location", "retry-after", "server", "x-request-id")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2


class Method(StrEnum):
    """A method of RFC 9110 or RFC 5789."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"
    HEAD = "HEAD"
    OPTIONS = "OPTIONS"


Status = Annotated[str, Field(pattern=r"^[1-5]([0-9][0-9]|xx)$")]


class Request(BaseModel):
    """The request, and what is expected of its answer."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(pattern=r"^https?://", max_length=8000, description="Absolute address")
    method: Method = Field(Method.GET, description="What to do there")
    headers: dict[str, str] = Field(default_factory=dict, description="Headers of the request")
    body: str | None = Field(None, max_length=1_000_000, description="Text to send")
    jsonBody: JsonValue = Field(None, description="JSON to send instead of a text, with its content type")
    followRedirects: bool = Field(True, description="Follow up to five redirects; else a redirect is the answer")
    expectStatus: list[Status] = Field(
        default_factory=lambda: ["2xx"],
        min_length=1,
        max_length=50,
        description="Statuses that mean success: `200`, or `2xx` for all that begin with 2",
        examples=[["200", "404"]],
    )
    expectBodyContains: list[str] = Field(
        default_factory=list, max_length=50, description="Texts that must all be in the body"
    )
    expectJson: list[JsonExpectation] = Field(
        default_factory=list, max_length=50, description="Places of the JSON in the body, and what must be there"
    )
    maxSeconds: float | None = Field(
        None, gt=0, le=86_400, description="The complete answer must be there within this time"
    )

    @model_validator(mode="after")
    def _one_body(self) -> Request:
        if self.body is not None and self.jsonBody is not None:
            raise ValueError("give `body` or `jsonBody`, not both")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer. `body` is its beginning, decoded; `complete` says whether that is all."""

    response: httpx.Response
    body: str
    complete: bool
    seconds: float


@function("http.request", timeout=60, title="HTTP request", tags=["http"])
async def request(payload: Request, ctx: Context) -> dict[str, Any]:
    """Send an HTTP request, and fail unless status, body, JSON and time of the answer are as expected."""
    http_request = _build(payload, ctx)
    ctx.log.info("%s %s", payload.method, _shown(http_request.url))
    try:
        async with asyncio.timeout(payload.maxSeconds) as limit:
            answer = await _exchange(http_request, payload, ctx)
    except TimeoutError:
        if not limit.expired():
            raise
        return {"success": False, "message": f"no complete answer within {payload.maxSeconds:g} s"}
    faults = _faults(payload, answer)
    for fault in faults:
        ctx.log.error("%s", fault)
    return _told(answer, faults)


def _build(payload: Request, ctx: Context) -> httpx.Request:
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


async def _exchange(http_request: httpx.Request, payload: Request, ctx: Context) -> Answer:
    """Send the request, follow redirects, read the answer. Raises httpx.HTTPError, also for too many redirects."""
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
        ctx.log.info("%d, redirected to %s", response.status_code, _shown(http_request.url))
    raise httpx.TooManyRedirects(f"more than {MAX_REDIRECTS} redirects", request=http_request)


async def _read(response: httpx.Response) -> tuple[str, bool]:
    data = bytearray()
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > BODY_READ_BYTES:
            return _text(response, bytes(data[:BODY_READ_BYTES])), False
    return _text(response, bytes(data)), True


def _text(response: httpx.Response, data: bytes) -> str:
    try:
        return data.decode(response.charset_encoding or "utf-8", errors="replace")
    except LookupError:  # a charset that nobody knows
        return data.decode(errors="replace")


def _faults(payload: Request, answer: Answer) -> list[str]:
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


def _told(answer: Answer, faults: list[str]) -> dict[str, Any]:
    response = answer.response
    status = f"{response.status_code} {response.reason_phrase}".strip()
    milliseconds = round(answer.seconds * 1000)
    return {
        "success": not faults,
        "message": "; ".join(faults) if faults else f"{status} in {milliseconds} ms",
        "status": response.status_code,
        "url": _shown(response.url),
        "headers": {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
        "body": answer.body[:BODY_KEPT_CHARACTERS].replace("\0", "\ufffd"),
        "bodyTruncated": not answer.complete or len(answer.body) > BODY_KEPT_CHARACTERS,
        "elapsedMilliseconds": milliseconds,
    }


def _shown(url: httpx.URL) -> str:
    """The address without a password in it."""
    return str(url.copy_with(username=None, password=None))
