"""What follows the end of an execution for its task: the next one in the queue may start, or the next fire time is known.

Nothing is kept in memory but a hint whether anybody waits at all: what waits is in the database, so whoever is alive
goes on after a crash, at the latest at the next look at everything.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime

from cronplug.clock import Clock
from cronplug.events import Doorbells, EventBus
from cronplug.model import Execution, Task
from cronplug.planning import is_used_up, plan_after_end
from cronplug.schedules import tzdata_version
from cronplug.store import Conn, Store, executions, tasks

log = logging.getLogger(__name__)

_BATCH = 200
_NEWEST = 10
"""Of so many newest executions the one that ended last counts: one that was forced may end before an older one."""


class Releaser:
    """Lets held executions start in their turn, and gives tasks that count from the last end their next fire time."""

    def __init__(self, *, store: Store, clock: Clock, bus: EventBus, doorbells: Doorbells) -> None:
        self._store = store
        self._clock = clock
        self._bus = bus
        self._doorbells = doorbells
        self._anybody_waits = True

    async def release_once(self, ended_of: Collection[str] | None = None) -> int:
        """Look after the tasks of which executions ended, or (None) after all; how many things were set going.

        A look at all that finds nobody waiting makes the looks at some tasks cost nothing until the next one.
        """
        if ended_of is not None and not self._anybody_waits:
            return 0
        turns, awaiting = await self._store.read(lambda conn: self._select(conn, ended_of))
        return await self._release(turns) + await self._plan_after_end(awaiting)

    async def _select(
        self, conn: Conn, ended_of: Collection[str] | None
    ) -> tuple[list[str], list[tuple[Task, list[Execution]]]]:
        holds, awaits = await executions.holds_any(conn), await tasks.awaits_any_end(conn)
        self._anybody_waits = holds or awaits
        turns = await executions.select_next_turns(conn, ended_of, limit=_BATCH) if holds else []
        awaiting = await tasks.select_awaiting_end(conn, limit=_BATCH) if awaits else []
        ids = [task.id for task in awaiting]
        ended = (
            await executions.select_recent_by_task(conn, ids, per_task=_NEWEST, with_results=False) if awaiting else {}
        )
        return turns, [(task, ended[task.id]) for task in awaiting]

    async def _release(self, task_ids: Collection[str]) -> int:
        if not task_ids:
            return 0
        now = self._clock.now()

        async def release(conn: Conn) -> list[str]:
            # Locked, so that of two nodes that look at the same moment the second one sees what the first has done.
            locked = await tasks.lock_tasks(conn, task_ids)
            return await executions.release_held(conn, locked, now=now)

        released = await self._store.write(release)
        for execution_id in released:
            self._bus.publish("execution", execution_id, "updated")
        if released:
            self._doorbells.claim.ring()
        return len(released)

    async def _plan_after_end(self, awaiting: Collection[tuple[Task, list[Execution]]]) -> int:
        if not awaiting:
            return 0
        now = self._clock.now()
        advances, done = [], []
        for task, recent in awaiting:
            next_run_at = _next_after_end(task, recent, now)
            if next_run_at is None:
                done.append(task)
            else:
                advances.append(
                    tasks.Advance(
                        task_id=task.id,
                        expected_next_run_at=None,
                        expected_revision=task.revision,
                        next_run_at=next_run_at,
                    )
                )

        async def advance(conn: Conn) -> set[str]:
            for task in done:
                await tasks.stop_awaiting_end(conn, task)
            return await tasks.advance_tasks(conn, advances, tzdata_version=tzdata_version())

        for task_id in await self._store.write(advance):
            self._bus.publish("task", task_id, "updated")
        self._doorbells.plan.ring()
        return len(awaiting)


def _next_after_end(task: Task, recent: Collection[Execution], now: datetime) -> datetime | None:
    """So long after the end of the last execution, or after the task was made or changed when that is later.

    A clock that was put back makes nobody wait for the time until it is where it was.
    """
    if task.schedule_error is not None or is_used_up(task.definition, task.fired_count):
        return None
    ends = [execution.finished_at for execution in recent if execution.finished_at is not None]
    return plan_after_end(task.definition, ended_at=min(max(ends, default=task.updated_at), now))
