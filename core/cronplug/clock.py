"""The only place that asks the time, so that tests can set it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WALL_EPOCH = EPOCH.replace(tzinfo=None)
_MILLISECOND = timedelta(milliseconds=1)


class Clock(Protocol):
    """Tells the time as an aware UTC datetime with millisecond resolution."""

    def now(self) -> datetime:
        """The present instant, UTC, cut to whole milliseconds (what the store keeps)."""
        ...


class SystemClock:
    """The host's wall clock."""

    def now(self) -> datetime:
        """The present instant, UTC, cut to whole milliseconds."""
        return from_millis(time.time_ns() // 1_000_000)


class SteeredClock:
    """A host's clock corrected to what another clock told, so that nodes which steer by one clock agree."""

    def __init__(self, host: Clock) -> None:
        self.host = host
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """The present instant by the other clock, as far as is known."""
        return self.host.now() + self._ahead

    def steer(self, told: datetime, *, asked_at: datetime, answered_at: datetime) -> None:
        """Take over that the other clock told `told` at some moment between two instants of the host's clock."""
        middle = asked_at + (answered_at - asked_at) / 2
        self._ahead = timedelta(milliseconds=(told - middle) // _MILLISECOND)


class SettableClock:
    """A clock that stands still until it is moved: for tests and for previews of other days."""

    def __init__(self, at: datetime) -> None:
        self._now = at

    def now(self) -> datetime:
        """The instant last set."""
        return self._now

    def set(self, at: datetime) -> None:
        """Move to `at` (aware); going back is allowed, as host clocks do it too."""
        self._now = at

    def advance(self, seconds: float) -> None:
        """Move by `seconds`, which may be negative."""
        self._now += timedelta(seconds=seconds)


def to_millis(at: datetime) -> int:
    """Whole milliseconds since 1970-01-01T00:00Z of an aware datetime, rounded down.

    >>> to_millis(datetime(2026, 1, 1, tzinfo=UTC))
    1767225600000
    """
    return (at - EPOCH) // _MILLISECOND


def from_millis(millis: int) -> datetime:
    """The aware UTC datetime of `millis` since 1970-01-01T00:00Z.

    >>> from_millis(1767225600000).isoformat()
    '2026-01-01T00:00:00+00:00'
    """
    return EPOCH + timedelta(0, 0, 0, millis)  # by place: the way of every run makes many


def rfc3339(at: datetime) -> str:
    """RFC 3339 in UTC with `Z` and milliseconds, the one form of instants outside the process.

    >>> rfc3339(datetime(2026, 1, 1, 8, 30, tzinfo=UTC))
    '2026-01-01T08:30:00.000Z'
    """
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.isoformat(timespec="milliseconds")[:-6] + "Z"  # without "+00:00"


def millis_rfc3339(millis: int) -> str:
    """`rfc3339` of milliseconds since 1970-01-01T00:00Z.

    >>> millis_rfc3339(1767256200000)
    '2026-01-01T08:30:00.000Z'
    """
    minute, rest = divmod(millis, 60_000)
    return _minute_text(minute) + _SECONDS[rest // 1000] + _MILLIS[rest % 1000]


_SECONDS = [f":{second:02}." for second in range(60)]
_MILLIS = [f"{millis:03}Z" for millis in range(1000)]


@lru_cache(maxsize=4_096)
def _minute_text(minute: int) -> str:
    """`2026-01-01T08:30` of minutes since 1970: lists have thousands of instants that are near each other."""
    return (_WALL_EPOCH + timedelta(0, 0, 0, 0, minute)).isoformat(timespec="minutes")
