"""Clocks tell aware UTC instants with whole milliseconds, and a steered one follows another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cronplug.clock import (
    SettableClock,
    SteeredClock,
    SystemClock,
    from_millis,
    millis_rfc3339,
    rfc3339,
    to_millis,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_the_system_clock_tells_whole_milliseconds_in_utc() -> None:
    now = SystemClock().now()
    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert from_millis(to_millis(now)) == now


def test_instants_are_told_in_one_form() -> None:
    assert rfc3339(NOON + timedelta(milliseconds=7)) == "2026-03-02T12:00:00.007Z"


@given(st.integers(0, to_millis(datetime(9999, 12, 31, tzinfo=UTC))))
def test_milliseconds_are_told_like_instants(millis: int) -> None:
    assert millis_rfc3339(millis) == rfc3339(from_millis(millis))


def test_a_steered_clock_follows_the_other_one_from_then_on() -> None:
    host = SettableClock(NOON)
    clock = SteeredClock(host)
    assert clock.now() == NOON
    clock.steer(NOON + timedelta(hours=1), asked_at=NOON, answered_at=NOON)
    host.advance(5)
    assert clock.now() == NOON + timedelta(hours=1, seconds=5)


def test_the_way_of_the_question_is_shared_out_evenly() -> None:
    clock = SteeredClock(SettableClock(NOON))
    clock.steer(NOON, asked_at=NOON - timedelta(seconds=1), answered_at=NOON + timedelta(seconds=3))
    assert clock.now() == NOON - timedelta(seconds=1)
