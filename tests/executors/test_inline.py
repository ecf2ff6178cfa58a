"""Trusted functions on the core's own loop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cronplug import Context, Function, function
from cronplug.executors.base import AttemptSpec, Stop
from cronplug.executors.inline import InlineExecutor
from cronplug.model import Reason, Trigger
from tests.executors.conftest import FIRE_TIME, Recorder


class NoPlatform:
    async def delete_ended_executions(
        self, *, success_older_than_days: int | None, failed_older_than_days: int | None, batch_size: int = 500
    ) -> int:
        return batch_size

    async def optimize(self, *, reclaim: bool = False) -> Any:
        raise AssertionError("nobody asks for it")

    async def backup(self, *, folder: str = "", keep: int = 7, report: Any = None) -> Any:
        raise AssertionError("nobody asks for it")


@function("trusted.clean", isolation="inline")
async def clean(ctx: Context, size: int = 5) -> int:
    ctx.log.warning("cleaning\n%d at a time", size)
    ctx.progress(1, "done")
    return await ctx.platform.delete_ended_executions(
        success_older_than_days=None, failed_older_than_days=None, batch_size=size
    )


@function("trusted.wait", isolation="inline")
async def wait(ctx: Context) -> None:
    ctx.log.info("waiting")
    await asyncio.Event().wait()


@function("trusted.fail", isolation="inline")
async def fail(exits: bool = False, times_out: bool = False) -> None:
    if times_out:
        raise TimeoutError("its own")
    raise SystemExit(1) if exits else ValueError("wrong")


@function("trusted.tidy-up", isolation="inline")
async def tidy_up(ctx: Context) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ctx.log.info("tidying up")
        await asyncio.sleep(0.05)


class Trusted:
    def inline(self, name: str) -> Function[..., Any]:
        return {made.name: made for made in (clean, wait, fail, tidy_up)}[name]


@pytest.fixture
def executor() -> InlineExecutor:
    return InlineExecutor(Trusted(), NoPlatform())


def spec(name: str, payload: dict[str, Any] | None = None, *, timeout: float = 10) -> AttemptSpec:
    return AttemptSpec(
        execution_id="e",
        attempt=1,
        trigger=Trigger.SCHEDULE,
        scheduled_for=FIRE_TIME,
        timeout_seconds=timeout,
        idempotency_key="e",
        function_name=name,
        payload=payload or {},
    )


async def test_has_the_platform_its_log_and_its_progress(executor: InlineExecutor) -> None:
    output = Recorder()

    outcome = await executor.run(spec("trusted.clean", {"size": 7}), output, Stop())

    assert (outcome.verdict, outcome.result) == ("success", 7)
    assert output.lines == [("log", "warning", "cleaning"), ("log", "warning", "7 at a time")]
    assert output.progress_seen == [(1.0, "done")]


@pytest.mark.parametrize(
    ("payload", "message"),
    [({}, "ValueError: wrong"), ({"exits": True}, "SystemExit: 1"), ({"times_out": True}, "TimeoutError: its own")],
)
async def test_an_exception_fails_the_attempt_alone(
    executor: InlineExecutor, payload: dict[str, Any], message: str
) -> None:
    outcome = await executor.run(spec("trusted.fail", payload), Recorder(), Stop())

    assert (outcome.verdict, outcome.reason, outcome.error_message) == ("failed", Reason.ERROR, message)


async def test_a_bad_payload_is_refused(executor: InlineExecutor) -> None:
    outcome = await executor.run(spec("trusted.clean", {"size": "x"}), Recorder(), Stop())

    assert (outcome.reason, outcome.permanent) == (Reason.INVALID_PAYLOAD, True)


async def test_the_time_limit_ends_it(executor: InlineExecutor) -> None:
    outcome = await executor.run(spec("trusted.wait", timeout=0.05), Recorder(), Stop())

    assert (outcome.verdict, outcome.reason) == ("timed_out", Reason.TIMEOUT)


@pytest.mark.parametrize(("why", "verdict"), [("cancelled", "cancelled"), ("shutdown", "cut_off")])
@pytest.mark.parametrize("early", [True, False])
async def test_a_stop_ends_it(executor: InlineExecutor, why: Any, verdict: str, early: bool) -> None:
    output, stop = Recorder(), Stop()
    if early:
        stop.request(why)
    running = asyncio.create_task(executor.run(spec("trusted.wait"), output, stop))
    if not early:
        await output.wait_for("waiting")
        stop.request(why)

    assert (await running).verdict == verdict
    assert output.texts() == ([] if early else ["waiting"])


async def test_a_stop_while_it_ends_at_its_time_limit_is_no_error(executor: InlineExecutor) -> None:
    output, stop = Recorder(), Stop()
    running = asyncio.create_task(executor.run(spec("trusted.tidy-up", timeout=0.05), output, stop))
    await output.wait_for("tidying up")

    stop.request("cancelled")

    assert (await running).verdict in ("timed_out", "cancelled")


async def test_a_function_that_is_gone_is_an_unknown_function(executor: InlineExecutor) -> None:
    outcome = await executor.run(spec("trusted.gone"), Recorder(), Stop())

    assert (outcome.verdict, outcome.reason) == ("failed", Reason.UNKNOWN_FUNCTION)
