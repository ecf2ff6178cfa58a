"""Writes instants, wall times, offsets and durations for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from cronplug.clock import EPOCH
from cronplug.schedules.zones import load_zone

_SECOND = timedelta(seconds=1)
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def epoch_seconds(at: datetime) -> int:
    """Whole UTC epoch seconds, rounded down."""
    return (at - EPOCH) // _SECOND


def local_of(at: datetime, timezone: str) -> tuple[str, str]:
    """The time on the wall and the offset from UTC of an instant in a known zone.

    >>> from datetime import UTC
    >>> local_of(datetime(2026, 7, 1, tzinfo=UTC), "Asia/Kolkata")
    ('2026-07-01T05:30:00', '+05:30')
    """
    seconds = epoch_seconds(at)
    offset = load_zone(timezone).offset_at(seconds)
    return wall_text(seconds + offset), offset_text(offset)


def instant_text(at: datetime, timezone: str) -> str:
    """An instant for a sentence: `2026-07-01 05:30`, with seconds only when there are any."""
    text = local_of(at, timezone)[0].replace("T", " ")
    return text.removesuffix(":00")


def wall_text(wall: int) -> str:
    """A wall time (seconds since 1970-01-01 00:00 on the wall) as `2026-03-29T03:00:00`."""
    return (EPOCH + timedelta(seconds=wall)).strftime("%Y-%m-%dT%H:%M:%S")


def time_text(wall: int) -> str:
    """The time of day of a wall time: `03:00`, with seconds only when there are any."""
    return wall_text(wall)[11:].removesuffix(":00")


def offset_text(seconds: int) -> str:
    """An offset from UTC, `+02:00`."""
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{sign}{hours:02}:{minutes:02}" + (f":{left:02}" if left else "")


def duration_text(seconds: int) -> str:
    """A duration in its largest whole unit; one day is 24 hours, since days on the wall differ.

    >>> duration_text(90), duration_text(5400), duration_text(86400), duration_text(1)
    ('90 seconds', '90 minutes', '24 hours', '1 second')
    """
    for size, unit in _UNITS:
        count, rest = divmod(seconds, size)
        if not rest and count and (size, count) != (86_400, 1):
            return f"{count} {unit}" + ("" if count == 1 else "s")
    return f"{seconds} seconds"


def stretches_of(values: Iterable[int]) -> list[list[int]]:
    """Rising numbers, those that follow each other together.

    >>> stretches_of([1, 5, 6, 7])
    [[1], [5, 6, 7]]
    """
    stretches: list[list[int]] = []
    for value in values:
        if stretches and value == stretches[-1][-1] + 1:
            stretches[-1].append(value)
        else:
            stretches.append([value])
    return stretches


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words as in a sentence: "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
