"""What schedules will do: before they are saved, and of stored tasks."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta

from cronplug.errors import FieldError
from cronplug.model import CatchUp, Task, TaskDefinition
from cronplug.operations.bars import WhatBars, select_what_bars
from cronplug.operations.definitions import calendar_faults, calendars_of, schedule_faults, with_anchors
from cronplug.operations.means import Room, refuse
from cronplug.planning.enabling import Enabling, preview_enabling
from cronplug.planning.fire_times import catch_up_policy
from cronplug.schedules import Comparison, Preview, compare, preview, shown_schedule, terms_of
from cronplug.store import Conn, tasks

_MOMENT = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAhead:
    """What a schedule will do; beside a stored task, how that differs; of a disabled one, what enabling would do."""

    preview: Preview
    difference: Comparison | None = None
    enabling: Enabling | None = None


class PreviewOperations(Room):
    """Looking ahead."""

    async def preview(
        self,
        definition: TaskDefinition,
        *,
        count: int,
        after: datetime | None = None,
        task_id: str | None = None,
        catch_up: CatchUp = CatchUp.NONE,
    ) -> LookedAhead:
        """What the schedules of `definition` would do after `after` (default now), judged from there.

        `task_id`: a stored task that is to get them. Raises InvalidInput.
        """
        means = self._means

        async def select(conn: Conn) -> tuple[Task | None, WhatBars]:
            task = None if task_id is None else await tasks.select_task(conn, task_id)
            definitions = [definition] if task is None else [definition, task.definition]
            return task, await select_what_bars(conn, definitions, cache=means.calendars)

        task, what_bars = await means.store.read(select)
        if task_id is not None and task is None:
            refuse([FieldError("taskId", f"There is no task {task_id!r}.", "unknown")])
        now = means.clock.now()
        after = after or now
        definition = with_anchors(definition, now=now)
        before = None if task is None else task.definition
        faults = schedule_faults(definition, min_interval_seconds=means.settings.min_interval_seconds)
        refuse(
            faults
            or calendar_faults(definition, missing=calendars_of(definition) - what_bars.calendars.keys(), before=before)
        )
        return _look(definition, task, what_bars, count=count, after=after, now=now, catch_up=catch_up)

    async def forecast(self, task_id: str, *, count: int, catch_up: CatchUp = CatchUp.NONE) -> LookedAhead:
        """The coming fire times of a stored task; none while it is disabled. Raises NotFound, InvalidInput."""
        means = self._means
        task = await means.task(task_id)
        what_bars = await means.store.read(
            lambda conn: select_what_bars(conn, [task.definition], cache=means.calendars)
        )
        now = means.clock.now()
        after = coming_after(task, now)
        looked = _look(task.definition, task, what_bars, count=count, after=after, now=now, catch_up=catch_up)
        told = looked.preview
        if not task.definition.enabled:
            told = dataclasses.replace(told, occurrences=(), next_run_at=None)
        return dataclasses.replace(looked, preview=told, difference=None)


def coming_after(task: Task, now: datetime) -> datetime:
    """After which instant the coming fire times of a task begin: what is due and not yet planned is coming."""
    return now if task.next_run_at is None else min(task.next_run_at, now + _MOMENT) - _MOMENT


def _look(
    definition: TaskDefinition,
    task: Task | None,
    what_bars: WhatBars,
    *,
    count: int,
    after: datetime,
    now: datetime,
    catch_up: CatchUp,
) -> LookedAhead:
    seed = "" if task is None else task.id
    pending = None if task is None else task.next_run_at
    schedule = shown_schedule(definition, seed=seed, pending=pending)
    terms = terms_of(definition, fired_count=0 if task is None else task.fired_count, pause=what_bars.pause)
    calendars = what_bars.calendars
    told = preview(
        schedule, after=after, count=count, calendars=calendars, terms=terms, task_id=None if task is None else task.id
    )
    if task is None:
        return LookedAhead(preview=told)
    old = shown_schedule(task.definition, seed=seed, pending=pending)
    enabling = None
    if not task.definition.enabled:
        policy = dataclasses.replace(catch_up_policy(definition), catch_up=catch_up)
        enabling = preview_enabling(
            schedule, disabled_at=task.disabled_at, now=now, policy=policy, terms=terms, calendars=calendars
        )
    difference = compare(old, schedule, after=after, count=count, calendars=calendars)
    return LookedAhead(preview=told, difference=difference, enabling=enabling)
