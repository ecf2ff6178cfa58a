"""Says in a few words when a schedule fires, for lists: `Weekdays 06:30`, `Every 5 min`, `1st of the month 02:00`.

A short form is made from what was compiled, not from the text, and tells all of it but the zone and the rule for clock
changes. Where a few words cannot do that there is none, and the sentence stands in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise, product

from cronplug.model import CronRule, OnceRule, ScheduleRule
from cronplug.schedules.months import SHAPES
from cronplug.schedules.sentences import BY_HAND, describe_rule, seed_of
from cronplug.schedules.shown_times import instant_text, stretches_of
from cronplug.schedules.spec import CronSpec, bits_of, compile_cron
from cronplug.schedules.task_schedule import TaskSchedule
from cronplug.schedules.tokens import CronText, has_hash, read_cron_text

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ORDINALS = {1: "1st", 2: "2nd", 3: "3rd", 21: "21st", 22: "22nd", 23: "23rd", 31: "31st", -1: "Last"}
_UNITS = ((86_400, "days"), (3_600, "h"), (60, "min"), (1, "s"))

_MOST_TIMES = 3
_MOST_NAMED = 4
_LONG_FROM_MONDAY = SHAPES.index((1, 31))


def shorten_task(schedule: TaskSchedule) -> str:
    """All schedules of a task in a few words, without zones and bounds: the first, and how many more there are.

    >>> rules = [CronRule(cron_expression=text, timezone="UTC") for text in ("30 6 * * 1-5", "0 9 * * 6")]
    >>> shorten_task(TaskSchedule(rules=tuple(rules), parts=()))
    'Weekdays 06:30 +1'
    """
    rules = schedule.rules
    if not rules:
        return BY_HAND
    seed = seed_of(schedule)
    first = shorten_rule(rules[0], seed=seed) or describe_rule(rules[0], seed=seed)
    return first if len(rules) == 1 else f"{first} +{len(rules) - 1}"


def shorten_rule(rule: ScheduleRule, *, seed: str = "") -> str | None:
    """A rule that was accepted in a few words, without its zone; None when they would not tell all of it."""
    if isinstance(rule, CronRule):
        return _shorten_cron(rule.cron_expression, seed if has_hash(rule.cron_expression) else "")
    if isinstance(rule, OnceRule):
        return f"Once {instant_text(rule.at, rule.timezone)}"
    duration = _short_duration(rule.every_seconds)
    return f"{duration} after each end" if rule.after_end else f"Every {duration}"


def _short_duration(seconds: int) -> str:
    """A duration in its largest whole unit; one day is 24 hours, since days on the wall differ."""
    size, unit = next(it for it in _UNITS if seconds % it[0] == 0 and (seconds, it[0]) != (86_400, 86_400))
    return f"{seconds // size} {unit}"


@lru_cache(maxsize=4_096)
def _shorten_cron(cron_expression: str, seed: str) -> str | None:
    read, spec = read_cron_text(cron_expression, seed), compile_cron(cron_expression, seed)
    days = _days(read, spec)
    times = _times(bits_of(spec.hours), bits_of(spec.minutes), bits_of(spec.seconds))
    if spec.years is not None or days is None or times is None:
        return None
    if days:
        return f"{days} {times[0].lower()}{times[1:]}"
    return f"Daily {times}" if times[0].isdigit() else times


# -- days ------------------------------------------------------------------------------------------------------------


def _days(read: CronText, spec: CronSpec) -> str | None:
    """Which days; "" when it is all of them."""
    months = "" if spec.months.bit_count() == 12 else _named(bits_of(spec.months), _MONTHS.__getitem__)
    if months is None:
        return None
    if all(mask.bit_count() == length for mask, (_, length) in zip(spec.days, SHAPES, strict=True)):
        return f"In {months} daily" if months else ""
    if read.restricts_day and read.restricts_weekday:
        return None
    if read.restricts_weekday and not read.special.in_weekday:
        weekdays = _weekdays([day for day in range(7) if spec.days[_LONG_FROM_MONDAY] >> day + 1 & 1])
        return f"In {months}: {weekdays}" if months and weekdays else weekdays
    days = _days_of_month(read, spec)
    return days and f"{days} of {months or 'the month'}"


def _weekdays(chosen: list[int]) -> str | None:
    """Weekdays, of which Monday is 0."""
    if chosen == [0, 1, 2, 3, 4]:
        return "Weekdays"
    return "Weekends" if chosen == [5, 6] else _named(chosen, _WEEKDAYS.__getitem__)


def _days_of_month(read: CronText, spec: CronSpec) -> str | None:
    """Days that are counted within a month."""
    special = read.special
    if special.in_weekday:
        if read.plain[5] or len(special.nth_weekdays) > _MOST_NAMED:
            return None
        nths = sorted(special.nth_weekdays, key=lambda nth: (nth[1] % 7, (nth[0] - 1) % 7))
        return ", ".join(f"{_ordinal(nth)} {_WEEKDAYS[weekday - 1]}" for weekday, nth in nths)
    if not special.in_day:
        return _named([day for day in range(1, 32) if spec.days[_LONG_FROM_MONDAY] >> day & 1], _ordinal)
    if read.plain[3] or special.nearest_weekdays:
        return None
    if special.last_weekday:
        return None if special.before_last else "Last weekday"
    return "Last day" if special.before_last == {0} else None


def _ordinal(number: int) -> str:
    return _ORDINALS.get(number, f"{number}th")


def _named(values: Sequence[int], name: Callable[[int], str]) -> str | None:
    """Rising numbers by their names, stretches of three and more as ranges; None when that makes a long list."""
    words: list[str] = []
    for stretch in stretches_of(values):
        words += [f"{name(stretch[0])}–{name(stretch[-1])}"] if len(stretch) > 2 else map(name, stretch)
    return ", ".join(words) if len(words) <= _MOST_NAMED else None


# -- times of day ----------------------------------------------------------------------------------------------------


def _times(hours: list[int], minutes: list[int], seconds: list[int]) -> str | None:
    """When on such a day; begins with a digit where it lists times."""
    if seconds != [0]:
        if len(hours) == 24 and len(minutes) == 60:
            return _all_round(seconds, 60, "s", "second")
        return _listed(hours, minutes, seconds)
    if len(minutes) == 1 and len(hours) > 2:
        return _hourly(hours, minutes[0]) or _listed(hours, minutes, seconds)
    if len(hours) == 24:
        return _all_round(minutes, 60, "min", "minute") or _past_the_hour(minutes)
    return _listed(hours, minutes, seconds) or _within_hours(hours, minutes)


def _listed(hours: list[int], minutes: list[int], seconds: list[int]) -> str | None:
    """`09:00, 17:30:05`; None when they are too many."""
    if len(hours) * len(minutes) * len(seconds) > _MOST_TIMES:
        return None
    return ", ".join(_clock(*time) for time in product(hours, minutes, seconds))


def _hourly(hours: list[int], minute: int) -> str | None:
    """At one minute of hours that lie evenly apart."""
    apart = _steps(hours)
    if apart is None:
        return None
    if apart == 1 and len(hours) == 24:
        return f"Hourly at :{minute:02}" if minute else "Hourly"
    every = "Hourly" if apart == 1 else f"Every {apart} h"
    if apart * len(hours) != 24:
        return f"{every} {_clock(hours[0], minute)}–{_clock(hours[-1], minute)}"
    return every if (hours[0], minute) == (0, 0) else f"{every} from {_clock(hours[0], minute)}"


def _all_round(values: list[int], size: int, unit: str, one: str) -> str | None:
    """From 0 on in steps that divide the whole."""
    apart = _steps(values)
    if apart is None or values[0] or apart * len(values) != size:
        return None
    return f"Every {one}" if apart == 1 else f"Every {apart} {unit}"


def _past_the_hour(minutes: list[int]) -> str | None:
    """At some minutes of each hour."""
    if len(minutes) <= _MOST_TIMES:
        return f"Hourly at {', '.join(f':{minute:02}' for minute in minutes)}"
    apart = _steps(minutes)
    return f"Every {apart} min from :{minutes[0]:02}" if apart and apart * len(minutes) == 60 else None


def _within_hours(hours: list[int], minutes: list[int]) -> str | None:
    """At minutes that lie evenly apart, within one stretch of the day."""
    apart = _steps(minutes)
    if apart is None or apart * len(minutes) != 60 or hours[-1] - hours[0] != len(hours) - 1:
        return None
    every = "Every minute" if apart == 1 else f"Every {apart} min"
    return f"{every} {_clock(hours[0], minutes[0])}–{_clock(hours[-1], minutes[-1])}"


def _steps(values: list[int]) -> int | None:
    """How far apart rising numbers lie; None when that differs, or there is only one."""
    steps = {later - earlier for earlier, later in pairwise(values)}
    return steps.pop() if len(steps) == 1 else None


def _clock(hour: int, minute: int, second: int = 0) -> str:
    return f"{hour:02}:{minute:02}" + (f":{second:02}" if second else "")
