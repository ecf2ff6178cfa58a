"""What overlap does to a run whose time has come while an earlier execution of its task is not ended.

`docs/policies.md` has the table. The decision is made where the transaction sees what is unfinished
(`cronplug.operations.queueing`), for scheduled runs and for those that somebody asks for alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cronplug.clock import rfc3339
from cronplug.model import Overlap, Reason, Status, Trigger, Unfinished
from cronplug.planning.bars import Bar
from cronplug.planning.fire_times import PlannedFire


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What becomes of a task's fires. `fires` are those to insert, in order, each as it was decided.

    `started` is how many executions its schedules have started with them. `is_used_up`: with the last of them that is
    as many as they may, so no further fire time comes. `replaces`: everything of the task that was unfinished before is
    to be cancelled.
    """

    fires: tuple[PlannedFire, ...]
    started: int = 0
    is_used_up: bool = False
    replaces: bool = False


def settle_overlap(
    fires: Sequence[PlannedFire],
    *,
    overlap: Overlap,
    unfinished: Unfinished | None,
    queue_max: int = 10,
    room: int | None = None,
) -> Settled:
    """Decide about the queued ones of `fires` in order; each one that is queued is unfinished for those after it.

    `skip` skips while anything is unfinished; `queue` holds up to `queue_max` back until their turn and skips the rest;
    `replace` cancels what is unfinished, and holds the new one back until that has ended. What is caught up is meant
    to run: it is never skipped, and but for `allow` the runs are held behind each other. `room` is how many executions
    the schedules may still start (None: any number).
    """
    if room is None and (overlap is Overlap.ALLOW or (unfinished is None and len(fires) == 1)):  # the most frequent
        return Settled(fires=tuple(fires), started=sum([fire.status is Status.QUEUED for fire in fires]))
    if room is not None and room <= 0:
        return Settled(fires=(), is_used_up=True)
    state = _State(overlap=overlap, unfinished=unfinished, queue_max=queue_max)
    state.waiting = unfinished.held if unfinished is not None else 0
    started = 0
    for fire in fires:
        decided = state.decide(fire)
        state.settled.append(decided)
        if decided.status is Status.QUEUED:
            started += 1
            state.first = state.first or decided
            state.waiting += decided.held
            if started == room:
                return state.end(started, is_used_up=True)
    return state.end(started, is_used_up=False)


@dataclass(slots=True)
class _State:
    """How things stand after the fires so far.

    `unfinished` is from before them, `first` the first one queued of them; `waiting` counts those held of both.
    """

    overlap: Overlap
    unfinished: Unfinished | None
    queue_max: int
    settled: list[PlannedFire] = field(default_factory=list)
    first: PlannedFire | None = None
    waiting: int = 0
    replaces: bool = False

    def decide(self, fire: PlannedFire) -> PlannedFire:
        free = self.unfinished is None and self.first is None
        if fire.status is not Status.QUEUED or self.overlap is Overlap.ALLOW or free:
            return fire
        if fire.trigger is Trigger.CATCH_UP:
            return replace(fire, held=True)
        if self.overlap is Overlap.SKIP:
            return fire.skipped(Bar(Reason.OVERLAP, f"{self._still()}, and overlap is skip."))
        if self.overlap is Overlap.REPLACE:
            return self._replace(fire)
        if self.waiting < self.queue_max:
            return replace(fire, held=True)
        why = f"{self._still()}, and {self.waiting} wait behind it, which is the most that may."
        return fire.skipped(Bar(Reason.QUEUE_FULL, why))

    def end(self, started: int, *, is_used_up: bool) -> Settled:
        return Settled(fires=tuple(self.settled), started=started, is_used_up=is_used_up, replaces=self.replaces)

    def _replace(self, fire: PlannedFire) -> PlannedFire:
        why = f"The run for {rfc3339(fire.scheduled_for)} took its place before it started: overlap is replace."
        self.settled = [
            replace(earlier, status=Status.CANCELLED, reason=Reason.REPLACED, sentence=why, held=False)
            if earlier.status is Status.QUEUED
            else earlier
            for earlier in self.settled
        ]
        self.first, self.waiting = None, 0
        self.replaces = self.unfinished is not None
        # What was only queued is cancelled at once; what runs has to end first.
        return replace(fire, held=self.unfinished is not None and self.unfinished.is_running)

    def _still(self) -> str:
        if self.unfinished is not None:
            doing = "running" if self.unfinished.is_running else "waiting"
            return f"Still {doing} since {rfc3339(self.unfinished.since)} (execution {self.unfinished.execution_id})"
        assert self.first is not None
        return f"The execution for {rfc3339(self.first.scheduled_for)} has not started yet"
