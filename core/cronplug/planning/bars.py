"""What keeps a fire time from running although it is due: calendars and pauses. Such a fire time is `skipped`.

A bar is a property of the fire time, so it holds whenever the fire time is looked at: live, late, or after an outage. A
barred fire time would not have run with every node alive, so an outage did not make it missed, and it is not caught up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cronplug.clock import rfc3339
from cronplug.model import Pause, Reason, ScheduleRule, TaskDefinition
from cronplug.schedules import TaskSchedule
from cronplug.schedules.calendars import Calendar, excluded_by


@dataclass(frozen=True, slots=True)
class Bar:
    """Why a fire time is skipped."""

    reason: Reason
    sentence: str


Barred = Callable[[datetime], Bar | None]
"""Tells of a fire time whether, and why, it is skipped."""


def find_bars(
    definition: TaskDefinition,
    schedule: TaskSchedule,
    *,
    pause: Pause | None = None,
    calendars: Mapping[str, Calendar] | None = None,
) -> Barred | None:
    """What bars the fire times of a task; None when nothing can, which most callers may take as a short way.

    `pause` is the newest one of all schedules, in force or over. `calendars` has, by id, those that the rules name.
    """
    paused_until = definition.paused_until
    heeds = any(rule.calendars for rule in schedule.rules)
    if pause is None and paused_until is None and not heeds:
        return None
    known = calendars or {}

    def barred(at: datetime) -> Bar | None:
        if pause is not None and pause.covers(at):
            return Bar(Reason.PAUSED, pause.sentence)
        if paused_until is not None and at < paused_until:
            return Bar(Reason.PAUSED, f"The task is paused until {rfc3339(paused_until)}.")
        exclusion = excluded_by(rule_of(schedule, at), at, known) if heeds else None
        return None if exclusion is None else Bar(Reason.CALENDAR, exclusion.sentence)

    return barred


def missing_function_bar(name: str) -> Bar:
    """Why nothing of a task runs while its function is not registered. The task heals by itself when it returns."""
    return Bar(
        Reason.FUNCTION_MISSING,
        f"The function {name!r} is not registered: its plugin is not installed, is broken, or no longer has it.",
    )


def rule_of(schedule: TaskSchedule, at: datetime) -> ScheduleRule:
    """The rule whose fire time `at` is; the first one when none names it (any more): the zone data have changed."""
    if len(schedule.rules) > 1:
        try:
            return schedule.rule_at(at)
        except ValueError:
            return schedule.rules[0]
    return schedule.rules[0]
