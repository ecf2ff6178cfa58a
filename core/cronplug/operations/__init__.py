"""What a person may do, whatever the door (REST, command line, browser): checked, done in one transaction, announced.

Every method either does all of what it says, durably, before it returns, or raises one of `cronplug.errors` and has
changed nothing.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from cronplug.clock import Clock
from cronplug.errors import (
    Conflict,
    ExecutionEnded,
    ExecutionNotEnded,
    FieldError,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    RevisionMismatch,
    TaskRunning,
)
from cronplug.events import Doorbells, EventBus
from cronplug.ids import IdGenerator
from cronplug.model import (
    ENDED,
    Execution,
    FunctionInfo,
    Json,
    PluginRecord,
    Reason,
    Status,
    Task,
    TaskDefinition,
    TaskType,
    Trigger,
)
from cronplug.operations.definitions import check_definition, payload_faults, same_json, schedule_of
from cronplug.operations.states import TaskStates
from cronplug.operations.views import (
    TOTAL_CAP,
    ExecutionPage,
    ExecutionView,
    Figures,
    Idempotency,
    LogPage,
    Page,
    Replayed,
    TaskState,
    TaskView,
)
from cronplug.registry import Registry
from cronplug.schedules import CronSchedule, Preview, check_schedule, parse_schedule, preview
from cronplug.settings import Settings
from cronplug.store import Conn, Store, access, executions, logs, stats, tasks

__all__ = [
    "TOTAL_CAP",
    "ExecutionPage",
    "ExecutionView",
    "Figures",
    "Idempotency",
    "LogPage",
    "Operations",
    "Page",
    "Replayed",
    "TaskState",
    "TaskView",
]

T = TypeVar("T")

RECENT = 24
"""How many of a task's newest executions a list shows."""

_DEFAULT_INVOKE_TIMEOUT_SECONDS = 300
_CHANGE_TRIES = 100  # of several changes at one moment one wins each round


class Operations:
    """The verbs of cronplug. One object per process; safe to call side by side."""

    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        settings: Settings,
        clock: Clock,
        ids: IdGenerator,
        bus: EventBus,
        doorbells: Doorbells,
        plan_due: Callable[[], Awaitable[object]],
    ) -> None:
        """`plan_due` plans some of what is due, the oldest first: a change never swallows a fire time that has come."""
        self._store = store
        self._registry = registry
        self._states = TaskStates(registry)
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._bus = bus
        self._doorbells = doorbells
        self._plan_due = plan_due

    # -- tasks ---------------------------------------------------------------------------------------------------

    async def create_task(
        self, definition: TaskDefinition, *, idempotency: Idempotency | None = None
    ) -> TaskView | Replayed:
        """Store a new task; it first runs at its first fire time after now. Raises InvalidInput."""
        if (kept := await self._kept(idempotency)) is not None:
            return kept
        self._check(definition)
        now = self._clock.now()
        task = Task(
            id=self._ids.new(now),
            definition=definition,
            revision=1,
            created_at=now,
            updated_at=now,
            next_run_at=None,
        )
        task = dataclasses.replace(
            task, next_run_at=_first_fire_time(task, definition, now), disabled_at=None if definition.enabled else now
        )
        view = self._view(task, ())

        async def insert(conn: Conn) -> TaskView:
            await tasks.insert_task(conn, task)
            return view

        result = await self._once(idempotency, insert)
        if isinstance(result, TaskView):
            self._bus.publish("task", task.id, "created")
            self._doorbells.plan.ring()
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
            old = await self._task(task_id)
            if expected_revision is not None and old.revision != expected_revision:
                raise RevisionMismatch(old.revision)
            given = changes(old.definition) if callable(changes) else changes
            definition = dataclasses.replace(old.definition, **given)
            if same_json(dataclasses.asdict(definition), dataclasses.asdict(old.definition)):
                return await self.get_task(task_id)
            self._check(definition, before=old.definition)
            now = self._clock.now()
            planned = old
            while planned.revision == old.revision and planned.next_run_at is not None and planned.next_run_at <= now:
                await self._plan_due()  # a step; a long backlog needs several
                planned = await self._task(task_id)
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
                self._bus.publish("task", task_id, "updated")
                self._doorbells.plan.ring()
                return await self.get_task(task_id)
        raise Conflict("The task is being changed by others all the time; try again.")

    async def _replace(self, old: Task, task: Task) -> bool:
        """Store a new revision if the old one is still the present one."""
        return await self._store.write(lambda conn: tasks.update_task(conn, task, expected_revision=old.revision))

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
            now = self._clock.now()
            for execution_id in running:
                await executions.request_cancel(conn, execution_id, now=now)
            cancelled = await executions.cancel_queued_of_task(
                conn, task_id, reason=Reason.TASK_DELETED, message="The task was deleted before this ran.", now=now
            )
            return running, cancelled

        running, cancelled = await self._store.write(delete)
        self._bus.publish("task", task_id, "deleted")
        for execution_id in (*running, *cancelled):
            self._bus.publish("execution", execution_id, "updated")
        if running:
            self._doorbells.cancel.ring()

    async def get_task(self, task_id: str) -> TaskView:
        """A task with its newest executions. Raises NotFound."""

        async def select(conn: Conn) -> tuple[Task, Sequence[Execution]]:
            task = await tasks.select_task(conn, task_id)
            if task is None:
                raise NotFound("task", task_id)
            recent = await executions.select_recent_by_task(conn, [task_id], per_task=RECENT)
            return task, recent.get(task_id, ())

        return self._view(*await self._store.read(select))

    async def list_tasks(self, filter: tasks.TaskFilter, *, sort: str, page: int, page_size: int) -> Page[TaskView]:
        """A page of tasks, each with its newest executions."""

        async def select(conn: Conn) -> tuple[int, list[Task], dict[str, list[Execution]]]:
            total = await tasks.count_tasks(conn, filter)
            found = await tasks.select_tasks(conn, filter, sort=sort, limit=page_size, offset=(page - 1) * page_size)
            recent = await executions.select_recent_by_task(
                conn, [task.id for task in found], per_task=RECENT, with_results=False
            )
            return total, found, recent

        total, found, recent = await self._store.read(select)
        views = [self._view(task, recent.get(task.id, ())) for task in found]
        return Page(items=views, total=total, page=page, page_size=page_size)

    async def trigger_task(
        self, task_id: str, *, payload: Mapping[str, Json] | None = None, idempotency: Idempotency | None = None
    ) -> Execution | Replayed:
        """Queue an execution now, also of a disabled task. `payload` replaces the stored one for this execution.

        Raises NotFound, InvalidInput (payload), Conflict (its function is not registered).
        """
        if (kept := await self._kept(idempotency)) is not None:
            return kept
        task = await self._task(task_id)
        definition = task.definition
        if definition.type is TaskType.FUNCTION:
            function = self._registry.function(definition.function_name or "")
            if function is None:
                raise Conflict(
                    f"The function {definition.function_name!r} is not registered: install its plugin and restart."
                )
            if payload is not None:
                _refuse(payload_faults(function.name, payload, self._registry, field="payload"))
        elif payload:
            _refuse([FieldError("payload", "An HTTP task takes no payload; its body is httpBody.", "not_allowed")])
        now = self._clock.now()
        execution = Execution(
            id=self._ids.new(now),
            trigger=Trigger.MANUAL,
            status=Status.QUEUED,
            scheduled_for=now,
            queued_at=now,
            available_at=now,
            task_id=task.id,
            **_what_runs(task),
            payload=payload if definition.type is TaskType.FUNCTION else None,
        )
        return await self._queue(execution, idempotency, of_task=True)

    async def forecast(self, task_id: str, *, count: int) -> Preview | None:
        """The coming fire times of a stored task; None when it is disabled or has no schedule. Raises NotFound."""
        task = await self._task(task_id)
        if not task.definition.enabled or task.next_run_at is None:
            return None
        schedule = schedule_of(task.definition, task_id=task.id)
        if schedule is None:
            return None
        just_before = min(task.next_run_at, self._clock.now() + timedelta(milliseconds=1)) - timedelta(milliseconds=1)
        part = schedule.parts[0]
        return preview(part, after=just_before, count=count) if isinstance(part, CronSchedule) else None

    # -- executions ----------------------------------------------------------------------------------------------

    async def list_executions(
        self, filter: executions.ExecutionFilter, *, page: int, page_size: int, cursor: str | None = None
    ) -> ExecutionPage:
        """A page of executions, newest first; `cursor` (a former `next_cursor`) goes to any depth at the same cost."""

        async def select(conn: Conn) -> ExecutionPage:
            found = await executions.select_executions(
                conn,
                filter,
                limit=page_size + 1,
                before_id=cursor,
                offset=0 if cursor is not None else (page - 1) * page_size,
            )
            total = await executions.count_executions(conn, filter, cap=TOTAL_CAP + 1)
            shown = found[:page_size]
            return ExecutionPage(
                items=shown,
                total=min(total, TOTAL_CAP),
                total_capped=total > TOTAL_CAP,
                page=page,
                page_size=page_size,
                next_cursor=shown[-1].id if len(found) > page_size else None,
            )

        return await self._store.read(select)

    async def get_execution(self, execution_id: str) -> ExecutionView:
        """An execution with its earlier attempts. Raises NotFound."""

        async def select(conn: Conn) -> ExecutionView:
            execution = await executions.select_execution(conn, execution_id)
            if execution is None:
                raise NotFound("execution", execution_id)
            definition = None
            if execution.task_id is not None and execution.task_revision is not None:
                definition = await tasks.select_definition(conn, execution.task_id, revision=execution.task_revision)
            attempts = await executions.select_attempts(conn, execution_id)
            return ExecutionView(execution=execution, attempts=attempts, definition=definition)

        return await self._store.read(select)

    async def cancel_execution(self, execution_id: str) -> Execution:
        """End a queued execution now, ask a running one to stop. Raises NotFound, ExecutionEnded."""

        async def cancel(conn: Conn) -> Execution:
            before = await executions.select_execution(conn, execution_id)
            if before is None:
                raise NotFound("execution", execution_id)
            if before.status in ENDED:
                raise ExecutionEnded(f"The execution has already ended ({before.status}).")
            after = await executions.request_cancel(conn, execution_id, now=self._clock.now())
            if after is None:
                raise NotFound("execution", execution_id)
            return after

        execution = await self._store.write(cancel)
        self._bus.publish("execution", execution_id, "updated")
        if execution.status is Status.RUNNING:
            self._doorbells.cancel.ring()
        return execution

    async def retry_execution(self, execution_id: str) -> Execution:
        """Queue a new execution in place of an ended one, by the task's present definition.

        A payload that was given for that one is used again, unless the task runs another function now.

        Raises NotFound, ExecutionNotEnded, Conflict (its task was deleted).
        """
        old = (await self.get_execution(execution_id)).execution
        if old.status not in ENDED:
            raise ExecutionNotEnded(f"The execution has not ended yet ({old.status}); cancel it first.")
        what: dict[str, Any] = {"task_name": old.task_name, "type": old.type, "function_name": old.function_name}
        payload = old.payload
        if old.task_id is not None:
            task = await self._store.read(lambda conn: tasks.select_task(conn, old.task_id or ""))
            if task is None:
                raise Conflict("The task of this execution was deleted, so it cannot be run again.")
            what = _what_runs(task)
            if (what["type"], what["function_name"]) != (old.type, old.function_name):
                payload = None  # it was meant for another function
        now = self._clock.now()
        execution = Execution(
            id=self._ids.new(now),
            trigger=Trigger.RETRY,
            status=Status.QUEUED,
            scheduled_for=old.scheduled_for,
            queued_at=now,
            available_at=now,
            task_id=old.task_id,
            **what,
            payload=payload,
            timeout_seconds=old.timeout_seconds,
            retry_of=old.id,
        )
        queued = await self._queue(execution, None, of_task=old.task_id is not None)
        assert isinstance(queued, Execution)
        return queued

    async def read_log(self, execution_id: str, *, offset: int, limit: int) -> LogPage:
        """Output lines from `offset` (counted from 0). Raises NotFound."""

        async def select(conn: Conn) -> LogPage:
            execution = await executions.select_execution(conn, execution_id)
            if execution is None:
                raise NotFound("execution", execution_id)
            lines = await logs.select_lines(conn, execution_id, after_seq=offset, limit=limit)
            total = max(execution.log_lines, lines[-1].seq if lines else 0)
            end = offset + len(lines)
            return LogPage(
                lines=lines,
                total=total,
                next_offset=end if lines and end < total else None,
                truncated=execution.log_truncated,
            )

        return await self._store.read(select)

    async def wait_ended(self, execution_id: str, *, seconds: float) -> Execution | None:
        """The execution once it has ended, or None when `seconds` went by first. Raises NotFound."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + seconds  # the host's clock may be put back meanwhile
        async with self._bus.subscribe(lambda event: event.id == execution_id) as inbox:
            while True:
                execution = (await self.get_execution(execution_id)).execution
                if execution.status in ENDED:
                    return execution
                left = give_up_at - loop.time()
                if left <= 0:
                    return None
                if await inbox.next(timeout_seconds=min(left, 1.0)) is None:
                    return None

    # -- functions and plugins -------------------------------------------------------------------------------------

    def list_functions(self) -> Sequence[FunctionInfo]:
        """Every registered function, by name."""
        return self._registry.functions()

    def get_function(self, name: str) -> FunctionInfo:
        """A registered function. Raises NotFound."""
        function = self._registry.function(name)
        if function is None:
            raise NotFound("function", name)
        return function

    async def invoke_function(
        self,
        name: str,
        payload: Mapping[str, Json],
        *,
        timeout_seconds: int | None = None,
        idempotency: Idempotency | None = None,
    ) -> Execution | Replayed:
        """Queue one execution of a function without a task; it is not retried. Raises NotFound, InvalidInput."""
        if (kept := await self._kept(idempotency)) is not None:
            return kept
        function = self.get_function(name)
        _refuse(payload_faults(name, payload, self._registry, field="payload"))
        now = self._clock.now()
        execution = Execution(
            id=self._ids.new(now),
            trigger=Trigger.API,
            status=Status.QUEUED,
            scheduled_for=now,
            queued_at=now,
            available_at=now,
            type=TaskType.FUNCTION,
            function_name=name,
            payload=payload,
            timeout_seconds=timeout_seconds or function.timeout_seconds or _DEFAULT_INVOKE_TIMEOUT_SECONDS,
        )
        return await self._queue(execution, idempotency, of_task=False)

    def list_plugins(self) -> Sequence[PluginRecord]:
        """What became of every installed plugin."""
        return self._registry.plugins()

    async def rescan_plugins(self) -> Sequence[PluginRecord]:
        """Look for new, changed and removed plugins."""
        records = await self._registry.rescan()
        self._bus.publish("plugin", "*", "updated")
        return records

    # -- schedules and figures ---------------------------------------------------------------------------------------

    def preview(self, cron_expression: str, timezone: str | None, *, count: int, after: datetime | None) -> Preview:
        """What a schedule would do after `after` (default now). Raises InvalidInput."""
        schedule = parse_schedule(cron_expression=cron_expression, timezone=timezone or self._settings.default_timezone)
        check_schedule(schedule, min_interval_seconds=self._settings.min_interval_seconds)
        return preview(schedule, after=after or self._clock.now(), count=count)

    async def stats(self) -> Figures:
        """The figures of the last 24 hours and of now."""
        now = self._clock.now()

        async def select(conn: Conn) -> Figures:
            return Figures(
                at=now,
                stats=await stats.select_stats(conn, now=now),
                next_fire_at=await tasks.select_next_due_at(conn),
                database_bytes=await stats.database_size(conn),
                dialect=self._store.dialect,
            )

        return await self._store.read(select)

    async def count_tasks_by_function(self) -> dict[str, int]:
        """How many tasks run each function."""
        return await self._store.read(stats.count_tasks_by_function)

    # -- shared ------------------------------------------------------------------------------------------------------

    def _view(self, task: Task, recent: Sequence[Execution]) -> TaskView:
        return TaskView(task=task, state=self._states.of(task), recent=recent)

    def _check(self, definition: TaskDefinition, before: TaskDefinition | None = None) -> None:
        check_definition(
            definition,
            registry=self._registry,
            min_interval_seconds=self._settings.min_interval_seconds,
            before=before,
        )

    async def _task(self, task_id: str) -> Task:
        task = await self._store.read(lambda conn: tasks.select_task(conn, task_id))
        if task is None:
            raise NotFound("task", task_id)
        return task

    async def _queue(
        self, execution: Execution, idempotency: Idempotency | None, *, of_task: bool
    ) -> Execution | Replayed:
        async def insert(conn: Conn) -> Execution:
            if of_task and not await tasks.lock_task(conn, execution.task_id or ""):
                raise NotFound("task", execution.task_id or "")
            await executions.insert_executions(conn, [execution])
            return execution

        result = await self._once(idempotency, insert)
        if isinstance(result, Execution):
            self._bus.publish("execution", execution.id, "created")
            self._doorbells.claim.ring()
        return result

    async def _kept(self, idempotency: Idempotency | None) -> Replayed | None:
        """The answer to a repeat, before anything is judged by what has changed since the first request."""
        if idempotency is None:
            return None
        return await self._store.read(lambda conn: _kept_answer(conn, idempotency))

    async def _once(self, idempotency: Idempotency | None, effect: Callable[[Conn], Awaitable[T]]) -> T | Replayed:
        """Run `effect` in a transaction, or give the kept answer when its idempotency key was used before."""

        async def unit(conn: Conn) -> T | Replayed:
            if idempotency is None:
                return await effect(conn)
            kept = await _kept_answer(conn, idempotency)
            if kept is not None:
                return kept
            result = await effect(conn)
            await access.insert_answer(
                conn,
                idempotency.scope,
                idempotency.key,
                request_hash=idempotency.request_hash,
                answer=idempotency.render(result),
                now=self._clock.now(),
            )
            return result

        return await self._store.write(unit)


async def _kept_answer(conn: Conn, idempotency: Idempotency) -> Replayed | None:
    kept = await access.select_answer(conn, idempotency.scope, idempotency.key)
    if kept is None:
        return None
    if kept.request_hash != idempotency.request_hash:
        raise IdempotencyKeyReused("This Idempotency-Key was used with another body in the last 24 hours.")
    return Replayed(kept.answer)


def _what_runs(task: Task) -> dict[str, Any]:
    """The fields of an execution that say what of a task it runs."""
    definition = task.definition
    return {
        "task_name": definition.name,
        "task_revision": task.revision,
        "type": definition.type,
        "function_name": definition.function_name if definition.type is TaskType.FUNCTION else None,
    }


def _refuse(faults: Sequence[FieldError]) -> None:
    if faults:
        raise InvalidInput(faults)


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
