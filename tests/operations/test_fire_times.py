"""Why something did or did not run, from what is really stored."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from cronplug.errors import NotFound
from cronplug.model import CatchUp, Overlap, Task
from cronplug.operations import FireTimeAccount
from cronplug.store import nodes
from tests.conftest import database_url
from tests.engine.conftest import World, cron

__all__ = ["database_url"]  # both kinds: the statements are those of these tests alone


def at(text: str) -> datetime:
    """A time of the day of the tests."""
    return datetime.fromisoformat(f"2026-03-02T{text}+00:00")


async def told(world: World, task: Task, start: str, end: str, limit: int = 1000) -> list[FireTimeAccount]:
    """The accounts from `start` to `end`, read page by page."""
    after, found = at(start) - timedelta(milliseconds=1), []
    while True:
        page, more = await world.operations.account_for_fire_times(task.id, after=after, until=at(end), limit=limit)
        found += page
        if not more:
            return found
        after = page[-1].fire_time


async def test_a_day_in_the_life_of_a_task(world: World) -> None:
    task = await world.create(overlap=Overlap.SKIP)  # each minute, made at 12:00:00.5
    world.at("12:01:00")
    await world.plan()
    world.at("12:02:00")
    await world.plan()  # the one of 12:01 is still queued
    world.at("12:02:30")
    await world.operations.toggle_task(task.id, False)
    world.at("12:05:30")
    await world.operations.toggle_task(task.id, True)
    world.at("12:06:00")
    await world.plan()
    world.at("12:06:30")
    await world.operations.change_task(task.id, {"schedules": cron("*/2 * * * *"), "paused_until": at("12:09:00")})
    world.at("12:07:10")

    accounts = await told(world, task, "11:59:00", "12:10:00")

    assert [(f"{it.fire_time:%H:%M}", it.account.value, it.rule) for it in accounts] == [
        ("12:00", "before_task", 0),
        ("12:01", "execution", None),
        ("12:02", "execution", 0),
        ("12:03", "disabled", None),
        ("12:04", "disabled", 0),
        ("12:05", "disabled", None),
        ("12:06", "execution", 0),
        ("12:08", "paused", 0),
        ("12:10", "planned", 0),
    ]
    statuses = [it.execution.status.value for it in accounts if it.execution]
    assert statuses == ["queued", "skipped", "skipped"]
    assert [it.coming for it in accounts[-3:]] == [False, True, True]
    assert await told(world, task, "11:59:00", "12:10:00", limit=2) == accounts


async def test_missed_fire_times_are_told_by_the_row_that_stands_for_them(world: World) -> None:
    task = await world.create(cron_expression="* * * * * *", catch_up=CatchUp.NONE, misfire_grace_seconds=0)
    down = (at("12:00:00.600"), at("13:00:00"))
    await world.store.write(lambda conn: nodes.insert_outage(conn, down_from=down[0], down_until=down[1]))
    world.at("13:00:00")
    await world.plan()

    accounts = await told(world, task, "12:30:00", "12:30:09")

    assert len(accounts) == 10
    assert {it.account.value for it in accounts} == {"execution"}
    [row] = {it.execution.id: it.execution for it in accounts if it.execution}.values()
    assert row.missed_count is not None
    assert row.scheduled_for < accounts[0].fire_time < accounts[-1].fire_time < (row.missed_until or row.scheduled_for)


async def test_a_task_that_is_not_there(world: World) -> None:
    with pytest.raises(NotFound):
        await world.operations.account_for_fire_times("0" * 13, after=at("00:00:00"), until=at("01:00:00"), limit=5)
