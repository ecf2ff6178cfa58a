"""A registry with the strange functions, a pool, and a way to run one function and see all that came of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cronplug.executors.base import AttemptSpec, Outcome, Stop
from cronplug.executors.pool import WorkerPool
from cronplug.model import Stream, Trigger
from cronplug.registry import Registry
from cronplug.sdk.keeping import Artifact
from tests.registry.installing import FIRST_PARTY, Site

FIRE_TIME = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)
WAIT_SECONDS = 20


class Recorder:
    """An Output that remembers, and that tests can wait on."""

    def __init__(self) -> None:
        self.lines: list[tuple[Stream, str | None, str]] = []
        self.progress_seen: list[tuple[float, str]] = []
        self.artifacts: dict[str, Artifact] = {}
        self.remembered: dict[str, Any] = {}
        self.refusal: str | None = None
        self._changed = asyncio.Event()

    def line(self, stream: Stream, text: str, *, level: str | None = None, at: datetime | None = None) -> None:
        self.lines.append((stream, level, text))
        self._changed.set()

    def progress(self, fraction: float, note: str) -> None:
        self.progress_seen.append((fraction, note))

    def artifact(self, artifact: Artifact) -> None:
        self.artifacts[artifact.name] = artifact

    async def remember(self, key: str, value: Any) -> str | None:
        if self.refusal is None:
            self.remembered[key] = value
        return self.refusal

    def texts(self, stream: Stream | None = None) -> list[str]:
        return [text for of, _, text in self.lines if stream in (None, of)]

    async def wait_for(self, text: str) -> None:
        """Wait until a line with exactly this text has come."""
        async with asyncio.timeout(WAIT_SECONDS):
            while text not in self.texts():
                self._changed.clear()
                await self._changed.wait()

    async def wait_for_line(self) -> str:
        """Wait until there is a line, and give it."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not self.lines:
                self._changed.clear()
                await self._changed.wait()
        return self.lines[0][2]


@dataclass
class Attempt:
    """One attempt under way in a test."""

    output: Recorder
    stop: Stop
    outcome: asyncio.Task[Outcome]


@dataclass
class Bench:
    """Runs strange functions on pools, and closes the pools."""

    registry: Registry
    pools: list[WorkerPool] = field(default_factory=list)
    _count: int = 0

    async def pool(self, *, max_workers: int = 2, **options: Any) -> WorkerPool:
        pool = WorkerPool(self.registry, max_workers=max_workers, **options)
        await pool.start()
        self.pools.append(pool)
        return pool

    def spec(
        self,
        name: str,
        payload: dict[str, Any] | None = None,
        *,
        timeout: float = 15,
        grace: float = 5,
        execution_id: str | None = None,
    ) -> AttemptSpec:
        self._count += 1
        function = self.registry.function(name)
        assert function is not None
        return AttemptSpec(
            execution_id=execution_id or f"execution-{self._count}",
            attempt=1,
            trigger=Trigger.SCHEDULE,
            task_id="task",
            task_name="Strange",
            scheduled_for=FIRE_TIME,
            timeout_seconds=timeout,
            grace_seconds=grace,
            idempotency_key="key",
            function_name=name,
            payload=payload or {},
            entry_point=self.registry.entry_point_of(name),
            is_async=function.is_async,
            memory_mb=function.memory_mb,
        )

    def begin(self, pool: WorkerPool, name: str, payload: dict[str, Any] | None = None, **options: Any) -> Attempt:
        output, stop = Recorder(), Stop()
        run: Coroutine[Any, Any, Outcome] = pool.run(self.spec(name, payload, **options), output, stop)
        return Attempt(output, stop, asyncio.create_task(run))

    async def run(
        self, pool: WorkerPool, name: str, payload: dict[str, Any] | None = None, **options: Any
    ) -> tuple[Outcome, Recorder]:
        attempt = self.begin(pool, name, payload, **options)
        async with asyncio.timeout(WAIT_SECONDS):
            return await attempt.outcome, attempt.output


@pytest.fixture(scope="session")
def strange_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(tmp_path_factory.mktemp("strange-site"))
    site.install("strange-functions", Path(__file__).with_name("strange_functions.py"))
    return site


@pytest.fixture(scope="module")
def strange_registry(strange_site: Site) -> Iterator[Registry]:
    with pytest.MonkeyPatch.context() as patch:
        strange_site.put_on_path(patch)
        registry = Registry(blocked=FIRST_PARTY)
        records = asyncio.run(registry.rescan())
        assert [record.error for record in records] == [None] * len(records)
        yield registry


@pytest.fixture
async def bench(strange_registry: Registry) -> AsyncIterator[Bench]:
    bench = Bench(strange_registry)
    yield bench
    for pool in bench.pools:
        async with asyncio.timeout(WAIT_SECONDS):
            await pool.close()


@pytest.fixture
async def pool(bench: Bench) -> WorkerPool:
    """A pool of at most two workers."""
    return await bench.pool()


def is_running(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something outside this process, which cannot call back."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)
