"""cronplug itself: its own store and engine, every execution durable (SQLite with synchronous=FULL, or PostgreSQL)."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvloop

from bench.figures import GaveUp, lateness_of
from cronplug.app import App, running_app
from cronplug.clock import Clock, SystemClock
from cronplug.ids import IdGenerator
from cronplug.model import (
    ENDED,
    CronRule,
    Execution,
    IntervalRule,
    Overlap,
    ScheduleRule,
    Status,
    Task,
    TaskDefinition,
    TaskType,
    Trigger,
)
from cronplug.schedules import tzdata_version
from cronplug.settings import Settings, load_settings
from cronplug.store import Conn, Store, executions, tasks
from cronplug.store.executions import ExecutionFilter

DISTRIBUTION = "cronplug-bench"
MODULE = "cronplug_bench"
SOURCE = """
import time
from cronplug import function

starts = []

@function("bench.inline", isolation="inline")
async def inline() -> None: ...

@function("bench.timed", isolation="inline")
async def timed() -> None:
    starts.append(time.time())

@function("bench.worker")
async def worker() -> None: ...
"""
SLOTS = 500
TOKEN = "bench-token-0123456789-0123456789-0123"
BATCH = 1000
PER_SECOND = 500
STANDSTILL_SECONDS = 30


def install_plugin(folder: Path) -> None:
    """Put the functions that are measured into `folder` the way pip does; PYTHONPATH names it."""
    metadata = folder / "cronplug_bench-1.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (folder / f"{MODULE}.py").write_text(SOURCE)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[scheduler.tasks]\nbench = {MODULE}\n")


def environment(folder: Path, *, slots: int = 5) -> dict[str, str]:
    postgres = os.environ.get("CRONPLUG_BENCH_POSTGRES")
    return {
        **({"SCHEDULER_DATABASE_URL": postgres} if postgres else {}),
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


@asynccontextmanager
async def api_client(folder: Path, *, clock: Clock | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API over the database in `folder`, on the application's side of the socket; nothing runs there."""
    async with running_app(settings_for(folder, slots=5), clock=clock) as app:
        transport = httpx.ASGITransport(app=app.api)  # type: ignore[arg-type]  # Quart types its scopes more narrowly
        async with httpx.AsyncClient(
            transport=transport,
            base_url="http://127.0.0.1:3399/api/scheduler",
            headers={"Authorization": f"Bearer {TOKEN}"},
            event_hooks={"response": [_check]},
            timeout=60,
        ) as client:
            yield client


async def _check(response: httpx.Response) -> None:
    response.raise_for_status()


async def insert_queued(store: Store, count: int, function: str | None, **more: Any) -> None:
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
            timeout_seconds=60,
            **{"payload": {}, **more},
        )
        for _ in range(count)
    ]
    for start in range(0, count, BATCH):
        part = queued[start : start + BATCH]

        async def insert(conn: Conn, part: list[Execution] = part) -> None:
            await executions.insert_executions(conn, part)

        await store.write(insert)


async def until_ended(store: Store, count: int) -> None:
    """Until all have succeeded. Raises GaveUp when one has not, or nothing more succeeds."""
    wanted = ExecutionFilter(statuses=frozenset({Status.SUCCESS}))
    others = ExecutionFilter(statuses=ENDED - {Status.SUCCESS})
    seen, since = 0, time.monotonic()
    while seen < count:
        await asyncio.sleep(0.01)
        now = await store.read(lambda conn: executions.count_executions(conn, wanted, cap=count))
        if now == seen and time.monotonic() - since > STANDSTILL_SECONDS:
            raise GaveUp(f"{seen} of {count} have succeeded, and no more do")
        if now > seen:
            seen, since = now, time.monotonic()
    if failed := await store.read(lambda conn: executions.count_executions(conn, others, cap=1)):
        raise GaveUp(f"{failed} executions or more did not succeed")


async def throughput(folder: Path, count: int, kind: str) -> dict[str, float]:
    """A backlog of queued executions, worked off as fast as it goes; and the server's own CPU time for each."""
    async with running_app(settings_for(folder, slots=SLOTS)) as app:
        await insert_queued(app.store, count, f"bench.{kind}")
        began, began_cpu = time.perf_counter(), time.process_time()
        async with engine_running(app):
            await until_ended(app.store, count)
            elapsed, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    return {"per_second": count / elapsed, "cpu_ms": cpu / count * 1000}


async def insert_tasks(store: Store, definitions: Iterable[tuple[TaskDefinition, datetime]]) -> None:
    """Tasks with the instants at which they are next due."""
    ids, now = IdGenerator(1), SystemClock().now()
    made = [
        Task(
            id=ids.new(now),
            definition=definition,
            revision=1,
            created_at=now,
            updated_at=now,
            next_run_at=next_run_at,
            tzdata_version=tzdata_version(),
        )
        for definition, next_run_at in definitions
    ]
    for start in range(0, len(made), BATCH):
        part = made[start : start + BATCH]

        async def insert(conn: Conn, part: list[Task] = part) -> None:
            for task in part:
                await tasks.insert_task(conn, task)

        await store.write(insert)


def definition_of(number: int, rule: ScheduleRule, **more: Any) -> TaskDefinition:
    return TaskDefinition(
        name=f"task {number}",
        type=TaskType.FUNCTION,
        schedules=(rule,),
        function_name="bench.timed",
        overlap=Overlap.ALLOW,
        **more,
    )


async def timed_starts(app: App, due: Sequence[float]) -> dict[str, float]:
    """Run the engine until all that is due has run, as the functions themselves saw it."""
    if due[0] < time.time() + 1:
        raise GaveUp("storing the tasks took too long for this measurement")
    async with engine_running(app):
        await until_ended(app.store, len(due))
    return lateness_of(sys.modules[MODULE].starts, due)


async def lateness(folder: Path, count: int) -> dict[str, float]:
    """Tasks that are all due on one second, to the first line of each one's function."""
    async with running_app(settings_for(folder, slots=SLOTS)) as app:
        at = (SystemClock().now() + timedelta(seconds=5 + count / 300)).replace(microsecond=0)
        rule = CronRule(cron_expression=f"{at.second} {at.minute} {at.hour} * * *", timezone="UTC")
        await insert_tasks(app.store, ((definition_of(number, rule), at) for number in range(count)))
        return await timed_starts(app, [at.timestamp()] * count)


async def steady(folder: Path, count: int) -> dict[str, float]:
    """500 tasks with an interval of a second, spread over the second evenly, so that one is due every 2 ms."""
    async with running_app(settings_for(folder, slots=SLOTS)) as app:
        first = (SystemClock().now() + timedelta(seconds=6)).replace(microsecond=0)
        last = first + timedelta(milliseconds=count * 1000 // PER_SECOND - 1)
        anchors = [first + timedelta(milliseconds=number * 1000 // PER_SECOND) for number in range(PER_SECOND)]
        rules = [IntervalRule(every_seconds=1, timezone="UTC", anchor_at=anchor) for anchor in anchors]
        await insert_tasks(
            app.store,
            (
                (definition_of(n, rule, end_at=last), at)
                for n, (rule, at) in enumerate(zip(rules, anchors, strict=True))
            ),
        )
        return await timed_starts(app, [first.timestamp() + number / PER_SECOND for number in range(count)])


def main() -> None:
    gc.freeze()  # as `cronplug serve` does once everything is imported
    what, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    measure: dict[str, Callable[[], Coroutine[Any, Any, dict[str, float]]]] = {
        "throughput": lambda: throughput(folder, count, "inline"),
        "throughput-worker": lambda: throughput(folder, count, "worker"),
        "lateness": lambda: lateness(folder, count),
        "steady": lambda: steady(folder, count),
    }
    print(json.dumps(uvloop.run(measure[what]())))


if __name__ == "__main__":
    main()
