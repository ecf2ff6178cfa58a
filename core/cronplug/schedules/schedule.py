"""What every kind of schedule answers."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Schedule(Protocol):
    """A rule that gives fire times: aware UTC datetimes on whole seconds. All instants given must be aware.

    No answer walks through time: the cost does not depend on how far away the next fire time is.
    """

    def next_fire_time(self, after: datetime) -> datetime | None:
        """The first fire time strictly after `after`, None when there is none."""

    def latest_fire_time(self, at: datetime) -> datetime | None:
        """The last fire time at or before `at`, None when there is none."""

    def fire_times(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """The oldest `limit` fire times in (after, until], rising."""

    def latest_fire_times(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """The newest `limit` fire times in (after, until], rising."""

    def count_fire_times(self, after: datetime, until: datetime) -> int:
        """How many fire times lie in (after, until]."""

    @property
    def shortest_interval_seconds(self) -> int | None:
        """The least time between two fire times by the rule alone, None when there are never two."""
