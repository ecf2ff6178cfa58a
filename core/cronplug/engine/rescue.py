"""Recovery: executions whose node died, lost its lease or stopped are settled by their task's delivery policy."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime

from cronplug.clock import Clock
from cronplug.engine.runner import after, finish_of
from cronplug.events import Doorbells, EventBus
from cronplug.executors.base import Outcome
from cronplug.metrics import Metrics
from cronplug.model import Execution, Reason, Status, TaskDefinition
from cronplug.store import Conn, Store, executions, health, tasks

log = logging.getLogger(__name__)

_BATCH = 200
_CUT_OFF = Outcome(
    verdict="cut_off",
    reason=Reason.CUT_OFF,
    error_message="The node that ran this stopped without finishing it.",
)


class Rescuer:
    """Settles running executions whose lease has ended."""

    def __init__(self, *, store: Store, clock: Clock, bus: EventBus, doorbells: Doorbells, metrics: Metrics) -> None:
        self._store = store
        self._clock = clock
        self._bus = bus
        self._doorbells = doorbells
        self._metrics = metrics

    async def rescue_once(self, *, ours: Collection[str] = ()) -> int:
        """Settle a batch of executions past their lease, save those in `ours`; returns how many.

        Each is queued again without using up an attempt, or ends `lost` (delivery at_most_once, or cut off five
        times) or `cancelled` (its cancel was asked for).
        """
        now = self._clock.now()
        if not await self._store.read(lambda conn: executions.select_expired(conn, now, limit=1)):
            return 0

        async def settle(conn: Conn) -> list[tuple[str, Status]]:
            expired = [e for e in await executions.select_expired(conn, now, limit=_BATCH) if e.id not in ours]
            finishes = [self._finish(e, await _definition_of(conn, e), now) for e in expired]
            if not finishes:
                return []
            await health.hold_tasks(conn, finishes)
            won = await executions.settle_cut_off(conn, finishes)
            await health.keep_failing_since(conn, finishes, won)
            return [(f.execution_id, f.status) for f in finishes if f.execution_id in won]

        settled = await self._store.write(settle)
        for execution_id, status in settled:
            log.warning("execution %s was cut off; it is now %s", execution_id, status.value)
            if status is not Status.QUEUED:
                self._metrics.executions_ended.labels(status.value).inc()
            self._bus.publish("execution", execution_id, "updated")
        if settled:
            self._doorbells.claim.ring()
        return len(settled)

    def _finish(self, execution: Execution, definition: TaskDefinition | None, now: datetime) -> executions.Finish:
        then = after(execution, definition, _CUT_OFF, now)
        return finish_of(execution, _CUT_OFF, then, lease_owner=execution.lease_owner or "", now=now)


async def _definition_of(conn: Conn, execution: Execution) -> TaskDefinition | None:
    if execution.task_id is None or execution.task_revision is None:
        return None
    return await tasks.select_definition(conn, execution.task_id, revision=execution.task_revision)
