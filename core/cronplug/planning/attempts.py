"""What follows an attempt: the end of its execution, or another one, and when."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from cronplug.clock import rfc3339
from cronplug.model import Delivery, Reason, RetryBackoff, Status

MAX_CUT_OFFS = 5
"""An execution cut off so many times is lost."""

MAX_RETRY_DELAY_SECONDS = 7 * 86_400

Verdict = Literal["success", "failed", "timed_out", "cancelled", "cut_off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Whether, how often and how far apart a failed attempt is tried again.

    The delay is `delay_seconds`, doubled for each further retry when `backoff` is exponential, at most
    `max_delay_seconds`, and then up to `jitter_percent` longer or shorter. `retry_on` (empty: every failure) and
    `no_retry_on` name kinds of failure: reasons (`timeout`, `http_status`, ...) and, for a function that raised, the
    names of the exception's class and its bases; a module before such a name is ignored. `no_retry_on` wins.
    """

    max_retries: int = 0
    delay_seconds: float = 60
    backoff: RetryBackoff = RetryBackoff.FIXED
    max_delay_seconds: float = 3_600
    jitter_percent: int = 0
    retry_on: Collection[str] = ()
    no_retry_on: Collection[str] = ()


NO_RETRIES = RetryPolicy()


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFacts:
    """How an attempt ended, and what the execution may still do.

    `attempt` counts from 1 and leaves out attempts that were cut off; `cut_offs` are those before this one.
    `permanent` forbids a retry; `retry_after_seconds` replaces the policy's delay for this one. `error_kinds` are the
    names of the exception's class and its bases, empty when nothing was raised.
    """

    verdict: Verdict
    reason: Reason
    attempt: int
    cut_offs: int = 0
    permanent: bool = False
    retry_after_seconds: float | None = None
    cancel_requested: bool = False
    error_kinds: Collection[str] = ()


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
    facts: AttemptFacts, *, policy: RetryPolicy, delivery: Delivery, now: datetime, seed: str = ""
) -> AfterAttempt:
    """Decide whether an execution ends with this attempt or is tried again, and when.

    A failed or timed out attempt is tried again while `attempt` is at most `max_retries`, unless it is permanent, of a
    kind that the policy does not retry, or its cancel was asked for. `seed` (the execution's id) places the jitter. One
    that was cut off is tried again at once and counts for nothing, up to 5 times; under `at_most_once` it is lost.
    """
    if facts.verdict == "success":
        return AfterAttempt(status=Status.SUCCESS, reason=facts.reason)
    if facts.verdict == "cancelled":
        return AfterAttempt(status=Status.CANCELLED, reason=facts.reason)
    if facts.verdict == "cut_off":
        return _plan_after_cut_off(facts, delivery=delivery, now=now)
    ended = Status.TIMED_OUT if facts.verdict == "timed_out" else Status.FAILED
    if facts.permanent or facts.cancel_requested or facts.attempt > policy.max_retries:
        return AfterAttempt(status=ended, reason=facts.reason)
    if (sentence := _why_no_retry(facts, policy)) is not None:
        return AfterAttempt(status=ended, reason=facts.reason, sentence=sentence)
    if facts.retry_after_seconds is None:
        delay = retry_delay_seconds(policy, attempt=facts.attempt, seed=seed)
    else:
        delay = facts.retry_after_seconds
    bounded = min(delay, MAX_RETRY_DELAY_SECONDS) if delay > 0 else 0  # a delay that is not a number is 0
    available_at = now + timedelta(seconds=bounded)
    return AfterAttempt(
        status=Status.QUEUED,
        reason=Reason.RETRYING,
        available_at=available_at,
        sentence=f"Retry {facts.attempt} of {policy.max_retries} at {rfc3339(available_at)}.",
    )


def retry_delay_seconds(policy: RetryPolicy, *, attempt: int, seed: str = "") -> float:
    """The seconds between the end of `attempt` (from 1) and the next one; the same for the same `seed`.

    >>> exponential = RetryPolicy(delay_seconds=10, backoff=RetryBackoff.EXPONENTIAL, max_delay_seconds=60)
    >>> [retry_delay_seconds(exponential, attempt=attempt) for attempt in (1, 2, 3, 4)]
    [10, 20, 40, 60]
    """
    delay = policy.delay_seconds
    if policy.backoff is RetryBackoff.EXPONENTIAL:
        delay = min(delay * 2 ** min(attempt - 1, 30), max(policy.max_delay_seconds, policy.delay_seconds))
    if not policy.jitter_percent:
        return delay
    digest = hashlib.blake2b(f"{seed} {attempt}".encode(), digest_size=8).digest()
    share = int.from_bytes(digest, "big") / 2**64  # 0 up to 1
    return delay * (1 + (2 * share - 1) * policy.jitter_percent / 100)


def _why_no_retry(facts: AttemptFacts, policy: RetryPolicy) -> str | None:
    kinds = {facts.reason.value, *facts.error_kinds}
    if refused := sorted(kinds & _bare(policy.no_retry_on)):
        return f"Not tried again: noRetryOn names {refused[0]}."
    if policy.retry_on and kinds.isdisjoint(_bare(policy.retry_on)):
        return "Not tried again: retryOn does not name this kind of failure."
    return None


def _bare(names: Collection[str]) -> set[str]:
    """Names of classes without the modules that people write before them: which one a class is in is not kept."""
    return {name.rpartition(".")[2] for name in names}


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
