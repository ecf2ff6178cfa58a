"""How executions of a task come into the queue, whoever wants them: its schedules, a person, a program.

Overlap is decided here, in the caller's transaction and with the task locked, so that of any number of nodes and
callers one at a time decides about a task. The decision itself is `cronplug.planning.overlap`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import zip_longest

from cronplug.clock import rfc3339
from cronplug.errors import NotFound
from cronplug.events import Doorbells, EventBus
from cronplug.ids import IdGenerator
from cronplug.model import HELD, Execution, Json, Overlap, Status, Task, TaskType, Trigger, Unfinished
from cronplug.planning import PlannedFire, Settled, rule_of, settle_overlap
from cronplug.schedules import TaskSchedule
from cronplug.store import Conn, executions, tasks
from cronplug.store.executions import Replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Fires:
    """The fires of one task that were planned, oldest first.

    `schedule` is the one they are of when its rules have payloads of their own. `started` is how many of them were taken
    for started when the task was advanced (0 when it was not): the rest is put right here.
    """

    task: Task
    fires: Sequence[PlannedFire]
    schedule: TaskSchedule | None = None
    started: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """What came of it: the rows that are new, and the executions whose place they take."""

    rows: Sequence[Execution] = ()
    replaced: Sequence[Replaced] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """An execution that somebody asked for, as overlap decided about it; the caller inserts it.

    Its status is QUEUED (perhaps `HELD`), or SKIPPED with reason and sentence.
    """

    execution: Execution
    replaced: Sequence[Replaced] = ()


async def queue_fires(conn: Conn, wanted: Sequence[Fires], *, ids: IdGenerator, now: datetime) -> Queued:
    """Insert the executions of planned fires by overlap, jitter and `max_executions`, and count what they start.

    The caller holds the tasks' locks: by having advanced or updated them in this transaction. A fire time that has its
    execution already is left out.
    """
    exclusive = [of.task.id for of in wanted if of.fires and of.task.definition.overlap is not Overlap.ALLOW]
    unfinished = await executions.select_unfinished(conn, exclusive) if exclusive else {}
    settled = [(of, _settle(of, unfinished.get(of.task.id))) for of in wanted]
    replaced = await _replace(conn, settled, now)
    if replaced:
        stopping = {it.task_id for it in replaced if it.is_running}
        settled = [(of, _hold(what) if of.task.id in stopping else what) for of, what in settled]
    rows = [
        _row(of, fire, ids=ids, now=now)
        for of, fire in _by_turns([[(of, fire) for fire in what.fires] for of, what in settled])
    ]
    inserted = await executions.insert_executions(conn, rows) if rows else set()
    lost = Counter(row.task_id for row in rows if row.id not in inserted and row.status is Status.QUEUED)
    await tasks.correct_started(conn, _corrections(settled, lost))
    return Queued(rows=[row for row in rows if row.id in inserted], replaced=replaced)


async def overlap_for_manual(conn: Conn, task: Task, execution: Execution, *, force: bool, now: datetime) -> ByHand:
    """Decide about an execution of `task` that somebody asks for; `force` lets it run beside all others.

    The task is locked until the transaction ends, and its overlap is the one it has then, so the decision holds. Raises
    NotFound when the task is gone.
    """
    locked = await tasks.lock_tasks(conn, [task.id])
    present = await tasks.select_task(conn, task.id) if locked else None
    if present is None:
        raise NotFound("task", task.id)
    definition = present.definition
    if force or definition.overlap is Overlap.ALLOW:
        return ByHand(execution=execution)
    unfinished = (await executions.select_unfinished(conn, [task.id])).get(task.id)
    fire = PlannedFire(scheduled_for=execution.scheduled_for, trigger=Trigger.MANUAL, status=Status.QUEUED)
    settled = settle_overlap(
        [fire], overlap=definition.overlap, unfinished=unfinished, queue_max=definition.overlap_queue_max
    )
    replaced: Sequence[Replaced] = ()
    if settled.replaces:
        why = f"Another run, asked for at {rfc3339(now)}, took its place: overlap is replace."
        replaced = await executions.replace_unfinished(conn, [task.id], message=why, now=now)
        if any(it.is_running for it in replaced):
            settled = _hold(settled)
    return ByHand(execution=_decided(execution, settled.fires[0], now), replaced=replaced)


def announce(queued: Queued | ByHand, *, bus: EventBus, doorbells: Doorbells) -> None:
    """Tell of what was queued, once it is durable, and wake whom it concerns."""
    rows = queued.rows if isinstance(queued, Queued) else (queued.execution,)
    for row in rows:
        bus.publish("execution", row.id, "created")
    for it in queued.replaced:
        bus.publish("execution", it.execution_id, "updated")
    for task_id in {row.task_id for row in rows if row.task_id is not None}:
        bus.publish("task", task_id, "updated")
    if any(row.status is Status.QUEUED for row in rows):
        doorbells.claim.ring()
    if any(it.is_running for it in queued.replaced):
        doorbells.cancel.ring()
    if queued.replaced or any(row.available_at == HELD for row in rows):
        doorbells.ends.ring()


def _settle(of: Fires, unfinished: Unfinished | None) -> Settled:
    definition = of.task.definition
    most = definition.max_executions
    return settle_overlap(
        of.fires,
        overlap=definition.overlap,
        unfinished=unfinished,
        queue_max=definition.overlap_queue_max,
        room=None if most is None else most - of.task.fired_count,
    )


async def _replace(conn: Conn, settled: Iterable[tuple[Fires, Settled]], now: datetime) -> list[Replaced]:
    replacing = [of.task.id for of, what in settled if what.replaces]
    if not replacing:
        return []
    why = f"The run for a later fire time took its place at {rfc3339(now)}: overlap is replace."
    return await executions.replace_unfinished(conn, replacing, message=why, now=now)


def _hold(settled: Settled) -> Settled:
    """What was queued anew waits: something that only seemed to be queued has started meanwhile."""
    held = (replace(fire, held=True) if fire.status is Status.QUEUED else fire for fire in settled.fires)
    return replace(settled, fires=tuple(held))


def _by_turns(by_task: Sequence[Sequence[tuple[Fires, PlannedFire]]]) -> list[tuple[Fires, PlannedFire]]:
    """The first of each task, then the second of each: a long backlog of one does not keep the others waiting."""
    if all(len(fires) <= 1 for fires in by_task):
        return [fires[0] for fires in by_task if fires]
    return [it for turn in zip_longest(*by_task) for it in turn if it is not None]


def _corrections(settled: Iterable[tuple[Fires, Settled]], lost: Mapping[str | None, int]) -> list[tasks.Correction]:
    corrections = []
    for of, what in settled:
        started = what.started - lost.get(of.task.id, 0)
        if started != of.started or what.is_used_up:
            is_used_up = what.is_used_up and started == what.started
            corrections.append(tasks.Correction(of.task.id, of.started - started, is_used_up))
    return corrections


def _row(of: Fires, fire: PlannedFire, *, ids: IdGenerator, now: datetime) -> Execution:
    task = of.task
    definition = task.definition
    is_queued = fire.status is Status.QUEUED
    return Execution(
        id=ids.new(now),
        trigger=fire.trigger,
        status=fire.status,
        scheduled_for=fire.scheduled_for,
        queued_at=now,
        available_at=_available_at(fire, now),
        task_id=task.id,
        task_name=definition.name,
        task_revision=task.revision,
        type=definition.type,
        function_name=definition.function_name if definition.type is TaskType.FUNCTION else None,
        payload=_payload(of, fire),
        reason=fire.reason,
        error_message=fire.sentence,
        finished_at=None if is_queued else now,
        missed_count=fire.missed_count,
        missed_until=fire.missed_until,
    )


def _available_at(fire: PlannedFire, now: datetime) -> datetime:
    if fire.held:
        return HELD
    return now if fire.not_before is None else max(fire.not_before, now)


def _payload(of: Fires, fire: PlannedFire) -> Mapping[str, Json] | None:
    """The payload of the rule whose fire time it is, None for the task's own."""
    if fire.status is not Status.QUEUED or of.schedule is None:
        return None
    return rule_of(of.schedule, fire.scheduled_for).payload


def _decided(execution: Execution, fire: PlannedFire, now: datetime) -> Execution:
    if fire.status is Status.QUEUED:
        return replace(execution, available_at=HELD) if fire.held else execution
    return replace(execution, status=fire.status, reason=fire.reason, error_message=fire.sentence, finished_at=now)
