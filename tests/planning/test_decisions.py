"""Overlap, and the next fire time of a changed task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cronplug.model import Overlap, Reason, Status, Trigger
from cronplug.planning import (
    PlannedFire,
    plan_next_run_at,
    plan_overlap,
    settle_overlap,
)
from cronplug.schedules import parse_schedule

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("overlap", "unfinished", "trigger", "expected"),
    [
        ("skip", False, "schedule", "queued"),
        ("skip", True, "schedule", "skipped"),
        ("skip", True, "catch_up", "queued"),
        ("skip", True, "manual", "queued"),
        ("allow", False, "schedule", "queued"),
        ("allow", True, "schedule", "queued"),
    ],
)
def test_overlap_table(overlap: str, unfinished: bool, trigger: str, expected: str) -> None:
    assert plan_overlap(Overlap(overlap), unfinished=unfinished, trigger=Trigger(trigger)) == expected


def fire(minute: int, trigger: Trigger = Trigger.SCHEDULE, status: Status = Status.QUEUED) -> PlannedFire:
    return PlannedFire(scheduled_for=NOW + timedelta(minutes=minute), trigger=trigger, status=status)


def test_within_one_plan_the_first_queued_run_makes_later_ones_overlap() -> None:
    fires = [fire(0, status=Status.MISSED), fire(1), fire(2)]

    settled = settle_overlap(fires, overlap=Overlap.SKIP, unfinished=False)

    assert [f.status for f in settled] == ["missed", "queued", "skipped"]
    assert settled[2].reason is Reason.OVERLAP
    assert settled[2].sentence


def test_what_is_caught_up_is_not_skipped_by_its_own_kind() -> None:
    fires = [fire(0, Trigger.CATCH_UP), fire(1, Trigger.CATCH_UP), fire(2)]

    settled = settle_overlap(fires, overlap=Overlap.SKIP, unfinished=True)

    assert [f.status for f in settled] == ["queued", "queued", "skipped"]


HOURLY = parse_schedule(cron_expression="0 * * * *", timezone="UTC")


def test_a_new_task_waits_for_the_next_fire_time_even_on_the_very_second() -> None:
    assert plan_next_run_at(HOURLY, now=NOW) == NOW + timedelta(hours=1)


def test_editing_before_the_planner_came_keeps_the_due_fire_time() -> None:
    now = NOW + timedelta(milliseconds=300)

    assert plan_next_run_at(HOURLY, now=now, pending=NOW) == NOW


def test_a_due_fire_time_that_the_new_schedule_does_not_name_is_dropped() -> None:
    at_half_past = parse_schedule(cron_expression="30 * * * *", timezone="UTC")
    now = NOW + timedelta(milliseconds=300)

    assert plan_next_run_at(at_half_past, now=now, pending=NOW) == NOW + timedelta(minutes=30)


def test_a_coming_fire_time_is_computed_anew() -> None:
    pending = NOW + timedelta(minutes=30)

    assert plan_next_run_at(HOURLY, now=NOW, pending=pending) == NOW + timedelta(hours=1)


def test_a_task_without_a_schedule_plans_nothing() -> None:
    assert plan_next_run_at(None, now=NOW, pending=NOW) is None
