"""Functions as an author would test them; a module of its own, so that workers can import it."""

from __future__ import annotations

import asyncio
import os
import time

import httpx

from cronplug import Context, PermanentError, function


@function("acme.report")
async def report(ctx: Context, region: str, fail: bool = False) -> str:
    ctx.log.info("building %s", region)
    ctx.progress(0.5, "half way")
    await asyncio.sleep(0)
    if fail:
        raise PermanentError("no such region")
    print("printed by the report")
    return f"report for {region}, attempt {ctx.attempt}"


@function("acme.looping")
def looping(ctx: Context) -> str:
    return "stopped" if ctx.cancelled else "went on"


@function("acme.endless")
async def endless(ctx: Context) -> None:
    ctx.log.info("waiting")
    await asyncio.Event().wait()


@function("acme.stubborn")
def stubborn(ctx: Context) -> str:
    """Blocks, and tidies up when it is interrupted."""
    ctx.log.info("blocking")
    try:
        time.sleep(60)
    finally:
        ctx.log.info("tidied up")
    return "slept"


@function("acme.patient")
async def patient(ctx: Context, hours: int = 1) -> str:
    for hour in range(hours):
        await asyncio.sleep(3600)
        ctx.progress((hour + 1) / hours, f"hour {hour + 1}")
    return "done"


@function("acme.keeping")
async def keeping(ctx: Context) -> str:
    async def send() -> str:
        return f"sent at attempt {ctx.attempt}"

    ctx.artifact("report.csv", "a,b\n")
    return await ctx.once("send", send)


@function("acme.fetch")
async def fetch(ctx: Context) -> int:
    response = await ctx.http.get("https://example.org/report")
    return response.raise_for_status().json()["rows"]  # type: ignore[no-any-return]


@function("acme.fetch-sync")
def fetch_sync(ctx: Context) -> str:
    try:
        return ctx.http_sync.get("https://example.org/report").text
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}"


@function("acme.dying")
def dying() -> None:
    os._exit(3)


@function("acme.out-of-reach")
def _first() -> None: ...


hidden = [_first]
del _first
