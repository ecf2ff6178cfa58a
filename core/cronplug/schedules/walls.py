"""Searches local ("wall") time for what an expression names: next, latest, how many. Knows no time zone.

A wall time is a number: the seconds from 1970-01-01 00:00 that a clock on the wall would show.
"""

from __future__ import annotations

from cronplug.schedules.months import END_DAY, FIRST_DAYS, MONTH_OF_DAY, SHAPE_OF_MONTH, YEAR_COUNT
from cronplug.schedules.spec import DAY_SECONDS, CronSpec

END_WALL = END_DAY * DAY_SECONDS
_ALL_YEARS = (1 << YEAR_COUNT) - 1


def next_wall(spec: CronSpec, wall: int) -> int | None:
    """The first wall time at or after `wall` that the expression names; None when there is none before 2200."""
    if wall < 0:
        wall = 0
    elif wall >= END_WALL:
        return None
    day, time = divmod(wall, DAY_SECONDS)
    month = MONTH_OF_DAY[day]
    year, month_of_year = divmod(month, 12)
    months = spec.months if spec.years is None or spec.years >> year & 1 else 0
    if months >> month_of_year & 1:
        mask = spec.days[SHAPE_OF_MONTH[month]] >> day - FIRST_DAYS[month] + 1
        if mask & 1:
            found = _next_time(spec, time)
            if found is not None:
                return day * DAY_SECONDS + found
        mask >>= 1
        if mask:
            return (day + (mask & -mask).bit_length()) * DAY_SECONDS + spec.first_time
    years = _ALL_YEARS if spec.years is None else spec.years
    months = months >> month_of_year + 1 << month_of_year + 1
    while True:
        while months:
            lowest = months & -months
            later = year * 12 + lowest.bit_length() - 1
            mask = spec.days[SHAPE_OF_MONTH[later]]
            if mask:
                return (FIRST_DAYS[later] + (mask & -mask).bit_length() - 2) * DAY_SECONDS + spec.first_time
            months ^= lowest
        rest = years >> year + 1
        if not rest:
            return None
        year += (rest & -rest).bit_length()
        months = spec.months


def latest_wall(spec: CronSpec, wall: int) -> int | None:
    """The last wall time at or before `wall` that the expression names; None when there is none since 1970."""
    if wall < 0:
        return None
    if wall >= END_WALL:
        wall = END_WALL - 1
    day, time = divmod(wall, DAY_SECONDS)
    month = MONTH_OF_DAY[day]
    year, month_of_year = divmod(month, 12)
    years = _ALL_YEARS if spec.years is None else spec.years
    months = spec.months & (2 << month_of_year) - 1 if spec.years is None or years >> year & 1 else 0
    if months >> month_of_year:
        in_month = day - FIRST_DAYS[month] + 1
        mask = spec.days[SHAPE_OF_MONTH[month]]
        if mask >> in_month & 1:
            found = _latest_time(spec, time)
            if found is not None:
                return day * DAY_SECONDS + found
        mask &= (1 << in_month) - 1
        if mask:
            return (FIRST_DAYS[month] + mask.bit_length() - 2) * DAY_SECONDS + spec.last_time
        months ^= 1 << month_of_year
    while True:
        while months:
            highest = months.bit_length() - 1
            earlier = year * 12 + highest
            mask = spec.days[SHAPE_OF_MONTH[earlier]]
            if mask:
                return (FIRST_DAYS[earlier] + mask.bit_length() - 2) * DAY_SECONDS + spec.last_time
            months ^= 1 << highest
        rest = years & (1 << year) - 1
        if not rest:
            return None
        year = rest.bit_length() - 1
        months = spec.months


def count_walls(spec: CronSpec, start: int, end: int) -> int:
    """How many wall times from `start` up to but not including `end` the expression names; whole days are not walked.

    >>> from cronplug.schedules.spec import compile_cron
    >>> count_walls(compile_cron("*/5 * * * *"), 0, 86400)
    288
    """
    start, end = max(start, 0), min(end, END_WALL)
    if start >= end:
        return 0
    first_day, first_time = divmod(start, DAY_SECONDS)
    last_day, last_time = divmod(end, DAY_SECONDS)
    total = _count_days(spec, first_day, last_day) * spec.times_per_day
    if first_time and _count_days(spec, first_day, first_day + 1):
        total -= _count_times(spec, first_time)
    if last_time and _count_days(spec, last_day, last_day + 1):
        total += _count_times(spec, last_time)
    return total


def _count_days(spec: CronSpec, start: int, end: int) -> int:
    """How many days from `start` up to but not including `end` are wanted; both are within the known months."""
    if start >= end:
        return 0
    first_month, last_month = MONTH_OF_DAY[start], MONTH_OF_DAY[end - 1]
    total = 0
    for month in range(first_month, last_month + 1):
        if spec.months >> month % 12 & 1 and (spec.years is None or spec.years >> month // 12 & 1):
            mask = spec.days[SHAPE_OF_MONTH[month]]
            if month == last_month:
                mask &= (2 << end - FIRST_DAYS[month]) - 1
            if month == first_month:
                mask >>= start - FIRST_DAYS[month] + 1
            total += mask.bit_count()
    return total


def _count_times(spec: CronSpec, time: int) -> int:
    """How many times of day before `time` are wanted."""
    hour, rest = divmod(time, 3600)
    minute, second = divmod(rest, 60)
    per_minute = spec.seconds.bit_count()
    per_hour = spec.minutes.bit_count() * per_minute
    total = (spec.hours & (1 << hour) - 1).bit_count() * per_hour
    if spec.hours >> hour & 1:
        total += (spec.minutes & (1 << minute) - 1).bit_count() * per_minute
        if spec.minutes >> minute & 1:
            total += (spec.seconds & (1 << second) - 1).bit_count()
    return total


def _next_time(spec: CronSpec, time: int) -> int | None:
    hour, rest = divmod(time, 3600)
    minute, second = divmod(rest, 60)
    if spec.hours >> hour & 1:
        if spec.minutes >> minute & 1:
            mask = spec.seconds >> second
            if mask:
                return time + (mask & -mask).bit_length() - 1
        mask = spec.minutes >> minute + 1
        if mask:
            minute += (mask & -mask).bit_length()
            return hour * 3600 + minute * 60 + spec.first_time % 60
    mask = spec.hours >> hour + 1
    if mask:
        return (hour + (mask & -mask).bit_length()) * 3600 + spec.first_time % 3600
    return None


def _latest_time(spec: CronSpec, time: int) -> int | None:
    hour, rest = divmod(time, 3600)
    minute, second = divmod(rest, 60)
    if spec.hours >> hour & 1:
        if spec.minutes >> minute & 1:
            mask = spec.seconds & (2 << second) - 1
            if mask:
                return hour * 3600 + minute * 60 + mask.bit_length() - 1
        mask = spec.minutes & (1 << minute) - 1
        if mask:
            return hour * 3600 + (mask.bit_length() - 1) * 60 + spec.last_time % 60
    mask = spec.hours & (1 << hour) - 1
    if mask:
        return (mask.bit_length() - 1) * 3600 + spec.last_time % 3600
    return None
