"""What else a schedule may ask for: jitter, a limit, a payload of its own, times that follow from an end; zone data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cronplug.ids import decode_id
from cronplug.model import (
    CatchUp,
    CronRule,
    Execution,
    IntervalRule,
    OnceRule,
    Overlap,
    Status,
    Task,
    Trigger,
)
from cronplug.operations.queueing import Fires, queue_fires
from cronplug.planning import catch_up_policy, plan_enable_catch_up
from cronplug.schedules import jitter_of, task_schedule, tzdata_version
from cronplug.store import Conn, tasks
from tests.engine.conftest import World, cron, fail
from tests.engine.test_mishaps import alter


def noon(minute: int, second: int = 0) -> datetime:
    return datetime(2026, 3, 2, 12, minute, second, tzinfo=UTC)


def told(found: list[Execution]) -> list[str]:
    return [f"{it.scheduled_for:%H:%M:%S} {it.reason or it.status.value}" for it in found]


async def plan_at(world: World, *times: str) -> list[Execution]:
    for time in times:
        world.at(time)
        await world.plan()
    return await world.executions()


class TestJitter:
    async def test_puts_the_start_off_and_leaves_the_fire_time(self, world: World) -> None:
        task = await world.create(jitter_seconds=30)
        [execution] = await plan_at(world, "12:01:00")
        jitter = jitter_of(task.id, noon(1), 30, noon(2))
        assert execution.scheduled_for == noon(1)
        assert execution.available_at == noon(1) + jitter
        world.clock.set(execution.available_at - timedelta(milliseconds=1))
        assert await world.run_available() == []
        world.clock.set(execution.available_at)
        assert [it.id for it in await world.run_available()] == [execution.id]

    async def test_never_reaches_the_next_fire_time(self, world: World) -> None:
        await world.create(jitter_seconds=86_400, overlap=Overlap.ALLOW)
        found = await plan_at(world, "12:01:00", "12:02:00", "12:03:00")
        assert all(it.scheduled_for <= it.available_at < it.scheduled_for + timedelta(minutes=1) for it in found)

    async def test_of_the_past_is_not_waited_for(self, world: World) -> None:
        await world.create(jitter_seconds=30, overlap=Overlap.ALLOW)
        found = await plan_at(world, "12:03:59.999")
        assert {it.available_at for it in found} == {world.clock.now()}


class TestTheLimitOfExecutions:
    async def test_ends_the_schedule(self, world: World) -> None:
        task = await world.create(max_executions=2, overlap=Overlap.ALLOW)
        assert told(await plan_at(world, "12:05:00")) == ["12:01:00 queued", "12:02:00 queued"]
        done = await world.task(task.id)
        assert (done.fired_count, done.next_run_at) == (2, None)
        assert len(await plan_at(world, "12:06:00")) == 2

    async def test_counts_only_what_was_started_by_the_schedule(self, world: World) -> None:
        task = await world.create(max_executions=2, paused_until=noon(2))
        await world.operations.trigger_task(task.id)
        await world.run_all()
        await plan_at(world, "12:01:00", "12:02:00", "12:03:00")  # paused, started, skipped
        counted = await world.task(task.id)
        assert (counted.fired_count, counted.next_run_at) == (1, noon(4))
        await world.run_all()
        await plan_at(world, "12:04:00")
        counted = await world.task(task.id)
        assert (counted.fired_count, counted.next_run_at) == (2, None)

    async def test_is_counted_without_a_limit_too(self, world: World) -> None:
        task = await world.create()
        await plan_at(world, "12:01:00", "12:02:00")
        assert (await world.task(task.id)).fired_count == 1

    async def test_holds_for_what_is_caught_up(self, make_world: Callable[..., World]) -> None:
        before = make_world()
        await before.engine.start()
        task = await before.create(max_executions=2, catch_up=CatchUp.ALL)
        before.at("12:00:10")
        await before.engine.renew_once()
        after = make_world()
        after.at("12:05:30")
        await after.engine.start()
        assert [it.status for it in await after.plan()] == [Status.QUEUED, Status.QUEUED]
        assert (await after.task(task.id)).next_run_at is None


class TestPayloads:
    async def test_a_rule_s_own_payload_replaces_the_task_s(self, world: World) -> None:
        rules = (
            CronRule(cron_expression="1 12 * * *", timezone="UTC", payload={"region": "north"}),
            CronRule(cron_expression="2 12 * * *", timezone="UTC"),
            OnceRule(at=noon(3), timezone="UTC", payload={"region": "south"}),
        )
        await world.create(
            cron_expression=None, schedules=rules, function_payload={"region": "all"}, overlap=Overlap.ALLOW
        )
        found = await plan_at(world, "12:03:30")
        assert [it.payload for it in found] == [{"region": "north"}, None, {"region": "south"}]
        await world.run_all()
        assert [spec.payload for spec in world.functions.seen] == [
            {"region": "north"},
            {"region": "all"},
            {"region": "south"},
        ]

    async def test_rules_that_meet_make_one_execution(self, world: World) -> None:
        rules = (*cron("*/2 * * * *"), *cron("*/3 * * * *"))
        await world.create(cron_expression=None, schedules=rules, overlap=Overlap.ALLOW)
        assert told(await plan_at(world, "12:06:30")) == [
            "12:02:00 queued", "12:03:00 queued", "12:04:00 queued", "12:06:00 queued",
        ]  # fmt: skip


class TestAfterTheLastEnd:
    async def made(self, world: World, **fields: Any) -> Task:
        rule = IntervalRule(every_seconds=60, timezone="UTC", after_end=True)
        task = await world.create(cron_expression=None, schedules=(rule,), **fields)
        await world.steps.releaser.release_once()
        return await world.task(task.id)

    async def test_the_first_fire_time_comes_so_long_after_it_is_made(self, world: World) -> None:
        assert (await self.made(world)).next_run_at == noon(1, 1)  # whole seconds, never early

    async def test_the_next_fire_time_is_known_when_the_execution_has_ended(self, world: World) -> None:
        task = await self.made(world)
        await plan_at(world, "12:01:01")
        assert (await world.task(task.id)).next_run_at is None
        assert await world.steps.releaser.release_once() == 0
        world.at("12:05:00")
        await world.run_available()
        assert await world.steps.releaser.release_once() == 1
        assert (await world.task(task.id)).next_run_at == noon(6)
        assert told(await plan_at(world, "12:06:00"))[-1] == "12:06:00 queued"

    async def test_a_retry_is_not_the_end(self, world: World) -> None:
        world.functions.body = fail
        task = await self.made(world, max_retries=1, retry_delay_seconds=10)
        await plan_at(world, "12:01:01")
        await world.run_all()
        assert (await world.task(task.id)).next_run_at is None
        world.at("12:01:11")
        await world.run_all()
        assert (await world.task(task.id)).next_run_at == noon(2, 11)

    async def test_a_process_that_dies_between_end_and_next_fire_time_loses_nothing(
        self, make_world: Callable[..., World]
    ) -> None:
        before = make_world()
        await before.engine.start()
        task = await self.made(before)
        await plan_at(before, "12:01:01")
        await before.run_available()
        after = make_world()
        after.at("12:01:31")
        await after.engine.start()
        await after.steps.releaser.release_once()
        assert (await after.task(task.id)).next_run_at == noon(2, 1)

    async def test_a_skipped_fire_time_is_an_end_as_well(self, world: World) -> None:
        task = await self.made(world, paused_until=noon(3))
        assert told(await plan_at(world, "12:01:01")) == ["12:01:01 paused"]
        await world.steps.releaser.release_once()
        assert (await world.task(task.id)).next_run_at == noon(2, 1)

    async def test_a_clock_that_is_put_back_makes_nobody_wait_for_it(self, world: World) -> None:
        task = await self.made(world)
        await plan_at(world, "12:01:01")
        await world.run_available()
        world.at("11:00:00")
        await world.steps.releaser.release_once()
        assert (await world.task(task.id)).next_run_at == noon(1) - timedelta(hours=1)

    @pytest.mark.parametrize("bound", [{"max_executions": 1}, {"end_at": noon(2)}])
    async def test_it_is_done_when_nothing_may_follow(self, world: World, bound: dict[str, Any]) -> None:
        task = await self.made(world, **bound)
        await plan_at(world, "12:01:01")
        await world.run_all()
        assert (await world.task(task.id)).next_run_at is None
        assert not await world.store.read(tasks.awaits_any_end)


class TestEnablingWithCatchUp:
    async def test_runs_what_was_missed_while_it_was_disabled_and_counts_it(self, world: World) -> None:
        task = await world.create(catch_up=CatchUp.ALL, catch_up_max=3)
        schedule = task_schedule(task.definition, seed=task.id)
        world.at("12:05:30")
        now = world.clock.now()
        fires = plan_enable_catch_up(
            schedule, disabled_at=noon(0, 30), now=now, policy=catch_up_policy(task.definition)
        )
        enabled = replace(task, revision=2, next_run_at=noon(6), updated_at=now)

        async def enable(conn: Conn) -> None:
            assert await tasks.update_task(conn, enabled, instead_of=task)
            await queue_fires(conn, [Fires(task=enabled, fires=fires)], ids=world.ids, now=now)

        await world.store.write(enable)
        found = await world.run_all()
        assert told(found) == ["12:03:00 completed", "12:04:00 completed", "12:05:00 completed"]
        assert {(it.trigger, it.task_revision) for it in found} == {(Trigger.CATCH_UP, 2)}
        stored = await world.task(task.id)
        assert (stored.fired_count, stored.next_run_at) == (3, noon(6))


class TestZoneData:
    """The zone data have changed since the next fire time was found."""

    async def made(self, world: World, *, next_run_at: datetime, version: str | None = "2020a") -> Task:
        task = await world.create(cron_expression="0 13 * * *")
        told_version = "NULL" if version is None else f"'{version}'"
        millis = int(next_run_at.timestamp() * 1000)
        await alter(
            world.store,
            f"UPDATE tasks SET tzdata_version = {told_version}, next_run_at = {millis} WHERE id = {decode_id(task.id)}",
        )
        return task

    async def follow(self, world: World) -> int:
        steps, followed = 1, await world.steps.planner.follow_zone_data_once()
        while followed.more:
            steps, followed = steps + 1, await world.steps.planner.follow_zone_data_once(followed.after_id)
        return steps

    @pytest.mark.parametrize("version", ["2020a", None])
    async def test_what_is_to_come_is_found_anew(self, world: World, version: str | None) -> None:
        task = await self.made(world, next_run_at=noon(0) + timedelta(hours=2), version=version)
        await self.follow(world)
        stored = await world.task(task.id)
        assert (stored.next_run_at, stored.tzdata_version) == (noon(0) + timedelta(hours=1), tzdata_version())

    async def test_what_is_due_stays_and_runs_once(self, world: World) -> None:
        task = await self.made(world, next_run_at=noon(0, 30))
        world.at("12:01:00")
        await self.follow(world)
        assert (await world.task(task.id)).next_run_at == noon(0, 30)
        assert told(await world.plan()) == ["12:00:30 queued"]
        assert (await world.task(task.id)).next_run_at == noon(0) + timedelta(hours=1)

    async def test_a_start_with_the_same_data_has_nothing_to_do(self, world: World) -> None:
        await self.made(world, next_run_at=noon(0) + timedelta(hours=2))
        assert await self.follow(world) == 2
        other = await self.made(world, next_run_at=noon(0) + timedelta(hours=2))
        assert await self.follow(world) == 1
        assert (await world.task(other.id)).tzdata_version == "2020a"

    async def test_planning_tells_by_which_data_it_was_done(self, world: World) -> None:
        task = await world.create()
        await plan_at(world, "12:01:00")
        assert (await world.task(task.id)).tzdata_version == tzdata_version()
