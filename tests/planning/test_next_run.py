"""The next fire time of a task that is made, enabled or edited, whose execution ended, or whose zone data changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cronplug.model import CronRule, IntervalRule, OnceRule, TaskDefinition, TaskType
from cronplug.planning import plan_after_end, plan_by_new_zone_data, plan_first_run_at
from cronplug.schedules import parse_schedule

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOURLY = CronRule(cron_expression="0 * * * *", timezone="UTC")
AFTER_END = IntervalRule(every_seconds=60, timezone="UTC", after_end=True)


def first_run_at(*rules: Any, fired_count: int = 0, **fields: Any) -> datetime | None:
    definition = TaskDefinition(name="-", type=TaskType.HTTP, schedules=rules, **fields)
    return plan_first_run_at(definition, task_id="", now=NOW, fired_count=fired_count)


def test_a_new_task_waits_for_the_next_fire_time_even_on_the_very_second() -> None:
    assert first_run_at(HOURLY) == NOW + 60 * MINUTE


@pytest.mark.parametrize(
    ("rules", "fields"),
    [
        ((), {}),
        ((HOURLY,), {"enabled": False}),
        ((HOURLY,), {"end_at": NOW + 59 * MINUTE}),
        ((HOURLY,), {"max_executions": 3, "fired_count": 3}),
        ((OnceRule(at=NOW, timezone="UTC"),), {}),
        ((AFTER_END,), {"enabled": False}),
        ((AFTER_END,), {"max_executions": 3, "fired_count": 4}),
        ((AFTER_END,), {"end_at": NOW + timedelta(seconds=59)}),
    ],
)
def test_nothing_is_planned_when_nothing_is_to_come(rules: Any, fields: dict[str, Any]) -> None:
    assert first_run_at(*rules, **fields) is None


def test_a_limit_that_is_not_reached_changes_nothing() -> None:
    assert first_run_at(HOURLY, max_executions=3, fired_count=2) == NOW + 60 * MINUTE


def test_a_task_that_counts_from_the_end_begins_so_long_after_now() -> None:
    assert first_run_at(AFTER_END) == NOW + MINUTE


def test_its_start_can_be_put_off() -> None:
    anchored = IntervalRule(every_seconds=60, timezone="UTC", after_end=True, anchor_at=NOW + 5 * MINUTE)

    assert first_run_at(anchored) == NOW + 5 * MINUTE
    assert first_run_at(AFTER_END, start_at=NOW + 3 * MINUTE) == NOW + 3 * MINUTE


def test_fire_times_after_an_end_are_whole_seconds_and_never_early() -> None:
    definition = TaskDefinition(name="-", type=TaskType.HTTP, schedules=(AFTER_END,))

    assert plan_after_end(definition, ended_at=NOW + timedelta(milliseconds=1)) == NOW + timedelta(seconds=61)


DAILY = parse_schedule(cron_expression="0 9 * * *", timezone="UTC")
"""What the present zone data say: nine o'clock is 09:00Z."""


@pytest.mark.parametrize(
    ("pending", "now", "expected"),
    [
        ("09:00", "08:00", "09:00"),  # the same by both
        ("10:00", "08:00", "09:00"),  # it comes an hour earlier now
        ("08:00", "07:00", "09:00"),  # it comes an hour later now
        ("10:00", "09:30", "10:00"),  # by the new data it is over: run as it was promised
        ("08:00", "08:00", "08:00"),  # due
        ("08:00", "08:30", "08:00"),  # due for long
        ("21:00", "20:00", "33:00"),  # as near to both sides
    ],
)
def test_other_zone_data_move_what_is_to_come_and_neither_skip_nor_fire_at_once(
    pending: str, now: str, expected: str
) -> None:
    def at(text: str) -> datetime:
        hours, minutes = text.split(":")
        return datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=int(hours), minutes=int(minutes))

    assert plan_by_new_zone_data(DAILY, pending=at(pending), now=at(now)) == at(expected)


def test_a_promised_fire_time_stays_when_other_zone_data_name_none() -> None:
    never_again = parse_schedule(cron_expression="0 0 9 1 1 * 1999", timezone="UTC")

    assert plan_by_new_zone_data(never_again, pending=NOW + MINUTE, now=NOW) == NOW + MINUTE
