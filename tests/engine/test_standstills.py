"""A process that stood still was down; one whose database took its time was not. Which it was shows beside the database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cronplug.model import CatchUp, Overlap, Status, Trigger
from tests.engine.conftest import World

MINUTES = 10


def write_after(world: World, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]) -> None:
    """The next write to the database is under way while something else happens."""
    write = world.store.write

    async def slowly(unit: Callable[[Any], Awaitable[Any]]) -> Any:
        monkeypatch.setattr(world.store, "write", write)
        meanwhile()
        return await write(unit)

    monkeypatch.setattr(world.store, "write", slowly)


async def test_a_write_that_takes_longer_than_a_lease_makes_nothing_missed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.create(overlap=Overlap.ALLOW, catch_up=CatchUp.NONE, misfire_grace_seconds=1)

    def live() -> None:
        for _ in range(MINUTES * 12):
            world.clock.advance(5)
            world.steps.node.notice()

    write_after(world, monkeypatch, live)
    await world.engine.renew_once()
    await world.engine.plan_once()
    found = await world.executions()
    assert {(it.status, it.trigger) for it in found} == {(Status.QUEUED, Trigger.SCHEDULE)}
    assert len(found) == MINUTES


async def test_a_standstill_in_the_middle_of_a_write_is_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.create(overlap=Overlap.ALLOW, catch_up=CatchUp.NONE, misfire_grace_seconds=1)
    write_after(world, monkeypatch, lambda: world.clock.advance(MINUTES * 60))
    await world.engine.renew_once()
    await world.engine.plan_once()
    found = await world.executions()
    assert [it.status for it in found] == [Status.MISSED] * (MINUTES - 1) + [Status.QUEUED]
    assert found[-1].trigger is Trigger.CATCH_UP, "half a second late is within the grace"
