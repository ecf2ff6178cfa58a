"""A plugin to try and to copy: each function shows one thing."""

from __future__ import annotations

import asyncio
import random
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from cronplug import Context, PermanentError, RetryLater, function


@function("example.greet", timeout=30, tags=["example"])
async def greet(name: str, greeting: str = "Hello", times: Annotated[int, Field(ge=1, le=10)] = 1) -> str:
    """Greet someone. The parameters are the payload: their types make the form and the checks."""
    return " ".join([f"{greeting}, {name}!"] * times)


class Region(StrEnum):
    """A choice in the form."""

    NORTH = "north"
    SOUTH = "south"
    EVERYWHERE = "everywhere"


class Layout(BaseModel):
    """A part of the payload with its own fields."""

    title: str = Field("Sales", min_length=1, max_length=80, description="Headline of the report")
    decimals: int = Field(2, ge=0, le=4, description="Digits after the point")


class Report(BaseModel):
    """What the report is to contain."""

    model_config = ConfigDict(extra="forbid")

    region: Region = Field(Region.EVERYWHERE, description="Sales region")
    days: int = Field(7, ge=1, le=90, description="How far back")
    seconds: float = Field(5.0, ge=0, le=600, description="How long to take over it")
    layout: Layout = Field(default_factory=Layout, description="How it looks")


@function("example.report", timeout=900, max_retries=2, tags=["example", "sales"])
async def report(payload: Report, ctx: Context) -> dict[str, Any]:
    """Build a sales report of made-up figures, slowly enough to watch its log and progress."""
    ctx.log.info("building %r for %s", payload.layout.title, payload.region)
    figures = random.Random(f"{payload.region} {ctx.scheduled_for:%Y-%m-%d}")
    total = 0.0
    for day in range(payload.days):
        await asyncio.sleep(payload.seconds / payload.days)
        total += figures.uniform(100, 1000)
        ctx.log.info("day %d of %d: %.2f so far", day + 1, payload.days, total)
        ctx.progress((day + 1) / payload.days, f"day {day + 1} of {payload.days}")
    total = round(total, payload.layout.decimals)
    return {
        "success": True,
        "message": f"{payload.layout.title}: {total} in {payload.days} days",
        "total": total,
        "days": payload.days,
    }


@function("example.crunch", timeout=300, tags=["example"])
def crunch(limit: Annotated[int, Field(ge=10, le=5_000_000, description="Count primes below this")] = 200_000) -> str:
    """Count primes: plain blocking code that prints, in a worker process of its own."""
    print(f"sieving the numbers below {limit:,}")  # noqa: T201 - what a function prints is its log
    is_prime = bytearray([1]) * limit
    is_prime[:2] = b"\0\0"
    for number in range(2, int(limit**0.5) + 1):
        if is_prime[number]:
            is_prime[number * number :: number] = bytes(len(range(number * number, limit, number)))
    count = sum(is_prime)
    print(f"found {count:,}, the largest is {is_prime.rfind(1):,}")  # noqa: T201
    return f"{count:,} primes below {limit:,}"


@function("example.flaky", timeout=30, max_retries=3, tags=["example"])
async def flaky(
    ctx: Context,
    fail_attempts: Annotated[int, Field(ge=0, le=10, description="Fail this many first attempts")] = 1,
    chance: Annotated[float, Field(ge=0, le=1, description="After them, the chance of failing anyway")] = 0.0,
    permanent: Annotated[bool, Field(description="Fail for good: no further attempt")] = False,
    wait_seconds: Annotated[float | None, Field(ge=0, le=3600, description="Ask for a retry after this long")] = None,
) -> str:
    """Fail on purpose, to see retries at work."""
    if ctx.attempt > fail_attempts and random.random() >= chance:
        return f"worked at attempt {ctx.attempt}"
    if permanent:
        raise PermanentError("asked to fail for good")
    if wait_seconds is not None:
        raise RetryLater(wait_seconds, f"not now, try again in {wait_seconds:g} s")
    raise RuntimeError(f"attempt {ctx.attempt} failed, as asked")
