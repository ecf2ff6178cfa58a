"""Compiles an expression to bit masks, once per distinct text, and says what follows from the masks alone.

`croniter` reads the plain tokens into sets of numbers. It is not used to search: as an iterator it runs fixed times
twice in a repeated hour and stalls at spring forward.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from croniter import croniter

from cronplug.schedules.errors import ScheduleError
from cronplug.schedules.months import FIRST_DAYS, FIRST_YEAR, SHAPE_OF_MONTH, SHAPES
from cronplug.schedules.tokens import COLUMNS, CronText, SpecialDays, read_cron_text

DAY_SECONDS = 86400
_FULL_DAYS = 0xFFFFFFFE  # bits 1 to 31
_LENGTHS_OF_MONTH = ((31,), (28, 29), (31,), (30,), (31,), (30,), (31,), (31,), (30,), (31,), (30,), (31,))


@dataclass(frozen=True, slots=True)
class CronSpec:
    """A compiled expression. Bit n of a mask says that value n is wanted; bit 0 of `months` is January.

    `days` has one mask per month shape of `cronplug.schedules.months`. `is_wild`: the expression follows the wall
    clock through clock changes; otherwise it names fixed times (Debian cron(8)).
    """

    seconds: int
    minutes: int
    hours: int
    months: int
    days: tuple[int, ...]
    is_wild: bool
    first_time: int
    last_time: int
    times_per_day: int


@lru_cache(maxsize=20_000)
def compile_cron(text: str) -> CronSpec:
    """The masks of an expression, or ScheduleError, also when it never fires.

    >>> bin(compile_cron("0,3 * * * *").minutes)
    '0b1001'
    """
    read = read_cron_text(text)
    seconds, minutes, hours, day_mask, months, weekday_mask = (_mask(values) for values in _read_by_croniter(read))
    days = _day_masks(
        day_mask if read.restricts_day else None, weekday_mask if read.restricts_weekday else None, read.special
    )
    spec = CronSpec(
        seconds=seconds,
        minutes=minutes,
        hours=hours,
        months=months >> 1,
        days=days,
        is_wild=read.is_wild,
        first_time=_lowest(hours) * 3600 + _lowest(minutes) * 60 + _lowest(seconds),
        last_time=_highest(hours) * 3600 + _highest(minutes) * 60 + _highest(seconds),
        times_per_day=hours.bit_count() * minutes.bit_count() * seconds.bit_count(),
    )
    if not _ever_fires(spec):
        raise ScheduleError(
            "cron.never",
            "The expression never fires: none of the chosen months has such a day.",
            hint="Check the day of month against the month.",
        )
    return spec


def _read_by_croniter(read: CronText) -> list[Iterable[int]]:
    plain = " ".join(column or "*" for column in read.plain)
    try:
        expanded = croniter(plain, second_at_beginning=True).expanded
    except (ValueError, AttributeError, TypeError) as error:
        raise ScheduleError("cron.syntax", f"The expression cannot be read: {error}") from error
    # croniter answers minute, hour, day, month, weekday, second.
    in_our_order = (expanded[5], *expanded[:5])
    sets: list[Iterable[int]] = []
    for kind, text, values in zip(COLUMNS, read.plain, in_our_order, strict=True):
        if not text:
            sets.append(())
        elif "*" in values:
            sets.append(range(kind.low, kind.high + 1))
        else:
            sets.append([int(value) for value in values])
    return sets


def _mask(values: Iterable[int]) -> int:
    mask = 0
    for value in values:
        mask |= 1 << value
    return mask


@lru_cache(maxsize=4_096)
def _day_masks(day_mask: int | None, weekday_mask: int | None, special: SpecialDays) -> tuple[int, ...]:
    """The wanted days of each month shape; None stands for a column that restricts nothing.

    Both columns restricted: a day that either of them names is wanted (crontab(5)).
    """
    masks = []
    for first_weekday, length in SHAPES:
        by_day = None if day_mask is None else day_mask | _special_days(special, first_weekday, length)
        by_weekday = None if weekday_mask is None else _weekdays(weekday_mask, special, first_weekday, length)
        is_open = by_day is None and by_weekday is None
        wanted = _FULL_DAYS if is_open else (by_day or 0) | (by_weekday or 0)
        masks.append(wanted & ((2 << length) - 2))
    return tuple(masks)


def _special_days(special: SpecialDays, first_weekday: int, length: int) -> int:
    days = {length - before for before in special.before_last if before < length}
    days |= {_nearest_weekday(day, first_weekday, length) for day in special.nearest_weekdays if day <= length}
    if special.last_weekday:
        days.add(_nearest_weekday(length, first_weekday, length))
    return _mask(days)


def _nearest_weekday(day: int, first_weekday: int, length: int) -> int:
    """Monday to Friday nearest to `day` without leaving the month (Quartz, CronExpression)."""
    weekday = (first_weekday + day - 1) % 7
    if weekday == 6:
        return day - 1 if day > 1 else day + 2
    if weekday == 0:
        return day + 1 if day < length else day - 2
    return day


def _weekdays(weekday_mask: int, special: SpecialDays, first_weekday: int, length: int) -> int:
    mask = 0
    for day in range(1, length + 1):
        weekday = (first_weekday + day - 1) % 7
        wanted = (
            weekday_mask >> weekday & 1
            or (weekday, (day + 6) // 7) in special.nth_weekdays
            or (day + 7 > length and (weekday, -1) in special.nth_weekdays)
        )
        if wanted:
            mask |= 1 << day
    return mask


def _ever_fires(spec: CronSpec) -> bool:
    return any(
        spec.months >> month & 1
        and any(spec.days[weekday * 4 + length - 28] for weekday in range(7) for length in lengths)
        for month, lengths in enumerate(_LENGTHS_OF_MONTH)
    )


@lru_cache(maxsize=4_096)
def shortest_interval_seconds(spec: CronSpec) -> int:
    """The least number of seconds between two fire times, by the fields alone (a clock change may bring two nearer).

    >>> shortest_interval_seconds(compile_cron("0 9,17 * * *"))
    28800
    """
    seconds, minutes, hours = _bits(spec.seconds), _bits(spec.minutes), _bits(spec.hours)
    if len(seconds) > 1 or len(minutes) > 1 or len(hours) > 1:
        span = seconds[-1] - seconds[0]
        found = [later - earlier for earlier, later in pairwise(seconds)]
        found += [(later - earlier) * 60 - span for earlier, later in pairwise(minutes)]
        span += (minutes[-1] - minutes[0]) * 60
        found += [(later - earlier) * 3600 - span for earlier, later in pairwise(hours)]
        least = min(found)
    else:
        least = None
    over_midnight = _least_days_apart(spec) * DAY_SECONDS - (spec.last_time - spec.first_time)
    return over_midnight if least is None else min(least, over_midnight)


def runs_per_day(spec: CronSpec) -> float:
    """The mean number of fire times a day over the 28 years in which weekdays and leap years repeat.

    >>> runs_per_day(compile_cron("*/5 * * * *"))
    288.0
    """
    start, end = _cycle(28)
    days = sum(
        spec.days[SHAPE_OF_MONTH[index]].bit_count() for index in range(start, end) if spec.months >> index % 12 & 1
    )
    return days * spec.times_per_day / (FIRST_DAYS[end] - FIRST_DAYS[start])


def _least_days_apart(spec: CronSpec) -> int:
    least = 28 * 366
    last = None
    for index in range(*_cycle(57)):
        if not spec.months >> index % 12 & 1:
            continue
        for bit in _bits(spec.days[SHAPE_OF_MONTH[index]]):
            day = FIRST_DAYS[index] + bit
            if last is not None:
                least = min(least, day - last)
                if least == 1:
                    return 1
            last = day
    return least


def _cycle(years: int) -> tuple[int, int]:
    start = (2000 - FIRST_YEAR) * 12
    return start, start + years * 12


def _bits(mask: int) -> list[int]:
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _highest(mask: int) -> int:
    return mask.bit_length() - 1
