"""The `next_run_at` of a task outside of the planner's step: made, enabled, edited, ended, or read by newer zone data."""

from __future__ import annotations

from datetime import datetime, timedelta

from cronplug.model import IntervalRule, Task, TaskDefinition
from cronplug.schedules import Schedule, task_schedule


def plan_first_run_at(
    definition: TaskDefinition, *, task_id: str, now: datetime, fired_count: int = 0
) -> datetime | None:
    """The `next_run_at` of a task that is created or enabled, or whose schedules were changed: never at once.

    The first fire time after `now`, and for one that follows from the end of an execution so long after `now`. None
    plans nothing: disabled, no schedule, no further fire time, or `max_executions` are used up. Raises ScheduleError.
    """
    if not definition.enabled or is_used_up(definition, fired_count):
        return None
    if definition.after_end:
        return plan_after_end(definition, ended_at=now)
    schedule = task_schedule(definition, seed=task_id)
    return None if schedule is None else schedule.next_fire_time(now)


def plan_after_end(definition: TaskDefinition, *, ended_at: datetime) -> datetime | None:
    """The fire time that follows from the end of an execution; None when it would come after `end_at`.

    `anchor_at` and `start_at` put the first one off.
    """
    rule = definition.schedules[0]
    assert isinstance(rule, IntervalRule)
    due_at = ended_at.replace(microsecond=0) + timedelta(seconds=rule.every_seconds)
    if due_at < ended_at + timedelta(seconds=rule.every_seconds):
        due_at += timedelta(seconds=1)  # fire times are whole seconds
    for bound in (rule.anchor_at, definition.start_at):
        if bound is not None:
            due_at = max(due_at, bound)
    return None if definition.end_at is not None and due_at > definition.end_at else due_at


def awaits_end(task: Task, now: datetime) -> bool:
    """Whether the task's next fire time is not known because it follows from the end of an execution.

    >>> from datetime import UTC
    >>> from cronplug.model import TaskType
    >>> now = datetime(2026, 1, 1, tzinfo=UTC)
    >>> rule = IntervalRule(every_seconds=60, timezone="UTC", after_end=True)
    >>> definition = TaskDefinition(name="Poll", type=TaskType.HTTP, schedules=(rule,))
    >>> task = Task(id="", definition=definition, revision=1, created_at=now, updated_at=now, next_run_at=None)
    >>> awaits_end(task, now)
    True
    """
    definition = task.definition
    return (
        definition.enabled
        and definition.after_end
        and task.next_run_at is None
        and task.schedule_error is None
        and not is_used_up(definition, task.fired_count)
        and plan_after_end(definition, ended_at=now) is not None
    )


def is_used_up(definition: TaskDefinition, fired_count: int) -> bool:
    """Whether the schedules have started as many executions as they may."""
    return definition.max_executions is not None and fired_count >= definition.max_executions


def plan_by_new_zone_data(schedule: Schedule, *, pending: datetime, now: datetime) -> datetime:
    """The `next_run_at` in place of `pending`, which was found by other zone data.

    One that is due stays: it was promised. One that is to come moves to the fire time nearest to it, which is the same
    one by the new data; when that has passed already, it stays as well, so that it is neither skipped nor run at once.
    """
    if pending <= now:
        return pending
    before = schedule.latest_fire_time(pending)
    after = schedule.next_fire_time(pending)
    near = [at for at in (before, after) if at is not None]
    if not near:
        return pending
    # Of two that are as near, the later one: one too many is worse than one an hour late.
    nearest = min(near, key=lambda at: (abs(at - pending), pending - at))
    return nearest if nearest > now else pending
