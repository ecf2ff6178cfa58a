"""`cronplug serve` on a stage: the real program, with a place at which it dies, a clock that is wrong, shorter leases.

Run as a program; CRONPLUG_STAGE holds what is arranged, as JSON. The product has no hooks for this: functions of it are
replaced before it starts, and whoever renames one of them hears of it from the tests that name it.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.acceptance.server import Server

POINTS = {
    # name: the function whose call it follows
    "planned, not committed": "cronplug.engine.planner:queue_fires",
    "claimed": "cronplug.engine.runner:Runner.claim_free",
    "output written": "cronplug.engine.output:ExecutionOutput.line",
    "function ended": "cronplug.engine.runner:Runner._run",
    "end not committed": "cronplug.store.executions:finish_executions",
    "end committed": "cronplug.engine.recorder:Recorder.record",
    "schema upgraded, not committed": "cronplug.store.migrate:_upgrade",
    "old executions deleted, not committed": "cronplug.store.executions:delete_ended",
    "figures written, not committed": "cronplug.store.rollups:put_rows",
    "between the transactions of a plan": "tests.acceptance.mutations:halfway",
}


def set_stage(server: Server, **arranged: Any) -> None:
    """Have the next starts of a server happen on a stage; with nothing arranged they are ordinary again.

    `kill_at` is one of POINTS; the process is killed, as by kill -9, after its `nth` (1) call that did something, or
    the one that brings the `nth` of what it answers.
    `clock_file` holds the seconds by which the server's clock is ahead; `disk_file` those that a commit to SQLite takes
    the disk. `lease_seconds` makes leases as short, renewed four times in that time, and the planner late after as long.
    `head_seconds` is how long the head of a request may take. `mutation` is a function of `tests.acceptance.mutations`.
    """
    if not arranged:
        server.program = ("-m", "cronplug")
        return
    if "kill_at" in arranged:
        assert arranged["kill_at"] in POINTS
    server.program = ("-P", str(Path(__file__)))
    server.environ["CRONPLUG_STAGE"] = json.dumps({name: str(value) for name, value in arranged.items()})


def main() -> None:
    """Arrange, then be `cronplug`."""
    arranged = json.loads(os.environ.pop("CRONPLUG_STAGE"))
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    if "mutation" in arranged:
        getattr(importlib.import_module("tests.acceptance.mutations"), arranged["mutation"])()
    if "kill_at" in arranged:
        _die_after(POINTS[arranged["kill_at"]], nth=int(arranged.get("nth", 1)))
    if "clock_file" in arranged:
        _set_clock(Path(arranged["clock_file"]))
    if "disk_file" in arranged:
        _slow_disk(Path(arranged["disk_file"]))
    if "head_seconds" in arranged:
        vars(importlib.import_module("cronplug.api.connections"))["HEAD_SECONDS"] = float(arranged["head_seconds"])
    if "lease_seconds" in arranged:
        _shorten_leases(float(arranged["lease_seconds"]))

    from cronplug.cli import main as cronplug

    sys.exit(cronplug())


def replace(place: str, by: Callable[[Any], Any]) -> None:
    """Put `by(real)` in the place of `module:name`, or `module:Class.name`."""
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *names, last = path.split(".")
    for name in names:
        owner = getattr(owner, name)
    real = getattr(owner, last)
    setattr(owner, last, functools.wraps(real)(by(real)))


def _die_after(place: str, *, nth: int) -> None:
    left = nth

    def count(result: Any) -> None:
        nonlocal left
        left -= len(result) if isinstance(result, list | set) else result is None or bool(result)
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def deadly(real: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(real):

            async def call_and_await(*args: Any, **kwargs: Any) -> Any:
                result = await real(*args, **kwargs)
                count(result)
                return result

            return call_and_await

        def call(*args: Any, **kwargs: Any) -> Any:
            result = real(*args, **kwargs)
            count(result)
            return result

        return call

    replace(place, deadly)


def _set_clock(file: Path) -> None:
    def ahead(real: Callable[..., datetime]) -> Callable[..., datetime]:
        return lambda clock: real(clock) + timedelta(seconds=float(file.read_text()))

    replace("cronplug.clock:SystemClock.now", ahead)


def _slow_disk(file: Path) -> None:
    def slow(real: Callable[..., type[sqlite3.Connection]]) -> Callable[..., type[sqlite3.Connection]]:
        def connection_class(synchronous: str) -> type[sqlite3.Connection]:
            class OnSlowDisk(real(synchronous)):  # type: ignore[misc]  # whatever the real one makes
                def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
                    if sql == "COMMIT":
                        time.sleep(float(file.read_text()))
                    cursor: sqlite3.Cursor = super().execute(sql, *parameters)
                    return cursor

            return OnSlowDisk

        return connection_class

    replace("cronplug.store.sqlite:connection_class", slow)


def _shorten_leases(seconds: float) -> None:
    service = importlib.import_module("cronplug.engine.service")
    vars(importlib.import_module("cronplug.engine.nodes"))["LEASE"] = timedelta(seconds=seconds)
    vars(service)["RENEW_SECONDS"] = vars(service)["NOTICE_SECONDS"] = seconds / 4
    vars(service)["PLANNER_LATE"] = min(timedelta(seconds=seconds), vars(service)["PLANNER_LATE"])


if __name__ == "__main__":
    main()
