"""The planner step on a real database: one row for a fire time, and the next one from the planned one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from cronplug.errors import StoreError
from cronplug.model import CatchUp, Overlap, Reason, Status, Trigger
from cronplug.store import tasks
from tests.engine.conftest import START, World, cron


def times(world_executions: list) -> list[str]:  # type: ignore[type-arg]  # any execution has a fire time
    return [execution.scheduled_for.strftime("%H:%M:%S") for execution in world_executions]


async def test_creating_a_task_fires_nothing_and_plans_the_first_fire_time_after_now(world: World) -> None:
    task = await world.create()
    assert task.next_run_at is not None
    assert task.next_run_at.strftime("%H:%M:%S.%f") == "12:01:00.000000"
    assert await world.plan() == []


async def test_a_due_fire_time_becomes_one_queued_execution(world: World) -> None:
    task = await world.create()
    world.at("12:01:00")
    [execution] = await world.plan()
    assert (execution.status, execution.trigger) == (Status.QUEUED, Trigger.SCHEDULE)
    assert (execution.task_id, execution.task_revision) == (task.id, 1)
    assert await world.plan() == [execution]
    moved = await world.task(task.id)
    assert moved.next_run_at is not None
    assert times([execution]) == ["12:01:00"]
    assert moved.next_run_at.strftime("%H:%M:%S") == "12:02:00"


async def test_a_late_planner_neither_drifts_nor_skips(world: World) -> None:
    await world.create(overlap=Overlap.ALLOW)
    world.at("12:04:37.250")
    found = await world.plan()
    assert times(found) == ["12:01:00", "12:02:00", "12:03:00", "12:04:00"]
    assert {e.trigger for e in found} == {Trigger.SCHEDULE}
    assert {e.status for e in found} == {Status.QUEUED}


async def test_two_nodes_that_plan_at_the_same_moment_make_one_row(make_world: Callable[..., World]) -> None:
    one, other = make_world(), make_world()
    await one.engine.start()
    await one.create()
    one.at("12:01:00")
    due = await one.store.read(lambda conn: tasks.select_due_tasks(conn, one.clock.now(), limit=10))
    assert len(due) == 1
    await one.steps.planner.plan_once()
    await other.steps.planner.plan_once()
    assert times(await one.executions()) == ["12:01:00"]


async def test_while_an_execution_is_unfinished_the_next_fire_time_is_skipped_and_says_so(world: World) -> None:
    await world.create()
    world.at("12:01:00")
    await world.plan()
    world.at("12:02:00")
    first, second = await world.plan()
    assert first.status is Status.QUEUED
    assert (second.status, second.reason) == (Status.SKIPPED, Reason.OVERLAP)
    assert second.error_message
    assert second.finished_at == world.clock.now()
    await world.run_all()
    world.at("12:03:00")
    assert (await world.plan())[-1].status is Status.QUEUED


async def test_overlap_allow_queues_all_the_same(world: World) -> None:
    await world.create(overlap=Overlap.ALLOW)
    world.at("12:02:00")
    assert [e.status for e in await world.plan()] == [Status.QUEUED, Status.QUEUED]


async def test_a_disabled_task_plans_nothing_and_enabling_it_does_not_fire_at_once(world: World) -> None:
    task = await world.create(enabled=False)
    assert task.next_run_at is None
    world.at("12:05:30")
    assert await world.plan() == []
    view = await world.operations.change_task(task.id, {"enabled": True})
    assert view.task.next_run_at is not None
    assert view.task.next_run_at.strftime("%H:%M:%S") == "12:06:00"
    assert await world.plan() == []


async def test_an_edit_at_the_moment_of_a_fire_time_does_not_swallow_it(world: World) -> None:
    task = await world.create()
    world.at("12:01:00.100")
    await world.operations.change_task(task.id, {"schedules": cron("*/30 * * * *")})
    assert times(await world.executions()) == ["12:01:00"]
    moved = await world.task(task.id)
    assert moved.next_run_at is not None
    assert moved.next_run_at.strftime("%H:%M:%S") == "12:30:00"


async def test_an_edit_that_leaves_the_schedule_alone_keeps_the_next_fire_time(world: World) -> None:
    task = await world.create()
    world.clock.advance(20)
    view = await world.operations.change_task(task.id, {"description": "changed"})
    assert view.task.next_run_at == task.next_run_at
    assert view.task.revision == 2


async def test_a_stored_schedule_that_cannot_be_read_is_set_aside_and_stops_nobody(world: World) -> None:
    bad = await world.create(name="bad")
    good = await world.create(name="good")
    broken = await world.task(bad.id)
    spoiled = replace(
        broken, definition=replace(broken.definition, schedules=cron("* * * * *", "Mars/Olympus")), revision=2
    )
    assert await world.store.write(lambda conn: tasks.update_task(conn, spoiled, instead_of=broken))
    world.at("12:01:00")
    assert [e.task_id for e in await world.plan()] == [good.id]
    aside = await world.task(bad.id)
    assert aside.next_run_at is None
    assert "Mars/Olympus" in (aside.schedule_error or "")
    view = await world.operations.change_task(bad.id, {"schedules": cron("* * * * *")})
    assert view.task.next_run_at is not None
    assert view.task.schedule_error is None


class TestAfterAnOutage:
    """The scheduler was down until 12:10:30: since 12:00:10 on SQLite, since its lease ended at 12:00:40 on PostgreSQL."""

    async def restarted(self, make_world: Callable[..., World], catch_up: CatchUp, cron: str = "* * * * *") -> World:
        before = make_world()
        await before.engine.start()
        await before.create(catch_up=catch_up, cron_expression=cron)
        before.at("12:00:10")
        await before.engine.renew_once()
        after = make_world()
        after.at("12:10:30")
        await after.engine.start()
        return after

    async def test_catch_up_none_runs_only_the_latest_within_its_grace(self, make_world: Callable[..., World]) -> None:
        world = await self.restarted(make_world, CatchUp.NONE)
        found = await world.plan()
        assert [e.status for e in found] == [Status.MISSED] * 9 + [Status.QUEUED]
        assert found[-1].trigger is Trigger.CATCH_UP
        assert {e.reason for e in found[:-1]} == {Reason.SCHEDULER_DOWN}
        assert all(e.error_message for e in found[:-1])

    async def test_catch_up_none_runs_nothing_that_is_too_late(self, make_world: Callable[..., World]) -> None:
        world = await self.restarted(make_world, CatchUp.NONE, cron="2 12 * * *")
        assert [e.status for e in await world.plan()] == [Status.MISSED]

    async def test_catch_up_last_runs_the_latest_however_late(self, make_world: Callable[..., World]) -> None:
        world = await self.restarted(make_world, CatchUp.LAST, cron="2 12 * * *")
        [execution] = await world.plan()
        assert (execution.status, execution.trigger) == (Status.QUEUED, Trigger.CATCH_UP)

    async def test_catch_up_all_runs_all(self, make_world: Callable[..., World]) -> None:
        world = await self.restarted(make_world, CatchUp.ALL)
        assert [e.status for e in await world.plan()] == [Status.QUEUED] * 10

    async def test_there_being_an_earlier_fire_time_is_not_having_missed_it(
        self, make_world: Callable[..., World]
    ) -> None:
        world = await self.restarted(make_world, CatchUp.LAST, cron="0 11 * * *")
        assert await world.plan() == []

    async def test_long_outages_are_told_in_full_for_the_newest_thousand(
        self, make_world: Callable[..., World]
    ) -> None:
        before = make_world()
        await before.engine.start()
        await before.create(cron_expression="* * * * * *")
        after = make_world()
        after.clock.set(START + timedelta(hours=1))
        await after.engine.start()
        found = await after.plan()
        summed = [e for e in found if e.missed_count is not None]
        assert len(summed) == 1
        assert summed[0].missed_until is not None
        assert len([e for e in found if e.status is Status.MISSED]) >= 1000
        assert sum(e.missed_count or 1 for e in found) == 3600


async def test_a_process_that_stood_still_longer_than_its_lease_counts_as_down(world: World) -> None:
    await world.create(catch_up=CatchUp.NONE)
    world.at("12:00:50")
    await world.engine.renew_once()
    world.at("12:20:10")
    await world.engine.renew_once()
    found = await world.plan()
    assert [e.status for e in found] == [Status.MISSED] * 19 + [Status.QUEUED]


async def test_a_live_node_whose_database_was_away_misses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database of the outside world is away for ten minutes; the node asks for it all the time."""

    async def away(unit: object) -> object:
        raise StoreError("away")

    await world.create(overlap=Overlap.ALLOW)
    with monkeypatch.context() as outside:
        outside.setattr(world.store, "write", away)
        outside.setattr(world.store, "read", away)
        for _ in range(120):
            world.clock.advance(5)
            with pytest.raises(StoreError):
                await world.engine.renew_once()
    await world.engine.renew_once()
    found = await world.plan()
    assert {e.status for e in found} == {Status.QUEUED}
    assert {e.trigger for e in found} == {Trigger.SCHEDULE}
    assert len(found) == 10
