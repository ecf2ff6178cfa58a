"""Fire times that are not to run: calendars, pauses, a function that is gone. Each is a row that says why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from cronplug.model import (
    CalendarDefinition,
    CalendarMode,
    CalendarUse,
    CalendarWindow,
    CatchUp,
    CronRule,
    Execution,
    Overlap,
    Pause,
    Status,
    StoredCalendar,
)
from cronplug.store.calendars import insert_calendar, update_calendar
from cronplug.store.pauses import set_pause
from tests.engine.conftest import START, World


def noon(minute: int, second: int = 0) -> datetime:
    return datetime(2026, 3, 2, 12, minute, second, tzinfo=UTC)


def told(found: list[Execution]) -> list[str]:
    return [f"{it.scheduled_for:%H:%M} {it.reason or it.status.value}" for it in found]


async def keep_calendar(world: World, start: datetime, end: datetime) -> StoredCalendar:
    window = CalendarWindow(name="Maintenance", start_at=start, end_at=end)
    definition = CalendarDefinition(name="Windows", windows=(window,))
    calendar = StoredCalendar(
        id=world.ids.new(START), definition=definition, revision=1, created_at=START, updated_at=START
    )
    await world.store.write(lambda conn: insert_calendar(conn, calendar))
    return calendar


def heeding(calendar: StoredCalendar, mode: CalendarMode = CalendarMode.EXCLUDE) -> tuple[CronRule, ...]:
    use = CalendarUse(calendar_id=calendar.id, mode=mode)
    return (CronRule(cron_expression="* * * * *", timezone="UTC", calendars=(use,)),)


async def test_a_calendar_excludes_what_it_covers_and_says_so(world: World) -> None:
    calendar = await keep_calendar(world, noon(2), noon(4))
    await world.create(schedules=heeding(calendar), cron_expression=None, overlap=Overlap.ALLOW)
    world.at("12:04:30")
    found = await world.plan()
    assert told(found) == ["12:01 queued", "12:02 calendar", "12:03 calendar", "12:04 queued"]
    assert found[1].status is Status.SKIPPED
    assert found[1].error_message == "Maintenance in the calendar Windows."
    assert found[1].finished_at == world.clock.now()


async def test_a_calendar_can_be_what_is_run_in_only(world: World) -> None:
    calendar = await keep_calendar(world, noon(2), noon(4))
    await world.create(schedules=heeding(calendar, CalendarMode.INCLUDE), cron_expression=None, overlap=Overlap.ALLOW)
    world.at("12:04:30")
    assert told(await world.plan()) == ["12:01 calendar", "12:02 queued", "12:03 queued", "12:04 calendar"]


async def test_a_changed_calendar_holds_from_the_next_step_on(world: World) -> None:
    calendar = await keep_calendar(world, noon(1), noon(9))
    task = await world.create(schedules=heeding(calendar), cron_expression=None, overlap=Overlap.ALLOW)
    world.at("12:01:30")
    await world.plan()
    changed = StoredCalendar(
        id=calendar.id,
        definition=CalendarDefinition(name="Windows"),
        revision=2,
        created_at=START,
        updated_at=world.clock.now(),
    )
    assert await world.store.write(lambda conn: update_calendar(conn, changed, expected_revision=1))
    world.at("12:02:30")
    assert told(await world.plan()) == ["12:01 calendar", "12:02 queued"]
    assert (await world.task(task.id)).next_run_at == noon(3)


async def test_a_paused_task_skips_until_the_instant_and_goes_on_by_itself(world: World) -> None:
    await world.create(paused_until=noon(3), overlap=Overlap.ALLOW)
    world.at("12:03:30")
    found = await world.plan()
    assert told(found) == ["12:01 paused", "12:02 paused", "12:03 queued"]
    assert found[0].error_message == "The task is paused until 2026-03-02T12:03:00.000Z."


async def test_a_pause_of_everything_holds_for_the_fire_times_in_it_whenever_they_are_planned(world: World) -> None:
    await world.create(overlap=Overlap.ALLOW)
    pause = Pause(since=noon(1, 30), until=noon(3, 30), reason="Move of the database")
    await world.store.write(lambda conn: set_pause(conn, pause))
    world.at("12:04:30")
    found = await world.plan()
    assert told(found) == ["12:01 queued", "12:02 paused", "12:03 paused", "12:04 queued"]
    assert found[1].error_message == "All schedules were paused: Move of the database"


async def test_a_pause_without_an_end_lasts_until_it_is_lifted(world: World) -> None:
    await world.create(overlap=Overlap.ALLOW)
    await world.store.write(lambda conn: set_pause(conn, Pause(since=noon(0))))
    world.at("12:02:30")
    assert told(await world.plan()) == ["12:01 paused", "12:02 paused"]
    await world.store.write(lambda conn: set_pause(conn, Pause(since=noon(0), until=world.clock.now())))
    world.at("12:03:30")
    assert told(await world.plan())[-1] == "12:03 queued"


async def test_while_a_pause_holds_what_is_asked_for_runs(world: World) -> None:
    task = await world.create()
    await world.store.write(lambda conn: set_pause(conn, Pause(since=noon(0))))
    await world.operations.trigger_task(task.id)
    assert [it.status for it in await world.run_all()] == [Status.SUCCESS]


async def test_an_excluded_fire_time_says_nothing_about_overlap(world: World) -> None:
    """It neither waits for anything nor keeps anything waiting."""
    await world.create(paused_until=noon(3))
    world.at("12:03:30")
    assert told(await world.plan()) == ["12:01 paused", "12:02 paused", "12:03 queued"]


class TestAfterAnOutage:
    """The scheduler was down until 12:06:30, since 12:00:10 on SQLite and 12:00:40 on PostgreSQL."""

    @pytest.mark.parametrize(
        ("catch_up", "caught_up"),
        [(CatchUp.NONE, "12:03"), (CatchUp.LAST, "12:03"), (CatchUp.ALL, "12:01 12:02 12:03")],
    )
    async def test_what_was_excluded_is_not_missed(
        self, make_world: Callable[..., World], catch_up: CatchUp, caught_up: str
    ) -> None:
        before = make_world()
        await before.engine.start()
        await before.create(catch_up=catch_up)
        await before.store.write(lambda conn: set_pause(conn, Pause(since=noon(3, 30))))
        before.at("12:00:10")
        await before.engine.renew_once()
        after = make_world()
        after.at("12:06:30")
        await after.engine.start()
        found = await after.plan()
        assert told(found)[3:] == ["12:04 paused", "12:05 paused", "12:06 paused"]
        assert [f"{it.scheduled_for:%H:%M}" for it in found if it.status is Status.QUEUED] == caught_up.split()
        assert {it.status for it in found[:3]} <= {Status.QUEUED, Status.MISSED}


class TestAFunctionThatIsGone:
    async def test_keeps_the_schedule_and_heals_by_itself(self, world: World) -> None:
        task = await world.create()
        world.registry.installed = False
        world.at("12:02:30")
        found = await world.plan()
        assert told(found) == ["12:01 function_missing", "12:02 function_missing"]
        assert "'test.function' is not registered" in (found[0].error_message or "")
        assert (await world.task(task.id)).next_run_at == noon(3)
        world.registry.installed = True
        world.at("12:03:30")
        assert told(await world.plan())[-1] == "12:03 queued"
        assert (await world.run_all())[-1].status is Status.SUCCESS

    async def test_catches_nothing_up_while_it_is_gone(self, make_world: Callable[..., World]) -> None:
        before = make_world()
        await before.engine.start()
        await before.create(catch_up=CatchUp.ALL, catch_up_max=2)
        before.at("12:00:10")
        await before.engine.renew_once()
        after = make_world()
        after.clock.set(START + timedelta(minutes=4))
        await after.engine.start()
        after.registry.installed = False
        assert told(await after.plan()) == [
            "12:01 over_limit", "12:02 over_limit", "12:03 function_missing", "12:04 function_missing",
        ]  # fmt: skip
