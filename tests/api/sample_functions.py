"""The functions that the API's tests call; installed for real into a folder on the path, see conftest."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import BaseModel, Field

from cronplug import Context, function


class Region(BaseModel):
    region: str = Field(description="Sales region")
    days: int = Field(7, ge=1, le=90)


@function("sample.report", timeout=30)
async def report(payload: Region, ctx: Context) -> dict[str, Any]:
    """Build the report of a region."""
    ctx.log.info("building %s", payload.region)
    return {"region": payload.region, "days": payload.days}


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
