"""The functions that the API's tests call; installed for real into a folder on the path, see conftest."""

from __future__ import annotations

import asyncio
import builtins
from typing import Any

from pydantic import BaseModel, Field, SecretStr

from cronplug import Context, function


class Region(BaseModel):
    region: str = Field(description="Sales region")
    days: int = Field(7, ge=1, le=90)


@function("sample.report", timeout=30)
async def report(payload: Region, ctx: Context) -> dict[str, Any]:
    """Build the report of a region."""
    ctx.log.info("building %s", payload.region)
    return {"region": payload.region, "days": payload.days}


class Channel(BaseModel):
    address: str
    password: SecretStr | None = None


class Message(BaseModel):
    text: str = Field("hello", max_length=20)
    token: SecretStr = Field(min_length=4)
    channels: list[Channel] = []


@function("sample.send", max_retries=4, retry_delay=5, retry_backoff="exponential", retry_on=[ConnectionError])
async def send(payload: Message) -> dict[str, Any]:
    """Send a message; tells how long its secrets are."""
    passwords = [channel.password.get_secret_value() for channel in payload.channels if channel.password]
    return {"token": len(payload.token.get_secret_value()), "passwords": [len(password) for password in passwords]}


@function("sample.raise")
def raise_kind(kind: str) -> None:
    """Raise a built-in exception."""
    raise getattr(builtins, kind)("on purpose")


@function("sample.echo")
async def echo(payload: dict) -> dict[str, Any]:  # type: ignore[type-arg]  # as a plugin author would write it
    """Give the payload back."""
    return payload


@function("sample.wait")
async def wait(ctx: Context, seconds: float = 60) -> str:
    """Sleep until cancelled."""
    ctx.log.info("waiting")
    await asyncio.sleep(seconds)
    return "waited"


@function("sample.lines")
async def lines(ctx: Context, count: int = 3) -> str:
    """Write lines."""
    for number in range(count):
        ctx.log.info("line %d", number)
    return f"{count} lines"


@function("sample.leave", max_retries=1)
async def leave(ctx: Context, name: str = "report.csv", fail_first: bool = False) -> dict[str, Any]:
    """Keep files, do work once, and fail at the first attempt when asked to."""
    ctx.progress(0.25, "a quarter")

    async def work() -> int:
        return ctx.attempt

    done_by = await ctx.once("work", work)
    ctx.artifact(name, f"attempt {ctx.attempt}")
    ctx.artifact(f"{ctx.attempt}.bin", bytes(3))
    if fail_first and ctx.attempt == 1:
        raise RuntimeError("first time")
    return {"done_by": done_by}
