"""cronplug itself: its own store and engine, every execution durable (SQLite, synchronous=FULL)."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import uvloop

from bench.figures import rss_megabytes
from cronplug.app import App, running_app
from cronplug.clock import SystemClock
from cronplug.ids import IdGenerator
from cronplug.model import CronRule, Execution, Overlap, Status, Task, TaskDefinition, TaskType, Trigger
from cronplug.settings import Settings, load_settings
from cronplug.store import Conn, Store, executions, migrate, tasks
from cronplug.store.executions import ExecutionFilter

DISTRIBUTION = "cronplug-bench"
SOURCE = """
from cronplug import function

@function("bench.inline", isolation="inline")
async def inline() -> None: ...

@function("bench.worker")
async def worker() -> None: ...
"""
SLOTS = 500
TOKEN = "bench-token-0123456789-0123456789-0123"
BATCH = 1000


def install_plugin(folder: Path) -> None:
    """Put the functions that are measured into `folder` the way pip does; PYTHONPATH names it."""
    metadata = folder / "cronplug_bench-1.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (folder / "cronplug_bench.py").write_text(SOURCE)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[scheduler.tasks]\nbench = cronplug_bench\n")


def environment(folder: Path, *, slots: int = 5) -> dict[str, str]:
    return {
        "SCHEDULER_DATA_DIR": str(folder),
        "SCHEDULER_MAX_CONCURRENCY": str(slots),
        "SCHEDULER_WORKERS": "2",
        "SCHEDULER_PLUGINS_TRUSTED": DISTRIBUTION,
        "SCHEDULER_ADMIN_TOKEN": TOKEN,
    }


def settings_for(folder: Path, *, slots: int) -> Settings:
    return load_settings(environment(folder, slots=slots))


@asynccontextmanager
async def engine_running(app: App) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        group.create_task(app.engine.run())
        yield
        await app.engine.stop(drain_seconds=5)


async def insert_queued(store: Store, count: int, function: str) -> None:
    ids, now = IdGenerator(1), SystemClock().now()
    queued = [
        Execution(
            id=ids.new(now),
            trigger=Trigger.API,
            status=Status.QUEUED,
            scheduled_for=now,
            queued_at=now,
            available_at=now,
            function_name=function,
            payload={},
            timeout_seconds=60,
        )
        for _ in range(count)
    ]
    for start in range(0, count, BATCH):
        part = queued[start : start + BATCH]

        async def insert(conn: Conn, part: list[Execution] = part) -> None:
            await executions.insert_executions(conn, part)

        await store.write(insert)


async def until_ended(store: Store, count: int) -> None:
    wanted = ExecutionFilter(statuses=frozenset({Status.SUCCESS}))
    while await store.read(lambda conn: executions.count_executions(conn, wanted, cap=count)) < count:
        await asyncio.sleep(0.01)


async def throughput(folder: Path, count: int, kind: str) -> dict[str, float]:
    """A backlog of queued executions, worked off as fast as it goes; and the server's own CPU time for each."""
    async with running_app(settings_for(folder, slots=SLOTS)) as app:
        await insert_queued(app.store, count, f"bench.{kind}")
        began, began_cpu = time.perf_counter(), time.process_time()
        async with engine_running(app):
            await until_ended(app.store, count)
            elapsed, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    return {"per_second": count / elapsed, "cpu_ms": cpu / count * 1000}


def definition_at(number: int, at: datetime | None, function: str = "bench.inline") -> TaskDefinition:
    cron = f"{number % 60} 3 * * *" if at is None else f"{at.second} {at.minute} {at.hour} * * *"
    return TaskDefinition(
        name=f"task {number}",
        type=TaskType.FUNCTION,
        schedules=(CronRule(cron_expression=cron, timezone="UTC"),),
        function_name=function,
        overlap=Overlap.ALLOW,
    )


async def insert_tasks(store: Store, count: int, at: datetime | None) -> None:
    ids, now = IdGenerator(1), SystemClock().now()
    following = at or now + timedelta(days=1)
    for start in range(0, count, BATCH):
        part = [
            Task(
                id=ids.new(now),
                definition=definition_at(number, at),
                revision=1,
                created_at=now,
                updated_at=now,
                next_run_at=following,
            )
            for number in range(start, min(start + BATCH, count))
        ]

        async def insert(conn: Conn, part: list[Task] = part) -> None:
            for task in part:
                await tasks.insert_task(conn, task)

        await store.write(insert)


async def lateness(folder: Path, count: int) -> dict[str, float]:
    """Tasks that are all due on one second; lateness is from the fire time to the start of the attempt."""
    async with running_app(settings_for(folder, slots=SLOTS)) as app:
        at = (SystemClock().now() + timedelta(seconds=6)).replace(microsecond=0)
        await insert_tasks(app.store, count, at)
        async with engine_running(app):
            await until_ended(app.store, count)
        ended = await app.store.read(
            lambda conn: executions.select_executions(
                conn, ExecutionFilter(statuses=frozenset({Status.SUCCESS})), limit=count
            )
        )
    late = sorted((e.started_at - at).total_seconds() * 1000 for e in ended if e.started_at and e.scheduled_for == at)
    return {"p50_ms": late[len(late) // 2], "p99_ms": late[int(len(late) * 0.99)], "ran": len(late)}


async def fill(folder: Path, count: int) -> dict[str, float]:
    """A migrated database with `count` tasks."""
    url = settings_for(folder, slots=5).database_url
    await migrate(url)
    store = await Store.open(url, sqlite_synchronous="normal", readers=1)
    await insert_tasks(store, count, None)
    await store.close()
    return {}


def start_up(folder: Path, count: int) -> dict[str, float]:
    """From the start of `cronplug serve` to ready, and its memory then; then the first page of tasks."""
    port = "34117"
    environ = os.environ | environment(folder) | {"SCHEDULER_PORT": port, "SCHEDULER_LOG_LEVEL": "error"}
    began = time.perf_counter()
    server = subprocess.Popen([sys.executable, "-m", "cronplug", "serve"], env=environ)
    try:
        while not _get(f"http://127.0.0.1:{port}/readyz"):
            if server.poll() is not None:
                raise SystemExit(f"cronplug serve ended with {server.returncode}")
            time.sleep(0.005)
        started = time.perf_counter() - began
        time.sleep(2)  # what comes after being ready is memory too
        memory = rss_megabytes(server.pid)
        began = time.perf_counter()
        page = _get(f"http://127.0.0.1:{port}/api/scheduler/tasks?pageSize=100")
        listing = time.perf_counter() - began
        assert page is not None
        assert json.loads(page)["total"] >= min(count, 10_000)
    finally:
        server.terminate()
        server.wait()
    return {"start_seconds": started, "megabytes": memory, "list_seconds": listing}


def _get(url: str) -> bytes | None:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            body: bytes = answer.read()
            return body
    except (urllib.error.URLError, ConnectionError):
        return None


def main() -> None:
    gc.freeze()  # as `cronplug serve` does once everything is imported
    what, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    measured: Any
    if what == "start":
        measured = start_up(folder, count)
    else:
        measure: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
            "throughput": lambda: throughput(folder, count, "inline"),
            "throughput-worker": lambda: throughput(folder, count, "worker"),
            "lateness": lambda: lateness(folder, count),
            "fill": lambda: fill(folder, count),
        }
        measured = uvloop.run(measure[what]())
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
