"""Tasks: made, changed, deleted, looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cronplug.errors import Conflict, FieldError, InvalidInput, NotFound, RevisionMismatch, TaskRunning
from cronplug.model import CatchUp, Execution, Overlap, Task, TaskDefinition
from cronplug.operations.bars import WhatBars, select_what_bars, skip_without_function
from cronplug.operations.definitions import calendar_faults, calendars_of, check_definition, same_json, with_anchors
from cronplug.operations.means import Room, refuse
from cronplug.operations.next_runs import keeps_next_run, next_after_change
from cronplug.operations.queueing import Fires, Queued, announce, queue_fires
from cronplug.operations.request_secrets import hide_in_request
from cronplug.operations.secrets import fill_in_definition, hide_in_definition
from cronplug.operations.views import Idempotency, Page, Replayed, TaskView
from cronplug.planning.bars import find_bars
from cronplug.planning.fire_times import PlannedFire, catch_up_policy, plan_enable_catch_up
from cronplug.planning.next_run import plan_first_run_at
from cronplug.schedules import task_schedule, tzdata_version
from cronplug.store import Conn, calendars, deletions, executions, tasks

RECENT = 20
"""How many of a task's newest executions are shown with it."""

RESULTS = 24
"""How many of them are shown in short, also in a list."""

FindChanges = Callable[[TaskDefinition, TaskDefinition], Mapping[str, Any]]

_CHANGE_TRIES = 100  # of several changes at one moment one wins each round


class TaskOperations(Room):
    """What is done with tasks."""

    async def create_task(
        self, definition: TaskDefinition, *, idempotency: Idempotency | None = None
    ) -> TaskView | Replayed:
        """Store a new task; it first runs at its first fire time after now. Raises InvalidInput."""
        means = self._means
        if (kept := await means.kept(idempotency)) is not None:
            return kept
        now = means.clock.now()
        definition = fill_in_definition(with_anchors(definition, now=now), means.registry, before=None)
        self._check(definition, now=now)
        task_id = means.ids.new(now)
        task = Task(
            id=task_id,
            definition=definition,
            revision=1,
            created_at=now,
            updated_at=now,
            next_run_at=plan_first_run_at(definition, task_id=task_id, now=now),
            disabled_at=None if definition.enabled else now,
            tzdata_version=tzdata_version(),
        )

        async def insert(conn: Conn) -> TaskView:
            missing = await calendars.select_missing(conn, calendars_of(definition))
            refuse(calendar_faults(definition, missing=missing))
            await tasks.insert_task(conn, task)
            return means.view(task, (), (), await select_what_bars(conn, [definition], cache=means.calendars))

        result = await means.once(idempotency, insert)
        if isinstance(result, TaskView):
            means.bus.publish("task", task.id, "created")
            means.doorbells.plan.ring()
        return result

    async def change_task(
        self,
        task_id: str,
        changes: Mapping[str, Any] | FindChanges,
        *,
        expected_revision: int | None = None,
    ) -> TaskView:
        """Change the named fields of a task's definition; the merged whole is checked.

        `changes` has the field names of TaskDefinition, or finds them from what is stored, and that as it is shown. A change that changes
        nothing makes no new revision. A fire time that has already come is planned as it was; the change holds from
        now on, and never fires at once. Raises NotFound, RevisionMismatch, InvalidInput.
        """
        return await self._change(task_id, changes, expected_revision=expected_revision)

    async def toggle_task(
        self,
        task_id: str,
        enabled: bool,
        *,
        catch_up: CatchUp = CatchUp.NONE,
        expected_revision: int | None = None,
    ) -> TaskView:
        """Switch a task on or off. Enabling never fires at once by itself.

        With `catch_up`, fire times that passed while it was disabled run now, as many as that and the task's own
        window and limit allow. Raises NotFound, RevisionMismatch, InvalidInput.
        """
        if catch_up is not CatchUp.NONE and not enabled:
            raise InvalidInput([FieldError("catchUp", "Only enabling a task catches anything up.", "not_allowed")])
        return await self._change(task_id, {"enabled": enabled}, expected_revision=expected_revision, catch_up=catch_up)

    async def _change(
        self,
        task_id: str,
        changes: Mapping[str, Any] | FindChanges,
        *,
        expected_revision: int | None,
        catch_up: CatchUp = CatchUp.NONE,
    ) -> TaskView:
        means = self._means
        for _ in range(_CHANGE_TRIES):
            old = await means.task(task_id)
            if expected_revision is not None and old.revision != expected_revision:
                raise RevisionMismatch(old.revision)
            given = (
                changes(old.definition, hide_in_definition(old.definition, means.registry))
                if callable(changes)
                else changes
            )
            now = means.clock.now()
            definition = with_anchors(dataclasses.replace(hide_in_request(old.definition), **given), now=now)
            definition = fill_in_definition(definition, means.registry, before=old.definition)
            if same_json(dataclasses.asdict(definition), dataclasses.asdict(old.definition)):
                return await self.get_task(task_id)
            self._check(definition, now=now, before=old.definition)
            before = old.revision
            while old.revision == before and old.next_run_at is not None and old.next_run_at <= now:
                await means.plan_due()  # a step; a long backlog needs several
                old = await means.task(task_id)
            if old.revision != before:
                continue  # someone else changed it meanwhile: look again
            task = next_revision(old, definition, now=now)
            if await self._replace(old, task, catch_up=catch_up):
                means.bus.publish("task", task_id, "updated")
                means.doorbells.plan.ring()
                return await self.get_task(task_id)
        raise Conflict("The task is being changed by others all the time; try again.")

    async def _replace(self, old: Task, task: Task, *, catch_up: CatchUp) -> bool:
        """Store a new revision, and what is caught up with it, if the old one is still the present one."""
        means = self._means
        policy = dataclasses.replace(catch_up_policy(task.definition), catch_up=catch_up)
        fires: Sequence[PlannedFire] = ()
        schedule = task_schedule(task.definition, seed=task.id)
        if catch_up is not CatchUp.NONE and old.disabled_at is not None and schedule is not None:
            what_bars = await means.store.read(
                lambda conn: select_what_bars(conn, [task.definition], cache=means.calendars)
            )
            barred = find_bars(task.definition, schedule, pause=what_bars.pause, calendars=what_bars.calendars)
            fires = skip_without_function(
                plan_enable_catch_up(
                    schedule, disabled_at=old.disabled_at, now=task.updated_at, policy=policy, barred=barred
                ),
                task.definition,
                means.registry,
            )

        released: list[str] = []

        async def replace(conn: Conn) -> Queued | None:
            released.clear()
            missing = await calendars.select_missing(conn, calendars_of(task.definition))
            refuse(calendar_faults(task.definition, missing=missing, before=old.definition))
            present = await tasks.select_task(conn, task.id)
            new = moved_on(task, old, present, now=means.clock.now()) if present is not None else None
            if present is None or new is None or not await tasks.update_task(conn, new, instead_of=present):
                return None
            if task.definition.overlap is Overlap.ALLOW and old.definition.overlap is not Overlap.ALLOW:
                # Nothing would ever let them go where runs beside each other leave no moment free.
                released.extend(await executions.release_all_held(conn, task.id, now=task.updated_at))
            fired = Fires(task=task, fires=fires, schedule=schedule)
            return await queue_fires(conn, [fired], ids=means.ids, now=task.updated_at) if fires else Queued()

        queued = await means.store.write(replace)
        if queued is not None:
            announce(queued, bus=means.bus, doorbells=means.doorbells)
            for execution_id in released:
                means.bus.publish("execution", execution_id, "updated")
            if released:
                means.doorbells.claim.ring()
        return queued is not None

    async def delete_task(self, task_id: str, *, force: bool = False) -> None:
        """Delete a task; its executions stay until retention, and as long it can be brought back. Queued ones are cancelled.

        Raises NotFound, and TaskRunning while an execution runs unless `force`, which asks those to stop first.
        """

        now = self._means.clock.now()
        done = await self._means.store.write(
            lambda conn: deletions.delete_tasks(conn, [task_id], force=force, now=now),
        )
        if done.running:
            raise TaskRunning(
                "The task has a running execution: wait for its end, cancel it, or delete with ?force=true."
            )
        if not done.deleted:
            raise NotFound("task", task_id)
        self._means.bus.publish("task", task_id, "deleted")
        for execution_id in (*done.stopping, *done.cancelled):
            self._means.bus.publish("execution", execution_id, "updated")
        if done.stopping:
            self._means.doorbells.cancel.ring()

    async def present_revision(self, task_id: str) -> int:
        """A task's revision, for a fraction of what `get_task` costs. Raises NotFound."""
        return (await self._means.task(task_id)).revision

    async def get_task(self, task_id: str) -> TaskView:
        """A task with its newest executions. Raises NotFound."""

        async def select(conn: Conn) -> tuple[Task, Sequence[Execution], Sequence[executions.ShortResult], WhatBars]:
            task = await tasks.select_task(conn, task_id)
            if task is None:
                raise NotFound("task", task_id)
            recent = await executions.select_recent_by_task(conn, [task_id], per_task=RECENT)
            results = await executions.select_short_results(conn, [task_id], per_task=RESULTS)
            return (
                task,
                recent[task_id],
                results[task_id],
                await select_what_bars(conn, [task.definition], cache=self._means.calendars),
            )

        return self._means.view(*await self._means.store.read(select))

    async def list_tasks(self, filter: tasks.TaskFilter, *, sort: str, page: int, page_size: int) -> Page[TaskView]:
        """A page of tasks, each with its newest executions."""
        filter = await self._means.unfit.complete(filter, self._means.clock.now())

        async def select(
            conn: Conn,
        ) -> tuple[int, list[Task], dict[str, list[Execution]], dict[str, list[executions.ShortResult]], WhatBars]:
            total = await tasks.count_tasks(conn, filter)
            found = await tasks.select_tasks(conn, filter, sort=sort, limit=page_size, offset=(page - 1) * page_size)
            ids = [task.id for task in found]
            recent = await executions.select_recent_by_task(conn, ids, per_task=1, with_results=False)
            results = await executions.select_short_results(conn, ids, per_task=RESULTS)
            what_bars = await select_what_bars(conn, [task.definition for task in found], cache=self._means.calendars)
            return total, found, recent, results, what_bars

        total, found, recent, results, what_bars = await self._means.store.read(select)
        views = [self._means.view(task, recent[task.id], results[task.id], what_bars) for task in found]
        return Page(items=views, total=total, page=page, page_size=page_size)

    def _check(self, definition: TaskDefinition, *, now: datetime, before: TaskDefinition | None = None) -> None:
        check_definition(
            definition,
            registry=self._means.registry,
            min_interval_seconds=self._means.settings.min_interval_seconds,
            now=now,
            before=before,
        )


def moved_on(task: Task, old: Task, present: Task, *, now: datetime) -> Task | None:
    """The new revision of `old` for what is there now: the same task with, perhaps, a later fire time that is next.

    A planner that is behind moves tasks that fire often at every moment, and nobody could ever switch one off if it had to
    stand still for that. None: look again, since somebody else has changed it, or its schedule would be another one. Then
    a fire time that was planned meanwhile could come back, and under `replace` take its own execution's place.
    """
    if present.revision != old.revision:
        return None
    if present.next_run_at == old.next_run_at:
        return task
    if task.definition.enabled and not keeps_next_run(present, task.definition):
        return None
    planned_until = now if present.next_run_at is None else present.next_run_at - timedelta(milliseconds=1)
    return next_revision(present, task.definition, now=min(now, planned_until))


def next_revision(old: Task, definition: TaskDefinition, *, now: datetime) -> Task:
    """A task after a change at `now`; one that was due had to be planned before."""
    stays = keeps_next_run(old, definition)
    return dataclasses.replace(
        old,
        definition=definition,
        revision=old.revision + 1,
        updated_at=now,
        next_run_at=old.next_run_at if stays else next_after_change(old, definition, now),
        schedule_error=None,
        disabled_at=None if definition.enabled else old.disabled_at or now,
        tzdata_version=old.tzdata_version if stays else tzdata_version(),
    )
