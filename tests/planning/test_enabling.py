"""What enabling a task is said to do, before it is done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cronplug.model import (
    CalendarMode,
    CalendarUse,
    CatchUp,
    CronRule,
    IntervalRule,
    OnceRule,
    ScheduleRule,
    TaskDefinition,
    TaskType,
)
from cronplug.planning.enabling import preview_enabling
from cronplug.planning.fire_times import CatchUpPolicy
from cronplug.schedules import Terms, shown_schedule

NOW = datetime(2026, 1, 10, 12, 30, tzinfo=UTC)
HOURLY = CronRule(cron_expression="0 * * * *", timezone="UTC")


def enabling(
    *rules: ScheduleRule, catch_up: CatchUp = CatchUp.NONE, hours: float = 3, terms: Terms | None = None, **policy: Any
) -> Any:
    schedule = shown_schedule(TaskDefinition(name="x", type=TaskType.FUNCTION, schedules=rules))
    return preview_enabling(
        schedule,
        disabled_at=NOW - timedelta(hours=hours),
        now=NOW,
        policy=CatchUpPolicy(catch_up=catch_up, **policy),
        terms=terms or Terms(),
    )


@pytest.mark.parametrize(
    ("told", "hours", "missed", "sentence"),
    [
        (enabling(HOURLY), [], 3,
         "Nothing runs at once. The 3 fire times that passed while it was disabled are not run. "
         "The next run is 2026-01-10 13:00 (UTC)."),
        (enabling(HOURLY, hours=0.6), [], 1,
         "Nothing runs at once. The fire time that passed while it was disabled is not run. "
         "The next run is 2026-01-10 13:00 (UTC)."),
        (enabling(HOURLY, hours=0.1), [], 0, "Nothing runs at once. The next run is 2026-01-10 13:00 (UTC)."),
        (enabling(HOURLY, catch_up=CatchUp.LAST), [12], 2,
         "1 missed fire time runs at once; 2 others do not. The next run is 2026-01-10 13:00 (UTC)."),
        (enabling(HOURLY, catch_up=CatchUp.ALL), [10, 11, 12], 0,
         "3 missed fire times run at once. The next run is 2026-01-10 13:00 (UTC)."),
        (enabling(HOURLY, catch_up=CatchUp.ALL, max_runs=2), [11, 12], 1,
         "2 missed fire times run at once; 1 other does not. The next run is 2026-01-10 13:00 (UTC)."),
        (enabling(HOURLY, catch_up=CatchUp.ALL, terms=Terms(max_executions=2)), [10, 11], 1,
         "2 missed fire times run at once; 1 other does not. "
         "No run follows: its schedules may start 2 executions in all."),
        (enabling(OnceRule(at=NOW, timezone="UTC")), [], 1,
         "Nothing runs at once. The fire time that passed while it was disabled is not run. "
         "No run follows: its schedules have no further fire time that runs."),
        (enabling(), [], 0, "Nothing runs at once. It runs only when triggered."),
    ],
)  # fmt: skip
def test_enabling_is_told_before_it_is_done(told: Any, hours: list[int], missed: int, sentence: str) -> None:
    assert [at.hour for at in told.catch_up] == hours
    assert told.missed_count == missed
    assert told.sentence == sentence


def test_an_interval_after_the_end_begins_anew() -> None:
    told = enabling(IntervalRule(every_seconds=600, timezone="UTC", after_end=True), catch_up=CatchUp.ALL)

    assert (told.catch_up, told.missed_count, told.next_run_at) == ((), None, NOW + timedelta(minutes=10))
    assert told.sentence == "Nothing runs at once. The next run is 2026-01-10 12:40 (UTC)."


def test_what_is_paused_or_excluded_is_not_caught_up() -> None:
    gone = CronRule(
        cron_expression="0 * * * *",
        timezone="UTC",
        calendars=(CalendarUse(calendar_id="gone", mode=CalendarMode.EXCLUDE),),
    )

    assert enabling(gone, catch_up=CatchUp.ALL).catch_up == ()
    paused = enabling(HOURLY, catch_up=CatchUp.ALL, terms=Terms(paused_until=NOW - timedelta(hours=1)))
    assert [at.hour for at in paused.catch_up] == [12]


def test_years_of_many_dense_schedules_are_not_counted() -> None:
    rules = [CronRule(cron_expression=f"*/{n} * * * * *", timezone="UTC") for n in range(1, 11)]

    assert enabling(*rules, hours=24 * 365).missed_count is None


def test_a_task_whose_end_of_work_is_not_known_tells_the_next_run_only() -> None:
    schedule = shown_schedule(TaskDefinition(name="x", type=TaskType.FUNCTION, schedules=(HOURLY,)))
    policy = CatchUpPolicy(catch_up=CatchUp.ALL)

    told = preview_enabling(schedule, disabled_at=None, now=NOW, policy=policy)

    assert (told.catch_up, told.missed_count) == ((), None)
    assert told.next_run_at == NOW.replace(hour=13, minute=0)
