"""The planner step: due tasks become executions, and their next fire time moves on, in one transaction.

Fire times are computed between two transactions, never inside one. The second one moves a task on only where its
`next_run_at` and revision are still those that were read, and only winners insert rows; so whoever else plans or
edits at the same moment, a fire time yields one row.

What will be due within a second is read and planned ahead (`prepare_once`), so that in its moment there is less to do.
That decides nothing: what is due is asked anew then, and a task that was changed meanwhile, or anything that bears upon
its plan, makes that plan worth nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cronplug.clock import EPOCH, Clock
from cronplug.engine.definitions import Definitions
from cronplug.errors import FieldError, InvalidInput
from cronplug.events import Doorbells, EventBus
from cronplug.ids import IdGenerator
from cronplug.metrics import Metrics
from cronplug.model import Pause, Status, Task, Trigger
from cronplug.operations.bars import lacks_function, skip_without_function
from cronplug.operations.queueing import Fires, Queued, announce, queue_fires
from cronplug.operations.rescans import Rescans
from cronplug.planning import (
    Outage,
    PlannedFire,
    catch_up_policy,
    find_bars,
    plan_by_new_zone_data,
    plan_fire_times,
)
from cronplug.registry import Registry
from cronplug.schedules import TaskSchedule, jitter_of, task_schedule, tzdata_version
from cronplug.schedules.calendars import Calendar
from cronplug.store import Conn, Store, nodes, tasks
from cronplug.store.access import get_meta, set_meta
from cronplug.store.calendars import CalendarCache, select_calendars
from cronplug.store.due import DueKey, Outlook, Place, select_coming_tasks, select_due_keys, select_outlook
from cronplug.store.pauses import select_pause

log = logging.getLogger(__name__)

BATCH = 500
"""Most tasks planned in one transaction."""

MAX_ROWS = 2_000
"""After about so many rows a transaction takes no further task: after a long outage each may bring hundreds."""

AHEAD_SECONDS = 1.0
"""How long before their moment fire times may be prepared."""

_AHEAD_BATCH = 50
"""Most tasks prepared in one step: others wait as long as it takes."""

_MOST_AHEAD = 5_000
_FORGOTTEN_AFTER = timedelta(seconds=5)
_BEFORE_RESCAN_SECONDS = 0.25
"""How often what is left to nodes that know more is looked at again."""

_FOLLOWED = "tzdata_version"
_ZONE_BATCH = 200
"""Tasks whose next fire time is found anew, after a change of the zone data, in one transaction."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What one step did. `more`: something due may be left, take another step at once."""

    rows: int
    more: bool


@dataclass(frozen=True, slots=True)
class Followed:
    """How far one step went through the tasks whose fire times are found anew."""

    after_id: str
    more: bool


@dataclass(frozen=True, slots=True)
class _Due:
    """What is due, and the facts that decide about it, of one snapshot."""

    tasks: Sequence[Task]
    outages: Sequence[Outage] = ()
    pause: Pause | None = None
    calendars: Mapping[str, Calendar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The fires of one task and its next fire time.

    `schedule` is there when its rules have payloads of their own. `started` is how many executions start if overlap and
    limit have nothing against it, as is most frequent.
    """

    task: Task
    fires: Sequence[PlannedFire] = ()
    next_run_at: datetime | None = None
    schedule: TaskSchedule | None = None
    started: int = 0


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A task that will be due, and its plan where nothing but the task itself has a say in it (None: see then)."""

    task: Task
    plan: _Plan | None


class Planner:
    """Turns fire times that have come into executions."""

    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        clock: Clock,
        ids: IdGenerator,
        bus: EventBus,
        doorbells: Doorbells,
        metrics: Metrics,
        batch: int = BATCH,
        rescans: Rescans | None = None,
        definitions: Definitions | None = None,
    ) -> None:
        """`rescans` tell whether another node may know functions that this one does not yet.

        In `definitions` are kept those of the tasks whose runs start now.
        """
        self._definitions = definitions or Definitions()
        self._rescans = rescans
        self._awaits_rescan = False
        self._store = store
        self._registry = registry
        self._clock = clock
        self._ids = ids
        self._bus = bus
        self._doorbells = doorbells
        self._metrics = metrics
        self._batch = batch
        self._calendars = CalendarCache()
        self._ahead: dict[DueKey, _Prepared] = {}
        self._prepared_to = Place(EPOCH)
        self.last_step_at: datetime | None = None
        """When a step last succeeded; readiness is judged by it."""

    async def plan_once(self) -> Planned:
        """Plan up to a batch of due tasks. Safe to call at any time, any number of times, side by side."""
        now = self._clock.now()
        facts = await self._store.read(lambda conn: self._select_due(conn, now))
        due = facts.tasks
        self._metrics.planner_lag.set((now - _oldest(due)).total_seconds() if due else 0.0)
        if not due:
            self.last_step_at = now
            return Planned(0, more=False)
        plans: list[_Plan] = []
        advances: list[tasks.Advance] = []
        room = MAX_ROWS
        for task in due:
            plan = self._prepared_plan(task, facts) or self._plan(task, facts, now)
            if isinstance(plan, InvalidInput):
                log.error("task %s (%s) is set aside, it cannot be read: %s", task.id, task.definition.name, plan)
                advances.append(_advance(task, None, schedule_error=str(plan)))
                continue
            plans.append(plan)
            if plan.started:
                self._definitions.remember(task.id, task.revision, task.definition)
            advances.append(_advance(task, plan.next_run_at, started=plan.started))
            room -= len(plan.fires)
            if room <= 0:
                break
        queued = await self._store.write(lambda conn: self._insert(conn, plans, advances, now))
        self.last_step_at = now
        for status, count in Counter(row.status.value for row in queued.rows).items():
            self._metrics.executions_planned.labels(status).inc(count)
        announce(queued, bus=self._bus, doorbells=self._doorbells)
        if any(plan.task.definition.after_end for plan in plans):
            self._doorbells.ends.ring()
        more = (
            len(due) == self._batch
            or len(advances) < len(due)
            or any(plan.next_run_at is not None and plan.next_run_at <= now for plan in plans)
        )
        return Planned(len(queued.rows), more)

    async def prepare_once(self) -> bool:
        """Read and plan some of the tasks that are due within a second; whether there may be more of them.

        Safe to leave out, and to call at any time: `plan_once` does by itself what was not prepared.
        """
        now = self._clock.now()
        until = now + timedelta(seconds=AHEAD_SECONDS)
        self._forget_until(now - _FORGOTTEN_AFTER)
        if self._prepared_to.at > until:  # the clock was put back
            self._ahead.clear()
        if len(self._ahead) >= _MOST_AHEAD:
            return False
        after = self._prepared_to if now <= self._prepared_to.at <= until else Place(now)
        coming = await self._store.read(
            lambda conn: select_coming_tasks(conn, after=after, until=until, limit=_AHEAD_BATCH)
        )
        for task in coming:
            assert task.next_run_at is not None
            self._ahead[DueKey(task.id, task.revision, task.next_run_at)] = _Prepared(task, self._plan_ahead(task))
            self._prepared_to = Place(task.next_run_at, task.id)
        return len(coming) == _AHEAD_BATCH

    async def follow_zone_data_once(self, after_id: str = "") -> Followed:
        """Find the next fire time anew for a batch of tasks where it was found by other zone data than the present.

        Goes through the tasks by id, from after `after_id` on. Once all are through, that is remembered, and a later
        start with the same data has nothing to do.
        """
        present, now = tzdata_version(), self._clock.now()

        async def select(conn: Conn) -> list[Task]:
            if not after_id and await get_meta(conn, _FOLLOWED) == present:
                return []
            return await tasks.select_of_other_zone_data(conn, present, after_id=after_id, limit=_ZONE_BATCH)

        stale = await self._store.read(select)
        advances = [_by_present_zone_data(task, now) for task in stale]

        async def advance(conn: Conn) -> None:
            await tasks.advance_tasks(conn, advances, tzdata_version=present)
            if not stale:
                await set_meta(conn, _FOLLOWED, present)

        await self._store.write(advance)
        for it in advances:
            if it.next_run_at != it.expected_next_run_at:
                log.info("task %s: other zone data move its next fire time to %s", it.task_id, it.next_run_at)
        return Followed(stale[-1].id if stale else after_id, more=bool(stale))

    async def look_once(self) -> Outlook:
        """See what the engine may have to do, by one statement; to find nothing due is a step of the planner too."""
        now = self._clock.now()
        outlook = await self._store.read(select_outlook)
        if outlook.next_run_at is None or outlook.next_run_at > now:
            self.last_step_at = now
            self._metrics.planner_lag.set(0.0)
        return outlook

    async def seconds_to_next(self, *, at_most: float) -> float:
        """How long until the earliest fire time, 0 when one is due, never more than `at_most`."""
        due_at = await self._store.read(tasks.select_next_due_at)
        if due_at is None:
            return at_most
        at_least = _BEFORE_RESCAN_SECONDS if self._awaits_rescan else 0.0
        return min(max((due_at - self._clock.now()).total_seconds(), at_least), at_most)

    async def _select_due(self, conn: Conn, now: datetime) -> _Due:
        due = await self._plannable(conn, await self._select_due_tasks(conn, now))
        if not due:
            return _Due(due)
        oldest = _oldest(due)
        pause = await select_pause(conn)
        if pause is not None and pause.until is not None and pause.until <= oldest:
            pause = None  # it was over before anything of this was due
        named = {use.calendar_id for task in due for rule in task.definition.schedules for use in rule.calendars}
        return _Due(
            due,
            outages=await nodes.select_outages(conn, since=oldest),
            pause=pause,
            calendars=await select_calendars(conn, named, cache=self._calendars),
        )

    async def _select_due_tasks(self, conn: Conn, now: datetime) -> list[Task]:
        """The tasks that are due; of those that were prepared no more is read than tells that they are still the same."""
        if not self._ahead:
            return await tasks.select_due_tasks(conn, now, limit=self._batch)
        keys = await select_due_keys(conn, now, limit=self._batch)
        found = {key: self._ahead.get(key) for key in keys}  # this runs in a thread: what is prepared may change at any moment
        due = {key.task_id: prepared.task for key, prepared in found.items() if prepared is not None}
        unknown = [key.task_id for key in keys if key.task_id not in due]
        if unknown:
            due |= {task.id: task for task in await tasks.select_tasks_by_id(conn, unknown)}
        return [due[key.task_id] for key in keys]

    async def _plannable(self, conn: Conn, due: list[Task]) -> list[Task]:
        """Those due, but for those that lack a function which another node may know since a rescan."""
        lacking = {task.id for task in due if lacks_function(task.definition, self._registry)}
        self._awaits_rescan = bool(lacking) and self._rescans is not None and await self._rescans.is_behind(conn)
        if not self._awaits_rescan:
            return due
        return [task for task in due if task.id not in lacking]

    def _plan(self, task: Task, facts: _Due, now: datetime) -> _Plan | InvalidInput:
        definition = task.definition
        if task.schedule_error is not None:
            return InvalidInput([FieldError("", task.schedule_error)])
        try:
            schedule = task_schedule(definition, seed=task.id, pending=task.next_run_at)
        except InvalidInput as error:
            return error
        if schedule is None or task.next_run_at is None:
            return _Plan(task)
        plan = plan_fire_times(
            schedule,
            next_run_at=task.next_run_at,
            now=now,
            policy=catch_up_policy(definition),
            outages=facts.outages,
            barred=find_bars(definition, schedule, pause=facts.pause, calendars=facts.calendars),
        )
        fires = skip_without_function(plan.fires, definition, self._registry)
        if definition.jitter_seconds:
            fires = tuple(_spread(fire, task, schedule) for fire in fires)
        return _Plan(
            task,
            fires=fires,
            next_run_at=plan.next_run_at,
            schedule=schedule if any(rule.payload is not None for rule in schedule.rules) else None,
            started=sum([fire.status is Status.QUEUED for fire in fires]),
        )

    def _plan_ahead(self, task: Task) -> _Plan | None:
        """The plan for the task's next fire time alone, as it is if there is no pause and no outage."""
        assert task.next_run_at is not None
        if any(rule.calendars for rule in task.definition.schedules) or lacks_function(task.definition, self._registry):
            return None
        plan = self._plan(task, _Due((task,)), task.next_run_at)
        return None if isinstance(plan, InvalidInput) else plan

    def _prepared_plan(self, task: Task, facts: _Due) -> _Plan | None:
        """The plan that was made ahead, if it is as it would be made now."""
        assert task.next_run_at is not None
        prepared = self._ahead.pop(DueKey(task.id, task.revision, task.next_run_at), None)
        if prepared is None or prepared.plan is None or facts.outages or facts.pause is not None:
            return None
        return None if lacks_function(task.definition, self._registry) else prepared.plan

    def _forget_until(self, at: datetime) -> None:
        """Forget what was prepared and has not been due after all: the task was changed, or another node was faster."""
        while self._ahead and (oldest := next(iter(self._ahead))).next_run_at <= at:
            del self._ahead[oldest]

    async def _insert(
        self, conn: Conn, plans: Sequence[_Plan], advances: Sequence[tasks.Advance], now: datetime
    ) -> Queued:
        won = await tasks.advance_tasks(conn, advances, tzdata_version=tzdata_version())
        wanted = [
            Fires(task=plan.task, fires=plan.fires, schedule=plan.schedule, started=plan.started)
            for plan in plans
            if plan.fires and plan.task.id in won
        ]
        return await queue_fires(conn, wanted, ids=self._ids, now=now)


def _oldest(due: Sequence[Task]) -> datetime:
    return min(task.next_run_at for task in due if task.next_run_at is not None)


def _spread(fire: PlannedFire, task: Task, schedule: TaskSchedule) -> PlannedFire:
    """The fire with its jitter; what is caught up is late already."""
    if fire.status is not Status.QUEUED or fire.trigger is not Trigger.SCHEDULE:
        return fire
    at = fire.scheduled_for
    jitter = jitter_of(task.id, at, task.definition.jitter_seconds, schedule.next_fire_time(at))
    return replace(fire, not_before=at + jitter)


def _by_present_zone_data(task: Task, now: datetime) -> tasks.Advance:
    assert task.next_run_at is not None
    try:
        schedule = task_schedule(task.definition, seed=task.id, pending=task.next_run_at)
    except InvalidInput:
        schedule = None  # the planner sets it aside when it is due
    if schedule is None:
        return _advance(task, task.next_run_at, schedule_error=task.schedule_error)
    return _advance(task, plan_by_new_zone_data(schedule, pending=task.next_run_at, now=now))


def _advance(
    task: Task, next_run_at: datetime | None, *, schedule_error: str | None = None, started: int = 0
) -> tasks.Advance:
    return tasks.Advance(
        task_id=task.id,
        expected_next_run_at=task.next_run_at,
        expected_revision=task.revision,
        next_run_at=next_run_at,
        schedule_error=schedule_error,
        started=started,
    )
