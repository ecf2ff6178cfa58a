"""The planner step: due tasks become executions, and their next fire time moves on, in one transaction.

Fire times are computed between two transactions, never inside one. The second one moves a task on only where its
`next_run_at` and revision are still those that were read, and only winners insert rows; so whoever else plans or
edits at the same moment, a fire time yields one row.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cronplug.clock import Clock
from cronplug.errors import FieldError, InvalidInput
from cronplug.events import Doorbells, EventBus
from cronplug.ids import IdGenerator
from cronplug.metrics import Metrics
from cronplug.model import Execution, Overlap, Status, Task, TaskType
from cronplug.planning import CatchUpPolicy, FirePlan, PlannedFire, plan_fire_times, settle_overlap
from cronplug.schedules import task_schedule
from cronplug.store import Conn, Store, executions, nodes, tasks

log = logging.getLogger(__name__)

BATCH = 500
"""Most tasks planned in one transaction."""

MAX_ROWS = 2_000
"""After about so many rows a transaction takes no further task: after a long outage each may bring hundreds."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What one step did. `more`: something due may be left, take another step at once."""

    rows: int
    more: bool


class Planner:
    """Turns fire times that have come into executions."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: IdGenerator,
        bus: EventBus,
        doorbells: Doorbells,
        metrics: Metrics,
        batch: int = BATCH,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._bus = bus
        self._doorbells = doorbells
        self._metrics = metrics
        self._batch = batch
        self.last_step_at: datetime | None = None
        """When a step last succeeded; readiness is judged by it."""

    async def plan_once(self) -> Planned:
        """Plan up to a batch of due tasks. Safe to call at any time, any number of times, side by side."""
        now = self._clock.now()
        due, outages = await self._store.read(lambda conn: self._select_due(conn, now))
        self._metrics.planner_lag.set((now - _oldest(due)).total_seconds() if due else 0.0)
        if not due:
            self.last_step_at = now
            return Planned(0, more=False)
        plans: list[tuple[Task, FirePlan]] = []
        advances: list[tasks.Advance] = []
        room = MAX_ROWS
        for task in due:
            plan = self._plan(task, outages, now)
            if isinstance(plan, InvalidInput):
                log.error("task %s (%s) is set aside, it cannot be read: %s", task.id, task.definition.name, plan)
                advances.append(_advance(task, None, schedule_error=str(plan)))
                continue
            plans.append((task, plan))
            advances.append(_advance(task, plan.next_run_at))
            room -= len(plan.fires)
            if room <= 0:
                break
        rows = await self._store.write(lambda conn: self._insert(conn, plans, advances, now))
        self.last_step_at = now
        self._announce(rows)
        more = (
            len(due) == self._batch
            or len(advances) < len(due)
            or any(plan.next_run_at is not None and plan.next_run_at <= now for _, plan in plans)
        )
        return Planned(len(rows), more)

    async def seconds_to_next(self, *, at_most: float) -> float:
        """How long until the earliest fire time, 0 when one is due, never more than `at_most`."""
        due_at = await self._store.read(tasks.select_next_due_at)
        if due_at is None:
            return at_most
        return min(max((due_at - self._clock.now()).total_seconds(), 0.0), at_most)

    async def _select_due(self, conn: Conn, now: datetime) -> tuple[list[Task], list[tuple[datetime, datetime]]]:
        due = await tasks.select_due_tasks(conn, now, limit=self._batch)
        outages = await nodes.select_outages(conn, since=_oldest(due)) if due else []
        return due, outages

    def _plan(self, task: Task, outages: Sequence[tuple[datetime, datetime]], now: datetime) -> FirePlan | InvalidInput:
        definition = task.definition
        if task.schedule_error is not None:
            return InvalidInput([FieldError("", task.schedule_error)])
        try:
            schedule = task_schedule(definition, seed=task.id, pending=task.next_run_at)
        except InvalidInput as error:
            return error
        if schedule is None or task.next_run_at is None:
            return FirePlan(fires=(), next_run_at=None)
        policy = CatchUpPolicy(
            catch_up=definition.catch_up,
            window_seconds=definition.catch_up_window_seconds,
            max_runs=definition.catch_up_max,
            misfire_grace_seconds=definition.misfire_grace_seconds,
        )
        return plan_fire_times(schedule, next_run_at=task.next_run_at, now=now, policy=policy, outages=outages)

    async def _insert(
        self, conn: Conn, plans: Sequence[tuple[Task, FirePlan]], advances: Sequence[tasks.Advance], now: datetime
    ) -> list[Execution]:
        won = await tasks.advance_tasks(conn, advances)
        exclusive = [
            task.id for task, plan in plans if task.id in won and plan.fires and task.definition.overlap is Overlap.SKIP
        ]
        unfinished = await executions.select_unfinished_task_ids(conn, exclusive) if exclusive else set()
        rows = [
            row
            for task, plan in plans
            if task.id in won
            for row in self._rows(task, plan.fires, unfinished=task.id in unfinished, now=now)
        ]
        inserted = await executions.insert_executions(conn, rows) if rows else set()
        return [row for row in rows if row.id in inserted]

    def _rows(self, task: Task, fires: Sequence[PlannedFire], *, unfinished: bool, now: datetime) -> list[Execution]:
        """The executions of one task's fire times; an overlap is decided here, where the transaction sees it."""
        definition = task.definition
        return [
            Execution(
                id=self._ids.new(now),
                trigger=fire.trigger,
                status=fire.status,
                scheduled_for=fire.scheduled_for,
                queued_at=now,
                available_at=now,
                task_id=task.id,
                task_name=definition.name,
                task_revision=task.revision,
                type=definition.type,
                function_name=definition.function_name if definition.type is TaskType.FUNCTION else None,
                reason=fire.reason,
                error_message=fire.sentence,
                finished_at=None if fire.status is Status.QUEUED else now,
                missed_count=fire.missed_count,
                missed_until=fire.missed_until,
            )
            for fire in settle_overlap(fires, overlap=definition.overlap, unfinished=unfinished)
        ]

    def _announce(self, rows: Sequence[Execution]) -> None:
        for row in rows:
            self._metrics.executions_planned.labels(row.status.value).inc()
            self._bus.publish("execution", row.id, "created")
        for task_id in {row.task_id for row in rows if row.task_id is not None}:
            self._bus.publish("task", task_id, "updated")
        if any(row.status is Status.QUEUED for row in rows):
            self._doorbells.claim.ring()


def _oldest(due: Sequence[Task]) -> datetime:
    return min(task.next_run_at for task in due if task.next_run_at is not None)


def _advance(task: Task, next_run_at: datetime | None, *, schedule_error: str | None = None) -> tasks.Advance:
    return tasks.Advance(
        task_id=task.id,
        expected_next_run_at=task.next_run_at,
        expected_revision=task.revision,
        next_run_at=next_run_at,
        schedule_error=schedule_error,
    )
