"""Looks after workers that run something: is the event loop free, is there memory left, is it time for a new process.

An async function that blocks the loop it shares cannot be asked to end, and the others on it stand still. A worker
that does not answer a ping gets no more runs at once; when it is silent for long, and says itself which run it is in,
that run is what the worker is ended for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cronplug.executors.child import Run, WorkerProcess
from cronplug.model import Reason

SILENT_SECONDS = 0.5
"""A shared worker that has not answered a ping for so long gets no more runs until it does."""
_SAMPLE_SECONDS = 1.0
_TICK_SECONDS = 0.25
_MEMORY_TICK_SECONDS = 0.05
_AGE_TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLimits:
    """When a worker is replaced: after so many calls, at an age, when it holds much memory after its calls, when idle.

    `stall_seconds` is how long a function may block an event loop that it shares. One idle worker always stays.
    """

    calls: int = 10_000
    age_seconds: float = 3_600.0
    resident_bytes: int = 1024 * 1024 * 1024
    idle_seconds: float = 60.0
    stall_seconds: float = 5.0


class Watch:
    """The steps. `on_blocked` is told of a run that blocked a shared loop for too long, `on_worn` of a worn out worker."""

    def __init__(
        self,
        limits: WorkerLimits,
        *,
        on_blocked: Callable[[WorkerProcess, Run], None],
        on_worn: Callable[[WorkerProcess], None],
    ) -> None:
        self._limits = limits
        self._on_blocked = on_blocked
        self._on_worn = on_worn
        self._next_ages_at = 0.0

    def look(self, workers: Iterable[WorkerProcess]) -> float:
        """Look at each worker once; returns the seconds until the next look."""
        now = asyncio.get_running_loop().time()
        ages = now >= self._next_ages_at
        if ages:
            self._next_ages_at = now + _AGE_TICK_SECONDS
        limited = False
        for worker in tuple(workers):
            if worker.memory_limit_bytes is not None and worker.runs:
                limited = True
                self._look_at_memory(worker, worker.memory_limit_bytes)
            elif worker.runs and not worker.exclusive:
                self._look_at_loop(worker, now)
            if ages and worker.calls and self._is_worn(worker, now):
                self._on_worn(worker)
        return _MEMORY_TICK_SECONDS if limited else _TICK_SECONDS

    def _look_at_memory(self, worker: WorkerProcess, limit: int) -> None:
        if worker.resident_bytes() > limit:
            for run in worker.runs.values():
                run.fault = run.fault or Reason.OUT_OF_MEMORY
            worker.kill()

    def _look_at_loop(self, worker: WorkerProcess, now: float) -> None:
        if worker.silent_since is None:
            worker.ping()
            return
        silent = now - worker.silent_since
        if silent >= _SAMPLE_SECONDS * (worker.samples + 1):
            worker.ask_where()
        if silent >= self._limits.stall_seconds and (blocking := worker.blocking_run(samples=2)) is not None:
            self._on_blocked(worker, blocking)

    def _is_worn(self, worker: WorkerProcess, now: float) -> bool:
        return (
            now - worker.started_at > self._limits.age_seconds or worker.resident_bytes() > self._limits.resident_bytes
        )
