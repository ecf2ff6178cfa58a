"""Figures of many executions in little room: counts by status, and histograms from which percentiles are told.

A histogram has a bucket for each step of the factor 2^(1/4), from a millisecond on; only buckets that are not empty are
kept. So two of them add up exactly, however many hours are put together, and a percentile is told to within 10 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from cronplug.model import Status, Trigger

_STEPS_PER_DOUBLING = 4
_SMALLEST = 0.001
_LOWEST = math.floor(_STEPS_PER_DOUBLING * math.log2(_SMALLEST))
DECISIVE = frozenset({Status.SUCCESS, Status.FAILED, Status.TIMED_OUT})
"""Ends whose durations tell how long the work takes."""

Histogram = dict[int, int]
"""How many values each bucket has."""


def bucket_of(seconds: float) -> int:
    """The bucket of a duration.

    >>> bucket_of(1.0), bucket_of(2.0), bucket_of(0.0)
    (0, 4, -40)
    """
    if seconds <= _SMALLEST:
        return _LOWEST
    return math.floor(_STEPS_PER_DOUBLING * math.log2(seconds))


def percentile(histogram: Mapping[int, int], fraction: float, *, at_most: float | None = None) -> float | None:
    """The duration that `fraction` of the values do not exceed, in seconds; None without values.

    `at_most` is the largest value, where it is known.

    >>> percentile({0: 99, 20: 1}, 0.5)
    1.091
    >>> percentile({20: 1}, 0.95, at_most=33.0)
    33.0
    """
    total = sum(histogram.values())
    if not total:
        return None
    wanted = math.ceil(total * fraction)
    for bucket in sorted(histogram):
        wanted -= histogram[bucket]
        if wanted <= 0:
            break
    middle = round(2 ** ((bucket + 0.5) / _STEPS_PER_DOUBLING), 3)
    return middle if at_most is None else min(middle, at_most)


def pack_histogram(histogram: Mapping[int, int]) -> str | None:
    """A histogram as text; None for an empty one.

    >>> pack_histogram({3: 7, -2: 1})
    '-2:1 3:7'
    """
    return " ".join(f"{bucket}:{histogram[bucket]}" for bucket in sorted(histogram)) or None


def read_histogram(text: str | None) -> Histogram:
    """The histogram that `pack_histogram` wrote.

    >>> read_histogram('-2:1 3:7')
    {-2: 1, 3: 7}
    """
    return read_histograms(() if text is None else (text,))


def read_histograms(texts: Iterable[str]) -> Histogram:
    """Several histograms that `pack_histogram` wrote, added up.

    >>> read_histograms(['-2:1 3:7', '3:1'])
    {-2: 1, 3: 8}
    """
    text = " ".join(texts)
    return _add_up(text) if len(text) < _LONG else dict(_add_up_once(text))


_LONG = 1_000


def _add_up(text: str) -> Histogram:
    histogram: Histogram = {}
    numbers = map(int, text.replace(":", " ").split())
    for bucket, count in zip(numbers, numbers, strict=True):
        histogram[bucket] = histogram.get(bucket, 0) + count
    return histogram


@lru_cache(maxsize=256)
def _add_up_once(text: str) -> Histogram:
    """The same; what the half hours of a past day add up to is asked for with every look at a year."""
    return _add_up(text)


COUNTED = (
    Status.SUCCESS,
    Status.FAILED,
    Status.TIMED_OUT,
    Status.CANCELLED,
    Status.LOST,
    Status.SKIPPED,
    Status.MISSED,
)
"""The ends of executions, in the order in which they are kept."""


@dataclass(slots=True)
class Tally:
    """Ended executions: how many of each status, how long they took, how late they started.

    `max_seconds` is the longest duration. Durations are those of decisive ends, from the first start to the end.
    """

    counts: dict[Status, int] = field(default_factory=dict)
    durations: Histogram = field(default_factory=dict)
    delays: Histogram = field(default_factory=dict)
    max_seconds: float | None = None

    def add(self, status: Status, *, seconds: float | None = None, delay: float | None = None) -> None:
        """Count one execution."""
        self.counts[status] = self.counts.get(status, 0) + 1
        if seconds is not None and status in DECISIVE:
            bucket = bucket_of(seconds)
            self.durations[bucket] = self.durations.get(bucket, 0) + 1
            if self.max_seconds is None or seconds > self.max_seconds:
                self.max_seconds = seconds
        if delay is not None:
            bucket = bucket_of(delay)
            self.delays[bucket] = self.delays.get(bucket, 0) + 1

    def merge(self, other: Tally) -> None:
        """Count what another tally has counted."""
        for mine, theirs in ((self.durations, other.durations), (self.delays, other.delays)):
            if mine:
                for bucket, count in theirs.items():
                    mine[bucket] = mine.get(bucket, 0) + count
            else:
                mine.update(theirs)
        for status, count in other.counts.items():
            self.counts[status] = self.counts.get(status, 0) + count
        if other.max_seconds is not None:
            self.max_seconds = max(self.max_seconds or 0.0, other.max_seconds)

    def count(self, *statuses: Status) -> int:
        """How many executions ended so."""
        return sum(self.counts.get(status, 0) for status in statuses)

    @property
    def ended(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    @property
    def failures(self) -> int:
        """How many failed, ran out of time or were lost."""
        return self.count(Status.FAILED, Status.TIMED_OUT, Status.LOST)

    def duration(self, fraction: float) -> float | None:
        """A percentile of the durations, in seconds."""
        return percentile(self.durations, fraction, at_most=self.max_seconds)

    def delay(self, fraction: float) -> float | None:
        """A percentile of the start delays, in seconds."""
        return percentile(self.delays, fraction)


@dataclass(frozen=True, slots=True)
class PackedTally:
    """A tally as it is kept: the number of each of `COUNTED`, histograms as texts."""

    counts: tuple[int, ...]
    max_seconds: float | None = None
    durations: str | None = None
    delays: str | None = None


def unpack(packed: Sequence[PackedTally]) -> Tally:
    """All of them together: a year of hours is added up in one go.

    >>> unpack([PackedTally((2, 1, 0, 0, 0, 0, 0), 3.0, '0:2 5:1'), PackedTally((1, 0, 0, 0, 0, 0, 0), 1.5, '0:1')])
    Tally(counts={<Status.SUCCESS: 'success'>: 3, <Status.FAILED: 'failed'>: 1}, durations={0: 3, 5: 1}, delays={}, max_seconds=3.0)
    """
    sums = map(sum, zip(*(it.counts for it in packed), strict=True))
    return Tally(
        counts={status: count for status, count in zip(COUNTED, sums, strict=bool(packed)) if count},
        durations=read_histograms(it.durations for it in packed if it.durations is not None),
        delays=read_histograms(it.delays for it in packed if it.delays is not None),
        max_seconds=max((it.max_seconds for it in packed if it.max_seconds is not None), default=None),
    )


def merged(tallies: Iterable[Tally]) -> Tally:
    """All of them together, in a new one."""
    total = Tally()
    for tally in tallies:
        total.merge(tally)
    return total


def start_delay(
    trigger: Trigger | str, *, scheduled_for: float, queued_at: float, available_at: float, started_at: float
) -> float:
    """By how much an execution started later than it could have, in the unit of the instants.

    It could at its fire time. What was caught up could once it was queued. Jitter, and waiting for an earlier execution
    of the task, which `available_at` tells while no retry has moved it, are wanted.

    >>> start_delay(Trigger.SCHEDULE, scheduled_for=10, queued_at=11, available_at=11, started_at=12)
    2
    >>> start_delay(Trigger.SCHEDULE, scheduled_for=10, queued_at=11, available_at=40, started_at=41)
    1
    """
    since = queued_at if trigger == Trigger.CATCH_UP else scheduled_for
    if queued_at < available_at <= started_at:
        since = available_at
    return max(started_at - since, 0)
