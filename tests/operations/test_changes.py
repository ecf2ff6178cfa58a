"""What creating, changing, enabling and disabling a task does to its fire times."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cronplug.errors import InvalidInput
from cronplug.model import (
    CalendarDates,
    CalendarDefinition,
    CalendarMode,
    CalendarUse,
    CatchUp,
    CronRule,
    IntervalRule,
    OnceRule,
    Overlap,
    Pause,
    Reason,
    Status,
    StoredCalendar,
    Task,
    TaskDefinition,
    Trigger,
)
from cronplug.operations.queueing import Fires, queue_fires
from cronplug.planning import PlannedFire
from cronplug.schedules import tzdata_version
from cronplug.store import Conn, calendars, pauses, tasks
from tests.engine.conftest import START, World, cron
from tests.store.signals import Signal


def at(text: str) -> datetime:
    """A time of the day of START."""
    return datetime.fromisoformat(f"2026-03-02T{text}+00:00")


AFTER_END = IntervalRule(every_seconds=60, timezone="UTC", after_end=True)


@pytest.mark.parametrize(
    ("fields", "next_run"),
    [
        ({"schedules": cron("0 13 * * *")}, "13:00:00"),
        ({"schedules": (IntervalRule(every_seconds=90, timezone="UTC"),)}, "12:00:01"),
        ({"schedules": (IntervalRule(every_seconds=90, timezone="UTC", anchor_at=at("06:00:10")),)}, "12:00:10"),
        ({"schedules": (OnceRule(at=at("14:00:00"), timezone="UTC"),)}, "14:00:00"),
        ({"schedules": (*cron("0 15 * * *"), OnceRule(at=at("14:00:00"), timezone="UTC"))}, "14:00:00"),
        ({"schedules": (AFTER_END,)}, "12:01:01"),
        ({"schedules": cron("0 * * * *"), "start_at": at("15:30:00")}, "16:00:00"),
        ({"schedules": cron("0 * * * *"), "end_at": at("12:30:00")}, None),
        ({"schedules": cron("0 * * * *"), "enabled": False}, None),
        ({"schedules": ()}, None),
    ],
)
async def test_a_new_task_first_fires_after_now(world: World, fields: dict[str, Any], next_run: str | None) -> None:
    task = await world.create(**fields)

    assert task.next_run_at == (None if next_run is None else at(next_run))
    assert task.tzdata_version == tzdata_version()


async def test_what_does_not_decide_about_fire_times_leaves_the_next_one(world: World) -> None:
    task = await world.create(schedules=(IntervalRule(every_seconds=90, timezone="UTC"),))
    world.at("12:00:00.900")

    changed = await world.operations.change_task(task.id, {"name": "Other", "jitter_seconds": 5, "tags": ("a",)})

    assert changed.task.next_run_at == task.next_run_at


@pytest.mark.parametrize(
    "change",
    [{"description": "edited"}, {"schedules": (*cron("* * * * *"), OnceRule(at=at("18:00:00"), timezone="UTC"))}],
    ids=["of something else", "of the schedules"],
)
async def test_a_fire_time_that_is_planned_during_a_change_does_not_replace_itself(
    world: World, change: dict[str, Any]
) -> None:
    task = await world.create(overlap=Overlap.REPLACE)
    was_read, due_at = Signal(), at("12:01:00")

    def find_changes(*_: TaskDefinition) -> dict[str, Any]:
        was_read.set()
        return change

    async def plan_meanwhile(conn: Conn) -> None:
        await was_read.wait()  # the change waits for this transaction to end
        world.at("12:01:00")
        fire = PlannedFire(scheduled_for=due_at, trigger=Trigger.SCHEDULE, status=Status.QUEUED)
        await tasks.advance_tasks(
            conn,
            [
                tasks.Advance(
                    task_id=task.id,
                    expected_next_run_at=due_at,
                    expected_revision=1,
                    next_run_at=at("12:02:00"),
                    started=1,
                )
            ],
        )
        await queue_fires(conn, [Fires(task=task, fires=[fire], started=1)], ids=world.ids, now=due_at)

    async with asyncio.TaskGroup() as group:
        group.create_task(world.store.write(plan_meanwhile))
        changing = group.create_task(world.operations.change_task(task.id, find_changes))
    assert changing.result().task.next_run_at == at("12:02:00")

    [only] = await world.plan()
    assert (only.scheduled_for, only.status) == (due_at, Status.QUEUED)
    assert (await world.task(task.id)).fired_count == 1


@pytest.mark.parametrize(
    ("change", "next_run"),
    [
        ({"schedules": cron("30 * * * *")}, "12:30:00"),
        ({"start_at": at("18:30:00")}, "19:00:00"),
        ({"end_at": at("12:20:00")}, None),
        ({"enabled": False}, None),
        ({"schedules": ()}, None),
        ({"schedules": (AFTER_END,)}, "12:11:00"),
    ],
)
async def test_a_change_counts_from_now(world: World, change: dict[str, Any], next_run: str | None) -> None:
    task = await world.create(cron_expression="0 * * * *")
    world.at("12:10:00")

    changed = await world.operations.change_task(task.id, change)

    assert changed.task.next_run_at == (None if next_run is None else at(next_run))
    assert await world.executions() == []


async def test_a_limit_that_is_used_up_ends_the_task_and_a_higher_one_goes_on(world: World) -> None:
    task = await world.create(max_executions=1, overlap=Overlap.ALLOW)
    world.at("12:01:00")
    await world.plan()
    done = await world.operations.get_task(task.id)
    assert (done.state, done.task.next_run_at, done.task.fired_count) == ("done", None, 1)

    world.at("12:05:30")
    more = await world.operations.change_task(task.id, {"max_executions": 2})

    assert (more.state, more.task.next_run_at) == ("active", at("12:06:00"))


async def test_a_task_that_waits_for_an_end_is_not_done(world: World) -> None:
    task = await world.create(schedules=(AFTER_END,))
    world.at("12:01:01")
    await world.plan()

    view = await world.operations.get_task(task.id)
    renamed = await world.operations.change_task(task.id, {"schedules": (AFTER_END,), "name": "Other", "tags": ("a",)})

    assert (view.state, view.next_run_at) == ("active", None)
    assert (renamed.state, renamed.next_run_at) == ("active", None)


# -- enabling --------------------------------------------------------------------------------------------------------


async def disabled_for_four_minutes(world: World, **fields: Any) -> Task:
    """Every minute, disabled at 12:00:30; the clock stands at 12:04:10."""
    world.at("11:59:30")
    task = await world.create(**fields)
    world.at("12:00:00")
    await world.plan()
    await world.run_all()
    world.at("12:00:30")
    await world.operations.toggle_task(task.id, False)
    world.at("12:04:10")
    return task


@pytest.mark.parametrize(
    ("catch_up", "fields", "caught_up"),
    [
        (CatchUp.NONE, {}, []),
        (CatchUp.NONE, {"catch_up": CatchUp.ALL}, []),
        (CatchUp.LAST, {}, ["12:04:00"]),
        (CatchUp.ALL, {}, ["12:01:00", "12:02:00", "12:03:00", "12:04:00"]),
        (CatchUp.ALL, {"catch_up_max": 2}, ["12:03:00", "12:04:00"]),
        (CatchUp.ALL, {"catch_up_window_seconds": 100}, ["12:03:00", "12:04:00"]),
        (CatchUp.ALL, {"max_executions": 3}, ["12:01:00", "12:02:00"]),
        (CatchUp.ALL, {"paused_until": at("12:03:30")}, ["12:04:00"]),
    ],
)
@pytest.mark.parametrize("overlap", [Overlap.SKIP, Overlap.ALLOW])
async def test_enabling_runs_what_is_asked_for_of_what_was_missed(
    world: World, overlap: Overlap, catch_up: CatchUp, fields: dict[str, Any], caught_up: list[str]
) -> None:
    task = await disabled_for_four_minutes(world, overlap=overlap, **fields)

    view = await world.operations.toggle_task(task.id, True, catch_up=catch_up)

    made = [it for it in await world.executions() if it.trigger is Trigger.CATCH_UP]
    assert [it.scheduled_for for it in made] == [at(text) for text in caught_up]
    assert {it.status for it in made} <= {Status.QUEUED}
    assert {it.task_revision for it in made} <= {view.task.revision}
    assert view.task.disabled_at is None
    assert view.task.next_run_at == (None if fields.get("max_executions") == 3 and caught_up else at("12:05:00"))
    assert await world.plan() == await world.executions()  # nothing else was due


async def test_enabling_a_task_without_its_function_tells_of_what_was_missed_and_runs_none_of_it(world: World) -> None:
    task = await disabled_for_four_minutes(world)
    world.registry.installed = False

    await world.operations.toggle_task(task.id, True, catch_up=CatchUp.LAST)

    [made] = [it for it in await world.executions() if it.trigger is Trigger.CATCH_UP]
    assert (made.status, made.reason, made.scheduled_for) == (Status.SKIPPED, Reason.FUNCTION_MISSING, at("12:04:00"))


async def test_a_next_run_that_stays_keeps_the_zone_data_by_which_it_was_found(world: World) -> None:
    task = await world.create(schedules=cron("0 13 * * *"))
    by_old_data = dataclasses.replace(task, tzdata_version="1999a")
    await world.store.write(lambda conn: tasks.update_task(conn, by_old_data, instead_of=task))

    renamed = await world.operations.change_task(task.id, {"name": "Other"})
    moved = await world.operations.change_task(task.id, {"schedules": cron("0 14 * * *")})

    assert (renamed.task.tzdata_version, moved.task.tzdata_version) == ("1999a", tzdata_version())


async def test_the_preview_of_enabling_tells_what_enabling_does(world: World) -> None:
    task = await disabled_for_four_minutes(world)

    told = (await world.operations.forecast(task.id, count=5, catch_up=CatchUp.ALL)).enabling
    await world.operations.toggle_task(task.id, True, catch_up=CatchUp.ALL)

    assert told is not None
    made = [it.scheduled_for for it in await world.executions() if it.trigger is Trigger.CATCH_UP]
    assert list(told.catch_up) == made
    assert told.next_run_at == (await world.task(task.id)).next_run_at
    assert (await world.operations.forecast(task.id, count=5)).enabling is None


async def test_enabling_an_enabled_task_catches_nothing_up(world: World) -> None:
    task = await disabled_for_four_minutes(world)
    await world.operations.toggle_task(task.id, True)
    before = await world.executions()

    again = await world.operations.toggle_task(task.id, True, catch_up=CatchUp.ALL)

    assert await world.executions() == before
    assert again.task.revision == 3


async def test_only_enabling_catches_up(world: World) -> None:
    task = await world.create()
    with pytest.raises(InvalidInput):
        await world.operations.toggle_task(task.id, False, catch_up=CatchUp.ALL)


# -- what runs next --------------------------------------------------------------------------------------------------


HOLIDAY = CalendarDefinition(
    name="Holidays", dates=(CalendarDates(name="Founders' day", first=START.date(), last=START.date()),)
)


async def test_the_next_run_that_is_shown_is_neither_excluded_nor_paused(world: World) -> None:
    calendar = StoredCalendar(
        id=world.ids.new(START), definition=HOLIDAY, revision=1, created_at=START, updated_at=START
    )
    await world.store.write(lambda conn: calendars.insert_calendar(conn, calendar))
    use = CalendarUse(calendar_id=calendar.id, mode=CalendarMode.EXCLUDE)
    rule = CronRule(cron_expression="0 * * * *", timezone="UTC", calendars=(use,))
    task = await world.create(schedules=(rule,))
    tomorrow = datetime(2026, 3, 3, tzinfo=UTC)

    view = await world.operations.get_task(task.id)
    assert (view.task.next_run_at, view.next_run_at) == (at("13:00:00"), tomorrow)

    pause = Pause(since=START, until=tomorrow + timedelta(hours=5, minutes=1), reason="")
    await world.store.write(lambda conn: pauses.set_pause(conn, pause))
    assert (await world.operations.get_task(task.id)).next_run_at == tomorrow + timedelta(hours=6)

    await world.operations.pause_all(reason="", until=None)
    view = await world.operations.get_task(task.id)
    assert (view.next_run_at, view.state) == (None, "active")


async def test_a_calendar_that_does_not_exist_is_refused_and_nothing_is_changed(world: World) -> None:
    task = await world.create()
    use = CalendarUse(calendar_id=world.ids.new(START), mode=CalendarMode.EXCLUDE)
    rules = (CronRule(cron_expression="0 * * * *", timezone="UTC", calendars=(use,)),)

    with pytest.raises(InvalidInput) as refused:
        await world.operations.change_task(task.id, {"schedules": rules})
    with pytest.raises(InvalidInput):
        await world.create(schedules=rules)

    assert [it.field for it in refused.value.errors] == ["schedules.0.calendars.0.calendarId"]
    assert await world.task(task.id) == task


async def test_a_schedule_that_can_no_longer_be_read_is_shown(world: World) -> None:
    task = await world.create(paused_until=at("18:00:00"))
    gone = dataclasses.replace(
        task, definition=dataclasses.replace(task.definition, schedules=cron("* * * * *", "Mars/Phobos")), revision=2
    )
    await world.store.write(lambda conn: tasks.update_task(conn, gone, instead_of=task))

    view = await world.operations.get_task(task.id)
    accounts, _ = await world.operations.account_for_fire_times(
        task.id, after=at("12:00:00"), until=at("13:00:00"), limit=10
    )

    assert view.next_run_at == task.next_run_at
    assert [it.fire_time for it in accounts][:1] == [task.next_run_at]


@pytest.mark.parametrize("change", [{"enabled": False}, {"name": "Other"}], ids=["switched off", "renamed"])
async def test_a_task_that_moves_on_at_every_moment_can_be_changed(
    world: World, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    task = await world.create(schedules=cron("* * * * * *"), overlap=Overlap.ALLOW)

    with world.behind(monkeypatch):
        view = await world.operations.change_task(task.id, change)

    assert view.task.revision == 2
    rows = await world.plan()
    assert [later.scheduled_for - earlier.scheduled_for for earlier, later in itertools.pairwise(rows)] == [
        timedelta(seconds=1)
    ] * (len(rows) - 1)
    if view.task.definition.enabled:
        assert view.task.next_run_at == rows[-1].scheduled_for + timedelta(seconds=1)
    else:
        assert view.task.next_run_at is None
        assert view.task.disabled_at is not None
        assert rows[-1].scheduled_for <= view.task.disabled_at < rows[-1].scheduled_for + timedelta(seconds=1)
