"""When a task fires next: after a change, and as it is shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime, timedelta

from cronplug.errors import InvalidInput
from cronplug.model import Pause, Task, TaskDefinition
from cronplug.planning.next_run import awaits_end, plan_first_run_at
from cronplug.schedules import find_next_run, task_schedule, terms_of
from cronplug.schedules.calendars import Calendar

_MOMENT = timedelta(milliseconds=1)


def keeps_next_run(old: Task, definition: TaskDefinition) -> bool:
    """Whether a new definition leaves the next fire time as it was found, with the zone data by which it was."""
    return old.schedule_error is None and _what_decides(old.definition) == _what_decides(definition)


def next_after_change(old: Task, definition: TaskDefinition, now: datetime) -> datetime | None:
    """The next fire time of a task that gets a new definition: never at once, and none is skipped.

    What was planned stays when nothing changes that decides about fire times, else it is the first one after now.
    """
    if keeps_next_run(old, definition):
        return old.next_run_at
    if definition.enabled and definition.after_end and awaits_end(old, now):
        return None  # the end of the execution that is under way gives the next one
    return plan_first_run_at(definition, task_id=old.id, now=now, fired_count=old.fired_count)


def next_that_runs(task: Task, *, pause: Pause | None, calendars: Mapping[str, Calendar]) -> datetime | None:
    """The first fire time from `next_run_at` on that is neither excluded by a calendar nor paused.

    None when there is none, or none that can be found quickly. Of a schedule that cannot be read, what is stored.
    """
    definition, at = task.definition, task.next_run_at
    if at is None or task.schedule_error is not None:
        return at
    terms = terms_of(definition, fired_count=task.fired_count, pause=pause)
    if not terms.is_paused(at) and not any(rule.calendars for rule in definition.schedules):
        return at
    try:
        schedule = task_schedule(definition, seed=task.id, pending=at)
    except InvalidInput:  # the planner will set it aside; until then it must not keep others from being shown
        return at
    if schedule is None:
        return None
    return find_next_run(schedule, after=at - _MOMENT, calendars=calendars, terms=terms)


def _what_decides(definition: TaskDefinition) -> tuple[object, ...]:
    """What decides about the fire times of a task."""
    return (
        definition.enabled,
        [dataclasses.replace(rule, calendars=(), payload=None) for rule in definition.schedules],
        definition.start_at,
        definition.end_at,
        definition.max_executions,
    )
