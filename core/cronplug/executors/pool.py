"""Warm worker processes for plugin functions.

Async functions share workers, sync ones have one to themselves. A worker is replaced after many calls, when the
registry has a new generation, and after anything that may have left it unsound.

When a shared worker dies by itself, nobody can tell which of its runs did it: all are cut off, which uses up no
attempt, and the next attempt of each gets a worker alone, where the culprit shows itself. A function that was found to
kill, block or not leave a worker has one to itself from then on, until its plugin's code changes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cronplug.clock import to_millis
from cronplug.executors.addresses import AddressPolicy
from cronplug.executors.base import AttemptSpec, Outcome, Output, Stop, StopReason
from cronplug.executors.child import Frame, Run, WorkerLost, WorkerProcess
from cronplug.executors.warden import Warden
from cronplug.executors.watch import SILENT_SECONDS, Watch, WorkerLimits
from cronplug.model import Reason
from cronplug.sdk.isolation import ADDRESS_POLICY

_log = logging.getLogger(__name__)

_PACKED_RUNS = 8
"""Async runs that gather in one worker before another one is used or started."""
_SUSPECTS = 1_000
_AHEAD_SECONDS = 15.0
"""The longest that a rescan waits for workers of the new generation: one that comes later replaces old ones late."""
_TELL_WAIT_SECONDS = 2.0
_SHUTDOWN_GRACE_SECONDS = 3.0
"""A stopping server has promised to be gone 5 s after its drain; the rest is for writing down what was cut off."""


class Generation(Protocol):
    """What the pool needs of the registry: a number that rises when plugin code has changed."""

    @property
    def generation(self) -> int:
        """The present one."""
        ...


@dataclass(slots=True, eq=False)
class _Waiting:
    """Someone who needs a worker, alone or shared."""

    exclusive: bool
    worker: asyncio.Future[WorkerProcess] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def give_up(self) -> None:
        """The attempt is to end before it began."""
        self.worker.cancel()


class WorkerPool:
    """The executor of plugin functions, in at most `max_workers` processes at a time.

    Processes of an old generation that still finish their runs come on top. `limits` say when a process is replaced.
    `policy` is what `ctx.http` may reach. `environ` are variables that every worker gets on top.
    """

    def __init__(
        self,
        registry: Generation,
        *,
        max_workers: int,
        python: str = sys.executable,
        limits: WorkerLimits | None = None,
        policy: AddressPolicy | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._registry = registry
        self._max_workers = max_workers
        self._python = python
        self._limits = limits or WorkerLimits()
        self._watch = Watch(self._limits, on_blocked=self._end_blocked, on_worn=self._replace_worn)
        self._hurry = asyncio.Event()
        self._environ = {**(environ or {}), ADDRESS_POLICY: (policy or AddressPolicy()).to_text()}
        self._workers: set[WorkerProcess] = set()
        self._leaving: set[WorkerProcess] = set()
        self._starting = 0
        self._started = 0
        self._waiting_alone: OrderedDict[_Waiting, None] = OrderedDict()
        self._waiting_shared: OrderedDict[_Waiting, None] = OrderedDict()
        self._suspects: OrderedDict[str, None] = OrderedDict()
        self._unruly: dict[str, int] = {}
        self.warden = Warden()
        """Ends what outlives its worker or this process; from `start` to the end of `close`."""
        self._closing = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._life: asyncio.Task[None] | None = None

    def stats(self) -> dict[str, int]:
        """How many processes there are, and how many of them run something now."""
        workers = [*self._workers, *self._leaving]
        return {"workers": len(workers), "busy": sum(bool(worker.runs) for worker in workers)}

    async def start(self) -> None:
        """Begin to warm up the first worker, and return."""
        await self.warden.start(python=self._python)
        self._group = asyncio.TaskGroup()
        opened = asyncio.Event()
        self._life = asyncio.create_task(self._live(self._group, opened), name="worker pool")
        await opened.wait()

    async def close(self) -> None:
        """End every process: idle ones gently, the others at once. May be called twice."""
        self._closing.set()
        self._hurry.set()
        if self._life is not None:
            life, self._life = self._life, None
            await life

    async def run(self, spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        """Run one attempt in a worker and return when its code has ended.

        The time limit counts from the call, not from the wait for a free worker. At the limit, or on `stop`, the
        function is asked to end; after `spec.grace_seconds` its process group is killed.
        """
        exclusive = self._needs_own_worker(spec)
        try:
            worker = await self._lend(exclusive, stop, output)
        except WorkerLost as loss:
            return Outcome(verdict="failed", reason=Reason.WORKER_DIED, error_message=f"The worker process {loss}.")
        if worker is None:
            return _ended_on_request(stop.why or "shutdown", None, worker=None)
        run = worker.begin(_call(spec), output)
        run.function, run.is_async = spec.function_name or "", spec.is_async
        if spec.memory_mb is not None:
            worker.memory_limit_bytes = spec.memory_mb * 1024 * 1024
            self._hurry.set()
        self._suspects.pop(spec.execution_id, None)
        try:
            frame = await self._supervise(worker, run, spec, stop)
        except WorkerLost as loss:
            return self._judge_loss(loss, run, spec, worker, exclusive=exclusive)
        finally:
            self._take_back(worker, run, exclusive=exclusive)
        if frame["left_children"]:
            output.line("log", "the function left processes behind; they were ended", level="warning")
        if frame["stopped"] and run.asked is not None:
            return _judge_stopped(run, spec, worker)
        return _judge(frame, worker)

    def _needs_own_worker(self, spec: AttemptSpec) -> bool:
        """Sync functions, those whose memory is watched, and those that might take others with them or must not be taken."""
        return (
            not spec.is_async
            or spec.alone
            or spec.memory_mb is not None
            or spec.execution_id in self._suspects
            or self._unruly.get(spec.function_name or "") == self._registry.generation
        )

    # -- one run ---------------------------------------------------------------------------------------------------------

    async def _supervise(self, worker: WorkerProcess, run: Run, spec: AttemptSpec, stop: Stop) -> Frame:
        """Wait for the verdict, ending the run at its limit and on request."""
        loop = asyncio.get_running_loop()
        timers: list[asyncio.TimerHandle] = []

        def ask(why: str) -> None:
            if run.asked is None and not run.ended:
                run.asked = why
                worker.ask_to_end(run, by_signal=not spec.is_async)
                grace = min(spec.grace_seconds, _SHUTDOWN_GRACE_SECONDS) if why == "shutdown" else spec.grace_seconds
                if not worker.exclusive:
                    timers.extend(loop.call_later(grace * part, worker.ask_where) for part in (0.0, 0.3, 0.6))
                timers.append(loop.call_later(grace, self._force_end, worker, run))

        timers.append(loop.call_later(spec.timeout_seconds, ask, "timeout"))
        forget = stop.listen(ask)
        cancelled: asyncio.CancelledError | None = None
        try:
            while True:
                try:
                    frame = await run.wait()
                except asyncio.CancelledError as error:
                    cancelled = error  # raised again below: first the code has to end
                    ask("shutdown")
                    continue
                if cancelled is not None:
                    raise cancelled
                return frame
        finally:
            forget()
            for timer in timers:
                timer.cancel()

    def _force_end(self, worker: WorkerProcess, run: Run) -> None:
        """The grace is over. Who is to blame: the run itself, or a neighbour that has kept it from hearing anything?"""
        culprit: Run | None = run
        if not run.heard and not worker.exclusive and len(worker.runs) > 1:
            culprit = worker.blocking_run()
        if culprit is None:
            worker.kill(complaint="did not answer any more and was killed")
            return
        if culprit is not run:
            culprit.fault = culprit.fault or Reason.CUT_OFF
        self._mark_unruly(culprit)
        worker.kill(culprit)

    def _end_blocked(self, worker: WorkerProcess, run: Run) -> None:
        """A run has blocked the loop of a shared worker for too long."""
        self._mark_unruly(run)
        if len(worker.runs) > 1:
            run.fault = run.fault or Reason.CUT_OFF
            worker.kill(run)

    def _mark_unruly(self, run: Run) -> None:
        if run.is_async and self._unruly.get(run.function) != self._registry.generation:
            self._unruly[run.function] = self._registry.generation
            _log.warning("function %s blocks or ends its workers: it gets one to itself from now on", run.function)

    def _judge_loss(
        self, loss: WorkerLost, run: Run, spec: AttemptSpec, worker: WorkerProcess, *, exclusive: bool
    ) -> Outcome:
        shared = loss.for_a_neighbour or loss.had_neighbours
        if run.fault is Reason.OUT_OF_MEMORY:
            return Outcome(
                verdict="failed",
                reason=Reason.OUT_OF_MEMORY,
                error_message=f"The function used more than its {spec.memory_mb} MB of memory and was killed.",
                worker=worker.name,
            )
        if run.fault is Reason.CUT_OFF:
            return _cut_off(
                "It blocked the event loop of a worker that it shared; it runs again in one of its own.", worker
            )
        if run.asked is not None and (run.asked != "timeout" or run.heard or not shared):
            return _judge_stopped(run, spec, worker)
        if loss.for_a_neighbour:
            return _cut_off("Its worker process had to be ended because of another execution in it.", worker)
        if loss.had_neighbours:
            self._suspect(spec.execution_id)
            return _cut_off(f"The worker process it shared with other executions {loss}.", worker)
        if exclusive:
            self._mark_unruly(run)
        return Outcome(
            verdict="failed",
            reason=Reason.WORKER_DIED,
            error_message=f"The worker process {loss} while it ran the function.",
            worker=worker.name,
        )

    def _suspect(self, execution_id: str) -> None:
        self._suspects[execution_id] = None
        if len(self._suspects) > _SUSPECTS:
            self._suspects.popitem(last=False)

    def _take_back(self, worker: WorkerProcess, run: Run, *, exclusive: bool) -> None:
        if exclusive:
            worker.exclusive = False
            worker.memory_limit_bytes = None
            frame = run.verdict
            if run.asked is not None or frame is None or frame["left_children"] or frame["spoilt"]:
                self._let_go(worker)
                worker.kill()
        if worker in self._leaving:
            self._let_go(worker)
        elif not worker.runs:
            worker.idle_since = asyncio.get_running_loop().time()
            self._check_idle_later(worker, self._limits.idle_seconds)
        self._serve()

    # -- lending ---------------------------------------------------------------------------------------------------------

    async def _lend(self, exclusive: bool, stop: Stop, output: Output) -> WorkerProcess | None:
        """A worker, now taken; None when `stop` or the pool's end came first. Raises WorkerLost when none can be started."""
        if stop.why is not None or self._closing.is_set():
            return None
        queue = self._waiting_alone if exclusive else self._waiting_shared
        worker = None if queue else self._find(exclusive)
        if worker is not None:
            worker.exclusive = exclusive
            return worker
        waiting = _Waiting(exclusive)
        queue[waiting] = None
        self._serve()
        forget = stop.listen(lambda _: waiting.give_up())
        tell = asyncio.get_running_loop().call_later(_TELL_WAIT_SECONDS, self._tell_wait, output)
        try:
            return await waiting.worker
        except asyncio.CancelledError:
            self._give_back_unused(waiting)
            if _cancelling():
                raise
            return None  # not this task was cancelled but the wait, by `stop` or `close`
        finally:
            tell.cancel()
            forget()
            queue.pop(waiting, None)

    def _tell_wait(self, output: Output) -> None:
        """Say in the execution's own log why nothing happens."""
        if len(self._workers) < self._max_workers:
            output.line("log", "waits for a worker process to start", level="info")
        else:
            message = f"waits for a worker process: all {self._max_workers} (SCHEDULER_WORKERS) are taken"
            output.line("log", message, level="info")

    def _give_back_unused(self, waiting: _Waiting) -> None:
        """The wait was cancelled in the moment it was granted."""
        if waiting.worker.done() and not waiting.worker.cancelled() and waiting.worker.exception() is None:
            waiting.worker.result().exclusive = False
            self._serve()

    def _find(self, exclusive: bool) -> WorkerProcess | None:
        """The best free worker: packed ones first for async runs, so that whole ones stay free for sync ones."""
        best: WorkerProcess | None = None
        for worker in tuple(self._workers):
            if not self._is_usable(worker):
                continue
            if exclusive:
                if not worker.runs and (best is None or worker.calls > best.calls):
                    best = worker
            elif self._is_open(worker) and (best is None or _is_better(worker, best)):
                best = worker
        if best is not None and len(best.runs) >= _PACKED_RUNS:
            self._grow()
        return best

    def _is_open(self, worker: WorkerProcess) -> bool:
        """Whether one more async run may share it: not kept for a sync run, and its loop answers."""
        if worker.reserved and self._waiting_alone:
            return False
        silent = worker.silent_since
        return silent is None or asyncio.get_running_loop().time() - silent < SILENT_SECONDS

    def _is_usable(self, worker: WorkerProcess) -> bool:
        if worker.generation != self._registry.generation or worker.calls >= self._limits.calls or not worker.alive:
            self._let_go(worker)
            return False
        return not worker.exclusive

    def _serve(self) -> None:
        """Give workers to those who wait, in their order; start more when there is room."""
        for queue in (self._waiting_alone, self._waiting_shared):
            while queue:
                waiting = next(iter(queue))
                if not waiting.worker.done():
                    worker = self._find(waiting.exclusive)
                    if worker is None:
                        break
                    worker.exclusive, worker.reserved = waiting.exclusive, False
                    waiting.worker.set_result(worker)
                del queue[waiting]
        if self._waiting_alone:
            self._reserve_one()
        while len(self._waiting_alone) + len(self._waiting_shared) > self._starting and self._grow():
            pass

    def _reserve_one(self) -> None:
        """When every worker is shared, keep new async runs off one of them, so that a sync run gets its turn."""
        full = len(self._workers) + self._starting >= self._max_workers
        if full and self._workers and not any(w.exclusive or w.reserved for w in self._workers):
            min(self._workers, key=lambda worker: len(worker.runs)).reserved = True

    # -- processes -------------------------------------------------------------------------------------------------------

    async def _live(self, group: asyncio.TaskGroup, opened: asyncio.Event) -> None:
        async with group:
            opened.set()
            if not self._workers and not self._starting:
                self._grow()
            await self._keep_watch()
            for waiting in [*self._waiting_alone, *self._waiting_shared]:
                waiting.give_up()
            for worker in [*self._workers, *self._leaving]:
                self._let_go(worker)
                if worker.runs:
                    worker.kill()
                    await worker.ended.wait()
        await self.warden.close()

    async def _keep_watch(self) -> None:
        """Look after the workers until `close`."""
        while not self._closing.is_set():
            seconds = self._watch.look([*self._workers, *self._leaving])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._hurry.wait()
            self._hurry.clear()

    def _replace_worn(self, worker: WorkerProcess) -> None:
        """A worker is old or holds much memory: it finishes what it has; one that is warm takes its place."""
        if worker in self._workers:
            self._let_go(worker)
            if not self._workers and not self._starting:
                self._grow()

    def _grow(self) -> bool:
        """Start one more worker, if there is room."""
        if self._closing.is_set() or len(self._workers) + self._starting >= self._max_workers:
            return False
        assert self._group is not None
        self._starting += 1
        self._started += 1
        self._group.create_task(self._start_worker(self._started), name=f"start worker {self._started}")
        return True

    async def _start_worker(self, number: int) -> None:
        try:
            worker = await WorkerProcess.start(
                number,
                python=self._python,
                generation=self._registry.generation,
                warden=self.warden,
                environ=self._environ,
            )
        except WorkerLost as loss:
            _log.error("a worker process %s", loss)
            self._starting -= 1
            self._refuse_waiting(loss)
            return
        self._starting -= 1
        self._admit(worker)
        if self._closing.is_set():
            self._let_go(worker)
        else:
            self._serve()

    @contextlib.asynccontextmanager
    async def change_of_generation(self, generation: int) -> AsyncIterator[None]:
        """Around the change of the registry to `generation`: workers of it are ready before those of the old one go.

        As many as have runs now, at least one. What begins meanwhile runs the old code.
        """
        ahead: list[WorkerProcess] = []
        if not self._closing.is_set():
            busy = sum(bool(worker.runs) for worker in self._workers)
            async with asyncio.TaskGroup() as group:
                for _ in range(max(1, busy)):
                    self._started += 1
                    starting = self._start_ahead(self._started, generation, ahead)
                    group.create_task(starting, name=f"start worker {self._started}")
        try:
            yield
        finally:
            for worker in ahead:
                if self._closing.is_set():
                    worker.kill()
                else:
                    self._admit(worker)
            for worker in tuple(self._workers):
                self._is_usable(worker)
            self._serve()

    async def _start_ahead(self, number: int, generation: int, started: list[WorkerProcess]) -> None:
        try:
            async with asyncio.timeout(_AHEAD_SECONDS):
                worker = await WorkerProcess.start(
                    number, python=self._python, generation=generation, warden=self.warden, environ=self._environ
                )
        except (WorkerLost, TimeoutError) as loss:
            _log.warning(
                "no worker process for the new plugins was ready before they came: %s", str(loss) or "it was slow"
            )
        else:
            started.append(worker)

    def _admit(self, worker: WorkerProcess) -> None:
        self._workers.add(worker)
        worker.on_change = lambda: self._on_change(worker)
        worker.on_request = lambda run, frame: self._keep_result(worker, run, frame)

    def _keep_result(self, worker: WorkerProcess, run: Run, frame: Frame) -> None:
        """A function asks to have a result kept, and goes on when it is told that it is."""

        async def keep() -> None:
            worker.answer(frame["number"], await run.output.remember(frame["key"], frame["value"]))

        assert self._group is not None
        keeping = self._group.create_task(keep(), name=f"keep a result of {run.function}")
        run.when_ended(keeping.cancel)

    def _refuse_waiting(self, loss: WorkerLost) -> None:
        """A start failed: tell those who wait, rather than trying for ever."""
        for waiting in [*self._waiting_alone, *self._waiting_shared]:
            if not waiting.worker.done():
                waiting.worker.set_exception(loss)

    def _on_change(self, worker: WorkerProcess) -> None:
        if worker.ended.is_set():
            self._workers.discard(worker)
            self._leaving.discard(worker)
        elif worker in self._leaving and not worker.runs and not worker.retiring:
            self._retire(worker)
        self._serve()

    def _check_idle_later(self, worker: WorkerProcess, seconds: float) -> None:
        if worker.idle_check is None:
            worker.idle_check = asyncio.get_running_loop().call_later(seconds, self._let_idle_go, worker)

    def _let_idle_go(self, worker: WorkerProcess) -> None:
        """Keep one idle worker warm; the others go when they were not used for a while."""
        worker.idle_check = None
        if worker.runs or worker.exclusive or worker not in self._workers:
            return
        left = worker.idle_since + self._limits.idle_seconds - asyncio.get_running_loop().time()
        if left > 0:
            self._check_idle_later(worker, left)
        elif len(self._workers) > 1:
            self._let_go(worker)

    def _let_go(self, worker: WorkerProcess) -> None:
        """Give no more calls to a worker, and end it when its last run has."""
        if worker in self._workers:
            self._workers.discard(worker)
            self._leaving.add(worker)
        if not worker.runs and not worker.exclusive and not worker.retiring:
            self._retire(worker)

    def _retire(self, worker: WorkerProcess) -> None:
        worker.retiring = True
        assert self._group is not None
        self._group.create_task(worker.retire(), name=f"retire {worker.name}")


def _is_better(worker: WorkerProcess, other: WorkerProcess) -> bool:
    """For one more async run: the fullest of those with room, else the emptiest."""
    runs, others = len(worker.runs), len(other.runs)
    if runs >= _PACKED_RUNS or others >= _PACKED_RUNS:
        return runs < others
    return (runs, worker.calls) > (others, other.calls)


def _cancelling() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _call(spec: AttemptSpec) -> Frame:
    assert spec.function_name is not None
    assert spec.entry_point is not None
    call: Frame = {
        "kind": "call",
        "function": spec.function_name,
        "entry_point": list(spec.entry_point),
        "is_async": spec.is_async,
        "payload": dict(spec.payload),
        "execution_id": spec.execution_id,
        "attempt": spec.attempt,
        "task_id": spec.task_id,
        "task_name": spec.task_name,
        "scheduled_for": to_millis(spec.scheduled_for),
        "timeout_seconds": spec.timeout_seconds,
        "idempotency_key": spec.idempotency_key,
    }
    if spec.kept.once or spec.kept.artifacts:
        call |= {"once": dict(spec.kept.once), "artifacts": dict(spec.kept.artifacts)}
    return call


def _cut_off(message: str, worker: WorkerProcess) -> Outcome:
    return Outcome(verdict="cut_off", reason=Reason.CUT_OFF, error_message=message, worker=worker.name)


def _judge(frame: Frame, worker: WorkerProcess) -> Outcome:
    return Outcome(
        verdict="success" if frame["success"] else "failed",
        reason=Reason(frame["reason"]),
        error_message=frame["error_message"],
        result=frame["result"],
        result_summary=frame["result_summary"],
        permanent=frame["permanent"],
        retry_after_seconds=frame["retry_after_seconds"],
        error_kinds=tuple(frame["error_kinds"]),
        worker=worker.name,
    )


def _judge_stopped(run: Run, spec: AttemptSpec, worker: WorkerProcess) -> Outcome:
    """The verdict on a run that ended because it was asked or forced to."""
    if run.asked != "timeout":
        return _ended_on_request("cancelled" if run.asked == "cancelled" else "shutdown", run, worker=worker)
    return Outcome(
        verdict="timed_out",
        reason=Reason.TIMEOUT,
        error_message=f"The function did not end within its time limit of {spec.timeout_seconds:g} s.",
        worker=worker.name,
    )


def _ended_on_request(why: StopReason, run: Run | None, *, worker: WorkerProcess | None) -> Outcome:
    name = None if worker is None else worker.name
    if why == "cancelled":
        message = "Cancelled before it started." if run is None else "Cancelled while it ran."
        return Outcome(verdict="cancelled", reason=Reason.CANCELLED_BY_REQUEST, error_message=message, worker=name)
    message = "The server stopped before it started." if run is None else "The server stopped while it ran."
    return Outcome(verdict="cut_off", reason=Reason.SHUTDOWN, error_message=message, worker=name)
