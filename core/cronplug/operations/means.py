"""What every operation works with, and the ways of doing a thing exactly once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cronplug.clock import Clock
from cronplug.errors import FieldError, IdempotencyKeyReused, InvalidInput, NotFound
from cronplug.events import Doorbells, EventBus
from cronplug.ids import IdGenerator
from cronplug.model import Execution, Task, TaskDefinition
from cronplug.operations.attention import UnfitTasks
from cronplug.operations.bars import WhatBars
from cronplug.operations.next_runs import next_that_runs
from cronplug.operations.rescans import Rescans
from cronplug.operations.secrets import hide_in_task
from cronplug.operations.states import TaskStates
from cronplug.operations.views import Idempotency, Replayed, TaskView
from cronplug.registry import Registry
from cronplug.settings import Settings
from cronplug.store import Conn, Store, access, executions, tasks
from cronplug.store.calendars import CalendarCache

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """The parts that operations work with; one object per process.

    `plan_due` plans some of what is due, the oldest first: a change never swallows a fire time that has come.
    """

    store: Store
    registry: Registry
    settings: Settings
    clock: Clock
    ids: IdGenerator
    bus: EventBus
    doorbells: Doorbells
    plan_due: Callable[[], Awaitable[object]]
    states: TaskStates
    unfit: UnfitTasks
    calendars: CalendarCache
    rescans: Rescans

    def view(
        self, task: Task, recent: Sequence[Execution], results: Sequence[executions.ShortResult], what_bars: WhatBars
    ) -> TaskView:
        """A task as it is shown, its secrets masked."""
        return TaskView(
            task=hide_in_task(task, self.registry),
            state=self.states.of(task, self.clock.now()),
            next_run_at=next_that_runs(task, pause=what_bars.pause, calendars=what_bars.calendars),
            recent=recent,
            results=results,
        )

    async def task(self, task_id: str) -> Task:
        """A stored task. Raises NotFound."""
        task = await self.store.read(lambda conn: tasks.select_task(conn, task_id))
        if task is None:
            raise NotFound("task", task_id)
        return task

    async def definition_behind(self, task_id: str | None) -> TaskDefinition | None:
        """What a draft that somebody tries out was made from. Raises InvalidInput when there is no such task."""
        if task_id is None:
            return None
        task = await self.store.read(lambda conn: tasks.select_task(conn, task_id))
        if task is None:
            raise InvalidInput([FieldError("taskId", f"There is no task {task_id[:80]!r}.", "unknown")])
        return task.definition

    async def queue(self, execution: Execution, idempotency: Idempotency | None) -> Execution | Replayed:
        """Store a queued execution without a task and tell of it."""

        async def insert(conn: Conn) -> Execution:
            await executions.insert_executions(conn, [execution])
            return execution

        result = await self.once(idempotency, insert)
        if isinstance(result, Execution):
            self.bus.publish("execution", execution.id, "created")
            self.doorbells.claim.ring()
        return result

    async def kept(self, idempotency: Idempotency | None) -> Replayed | None:
        """The answer to a repeat, before anything is judged by what has changed since the first request."""
        if idempotency is None:
            return None
        return await self.store.read(lambda conn: _kept_answer(conn, idempotency))

    async def once(self, idempotency: Idempotency | None, effect: Callable[[Conn], Awaitable[T]]) -> T | Replayed:
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
                now=self.clock.now(),
            )
            return result

        return await self.store.write(unit)


class Room:
    """A group of verbs over the same means."""

    def __init__(self, means: Means) -> None:
        self._means = means


def refuse(faults: Sequence[FieldError]) -> None:
    """Raise InvalidInput when there are faults."""
    if faults:
        raise InvalidInput(faults)


async def _kept_answer(conn: Conn, idempotency: Idempotency) -> Replayed | None:
    kept = await access.select_answer(conn, idempotency.scope, idempotency.key)
    if kept is None:
        return None
    if kept.request_hash != idempotency.request_hash:
        raise IdempotencyKeyReused("This Idempotency-Key was used with another body in the last 24 hours.")
    return Replayed(kept.answer)
