"""Tasks: made, changed, deleted, looked at."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cronplug.errors import Conflict, NotFound, RevisionMismatch, TaskRunning
from cronplug.model import Execution, Reason, Task, TaskDefinition
from cronplug.operations.definitions import check_definition, same_json, schedule_of
from cronplug.operations.means import Room
from cronplug.operations.views import Idempotency, Page, Replayed, TaskView
from cronplug.store import Conn, executions, tasks

RECENT = 24
"""How many of a task's newest executions a list shows."""

_CHANGE_TRIES = 100  # of several changes at one moment one wins each round


class TaskOperations(Room):
    """What is done with tasks."""

    async def create_task(
        self, definition: TaskDefinition, *, idempotency: Idempotency | None = None
    ) -> TaskView | Replayed:
        """Store a new task; it first runs at its first fire time after now. Raises InvalidInput."""
        if (kept := await self._means.kept(idempotency)) is not None:
            return kept
        self._check(definition)
        now = self._means.clock.now()
        task = Task(
            id=self._means.ids.new(now),
            definition=definition,
            revision=1,
            created_at=now,
            updated_at=now,
            next_run_at=None,
        )
        task = dataclasses.replace(
            task, next_run_at=_first_fire_time(task, definition, now), disabled_at=None if definition.enabled else now
        )
        view = self._means.view(task, ())

        async def insert(conn: Conn) -> TaskView:
            await tasks.insert_task(conn, task)
            return view

        result = await self._means.once(idempotency, insert)
        if isinstance(result, TaskView):
            self._means.bus.publish("task", task.id, "created")
            self._means.doorbells.plan.ring()
        return result

    async def change_task(
        self,
        task_id: str,
        changes: Mapping[str, Any] | Callable[[TaskDefinition], Mapping[str, Any]],
        *,
        expected_revision: int | None = None,
    ) -> TaskView:
        """Change the named fields of a task's definition; the merged whole is checked.

        `changes` has the field names of TaskDefinition, or finds them from what is stored. A change that changes nothing makes no new revision.
        A fire time that has already come is planned as it was; the change holds from now on, and never fires at once.
        Raises NotFound, RevisionMismatch, InvalidInput.
        """
        for _ in range(_CHANGE_TRIES):
            old = await self._means.task(task_id)
            if expected_revision is not None and old.revision != expected_revision:
                raise RevisionMismatch(old.revision)
            given = changes(old.definition) if callable(changes) else changes
            definition = dataclasses.replace(old.definition, **given)
            if same_json(dataclasses.asdict(definition), dataclasses.asdict(old.definition)):
                return await self.get_task(task_id)
            self._check(definition, before=old.definition)
            now = self._means.clock.now()
            planned = old
            while planned.revision == old.revision and planned.next_run_at is not None and planned.next_run_at <= now:
                await self._means.plan_due()  # a step; a long backlog needs several
                planned = await self._means.task(task_id)
            if planned.revision != old.revision:
                continue  # someone else changed it meanwhile: merge with theirs
            old = planned
            task = dataclasses.replace(
                old,
                definition=definition,
                revision=old.revision + 1,
                updated_at=now,
                next_run_at=_next_after_change(old, definition, now),
                schedule_error=None,
                disabled_at=None if definition.enabled else old.disabled_at or now,
            )
            if await self._replace(old, task):
                self._means.bus.publish("task", task_id, "updated")
                self._means.doorbells.plan.ring()
                return await self.get_task(task_id)
        raise Conflict("The task is being changed by others all the time; try again.")

    async def _replace(self, old: Task, task: Task) -> bool:
        """Store a new revision if the old one is still the present one."""
        return await self._means.store.write(lambda conn: tasks.update_task(conn, task, expected_revision=old.revision))

    async def delete_task(self, task_id: str, *, force: bool = False) -> None:
        """Delete a task; its executions stay until retention. Queued ones are cancelled.

        Raises NotFound, and TaskRunning while an execution runs unless `force`, which asks those to stop first.
        """

        async def delete(conn: Conn) -> tuple[Sequence[str], Sequence[str]]:
            # First the task: from here on nobody can queue anything for it, and what was queued before can be seen.
            if not await tasks.delete_task(conn, task_id):
                raise NotFound("task", task_id)
            running = await executions.lock_running_of_task(conn, task_id)
            if running and not force:
                raise TaskRunning(
                    "The task has a running execution: wait for its end, cancel it, or delete with ?force=true."
                )
            now = self._means.clock.now()
            for execution_id in running:
                await executions.request_cancel(conn, execution_id, now=now)
            cancelled = await executions.cancel_queued_of_task(
                conn, task_id, reason=Reason.TASK_DELETED, message="The task was deleted before this ran.", now=now
            )
            return running, cancelled

        running, cancelled = await self._means.store.write(delete)
        self._means.bus.publish("task", task_id, "deleted")
        for execution_id in (*running, *cancelled):
            self._means.bus.publish("execution", execution_id, "updated")
        if running:
            self._means.doorbells.cancel.ring()

    async def get_task(self, task_id: str) -> TaskView:
        """A task with its newest executions. Raises NotFound."""

        async def select(conn: Conn) -> tuple[Task, Sequence[Execution]]:
            task = await tasks.select_task(conn, task_id)
            if task is None:
                raise NotFound("task", task_id)
            recent = await executions.select_recent_by_task(conn, [task_id], per_task=RECENT)
            return task, recent.get(task_id, ())

        return self._means.view(*await self._means.store.read(select))

    async def list_tasks(self, filter: tasks.TaskFilter, *, sort: str, page: int, page_size: int) -> Page[TaskView]:
        """A page of tasks, each with its newest executions."""

        async def select(conn: Conn) -> tuple[int, list[Task], dict[str, list[Execution]]]:
            total = await tasks.count_tasks(conn, filter)
            found = await tasks.select_tasks(conn, filter, sort=sort, limit=page_size, offset=(page - 1) * page_size)
            recent = await executions.select_recent_by_task(
                conn, [task.id for task in found], per_task=RECENT, with_results=False
            )
            return total, found, recent

        total, found, recent = await self._means.store.read(select)
        views = [self._means.view(task, recent.get(task.id, ())) for task in found]
        return Page(items=views, total=total, page=page, page_size=page_size)

    def _check(self, definition: TaskDefinition, before: TaskDefinition | None = None) -> None:
        check_definition(
            definition,
            registry=self._means.registry,
            min_interval_seconds=self._means.settings.min_interval_seconds,
            before=before,
        )


def _first_fire_time(task: Task, definition: TaskDefinition, now: datetime) -> datetime | None:
    schedule = schedule_of(definition, task_id=task.id) if definition.enabled else None
    return None if schedule is None else schedule.next_fire_time(now)


def _next_after_change(old: Task, definition: TaskDefinition, now: datetime) -> datetime | None:
    """The planned fire time stays when enabled state and schedule stay; else it is the first after now."""
    before = old.definition
    if old.schedule_error is None and _when(before) == _when(definition):
        return old.next_run_at
    return _first_fire_time(old, definition, now)


def _when(definition: TaskDefinition) -> tuple[object, ...]:
    """What decides about the fire times of a task."""
    return (definition.enabled, definition.schedules, definition.start_at, definition.end_at)
