"""Overlap, what follows an attempt, and the next fire time of a changed task."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cronplug.model import Delivery, Overlap, Reason, Status, Trigger
from cronplug.planning import (
    AfterAttempt,
    AttemptFacts,
    PlannedFire,
    plan_after_attempt,
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


def after(verdict: str, *, max_retries: int = 2, delivery: str = "at_least_once", **facts: Any) -> AfterAttempt:
    reason = {"success": "completed", "failed": "error", "timed_out": "timeout", "cancelled": "cancelled_by_request"}
    known = {"reason": Reason(reason.get(verdict, "cut_off")), "attempt": 1, **facts}
    return plan_after_attempt(
        AttemptFacts(verdict=verdict, **known),  # type: ignore[arg-type]
        max_retries=max_retries,
        retry_delay_seconds=60,
        delivery=Delivery(delivery),
        now=NOW,
    )


@pytest.mark.parametrize(
    ("verdict", "facts", "status", "reason", "delay", "counted"),
    [
        ("success", {}, "success", "completed", None, True),
        ("cancelled", {}, "cancelled", "cancelled_by_request", None, True),
        ("failed", {}, "queued", "retrying", 60, True),
        ("failed", {"attempt": 2}, "queued", "retrying", 60, True),
        ("failed", {"attempt": 3}, "failed", "error", None, True),
        ("failed", {"max_retries": 0}, "failed", "error", None, True),
        ("failed", {"reason": Reason.WORKER_DIED}, "queued", "retrying", 60, True),
        ("failed", {"permanent": True, "reason": Reason.PERMANENT_ERROR}, "failed", "permanent_error", None, True),
        ("failed", {"cancel_requested": True}, "failed", "error", None, True),
        ("failed", {"retry_after_seconds": 5.5}, "queued", "retrying", 5.5, True),
        ("failed", {"retry_after_seconds": 0}, "queued", "retrying", 0, True),
        ("failed", {"retry_after_seconds": -3}, "queued", "retrying", 0, True),
        ("failed", {"retry_after_seconds": math.nan}, "queued", "retrying", 0, True),
        ("failed", {"retry_after_seconds": math.inf}, "queued", "retrying", 604_800, True),
        ("failed", {"retry_after_seconds": 5, "attempt": 3}, "failed", "error", None, True),
        ("timed_out", {}, "queued", "retrying", 60, True),
        ("timed_out", {"attempt": 3}, "timed_out", "timeout", None, True),
        ("cut_off", {}, "queued", "cut_off", 0, False),
        ("cut_off", {"max_retries": 0}, "queued", "cut_off", 0, False),
        ("cut_off", {"reason": Reason.SHUTDOWN}, "queued", "shutdown", 0, False),
        ("cut_off", {"cut_offs": 3}, "queued", "cut_off", 0, False),
        ("cut_off", {"cut_offs": 4}, "lost", "crash_loop", None, False),
        ("cut_off", {"delivery": "at_most_once"}, "lost", "cut_off", None, False),
        ("cut_off", {"cancel_requested": True}, "cancelled", "cancelled_by_request", None, False),
    ],
)
def test_after_attempt_table(
    verdict: str, facts: dict[str, Any], status: str, reason: str, delay: float | None, counted: bool
) -> None:
    decided = after(verdict, **facts)

    assert (decided.status, decided.reason, decided.counted) == (status, reason, counted)
    assert decided.available_at == (None if delay is None else NOW + timedelta(seconds=delay))


def test_a_retry_says_which_one_it_is_and_when() -> None:
    assert after("failed").sentence == "Retry 1 of 2 at 2026-03-02T12:01:00.000Z."


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
