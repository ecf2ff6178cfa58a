"""Tells, before anybody does it, what enabling a disabled task now would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cronplug.model import IntervalRule, Reason, TaskDefinition, TaskType
from cronplug.planning.bars import Bar, Barred
from cronplug.planning.fire_times import CatchUpPolicy, plan_enable_catch_up
from cronplug.planning.next_run import plan_after_end
from cronplug.schedules import TaskSchedule, Terms, find_next_run
from cronplug.schedules.calendars import Calendar, excluded_by
from cronplug.schedules.shown_times import instant_text

_MOST_PART_DAYS = 3_000
_NO_TERMS = Terms()
_NO_CALENDARS: Mapping[str, Calendar] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Enabling:
    """What enabling a task would do: `catch_up` runs at once, oldest first, and `next_run_at` is the next run after it.

    `missed_count` is how many fire times passed while it was disabled and will not run; None when that cannot be
    counted quickly, or is not known.
    """

    sentence: str
    next_run_at: datetime | None
    catch_up: tuple[datetime, ...]
    missed_count: int | None


def preview_enabling(
    schedule: TaskSchedule,
    *,
    disabled_at: datetime | None,
    now: datetime,
    policy: CatchUpPolicy,
    terms: Terms = _NO_TERMS,
    calendars: Mapping[str, Calendar] = _NO_CALENDARS,
) -> Enabling:
    """What enabling at `now` a task that was disabled at `disabled_at` (None: not known) would do.

    `policy` has what to catch up. Nothing else runs at once, and the next fire time after `now` is not skipped.
    """
    next_run_at = _next_run_at(schedule, now, terms, calendars)
    catch_up: tuple[datetime, ...] = ()
    missed_count: int | None = None
    if disabled_at is not None and not _is_after_end(schedule):
        missed_count = _count_passed(schedule, disabled_at, now)
        if terms.executions_left != 0:
            barred = _find_bars(schedule, terms, calendars)
            fires = plan_enable_catch_up(schedule, disabled_at=disabled_at, now=now, policy=policy, barred=barred)
            catch_up = tuple(fire.scheduled_for for fire in fires)[: terms.executions_left]
        if missed_count is not None:
            missed_count -= len(catch_up)
    if terms.executions_left is not None and terms.executions_left <= len(catch_up):
        next_run_at = None
    sentence = f"{_told_at_once(catch_up, missed_count)} {_told_next(schedule, next_run_at, terms, len(catch_up))}"
    return Enabling(sentence=sentence, next_run_at=next_run_at, catch_up=catch_up, missed_count=missed_count)


def _is_after_end(schedule: TaskSchedule) -> bool:
    return any(isinstance(rule, IntervalRule) and rule.after_end for rule in schedule.rules)


def _next_run_at(
    schedule: TaskSchedule, now: datetime, terms: Terms, calendars: Mapping[str, Calendar]
) -> datetime | None:
    if not _is_after_end(schedule):
        return find_next_run(schedule, after=now, calendars=calendars, terms=terms)
    definition = TaskDefinition(
        name="", type=TaskType.FUNCTION, schedules=schedule.rules, start_at=schedule.start_at, end_at=schedule.end_at
    )
    return plan_after_end(definition, ended_at=now)


def _count_passed(schedule: TaskSchedule, disabled_at: datetime, now: datetime) -> int | None:
    if len(schedule.parts) > 1 and len(schedule.parts) * (now - disabled_at).days > _MOST_PART_DAYS:
        return None
    return schedule.count_fire_times(disabled_at, now)


def _find_bars(schedule: TaskSchedule, terms: Terms, calendars: Mapping[str, Calendar]) -> Barred:
    def barred(at: datetime) -> Bar | None:
        if terms.is_paused(at):
            return Bar(Reason.PAUSED, "Paused.")
        exclusion = excluded_by(schedule.rule_at(at), at, calendars)
        return None if exclusion is None else Bar(Reason.CALENDAR, exclusion.sentence)

    return barred


def _told_at_once(catch_up: tuple[datetime, ...], missed_count: int | None) -> str:
    runs = "1 missed fire time runs" if len(catch_up) == 1 else f"{len(catch_up)} missed fire times run"
    if not missed_count:
        return f"{runs} at once." if catch_up else "Nothing runs at once."
    if catch_up:
        others = "1 other does" if missed_count == 1 else f"{missed_count:,} others do"
        return f"{runs} at once; {others} not."
    passed = "The fire time" if missed_count == 1 else f"The {missed_count:,} fire times"
    return f"Nothing runs at once. {passed} that passed while it was disabled {'is' if missed_count == 1 else 'are'} not run."


def _told_next(schedule: TaskSchedule, next_run_at: datetime | None, terms: Terms, started: int) -> str:
    if next_run_at is not None:
        index = 0 if _is_after_end(schedule) else schedule.index_at(next_run_at)
        timezone = schedule.rules[index].timezone
        return f"The next run is {instant_text(next_run_at, timezone)} ({timezone})."
    if not schedule.rules:
        return "It runs only when triggered."
    if terms.executions_left is not None and terms.executions_left <= started:
        return f"No run follows: its schedules may start {terms.max_executions} executions in all."
    return "No run follows: its schedules have no further fire time that runs."
