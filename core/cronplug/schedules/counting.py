"""Counts the fire times of several schedules together, an instant that more than one names once.

Sparse schedules are walked through. Dense ones are put on days: a UTC day is a number with one bit for each second, and
the days of all schedules are laid over each other. A year of several rules that fire each second takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cronplug.clock import EPOCH
from cronplug.schedules.cron import CronSchedule
from cronplug.schedules.instants import runs_after_gap, runs_once_in_repeat
from cronplug.schedules.kinds import IntervalSchedule
from cronplug.schedules.months import END_DAY, FIRST_DAYS, MONTH_OF_DAY, SHAPE_OF_MONTH
from cronplug.schedules.schedule import Schedule
from cronplug.schedules.spec import DAY_SECONDS, CronSpec
from cronplug.schedules.walls import count_walls

_FULL_DAY = (1 << DAY_SECONDS) - 1
_SECOND = timedelta(seconds=1)
_WALKED_PER_DAY = 4
"""Up to so many fire times a day it is quicker to look at each one."""


def count_together(parts: Sequence[Schedule], after: datetime, until: datetime) -> int:
    """How many instants in (after, until] at least one of `parts` names."""
    if until <= after:
        return 0
    if len(parts) == 1:
        return parts[0].count_fire_times(after, until)
    counts = ((part.count_fire_times(after, until), index) for index, part in enumerate(parts))
    counted = sorted(found for found in counts if found[0])
    if len(counted) < 2:
        return counted[0][0] if counted else 0
    named = [parts[index] for _, index in counted]
    walked = sum(count for count, _ in counted[:-1])
    if walked > _WALKED_PER_DAY * ((until - after).days + 10):
        return _count_by_days(named, (after - EPOCH) // _SECOND + 1, (until - EPOCH) // _SECOND + 1)
    total = counted[-1][0]
    for place, (count, index) in enumerate(counted[:-1]):
        denser = named[place + 1 :]
        own = parts[index].fire_times(after, until, count)
        total += sum(1 for at in own if not any(part.latest_fire_time(at) == at for part in denser))
    return total


def _count_by_days(parts: Sequence[Schedule], start: int, end: int) -> int:
    """How many seconds from `start` up to but not including `end` are fire times; UTC epoch seconds."""
    total = 0
    for day in range(start // DAY_SECONDS, (end - 1) // DAY_SECONDS + 1):
        seconds = 0
        for part in parts:
            seconds |= seconds_of_day(part, day)
        begin = day * DAY_SECONDS
        if start > begin or end < begin + DAY_SECONDS:
            seconds &= span_of_day(max(start - begin, 0), min(end - begin, DAY_SECONDS))
        total += seconds.bit_count()
    return total


def seconds_of_day(part: Schedule, day: int) -> int:
    """The fire times of a UTC day (counted from 1970-01-01): bit n is the second n of the day."""
    begin = day * DAY_SECONDS
    if isinstance(part, CronSchedule):
        return _cron_seconds(part, begin)
    if isinstance(part, IntervalSchedule):
        before = begin - (part.anchor_at - EPOCH) // _SECOND
        if before >= 0:
            phase = -before % part.every_seconds
            return _every(part.every_seconds) << phase & _FULL_DAY if phase < DAY_SECONDS else 0
        return _every(part.every_seconds) << -before & _FULL_DAY if -before < DAY_SECONDS else 0
    first = datetime.fromtimestamp(begin - 1, UTC)
    found = part.fire_times(first, first + timedelta(days=1), DAY_SECONDS)
    return sum(1 << (at - EPOCH) // _SECOND - begin for at in found)


def span_of_day(start: int, end: int) -> int:
    """The seconds of a day from `start` up to but not including `end`."""
    return (1 << end) - (1 << start) if start < end else 0


def _cron_seconds(part: CronSchedule, begin: int) -> int:
    """By the rule of `cronplug.schedules.instants`, a segment of constant offset at a time."""
    spec, zone = part.spec, part.zone
    end = begin + DAY_SECONDS
    last = zone.segment_at(end - 1)
    first = last if zone.starts[last] <= begin - DAY_SECONDS else zone.segment_at(begin)
    seconds = 0
    for segment in range(first, last + 1):
        start, offset = zone.starts[segment], zone.offsets[segment]
        shown = _shown_seconds(spec, begin + offset)
        if segment < last or start > begin - DAY_SECONDS:
            live = start
            if runs_once_in_repeat(spec, zone, segment):
                live -= zone.changes[segment]
            shown &= span_of_day(max(live - begin, 0), min(zone.ends[segment], end) - begin)
            if start >= begin and runs_after_gap(spec, zone, segment):
                skipped = start + zone.offsets[segment - 1]
                if count_walls(spec, skipped, start + offset):
                    shown |= 1 << start - begin
        seconds |= shown
    return seconds


def _shown_seconds(spec: CronSpec, wall: int) -> int:
    """What the fields name in the 24 hours from the wall time `wall` on."""
    today, time = divmod(wall, DAY_SECONDS)
    return _from_time(
        spec.seconds, spec.minutes, spec.hours, time, _is_wanted(spec, today), _is_wanted(spec, today + 1)
    )


def _is_wanted(spec: CronSpec, day: int) -> bool:
    """Whether a local day (counted from 1970-01-01) is chosen."""
    if not 0 <= day < END_DAY:
        return False
    month = MONTH_OF_DAY[day]
    year, month_of_year = divmod(month, 12)
    if not spec.months >> month_of_year & 1 or (spec.years is not None and not spec.years >> year & 1):
        return False
    return bool(spec.days[SHAPE_OF_MONTH[month]] >> day - FIRST_DAYS[month] + 1 & 1)


@lru_cache(maxsize=128)
def _from_time(seconds: int, minutes: int, hours: int, time: int, is_wanted: bool, is_next_wanted: bool) -> int:
    """The 24 hours from a time of day on: the rest of a day that is wanted or not, and the beginning of the next."""
    times = _times_of_day(seconds, minutes, hours)
    rest = times >> time if is_wanted else 0
    return rest | (times << DAY_SECONDS - time & _FULL_DAY if time and is_next_wanted else 0)


@lru_cache(maxsize=64)
def _times_of_day(seconds: int, minutes: int, hours: int) -> int:
    hour = sum(seconds << 60 * minute for minute in range(60) if minutes >> minute & 1)
    return sum(hour << 3600 * number for number in range(24) if hours >> number & 1)


@lru_cache(maxsize=64)
def _every(step: int) -> int:
    """A bit at each multiple of `step` within a day."""
    bits, width = 1, step
    while width < DAY_SECONDS:
        bits |= bits << width
        width *= 2
    return bits & _FULL_DAY
