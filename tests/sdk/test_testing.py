"""The `run_function` fixture for plugin authors."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cronplug import Context, PermanentError, function
from cronplug.testing import FunctionRunner, InvalidPayload


@function("acme.report")
async def report(ctx: Context, region: str, fail: bool = False) -> str:
    ctx.log.info("building %s", region)
    ctx.progress(0.5, "half way")
    await asyncio.sleep(0)
    if fail:
        raise PermanentError("no such region")
    return f"report for {region}, attempt {ctx.attempt}"


@function("acme.looping")
def looping(ctx: Context) -> str:
    return "stopped" if ctx.cancelled else "went on"


@function("acme.endless")
async def endless() -> None:
    await asyncio.Event().wait()


def test_tells_result_log_and_progress(run_function: FunctionRunner) -> None:
    ran = run_function(report, {"region": "north"}, attempt=3)

    assert (ran.success, ran.result) == (True, "report for north, attempt 3")
    assert ran.log == (("info", "building north"),)
    assert ran.progress == ((0.5, "half way"),)


def test_an_exception_is_told_not_raised(run_function: FunctionRunner) -> None:
    ran = run_function(report, {"region": "north", "fail": True})

    assert (ran.success, ran.permanent, ran.error_message) == (False, True, "no such region")
    assert isinstance(ran.error, PermanentError)


@pytest.mark.parametrize("payload", [{}, {"region": 1}, {"region": "north", "extra": 1}])
def test_a_payload_that_does_not_fit_raises(run_function: FunctionRunner, payload: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload):
        run_function(report, payload)


def test_a_sync_function_sees_the_cancellation(run_function: FunctionRunner) -> None:
    assert run_function(looping, cancelled=True).result == "stopped"
    assert run_function(looping).result == "went on"


def test_an_endless_function_fails_the_test_in_time(run_function: FunctionRunner) -> None:
    with pytest.raises(TimeoutError, match=r"acme\.endless did not end within 0\.05 s"):
        run_function(endless, timeout_seconds=0.05)


async def test_works_in_an_async_test_too(run_function: FunctionRunner) -> None:
    assert run_function(report, {"region": "south"}).result == "report for south, attempt 1"
