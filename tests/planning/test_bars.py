"""What keeps a fire time from running: pauses and calendars, and what is said of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cronplug.model import (
    CalendarDefinition,
    CalendarMode,
    CalendarUse,
    CalendarWeekdays,
    CronRule,
    Pause,
    Reason,
    TaskDefinition,
    TaskType,
)
from cronplug.planning import Barred, find_bars, missing_function_bar, rule_of
from cronplug.schedules import TaskSchedule, task_schedule
from cronplug.schedules.calendars import parse_calendar

MONDAY = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MONDAYS = parse_calendar(
    CalendarDefinition(name="Quiet days", weekdays=(CalendarWeekdays(name="Monday off", days=(0,)),)), calendar_id="c1"
)
HEEDS = (CalendarUse(calendar_id="c1", mode=CalendarMode.EXCLUDE),)
ON_THE_HOUR = CronRule(cron_expression="0 * * * *", timezone="UTC", calendars=HEEDS)
AT_HALF_PAST = CronRule(cron_expression="30 * * * *", timezone="UTC")


def schedule_of(*rules: CronRule, **fields: Any) -> tuple[TaskDefinition, TaskSchedule]:
    definition = TaskDefinition(name="-", type=TaskType.HTTP, schedules=rules, **fields)
    schedule = task_schedule(definition)
    assert schedule is not None
    return definition, schedule


def bars(*rules: CronRule, pause: Pause | None = None, **fields: Any) -> Barred | None:
    definition, schedule = schedule_of(*rules, **fields)
    return find_bars(definition, schedule, pause=pause, calendars={"c1": MONDAYS})


def test_without_calendars_and_pauses_there_is_nothing_to_ask() -> None:
    assert bars(AT_HALF_PAST) is None


def test_a_calendar_bars_the_fire_times_of_the_rule_that_heeds_it() -> None:
    barred = bars(ON_THE_HOUR, AT_HALF_PAST)

    assert barred is not None
    bar = barred(MONDAY)
    assert bar is not None
    assert (bar.reason, bar.sentence) == (Reason.CALENDAR, "Monday off in the calendar Quiet days.")
    assert barred(MONDAY + HOUR / 2) is None
    assert barred(MONDAY + 24 * HOUR) is None


def test_a_task_is_paused_up_to_and_without_the_instant() -> None:
    barred = bars(AT_HALF_PAST, paused_until=MONDAY + HOUR / 2)

    assert barred is not None
    bar = barred(MONDAY - HOUR / 2)
    assert bar is not None
    assert (bar.reason, bar.sentence) == (Reason.PAUSED, "The task is paused until 2026-03-02T12:30:00.000Z.")
    assert barred(MONDAY + HOUR / 2) is None


def test_a_pause_of_everything_bars_from_its_beginning_to_its_end() -> None:
    barred = bars(AT_HALF_PAST, pause=Pause(since=MONDAY, until=MONDAY + HOUR, reason="Move of the database"))

    assert barred is not None
    bar = barred(MONDAY + HOUR / 2)
    assert bar is not None
    assert bar.reason is Reason.PAUSED
    assert "Move of the database" in bar.sentence
    assert barred(MONDAY - HOUR / 2) is None
    assert barred(MONDAY + HOUR) is None


def test_a_pause_of_everything_is_told_before_the_task_s_own() -> None:
    barred = bars(ON_THE_HOUR, paused_until=MONDAY + HOUR, pause=Pause(since=MONDAY))

    assert barred is not None
    assert [bar.sentence for bar in (barred(MONDAY), barred(MONDAY - HOUR)) if bar] == [
        "All schedules were paused.",
        "The task is paused until 2026-03-02T13:00:00.000Z.",
    ]


def test_a_fire_time_that_no_rule_names_any_more_is_the_first_rule_s() -> None:
    _, schedule = schedule_of(ON_THE_HOUR, AT_HALF_PAST)

    assert rule_of(schedule, MONDAY + HOUR / 2) == AT_HALF_PAST
    assert rule_of(schedule, MONDAY + HOUR / 4) == ON_THE_HOUR


def test_a_missing_function_is_named() -> None:
    bar = missing_function_bar("acme.report")

    assert bar.reason is Reason.FUNCTION_MISSING
    assert "'acme.report'" in bar.sentence
