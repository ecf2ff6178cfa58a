"""Since when tasks fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from cronplug.model import Execution, Reason, Status, Task
from cronplug.store import Conn, Store, executions, health, tasks
from cronplug.store.executions import Finish
from cronplug.store.migrations.versions.v0005_figures import FAILING_SINCE
from cronplug.store.statements import pack_rows
from cronplug.store.tasks import TaskFilter, Unfit
from tests.store.making import NODE, NOW, Maker, after
from tests.store.test_executions import claim, insert

SUCCESS, FAILED, TIMED_OUT, LOST, CANCELLED = (
    Status.SUCCESS,
    Status.FAILED,
    Status.TIMED_OUT,
    Status.LOST,
    Status.CANCELLED,
)


async def new_task(store: Store, make: Maker, **given: object) -> Task:
    task = make.task(**given)  # type: ignore[arg-type]
    await store.write(partial(tasks.insert_task, task=task))
    return task


async def end(store: Store, make: Maker, *ends: tuple[Task | None, Status, float]) -> set[str]:
    """Run executions that end like this, all in one transaction; the tasks for which it changed whether they fail."""
    new = [make.execution(task_id=None if task is None else task.id) for task, _, _ in ends]
    await insert(store, *new)
    claimed = {execution.id: execution for execution in await claim(store, limit=len(new))}
    finishes = [_finish(claimed[it.id], status, at) for it, (_, status, at) in zip(new, ends, strict=True)]

    async def write(conn: Conn) -> set[str]:
        won = await executions.finish_executions(conn, finishes)
        return await health.keep_failing_since(conn, finishes, won)

    return await store.write(write)


def _finish(execution: Execution, status: Status, at: float) -> Finish:
    return Finish(
        execution_id=execution.id,
        attempt=execution.attempt,
        lease_owner=NODE,
        status=status,
        reason=Reason.COMPLETED if status is SUCCESS else Reason.ERROR,
        finished_at=after(at),
    )


async def since(store: Store, task: Task) -> datetime | None:
    found = await store.read(lambda conn: tasks.select_task(conn, task.id))
    assert found is not None
    return found.failing_since


async def names(store: Store, filter: TaskFilter, sort: str = "name") -> list[str]:
    found = await store.read(lambda conn: tasks.select_tasks(conn, filter, sort=sort, limit=100))
    assert await store.read(lambda conn: tasks.count_tasks(conn, filter)) == len(found)
    return [task.definition.name for task in found]


@pytest.mark.parametrize("status", [FAILED, TIMED_OUT, LOST])
async def test_a_task_fails_from_its_first_failure_to_its_next_success(
    store: Store, make: Maker, status: Status
) -> None:
    task, other = await new_task(store, make), await new_task(store, make)

    assert await end(store, make, (task, status, 1), (other, SUCCESS, 1)) == {task.id}
    assert await end(store, make, (task, FAILED, 5)) == set()
    assert (await since(store, task), await since(store, other)) == (after(1), None)

    assert await end(store, make, (task, SUCCESS, 9)) == {task.id}
    assert await since(store, task) is None


async def test_what_is_cancelled_or_has_no_task_says_nothing(store: Store, make: Maker) -> None:
    task = await new_task(store, make)

    assert await end(store, make, (task, CANCELLED, 1), (None, FAILED, 1)) == set()

    await end(store, make, (task, FAILED, 2))
    assert await end(store, make, (task, CANCELLED, 3)) == set()
    assert await since(store, task) == after(2)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([(FAILED, 1), (FAILED, 2)], 1),
        ([(FAILED, 2), (FAILED, 1)], 1),
        ([(SUCCESS, 1), (FAILED, 2), (FAILED, 3)], 2),
        ([(FAILED, 1), (SUCCESS, 2)], None),
        ([(FAILED, 3), (SUCCESS, 2)], 3),
    ],
)
async def test_ends_that_are_written_together_count_in_their_order(
    store: Store, make: Maker, ends: Iterable[tuple[Status, float]], expected: float | None
) -> None:
    task = await new_task(store, make)

    await end(store, make, *((task, status, at) for status, at in ends))

    assert await since(store, task) == (None if expected is None else after(expected))


@pytest.mark.parametrize(
    ("later", "expected"), [([], None), ([(SUCCESS, 6)], None), ([(FAILED, 6)], 1)], ids=["alone", "again", "failing"]
)
async def test_a_failure_that_is_written_after_a_later_success_is_forgotten(
    store: Store, make: Maker, later: Iterable[tuple[Status, float]], expected: float | None
) -> None:
    """As two nodes may do it."""
    task, failing = await new_task(store, make), await new_task(store, make)
    await end(store, make, (task, SUCCESS, 5), (failing, FAILED, 1))
    for status, at in later:
        await end(store, make, (task, status, at))
    await set_failing_since(store, task, after(1))

    cleared = await store.write(lambda conn: health.clear_overtaken(conn, since=NOW))

    assert cleared == ({task.id} if expected is None else set())
    assert (await since(store, task), await since(store, failing)) == (expected and after(expected), after(1))


async def set_failing_since(store: Store, task: Task, at: datetime) -> None:
    rows = pack_rows(health._COLUMNS, [{"task_id": task.id, "since": at, "is_anew": True}])
    await store.write(lambda conn: conn.run(health.KEEP, rows=rows))


async def test_an_end_that_was_not_won_says_nothing(store: Store, make: Maker) -> None:
    task = await new_task(store, make)
    await insert(store, make.execution(task_id=task.id))
    (execution,) = await claim(store)
    finish = replace(_finish(execution, FAILED, 1), attempt=7)

    assert await store.write(lambda conn: health.keep_failing_since(conn, [finish], set())) == set()
    assert await since(store, task) is None


async def test_a_change_of_a_task_leaves_it_failing(store: Store, make: Maker) -> None:
    task = await new_task(store, make)
    await end(store, make, (task, FAILED, 1))
    changed = replace(task, revision=2, definition=replace(task.definition, name="Other"))

    assert await store.write(lambda conn: tasks.update_task(conn, changed, instead_of=task))

    assert await since(store, task) == after(1)


async def test_the_upgrade_finds_out_since_when_tasks_fail(make: Maker, sqlite_url: str) -> None:
    store = await Store.open(sqlite_url)
    stories = {
        "fails": [SUCCESS, FAILED, CANCELLED, TIMED_OUT],
        "works": [FAILED, SUCCESS],
        "never worked": [LOST, FAILED],
        "new": [],
    }
    for name, story in stories.items():
        task = await new_task(store, make, name=name)
        for number, status in enumerate(story):
            done = make.execution(at=after(number), status=status, task_id=task.id, finished_at=after(number))
            await insert(store, done)
    await store.close()
    path = Path(sqlite_url.removeprefix("sqlite:///"))

    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(FAILING_SINCE)

    store = await Store.open(sqlite_url)
    found = await store.read(lambda conn: tasks.select_tasks(conn, TaskFilter(), limit=10))
    assert {task.definition.name: task.failing_since for task in found} == {
        "fails": after(1),
        "works": None,
        "never worked": after(0),
        "new": None,
    }
    await store.close()


async def test_tasks_are_found_by_their_state(store: Store, make: Maker) -> None:
    failing = await new_task(store, make, name="failing", next_run_at=NOW)
    longer = await new_task(store, make, name="longer", enabled=False)
    running = await new_task(store, make, name="running")
    await new_task(store, make, name="queued")
    invalid = await new_task(store, make, name="invalid")
    await new_task(store, make, name="missing", function_name="acme.gone")
    broken = replace(make.task(name="broken"), schedule_error="Unreadable.")
    await store.write(partial(tasks.insert_task, task=broken))
    await end(store, make, (failing, FAILED, 5), (longer, FAILED, 1))
    await insert(store, make.execution(task_id=running.id), make.execution())
    await claim(store, at=10)
    unfit = Unfit(functions=frozenset({"acme.report"}), payload_invalid=frozenset({invalid.id}))

    assert await names(store, TaskFilter(state="failing")) == ["failing", "longer"]
    assert (await names(store, TaskFilter(), sort="failingSince"))[:2] == ["longer", "failing"]
    assert (await names(store, TaskFilter(), sort="-failingSince"))[:2] == ["failing", "longer"]
    assert await names(store, TaskFilter(state="running")) == ["running"]
    assert await names(store, TaskFilter(state="scheduled")) == ["failing"]
    assert await names(store, TaskFilter(state="off")) == ["longer"]
    assert await names(store, TaskFilter(state="off", q="fail")) == []
    assert await names(store, TaskFilter(state="attention", unfit=unfit)) == [
        "broken",
        "failing",
        "invalid",
        "longer",
        "missing",
    ]
