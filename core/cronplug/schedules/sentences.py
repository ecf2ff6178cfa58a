"""Says in words what a task's schedules do: each rule, its parts, and all of them together within their bounds."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from cronplug.clock import rfc3339
from cronplug.model import CronRule, IntervalRule, OnceRule, ScheduleRule
from cronplug.schedules.cron import CronSchedule
from cronplug.schedules.describe import day_phrases, describe_text, weekday_phrases
from cronplug.schedules.months import FIRST_YEAR
from cronplug.schedules.shown_times import duration_text, instant_text, listed, stretches_of
from cronplug.schedules.spec import bits_of, compile_cron
from cronplug.schedules.task_schedule import TaskSchedule
from cronplug.schedules.terms import NO_TERMS, Terms
from cronplug.schedules.tokens import has_hash, read_cron_text

BY_HAND = "Runs only when triggered"

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_MOST_LISTED = 6


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a rule: its name, the text as it was typed, and what it means."""

    name: str
    text: str
    meaning: str


def describe_task(schedule: TaskSchedule, terms: Terms = NO_TERMS) -> str:
    """One sentence for all schedules of a task. The zone is named where the sentence tells a local time with a date.

    >>> from datetime import UTC, datetime
    >>> from cronplug.schedules.task_schedule import TaskSchedule
    >>> rule = OnceRule(at=datetime(2026, 5, 1, 7, tzinfo=UTC), timezone="Europe/Berlin")
    >>> describe_task(TaskSchedule(rules=(rule,), parts=()))
    'Once at 2026-05-01 09:00 (Europe/Berlin)'
    """
    rules = schedule.rules
    if not rules:
        return BY_HAND
    seed = seed_of(schedule)
    if len(rules) == 1:
        sentence = describe_rule(rules[0], seed=seed)
    else:
        told = [_with_zone(rule, describe_rule(rule, seed=seed)) for rule in rules]
        sentence = "; also ".join([told[0], *(text[0].lower() + text[1:] for text in told[1:])])
    return sentence + _bounds(schedule) + _limits(terms)


def seed_of(schedule: TaskSchedule) -> str:
    """What its `H` follow from."""
    return next((part.seed for part in schedule.parts if isinstance(part, CronSchedule)), "")


def describe_rule(rule: ScheduleRule, *, seed: str = "") -> str:
    """The sentence for one rule that was accepted; a cron rule's is without its zone."""
    if isinstance(rule, CronRule):
        return describe_text(rule.cron_expression, seed if has_hash(rule.cron_expression) else "")
    if isinstance(rule, OnceRule):
        return f"Once at {instant_text(rule.at, rule.timezone)} ({rule.timezone})"
    duration = duration_text(rule.every_seconds)
    first = f"{instant_text(rule.anchor_at, rule.timezone)} ({rule.timezone})" if rule.anchor_at else ""
    if rule.after_end:
        return f"{duration[0].upper()}{duration[1:]} after each execution has ended" + (
            f", the first at {first}" if first else ""
        )
    return f"Every {duration.removeprefix('1 ')} from {first}"


def describe_parts(rule: ScheduleRule, *, seed: str = "") -> tuple[Part, ...]:
    """The fields of a rule that was accepted, each with what it means."""
    if isinstance(rule, CronRule):
        return _cron_parts(rule.cron_expression, seed)
    if isinstance(rule, OnceRule):
        return (Part("at", rfc3339(rule.at), f"{instant_text(rule.at, rule.timezone)} in {rule.timezone}"),)
    duration = duration_text(rule.every_seconds)
    if rule.after_end:
        meaning = f"{duration} after the end of the last execution"
    else:
        meaning = f"every {duration.removeprefix('1 ')}, whatever clocks on walls do"
    every = Part("interval", f"{rule.every_seconds} s", meaning)
    if rule.anchor_at is None:
        return (every,)
    anchor = f"{instant_text(rule.anchor_at, rule.timezone)} in {rule.timezone}"
    prefix = "the first run at" if rule.after_end else "counted from"
    return (every, Part("anchor", rfc3339(rule.anchor_at), f"{prefix} {anchor}"))


def _with_zone(rule: ScheduleRule, sentence: str) -> str:
    return f"{sentence} ({rule.timezone})" if isinstance(rule, CronRule) else sentence


def _bounds(schedule: TaskSchedule) -> str:
    first = schedule.rules[0]
    words = []
    told = isinstance(first, IntervalRule) and len(schedule.rules) == 1 and first.anchor_at
    if schedule.start_at is not None and not (told and told >= schedule.start_at):
        words.append(f"from {instant_text(schedule.start_at, first.timezone)}")
    if schedule.end_at is not None:
        words.append(f"until {instant_text(schedule.end_at, first.timezone)}")
    return f", {' '.join(words)} ({first.timezone})" if words else ""


def _limits(terms: Terms) -> str:
    text = ""
    if terms.max_executions is not None:
        text += ", once" if terms.max_executions == 1 else f", at most {terms.max_executions} times"
    if terms.jitter_seconds:
        text += f", each start up to {duration_text(terms.jitter_seconds)} later"
    return text


def _cron_parts(cron_expression: str, seed: str) -> tuple[Part, ...]:
    seed = seed if has_hash(cron_expression) else ""
    read = read_cron_text(cron_expression, seed)
    spec = compile_cron(cron_expression, seed)
    days = listed(day_phrases(read, read.special), "or") if read.restricts_day else "every day of the month"
    weekdays = listed(weekday_phrases(read, read.special), "or") if read.restricts_weekday else "every day of the week"
    meanings = {
        "second": _values(spec.seconds, 60, "second"),
        "minute": _values(spec.minutes, 60, "minute"),
        "hour": _values(spec.hours, 24, "hour"),
        "day of month": days,
        "month": _months(spec.months),
        "day of week": weekdays,
        "year": "every year" if spec.years is None else _ranges([FIRST_YEAR + year for year in bits_of(spec.years)]),
    }
    return tuple(Part(name, text, meanings[name]) for name, text in read.typed)


def _values(mask: int, size: int, unit: str) -> str:
    """`every 15th minute from 0`, `hours 9 to 17`, `minutes 0 and 30`."""
    values = bits_of(mask)
    if len(values) == size:
        return f"every {unit}"
    if len(values) == 1:
        return f"{unit} {values[0]}"
    steps = {later - earlier for earlier, later in pairwise(values)}
    if steps == {1} and len(values) > 2:
        return f"every {unit} from {values[0]} to {values[-1]}"
    if len(values) > _MOST_LISTED and len(steps) == 1:
        return f"every {steps.pop()} {unit}s from {values[0]} to {values[-1]}"
    return f"{unit}s {_ranges(values)}"


def _months(mask: int) -> str:
    months = bits_of(mask)
    if len(months) == 12:
        return "every month"
    if len(months) > 2 and months[-1] - months[0] == len(months) - 1:
        return f"{_MONTHS[months[0]]} to {_MONTHS[months[-1]]}"
    return listed([_MONTHS[month] for month in months])


def _ranges(values: list[int]) -> str:
    """Rising numbers as words, stretches of three and more as ranges: `1, 5 to 8 and 12`."""
    words: list[str] = []
    for stretch in stretches_of(values):
        words += [f"{stretch[0]} to {stretch[-1]}"] if len(stretch) > 2 else map(str, stretch)
    return listed(words)
