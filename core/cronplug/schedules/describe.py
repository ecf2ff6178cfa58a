"""Says in a sentence when a schedule fires.

`cron_descriptor` words plain expressions; it does not know lists of `W`, `n#L` or mixed day tokens, so the days of
such an expression are worded here. It never judges an expression: only texts that were accepted reach it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from cron_descriptor import Options, get_description

from cronplug.schedules.cron import CronSchedule
from cronplug.schedules.tokens import (
    COLUMNS,
    MONTH,
    WEEKDAY,
    ColumnKind,
    CronText,
    SpecialDays,
    has_hash,
    read_cron_text,
)

_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}

_AT_TIMES = re.compile(r"At [0-9]{2}:[0-9]{2}[0-9:, and]*")
_ON_THE_HOUR = re.compile(r"^At 0 minutes past the hour, between ([0-9]{2}):00 and ([0-9]{2}):59")


def describe(schedule: CronSchedule) -> str:
    """The sentence for a schedule, in English and without its zone.

    >>> from cronplug.schedules.cron import parse_schedule
    >>> describe(parse_schedule(cron_expression="0 9 * * 1-5", timezone="UTC"))
    'At 09:00, Monday through Friday'
    """
    return describe_text(schedule.cron_expression, schedule.seed if has_hash(schedule.cron_expression) else "")


@lru_cache(maxsize=4_096)
def describe_text(cron_expression: str, seed: str = "") -> str:
    """The sentence for an expression that was accepted before; `H` is told as the value it has for `seed`."""
    read = read_cron_text(cron_expression, seed)
    sentence = _describe_days_and_times(read)
    return sentence if read.years is None else f"{sentence}, only in {_spoken(_as_ranges(read.years))}"


def _describe_days_and_times(read: CronText) -> str:
    special = read.special
    if not special.in_day and not special.in_weekday:
        day = read.plain[3] if read.restricts_day else "*"
        weekday = read.plain[5] if read.restricts_weekday else "*"
        sentence = _describe_plain(read, day=day, weekday=weekday)
        every_day = _AT_TIMES.fullmatch(sentence) and (day, read.plain[4], weekday) == ("*", "*", "*")
        return f"{sentence}, every day" if every_day else sentence
    time_and_month = _describe_plain(read, day="*", weekday="*")
    days = " or ".join(day_phrases(read, special) + weekday_phrases(read, special))
    time, comma, month = time_and_month.partition(", only in ")
    return f"{time}, on {days}" + (f", only in {month}" if comma else "")


def _as_ranges(years: frozenset[int]) -> str:
    """Years as a column: `2026,2030-2032`."""
    items: list[list[int]] = []
    for year in sorted(years):
        if items and year == items[-1][-1] + 1:
            items[-1][1:] = [year]
        else:
            items.append([year])
    return ",".join("-".join(map(str, item)) for item in items)


def _describe_plain(read: CronText, *, day: str, weekday: str) -> str:
    second, minute, hour, _, month, _ = read.plain
    typed = (second, minute, hour, day, month, weekday)
    columns = [_without_odd_steps(text, kind) for text, kind in zip(typed, COLUMNS, strict=True)]
    if second == "0":
        del columns[0]
    options = Options(use_24hour_time_format=True, locale_code="en_US")
    sentence = str(get_description(" ".join(columns), options))
    return _ON_THE_HOUR.sub(r"Every hour from \1:00 to \2:00", sentence)


def _without_odd_steps(column: str, kind: ColumnKind) -> str:
    """The column with its steps written out where cron_descriptor would be wrong: in lists, and of weekdays."""
    if "/" not in column or ("," not in column and kind is not WEEKDAY and (kind is not MONTH or column[0] == "*")):
        return column
    items: list[str] = []
    for item in column.split(","):
        base, slash, step = item.partition("/")
        first, _, last = (f"{kind.low}-{kind.high}" if base == "*" else base).partition("-")
        items += map(str, range(int(first), int(last) + 1, int(step))) if slash else [item]
    if all(item.isdigit() for item in items):
        items = [str(value) for value in sorted({int(item) for item in items})]
    return ",".join(items)


def day_phrases(read: CronText, special: SpecialDays) -> list[str]:
    """What the day-of-month column names, one phrase for each kind of token; nothing when it restricts nothing."""
    phrases = []
    if read.restricts_day and read.plain[3]:
        phrases.append(f"day {_spoken(read.plain[3])} of the month")
    phrases += [f"the weekday nearest day {day} of the month" for day in sorted(special.nearest_weekdays)]
    for before in sorted(special.before_last, reverse=True):
        if before:
            phrases.append(f"the day {before} day{'' if before == 1 else 's'} before the last of the month")
        else:
            phrases.append("the last day of the month")
    if special.last_weekday:
        phrases.append("the last weekday (Monday to Friday) of the month")
    return phrases


def weekday_phrases(read: CronText, special: SpecialDays) -> list[str]:
    """What the day-of-week column names, one phrase for each kind of token; nothing when it restricts nothing."""
    phrases = []
    if read.restricts_weekday and read.plain[5]:
        phrases.append(_spoken(read.plain[5], _WEEKDAYS))
    by_nth = sorted(special.nth_weekdays, key=lambda pair: (pair[1] % 7, pair[0]))
    phrases += [f"the {_ORDINALS[k]} {_WEEKDAYS[weekday]} of the month" for weekday, k in by_nth]
    return phrases


def _spoken(column: str, names: tuple[str, ...] | None = None) -> str:
    """`1,5-7,*/2` as words: "1, 5 to 7, every 2 from 1"."""
    words = []
    for item in column.split(","):
        base, _, step = item.partition("/")
        first, _, last = base.partition("-")
        if base == "*":
            word = f"in steps of {step}"
        else:
            word = first if names is None else names[int(first)]
            if last:
                word += f" to {last if names is None else names[int(last)]}"
            if step:
                word += f" in steps of {step}"
        words.append(word)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
