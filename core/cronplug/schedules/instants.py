"""Maps what an expression names in local time to instants, through clock changes, by Debian cron(8)'s rule.

A *wild* expression follows the wall clock: it fires in both passes of a repeated hour and not in a gap. Any other is
*fixed-time*: times in a gap of under 3 hours fire once, at the first instant after it; a time that comes again within
3 hours fires in its first pass only. A larger change is a correction of the clock: the new time is simply used.
A schedule may choose otherwise for gaps (shift, skip) and repeats (once, twice) of that size; the spec says what holds.

The functions are the closed form of cron's virtual clock: they walk segments of constant offset, never minutes.
Instants are UTC epoch seconds.
"""

from __future__ import annotations

from bisect import bisect_right

from cronplug.schedules.spec import CronSpec
from cronplug.schedules.walls import count_walls, latest_wall, next_wall
from cronplug.schedules.zones import ZoneTable

_CORRECTION = 3 * 3600
_NEAR = 2 * 86400  # more than any two offsets can differ
_FAR = 2 * _NEAR


def next_instant(spec: CronSpec, zone: ZoneTable, after: int) -> int | None:
    """The first fire time strictly after `after`; None when there is none before the year 2200."""
    segment = bisect_right(zone.starts, after) - 1
    offset = zone.offsets[segment]
    start = after + 1 + offset
    if after - zone.starts[segment] < -zone.changes[segment]:
        start = max(start, _first_wall(spec, zone, segment))
    wall = next_wall(spec, start)
    while wall is not None:
        end = zone.ends[segment] + offset
        if wall < end:
            return wall - offset
        if wall > end + _FAR and zone.ends[segment] > after + _NEAR:
            # Nothing is named for days, and what was shown at `after` is not shown again: go where `wall` is.
            segment = bisect_right(zone.starts, wall - _NEAR) - 1
            offset = zone.offsets[segment]
            continue
        segment += 1
        offset = zone.offsets[segment]
        start = zone.starts[segment] + offset
        if wall < start:
            if runs_after_gap(spec, zone, segment):
                return zone.starts[segment]
            wall = next_wall(spec, start)
        else:
            first = _first_wall(spec, zone, segment)
            if first < end:
                wall = next_wall(spec, first)
    return None


def latest_instant(spec: CronSpec, zone: ZoneTable, at: int) -> int | None:
    """The last fire time at or before `at`; None when there is none since 1970."""
    segment = bisect_right(zone.starts, at) - 1
    wall = latest_wall(spec, at + zone.offsets[segment])
    while wall is not None:
        found = wall - zone.offsets[segment]
        if found >= zone.starts[segment] and (
            found - zone.starts[segment] >= -zone.changes[segment] or wall >= _first_wall(spec, zone, segment)
        ):
            return found
        if segment == 0:
            return None
        if wall < zone.starts[segment] - _FAR and zone.starts[segment] < at - _NEAR:
            segment = bisect_right(zone.starts, wall + _NEAR) - 1
            continue
        end_before = zone.starts[segment] + zone.offsets[segment - 1]
        if wall >= end_before and runs_after_gap(spec, zone, segment):
            return zone.starts[segment]
        segment -= 1
        wall = latest_wall(spec, end_before - 1)
    return None


def count_instants(spec: CronSpec, zone: ZoneTable, after: int, until: int) -> int:
    """How many fire times lie in (after, until]."""
    if until <= after:
        return 0
    total = 0
    first, last = zone.segment_at(after), zone.segment_at(until)
    for segment in range(first, last + 1):
        offset = zone.offsets[segment]
        start = _first_wall(spec, zone, segment)
        if segment > first and _runs_in_gap(spec, zone, segment) and not count_walls(spec, start, start + 1):
            total += 1
        if segment == first:
            start = max(start, after + 1 + offset)
        end = until + 1 if segment == last else zone.starts[segment + 1]
        total += count_walls(spec, start, end + offset)
    return total


def gap_seconds(zone: ZoneTable, segment: int) -> int:
    """How far the clock goes forward where a segment begins; negative when it goes back, 0 for the first segment."""
    return zone.changes[segment]


def runs_after_gap(spec: CronSpec, zone: ZoneTable, segment: int) -> bool:
    """True when a time that falls into the gap at a segment's start fires at the first instant after it."""
    return spec.runs_after_gap and 0 < zone.changes[segment] < _CORRECTION


def runs_once_in_repeat(spec: CronSpec, zone: ZoneTable, segment: int) -> bool:
    """True when the times that a segment repeats do not fire a second time."""
    return spec.runs_once_in_repeat and -_CORRECTION <= zone.changes[segment] < 0


def _runs_in_gap(spec: CronSpec, zone: ZoneTable, segment: int) -> bool:
    start = zone.starts[segment]
    return runs_after_gap(spec, zone, segment) and bool(
        count_walls(spec, start + zone.offsets[segment - 1], start + zone.offsets[segment])
    )


def _first_wall(spec: CronSpec, zone: ZoneTable, segment: int) -> int:
    """The first wall time of a segment that may fire: where the clock was put back, what was already shown may not."""
    offset = zone.offsets[segment - 1] if runs_once_in_repeat(spec, zone, segment) else zone.offsets[segment]
    return zone.starts[segment] + offset
