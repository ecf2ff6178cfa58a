"""Shows what a task's schedules will do before anybody relies on it.

`sentences` says it in words, `clock_changes` and `exclusions` find what changes of the clock and calendars do to it,
`schedule_warnings` what may not be meant. Here they are put together. Everything is judged from the instant given,
and every search is bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from cronplug.model import CronRule, DstGap, DstRepeat, IntervalRule, ScheduleRule
from cronplug.schedules.calendars import Calendar, Exclusion, excluded_by
from cronplug.schedules.clock_changes import ClockChange, clock_changes, clock_note
from cronplug.schedules.counting import count_together
from cronplug.schedules.cron import CronSchedule
from cronplug.schedules.exclusions import CalendarHit, count_runs, find_hits, find_next_run
from cronplug.schedules.jitter import jitter_of
from cronplug.schedules.kinds import LAST_INSTANT, IntervalSchedule, OnceSchedule
from cronplug.schedules.schedule import Schedule
from cronplug.schedules.schedule_warnings import ScheduleWarning, find_warnings
from cronplug.schedules.sentences import Part, describe_parts, describe_rule, describe_task, seed_of
from cronplug.schedules.shown_times import local_of
from cronplug.schedules.spec import runs_per_day
from cronplug.schedules.task_schedule import TaskSchedule
from cronplug.schedules.terms import NO_TERMS, Terms
from cronplug.schedules.zones import tzdata_version

YEAR = timedelta(days=365)
_MEAN_DAYS_PER_YEAR = 365.2425
_MOST_COUNTED_TOGETHER = 3
_NO_CALENDARS: Mapping[str, Calendar] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One coming fire time, of the schedule at the place `rule`, in that one's `timezone`.

    `local` is the time on the wall (`2026-03-29T03:00:00`), `offset` is from UTC (`+02:00`). `note` is None, or says
    what a clock change does to this one. It does not run when it is `excluded_by` calendars or `paused`. `starts_at`
    is when its execution starts at the earliest, None when that is not known: an unsaved task's jitter.
    """

    at: datetime
    local: str
    offset: str
    note: str | None
    rule: int
    timezone: str
    excluded_by: Exclusion | None
    paused: bool
    starts_at: datetime | None

    @property
    def runs(self) -> bool:
        """Whether neither calendars nor pauses take it out."""
        return self.excluded_by is None and not self.paused


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePreview:
    """What one of a task's schedules does by itself; `runs_per_day` as in `Preview`."""

    kind: Literal["cron", "interval", "once"]
    description: str
    timezone: str
    parts: tuple[Part, ...]
    runs_per_day: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a task's schedules do.

    `next_run_at` is the first fire time that runs, `last_fire_at` the last one of all when they come to an end, None
    when they go on. `runs_per_day` and `runs_per_year` are means over many years, without calendars, bounds and clock
    changes; `runs_at_most` says that they are upper bounds. `runs_in_coming_year` is counted, with all of these; None
    when it cannot be known, or not quickly. `parts` and `timezone` are those of the first schedule.
    """

    description: str
    occurrences: tuple[Occurrence, ...]
    next_run_at: datetime | None
    last_fire_at: datetime | None
    runs_per_day: float
    runs_per_year: float
    runs_at_most: bool
    runs_in_coming_year: int | None
    warnings: tuple[ScheduleWarning, ...]
    parts: tuple[Part, ...]
    rules: tuple[RulePreview, ...]
    clock_changes: tuple[ClockChange, ...]
    calendar_hits: tuple[CalendarHit, ...]
    timezone: str
    tzdata_version: str


def preview(
    schedule: TaskSchedule | CronSchedule,
    *,
    after: datetime,
    count: int,
    calendars: Mapping[str, Calendar] = _NO_CALENDARS,
    terms: Terms = NO_TERMS,
    task_id: str | None = None,
) -> Preview:
    """The next `count` fire times strictly after `after`, and what to know about the schedules, judged from there.

    `calendars` has those that the rules heed, by id. `task_id` is that of a stored task, which its jitter follows from.
    """
    if isinstance(schedule, CronSchedule):
        schedule = _alone(schedule)
    after_end = any(isinstance(rule, IntervalRule) and rule.after_end for rule in schedule.rules)
    next_run_at = find_next_run(schedule, after=after, calendars=calendars, terms=terms)
    year_ahead = min(after, LAST_INSTANT) + YEAR
    rules = _rule_previews(schedule)
    mean = _mean_per_day(schedule, rules, after)
    return Preview(
        description=describe_task(schedule, terms),
        occurrences=find_occurrences(
            schedule, after=after, count=count, calendars=calendars, terms=terms, task_id=task_id
        ),
        next_run_at=next_run_at,
        last_fire_at=None if after_end else _last_fire_at(schedule),
        runs_per_day=mean,
        runs_per_year=mean * _MEAN_DAYS_PER_YEAR,
        runs_at_most=after_end,
        runs_in_coming_year=None
        if after_end
        else count_runs(schedule, after=after, until=year_ahead, calendars=calendars, terms=terms),
        warnings=tuple(find_warnings(schedule, after=after, terms=terms, next_run_at=next_run_at)),
        parts=rules[0].parts if rules else (),
        rules=rules,
        clock_changes=clock_changes(schedule, after=after),
        calendar_hits=find_hits(schedule, after=after, until=year_ahead, calendars=calendars),
        timezone=rules[0].timezone if rules else "UTC",
        tzdata_version=tzdata_version(),
    )


def _alone(schedule: CronSchedule) -> TaskSchedule:
    rule = CronRule(
        cron_expression=schedule.cron_expression,
        timezone=schedule.timezone,
        on_dst_gap=None if schedule.on_dst_gap is None else DstGap(schedule.on_dst_gap),
        on_dst_repeat=None if schedule.on_dst_repeat is None else DstRepeat(schedule.on_dst_repeat),
    )
    return TaskSchedule(rules=(rule,), parts=(schedule,))


def find_occurrences(
    schedule: TaskSchedule,
    *,
    after: datetime,
    count: int,
    calendars: Mapping[str, Calendar],
    terms: Terms,
    task_id: str | None,
    until: datetime = LAST_INSTANT,
) -> tuple[Occurrence, ...]:
    """The next `count` fire times in (after, until], those that do not run included."""
    left = terms.executions_left
    found: list[Occurrence] = []
    coming = schedule.fire_times(after, until, count + 1)
    for at, following in zip(coming[:count], [*coming[1:], None], strict=False):
        if left == 0:
            break
        place = schedule.index_at(at)
        rule = schedule.rules[place]
        part = schedule.parts[place]
        local, offset = local_of(at, rule.timezone)
        one = Occurrence(
            at=at,
            local=local,
            offset=offset,
            note=clock_note(part, at) if isinstance(part, CronSchedule) else None,
            rule=place,
            timezone=rule.timezone,
            excluded_by=excluded_by(rule, at, calendars),
            paused=terms.is_paused(at),
            starts_at=_starts_at(at, following, terms, task_id),
        )
        found.append(one)
        if left is not None and one.runs:
            left -= 1
    return tuple(found)


def _starts_at(at: datetime, following: datetime | None, terms: Terms, task_id: str | None) -> datetime | None:
    if not terms.jitter_seconds:
        return at
    return None if task_id is None else at + jitter_of(task_id, at, terms.jitter_seconds, following)


def _last_fire_at(schedule: TaskSchedule) -> datetime | None:
    ends = schedule.end_at is not None or all(_ends(part) for part in schedule.parts)
    return schedule.latest_fire_time(LAST_INSTANT) if ends else None


def _ends(part: Schedule) -> bool:
    return isinstance(part, OnceSchedule) or (isinstance(part, CronSchedule) and part.spec.years is not None)


def _rule_previews(schedule: TaskSchedule) -> tuple[RulePreview, ...]:
    seed = seed_of(schedule)
    parts: tuple[Schedule | None, ...] = schedule.parts or (None,) * len(schedule.rules)
    return tuple(
        RulePreview(
            kind=_kind(rule),
            description=describe_rule(rule, seed=seed),
            timezone=rule.timezone,
            parts=describe_parts(rule, seed=seed),
            runs_per_day=_per_day(rule, part),
        )
        for rule, part in zip(schedule.rules, parts, strict=True)
    )


def _kind(rule: ScheduleRule) -> Literal["cron", "interval", "once"]:
    if isinstance(rule, CronRule):
        return "cron"
    return "interval" if isinstance(rule, IntervalRule) else "once"


def _per_day(rule: ScheduleRule, part: Schedule | None) -> float:
    if isinstance(part, CronSchedule):
        return runs_per_day(part.spec)
    return 86_400 / rule.every_seconds if isinstance(rule, IntervalRule) else 0.0


def _mean_per_day(schedule: TaskSchedule, rules: tuple[RulePreview, ...], after: datetime) -> float:
    """Of several schedules what they have in common is taken off, as far as it can be counted quickly."""
    total = sum(rule.runs_per_day for rule in rules)
    parts = [part for part in schedule.parts if isinstance(part, CronSchedule | IntervalSchedule)]
    if len(parts) < 2 or len(parts) > _MOST_COUNTED_TOGETHER:
        return total
    start = min(after, LAST_INSTANT - YEAR)
    apart = sum(part.count_fire_times(start, start + YEAR) for part in parts)
    return total * count_together(parts, start, start + YEAR) / apart if apart else total
