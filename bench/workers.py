"""The worker processes: how fast a call goes there and back, how surely a run ends, how output gets out."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import uvloop

from bench.figures import rss_megabytes
from bench.ours import TOKEN, engine_running, environment, throughput
from cronplug.app import App, running_app
from cronplug.executors.base import AttemptSpec, Stop
from cronplug.executors.pool import WorkerPool
from cronplug.model import Json, Stream, Trigger
from cronplug.registry import Registry
from cronplug.sdk.keeping import Artifact
from cronplug.settings import load_settings

DISTRIBUTION = "cronplug-bench-workers"
SOURCE = """
import asyncio
import os
from cronplug import function

@function("workers.nothing")
async def nothing() -> None: ...

@function("workers.nothing-sync")
def nothing_sync() -> None: ...

@function("workers.spin")
def spin() -> None:
    print(os.getpid(), flush=True)
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue

@function("workers.swallow")
async def swallow() -> None:
    print(os.getpid(), flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue

@function("workers.lines")
def lines(count: int) -> None:
    for number in range(count):
        print(f"line {number} of {count}: the quick brown fox jumps over the lazy dog")

@function("workers.side-by-side")
async def side_by_side(seconds: float) -> int:
    await asyncio.sleep(seconds)
    return os.getpid()
"""


def install_plugin(folder: Path) -> None:
    """Put the functions that are measured into `folder` the way pip does; PYTHONPATH names it."""
    metadata = folder / "cronplug_bench_workers-1.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (folder / "cronplug_bench_workers.py").write_text(SOURCE)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[scheduler.tasks]\nbench = cronplug_bench_workers\n")


class Silence:
    """An Output that keeps only the first line."""

    def __init__(self) -> None:
        self.first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def line(self, stream: Stream, text: str, *, level: str | None = None, at: datetime | None = None) -> None:
        if not self.first.done():
            self.first.set_result(text)

    def progress(self, fraction: float, note: str) -> None: ...

    def artifact(self, artifact: Artifact) -> None: ...

    async def remember(self, key: str, value: Json) -> str | None:
        return None


@asynccontextmanager
async def pool_running(workers: int) -> AsyncIterator[tuple[Registry, WorkerPool]]:
    registry = Registry()
    await registry.rescan()
    pool = WorkerPool(registry, max_workers=workers)
    await pool.start()
    try:
        yield registry, pool
    finally:
        await pool.close()


def spec_of(registry: Registry, name: str, *, timeout: float = 60, grace: float = 5, **payload: Any) -> AttemptSpec:
    function = registry.function(name)
    assert function is not None
    return AttemptSpec(
        execution_id="bench",
        attempt=1,
        trigger=Trigger.API,
        scheduled_for=datetime.now(UTC),
        timeout_seconds=timeout,
        grace_seconds=grace,
        idempotency_key="bench",
        function_name=name,
        payload=payload,
        entry_point=registry.entry_point_of(name),
        is_async=function.is_async,
    )


async def round_trip(folder: Path, count: int) -> dict[str, float]:
    """One call after the other through one warm worker: what a run pays for its isolation."""
    measured = {}
    async with pool_running(1) as (registry, pool):
        for kind in ("nothing", "nothing-sync"):
            spec, took = spec_of(registry, f"workers.{kind}"), []
            for _ in range(count + 50):
                began = time.perf_counter()
                outcome = await pool.run(spec, Silence(), Stop())
                took.append((time.perf_counter() - began) * 1000)
                assert outcome.verdict == "success", outcome
            took = sorted(took[50:])
            measured[f"{kind}_p50_ms"] = took[len(took) // 2]
            measured[f"{kind}_p99_ms"] = took[int(len(took) * 0.99)]
    return measured


async def kills(folder: Path, count: int) -> dict[str, float]:
    """From the limit of a function that will not end to its dead process, beyond the grace."""
    beyond: dict[str, list[float]] = {"spin": [], "swallow": []}
    timeout, grace = 1.0, 1.0
    async with pool_running(1) as (registry, pool):
        for kind, taken in beyond.items():
            for _ in range(count):
                await pool.run(spec_of(registry, "workers.nothing-sync"), Silence(), Stop())
                output = Silence()
                began = time.perf_counter()
                spec = spec_of(registry, f"workers.{kind}", timeout=timeout, grace=grace)
                outcome = await pool.run(spec, output, Stop())
                ended = time.perf_counter() - began
                assert outcome.verdict == "timed_out", outcome
                assert not _runs(int(await output.first))
                taken.append(ended - timeout - grace)
    return {f"{kind}_seconds": max(taken) for kind, taken in beyond.items()}


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def side_by_side(folder: Path, count: int) -> dict[str, float]:
    """Async runs that each wait a second, all in one worker."""
    async with pool_running(1) as (registry, pool):
        await pool.run(spec_of(registry, "workers.nothing"), Silence(), Stop())
        spec = spec_of(registry, "workers.side-by-side", seconds=1.0)
        began = time.perf_counter()
        outcomes = await asyncio.gather(*(pool.run(spec, Silence(), Stop()) for _ in range(count)))
        elapsed = time.perf_counter() - began
    assert len({outcome.result for outcome in outcomes}) == 1
    assert all(outcome.verdict == "success" for outcome in outcomes)
    return {"seconds": elapsed}


async def lines(folder: Path, count: int) -> dict[str, float]:
    """A server, a function that prints, and a client that follows its output: to the client's last line."""
    settings = load_settings(environment(folder) | {"SCHEDULER_PORT": "34118"})
    async with running_app(settings) as app, engine_running(app), _served(app, 34118) as url:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(base_url=f"{url}/api/scheduler", headers=headers, timeout=60) as client:
            await client.post("/functions/workers.nothing-sync/invoke?wait=30", json={"payload": {}})
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            began = time.perf_counter()
            started = await client.post("/functions/workers.lines/invoke", json={"payload": {"count": count}})
            execution_id, seen = started.json()["executionId"], 0
            async with client.stream("GET", f"/executions/{execution_id}/log/stream") as stream:
                async for line in stream.aiter_lines():
                    seen += line.startswith("id: ")
                    if line == "event: end":
                        break
            elapsed = time.perf_counter() - began
            assert seen == count, seen
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {"seconds": elapsed, "grown_megabytes": grown, "megabytes": rss_megabytes(os.getpid())}


@asynccontextmanager
async def _served(app: App, port: int) -> AsyncIterator[str]:
    config = uvicorn.Config(app.api, port=port, log_config=None, access_log=False, http="h11", ws="none")
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
        app.bus.close()
        server.should_exit = True


def main() -> None:
    gc.freeze()  # as `cronplug serve` does once everything is imported
    what, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    measure: dict[str, Callable[[], Coroutine[Any, Any, dict[str, float]]]] = {
        "round-trip": lambda: round_trip(folder, count),
        "throughput": lambda: throughput(folder, count, "worker"),
        "kills": lambda: kills(folder, count),
        "side-by-side": lambda: side_by_side(folder, count),
        "lines": lambda: lines(folder, count),
    }
    print(json.dumps(uvloop.run(measure[what]())))


if __name__ == "__main__":
    main()
