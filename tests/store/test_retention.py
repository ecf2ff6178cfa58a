"""What ended long ago goes, except what still tells something."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from cronplug.model import ENDED, FAILURES, Execution, LogLine, Reason, Status
from cronplug.store import Store, deletions, executions, logs, tasks
from cronplug.store.executions import ExecutionFilter, Finish
from tests.store.making import NODE, NOW, Maker, after
from tests.store.test_executions import insert

DAY = timedelta(days=1)


async def delete(store: Store, *, limit: int = 100, success_days: int = 30, failed_days: int = 90) -> int:
    return await store.write(
        lambda conn: executions.delete_ended(
            conn, success_before=NOW - success_days * DAY, failed_before=NOW - failed_days * DAY, limit=limit
        )
    )


async def left(store: Store) -> set[str]:
    return {
        it.id for it in await store.read(lambda conn: executions.select_executions(conn, ExecutionFilter(), limit=99))
    }


def ended(make: Maker, days_ago: int, status: Status = Status.SUCCESS, **given: Any) -> Execution:
    at = NOW - days_ago * DAY
    return make.execution(at=at, status=status, finished_at=at, **given)


@pytest.mark.parametrize("status", sorted(ENDED))
async def test_failures_are_kept_longer(store: Store, make: Maker, status: Status) -> None:
    fresh, old, older = (ended(make, days, status) for days in (29, 31, 91))
    await insert(store, fresh, old, older)

    await delete(store)

    assert await left(store) == ({fresh.id, old.id} if status in FAILURES else {fresh.id})


async def test_what_has_not_ended_is_kept(store: Store, make: Maker) -> None:
    at = NOW - 365 * DAY
    unfinished = [make.execution(at=at, status=status) for status in (Status.QUEUED, Status.RUNNING)]
    ended_lately = make.execution(at=at, status=Status.SUCCESS, finished_at=NOW - DAY)
    await insert(store, *unfinished, ended_lately)

    assert await delete(store) == 0


async def test_the_newest_of_each_task_is_kept_whatever_its_age(store: Store, make: Maker) -> None:
    task, other, deleted = make.task(), make.task(), make.task()
    for it in (task, other):
        await store.write(partial(tasks.insert_task, task=it))
    old, older, oldest = (ended(make, days, task_id=task.id) for days in (200, 300, 400))
    of_other = ended(make, 500, Status.FAILED, task_id=other.id)
    await insert(store, old, older, oldest, of_other, ended(make, 200, task_id=deleted.id), ended(make, 200))

    assert await delete(store) == 4
    assert await left(store) == {old.id, of_other.id}


async def test_a_batch_has_a_limit(store: Store, make: Maker) -> None:
    await insert(store, *(ended(make, 100 + n, Status.FAILED) for n in range(3)), *(ended(make, 100) for _ in range(4)))

    assert [await delete(store, limit=5) for _ in range(3)] == [5, 2, 0]


async def test_logs_and_attempts_go_with_their_execution(store: Store, make: Maker) -> None:
    old, kept = ended(make, 100), make.execution()
    await insert(store, replace(old, status=Status.RUNNING, attempt=1, lease_owner=NODE, finished_at=None), kept)
    lines = [LogLine(1, NOW, "stdout", None, 1, "hello")]
    back = Finish(
        execution_id=old.id,
        attempt=1,
        lease_owner=NODE,
        status=Status.QUEUED,
        reason=Reason.ERROR,
        finished_at=old.available_at,
    )
    await store.write(lambda conn: executions.finish_executions(conn, [back]))
    await store.write(lambda conn: logs.append_all(conn, {old.id: lines, kept.id: lines}))
    await store.write(lambda conn: executions.request_cancel(conn, old.id, now=old.available_at))

    assert await delete(store) == 1

    assert await store.read(lambda conn: logs.select_lines(conn, old.id, limit=9)) == []
    assert await store.read(lambda conn: executions.select_attempts(conn, old.id)) == []
    assert await store.read(lambda conn: logs.select_lines(conn, kept.id, limit=9)) == lines


async def test_revisions_that_nothing_tells_of_go(store: Store, make: Maker) -> None:
    task = make.task(at=NOW - 200 * DAY)
    await store.write(lambda conn: tasks.insert_task(conn, task))
    for revision in (2, 3, 4):
        changed = replace(task, revision=revision, updated_at=NOW - (200 - revision) * DAY)
        await store.write(partial(tasks.update_task, task=changed, instead_of=replace(task, revision=revision - 1)))
    await insert(
        store, ended(make, 1, task_id=task.id, task_revision=2), ended(make, 150, task_id=task.id, task_revision=3)
    )

    await delete(store)

    async def revisions(conn: Any) -> list[int]:
        return [n for n in range(1, 5) if await tasks.select_definition(conn, task.id, revision=n) is not None]

    assert await store.read(revisions) == [2, 4]
    await store.write(lambda conn: deletions.delete_tasks(conn, [task.id], now=NOW))
    await delete(store)
    assert await store.read(revisions) == [2]


async def test_a_young_revision_stays_though_nothing_refers_to_it_yet(store: Store, make: Maker) -> None:
    task = make.task(at=after(-60))
    await store.write(lambda conn: tasks.insert_task(conn, task))
    await store.write(lambda conn: deletions.delete_tasks(conn, [task.id], now=NOW))

    await delete(store)

    assert await store.read(lambda conn: tasks.select_definition(conn, task.id, revision=1)) == task.definition
