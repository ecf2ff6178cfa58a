"""What calendars and pauses take out of a task's fire times: which comes next, how many are left, what is hit.

Calendars are looked at by stretches of time in which nothing changes, not by fire times, so that a task that fires
each second costs no more than one that fires each day. Every search ends after a bounded number of stretches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from cronplug.model import ScheduleRule
from cronplug.schedules.calendars import Calendar, Exclusion, excluded_by
from cronplug.schedules.counting import seconds_of_day, span_of_day
from cronplug.schedules.kinds import LAST_INSTANT
from cronplug.schedules.shown_times import epoch_seconds
from cronplug.schedules.spec import DAY_SECONDS
from cronplug.schedules.task_schedule import TaskSchedule
from cronplug.schedules.terms import NO_TERMS, Terms

_MOMENT = timedelta(microseconds=1)
_MOST_STRETCHES = 1_000
_MOST_STEPS = 1_000
_MOST_PARTS_BY_DAYS = 3
_LOOK_AHEAD = timedelta(days=2 * 366)
_MOST_HITS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarHit:
    """A stretch from `starts_at` up to `ends_at` in which calendars exclude fire times of a rule (its place)."""

    starts_at: datetime
    ends_at: datetime
    fire_times: int
    first_at: datetime
    rule: int
    exclusion: Exclusion


@dataclass(frozen=True, slots=True)
class _Stretch:
    """From `start` up to `end`; per rule why its fire times are excluded there, None when they are not."""

    start: datetime
    end: datetime
    exclusions: tuple[Exclusion | None, ...]


def find_next_run(
    schedule: TaskSchedule,
    *,
    after: datetime,
    calendars: Mapping[str, Calendar],
    terms: Terms = NO_TERMS,
) -> datetime | None:
    """The first fire time after `after` that neither calendars nor pauses take out; None without one.

    Also None when there is none within two years or a thousand changes of the calendars.
    """
    if terms.executions_left == 0:
        return None
    after = _after_pauses(after, terms)
    following = schedule.next_fire_time(after)
    if following is None or not _heeds(schedule):
        return following
    steps = 0
    for stretch in _stretches(schedule.rules, calendars, following, following + _LOOK_AHEAD):
        at = stretch.start - _MOMENT
        while steps < _MOST_STEPS:
            steps += 1
            following = _next_of(schedule, stretch.exclusions, at)
            if following is None or following >= stretch.end:
                break
            if stretch.exclusions[schedule.index_at(following)] is None:
                return following
            at = following
        if steps >= _MOST_STEPS:
            break
    return None


def count_runs(
    schedule: TaskSchedule,
    *,
    after: datetime,
    until: datetime,
    calendars: Mapping[str, Calendar],
    terms: Terms = NO_TERMS,
) -> int | None:
    """How many fire times in (after, until] run; None when that cannot be counted quickly."""
    after = _after_pauses(after, terms)
    count = _count_within(schedule, after, until, calendars)
    left = terms.executions_left
    return count if count is None or left is None else min(count, left)


def find_hits(
    schedule: TaskSchedule, *, after: datetime, until: datetime, calendars: Mapping[str, Calendar]
) -> tuple[CalendarHit, ...]:
    """The first stretches in (after, until] in which calendars exclude fire times."""
    found: list[CalendarHit] = []
    if not _heeds(schedule) or not schedule.parts:
        return ()
    start, end = _window(schedule, after, until)
    since: list[tuple[datetime, Exclusion] | None] = [None] * len(schedule.rules)
    for stretch in chain(_stretches(schedule.rules, calendars, start, end), (None,)):
        for place, opened in enumerate(since):
            exclusion = None if stretch is None else stretch.exclusions[place]
            if opened is not None and opened[1] != exclusion:
                closed_at = end if stretch is None else stretch.start
                found += _hits(schedule, place, opened, closed_at)
            if stretch is not None and (opened is None or opened[1] != exclusion):
                since[place] = None if exclusion is None else (stretch.start, exclusion)
        if len(found) >= _MOST_HITS:
            break
    return tuple(sorted(found, key=lambda hit: hit.first_at)[:_MOST_HITS])


def _hits(
    schedule: TaskSchedule, place: int, opened: tuple[datetime, Exclusion], closed_at: datetime
) -> list[CalendarHit]:
    start, exclusion = opened
    part = schedule.parts[place]
    first = part.next_fire_time(start - _MOMENT)
    if first is None or first >= closed_at:
        return []
    count = part.count_fire_times(start - _MOMENT, closed_at - _MOMENT)
    return [
        CalendarHit(
            starts_at=start, ends_at=closed_at, fire_times=count, first_at=first, rule=place, exclusion=exclusion
        )
    ]


def _count_within(
    schedule: TaskSchedule, after: datetime, until: datetime, calendars: Mapping[str, Calendar]
) -> int | None:
    parts = schedule.parts
    start, end = _window(schedule, after, until)
    if not parts or start >= end:
        return 0
    if len(parts) > _MOST_PARTS_BY_DAYS:
        return None
    if not _heeds(schedule):
        return schedule.count_fire_times(after, until)
    stretches = list(_stretches(schedule.rules, calendars, start, end))
    if stretches[-1].end < end:
        return None
    if len(parts) == 1:
        return sum(
            parts[0].count_fire_times(stretch.start - _MOMENT, stretch.end - _MOMENT)
            for stretch in stretches
            if stretch.exclusions[0] is None
        )
    return _count_by_days(schedule, stretches)


def _count_by_days(schedule: TaskSchedule, stretches: list[_Stretch]) -> int:
    """An instant that several rules name belongs to the first of them, and runs if that one is not excluded."""
    edges = [(_ceiling(stretch.start), _ceiling(stretch.end), stretch.exclusions) for stretch in stretches]
    total, place = 0, 0
    for day in range(edges[0][0] // DAY_SECONDS, (edges[-1][1] - 1) // DAY_SECONDS + 1):
        begin = day * DAY_SECONDS
        own = []
        claimed = 0
        for part in schedule.parts:
            seconds = seconds_of_day(part, day) & ~claimed
            claimed |= seconds
            own.append(seconds)
        while place < len(edges) and edges[place][0] < begin + DAY_SECONDS:
            start, end, exclusions = edges[place]
            span = span_of_day(max(start - begin, 0), min(end - begin, DAY_SECONDS))
            for seconds, exclusion in zip(own, exclusions, strict=True):
                if exclusion is None:
                    total += (seconds & span).bit_count()
            if end > begin + DAY_SECONDS:
                break
            place += 1
    return total


def _stretches(
    rules: tuple[ScheduleRule, ...], calendars: Mapping[str, Calendar], start: datetime, end: datetime
) -> Iterator[_Stretch]:
    """From `start` up to `end` in order, cut where any calendar changes; at most so many."""
    used = {use.calendar_id for rule in rules for use in rule.calendars} & set(calendars)
    changes = dict.fromkeys(used, start)
    distinct = {rule.calendars: rule for rule in rules}
    for _ in range(_MOST_STRETCHES):
        if start >= end:
            return
        for name, change in changes.items():
            if change <= start:
                changes[name] = calendars[name].next_change(start, end) or end
        until = min([end, *changes.values()])
        by_use = {uses: excluded_by(rule, start, calendars) for uses, rule in distinct.items()}
        yield _Stretch(start, until, tuple(by_use[rule.calendars] for rule in rules))
        start = until


def _next_of(schedule: TaskSchedule, exclusions: tuple[Exclusion | None, ...], after: datetime) -> datetime | None:
    """The next fire time of the rules that are not excluded."""
    found = [
        at
        for part, exclusion in zip(schedule.parts, exclusions, strict=True)
        if exclusion is None and (at := part.next_fire_time(after)) is not None
    ]
    first = min(found, default=None)
    return None if first is None or (schedule.end_at is not None and first > schedule.end_at) else first


def _heeds(schedule: TaskSchedule) -> bool:
    return any(rule.calendars for rule in schedule.rules)


def _window(schedule: TaskSchedule, after: datetime, until: datetime) -> tuple[datetime, datetime]:
    """(after, until] within the schedule's bounds as [start, end)."""
    start = after + _MOMENT
    if schedule.start_at is not None:
        start = max(start, schedule.start_at)
    end = min(until, LAST_INSTANT)
    if schedule.end_at is not None:
        end = min(end, schedule.end_at)
    return start, end + _MOMENT


def _after_pauses(after: datetime, terms: Terms) -> datetime:
    """As `after`, with what pauses take out passed over; each of the two pauses may follow on the other."""
    for _ in range(2):
        if terms.paused_until is not None:
            after = max(after, terms.paused_until - _MOMENT)
        if terms.pause is not None and terms.pause.covers(after + _MOMENT):
            after = LAST_INSTANT if terms.pause.until is None else terms.pause.until - _MOMENT
    return after


def _ceiling(at: datetime) -> int:
    return epoch_seconds(at + timedelta(seconds=1) - _MOMENT)
