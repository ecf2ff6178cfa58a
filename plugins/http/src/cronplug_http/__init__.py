"""HTTP requests as a function, with what the answer must be for the run to count as a success."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from cronplug import Context, function
from cronplug_http.judging import JsonExpectation

__all__ = ["JsonExpectation", "Request", "request"]


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

    url: str = Field(
        pattern=r"^https?://",
        max_length=8000,
        description="Absolute address",
        examples=["https://shop.example.com/health"],
    )
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


@function("http.request", timeout=60, title="HTTP request", tags=["http"])
async def request(payload: Request, ctx: Context) -> dict[str, Any]:
    """Send an HTTP request, and fail unless status, body, JSON and time of the answer are as expected."""
    # Imported late: httpx costs every start of the server, and only those who send requests need it.
    from cronplug_http.exchange import build, exchange, faults_of, shown, told

    http_request = build(payload, ctx)
    ctx.log.info("%s %s", payload.method, shown(http_request.url))
    try:
        async with asyncio.timeout(payload.maxSeconds) as limit:
            answer = await exchange(http_request, payload, ctx)
    except TimeoutError:
        if not limit.expired():
            raise
        return {"success": False, "message": f"no complete answer within {payload.maxSeconds:g} s"}
    faults = faults_of(payload, answer)
    for fault in faults:
        ctx.log.error("%s", fault)
    return told(answer, faults)
