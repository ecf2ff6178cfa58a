"""Runs one function of a plugin in a real worker, and judges how it works, how it ends and what it leaves.

Only for a function and a payload that somebody chose: a function may do anything, with its defaults too.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cronplug.authoring.targets import Target
from cronplug.authoring.verdicts import Finding
from cronplug.authoring.workers import GRACE_SECONDS, Call, Done, open_pool, run_call, shown
from cronplug.clock import SystemClock
from cronplug.executors.pool import WorkerPool
from cronplug.model import Json

_LOOK = Call(
    function_name="cronplug.look",
    entry_point=("cronplug", "look", "cronplug.authoring.inspection:look"),
    is_async=True,
)
_QUICK_SECONDS = 0.2
"""A function that needs less has no time to be cancelled."""
_LEFT_CHILDREN = "the function left processes behind"
_LEFT_THREADS = re.compile(r"the function left threads running \((.*)\);")
"""What the platform says of them in the log; then the worker is no more when one looks."""
_MAX_DETAILS = 20


async def try_functions(
    target: Target,
    chosen: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Json]]],
    *,
    timeout_seconds: float,
    grace_seconds: float = GRACE_SECONDS,
) -> dict[str, list[Finding]]:
    """Try functions one after the other: by name, (what the manifest says of it, payload) in, findings out.

    Each is run up to three times; each run ends within its limit and grace.
    """
    async with open_pool(target.paths) as pool:
        return {
            name: await _try_function(pool, line, payload, timeout_seconds=timeout_seconds, grace_seconds=grace_seconds)
            for name, (line, payload) in chosen.items()
        }


async def _try_function(
    pool: WorkerPool,
    line: Mapping[str, Any],
    payload: Mapping[str, Json],
    *,
    timeout_seconds: float,
    grace_seconds: float,
) -> list[Finding]:
    distribution, point, value = line["entry_point"]
    call = Call(
        function_name=line["name"],
        entry_point=(distribution, point, value),
        is_async=line["is_async"],
        payload=payload,
        scheduled_for=SystemClock().now(),
        timeout_seconds=timeout_seconds,
        grace_seconds=grace_seconds,
    )
    before = await _look(pool)
    done = await run_call(pool, call)
    after = await _look(pool)
    return [
        _judge_run(call, done),
        _judge_leftovers(call, done, before, after),
        await _try_cancel(pool, call, done),
        await _try_again(pool, call, done, claimed=line["idempotent"]),
    ]


async def _look(pool: WorkerPool) -> Mapping[str, Any]:
    done = await run_call(pool, _LOOK)
    result = done.outcome.result
    return result if isinstance(result, dict) else {}


def _judge_run(call: Call, done: Done) -> Finding:
    outcome = done.outcome
    details = tuple(shown(line) for line in done.output.lines[-_MAX_DETAILS:])
    if outcome.verdict == "success":
        message = f"It ran in a worker in {done.seconds:.2f} s: {outcome.result_summary or 'no result'}"
        return Finding(check="run", verdict="pass", function=call.function_name, message=message)
    if outcome.verdict == "timed_out":
        message = f"It did not end within {call.timeout_seconds:g} s. Give a smaller payload, or a larger --timeout."
        return Finding(check="run", verdict="warn", function=call.function_name, message=message, details=details)
    message = f"It failed in a worker ({outcome.reason}): {outcome.error_message}"
    return Finding(check="run", verdict="fail", function=call.function_name, message=message, details=details)


def _judge_leftovers(call: Call, done: Done, before: Mapping[str, Any], after: Mapping[str, Any]) -> Finding:
    told = any(text.startswith(_LEFT_CHILDREN) for stream, _, text in done.output.lines if stream == "log")
    same_process = before.get("pid") == after.get("pid")
    threads = [
        found[1] for stream, _, text in done.output.lines if stream == "log" and (found := _LEFT_THREADS.match(text))
    ]
    left = ["child processes"] if told or (same_process and after.get("left_children")) else []
    left += [f"the thread {name}" for names in threads for name in names.split(", ")]
    if same_process:
        left += [f"the thread {name}" for name in _beyond(after["threads"], before["threads"])]
        left += [f"the asyncio task {name}" for name in _beyond(after["tasks"], before["tasks"])]
    if not left:
        message = "It leaves no process, thread or task behind."
        return Finding(check="leftovers", verdict="pass", function=call.function_name, message=message)
    only_daemons = all(item.endswith("(daemon)") for item in left)
    return Finding(
        check="leftovers",
        verdict="warn" if only_daemons else "fail",
        function=call.function_name,
        message=f"It leaves behind: {', '.join(left)}.",
    )


def _beyond(after: list[str], before: list[str]) -> list[str]:
    return sorted((Counter(after) - Counter(before)).elements())


async def _try_cancel(pool: WorkerPool, call: Call, done: Done) -> Finding:
    if done.ending_seconds is None and done.seconds < _QUICK_SECONDS:
        message = f"It ends by itself in {done.seconds:.2f} s, too quick to be cancelled."
        return Finding(check="cancel", verdict="pass", function=call.function_name, message=message)
    if done.ending_seconds is None:
        done = await run_call(pool, call, cancel_after_seconds=done.seconds / 2)
    how = "by asyncio.CancelledError" if call.is_async else "by SIGTERM or ctx.cancelled"
    if done.ending_seconds is None or done.outcome.verdict not in ("cancelled", "timed_out"):
        message = "It had ended before it could be cancelled."
        return Finding(check="cancel", verdict="pass", function=call.function_name, message=message)
    if done.ending_seconds < call.grace_seconds:
        message = f"Asked to end, it did within {math.ceil(done.ending_seconds * 10) / 10:g} s, {how}."
        return Finding(check="cancel", verdict="pass", function=call.function_name, message=message)
    cure = (
        "Let CancelledError pass, and do not block the event loop"
        if call.is_async
        else "Do not catch BaseException, and look at ctx.cancelled in long loops of C code"
    )
    message = f"Asked to end, it went on, and was killed {call.grace_seconds:g} s later with its worker. {cure}."
    return Finding(check="cancel", verdict="fail", function=call.function_name, message=message)


async def _try_again(pool: WorkerPool, call: Call, done: Done, *, claimed: bool) -> Finding:
    """A second attempt of the same execution, as after a crash that came when everything was done."""
    if not claimed:
        message = "It does not say idempotent=True, so a second attempt was not compared with the first."
        return Finding(check="idempotent", verdict="skip", function=call.function_name, message=message)
    if done.outcome.verdict != "success":
        message = "It did not succeed once."
        return Finding(check="idempotent", verdict="skip", function=call.function_name, message=message)
    again = (await run_call(pool, replace(call, attempt=2))).outcome
    if again.verdict != "success":
        message = f"A second attempt of the same execution fails: {again.error_message}"
        return Finding(check="idempotent", verdict="fail", function=call.function_name, message=message)
    if again.result != done.outcome.result:
        message = "A second attempt of the same execution has another result, though it says idempotent=True."
        details = (f"first: {done.outcome.result_summary}", f"second: {again.result_summary}")
        return Finding(
            check="idempotent", verdict="fail", function=call.function_name, message=message, details=details
        )
    message = "A second attempt of the same execution has the same result."
    return Finding(check="idempotent", verdict="pass", function=call.function_name, message=message)
