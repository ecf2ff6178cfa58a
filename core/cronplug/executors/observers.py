"""Tells plugins what happens, in a process of their own, one hook after the other, never in anyone's way."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from cronplug.clock import Clock, SystemClock
from cronplug.executors.child import Run, WorkerLost, WorkerProcess
from cronplug.executors.warden import Warden
from cronplug.model import Json, Stream
from cronplug.sdk.keeping import Artifact

_log = logging.getLogger(__name__)

EntryPointName = tuple[str, str, str]
_MAX_WAITING = 1_000
_LAST_HOOKS_SECONDS = 2.0


class ObservedRegistry(Protocol):
    """What observers need of the registry."""

    @property
    def generation(self) -> int:
        """Rises when plugin code has changed."""
        ...

    def observers(self) -> Mapping[str, list[EntryPointName]]:
        """For each hook that has any: the entry points of the plugins that implement it."""
        ...

    def note_hook_fault(self, distribution: str, hook: str, message: str, *, at: datetime) -> None:
        """Keep what a hook did wrong beside its plugin."""
        ...


class Observers:
    """The plugins' observing hooks. What a hook prints, and how it fails, goes to the server's log; failures are kept
    with the plugin's record too.

    A plugin's hook that takes longer than `limit_seconds` is killed. When hooks are slower than events, the oldest
    events beyond 1,000 are dropped, which is logged. `warden`, which must live longer, ends what hooks start.
    """

    def __init__(
        self,
        registry: ObservedRegistry,
        *,
        python: str = sys.executable,
        limit_seconds: float = 5.0,
        clock: Clock | None = None,
        warden: Warden | None = None,
    ) -> None:
        self._registry = registry
        self._clock = clock or SystemClock()
        self._python = python
        self._limit_seconds = limit_seconds
        self._warden = warden
        self._waiting: deque[tuple[str, Mapping[str, Json]]] = deque(maxlen=_MAX_WAITING)
        self._dropped = 0
        self._delivery: asyncio.Task[None] | None = None
        self._worker: WorkerProcess | None = None
        self._closed = False

    def wants(self, hook: str) -> bool:
        """Whether any plugin has `hook`: without one there is nobody to tell."""
        return not self._closed and hook in self._registry.observers()

    def notify(self, hook: str, **facts: Json) -> None:
        """Have `hook` called with `facts`; returns at once, and does nothing when no plugin has the hook."""
        if not self.wants(hook):
            return
        if len(self._waiting) == _MAX_WAITING:
            self._dropped += 1
        self._waiting.append((hook, facts))
        if self._delivery is None or self._delivery.done():
            self._delivery = asyncio.create_task(self._deliver_waiting(), name="observers")

    async def close(self) -> None:
        """Deliver what waits, for at most two seconds, and end the process."""
        self._closed = True
        if self._delivery is not None:
            try:
                async with asyncio.timeout(_LAST_HOOKS_SECONDS):
                    await self._delivery
            except TimeoutError:
                _log.warning("%d events were not told to plugins before the end", len(self._waiting) + 1)
        if self._worker is not None:
            if self._worker.runs:
                self._worker.kill()
            await self._worker.retire()
            self._worker = None

    async def _deliver_waiting(self) -> None:
        while self._waiting:
            hook, facts = self._waiting.popleft()
            if self._dropped:
                _log.warning("%d events were not told to plugins: their hooks are too slow", self._dropped)
                self._dropped = 0
            for distribution, entry_points in _by_distribution(self._registry.observers().get(hook, [])).items():
                await self._deliver(hook, facts, distribution, entry_points)

    async def _deliver(
        self, hook: str, facts: Mapping[str, Json], distribution: str, entry_points: list[list[str]]
    ) -> None:
        try:
            worker = await self._ready_worker()
            run = worker.begin(
                {
                    "kind": "observe",
                    "hook": hook,
                    "facts": dict(facts),
                    "distribution": distribution,
                    "entry_points": entry_points,
                },
                _LogOutput(distribution),
            )
            frame = await self._limited(worker, run)
        except WorkerLost as loss:
            self._tell_fault(distribution, hook, f"its process {loss}")
            return
        except TimeoutError:
            self._tell_fault(distribution, hook, f"it took longer than {self._limit_seconds:g} s and was killed")
            return
        if not frame["success"]:
            self._tell_fault(distribution, hook, str(frame["error_message"]))

    def _tell_fault(self, distribution: str, hook: str, message: str) -> None:
        _log.error("hook %s of plugin %s failed: %s", hook, distribution, message)
        self._registry.note_hook_fault(distribution, hook, message, at=self._clock.now())

    async def _limited(self, worker: WorkerProcess, run: Run) -> Mapping[str, Json]:
        """The end of a hook; raises TimeoutError for one that had to be killed for its slowness."""
        late = False

        def kill() -> None:
            nonlocal late
            late = True
            worker.kill(run)

        timer = asyncio.get_running_loop().call_later(self._limit_seconds, kill)
        try:
            return await run.wait()
        except WorkerLost:
            if late:
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()

    async def _ready_worker(self) -> WorkerProcess:
        generation = self._registry.generation
        if self._worker is not None and (not self._worker.alive or self._worker.generation != generation):
            worker, self._worker = self._worker, None
            await worker.retire()
        if self._worker is None:
            self._worker = await WorkerProcess.start(0, python=self._python, generation=generation, warden=self._warden)
        return self._worker


def _by_distribution(entry_points: list[EntryPointName]) -> dict[str, list[list[str]]]:
    grouped: dict[str, list[list[str]]] = {}
    for distribution, name, value in entry_points:
        grouped.setdefault(distribution, []).append([name, value])
    return grouped


class _LogOutput:
    """Writes what hooks print to the server's log."""

    def __init__(self, distribution: str) -> None:
        self._distribution = distribution

    def line(self, stream: Stream, text: str, *, level: str | None = None, at: datetime | None = None) -> None:
        number = logging.getLevelNamesMapping().get((level or "info").upper(), logging.INFO)
        _log.log(number, "plugin %s: %s", self._distribution, text)

    def progress(self, fraction: float, note: str) -> None:
        """Hooks have none."""

    def artifact(self, artifact: Artifact) -> None:
        """Hooks have none."""

    async def remember(self, key: str, value: Json) -> str | None:
        """Hooks belong to no attempt."""
        return "a hook has no attempts"
