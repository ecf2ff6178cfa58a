"""What follows an attempt: the end of its execution, or another one, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from cronplug.clock import rfc3339
from cronplug.model import Delivery, Reason, Status

MAX_CUT_OFFS = 5
"""An execution cut off so many times is lost."""

MAX_RETRY_DELAY_SECONDS = 7 * 86_400

Verdict = Literal["success", "failed", "timed_out", "cancelled", "cut_off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFacts:
    """How an attempt ended, and what the execution may still do.

    `attempt` counts from 1 and leaves out attempts that were cut off; `cut_offs` are those before this one.
    `permanent` forbids a retry; `retry_after_seconds` replaces the task's delay for this one.
    """

    verdict: Verdict
    reason: Reason
    attempt: int
    cut_offs: int = 0
    permanent: bool = False
    retry_after_seconds: float | None = None
    cancel_requested: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterAttempt:
    """What becomes of the execution: QUEUED again from `available_at` on, or ended (`available_at` None).

    `counted` is False when the attempt was cut off and uses up no retry. `sentence` explains a decision that the
    attempt's own error does not; None when there is nothing to add.
    """

    status: Status
    reason: Reason
    available_at: datetime | None = None
    counted: bool = True
    sentence: str | None = None


def plan_after_attempt(
    facts: AttemptFacts, *, max_retries: int, retry_delay_seconds: float, delivery: Delivery, now: datetime
) -> AfterAttempt:
    """Decide whether an execution ends with this attempt or is tried again, and when.

    A failed or timed out attempt is tried again while `attempt` is at most `max_retries`, unless it is permanent or
    its cancel was asked for. One that was cut off is tried again at once and counts for nothing, up to 5 times; under
    `at_most_once` it is lost.
    """
    if facts.verdict == "success":
        return AfterAttempt(status=Status.SUCCESS, reason=facts.reason)
    if facts.verdict == "cancelled":
        return AfterAttempt(status=Status.CANCELLED, reason=facts.reason)
    if facts.verdict == "cut_off":
        return _plan_after_cut_off(facts, delivery=delivery, now=now)
    ended = Status.TIMED_OUT if facts.verdict == "timed_out" else Status.FAILED
    if facts.permanent or facts.cancel_requested or facts.attempt > max_retries:
        return AfterAttempt(status=ended, reason=facts.reason)
    delay = retry_delay_seconds if facts.retry_after_seconds is None else facts.retry_after_seconds
    bounded = min(delay, MAX_RETRY_DELAY_SECONDS) if delay > 0 else 0  # a delay that is not a number is 0
    available_at = now + timedelta(seconds=bounded)
    return AfterAttempt(
        status=Status.QUEUED,
        reason=Reason.RETRYING,
        available_at=available_at,
        sentence=f"Retry {facts.attempt} of {max_retries} at {rfc3339(available_at)}.",
    )


def _plan_after_cut_off(facts: AttemptFacts, *, delivery: Delivery, now: datetime) -> AfterAttempt:
    times = facts.cut_offs + 1
    if facts.cancel_requested:
        return AfterAttempt(status=Status.CANCELLED, reason=Reason.CANCELLED_BY_REQUEST, counted=False)
    if delivery is Delivery.AT_MOST_ONCE:
        sentence = "The attempt was cut off, and delivery at_most_once forbids another."
        return AfterAttempt(status=Status.LOST, reason=facts.reason, counted=False, sentence=sentence)
    if times >= MAX_CUT_OFFS:
        sentence = f"The execution was cut off {times} times, so it is not tried again."
        return AfterAttempt(status=Status.LOST, reason=Reason.CRASH_LOOP, counted=False, sentence=sentence)
    return AfterAttempt(status=Status.QUEUED, reason=facts.reason, available_at=now, counted=False)
