"""Executions by lanes, on both databases."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from cronplug.clock import to_millis
from cronplug.model import Status
from cronplug.store import Conn, Store, tasks, timeline
from cronplug.store.tasks import TaskFilter
from cronplug.store.timeline import Counted, GroupBy, Window
from tests.store.making import NOW, Maker, after
from tests.store.test_executions import insert

WINDOW: dict[str, Any] = {"since": NOW, "until": after(3600), "now": after(600)}


@pytest.mark.parametrize("group_by", ["task", "function", "tag"])
@pytest.mark.parametrize("filter", [None, TaskFilter(q="a t"), TaskFilter(tags=("x",), q="task")])
async def test_lanes_are_counted_told_and_bunched(
    store: Store, make: Maker, group_by: GroupBy, filter: TaskFilter | None
) -> None:
    task = make.task(tags=("x",))
    await store.write(partial(tasks.insert_task, task=task))
    of_task = {"task_id": task.id, "task_name": "A task", "function_name": "acme.report"}
    ran = make.execution(at=after(10), status=Status.FAILED, started_at=after(12), finished_at=after(20), **of_task)
    await insert(
        store,
        ran,
        make.execution(at=after(-7 * 3600), status=Status.QUEUED, **of_task),
        make.execution(at=after(-7 * 3600), status=Status.SUCCESS, finished_at=after(-3600), **of_task),
        make.execution(at=after(15), status=Status.SKIPPED, finished_at=after(15)),
        make.execution(at=after(3600), status=Status.SUCCESS, finished_at=after(3700), **of_task),
    )
    window = Window(group_by=group_by, filter=filter, **WINDOW)
    key = {"task": task.id, "function": "acme.report", "tag": "x"}[group_by]

    async def read(conn: Conn) -> tuple[Any, ...]:
        keys = [key, ""]
        return (
            await timeline.count_by_lane(conn, window),
            await timeline.select_marks(conn, window, keys),
            await timeline.select_bunches(conn, window, keys, seconds=600),
            await timeline.select_spans(conn, window, limit=10),
        )

    counted, marks, bunches, spans = await store.read(read)

    title = "A task" if group_by == "task" else key
    without = [] if filter else [Counted("", "", 1, 0)]
    assert sorted(counted, key=lambda it: it.key) == [*without, Counted(key, title, 2, 1)]
    assert [mark.status for mark in marks] == ["queued", "failed", *(["skipped"] if not filter else [])]
    assert (marks[1].execution_id, marks[1].start, marks[1].end) == (
        ran.id,
        to_millis(after(12)),
        to_millis(after(20)),
    )
    assert sum(bunch.count for bunch in bunches) == len(marks)
    assert {bunch.start for bunch in bunches} == {to_millis(NOW)}
    assert spans == [(to_millis(after(12)), to_millis(after(20)))]


async def test_only_one_task_or_function_is_looked_at_when_it_is_named(store: Store, make: Maker) -> None:
    one, other = make.execution(task_id=make.id(), function_name="a.b"), make.execution(function_name="c.d")
    await insert(store, one, other)

    async def keys(**given: Any) -> list[str]:
        window = Window(group_by="function", **(WINDOW | {"since": NOW - timedelta(hours=1)}), **given)
        return [it.key for it in await store.read(lambda conn: timeline.count_by_lane(conn, window))]

    assert await keys(task_id=one.task_id) == ["a.b"]
    assert await keys(function_name="c.d") == ["c.d"]
    assert await keys(task_id="unknown") == []
