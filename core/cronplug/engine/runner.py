"""The runner steps: claim what is queued, run one attempt of it, record how it ended.

A claim is one conditional update and is durable before anything starts. An attempt ends in one conditional update
too, checked against (execution, attempt, lease owner, running): whoever lost its lease changes nothing.

This is the way that every run goes, so it makes little: what most runs do not need (output, earlier attempts, hooks) is
made when it is needed, and what can be shared is shared, above all commits. While one transaction is under way, all
attempts that end meanwhile gather for the next; and as soon as their ends are handed to the store, as many others are
claimed, behind them in the same transaction (docs/architecture.md, "The way of a run").
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cronplug.clock import Clock, rfc3339
from cronplug.engine.definitions import Definitions
from cronplug.engine.nodes import Node
from cronplug.engine.output import ExecutionOutput, OutputBook
from cronplug.engine.recorder import Recorder
from cronplug.errors import StoreError
from cronplug.events import Doorbells, EventBus
from cronplug.executors.base import AttemptSpec, Executor, HttpCall, Outcome, Stop
from cronplug.executors.observers import Observers
from cronplug.metrics import Metrics
from cronplug.model import (
    Delivery,
    Execution,
    FunctionInfo,
    Json,
    Reason,
    Status,
    TaskDefinition,
    TaskType,
    Trigger,
)
from cronplug.operations.rescans import Rescans
from cronplug.planning import NO_RETRIES, AfterAttempt, AttemptFacts, RetryPolicy, plan_after_attempt
from cronplug.registry import Registry
from cronplug.sdk.keeping import Kept
from cronplug.store import Conn, Store, artifacts, executions, tasks

log = logging.getLogger(__name__)

_DEFAULT_TIMEOUT_SECONDS = 300
_STORE_RETRY_SECONDS = 0.5
_NOTHING_KEPT = Kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class Executors:
    """Where attempts run, by kind."""

    workers: Executor
    inline: Executor
    http: Executor


@dataclass(slots=True)
class Running:
    """An attempt of this node. `fenced`: its lease was lost, so its end must not be recorded by us.

    `task` is the one it runs in, when it runs in one of the engine's.
    """

    execution: Execution
    stop: Stop = field(default_factory=Stop)
    fenced: bool = False
    task: asyncio.Task[None] | None = None


class Runner:
    """Runs claimed executions: the code of at most `slots` attempts at once."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        node: Node,
        registry: Registry,
        executors: Executors,
        observers: Observers,
        outputs: OutputBook,
        bus: EventBus,
        doorbells: Doorbells,
        metrics: Metrics,
        slots: int,
        rescans: Rescans | None = None,
        definitions: Definitions | None = None,
    ) -> None:
        """`rescans` get to know functions that another node found: what it queued may have been claimed here.

        `definitions` may be the planner's, which has just read what is to run.
        """
        self._rescans = rescans
        self._store = store
        self._clock = clock
        self._node = node
        self._registry = registry
        self._executors = executors
        self._observers = observers
        self._outputs = outputs
        self._bus = bus
        self._doorbells = doorbells
        self._metrics = metrics
        self._slots = slots
        self._recorder = Recorder(store, on_write=doorbells.claim.ring)
        self._definitions = definitions or Definitions()
        self.running: dict[str, Running] = {}
        """The attempts of this node by execution id."""
        self.claiming = False
        metrics.slots.set(slots)
        metrics.active.set_function(lambda: len(self.running))

    @property
    def _free_slots(self) -> int:
        """How many more may start: ends that the store is writing have freed theirs, as it takes a claim after them."""
        return self._slots - len(self.running) + self._recorder.being_written

    async def claim_free(self) -> list[Execution]:
        """Claim as many queued executions as there are free slots, oldest first; each must then be run."""
        free = self._free_slots
        if free <= 0:
            return []
        self.claiming = True
        try:
            now = self._clock.now()
            claimed = await self._store.write(
                lambda conn: executions.claim_executions(
                    conn,
                    node_id=self._node.id,
                    now=now,
                    lease_until=self._node.lease_until(),
                    limit=free,
                    # Lost to another node, which has put it back: here its former attempt has to end first.
                    except_ids=tuple(self.running),
                )
            )
            for execution in claimed:
                self.running[execution.id] = Running(execution)
        finally:
            self.claiming = False
        self._metrics.attempts_started.inc(len(claimed))
        for execution in claimed:
            self._bus.publish("execution", execution.id, "updated")
            if execution.attempt == 1 and execution.trigger is Trigger.SCHEDULE:
                self._metrics.start_delay.observe(max((now - execution.scheduled_for).total_seconds(), 0.0))
        return claimed

    async def seconds_to_next(self, *, at_most: float) -> float:
        """How long until a queued execution may start, given a free slot; `at_most` when none waits."""
        if self._free_slots <= 0:
            return at_most
        available_at = await self._store.read(executions.select_next_available_at)
        if available_at is None:
            return at_most
        return min(max((available_at - self._clock.now()).total_seconds(), 0.0), at_most)

    async def look_once(self) -> None:
        """Tell the metrics how many executions wait."""
        waiting = executions.ExecutionFilter(statuses=frozenset({Status.QUEUED}))
        self._metrics.queued.set(await self._store.read(lambda conn: executions.count_executions(conn, waiting)))

    async def run_attempt(self, execution: Execution) -> None:
        """Run a claimed execution's attempt to its end and record it; a free slot is announced."""
        running = self.running.get(execution.id)
        if running is None:
            running = self.running[execution.id] = Running(execution)
        output = self._outputs.open(execution)
        try:
            definition, outcome = await self._run_guarded(execution, output, running.stop)
            await asyncio.sleep(0)  # first all start that were claimed together
            await self._finish(running, definition, outcome, output)
        finally:
            self.running.pop(execution.id, None)
            self._doorbells.claim.ring()

    # -- the attempt ---------------------------------------------------------------------------------------------------

    async def _run_guarded(
        self, execution: Execution, output: ExecutionOutput, stop: Stop
    ) -> tuple[TaskDefinition | None, Outcome]:
        """The task's definition and how the attempt ended: what nobody foresaw fails this attempt and no other."""
        definition: TaskDefinition | None = None
        kept = _NOTHING_KEPT
        try:
            while stop.why is None:
                try:
                    definition = await self._definition_of(execution)
                    if execution.attempt + execution.cut_offs > 1:
                        kept = await self._kept_by_earlier_attempts(execution)
                    await self._get_to_know_function(execution)
                    break
                except StoreError as error:
                    log.error("execution %s waits for the database: %s", execution.id, error)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_STORE_RETRY_SECONDS):
                            await stop.wait()
            else:
                return None, _not_started(stop)
            return definition, await self._run(execution, definition, kept, output, stop)
        except Exception as error:
            log.exception("execution %s: its attempt failed in cronplug itself", execution.id)
            message = f"cronplug failed to run this: {type(error).__name__}: {error}"
            return definition, Outcome(verdict="failed", reason=Reason.ERROR, error_message=message)

    async def _run(
        self, execution: Execution, definition: TaskDefinition | None, kept: Kept, output: ExecutionOutput, stop: Stop
    ) -> Outcome:
        if execution.type is TaskType.HTTP:
            http = _http_call(execution, definition)
            if http is None:
                return _failed(Reason.ERROR, "The task's definition is gone, so its request is not known.")
            spec = self._spec(execution, definition, None, kept, http)
            executor = self._executors.http
        else:
            if execution.function_name is None:
                return _failed(Reason.ERROR, "This version of cronplug does not know how to run this.")
            function = self._registry.function(execution.function_name)
            if function is None:
                return _failed(
                    Reason.UNKNOWN_FUNCTION,
                    f"The function {execution.function_name!r} is not registered: install its plugin and rescan"
                    " (POST /plugins/rescan or `cronplug plugins rescan`).",
                )
            spec = self._spec(execution, definition, function, kept)
            executor = self._executors.inline if function.isolation == "inline" else self._executors.workers
        if self._observers.wants("scheduler_before_execution"):
            self._observers.notify("scheduler_before_execution", execution=_facts(execution))
        outcome = await executor.run(spec, output, stop)
        if self._observers.wants("scheduler_after_execution"):
            self._observers.notify("scheduler_after_execution", execution=_facts(execution), outcome=_told(outcome))
        return outcome

    def _spec(
        self,
        execution: Execution,
        definition: TaskDefinition | None,
        function: FunctionInfo | None,
        kept: Kept,
        http: HttpCall | None = None,
    ) -> AttemptSpec:
        payload: Mapping[str, Json] = {}
        if execution.payload is not None:
            payload = execution.payload
        elif definition is not None:
            payload = definition.function_payload
        timeout = execution.timeout_seconds or (definition.timeout_seconds if definition else _DEFAULT_TIMEOUT_SECONDS)
        return AttemptSpec(
            execution_id=execution.id,
            attempt=execution.attempt,
            trigger=execution.trigger,
            task_id=execution.task_id,
            task_name=execution.task_name,
            scheduled_for=execution.scheduled_for,
            timeout_seconds=timeout,
            idempotency_key=execution.id,
            function_name=execution.function_name,
            payload=payload,
            entry_point=None if function is None else self._registry.entry_point_of(function.name),
            is_async=True if function is None else function.is_async,
            alone=definition is not None and definition.delivery is Delivery.AT_MOST_ONCE,
            memory_mb=None if function is None else function.memory_mb,
            kept=kept,
            http=http,
        )

    async def _kept_by_earlier_attempts(self, execution: Execution) -> Kept:
        if execution.type is TaskType.HTTP:
            return _NOTHING_KEPT

        async def select(conn: Conn) -> Kept:
            return Kept(
                once=await artifacts.select_once(conn, execution.id),
                artifacts={it.name: it.size for it in await artifacts.select_artifacts(conn, execution.id)},
            )

        return await self._store.read(select)

    async def _get_to_know_function(self, execution: Execution) -> None:
        """Look at the plugins if another node did, and may have queued this for what it found."""
        name = execution.function_name
        if name is not None and self._rescans is not None and self._registry.function(name) is None:
            await self._rescans.follow_once()

    async def _definition_of(self, execution: Execution) -> TaskDefinition | None:
        task_id, revision = execution.task_id, execution.task_revision
        if task_id is None or revision is None:
            return None
        definition = self._definitions.recall(task_id, revision)
        if definition is None:
            definition = await self._store.read(lambda conn: tasks.select_definition(conn, task_id, revision=revision))
            if definition is not None:
                self._definitions.remember(task_id, revision, definition)
        return definition

    # -- its end -------------------------------------------------------------------------------------------------------

    async def _finish(
        self, running: Running, definition: TaskDefinition | None, outcome: Outcome, output: ExecutionOutput
    ) -> None:
        execution, now = running.execution, self._clock.now()
        lines = await self._outputs.close(output)
        if running.fenced:
            log.warning("execution %s: its lease was lost while it ran; another node decides", execution.id)
            return
        if running.stop.why == "cancelled":
            execution = dataclasses.replace(execution, cancel_requested=True)
        then = after(execution, definition, outcome, now)
        finish = finish_of(execution, outcome, then, lease_owner=self._node.id, now=now, output=output)
        if not await self._recorder.record(finish, lines):
            log.warning("execution %s: attempt %d ended after its lease was lost", execution.id, execution.attempt)
            return
        self._metrics.duration.observe((now - (execution.attempt_started_at or now)).total_seconds())
        if then.status is not Status.QUEUED:
            self._metrics.ended(then.status)
        self._bus.publish("execution", execution.id, "updated")
        if execution.task_id is not None:
            self._bus.publish("task", execution.task_id, "updated")


def _http_call(execution: Execution, definition: TaskDefinition | None) -> HttpCall | None:
    """The request of an HTTP execution: its task's, or the one that was asked for without a task; None: not known."""
    if execution.task_id is None and execution.payload is not None:
        return HttpCall(
            method=execution.payload["httpMethod"],
            url=execution.payload["httpUrl"],
            headers=execution.payload["httpHeaders"],
            body=execution.payload["httpBody"],
            expect_status=tuple(execution.payload["httpExpectStatus"]),
            expect_body=execution.payload["httpExpectBody"],
        )
    if definition is None or definition.http_url is None:
        return None
    return HttpCall(
        method=definition.http_method,
        url=definition.http_url,
        headers=definition.http_headers,
        body=definition.http_body,
        expect_status=definition.http_expect_status,
        expect_body=definition.http_expect_body,
        retry_status=definition.http_retry_status,
    )


def after(execution: Execution, definition: TaskDefinition | None, outcome: Outcome, now: datetime) -> AfterAttempt:
    """What becomes of an execution whose attempt ended with `outcome`; one that was invoked is never retried."""
    if outcome.verdict == "success":
        return AfterAttempt(status=Status.SUCCESS, reason=outcome.reason)  # whatever the policy
    return plan_after_attempt(
        AttemptFacts(
            verdict=outcome.verdict,
            reason=outcome.reason,
            attempt=execution.attempt,
            cut_offs=execution.cut_offs,
            permanent=outcome.permanent,
            retry_after_seconds=outcome.retry_after_seconds,
            error_kinds=outcome.error_kinds,
            cancel_requested=execution.cancel_requested,
        ),
        policy=retry_policy(definition) if definition else NO_RETRIES,
        delivery=definition.delivery if definition else Delivery.AT_LEAST_ONCE,
        now=now,
        seed=execution.id,
    )


def retry_policy(definition: TaskDefinition) -> RetryPolicy:
    """What a task wants done about failed attempts."""
    return RetryPolicy(
        max_retries=definition.max_retries,
        delay_seconds=definition.retry_delay_seconds,
        backoff=definition.retry_backoff,
        max_delay_seconds=definition.retry_max_delay_seconds,
        jitter_percent=definition.retry_jitter_percent,
        retry_on=definition.retry_on,
        no_retry_on=definition.no_retry_on,
    )


def finish_of(
    execution: Execution,
    outcome: Outcome,
    then: AfterAttempt,
    *,
    lease_owner: str,
    now: datetime,
    output: ExecutionOutput | None = None,
) -> executions.Finish:
    """The record of an attempt's end; without `output` that is as the execution's row has it."""
    ended = then.status is not Status.QUEUED
    message = outcome.error_message
    if ended and then.sentence:  # a retry is told by `available_at`; its sentence would stand beside the error for ever
        message = " ".join(filter(None, (message, then.sentence)))
    return executions.Finish(
        execution_id=execution.id,
        attempt=execution.attempt,
        cut_offs=execution.cut_offs,
        lease_owner=lease_owner,
        status=then.status,
        reason=then.reason if ended else outcome.reason,
        error_message=message or None,
        result=outcome.result if ended else None,
        result_summary=outcome.result_summary if ended else None,
        finished_at=now,
        available_at=then.available_at,
        worker=outcome.worker or execution.worker,
        counted=then.counted,
        log_lines=execution.log_lines if output is None else output.lines,
        log_truncated=execution.log_truncated if output is None else output.truncated,
        progress=execution.progress if output is None else output.fraction,
        progress_note=execution.progress_note if output is None else output.note,
    )


def _not_started(stop: Stop) -> Outcome:
    if stop.why == "cancelled":
        message = "Cancelled before it started."
        return Outcome(verdict="cancelled", reason=Reason.CANCELLED_BY_REQUEST, error_message=message)
    return Outcome(verdict="cut_off", reason=Reason.SHUTDOWN, error_message="The server stopped before it started.")


def _failed(reason: Reason, message: str) -> Outcome:
    return Outcome(verdict="failed", reason=reason, error_message=message, permanent=True)


def _facts(execution: Execution) -> Mapping[str, Json]:
    """What observers are told of an execution: plain JSON."""
    return {
        "id": execution.id,
        "taskId": execution.task_id,
        "taskName": execution.task_name,
        "functionName": execution.function_name,
        "trigger": execution.trigger.value,
        "attempt": execution.attempt,
        "scheduledFor": rfc3339(execution.scheduled_for),
    }


def _told(outcome: Outcome) -> Mapping[str, Json]:
    """What observers are told of an attempt's end."""
    return {
        "verdict": outcome.verdict,
        "reason": outcome.reason.value,
        "message": outcome.error_message,
        "summary": outcome.result_summary,
    }
