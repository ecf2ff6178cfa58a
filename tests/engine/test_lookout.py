"""The look each second: it wakes the loops for which there is something to do, and lets the others rest."""

from __future__ import annotations

import asyncio

import pytest

from cronplug.events import Doorbell
from cronplug.executors.base import AttemptSpec, Outcome, Output, Stop
from cronplug.model import Overlap
from tests.engine.conftest import World, succeed


async def rung_by_a_look(world: World) -> set[str]:
    """The doorbells that a look at everything rings."""
    bells = {name: getattr(world.doorbells, name) for name in ("plan", "claim", "ends")}
    for bell in bells.values():
        await rang(bell)
    await world.engine.look_once()
    return {name for name, bell in bells.items() if await rang(bell)}


async def rang(bell: Doorbell) -> bool:
    return await bell.wait(at_most_seconds=0)


async def test_nobody_is_woken_while_there_is_nothing_to_do(world: World) -> None:
    await world.create()

    assert await rung_by_a_look(world) == set()


@pytest.mark.parametrize(("seconds", "rung"), [(57, set()), (58, {"plan"}), (60, {"plan"}), (300, {"plan"})])
async def test_the_planner_is_woken_in_time_for_what_is_due_soon(world: World, seconds: int, rung: set[str]) -> None:
    await world.create()

    world.clock.advance(seconds)

    assert await rung_by_a_look(world) == rung


async def test_the_claimer_is_woken_for_what_is_queued(world: World) -> None:
    await world.create()
    world.clock.advance(60)
    await world.plan()

    assert await rung_by_a_look(world) == {"claim"}


async def test_who_lets_go_is_woken_while_an_execution_is_held(world: World) -> None:
    await world.create(overlap=Overlap.QUEUE)
    for _ in range(2):
        world.clock.advance(60)
        await world.plan()
    await world.steps.runner.claim_free()

    assert await rung_by_a_look(world) == {"ends"}


async def test_a_look_that_finds_nothing_due_is_a_step_of_the_planner(world: World) -> None:
    await world.create()
    await world.plan()
    world.clock.advance(59)

    await world.engine.look_once()

    assert world.engine.planner_problem() is None
    assert world.steps.planner.last_step_at == world.clock.now()


async def test_a_look_that_finds_something_due_is_none(world: World) -> None:
    await world.create()
    await world.plan()
    world.clock.advance(90)

    await world.engine.look_once()

    assert world.engine.planner_problem() == "last planned 90 s ago"


async def test_what_no_ring_tells_of_is_found_by_the_loops(world: World) -> None:
    """Time passes, and nobody rings."""
    ran = asyncio.Event()

    async def body(spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        ran.set()
        return await succeed(spec, output, stop)

    world.functions.body = body
    await world.create()
    async with asyncio.TaskGroup() as group:
        group.create_task(world.engine.run())
        await asyncio.sleep(0)
        world.clock.advance(60)
        async with asyncio.timeout(20):
            await ran.wait()
        await world.engine.stop(drain_seconds=5)
