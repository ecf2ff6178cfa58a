"""Runs single functions in a real worker process, for checks and for authors' tests."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cronplug.executors.base import AttemptSpec, Outcome, Stop
from cronplug.executors.pool import WorkerPool
from cronplug.model import Json, Stream, Trigger
from cronplug.sdk.keeping import Artifact, Kept

GRACE_SECONDS = 5.0
"""What a function has to end itself after it was asked to, as the platform gives it."""


class Captured:
    """An Output that keeps everything; `awaited` is set by the first line or note that contains `text`.

    `artifacts` and `once` are what the function kept, by name and key.
    """

    def __init__(self, *, text: str | None = None) -> None:
        self.lines: list[tuple[Stream, str | None, str]] = []
        self.reports: list[tuple[float, str]] = []
        self.artifacts: dict[str, Artifact] = {}
        self.once: dict[str, Json] = {}
        self.awaited = asyncio.Event()
        self._text = text

    def line(self, stream: Stream, text: str, *, level: str | None = None, at: datetime | None = None) -> None:
        """Keep a line."""
        self.lines.append((stream, level, text))
        self._look(text)

    def progress(self, fraction: float, note: str) -> None:
        """Keep a report."""
        self.reports.append((fraction, note))
        self._look(note)

    def artifact(self, artifact: Artifact) -> None:
        """Keep a file."""
        self.artifacts[artifact.name] = artifact

    async def remember(self, key: str, value: Json) -> str | None:
        """Keep a result; there is never a reason not to."""
        self.once[key] = value
        return None

    def _look(self, text: str) -> None:
        if self._text is not None and self._text in text:
            self.awaited.set()


@dataclass(slots=True, kw_only=True)
class Call:
    """One attempt to be made in a worker. `entry_point` is (distribution, name, value), where the code is.

    `kept` is what earlier attempts did with `ctx.once`, by key.
    """

    function_name: str
    entry_point: tuple[str, str, str]
    is_async: bool
    payload: Mapping[str, Json] = field(default_factory=dict)
    execution_id: str = "test-execution"
    attempt: int = 1
    task_name: str | None = "test"
    scheduled_for: datetime = datetime(2030, 1, 1, tzinfo=UTC)
    kept: Mapping[str, Json] = field(default_factory=dict)
    timeout_seconds: float = 30.0
    grace_seconds: float = GRACE_SECONDS

    def spec(self) -> AttemptSpec:
        """The attempt as an executor takes it."""
        return AttemptSpec(
            execution_id=self.execution_id,
            attempt=self.attempt,
            trigger=Trigger.MANUAL,
            task_id=None if self.task_name is None else "test-task",
            task_name=self.task_name,
            scheduled_for=self.scheduled_for,
            timeout_seconds=self.timeout_seconds,
            grace_seconds=self.grace_seconds,
            idempotency_key=self.execution_id,
            function_name=self.function_name,
            payload=self.payload,
            entry_point=self.entry_point,
            is_async=self.is_async,
            kept=Kept(once=self.kept),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a call ended. `ending_seconds` is from the request to end, None without one; `seconds` from the call."""

    outcome: Outcome
    output: Captured
    seconds: float
    ending_seconds: float | None


@asynccontextmanager
async def open_pool(paths: Iterable[Path | str]) -> AsyncIterator[WorkerPool]:
    """A pool with one worker that can import from `paths`; everything has ended when the block is left."""
    environ = {"PYTHONPATH": python_path(paths, os.environ.get("PYTHONPATH"))}
    pool = WorkerPool(_Unchanging(), max_workers=1, environ=environ)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.close()


async def run_call(
    pool: WorkerPool, call: Call, *, cancel_when: str | None = None, cancel_after_seconds: float | None = None
) -> Done:
    """Run one call to its end, cancelling it when a line or note with that text has come, or after that time."""
    output, stop = Captured(text=cancel_when), Stop()
    asked_at: list[float] = []

    def cancel() -> None:
        if stop.why is None:
            asked_at.append(time.monotonic())
            stop.request("cancelled")

    async def watch() -> None:
        await output.awaited.wait()
        cancel()

    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch(), name="watch for the moment to cancel")
        timer = None
        if cancel_after_seconds is not None:
            timer = asyncio.get_running_loop().call_later(cancel_after_seconds, cancel)
        try:
            outcome = await pool.run(call.spec(), output, stop)
        finally:
            watching.cancel()
            if timer is not None:
                timer.cancel()
    ended = time.monotonic()
    if not asked_at and outcome.verdict == "timed_out":
        asked_at.append(began + call.timeout_seconds)
    return Done(
        outcome=outcome,
        output=output,
        seconds=ended - began,
        ending_seconds=ended - asked_at[0] if asked_at else None,
    )


def python_path(paths: Iterable[Path | str], present: str | None = None) -> str:
    """The value of PYTHONPATH with `paths` first.

    >>> python_path(["/a", "/b"], "/c").split(os.pathsep)
    ['/a', '/b', '/c']
    """
    return os.pathsep.join([*(str(path) for path in paths), *([present] if present else [])])


class _Unchanging:
    """Stands where the pool looks for new plugin code: there will be none."""

    generation: int = 0


def shown(line: tuple[Stream, str | None, str]) -> str:
    """An output line as text."""
    stream, level, text = line
    return f"{level or stream}: {text}"
