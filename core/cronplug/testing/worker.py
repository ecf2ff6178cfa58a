"""One call in a real worker process, for tests."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from cronplug.authoring.workers import Call, Done, open_pool, run_call
from cronplug.errors import PluginError
from cronplug.sdk.functions import Function
from cronplug.testing.ran import Line, Ran, RanStatus


def run_in_worker(
    function: Function[..., Any],
    payload: Mapping[str, Any],
    *,
    attempt: int,
    task_name: str | None,
    scheduled_for: datetime,
    timeout_seconds: float,
    kept: Mapping[str, Any],
    cancel_when: str | None,
    cancel_after_seconds: float | None,
) -> Ran:
    """Start a worker, run the function in it, and end the worker with everything in it.

    Raises PluginError for a function that a worker cannot import: one that is no attribute of its module.
    """
    module, attribute = _place_of(function)
    call = Call(
        function_name=function.name,
        entry_point=("test", attribute, f"{module}:{attribute}"),
        is_async=function.is_async,
        payload=payload,
        attempt=attempt,
        task_name=task_name,
        scheduled_for=scheduled_for,
        timeout_seconds=timeout_seconds,
        kept=kept,
    )

    async def run() -> Done:
        async with open_pool([path for path in sys.path if path]) as pool:
            return await run_call(pool, call, cancel_when=cancel_when, cancel_after_seconds=cancel_after_seconds)

    # A thread of its own, since an async test has a loop running in this one.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="run_function") as thread:
        return _as_ran(thread.submit(asyncio.run, run()).result(), kept)


def _place_of(function: Function[..., Any]) -> tuple[str, str]:
    module = function.func.__module__
    for attribute, value in vars(sys.modules[module]).items() if module in sys.modules else ():
        if value is function:
            return module, attribute
    raise PluginError(
        f"{function.name} cannot run in a worker: it has to be at the top level of a module, so that it can be imported."
    )


def _as_ran(done: Done, kept: Mapping[str, Any]) -> Ran:
    outcome, output = done.outcome, done.output
    status: RanStatus = "failed" if outcome.verdict == "cut_off" else outcome.verdict
    return Ran(
        status=status,
        reason=str(outcome.reason),
        result=outcome.result,
        result_summary=outcome.result_summary,
        error_message=outcome.error_message,
        permanent=outcome.permanent,
        retry_after_seconds=outcome.retry_after_seconds,
        lines=tuple(Line(stream, text, level) for stream, level, text in output.lines),
        progress=tuple(output.reports),
        artifacts=output.artifacts,
        once={**kept, **output.once},
        worker=outcome.worker,
        seconds=done.seconds,
    )
