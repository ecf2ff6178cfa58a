"""PostgreSQL: rows are locked in one order, tasks before executions and both by rising id, so that nothing deadlocks.

A transaction that has to wait for the first row of that order must not have locked any other by then.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

import asyncpg
import pytest_asyncio

from cronplug.ids import decode_id
from cronplug.model import Execution, Reason, Status, Task
from cronplug.store import Conn, Store, executions, health, many_tasks, tasks
from tests.store.making import NODE, NOW, Maker, after
from tests.store.test_executions import claim, insert

Unit = Callable[[Conn], Awaitable[object]]


@pytest_asyncio.fixture
async def node(emptied_postgres_url: str) -> AsyncIterator[Store]:
    store = await Store.open(emptied_postgres_url, pool_size=3)
    yield store
    await store.close()


async def locked_while_waiting(
    url: str, node: Store, unit: Unit, *, first: tuple[str, str], others: tuple[str, Sequence[str]]
) -> int:
    """How many of the others (table, ids) `unit` has locked while it waits for the first row, which somebody holds."""
    holder, prober = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        async with asyncio.TaskGroup() as group, asyncio.timeout(20):
            hold = holder.transaction()
            await hold.start()
            await holder.execute(f"SELECT id FROM {first[0]} WHERE id = $1 FOR NO KEY UPDATE", decode_id(first[1]))
            waiting = group.create_task(node.write(unit))
            while not await prober.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.005)
            table, ids = others[0], [decode_id(other) for other in others[1]]
            free = await prober.fetch(f"SELECT id FROM {table} WHERE id = ANY($1) FOR NO KEY UPDATE SKIP LOCKED", ids)
            await hold.rollback()
            await waiting
        return len(ids) - len(free)
    finally:
        await holder.close()
        await prober.close()


async def running(node: Store, make: Maker, *, count: int, task: Task | None = None) -> list[Execution]:
    """Running executions by rising id, which lie the other way round on the disk."""
    new = [make.execution(task_id=None if task is None else task.id) for _ in range(count)]
    for execution in reversed(new):
        await insert(node, execution)
    return sorted(await claim(node, limit=count), key=lambda it: it.id)


def ended(execution: Execution, status: Status) -> executions.Finish:
    return executions.Finish(
        execution_id=execution.id,
        attempt=execution.attempt,
        lease_owner=NODE,
        status=status,
        reason=Reason.ERROR,
        finished_at=after(60),
    )


async def test_ends_wait_for_their_tasks_before_they_lock_executions(
    node: Store, emptied_postgres_url: str, make: Maker
) -> None:
    task = make.task()
    await node.write(partial(tasks.insert_task, task=task))
    (execution,) = await running(node, make, count=1, task=task)

    async def end(conn: Conn) -> None:
        finishes = [ended(execution, Status.FAILED)]
        await health.hold_tasks(conn, finishes)
        won = await executions.finish_executions(conn, finishes)
        assert await health.keep_failing_since(conn, finishes, won) == {task.id}

    locked = await locked_while_waiting(
        emptied_postgres_url, node, end, first=("tasks", task.id), others=("executions", [execution.id])
    )
    assert locked == 0


async def test_executions_are_locked_by_rising_id(node: Store, emptied_postgres_url: str, make: Maker) -> None:
    task = make.task()
    await node.write(partial(tasks.insert_task, task=task))
    all_ = await running(node, make, count=50, task=task)
    falling = [execution.id for execution in reversed(all_)]
    progress = [
        executions.RunningUpdate(execution_id=id_, attempt=1, lease_owner=NODE, log_lines=1, log_truncated=False)
        for id_ in falling
    ]

    async def replace(conn: Conn) -> None:
        await tasks.lock_tasks(conn, [task.id])
        await executions.replace_unfinished(conn, [task.id], message="Replaced.", now=NOW)

    units: dict[str, Unit] = {
        "renew": lambda conn: executions.renew_leases(conn, falling, node_id=NODE, lease_until=after(90)),
        "progress": lambda conn: executions.update_running(conn, progress),
        "replace": replace,
        "end": lambda conn: executions.finish_executions(conn, [ended(it, Status.SUCCESS) for it in reversed(all_)]),
    }
    first, *others = reversed(falling)
    for name, unit in units.items():
        locked = await locked_while_waiting(
            emptied_postgres_url, node, unit, first=("executions", first), others=("executions", others)
        )
        assert (name, locked) == (name, 0)


async def test_tasks_are_locked_by_rising_id(node: Store, emptied_postgres_url: str, make: Maker) -> None:
    all_ = [make.task(next_run_at=NOW) for _ in range(50)]
    for task in reversed(all_):
        await node.write(partial(tasks.insert_task, task=task))
    later = NOW + timedelta(hours=1)
    advances = [
        tasks.Advance(task_id=it.id, expected_next_run_at=NOW, expected_revision=1, next_run_at=later) for it in all_
    ]
    changes = [(it, dataclasses.replace(it, revision=2)) for it in all_]
    units: dict[str, Unit] = {
        "change": lambda conn: many_tasks.update_tasks(conn, changes),
        "advance": lambda conn: tasks.advance_tasks(conn, advances),
    }
    first, *others = [task.id for task in all_]
    for name, unit in units.items():
        locked = await locked_while_waiting(
            emptied_postgres_url, node, unit, first=("tasks", first), others=("tasks", others)
        )
        assert (name, locked) == (name, 0)
