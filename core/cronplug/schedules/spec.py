"""Compiles an expression to bit masks, once per distinct text, and says what follows from the masks alone.

`croniter` reads the plain tokens into sets of numbers. It is not used to search: as an iterator it runs fixed times
twice in a repeated hour and stalls at spring forward.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise

from croniter import croniter

from cronplug.schedules.errors import ScheduleError
from cronplug.schedules.months import FIRST_DAYS, FIRST_YEAR, MONTH_COUNT, SHAPE_OF_MONTH, SHAPES
from cronplug.schedules.tokens import (
    COLUMNS,
    SpecialDays,
    check_length,
    forget_columns,
    has_hash,
    read_cron_text,
    resolve_hash,
)

DAY_SECONDS = 86400
_FULL_DAYS = 0xFFFFFFFE  # bits 1 to 31
_EVERY_SEVENTH = 1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28
_LENGTHS_OF_MONTH = ((31,), (28, 29), (31,), (30,), (31,), (30,), (31,), (31,), (30,), (31,), (30,), (31,))


@dataclass(frozen=True, slots=True)
class CronSpec:
    """A compiled expression. Bit n of a mask says that value n is wanted; bit 0 of `months` is January.

    `years` has bit 0 for 1970, and is None when all are wanted. `days` has one mask per month shape of
    `cronplug.schedules.months`; it is shared between expressions and never changed. `is_wild`: by its text, the
    expression follows the wall clock through clock changes; otherwise it names fixed times (Debian cron(8)). What is
    done then: `runs_after_gap`, what a clock change skips runs once, right after it; `runs_once_in_repeat`, what it
    repeats runs the first time only.
    """

    seconds: int
    minutes: int
    hours: int
    months: int
    years: int | None
    days: array[int] = field(hash=False)
    is_wild: bool
    runs_after_gap: bool
    runs_once_in_repeat: bool
    first_time: int
    last_time: int
    times_per_day: int


def compile_cron(text: str, seed: str = "") -> CronSpec:
    """The masks of an expression, or ScheduleError, also when it never fires. `seed` gives `H` its values.

    >>> bin(compile_cron("0,3 * * * *").minutes)
    '0b1001'
    """
    check_length(text)
    return _compile(resolve_hash(text, seed) if has_hash(text) else text)


@lru_cache(maxsize=1_024)
def with_clock_rule(spec: CronSpec, *, runs_after_gap: bool, runs_once_in_repeat: bool) -> CronSpec:
    """The same expression with another rule for clock changes."""
    return replace(spec, runs_after_gap=runs_after_gap, runs_once_in_repeat=runs_once_in_repeat)


def forget_compiled() -> None:
    """Empty the caches of compiled expressions, for measurements."""
    forget_columns()
    for cached in (
        _compile,
        _read_by_croniter,
        _day_masks,
        with_clock_rule,
        _least_days_apart,
        shortest_interval_seconds,
    ):
        cached.cache_clear()


@lru_cache(maxsize=20_000)
def _compile(text: str) -> CronSpec:
    read = read_cron_text(text)
    seconds, minutes, hours, day_mask, months, weekday_mask = map(_read_by_croniter, range(len(COLUMNS)), read.plain)
    days = _day_masks(
        day_mask if read.restricts_day else None, weekday_mask if read.restricts_weekday else None, read.special
    )
    spec = CronSpec(
        seconds=seconds,
        minutes=minutes,
        hours=hours,
        months=months >> 1,
        years=None if read.years is None else _mask(year - FIRST_YEAR for year in read.years),
        days=days,
        is_wild=read.is_wild,
        runs_after_gap=not read.is_wild,
        runs_once_in_repeat=not read.is_wild,
        first_time=_lowest(hours) * 3600 + _lowest(minutes) * 60 + _lowest(seconds),
        last_time=_highest(hours) * 3600 + _highest(minutes) * 60 + _highest(seconds),
        times_per_day=hours.bit_count() * minutes.bit_count() * seconds.bit_count(),
    )
    if not _ever_fires(spec):
        which = "months" if spec.years is None else "months and years"
        raise ScheduleError(
            "cron.never",
            f"The expression never fires: none of the chosen {which} has such a day.",
            hint="Check the day of month against the month.",
        )
    return spec


@lru_cache(maxsize=1_024)
def _read_by_croniter(place: int, plain: str) -> int:
    """The mask of the plain column at `place` in COLUMNS; there are far fewer columns than expressions."""
    if not plain:
        return 0
    columns = ["*"] * len(COLUMNS)
    columns[place] = plain
    try:
        expanded = croniter(" ".join(columns), second_at_beginning=True).expanded
    except (ValueError, AttributeError, TypeError) as error:
        raise ScheduleError("cron.syntax", f"The expression cannot be read: {error}") from error
    values = expanded[(5, 0, 1, 2, 3, 4)[place]]  # croniter answers minute, hour, day, month, weekday, second
    if "*" in values:
        return _mask(range(COLUMNS[place].low, COLUMNS[place].high + 1))
    return _mask(int(value) for value in values)


def _mask(values: Iterable[int]) -> int:
    mask = 0
    for value in values:
        mask |= 1 << value
    return mask


@lru_cache(maxsize=1_024)
def _day_masks(day_mask: int | None, weekday_mask: int | None, special: SpecialDays) -> array[int]:
    """The wanted days of each month shape; None stands for a column that restricts nothing.

    Both columns restricted: a day that either of them names is wanted (crontab(5)).
    """
    masks = array("I")  # 32 bits each: a tuple of 28 integers takes five times as much
    for first_weekday, length in SHAPES:
        by_day = day_mask
        if by_day is not None and special.in_day:
            by_day |= _special_days(special, first_weekday, length)
        by_weekday = None if weekday_mask is None else _weekdays(weekday_mask, special, first_weekday, length)
        is_open = by_day is None and by_weekday is None
        wanted = _FULL_DAYS if is_open else (by_day or 0) | (by_weekday or 0)
        masks.append(wanted & ((2 << length) - 2))
    return masks


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
    for weekday in bits_of(weekday_mask):
        mask |= _EVERY_SEVENTH << 1 + (weekday - first_weekday) % 7
    for weekday, nth in special.nth_weekdays:
        day = (
            1 + (weekday - first_weekday) % 7 + (nth - 1) * 7
            if nth > 0
            else length - (first_weekday + length - 1 - weekday) % 7
        )
        mask |= 1 << day
    return mask


def _ever_fires(spec: CronSpec) -> bool:
    if spec.years is not None:
        return any(
            spec.days[SHAPE_OF_MONTH[index]] for index in _wanted_months(spec.months, spec.years, 0, MONTH_COUNT)
        )
    return any(
        spec.months >> month & 1
        and any(spec.days[weekday * 4 + length - 28] for weekday in range(7) for length in lengths)
        for month, lengths in enumerate(_LENGTHS_OF_MONTH)
    )


def _wanted_months(months: int, years: int | None, start: int, end: int) -> list[int]:
    """The month indexes from `start` up to but not including `end` that the months and years columns choose."""
    return [
        index for index in range(start, end) if months >> index % 12 & 1 and (years is None or years >> index // 12 & 1)
    ]


@lru_cache(maxsize=1_024)
def shortest_interval_seconds(spec: CronSpec) -> int:
    """The least number of seconds between two fire times, by the fields alone (a clock change may bring two nearer).

    >>> shortest_interval_seconds(compile_cron("0 9,17 * * *"))
    28800
    """
    seconds, minutes, hours = bits_of(spec.seconds), bits_of(spec.minutes), bits_of(spec.hours)
    if len(seconds) > 1 or len(minutes) > 1 or len(hours) > 1:
        span = seconds[-1] - seconds[0]
        found = [later - earlier for earlier, later in pairwise(seconds)]
        found += [(later - earlier) * 60 - span for earlier, later in pairwise(minutes)]
        span += (minutes[-1] - minutes[0]) * 60
        found += [(later - earlier) * 3600 - span for earlier, later in pairwise(hours)]
        least = min(found)
    else:
        least = None
    days_apart = _least_days_apart(spec.months, spec.years, spec.days.tobytes())
    over_midnight = days_apart * DAY_SECONDS - (spec.last_time - spec.first_time)
    return over_midnight if least is None else min(least, over_midnight)


def runs_per_day(spec: CronSpec) -> float:
    """The mean number of fire times a day over the 28 years in which weekdays and leap years repeat, or the years named.

    >>> runs_per_day(compile_cron("*/5 * * * *"))
    288.0
    """
    start, end = _cycle(28) if spec.years is None else (0, MONTH_COUNT)
    wanted = _wanted_months(spec.months, spec.years, start, end)
    fire_days = sum(spec.days[SHAPE_OF_MONTH[index]].bit_count() for index in wanted)
    if spec.years is None:
        days = FIRST_DAYS[end] - FIRST_DAYS[start]
    else:
        days = sum(
            366 if (FIRST_YEAR + bit) % 4 == 0 and FIRST_YEAR + bit != 2100 else 365 for bit in bits_of(spec.years)
        )
    return fire_days * spec.times_per_day / days


@lru_cache(maxsize=1_024)
def _least_days_apart(months: int, years: int | None, masks: bytes) -> int:
    """Over all months, which takes milliseconds; there are far fewer choices of days than expressions."""
    days = array("I", masks)
    least = 28 * 366
    last = None
    within: dict[int, int] = {}
    for index in _wanted_months(months, years, *(_cycle(57) if years is None else (0, MONTH_COUNT))):
        mask = days[SHAPE_OF_MONTH[index]]
        if not mask:
            continue
        if last is not None:
            least = min(least, FIRST_DAYS[index] + _lowest(mask) - last)
        if mask not in within:
            within[mask] = next((apart for apart in range(1, 31) if mask & mask >> apart), least)
            least = min(least, within[mask])
        if least == 1:
            return 1
        last = FIRST_DAYS[index] + _highest(mask)
    return least


def _cycle(years: int) -> tuple[int, int]:
    start = (2000 - FIRST_YEAR) * 12
    return start, start + years * 12


def bits_of(mask: int) -> list[int]:
    """The numbers whose bits are set, rising."""
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _highest(mask: int) -> int:
    return mask.bit_length() - 1
