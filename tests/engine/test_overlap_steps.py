"""Overlap on a real database: decided where the rows are, for scheduled and manual runs; held runs start in their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from cronplug.executors.base import AttemptSpec, Outcome, Output, Stop
from cronplug.model import HELD, CatchUp, Execution, Overlap, Reason, Status, Task, Trigger
from cronplug.operations.queueing import ByHand, announce, overlap_for_manual
from cronplug.store import Conn, Store, executions
from cronplug.store.tasks import TaskFilter
from tests.engine.conftest import World, fail


def told(found: list[Execution]) -> list[str]:
    def what(it: Execution) -> str:
        if it.status is Status.QUEUED:
            return "held" if it.available_at == HELD else "queued"
        return it.reason or it.status.value

    return [f"{it.scheduled_for:%H:%M} {what(it)}" for it in found]


async def ask(world: World, task: Task, *, force: bool = False) -> ByHand:
    """Ask for a run of a task as a person does."""
    now = world.clock.now()
    execution = Execution(
        id=world.ids.new(now),
        trigger=Trigger.MANUAL,
        status=Status.QUEUED,
        scheduled_for=now,
        queued_at=now,
        available_at=now,
        task_id=task.id,
        task_name=task.definition.name,
        task_revision=task.revision,
        function_name=task.definition.function_name,
    )

    async def insert(conn: Conn) -> ByHand:
        by_hand = await overlap_for_manual(conn, task, execution, force=force, now=now)
        await executions.insert_executions(conn, [by_hand.execution])
        return by_hand

    by_hand = await world.store.write(insert)
    announce(by_hand, bus=world.bus, doorbells=world.doorbells)
    return by_hand


async def plan_at(world: World, *times: str) -> list[Execution]:
    for time in times:
        world.at(time)
        await world.plan()
    return await world.executions()


class Gate:
    """A function that runs until the test lets it go, and notes how many of it run at once."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.entered = asyncio.Event()
        self.running = 0
        self.most = 0

    async def __call__(self, spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        self.running += 1
        self.most = max(self.most, self.running)
        self.entered.set()
        opened = asyncio.create_task(self.open.wait())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({opened, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for waiting in (opened, stopped):
            waiting.cancel()
        self.running -= 1
        if stop.why == "cancelled":
            return Outcome(verdict="cancelled", reason=Reason.CANCELLED_BY_REQUEST, error_message="Cancelled.")
        return Outcome(verdict="success", reason=Reason.COMPLETED)


class TestSkip:
    async def test_names_the_execution_that_is_not_finished_and_since_when(self, world: World) -> None:
        await world.create()
        [first] = await plan_at(world, "12:01:00")
        world.at("12:01:02")
        await world.steps.runner.claim_free()
        _, second = await plan_at(world, "12:02:00")
        assert second.error_message == (
            f"Still running since 2026-03-02T12:01:02.000Z (execution {first.id}), and overlap is skip."
        )

    async def test_skips_what_is_asked_for_as_well_and_says_so(self, world: World) -> None:
        task = await world.create()
        await plan_at(world, "12:01:00")
        by_hand = await ask(world, task)
        assert (by_hand.execution.status, by_hand.execution.reason) == (Status.SKIPPED, Reason.OVERLAP)
        stored = next(it for it in await world.executions() if it.trigger is Trigger.MANUAL)
        assert (stored.status, stored.finished_at) == (Status.SKIPPED, world.clock.now())

    async def test_force_runs_beside(self, world: World) -> None:
        task = await world.create()
        await plan_at(world, "12:01:00")
        assert (await ask(world, task, force=True)).execution.status is Status.QUEUED
        assert len(await world.steps.runner.claim_free()) == 2


class TestQueue:
    async def test_runs_come_one_after_the_other_in_their_order(self, world: World) -> None:
        await world.create(overlap=Overlap.QUEUE)
        found = await plan_at(world, "12:01:00", "12:02:00", "12:03:00")
        assert told(found) == ["12:01 queued", "12:02 held", "12:03 held"]
        ran: list[str] = []
        for _ in range(3):
            [ended] = await world.run_available()
            ran.append(ended.id)
            assert await world.run_available() == []
            await world.steps.releaser.release_once()
        assert ran == [it.id for it in found]

    async def test_is_bounded_and_says_when_it_is_full(self, world: World) -> None:
        await world.create(overlap=Overlap.QUEUE, overlap_queue_max=1)
        found = await plan_at(world, "12:01:00", "12:02:00", "12:03:00")
        assert told(found) == ["12:01 queued", "12:02 held", "12:03 queue_full"]
        await world.run_available()
        await world.steps.releaser.release_once()
        assert told(await plan_at(world, "12:04:00"))[-1] == "12:04 held"

    async def test_what_is_asked_for_waits_behind(self, world: World) -> None:
        task = await world.create(overlap=Overlap.QUEUE, overlap_queue_max=1)
        await plan_at(world, "12:01:00")
        assert (await ask(world, task)).execution.available_at == HELD
        full = (await ask(world, task)).execution
        assert (full.status, full.reason) == (Status.SKIPPED, Reason.QUEUE_FULL)
        assert sorted(it.status for it in await world.run_all()) == [Status.SKIPPED, Status.SUCCESS, Status.SUCCESS]

    async def test_an_execution_that_waits_for_its_retry_keeps_the_others_waiting(self, world: World) -> None:
        await world.create(overlap=Overlap.QUEUE, max_retries=1, retry_delay_seconds=600)
        await plan_at(world, "12:01:00", "12:02:00")

        world.functions.body = fail
        await world.run_available()
        assert await world.steps.releaser.release_once() == 0

    async def test_a_cancelled_one_makes_room_for_the_next(self, world: World) -> None:
        await world.create(overlap=Overlap.QUEUE)
        first, second = await plan_at(world, "12:01:00", "12:02:00")
        await world.operations.cancel_execution(first.id)
        assert await world.steps.releaser.release_once() == 1
        assert [it.id for it in await world.run_available()] == [second.id]

    async def test_a_restart_goes_on_where_it_was(self, make_world: Callable[..., World]) -> None:
        before = make_world()
        await before.engine.start()
        await before.create(overlap=Overlap.QUEUE)
        await plan_at(before, "12:01:00", "12:02:00")
        await before.run_available()  # and the process dies before it looks who is next
        after = make_world()
        after.at("12:02:10")
        await after.engine.start()
        assert [it.status for it in await after.run_all()][:2] == [Status.SUCCESS, Status.SUCCESS]

    async def test_what_waits_goes_when_the_overlap_becomes_allow(self, world: World) -> None:
        task = await world.create(overlap=Overlap.QUEUE)
        await plan_at(world, "12:01:00")
        await world.steps.runner.claim_free()
        await plan_at(world, "12:02:00", "12:03:00")
        world.at("12:03:30")
        await world.operations.change_task(task.id, {"overlap": Overlap.ALLOW})
        assert [f"{it.scheduled_for:%H:%M}" for it in await world.run_available()] == ["12:02", "12:03"]

    async def test_what_is_asked_for_heeds_the_overlap_that_the_task_has_by_then(self, world: World) -> None:
        before = await world.create(overlap=Overlap.QUEUE)
        await plan_at(world, "12:01:00")
        await world.operations.change_task(before.id, {"overlap": Overlap.ALLOW})
        assert (await ask(world, before)).execution.available_at == world.clock.now()

    async def test_one_task_s_queue_does_not_keep_another_s_waiting(self, world: World) -> None:
        await world.create(name="a", overlap=Overlap.QUEUE)
        await world.create(name="b", overlap=Overlap.QUEUE)
        await plan_at(world, "12:01:00", "12:02:00")
        assert [it.task_name for it in await world.run_available()] == ["a", "b"]
        assert await world.steps.releaser.release_once() == 2
        assert [it.task_name for it in await world.run_available()] == ["a", "b"]


class TestReplace:
    async def test_what_only_waits_is_cancelled_at_once(self, world: World) -> None:
        await world.create(overlap=Overlap.REPLACE)
        first, second = await plan_at(world, "12:01:00", "12:02:00")
        assert told([first, second]) == ["12:01 replaced", "12:02 queued"]
        assert first.status is Status.CANCELLED
        assert first.error_message

    async def test_what_runs_is_asked_to_stop_and_the_new_one_starts_when_it_has_ended(self, world: World) -> None:
        gate = world.functions.body = Gate()
        await world.create(overlap=Overlap.REPLACE)
        await plan_at(world, "12:01:00")
        [first] = await world.steps.runner.claim_free()
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            attempt = group.create_task(world.steps.runner.run_attempt(first))
            await gate.entered.wait()
            found = await plan_at(world, "12:02:00")
            assert found[1].available_at == HELD
            assert await world.doorbells.cancel.wait(at_most_seconds=5)
            assert await world.steps.releaser.release_once() == 0
            await world.engine.renew_once()
            await attempt
        first = (await world.executions())[0]
        assert (first.status, first.reason) == (Status.CANCELLED, Reason.REPLACED)
        assert "took its place" in (first.error_message or "")
        assert await world.steps.releaser.release_once() == 1
        gate.open.set()
        assert [it.id for it in await world.run_available()] == [found[1].id]

    async def test_one_that_ends_all_the_same_keeps_its_end(self, world: World) -> None:
        await world.create(overlap=Overlap.REPLACE)
        await plan_at(world, "12:01:00")
        [first] = await world.steps.runner.claim_free()
        await plan_at(world, "12:02:00")
        await world.steps.runner.run_attempt(first)
        stored = (await world.executions())[0]
        assert (stored.status, stored.reason) == (Status.SUCCESS, Reason.COMPLETED)

    async def test_one_whose_node_died_is_cancelled_and_not_run_again(self, make_world: Callable[..., World]) -> None:
        before = make_world()
        await before.engine.start()
        await before.create(overlap=Overlap.REPLACE)
        await plan_at(before, "12:01:00")
        await before.steps.runner.claim_free()
        await plan_at(before, "12:02:00")
        after = make_world()
        after.at("12:02:50")
        await after.engine.start()
        stored = (await after.executions())[0]
        assert (stored.status, stored.reason) == (Status.CANCELLED, Reason.REPLACED)

    async def test_a_backlog_runs_its_newest_only(self, world: World) -> None:
        await world.create(overlap=Overlap.REPLACE)
        assert told(await plan_at(world, "12:03:00")) == ["12:01 replaced", "12:02 replaced", "12:03 queued"]

    async def test_what_is_asked_for_replaces_too(self, world: World) -> None:
        task = await world.create(overlap=Overlap.REPLACE)
        [first] = await plan_at(world, "12:01:00")
        by_hand = await ask(world, task)
        assert [it.execution_id for it in by_hand.replaced] == [first.id]
        assert told(await world.executions()) == ["12:01 replaced", "12:01 queued"]


class TestCatchingUp:
    """The scheduler was down over several fire times and catches all of them up."""

    async def restarted(self, make_world: Callable[..., World], **fields: Any) -> World:
        before = make_world()
        await before.engine.start()
        await before.create(catch_up=CatchUp.ALL, **fields)
        before.at("12:00:10")
        await before.engine.renew_once()
        after: World = make_world()
        after.at("12:03:30")
        await after.engine.start()
        return after

    @pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.QUEUE, Overlap.REPLACE])
    async def test_runs_one_after_the_other(self, make_world: Callable[..., World], overlap: Overlap) -> None:
        world = await self.restarted(make_world, overlap=overlap)
        gate = world.functions.body = Gate()
        gate.open.set()
        assert told(await world.plan()) == ["12:01 queued", "12:02 held", "12:03 held"]
        found = await world.run_all()
        assert [it.status for it in found] == [Status.SUCCESS] * 3
        assert gate.most == 1
        starts = [it.started_at for it in found if it.started_at is not None]
        assert starts == sorted(starts)

    async def test_is_as_wide_as_the_slots_are_under_allow(self, make_world: Callable[..., World]) -> None:
        world = await self.restarted(make_world, overlap=Overlap.ALLOW)
        assert told(await world.plan()) == ["12:01 queued", "12:02 queued", "12:03 queued"]

    async def test_makes_a_scheduled_one_be_skipped_meanwhile(self, make_world: Callable[..., World]) -> None:
        world = await self.restarted(make_world)
        await world.plan()
        await world.run_available()
        assert told(await plan_at(world, "12:04:00"))[-2:] == ["12:03 held", "12:04 overlap"]

    async def test_takes_turns_with_other_tasks(self, make_world: Callable[..., World]) -> None:
        before = make_world(slots=2)
        await before.engine.start()
        for name in ("a", "b"):
            await before.create(name=name, catch_up=CatchUp.ALL, overlap=Overlap.ALLOW)
        before.at("12:00:10")
        await before.engine.renew_once()
        world = make_world(slots=2)
        world.at("12:03:30")
        await world.engine.start()
        await world.plan()
        assert [it.task_name for it in await world.run_available()] == ["a", "b"]
        assert [it.task_name for it in await world.run_available()] == ["a", "b"]


class TestSeveralAtOnce:
    async def test_of_many_who_ask_at_one_moment_one_runs(self, make_world: Callable[..., World]) -> None:
        worlds = [make_world(), make_world()]
        await worlds[0].engine.start()
        task = await worlds[0].create()
        asked = await asyncio.gather(*(ask(world, task) for world in worlds * 5))
        assert sorted(it.execution.status for it in asked) == [Status.QUEUED] + [Status.SKIPPED] * 9

    async def test_a_planner_and_people_agree_about_who_is_first(self, make_world: Callable[..., World]) -> None:
        one, other = make_world(), make_world()
        await one.engine.start()
        for name in "abcdef":
            await one.create(name=name)
        tasks = [
            it.task for it in (await one.operations.list_tasks(TaskFilter(), sort="name", page=1, page_size=10)).items
        ]
        one.at("12:01:00")
        await asyncio.gather(
            one.steps.planner.plan_once(),
            other.steps.planner.plan_once(),
            *(ask(world, task) for task in tasks for world in (one, other)),
        )
        for task in tasks:
            found = await one.executions(task)
            assert sorted(it.status for it in found) == [Status.QUEUED, Status.SKIPPED, Status.SKIPPED]

    async def test_of_many_nodes_that_look_who_is_next_one_lets_one_start(
        self, make_world: Callable[..., World]
    ) -> None:
        worlds = [make_world() for _ in range(3)]
        await worlds[0].engine.start()
        await worlds[0].create(overlap=Overlap.QUEUE)
        await plan_at(worlds[0], "12:01:00", "12:02:00", "12:03:00", "12:04:00")
        for expected in ("12:02", "12:03", "12:04"):
            await worlds[0].run_available()
            released = await asyncio.gather(*(world.steps.releaser.release_once() for world in worlds * 3))
            assert sum(released) == 1
            free = [it for it in await worlds[0].executions() if it.status is Status.QUEUED and it.available_at != HELD]
            assert [f"{it.scheduled_for:%H:%M}" for it in free] == [expected]


async def test_looking_after_some_tasks_costs_nothing_while_nobody_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await world.create()
    await world.steps.releaser.release_once()

    async def read(self: Store, unit: object) -> object:
        raise AssertionError("asked the database")

    with monkeypatch.context() as outside:
        outside.setattr(Store, "read", read)
        assert await world.steps.releaser.release_once([task.id]) == 0


async def test_the_engine_releases_by_itself(world: World) -> None:
    await world.create(overlap=Overlap.QUEUE)
    await plan_at(world, "12:01:00", "12:02:00", "12:03:00")
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        group.create_task(world.engine.run())
        async with world.bus.subscribe() as inbox:
            while {it.status for it in await world.executions()} != {Status.SUCCESS}:
                await inbox.next(timeout_seconds=5)
        await world.engine.stop(drain_seconds=5)
