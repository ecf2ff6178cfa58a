"""One act on many tasks: worked through in steps of one short transaction each, so that no start waits for the whole.

Each task is changed wholly or not at all, and what cannot be done with one hinders no other. A caller that gives up
stops the work between two steps.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Literal

from cronplug.errors import Conflict, CronplugError, FieldError, InvalidInput, NotFound, TaskRunning
from cronplug.model import CatchUp, Status, Task, TaskDefinition, TaskType
from cronplug.operations.revisions import RevisionOperations
from cronplug.operations.tasks import moved_on, next_revision
from cronplug.operations.triggers import TriggerOperations
from cronplug.operations.views import Idempotency, Replayed
from cronplug.store import Conn, deletions, many_tasks
from cronplug.store.tasks import TaskFilter

BulkAction = Literal["enable", "disable", "delete", "restore", "trigger", "addTags", "removeTags"]

STEP = 100
"""Tasks changed in one transaction."""

MOST_TOLD = 100
"""Failures that are told one by one; the rest is counted."""

MOST_IDS = 1_000
"""Most ids of changed tasks that are told."""

MOST_TAGS = 20

_IDS_AT_ONCE = 2_000
_SIDE_BY_SIDE = 20
_TRIES = 20
_BREATH_SECONDS = 0.008

Change = Callable[[TaskDefinition], TaskDefinition]
Replacement = tuple[Task, Task]
"""A task as it was read, and its new revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRequest:
    """What is to be done with which tasks: those of `ids`, or those that `filter` lets through; one of them is given.

    `expect` is how many tasks the caller believes that is. `dry_run` does nothing and tells what would be done.
    """

    action: BulkAction
    ids: Sequence[str] | None = None
    filter: TaskFilter | None = None
    tags: tuple[str, ...] = ()
    catch_up: CatchUp = CatchUp.NONE
    dry_run: bool = False
    expect: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkFailure:
    """A task with which it could not be done; `name` None: there is no such task."""

    task_id: str
    name: str | None
    code: str
    message: str


@dataclass(slots=True, kw_only=True)
class BulkOutcome:
    """What was done. `matched` counts the tasks there are; `changed_ids` are the first of those that were changed."""

    action: BulkAction
    dry_run: bool
    matched: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: list[BulkFailure] = field(default_factory=list)
    failed_count: int = 0
    changed_ids: list[str] = field(default_factory=list)

    def note_changed(self, task_ids: Sequence[str]) -> None:
        """These were changed, or would be."""
        self.changed += len(task_ids)
        self.changed_ids += task_ids[: MOST_IDS - len(self.changed_ids)]

    def note_failure(self, task_id: str, name: str | None, error: CronplugError) -> None:
        """With this one it cannot be done."""
        self.note_refusal(task_id, name, error.code, str(error))

    def note_refusal(self, task_id: str, name: str | None, code: str, message: str) -> None:
        """The same, in words."""
        self.failed_count += 1
        if len(self.failed) < MOST_TOLD:
            self.failed.append(BulkFailure(task_id=task_id, name=name, code=code, message=message))


class BulkOperations(RevisionOperations, TriggerOperations):
    """One act on many tasks."""

    async def act_on_tasks(
        self, request: BulkRequest, *, idempotency: Idempotency | None = None
    ) -> BulkOutcome | Replayed:
        """Do one thing with many tasks. Raises Conflict when they are not as many as `expect` says.

        The answer to an idempotency key is kept once all is done; a repeat of a request that was given up goes on with
        what is left, and triggers no task a second time.
        """
        means = self._means
        if (kept := await means.kept(idempotency)) is not None:
            return kept
        task_ids = await self._find(request)
        outcome = BulkOutcome(action=request.action, dry_run=request.dry_run)
        for step in _in_steps(task_ids, STEP):
            await self._take_step(step, request, outcome, idempotency)
            self._tell(request, step, len(task_ids))

        async def keep(conn: Conn) -> BulkOutcome:
            return outcome

        return outcome if idempotency is None else await means.once(idempotency, keep)

    async def _find(self, request: BulkRequest) -> list[str]:
        """The ids of the tasks in question."""
        if request.filter is None:
            found = list(dict.fromkeys(request.ids or ()))
        else:
            found = await self._find_all(request.filter)
        if request.expect is not None and not request.dry_run and request.expect != len(found):
            raise Conflict(
                f"These are {len(found)} tasks now, not {request.expect}: look at them again. Nothing was done."
            )
        return found

    async def _find_all(self, filter: TaskFilter) -> list[str]:
        filter = await self._means.unfit.complete(filter, self._means.clock.now())
        found: list[str] = []
        more = True
        while more:

            async def select(conn: Conn, after_id: str = found[-1] if found else "") -> list[str]:
                return await many_tasks.select_ids(conn, filter, after_id=after_id, limit=_IDS_AT_ONCE)

            page = await self._means.store.read(select)
            found += page
            more = len(page) == _IDS_AT_ONCE
        return found

    async def _take_step(
        self, task_ids: Sequence[str], request: BulkRequest, outcome: BulkOutcome, idempotency: Idempotency | None
    ) -> None:
        match request.action:
            case "delete":
                await self._delete_step(task_ids, outcome)
            case "restore":
                await self._restore_step(task_ids, outcome)
            case "trigger":
                await self._trigger_step(task_ids, outcome, idempotency)
            case "enable" if request.catch_up is not CatchUp.NONE and not request.dry_run:
                await self._enable_step(task_ids, request.catch_up, outcome)
            case _:
                await self._change_step(task_ids, _change_of(request), outcome)

    def _tell(self, request: BulkRequest, task_ids: Sequence[str], total: int) -> None:
        """Announce a step. Of many tasks all at once: who listens would be cut off for being too slow."""
        means = self._means
        if request.dry_run or request.action in ("trigger", "restore"):
            return  # they told of each task
        for task_id in task_ids if total <= STEP else ("*",):
            means.bus.publish("task", task_id, "deleted" if request.action == "delete" and total <= STEP else "updated")
        if request.action == "enable":
            means.doorbells.plan.ring()

    # -- definitions -------------------------------------------------------------------------------------------------

    async def _change_step(self, task_ids: Sequence[str], change: Change, outcome: BulkOutcome) -> None:
        """Change the definitions of tasks; those that others change meanwhile are tried again."""
        means = self._means
        left = list(task_ids)
        names: dict[str, str] = {}
        for turn in range(_TRIES):
            now = means.clock.now()
            olds = await self._read(left, outcome, note=turn == 0)
            names = {task.id: task.definition.name for task in olds}
            planned = await self._plan_changes(olds, change, outcome, now=now)
            if outcome.dry_run:
                outcome.note_changed([new.id for _, new in planned])
                return
            wanted = [new.id for _, new in planned]
            won = await self._replace_all(await self._after_due(planned, now=now))
            outcome.note_changed(sorted(won))
            left = [task_id for task_id in wanted if task_id not in won]
            if not left:
                return
        for task_id in left:
            busy = Conflict("The task is being changed by others all the time; try again.")
            outcome.note_failure(task_id, names[task_id], busy)

    async def _plan_changes(
        self, olds: Sequence[Task], change: Change, outcome: BulkOutcome, *, now: datetime
    ) -> list[Replacement]:
        """What is to take the place of which; what stays as it is, or cannot be changed, is noted."""
        planned: list[Replacement] = []
        breath = _Breath()
        for old in olds:
            await breath.take()
            try:
                new = self._plan_change(old, change, now=now)
            except InvalidInput as error:
                outcome.note_failure(old.id, old.definition.name, error)
                continue
            if new is None:
                outcome.unchanged += 1
            else:
                planned.append((old, new))
        return planned

    async def _after_due(self, planned: Sequence[Replacement], *, now: datetime) -> list[Replacement]:
        """The same once every fire time that has come by `now` is planned as the task was; less those changed meanwhile.

        One step of the planner may leave some of a long backlog.
        """
        means = self._means
        ready = [(old, new) for old, new in planned if not _is_due(old, now)]
        due = {old.id: (old, new) for old, new in planned if _is_due(old, now)}
        while due:
            await means.plan_due()
            found = await means.store.read(partial(many_tasks.select_tasks, task_ids=list(due)))
            presents = {task.id: task for task in found if task.revision == due[task.id][0].revision}
            ready += [
                (task, next_revision(task, due[task.id][1].definition, now=now))
                for task in presents.values()
                if not _is_due(task, now)
            ]
            due = {task.id: due[task.id] for task in presents.values() if _is_due(task, now)}
        return ready

    async def _replace_all(self, planned: Sequence[Replacement]) -> set[str]:
        """Store the new revisions of those that nobody else has changed; their ids. That they move on hinders none."""
        means = self._means

        async def replace(conn: Conn) -> set[str]:
            presents = {task.id: task for task in await many_tasks.select_tasks(conn, [old.id for old, _ in planned])}
            now = means.clock.now()
            changes = []
            for old, new in planned:
                present = presents.get(old.id)
                moved = None if present is None else moved_on(new, old, present, now=now)
                if present is not None and moved is not None:
                    changes.append((present, moved))
            return await many_tasks.update_tasks(conn, changes)

        return await means.store.write(replace) if planned else set()

    async def _read(self, task_ids: Sequence[str], outcome: BulkOutcome, *, note: bool) -> list[Task]:
        """The tasks; those there are not are noted."""
        found = await self._means.store.read(lambda conn: many_tasks.select_tasks(conn, task_ids))
        for task_id in dict.fromkeys(task_ids).keys() - {task.id for task in found}:
            outcome.note_failure(task_id, None, NotFound("task", task_id))
        if note:
            outcome.matched += len(found)
        return found

    def _plan_change(self, old: Task, change: Change, *, now: datetime) -> Task | None:
        """The task with its new definition, None when that is the old one. Raises InvalidInput."""
        definition = change(old.definition)
        if definition == old.definition:
            return None
        if definition.enabled and not old.definition.enabled:
            self._check(definition, now=now, before=old.definition)
        return next_revision(old, definition, now=now)

    # -- the other acts ----------------------------------------------------------------------------------------------

    async def _delete_step(self, task_ids: Sequence[str], outcome: BulkOutcome) -> None:
        means = self._means
        found = {task.id: task.definition.name for task in await self._read(task_ids, outcome, note=True)}
        if outcome.dry_run:
            running = await means.store.read(lambda conn: deletions.select_running_tasks(conn, found))
            gone = frozenset(found) - running
        else:
            now = means.clock.now()
            done = await means.store.write(lambda conn: deletions.delete_tasks(conn, found, now=now))
            gone, running = done.deleted, done.running
            if done.cancelled:
                means.bus.publish("execution", "*", "updated")
        outcome.note_changed(sorted(gone))
        for task_id, name in found.items():
            if task_id in running:
                message = "The task has a running execution: wait for its end, or cancel it."
                outcome.note_failure(task_id, name, TaskRunning(message))
            elif task_id not in gone:
                outcome.note_failure(task_id, None, NotFound("task", task_id))

    async def _restore_step(self, task_ids: Sequence[str], outcome: BulkOutcome) -> None:
        async def restore(task_id: str) -> None:
            try:
                if outcome.dry_run:
                    await self._means.store.read(lambda conn: self._select_deleted(conn, task_id))
                else:
                    await self.restore_task(task_id)
            except NotFound as error:
                outcome.note_failure(task_id, None, error)
                return
            except CronplugError as error:
                outcome.note_failure(task_id, None, error)
            else:
                outcome.note_changed([task_id])
            outcome.matched += 1

        await _side_by_side(task_ids, restore)

    async def _trigger_step(
        self, task_ids: Sequence[str], outcome: BulkOutcome, idempotency: Idempotency | None
    ) -> None:
        tasks = {task.id: task for task in await self._read(task_ids, outcome, note=True)}

        async def trigger(task_id: str) -> None:
            definition = tasks[task_id].definition
            try:
                if outcome.dry_run:
                    self._refuse_missing(definition)
                else:
                    once = idempotency and dataclasses.replace(
                        idempotency, scope=f"{idempotency.scope} {task_id}", render=lambda execution: execution.id
                    )
                    made = await self.trigger_task(task_id, idempotency=once)
                    if not isinstance(made, Replayed) and made.status is Status.SKIPPED:
                        reason = "skipped" if made.reason is None else made.reason.value
                        outcome.note_refusal(task_id, definition.name, reason, made.error_message or "Skipped.")
                        return
            except CronplugError as error:
                outcome.note_failure(task_id, definition.name, error)
            else:
                outcome.note_changed([task_id])

        await _side_by_side(list(tasks), trigger)

    def _refuse_missing(self, definition: TaskDefinition) -> None:
        name = definition.function_name or ""
        if definition.type is TaskType.FUNCTION and self._means.registry.function(name) is None:
            raise Conflict(f"The function {name!r} is not registered.")

    async def _enable_step(self, task_ids: Sequence[str], catch_up: CatchUp, outcome: BulkOutcome) -> None:
        """Enable tasks and run what they have missed; each is a transaction of its own, since that may be much."""
        for old in await self._read(task_ids, outcome, note=True):
            if old.definition.enabled:
                outcome.unchanged += 1
                continue
            try:
                await self.toggle_task(old.id, True, catch_up=catch_up)
            except CronplugError as error:
                outcome.note_failure(old.id, old.definition.name, error)
            else:
                outcome.note_changed([old.id])


def _is_due(task: Task, now: datetime) -> bool:
    return task.next_run_at is not None and task.next_run_at <= now


def _change_of(request: BulkRequest) -> Change:
    """What a request does to a definition. Raises InvalidInput, when used, for one that it cannot be done to."""
    tags = request.tags

    def add_tags(definition: TaskDefinition) -> TaskDefinition:
        merged = tuple(dict.fromkeys((*definition.tags, *tags)))
        if len(merged) > MOST_TAGS:
            raise InvalidInput([FieldError("tags", f"A task has at most {MOST_TAGS} tags.", "too_many")])
        return dataclasses.replace(definition, tags=merged)

    def remove_tags(definition: TaskDefinition) -> TaskDefinition:
        return dataclasses.replace(definition, tags=tuple(tag for tag in definition.tags if tag not in tags))

    def switch(definition: TaskDefinition) -> TaskDefinition:
        return dataclasses.replace(definition, enabled=request.action == "enable")

    return {"addTags": add_tags, "removeTags": remove_tags}.get(request.action, switch)


def _in_steps(task_ids: Sequence[str], size: int) -> list[list[str]]:
    rest = iter(task_ids)
    return [list(step) for step in iter(lambda: tuple(islice(rest, size)), ())]


async def _side_by_side(task_ids: Sequence[str], act: Callable[[str], Awaitable[None]]) -> None:
    """Act on some at a time: what they write is then committed together."""
    rest = iter(task_ids)

    async def work() -> None:
        for task_id in rest:
            await act(task_id)

    async with asyncio.TaskGroup() as group:
        for number in range(min(_SIDE_BY_SIDE, len(task_ids))):
            group.create_task(work(), name=f"bulk-{number}")


class _Breath:
    """Lets others have the event loop after a few milliseconds of work."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    async def take(self) -> None:
        """Go on at once, or after others had their turn."""
        if time.perf_counter() - self._since > _BREATH_SECONDS:
            await asyncio.sleep(0)
            self._since = time.perf_counter()
