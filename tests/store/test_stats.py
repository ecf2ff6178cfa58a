"""Figures over everything."""

from __future__ import annotations

from functools import partial

from cronplug.model import Status, TaskType
from cronplug.store import Store, stats, tasks
from tests.store.making import NOW, Maker, after
from tests.store.test_executions import insert

DAY = 24 * 3600


async def test_an_empty_store_has_zeros(store: Store) -> None:
    empty = await store.read(lambda conn: stats.select_stats(conn, now=NOW))

    assert (empty.total_tasks, empty.enabled_tasks, empty.active_jobs, empty.last_24h_executions) == (0, 0, 0, 0)
    assert (empty.active_executions, empty.queued_executions, empty.failing_tasks) == (0, 0, 0)
    assert await store.read(stats.count_tasks_by_function) == {}


async def test_tasks_and_executions_are_counted(store: Store, make: Maker) -> None:
    for task in (
        make.task(next_run_at=NOW),
        make.task(),
        make.task(enabled=False, function_name="acme.other"),
        make.task(type=TaskType.HTTP, http_url="http://example.org"),
    ):
        await store.write(partial(tasks.insert_task, task=task))
    await insert(
        store,
        make.execution(at=after(-DAY - 1), status=Status.RUNNING),
        make.execution(at=after(-DAY - 1), status=Status.SUCCESS),
        make.execution(at=after(-DAY), status=Status.SUCCESS),
        make.execution(status=Status.SUCCESS),
        make.execution(status=Status.FAILED),
        *(make.execution() for _ in range(3)),
    )

    found = await store.read(lambda conn: stats.select_stats(conn, now=NOW))

    assert (found.total_tasks, found.enabled_tasks, found.active_jobs) == (4, 3, 1)
    assert (found.active_executions, found.queued_executions, found.last_24h_executions) == (1, 3, 6)
    counted = {status: count for status, count in found.last_24h_by_status.items() if count}
    assert counted == {Status.SUCCESS: 2, Status.FAILED: 1, Status.QUEUED: 3}
    assert set(found.last_24h_by_status) == set(Status)
    assert await store.read(stats.count_tasks_by_function) == {"acme.report": 2, "acme.other": 1}


async def test_a_database_has_a_size(store: Store) -> None:
    assert await store.read(stats.database_size) > 10_000
