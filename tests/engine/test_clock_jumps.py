"""Clocks that jump, long downtimes, restarts: whatever the policy, each fire time has one row and none is left out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cronplug.model import UNFINISHED, CatchUp, Execution, Overlap, Reason, Status, Task, Trigger
from tests.engine.conftest import World

MINUTE = timedelta(minutes=1)
Tasks = dict[tuple[CatchUp, Overlap], Task]


def noon(minute: int) -> datetime:
    return datetime(2026, 3, 2, 12, tzinfo=UTC) + minute * MINUTE


def fire_times(found: list[Execution]) -> list[datetime]:
    """What the rows tell of, each fire time as often as it is told."""
    told: list[datetime] = []
    for it in found:
        told += [it.scheduled_for + n * MINUTE for n in range(it.missed_count or 1)]
    return told


async def live(world: World, minutes: int) -> None:
    """A node that is well: it renews its lease, plans, runs."""
    for _ in range(minutes):
        for _ in range(3):
            world.clock.advance(20)
            await world.engine.renew_once()
            await world.plan()
            await world.run_all()


async def restart(make_world: Callable[..., World]) -> World:
    world = make_world()
    await world.engine.start()
    return world


async def started(make_world: Callable[..., World]) -> tuple[World, Tasks]:
    """A node, and a task that runs each minute for every policy there is."""
    world = await restart(make_world)
    return world, {
        (catch_up, overlap): await world.create(
            name=f"{catch_up}, {overlap}", catch_up=catch_up, overlap=overlap, catch_up_max=3
        )
        for catch_up in CatchUp
        for overlap in Overlap
    }


async def check(world: World, task: Task, *, last: int) -> list[Execution]:
    """One row for each fire time from 12:01 to the `last` minute after noon, all ended, and the next one planned."""
    found = await world.executions(task)
    assert fire_times(found) == [noon(minute) for minute in range(1, last + 1)]
    assert not any(it.status in UNFINISHED for it in found)
    stored = await world.task(task.id)
    assert stored.next_run_at == noon(last + 1)
    assert stored.fired_count == len(
        [it for it in found if it.status is Status.SUCCESS or it.reason is Reason.REPLACED]
    )
    return found


async def test_a_long_downtime(make_world: Callable[..., World]) -> None:
    world, policies = await started(make_world)
    await live(world, 2)
    world.clock.advance(600)
    world = await restart(make_world)
    await live(world, 2)
    expected = {CatchUp.NONE: [12], CatchUp.LAST: [12], CatchUp.ALL: [10, 11, 12]}
    for (catch_up, _), task in policies.items():
        found = await check(world, task, last=14)
        caught_up = [it.scheduled_for for it in found if it.trigger is Trigger.CATCH_UP]
        assert caught_up == [noon(minute) for minute in expected[catch_up]]


async def test_a_clock_that_goes_forward(make_world: Callable[..., World]) -> None:
    """To the process it is as if it had stood still."""
    world, policies = await started(make_world)
    await live(world, 2)
    world.clock.advance(3600)
    await world.engine.plan_once()
    await live(world, 2)
    for task in policies.values():
        found = await check(world, task, last=64)
        assert {it.status for it in found if noon(3) <= it.scheduled_for <= noon(58)} == {Status.MISSED}


async def test_a_clock_that_goes_back(make_world: Callable[..., World]) -> None:
    """What was planned is not planned again, and what is next waits until the clock is there again."""
    world, policies = await started(make_world)
    await live(world, 5)
    world.clock.advance(-180)
    await live(world, 2)
    for task in policies.values():
        assert fire_times(await world.executions(task)) == [noon(minute) for minute in range(1, 6)]
    await live(world, 3)
    for task in policies.values():
        assert {it.status for it in await check(world, task, last=7)} == {Status.SUCCESS}


async def test_a_restart_after_the_clock_went_back(make_world: Callable[..., World]) -> None:
    world, policies = await started(make_world)
    await live(world, 5)
    world.clock.advance(-180)
    world = await restart(make_world)
    await live(world, 5)
    for task in policies.values():
        assert {it.status for it in await check(world, task, last=7)} == {Status.SUCCESS}


async def test_restart_upon_restart(make_world: Callable[..., World]) -> None:
    world, policies = await started(make_world)
    for _ in range(5):
        await world.plan()  # and then it dies, with what it planned and did not run
        world.clock.advance(100)
        world = await restart(make_world)
        await world.steps.planner.plan_once()
    await world.plan()
    await world.run_all()
    for task in policies.values():
        await check(world, task, last=8)
