"""What tasks were: their revisions, going back to one of them, and bringing back a task that was deleted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cronplug.errors import Conflict, InvalidInput, NotFound
from cronplug.model import Task, TaskDefinition
from cronplug.operations.definitions import calendars_of, same_json
from cronplug.operations.secrets import hide_in_definition
from cronplug.operations.tasks import TaskOperations
from cronplug.operations.views import Page, TaskView
from cronplug.planning.next_run import plan_first_run_at
from cronplug.schedules import tzdata_version
from cronplug.store import Conn, UniqueViolation, calendars, deletions, revisions, tasks
from cronplug.store.deletions import DeletedTask
from cronplug.store.revisions import StoredRevision


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionView:
    """A revision as it is shown, its secrets masked, beside the one before it (None: that one is not kept).

    `changed` are the fields of TaskDefinition that differ from the one before, also where the masks look the same.
    `is_deletion`: the task was deleted then; the definition is what it was.
    """

    number: int
    created_at: datetime
    definition: TaskDefinition
    before: TaskDefinition | None
    changed: frozenset[str]
    is_deletion: bool


class RevisionOperations(TaskOperations):
    """What is done with earlier states of tasks."""

    async def list_revisions(self, task_id: str, *, page: int, page_size: int) -> Page[RevisionView]:
        """A page of the kept revisions of a task, the newest first; also of a deleted one. Raises NotFound."""

        async def select(conn: Conn) -> tuple[int, list[StoredRevision]]:
            total = await revisions.count_revisions(conn, task_id)
            if not total:
                raise NotFound("task", task_id)
            offset = (page - 1) * page_size
            return total, await revisions.select_revisions(conn, task_id, limit=page_size + 1, offset=offset)

        total, found = await self._means.store.read(select)
        before: list[StoredRevision | None] = [*found[1:], None]
        views = [self._view(one, earlier) for one, earlier in zip(found[:page_size], before, strict=False)]
        return Page(items=views, total=total, page=page, page_size=page_size)

    def _view(self, one: StoredRevision, before: StoredRevision | None) -> RevisionView:
        registry = self._means.registry
        return RevisionView(
            number=one.number,
            created_at=one.created_at,
            definition=hide_in_definition(one.definition, registry),
            before=None if before is None else hide_in_definition(before.definition, registry),
            changed=frozenset() if before is None else _changed(before.definition, one.definition),
            is_deletion=one.is_deletion,
        )

    async def restore_revision(self, task_id: str, number: int, *, expected_revision: int | None = None) -> TaskView:
        """Make a task what it was at a revision, its secrets as they were then; that is a change like any other.

        Raises NotFound, RevisionMismatch, and InvalidInput when that cannot be stored any more.
        """
        await self._means.task(task_id)
        then = await self._means.store.read(lambda conn: tasks.select_definition(conn, task_id, revision=number))
        if then is None:
            raise NotFound("revision", str(number))
        changes: Mapping[str, Any] = {field.name: getattr(then, field.name) for field in dataclasses.fields(then)}
        return await self._change(task_id, changes, expected_revision=expected_revision)

    async def restore_task(self, task_id: str) -> TaskView:
        """Bring a deleted task back as it was, with its executions; it first fires at its first fire time after now.

        Raises NotFound when there was none or retention has taken what was kept of it, and Conflict when the task is
        there, or its schedules heed a calendar that is not.
        """
        means = self._means
        deleted = await means.store.read(lambda conn: self._select_deleted(conn, task_id))
        task = _brought_back(task_id, deleted, now=means.clock.now())

        async def insert(conn: Conn) -> None:
            if (await self._select_deleted(conn, task_id)).revision != deleted.revision:
                raise Conflict("The task was brought back and deleted again meanwhile; try again.")
            missing = await calendars.select_missing(conn, calendars_of(deleted.definition))
            if missing:
                raise Conflict(f"Its schedules heed the calendar {min(missing)!r}, which does not exist any more.")
            try:
                await tasks.insert_task(conn, task)
            except UniqueViolation:
                raise _is_there(task_id) from None

        await means.store.write(insert)
        means.bus.publish("task", task_id, "created")
        means.doorbells.plan.ring()
        return await self.get_task(task_id)

    async def _select_deleted(self, conn: Conn, task_id: str) -> DeletedTask:
        if await tasks.select_task(conn, task_id) is not None:
            raise _is_there(task_id)
        deleted = await deletions.select_deleted(conn, task_id)
        if deleted is None:
            raise NotFound("deleted task", task_id)
        return deleted


def _is_there(task_id: str) -> Conflict:
    return Conflict(f"The task {task_id!r} is not deleted.")


def _brought_back(task_id: str, deleted: DeletedTask, *, now: datetime) -> Task:
    """The task as it was; one that was disabled counts as disabled from now on, so that the gap is never caught up."""
    definition = deleted.definition
    task = Task(
        id=task_id,
        definition=definition,
        revision=deleted.revision + 1,
        created_at=deleted.created_at,
        updated_at=now,
        next_run_at=None,
        fired_count=deleted.fired_count,
        failing_since=deleted.failing_since,
        disabled_at=None if definition.enabled else now,
        tzdata_version=tzdata_version(),
    )
    try:
        at = plan_first_run_at(definition, task_id=task_id, now=now, fired_count=deleted.fired_count)
    except InvalidInput as error:
        return dataclasses.replace(task, schedule_error=str(error))
    return dataclasses.replace(task, next_run_at=at)


def _changed(before: TaskDefinition, after: TaskDefinition) -> frozenset[str]:
    old, new = dataclasses.asdict(before), dataclasses.asdict(after)
    return frozenset(name for name in new if not same_json(old[name], new[name]))
