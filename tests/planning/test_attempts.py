"""What follows an attempt."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cronplug.model import Delivery, Reason, RetryBackoff
from cronplug.planning import AfterAttempt, AttemptFacts, RetryPolicy, plan_after_attempt, retry_delay_seconds

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def after(
    verdict: str,
    *,
    max_retries: int = 2,
    delivery: str = "at_least_once",
    policy: RetryPolicy | None = None,
    **facts: Any,
) -> AfterAttempt:
    reason = {"success": "completed", "failed": "error", "timed_out": "timeout", "cancelled": "cancelled_by_request"}
    known = {"reason": Reason(reason.get(verdict, "cut_off")), "attempt": 1, **facts}
    return plan_after_attempt(
        AttemptFacts(verdict=verdict, **known),  # type: ignore[arg-type]
        policy=policy or RetryPolicy(max_retries=max_retries, delay_seconds=60),
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


@pytest.mark.parametrize(
    ("backoff", "cap", "delays"),
    [
        ("fixed", 3_600, [10, 10, 10, 10]),
        ("exponential", 3_600, [10, 20, 40, 80]),
        ("exponential", 25, [10, 20, 25, 25]),
        ("exponential", 1, [10, 10, 10, 10]),  # the cap bounds the growth, never the delay itself
    ],
)
def test_how_the_delay_grows(backoff: str, cap: int, delays: list[int]) -> None:
    policy = RetryPolicy(delay_seconds=10, backoff=RetryBackoff(backoff), max_delay_seconds=cap)

    assert [retry_delay_seconds(policy, attempt=attempt) for attempt in (1, 2, 3, 4)] == delays


@given(st.integers(0, 100), st.integers(1, 100), st.text(max_size=20))
def test_jitter_stays_within_its_share_and_is_the_same_each_time(percent: int, attempt: int, seed: str) -> None:
    policy = RetryPolicy(delay_seconds=100, jitter_percent=percent)

    delay = retry_delay_seconds(policy, attempt=attempt, seed=seed)

    assert 100 - percent <= delay <= 100 + percent
    assert delay == retry_delay_seconds(policy, attempt=attempt, seed=seed)


def test_jitter_parts_executions_that_failed_together() -> None:
    policy = RetryPolicy(delay_seconds=100, jitter_percent=50)

    assert len({round(retry_delay_seconds(policy, attempt=1, seed=str(n))) for n in range(100)}) > 30


@pytest.mark.parametrize(
    ("retry_on", "no_retry_on", "reason", "kinds", "retried"),
    [
        ((), (), "error", ("ValueError", "Exception"), True),
        (("ConnectionError",), (), "error", ("ConnectionResetError", "ConnectionError", "OSError"), True),
        (("ConnectionError",), (), "error", ("ValueError", "Exception"), False),
        (("timeout",), (), "timeout", (), True),
        (("timeout",), (), "worker_died", (), False),
        ((), ("ValueError",), "error", ("UnicodeError", "ValueError"), False),
        (("OSError",), ("FileNotFoundError",), "error", ("FileNotFoundError", "OSError"), False),
        (("OSError",), ("FileNotFoundError",), "error", ("TimeoutError", "OSError"), True),
        (("httpx.TransportError",), (), "error", ("ConnectTimeout", "TransportError"), True),
        ((), ("httpx.TransportError",), "error", ("ConnectTimeout", "TransportError"), False),
        (("ValueError",), (), "cut_off", (), True),  # what was cut off has not failed
    ],
)
def test_which_kinds_of_failure_are_tried_again(
    retry_on: tuple[str, ...], no_retry_on: tuple[str, ...], reason: str, kinds: tuple[str, ...], retried: bool
) -> None:
    policy = RetryPolicy(max_retries=2, retry_on=retry_on, no_retry_on=no_retry_on)
    verdict = {"timeout": "timed_out", "cut_off": "cut_off"}.get(reason, "failed")

    decided = after(verdict, policy=policy, reason=Reason(reason), error_kinds=kinds)

    assert (decided.available_at is not None) == retried
    assert retried or "Not tried again" in (decided.sentence or "")
