"""The life of executions against a model: whatever people, functions, the clock and crashes do in whatever order."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cronplug.clock import SettableClock
from cronplug.errors import Conflict
from cronplug.executors.base import AttemptSpec, Outcome, Output, Stop
from cronplug.model import ENDED, HELD, Delivery, Execution, Overlap, Reason, Status, Task, Trigger
from cronplug.planning.attempts import MAX_CUT_OFFS
from cronplug.store import Store
from tests.engine.conftest import START, World, build

LIVES = int(os.environ.get("CRONPLUG_LIVES", "15"))
"""How many histories there are; `./dev soak fuzz` asks for more."""

SLOTS = 3
RETRY_SECONDS = 30
MINUTE = timedelta(minutes=1)

Verdict = Literal["success", "failed", "timed_out"]
REASONS = {"success": Reason.COMPLETED, "failed": Reason.ERROR, "timed_out": Reason.TIMEOUT}
ENDS = {"success": Status.SUCCESS, "failed": Status.FAILED, "timed_out": Status.TIMED_OUT}


@dataclass
class Believed:
    """What the model believes of an execution."""

    task: Task
    status: Status
    attempt: int = 0
    cut_offs: int = 0
    cancel: bool = False
    available_at: datetime = START

    def go_back(self, at: datetime) -> None:
        """Wait for another attempt; one that was asked to cancel does not."""
        self.status, self.available_at = (Status.CANCELLED if self.cancel else Status.QUEUED), at

    def cut_off(self, now: datetime) -> None:
        """Its node has died."""
        only_once = self.task.definition.delivery is Delivery.AT_MOST_ONCE
        if not self.cancel and (only_once or self.cut_offs + 1 == MAX_CUT_OFFS):
            self.status = Status.LOST
            return
        self.go_back(now)
        if self.status is Status.QUEUED:
            self.attempt, self.cut_offs = self.attempt - 1, self.cut_offs + 1


class LifeOfExecutions(RuleBasedStateMachine):
    """Acts at random and, after each act, compares every row with what the model believes."""

    def __init__(self, template: Path, folder: Path) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        file = folder / "life.db"
        for left in folder.glob("life.db*"):
            left.unlink()
        shutil.copy(template, file)
        self.store: Store = self.run(Store.open(f"sqlite:///{file}", readers=1))
        self.clock = SettableClock(START)
        self.tasks: dict[str, Task] = {}
        self.deleted: dict[str, datetime] = {}
        self.revisions: dict[tuple[str, int], Task] = {}
        self.off: dict[str, list[tuple[datetime, datetime]]] = {}
        self.paused: list[tuple[datetime, datetime | None]] = []
        self.believed: dict[str, Believed] = {}
        self.ended: dict[str, Execution] = {}
        self.claimed: list[Execution] = []
        self.stale: list[tuple[World, Execution]] = []

    def run(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()

    # -- what people do ------------------------------------------------------------------------------------------------

    @initialize(overlap=st.sampled_from(Overlap), delivery=st.sampled_from(Delivery), max_retries=st.integers(0, 2))
    def begin(self, overlap: Overlap, delivery: Delivery, max_retries: int) -> None:
        self.start()
        self.make(overlap, delivery, max_retries, scheduled=True)
        self.clock.advance(60)
        self.run(self.world.plan())
        self.adopt()

    def start(self) -> None:
        """A node on the store, the former one gone."""
        self.world = build(self.store, self.clock, SLOTS)
        self.run(self.world.engine.start())

    @precondition(lambda self: len(self.tasks) < 4)
    @rule(
        overlap=st.sampled_from(Overlap),
        delivery=st.sampled_from(Delivery),
        max_retries=st.integers(0, 2),
        scheduled=st.booleans(),
    )
    def create(self, overlap: Overlap, delivery: Delivery, max_retries: int, scheduled: bool) -> None:
        self.make(overlap, delivery, max_retries, scheduled=scheduled)

    def make(self, overlap: Overlap, delivery: Delivery, max_retries: int, *, scheduled: bool) -> None:
        """A task that retries after 30 s, perhaps each minute."""
        fields = {"overlap": overlap, "delivery": delivery, "max_retries": max_retries, "overlap_queue_max": 2}
        expression = "* * * * *" if scheduled else None
        task = self.run(self.world.create(cron_expression=expression, retry_delay_seconds=RETRY_SECONDS, **fields))
        self.keep(task)

    def keep(self, task: Task) -> None:
        """The task as it is now; executions go by what it was when they were made."""
        self.tasks[task.id] = self.revisions[task.id, task.revision] = task

    @precondition(lambda self: self.tasks)
    @rule(data=st.data(), delivery=st.sampled_from(Delivery), max_retries=st.integers(0, 2))
    def edit(self, data: st.DataObject, delivery: Delivery, max_retries: int) -> None:
        """What waits or runs already goes on as it was."""
        task = data.draw(st.sampled_from(sorted(self.tasks)))
        changes = {"delivery": delivery, "max_retries": max_retries}
        self.keep(self.run(self.world.operations.change_task(task, changes)).task)
        self.adopt()

    @precondition(lambda self: self.tasks)
    @rule(data=st.data(), seconds=st.sampled_from([0, 70]))
    def switch(self, data: st.DataObject, seconds: int) -> None:
        """On or off; fire times that pass while it is off have no rows."""
        self.clock.advance(seconds)
        task, now = self.tasks[data.draw(st.sampled_from(sorted(self.tasks)))], self.clock.now()
        enabled = not task.definition.enabled
        self.keep(self.run(self.world.operations.toggle_task(task.id, enabled)).task)
        if enabled:
            assert task.disabled_at is not None
            self.off.setdefault(task.id, []).append((task.disabled_at, now))
        self.adopt()

    @rule(seconds=st.sampled_from([0, 70]))
    def pause_or_resume(self, seconds: int) -> None:
        """Everything; fire times meanwhile are skipped, what is asked for runs."""
        self.clock.advance(seconds)
        if self.paused and self.paused[-1][1] is None:
            self.run(self.world.operations.resume_all())
            self.paused[-1] = (self.paused[-1][0], self.clock.now())
        else:
            self.run(self.world.operations.pause_all(reason="a model", until=None))
            self.paused.append((self.clock.now(), None))

    @precondition(lambda self: self.tasks)
    @rule(data=st.data())
    def trigger(self, data: st.DataObject) -> None:
        task = data.draw(st.sampled_from(sorted(self.tasks)))
        self.run(self.world.operations.trigger_task(task))
        self.adopt()

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        old = data.draw(st.sampled_from(sorted(self.ended)))
        try:
            self.run(self.world.operations.retry_execution(old))
        except Conflict:
            assert self.believed[old].task.id not in self.tasks
        self.adopt()

    @precondition(lambda self: self.unended())
    @rule(data=st.data(), told=st.booleans())
    def cancel(self, data: st.DataObject, told: bool) -> None:
        id_ = data.draw(st.sampled_from(self.unended()))
        self.run(self.world.operations.cancel_execution(id_))
        believed = self.believed[id_]
        believed.cancel = True
        if believed.status is Status.QUEUED:
            believed.status = Status.CANCELLED
        if told:
            self.run(self.world.engine.renew_once())

    @precondition(lambda self: self.tasks)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        task = data.draw(st.sampled_from(sorted(self.tasks)))
        there = self.run(self.world.task(task))
        self.deleted[task] = there.disabled_at or (
            there.next_run_at - MINUTE if there.next_run_at else self.clock.now()
        )
        self.run(self.world.operations.delete_task(task, force=True))
        del self.tasks[task]
        for believed in self.believed.values():
            if believed.task.id == task and believed.status in (Status.QUEUED, Status.RUNNING):
                believed.cancel = True
                if believed.status is Status.QUEUED:
                    believed.status = Status.CANCELLED

    @precondition(lambda self: self.deleted)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        """Back again, from the next fire time on; off since it was switched off or deleted, whatever came first."""
        task = data.draw(st.sampled_from(sorted(self.deleted)))
        self.keep(self.run(self.world.operations.restore_task(task)).task)
        self.off.setdefault(task, []).append((self.deleted.pop(task), self.clock.now()))

    # -- what happens by itself ----------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 10, 20, 29]))
    def live(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.run(self.world.engine.renew_once())

    @rule()
    def prepare(self) -> None:
        """Half a second before a full minute, what is due then is read and planned ahead."""
        left = (59.5 - self.clock.now().timestamp() % 60) % 60
        while left > 0:
            self.live(min(left, 29))
            left -= min(left, 29)
        self.run(self.world.steps.planner.prepare_once())

    @rule(seconds=st.sampled_from([0, 25, 60]))
    def plan(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.run(self.world.plan())
        self.adopt()

    @rule()
    def release(self) -> None:
        self.run(self.world.steps.releaser.release_once())
        self.adopt()

    @rule()
    def claim(self) -> None:
        self.claim_free()

    def claim_free(self) -> None:
        """Those that wait longest run next, as many as there are slots."""
        now = self.clock.now()
        waiting = [
            (it.available_at, id_)
            for id_, it in self.believed.items()
            if it.status is Status.QUEUED and it.available_at <= now
        ]
        expected = [id_ for _, id_ in sorted(waiting)][: SLOTS - len(self.claimed)]
        claimed = self.run(self.world.steps.runner.claim_free())
        assert [it.id for it in claimed] == expected
        for execution in claimed:
            believed = self.believed[execution.id]
            believed.status, believed.attempt = Status.RUNNING, believed.attempt + 1
        self.claimed += claimed

    @rule(data=st.data(), verdict=st.sampled_from(["success", "failed", "timed_out"]))
    def end_attempt(self, data: st.DataObject, verdict: Verdict) -> None:
        if not self.claimed:
            self.claim_free()
        if not self.claimed:
            return
        execution = self.claimed.pop(data.draw(st.integers(0, len(self.claimed) - 1)))
        told = self.world.steps.runner.running[execution.id].stop.why is not None
        self.world.functions.body = ending(verdict)
        self.run(self.world.steps.runner.run_attempt(execution))
        believed = self.believed[execution.id]
        if told:
            believed.status = Status.CANCELLED  # it was asked to stop before it began
        elif verdict != "success" and believed.attempt <= believed.task.definition.max_retries:
            believed.go_back(self.clock.now() + timedelta(seconds=RETRY_SECONDS))
        else:
            believed.status = ENDS[verdict]

    @rule(seconds=st.sampled_from([0, 5, 90]))
    def crash_and_restart(self, seconds: int) -> None:
        self.claim_free()  # dying without any work is not what is looked for
        self.stale += [(self.world, execution) for execution in self.claimed]
        self.claimed = []
        self.clock.advance(seconds)
        self.start()
        for believed in self.believed.values():
            if believed.status is Status.RUNNING:
                believed.cut_off(self.clock.now())

    @precondition(lambda self: self.stale)
    @rule()
    def end_too_late(self) -> None:
        """What a dead node's attempt tells changes nothing."""
        world, execution = self.stale.pop(0)
        world.functions.body = ending("success")
        self.run(world.steps.runner.run_attempt(execution))

    # -- what must hold ------------------------------------------------------------------------------------------------

    def unended(self) -> list[str]:
        return sorted(id_ for id_, it in self.believed.items() if it.status in (Status.QUEUED, Status.RUNNING))

    def adopt(self) -> None:
        """Take over what planning, overlap and turns have decided; whether they might is for the invariants."""
        for execution in self.run(self.world.executions()):
            known = self.believed.get(execution.id)
            if known is None:
                assert execution.task_id is not None
                assert execution.task_revision is not None
                task = self.revisions[execution.task_id, execution.task_revision]
                known = self.believed[execution.id] = Believed(task, execution.status)
            elif known.status is not execution.status:
                assert (known.status, execution.status) == (Status.QUEUED, Status.CANCELLED)
                assert execution.reason is Reason.REPLACED
            elif execution.cancel_requested and not known.cancel:
                assert known.task.definition.overlap is Overlap.REPLACE
            known.status, known.cancel = execution.status, execution.cancel_requested
            known.available_at = execution.available_at

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def every_row_is_as_the_model_has_it(self) -> None:
        rows = self.run(self.world.executions())
        assert {it.id for it in rows} == set(self.believed)
        for row in rows:
            believed = self.believed[row.id]
            assert (row.status, row.attempt, row.cut_offs) == (believed.status, believed.attempt, believed.cut_offs), (
                row
            )
            assert (row.lease_owner is not None) == (row.status is Status.RUNNING)
            assert (row.finished_at is not None) == (row.status in ENDED)
            assert row.reason is not None or row.status not in ENDED
            if row.status is Status.QUEUED:
                assert row.available_at == believed.available_at
            if row.status in ENDED:
                assert self.ended.setdefault(row.id, row) == row, "what has ended does not change"

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def nothing_overlaps_that_may_not_and_every_fire_time_has_one_row(self) -> None:
        rows = self.run(self.world.executions())
        by_task: dict[str, list[Execution]] = {}
        for row in rows:
            by_task.setdefault(row.task_id or "", []).append(row)
        for id_, of_task in by_task.items():
            overlap = self.believed[of_task[0].id].task.definition.overlap
            if overlap is not Overlap.ALLOW:
                active = [it for it in of_task if it.status is Status.RUNNING]
                startable = [it for it in of_task if it.status is Status.QUEUED and it.available_at != HELD]
                assert len(active) + len(startable) <= 1, (overlap, active, startable)
            fired = [it.scheduled_for for it in of_task if it.trigger in (Trigger.SCHEDULE, Trigger.CATCH_UP)]
            assert len(fired) == len(set(fired)), id_
            for earlier, later in itertools.pairwise(fired):
                for number in range(1, (later - earlier) // MINUTE):
                    assert self.was_off(id_, earlier + number * MINUTE), (id_, earlier, number)

    def was_off(self, task_id: str, at: datetime) -> bool:
        """Whether the task was disabled or deleted then."""
        return any(since < at <= until for since, until in self.off.get(task_id, ()))

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def only_what_is_due_in_a_pause_is_skipped_for_it(self) -> None:
        for row in self.run(self.world.executions()):
            if row.reason is Reason.PAUSED:
                assert any(
                    since <= row.scheduled_for and (until is None or row.scheduled_for <= until)
                    for since, until in self.paused
                ), row


def ending(verdict: Verdict) -> Any:
    """A function that ends so."""

    async def body(spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        return Outcome(verdict=verdict, reason=REASONS[verdict], error_message=None if verdict == "success" else "no")

    return body


def test_every_history_is_the_models(migrated_sqlite: Path, tmp_path: Path) -> None:
    run_state_machine_as_test(
        lambda: LifeOfExecutions(migrated_sqlite, tmp_path),  # type: ignore[arg-type]  # any factory will do
        settings=settings(
            max_examples=LIVES,
            stateful_step_count=40,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # finding the shortest history may take minutes; the one that is told has 40 acts
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
