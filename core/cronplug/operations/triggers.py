"""Runs that are asked for: of a task now, and again in place of one that has ended. Both heed the task's overlap."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from cronplug.errors import Conflict, ExecutionNotEnded, FieldError, NotFound
from cronplug.model import ENDED, Execution, Json, Status, Task, TaskType, Trigger
from cronplug.operations.definitions import payload_faults
from cronplug.operations.means import Room, refuse
from cronplug.operations.queueing import ByHand, announce, overlap_for_manual
from cronplug.operations.secrets import fill_payload
from cronplug.operations.views import Idempotency, Replayed
from cronplug.store import Conn, executions, tasks


class TriggerOperations(Room):
    """Asking for runs."""

    async def trigger_task(
        self,
        task_id: str,
        *,
        payload: Mapping[str, Json] | None = None,
        force: bool = False,
        idempotency: Idempotency | None = None,
    ) -> Execution | Replayed:
        """Run a task now, also a disabled one. `payload` replaces the stored one for this execution.

        Under the task's overlap it may be queued behind an unfinished execution, take its place, or be `skipped`;
        `force` runs it beside. Raises NotFound, InvalidInput (payload), Conflict (its function is not registered).
        """
        means = self._means
        if (kept := await means.kept(idempotency)) is not None:
            return kept
        task = await means.task(task_id)
        definition = task.definition
        if definition.type is TaskType.FUNCTION:
            function = means.registry.function(definition.function_name or "")
            if function is None:
                raise Conflict(
                    f"The function {definition.function_name!r} is not registered: install its plugin and rescan"
                    " (POST /plugins/rescan or `cronplug plugins rescan`)."
                )
            if payload is not None:
                payload = fill_payload(
                    function.name, payload, means.registry, stored=definition.function_payload, field="payload"
                )
                refuse(payload_faults(function.name, payload, means.registry, field="payload"))
        elif payload:
            refuse([FieldError("payload", "An HTTP task takes no payload; its body is httpBody.", "not_allowed")])
        now = means.clock.now()
        execution = Execution(
            id=means.ids.new(now),
            trigger=Trigger.MANUAL,
            status=Status.QUEUED,
            scheduled_for=now,
            queued_at=now,
            available_at=now,
            task_id=task.id,
            **_what_runs(task),
            payload=payload if definition.type is TaskType.FUNCTION else None,
        )
        return await self._ask(task, execution, force=force, idempotency=idempotency)

    async def retry_execution(self, execution_id: str, *, force: bool = False) -> Execution:
        """Run an ended execution again as a new one, by the task's present definition.

        A payload that was given for that one is used again, unless the task runs another function now. Overlap and
        `force` are as in `trigger_task`. Raises NotFound, ExecutionNotEnded, Conflict (its task was deleted).
        """
        means = self._means
        old = await means.store.read(lambda conn: executions.select_execution(conn, execution_id))
        if old is None:
            raise NotFound("execution", execution_id)
        if old.status not in ENDED:
            raise ExecutionNotEnded(f"The execution has not ended yet ({old.status}); cancel it first.")
        what: dict[str, Any] = {"task_name": old.task_name, "type": old.type, "function_name": old.function_name}
        payload = old.payload
        task = None
        if old.task_id is not None:
            task = await means.store.read(lambda conn: tasks.select_task(conn, old.task_id or ""))
            if task is None:
                raise Conflict("The task of this execution was deleted, so it cannot be run again.")
            what = _what_runs(task)
            if (what["type"], what["function_name"]) != (old.type, old.function_name):
                payload = None  # it was meant for another function
        now = means.clock.now()
        execution = Execution(
            id=means.ids.new(now),
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
        made = (
            await means.queue(execution, None)
            if task is None
            else await self._ask(task, execution, force=force, idempotency=None)
        )
        assert isinstance(made, Execution)
        return made

    async def _ask(
        self, task: Task, execution: Execution, *, force: bool, idempotency: Idempotency | None
    ) -> Execution | Replayed:
        """Store an execution of a task that was asked for, as the task's overlap has it."""
        means = self._means

        async def insert(conn: Conn) -> ByHand:
            by_hand = await overlap_for_manual(conn, task, execution, force=force, now=execution.queued_at)
            await executions.insert_executions(conn, [by_hand.execution])
            return by_hand

        if idempotency is not None:
            render = idempotency.render
            idempotency = dataclasses.replace(idempotency, render=lambda by_hand: render(by_hand.execution))
        result = await means.once(idempotency, insert)
        if isinstance(result, Replayed):
            return result
        announce(result, bus=means.bus, doorbells=means.doorbells)
        return result.execution


def _what_runs(task: Task) -> dict[str, Any]:
    """The fields of an execution that say what of a task it runs."""
    definition = task.definition
    return {
        "task_name": definition.name,
        "task_revision": task.revision,
        "type": definition.type,
        "function_name": definition.function_name if definition.type is TaskType.FUNCTION else None,
    }
