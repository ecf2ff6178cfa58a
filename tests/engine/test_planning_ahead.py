"""What is prepared before its moment: it fires as if it had not been, and never by what is not true any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cronplug.model import CalendarWindow, Execution, Overlap, Pause, Task
from cronplug.store.calendars import update_calendar
from cronplug.store.pauses import set_pause
from tests.engine.conftest import START, World, cron
from tests.engine.test_excluded_steps import heeding, keep_calendar

JUST_BEFORE, JUST_AFTER = "12:00:59.200", "12:01:00.010"


def told(found: list[Execution]) -> list[str]:
    return [f"{it.scheduled_for:%H:%M:%S} {it.reason or it.status.value}" for it in found]


async def prepare(world: World) -> None:
    world.at(JUST_BEFORE)
    while await world.steps.planner.prepare_once():
        pass


async def test_prepared_tasks_fire_once_each_and_move_on(world: World) -> None:
    made = [await world.create(name=f"Task {number}", overlap=Overlap.ALLOW) for number in range(120)]
    await prepare(world)
    assert await world.executions() == []
    world.at(JUST_AFTER)
    assert told(await world.plan()) == ["12:01:00 queued"] * 120
    assert {(await world.task(task.id)).next_run_at for task in made} == {datetime(2026, 3, 2, 12, 2, tzinfo=UTC)}
    assert len(await world.plan()) == 120


async def test_what_comes_while_others_are_prepared_fires_with_them(world: World) -> None:
    await world.create(name="Prepared")
    await prepare(world)
    await world.create(name="New")
    await prepare(world)
    world.at(JUST_AFTER)
    assert sorted(it.task_name or "" for it in await world.plan()) == ["New", "Prepared"]


async def test_a_planner_that_is_late_goes_through_all_fire_times(world: World) -> None:
    await world.create(cron_expression="* * * * * *", overlap=Overlap.ALLOW)
    await world.plan()
    await world.steps.planner.prepare_once()
    world.at("12:00:05.100")
    assert told(await world.plan()) == [f"12:00:0{second} queued" for second in range(1, 6)]


async def change_its_schedule(world: World, task: Task) -> None:
    await world.operations.change_task(task.id, {"schedules": cron("5 * * * *")})


async def disable(world: World, task: Task) -> None:
    await world.operations.toggle_task(task.id, False)


async def delete(world: World, task: Task) -> None:
    await world.operations.delete_task(task.id)


async def pause_everything(world: World, _: Task) -> None:
    await world.store.write(lambda conn: set_pause(conn, Pause(since=world.clock.now())))


async def take_its_function_away(world: World, _: Task) -> None:
    world.registry.installed = False


Change = Callable[[World, Task], Awaitable[None]]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (change_its_schedule, []),
        (disable, []),
        (delete, []),
        (pause_everything, ["12:01:00 paused"]),
        (take_its_function_away, ["12:01:00 function_missing"]),
    ],
)
async def test_a_change_between_counts_and_not_what_was_prepared(
    world: World, change: Change, expected: list[str]
) -> None:
    task = await world.create()
    await prepare(world)
    await change(world, task)
    world.at(JUST_AFTER)
    assert told(await world.plan()) == expected


async def test_a_new_definition_is_the_one_that_runs(world: World) -> None:
    task = await world.create(function_payload={"days": 1})
    await prepare(world)
    await world.operations.change_task(task.id, {"function_payload": {"days": 2}})
    world.at(JUST_AFTER)
    await world.plan()
    await world.run_all()
    assert [spec.payload for spec in world.functions.seen] == [{"days": 2}]


async def test_a_changed_calendar_counts(world: World) -> None:
    calendar = await keep_calendar(world, START + timedelta(hours=1), START + timedelta(hours=2))
    await world.create(schedules=heeding(calendar), cron_expression=None)
    await prepare(world)
    window = CalendarWindow(name="Now", start_at=START, end_at=START + timedelta(hours=1))
    changed = replace(calendar, definition=replace(calendar.definition, windows=(window,)), revision=2)
    assert await world.store.write(lambda conn: update_calendar(conn, changed, expected_revision=1))
    world.at(JUST_AFTER)
    assert told(await world.plan()) == ["12:01:00 calendar"]


async def test_what_passes_while_the_process_stands_still_is_missed(world: World) -> None:
    await world.create()
    await prepare(world)
    await world.engine.renew_once()
    world.at("12:02:30")
    await world.engine.plan_once()
    assert told(await world.plan()) == ["12:01:00 scheduler_down", "12:02:00 queued"]


async def test_a_clock_that_is_put_back_lets_it_wait_and_what_was_prepared_is_forgotten(world: World) -> None:
    await world.create()
    await prepare(world)
    world.at("11:30:00")
    assert await world.plan() == []
    assert not await world.steps.planner.prepare_once()
    await prepare(world)
    world.at(JUST_AFTER)
    assert told(await world.plan()) == ["12:01:00 queued"]


async def test_two_nodes_that_prepared_the_same_make_one_row(make_world: Callable[..., World]) -> None:
    one, other = make_world(), make_world()
    await one.engine.start()
    await one.create()
    await prepare(one)
    await prepare(other)
    one.at(JUST_AFTER)
    await one.steps.planner.plan_once()
    await other.steps.planner.plan_once()
    assert told(await one.executions()) == ["12:01:00 queued"]
