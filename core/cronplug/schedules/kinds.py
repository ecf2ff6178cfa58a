"""The kinds of schedule beside cron: every so many seconds, and once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LONGEST_INTERVAL_SECONDS = 366 * 86_400
LAST_INSTANT = datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)
"""No schedule fires later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalSchedule:
    """Fire times at `anchor_at` (UTC, whole seconds) and every `every_seconds` after it, whatever clocks on walls do.

    >>> from datetime import UTC, datetime
    >>> schedule = IntervalSchedule(every_seconds=90, anchor_at=datetime(2026, 1, 1, tzinfo=UTC))
    >>> schedule.next_fire_time(datetime(2026, 1, 1, 0, 2, tzinfo=UTC)).isoformat()
    '2026-01-01T00:03:00+00:00'
    """

    every_seconds: int
    anchor_at: datetime

    def next_fire_time(self, after: datetime) -> datetime | None:
        """The first fire time strictly after `after`, None when there is none."""
        if after >= LAST_INSTANT:
            return None
        step = self._steps_to(after) + 1
        return self._at(step if step > 0 else 0)

    def latest_fire_time(self, at: datetime) -> datetime | None:
        """The last fire time at or before `at`, None when there is none."""
        step = self._steps_to(min(at, LAST_INSTANT))
        return self._at(step) if step >= 0 else None

    def fire_times(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """The oldest `limit` fire times in (after, until], rising."""
        first, last = self._range(after, until)
        return self._times(first, min(last, first + limit - 1))

    def latest_fire_times(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """The newest `limit` fire times in (after, until], rising."""
        first, last = self._range(after, until)
        return self._times(max(first, last - limit + 1), last)

    def count_fire_times(self, after: datetime, until: datetime) -> int:
        """How many fire times lie in (after, until]."""
        first, last = self._range(after, until)
        return max(last - first + 1, 0)

    @property
    def shortest_interval_seconds(self) -> int:
        """The interval."""
        return self.every_seconds

    def _steps_to(self, at: datetime) -> int:
        return (at - self.anchor_at) // timedelta(seconds=self.every_seconds)

    def _at(self, step: int) -> datetime | None:
        at = self.anchor_at + step * timedelta(seconds=self.every_seconds)
        return at if at <= LAST_INSTANT else None

    def _range(self, after: datetime, until: datetime) -> tuple[int, int]:
        """The first and the last step in (after, until]; the last is before the first when there is none."""
        return max(self._steps_to(after) + 1, 0), self._steps_to(min(until, LAST_INSTANT))

    def _times(self, first: int, last: int) -> list[datetime]:
        interval = timedelta(seconds=self.every_seconds)
        return [self.anchor_at + step * interval for step in range(first, last + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceSchedule:
    """One fire time, `at` (UTC, whole seconds)."""

    at: datetime

    def next_fire_time(self, after: datetime) -> datetime | None:
        """The fire time, None unless it comes after `after`."""
        return self.at if self.at > after else None

    def latest_fire_time(self, at: datetime) -> datetime | None:
        """The fire time, None unless it has come at `at`."""
        return self.at if self.at <= at else None

    def fire_times(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """The fire time if it lies in (after, until]."""
        return [self.at] if limit > 0 and after < self.at <= until else []

    def latest_fire_times(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """The fire time if it lies in (after, until]."""
        return self.fire_times(after, until, limit)

    def count_fire_times(self, after: datetime, until: datetime) -> int:
        """1 if the fire time lies in (after, until]."""
        return len(self.fire_times(after, until, 1))

    @property
    def shortest_interval_seconds(self) -> None:
        """There are never two."""
        return
