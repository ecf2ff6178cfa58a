"""One act on many tasks: what it does to each, and what hinders none."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from cronplug.errors import Conflict
from cronplug.model import CatchUp, Overlap, Reason, Status, Task, Trigger
from cronplug.operations import BulkOutcome, BulkRequest, Idempotency, Replayed
from cronplug.operations.bulk import BulkAction
from cronplug.store import many_tasks, tasks
from cronplug.store.tasks import TaskFilter
from tests.conftest import database_url
from tests.engine.conftest import World, cron

__all__ = ["database_url"]  # both kinds: its statements are of its own


async def act(world: World, action: BulkAction, **fields: Any) -> BulkOutcome:
    done = await world.operations.act_on_tasks(BulkRequest(action=action, **fields))
    assert isinstance(done, BulkOutcome)
    return done


async def make(world: World, count: int, **fields: Any) -> list[Task]:
    return [await world.create(name=f"Task {number}", **fields) for number in range(count)]


def ids(*made: Task) -> list[str]:
    return [task.id for task in made]


def plan_by(world: World, monkeypatch: pytest.MonkeyPatch, step: Callable[[], Awaitable[object]]) -> None:
    """What a change waits for while its task is due."""
    means = dataclasses.replace(world.operations._means, plan_due=step)
    monkeypatch.setattr(world.operations, "_means", means)


async def test_disabling_and_enabling_leave_what_is_so_already(world: World) -> None:
    first, second, third = await make(world, 3)
    await world.operations.toggle_task(third.id, False)

    done = await act(world, "disable", ids=ids(first, second, third))

    assert (done.matched, done.changed, done.unchanged, done.failed_count) == (3, 2, 1, 0)
    assert done.changed_ids == sorted(ids(first, second))
    off = await world.task(first.id)
    assert (off.definition.enabled, off.next_run_at, off.revision, off.disabled_at) == (
        False, None, 2, world.clock.now(),
    )  # fmt: skip
    world.at("12:30:00.500")
    done = await act(world, "enable", ids=ids(first, second, third))
    assert (done.changed, done.unchanged) == (3, 0)
    on = await world.task(third.id)
    assert on.next_run_at is not None
    assert (on.definition.enabled, on.disabled_at, on.next_run_at.minute) == (True, None, 31)
    assert await world.plan() == []


async def test_a_fire_time_that_has_come_is_planned_as_it_was(world: World) -> None:
    made = await make(world, 3)
    world.at("12:01:30")

    done = await act(world, "disable", ids=ids(*made))

    assert done.changed == 3
    planned = await world.executions()
    assert [(it.trigger, it.status, it.scheduled_for.minute) for it in planned] == [
        (Trigger.SCHEDULE, Status.QUEUED, 1)
    ] * 3


async def test_tasks_that_move_on_at_every_moment_can_be_changed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await make(world, 3, schedules=cron("* * * * * *"), overlap=Overlap.ALLOW)

    with world.behind(monkeypatch):
        tagged = await act(world, "addTags", ids=ids(*made), tags=("new",))
        done = await act(world, "disable", ids=ids(*made))

    assert [(it.changed, it.failed_count) for it in (tagged, done)] == [(3, 0), (3, 0)]
    rows = await world.plan()
    for task in made:
        off = await world.task(task.id)
        assert (off.revision, off.definition.tags, off.next_run_at) == (3, ("new",), None)
        assert off.disabled_at is not None
        planned = sorted(it.scheduled_for for it in rows if it.task_id == task.id)
        assert [later - earlier for earlier, later in itertools.pairwise(planned)] == [timedelta(seconds=1)] * (
            len(planned) - 1
        )
        assert planned[-1] <= off.disabled_at < planned[-1] + timedelta(seconds=1)


async def test_a_long_backlog_is_planned_before_a_change_and_counts_as_no_try(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await make(world, 2, schedules=cron("* * * * * *"), overlap=Overlap.ALLOW)
    world.clock.advance(60)
    steps = 0

    async def step_at_last() -> None:
        nonlocal steps
        steps += 1
        if steps > 30:  # so many are of other tasks
            await world.steps.planner.plan_once()

    plan_by(world, monkeypatch, step_at_last)

    done = await act(world, "disable", ids=ids(*made))

    assert (done.changed, done.failed_count) == (2, 0)


async def test_a_task_deleted_while_its_backlog_is_planned_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, stays = await make(world, 2)
    world.at("12:01:30")

    async def delete_meanwhile() -> None:
        await world.operations.delete_task(gone.id)
        await world.steps.planner.plan_once()

    plan_by(world, monkeypatch, delete_meanwhile)

    done = await act(world, "disable", ids=ids(gone, stays))

    assert (done.changed_ids, [(it.task_id, it.code) for it in done.failed]) == ([stays.id], [(gone.id, "not_found")])


async def test_enabling_may_catch_up(world: World) -> None:
    made = await make(world, 2)
    await act(world, "disable", ids=ids(*made))
    world.at("12:05:30")

    done = await act(world, "enable", ids=ids(*made), catch_up=CatchUp.LAST)

    assert done.changed == 2
    caught = await world.executions()
    assert [(it.trigger, it.scheduled_for.minute) for it in caught] == [(Trigger.CATCH_UP, 5)] * 2


async def test_tags_are_added_and_removed(world: World) -> None:
    first = await world.create(tags=("a", "b"))
    full = await world.create(name="Full", tags=tuple(f"tag {number}" for number in range(20)))

    done = await act(world, "addTags", ids=ids(first, full), tags=("b", "c"))

    assert (done.changed, done.failed_count) == (1, 1)
    assert [(it.task_id, it.name, it.code) for it in done.failed] == [(full.id, "Full", "invalid")]
    assert (await world.task(first.id)).definition.tags == ("a", "b", "c")
    assert (await world.operations.list_tasks(TaskFilter(tags=("c",)), sort="name", page=1, page_size=5)).total == 1
    done = await act(world, "removeTags", ids=ids(first), tags=("a", "c"))
    assert done.changed == 1
    changed = await world.task(first.id)
    assert (changed.definition.tags, changed.next_run_at) == (("b",), first.next_run_at)
    assert (await world.operations.list_tasks(TaskFilter(tags=("c",)), sort="name", page=1, page_size=5)).total == 0


async def test_deleting_leaves_those_that_run(world: World) -> None:
    running, queued, idle = await make(world, 3)
    await world.operations.trigger_task(running.id)
    [claimed] = await world.steps.runner.claim_free()
    waiting = await world.operations.trigger_task(queued.id)

    done = await act(world, "delete", ids=ids(running, queued, idle))

    assert (done.matched, done.changed, done.failed_count) == (3, 2, 1)
    assert [(it.task_id, it.code) for it in done.failed] == [(running.id, "task_running")]
    assert [task.id for task in await present(world)] == [running.id]
    left = {it.id: it for it in await world.executions()}
    assert left[claimed.id].status is Status.RUNNING
    assert not isinstance(waiting, Replayed)
    assert (left[waiting.id].status, left[waiting.id].reason) == (Status.CANCELLED, Reason.TASK_DELETED)


async def test_deleted_ones_are_restored_together(world: World) -> None:
    made = await make(world, 3, tags=("kept",))
    await act(world, "delete", ids=ids(*made))
    assert await present(world) == []

    done = await act(world, "restore", ids=[*ids(*made), "0000000000000"])

    assert (done.matched, done.changed, done.failed_count) == (3, 3, 1)
    assert [it.code for it in done.failed] == ["not_found"]
    back = await world.task(made[0].id)
    assert (back.definition, back.revision, back.created_at) == (made[0].definition, 3, made[0].created_at)
    assert (await act(world, "restore", ids=ids(made[0]))).failed[0].code == "conflict"


async def test_triggering_tells_which_were_skipped(world: World) -> None:
    busy, idle = await make(world, 2)
    await world.operations.trigger_task(busy.id)

    done = await act(world, "trigger", ids=ids(busy, idle))

    assert (done.changed_ids, done.failed_count) == (ids(idle), 1)
    assert [(it.task_id, it.code) for it in done.failed] == [(busy.id, "overlap")]


async def test_unknown_ids_are_told_and_hinder_none(world: World) -> None:
    [task] = await make(world, 1)

    done = await act(world, "disable", ids=[task.id, "nonsense", "0000000000000", task.id])

    assert (done.matched, done.changed) == (1, 1)
    assert sorted((it.task_id, it.name, it.code) for it in done.failed) == [
        ("0000000000000", None, "not_found"),
        ("nonsense", None, "not_found"),
    ]


async def test_a_filter_needs_the_number_that_was_confirmed(world: World) -> None:
    made = await make(world, 3, tags=("x",))
    await world.create(name="Other")
    tagged = TaskFilter(tags=("x",))

    dry = await act(world, "delete", filter=tagged, dry_run=True)
    assert (dry.dry_run, dry.matched, dry.changed) == (True, 3, 3)
    await world.operations.delete_task(made[0].id)
    with pytest.raises(Conflict, match="2 tasks now, not 3"):
        await act(world, "delete", filter=tagged, expect=3)
    assert len(await present(world)) == 3

    done = await act(world, "delete", filter=tagged, expect=2)

    assert (done.matched, done.changed) == (2, 2)
    assert [task.definition.name for task in await present(world)] == ["Other"]


@pytest.mark.parametrize("action", ["enable", "disable", "delete", "trigger"])
async def test_a_dry_run_changes_nothing(world: World, action: BulkAction) -> None:
    on, off = await make(world, 2)
    await world.operations.toggle_task(off.id, False)
    before = await present(world)

    done = await act(world, action, ids=ids(on, off), dry_run=True)

    assert done.changed == (1 if action in ("enable", "disable") else 2)
    assert await present(world) == before
    assert await world.executions() == []


async def test_a_repeat_gives_the_first_answer_and_does_nothing_more(world: World) -> None:
    made = await make(world, 2)
    once = Idempotency(key="k", scope="changeTasks", request_hash="h", render=lambda done: done.changed)
    request = BulkRequest(action="trigger", ids=ids(*made))

    await world.operations.act_on_tasks(request, idempotency=once)
    again = await world.operations.act_on_tasks(request, idempotency=once)

    assert again == Replayed(2)
    assert len(await world.executions()) == 2


async def test_a_repeat_of_what_was_given_up_triggers_only_the_rest(world: World) -> None:
    first, second = await make(world, 2)
    once = Idempotency(key="k", scope="changeTasks", request_hash="h", render=lambda done: done.changed)
    part = Idempotency(key="k", scope=f"changeTasks {first.id}", request_hash="h", render=lambda made: made.id)
    await world.operations.trigger_task(first.id, idempotency=part)

    done = await world.operations.act_on_tasks(BulkRequest(action="trigger", ids=ids(first, second)), idempotency=once)

    assert isinstance(done, BulkOutcome)
    assert done.changed == 2
    assert sorted(it.task_id or "" for it in await world.executions()) == sorted(ids(first, second))


async def test_more_than_a_step_is_worked_through(world: World) -> None:
    made = await make(world, 230, cron_expression=None)

    done = await act(world, "disable", filter=TaskFilter(), expect=230)

    assert (done.changed, len(done.changed_ids)) == (230, 230)
    assert not any(task.definition.enabled for task in await present(world))
    assert (await act(world, "delete", ids=ids(*made))).changed == 230
    assert await present(world) == []


async def test_what_others_change_meanwhile_is_not_overwritten(world: World, make_world: Callable[..., World]) -> None:
    first, second = await make(world, 2)
    renamed = await world.operations.change_task(first.id, {"name": "Renamed"})
    stale = [(task, world_change(task)) for task in (first, second)]

    won = await world.store.write(lambda conn: many_tasks.update_tasks(conn, stale))

    assert won == {second.id}
    assert await world.task(first.id) == renamed.task
    kept = await world.store.read(lambda conn: tasks.select_definition(conn, second.id, revision=2))
    assert kept is not None
    assert kept.tags == ("new",)


def world_change(task: Task) -> Task:
    from dataclasses import replace

    return replace(task, revision=task.revision + 1, definition=replace(task.definition, tags=("new",)))


async def present(world: World) -> list[Task]:
    return await world.store.read(lambda conn: tasks.select_tasks(conn, TaskFilter(), sort="createdAt", limit=1000))
