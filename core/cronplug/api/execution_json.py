"""How executions and their logs look from outside."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import quote

from pydantic import BeforeValidator, Field, WithJsonSchema

from cronplug import model
from cronplug.api.fields import QUERY_WHOLE, Answer, Cursor, Instant, InstantIn, JsonObject, Query, QueryText, fault
from cronplug.clock import SystemClock
from cronplug.operations import ExecutionView

StatusName = Literal["queued", "running", "success", "failed", "timed_out", "cancelled", "lost", "skipped", "missed"]
TriggerName = Literal["schedule", "manual", "catch_up", "api", "retry"]
ReasonName = Literal[
    "completed",
    "error",
    "permanent_error",
    "reported_failure",
    "invalid_payload",
    "unknown_function",
    "http_status",
    "http_body",
    "http_error",
    "http_refused",
    "timeout",
    "worker_died",
    "out_of_memory",
    "retrying",
    "cancelled_by_request",
    "task_deleted",
    "cut_off",
    "crash_loop",
    "shutdown",
    "overlap",
    "scheduler_down",
    "outside_window",
    "over_limit",
    "calendar",
    "paused",
    "function_missing",
    "queue_full",
    "replaced",
]


_STATUSES: Mapping[str, StatusName] = {status.value: status.value for status in model.Status}


def known_status(stored: str) -> StatusName:
    """A status as it is stored; one that a newer version has written and this one does not know reads as lost."""
    return _STATUSES.get(stored, "lost")


def _status_list(value: object) -> object:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(name in get_args(StatusName) for name in names):
        raise fault("enum", f"must be one or more of {', '.join(get_args(StatusName))}, separated by commas")
    return frozenset(names)


WaitReason = Literal["earlier_execution", "back_off", "start_delayed", "free_slot"]

_ANY_STATUS = "|".join(get_args(StatusName))
StatusList = Annotated[
    frozenset[StatusName],
    BeforeValidator(_status_list),
    WithJsonSchema({"type": "string", "pattern": f"^({_ANY_STATUS})(,({_ANY_STATUS}))*$", "examples": ["failed,lost"]}),
]
"""One or more statuses in a query string, separated by commas."""


class ShortExecution(Answer):
    """An execution without its result, as it stands beside a task."""

    id: str
    task_id: str | None = Field(description="null: invoked without a task.")
    task_name: str | None
    task_revision: int | None = Field(description="The revision of the task that is run.")
    type: Literal["function", "http"]
    function_name: str | None
    trigger: TriggerName
    status: StatusName
    reason: ReasonName | None = Field(description="Why it has this status; null while it is new.")
    error_message: str | None
    attempt: int = Field(description="The attempt it is at, or ended with, from 1; 0 before the first.")
    cancel_requested: bool = Field(description="It was asked to stop; it may still run.")
    retry_of: str | None = Field(description="The execution that this one repeats.")
    scheduled_for: Instant = Field(description="The fire time, or the instant it was asked for.")
    queued_at: Instant
    available_at: Instant | None = Field(
        description="The earliest start of the next attempt while it is queued; null while it waits for another to end."
    )
    started_at: Instant | None = Field(description="Start of the first attempt.")
    finished_at: Instant | None
    duration_seconds: float | None = Field(description="From the first start to the end; null before the end.")
    timeout_seconds: int | None
    result_summary: str | None
    progress: float | None = Field(description="From 0 to 1, as told by the function.")
    progress_note: str | None
    progress_eta: Instant | None = Field(description="When a running attempt would end if it went on at this rate.")
    wait_reason: WaitReason | None = Field(
        description="Why a queued execution waits: for an earlier one of its task to end (`earlier_execution`), for its "
        "retry (`back_off`) or its spread start (`start_delayed`) at `availableAt`, or for a free slot."
    )
    worker: str | None
    log_lines: int
    log_truncated: bool
    missed_count: int | None = Field(description="Set on a row that stands for several missed fire times.")
    missed_until: Instant | None
    idempotency_key: str = Field(description="Stable over the attempts of this execution.")

    @classmethod
    def of(cls, execution: model.Execution) -> Self:
        """The execution as it is answered."""
        return cls(**_fields(execution, cls))


class Execution(ShortExecution):
    """One run of a task for one fire time, or one that was asked for."""

    result: Any = Field(description="The JSON value that the function returned.")


class Attempt(Answer):
    """One try of an execution."""

    attempt: int
    started_at: Instant
    finished_at: Instant | None
    status: StatusName
    reason: ReasonName | None
    error_message: str | None
    worker: str | None
    counted: bool = Field(description="false: it was cut off and used up no retry.")

    @classmethod
    def of(cls, attempt: model.Attempt) -> Self:
        """An earlier attempt."""
        return cls(
            attempt=attempt.number,
            started_at=attempt.started_at,
            finished_at=attempt.finished_at,
            status=attempt.status.value,
            reason=attempt.reason.value,
            error_message=attempt.error_message,
            worker=attempt.worker,
            counted=attempt.counted,
        )

    @classmethod
    def latest_of(cls, execution: model.Execution) -> Self | None:
        """The attempt that runs now or was the last; None while the execution waits for its next one."""
        if execution.attempt_started_at is None or execution.status is model.Status.QUEUED:
            return None
        return cls(
            attempt=execution.attempt,
            started_at=execution.attempt_started_at,
            finished_at=execution.finished_at,
            status=execution.status.value,
            reason=execution.reason.value if execution.reason else None,
            error_message=execution.error_message,
            worker=execution.worker,
            # Only what is cut off is lost.
            counted=execution.status is not model.Status.LOST,
        )


class ExecutionDetail(Execution):
    """An execution with its payload and every attempt."""

    payload: JsonObject = Field(description="What the function was given.")
    attempts: list[Attempt]

    @classmethod
    def of_view(cls, view: ExecutionView) -> Self:
        """The execution with its attempts as it is answered."""
        execution, definition = view.execution, view.definition
        attempts = [Attempt.of(earlier) for earlier in view.attempts]
        latest = Attempt.latest_of(execution)
        if latest is not None and all(latest.started_at != earlier.started_at for earlier in attempts):
            attempts.append(latest)
        payload = (
            execution.payload if definition is None or execution.payload is not None else definition.function_payload
        )
        fields = _fields(execution, Execution)
        if fields["timeout_seconds"] is None and definition is not None:
            fields["timeout_seconds"] = definition.timeout_seconds
        return cls(**fields, payload=dict(payload or {}), attempts=attempts)


def _fields(execution: model.Execution, shown_as: type[ShortExecution]) -> dict[str, Any]:
    fields = {name: getattr(execution, name) for name in _names_of(shown_as)}
    if execution.available_at >= model.HELD:
        fields["available_at"] = None
    duration = None
    if execution.started_at is not None and execution.finished_at is not None:
        duration = max(0.0, (execution.finished_at - execution.started_at).total_seconds())
    now = _CLOCK.now()
    return fields | {
        "progress_eta": _progress_eta(execution, now),
        "wait_reason": _wait_reason(execution, now),
        "type": execution.type.value,
        "trigger": execution.trigger.value,
        "status": execution.status.value,
        "reason": execution.reason.value if execution.reason else None,
        "duration_seconds": duration,
        "idempotency_key": execution.id,
    }


def _wait_reason(execution: model.Execution, now: datetime) -> WaitReason | None:
    if execution.status is not model.Status.QUEUED:
        return None
    if execution.available_at >= model.HELD:
        return "earlier_execution"
    if execution.available_at > now:
        return "back_off" if execution.started_at is not None else "start_delayed"
    return "free_slot"


def _progress_eta(execution: model.Execution, now: datetime) -> datetime | None:
    fraction, began = execution.progress, execution.attempt_started_at
    if execution.status is not model.Status.RUNNING or not fraction or began is None:
        return None
    seconds = min((now - began).total_seconds() * (1 / fraction - 1), _MAX_ETA_SECONDS)
    return now + timedelta(seconds=max(seconds, 0.0))


_CLOCK = SystemClock()
_MAX_ETA_SECONDS = 366 * 86_400


@cache
def _names_of(shown_as: type[ShortExecution]) -> tuple[str, ...]:
    shown = shown_as.model_fields
    return tuple(field.name for field in dataclasses.fields(model.Execution) if field.name in shown)


class ExecutionList(Answer):
    """One page of executions, newest first."""

    items: list[Execution] = Field(alias="list")
    total: int = Field(description="Exact to 10,000.")
    total_capped: bool = Field(description="true: there are more than `total`.")
    page: int
    page_size: int
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null at the end.")


class ExecutionQuery(Query):
    """Which executions."""

    page: Annotated[int, Field(ge=1, le=1_000_000_000), QUERY_WHOLE] = 1
    page_size: Annotated[int, Field(ge=1, le=100), QUERY_WHOLE] = 20
    cursor: Cursor | None = Field(None, description="`nextCursor` of the page before; fast at any depth.")
    task_id: QueryText | None = None
    function_name: QueryText | None = None
    status: StatusList | None = Field(None, description="Only these: one status, or several separated by commas.")
    trigger: TriggerName | None = None
    from_: InstantIn | None = Field(None, alias="from", description="Queued at or after this instant.")
    to: InstantIn | None = Field(None, description="Queued before this instant.")


class ExecutionStarted(Answer):
    """An execution was queued."""

    execution_id: str


class Artifact(Answer):
    """A file that a function has kept with its execution."""

    name: str
    media_type: str
    size: int = Field(description="In bytes.")
    attempt: int = Field(description="The attempt that wrote it.")
    created_at: Instant
    url: str = Field(description="Where it is downloaded, on this server.")

    @classmethod
    def of(cls, execution_id: str, artifact: model.ArtifactInfo) -> Self:
        """The file as it is answered."""
        return cls(
            name=artifact.name,
            media_type=artifact.media_type,
            size=artifact.size,
            attempt=artifact.attempt,
            created_at=artifact.created_at,
            url=f"/api/scheduler/executions/{execution_id}/artifacts/{quote(artifact.name, safe='')}",
        )


class ArtifactList(Answer):
    """All files of an execution, by name."""

    items: list[Artifact] = Field(alias="list")


class LogLine(Answer):
    """One line of output."""

    seq: int = Field(description="Counts from 1 within the execution.")
    at: Instant
    stream: Literal["stdout", "stderr", "log"]
    level: str | None
    attempt: int
    text: str

    @classmethod
    def of(cls, line: model.LogLine) -> Self:
        """The line as it is answered."""
        return cls(seq=line.seq, at=line.at, stream=line.stream, level=line.level, attempt=line.attempt, text=line.text)


class LogPage(Answer):
    """Some lines of an execution's output."""

    items: list[LogLine] = Field(alias="list")
    total: int
    next_offset: int | None = Field(description="Where to read on; null when this was the end for now.")
    truncated: bool = Field(description="true: output over the limit was cut.")


class LogQuery(Query):
    """Which lines."""

    offset: Annotated[int, Field(ge=0, le=1_000_000_000), QUERY_WHOLE] = Field(
        0, description="How many lines to pass over."
    )
    limit: Annotated[int, Field(ge=1, le=5000), QUERY_WHOLE] = 1000
