"""The nouns of cronplug as frozen values: what the store keeps, the engine moves and the API shows.

Instants are aware UTC datetimes. Identifiers are the opaque texts of `cronplug.ids`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict of the same."""


class TaskType(StrEnum):
    """What a task runs."""

    FUNCTION = "function"
    HTTP = "http"


class CatchUp(StrEnum):
    """What happens to fire times that were missed."""

    NONE = "none"
    LAST = "last"
    ALL = "all"


class Overlap(StrEnum):
    """What happens at a fire time while an earlier execution of the task is unfinished."""

    SKIP = "skip"
    ALLOW = "allow"


class Delivery(StrEnum):
    """What happens to an execution whose attempt was cut off."""

    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


class Trigger(StrEnum):
    """Why an execution exists."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    CATCH_UP = "catch_up"
    API = "api"
    RETRY = "retry"


class Status(StrEnum):
    """Where an execution is in its life; the chart is in `cronplug.engine`."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    LOST = "lost"
    SKIPPED = "skipped"
    MISSED = "missed"


UNFINISHED = frozenset({Status.QUEUED, Status.RUNNING})
ENDED = frozenset(Status) - UNFINISHED
FAILURES = frozenset({Status.FAILED, Status.TIMED_OUT, Status.LOST})


class Reason(StrEnum):
    """The stable code that says why an execution has its status; `errorMessage` is the sentence beside it."""

    COMPLETED = "completed"
    ERROR = "error"
    PERMANENT_ERROR = "permanent_error"
    REPORTED_FAILURE = "reported_failure"
    INVALID_PAYLOAD = "invalid_payload"
    UNKNOWN_FUNCTION = "unknown_function"
    HTTP_STATUS = "http_status"
    HTTP_ERROR = "http_error"
    HTTP_REFUSED = "http_refused"
    TIMEOUT = "timeout"
    WORKER_DIED = "worker_died"
    RETRYING = "retrying"
    CANCELLED_BY_REQUEST = "cancelled_by_request"
    TASK_DELETED = "task_deleted"
    CUT_OFF = "cut_off"
    CRASH_LOOP = "crash_loop"
    SHUTDOWN = "shutdown"
    OVERLAP = "overlap"
    SCHEDULER_DOWN = "scheduler_down"
    OUTSIDE_WINDOW = "outside_window"
    OVER_LIMIT = "over_limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDefinition:
    """What a person decides about a task. A change makes a new revision; the sources of bounds are the API's models.

    `cron_expression` None: no schedule, the task runs only when triggered.
    """

    name: str
    type: TaskType
    description: str = ""
    tags: tuple[str, ...] = ()
    enabled: bool = True
    cron_expression: str | None = None
    timezone: str = "UTC"
    function_name: str | None = None
    function_payload: Mapping[str, Json] = field(default_factory=dict)
    http_method: str = "GET"
    http_url: str | None = None
    http_headers: Mapping[str, str] = field(default_factory=dict)
    http_body: str | None = None
    catch_up: CatchUp = CatchUp.NONE
    overlap: Overlap = Overlap.SKIP
    delivery: Delivery = Delivery.AT_LEAST_ONCE
    max_retries: int = 0
    retry_delay_seconds: int = 60
    timeout_seconds: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A stored task: its present definition and what the engine knows of it.

    `next_run_at` is None when nothing is planned (disabled, or no schedule). `revision` counts from 1.
    `schedule_error` says why the stored schedule, or another part of it, cannot be read; the task is set aside then.
    """

    id: str
    definition: TaskDefinition
    revision: int
    created_at: datetime
    updated_at: datetime
    next_run_at: datetime | None
    schedule_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One run of a task for one fire time, or one that was asked for.

    `attempt` is the attempt it is at, or ended with, from 1 (0 before the first). `scheduled_for` is the fire time;
    for executions asked for it is the instant of asking. `attempt_started_at` is the start of the present attempt,
    `started_at` that of the first. `available_at` is the earliest next start while it is queued.
    `payload` None: the payload of the task's revision. `missed_count` and `missed_until` are set on the one row that
    stands for more than one missed fire time.
    """

    id: str
    trigger: Trigger
    status: Status
    scheduled_for: datetime
    queued_at: datetime
    available_at: datetime
    task_id: str | None = None
    task_name: str | None = None
    task_revision: int | None = None
    type: TaskType = TaskType.FUNCTION
    function_name: str | None = None
    payload: Mapping[str, Json] | None = None
    timeout_seconds: int | None = None
    reason: Reason | None = None
    attempt: int = 0
    cut_offs: int = 0
    retry_of: str | None = None
    cancel_requested: bool = False
    lease_owner: str | None = None
    lease_until: datetime | None = None
    worker: str | None = None
    started_at: datetime | None = None
    attempt_started_at: datetime | None = None
    finished_at: datetime | None = None
    error_message: str | None = None
    result: Json = None
    result_summary: str | None = None
    progress: float | None = None
    progress_note: str | None = None
    log_lines: int = 0
    log_truncated: bool = False
    missed_count: int | None = None
    missed_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try of an execution that was followed by another one (the last try is the execution itself).

    `counted` is False for one that was cut off: it did not use up a retry.
    """

    execution_id: str
    number: int
    started_at: datetime
    finished_at: datetime
    status: Status
    reason: Reason
    error_message: str | None
    worker: str | None
    counted: bool


Stream = Literal["stdout", "stderr", "log"]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of an execution's output. `seq` counts from 1 within the execution; `level` is lower case."""

    seq: int
    at: datetime
    stream: Stream
    level: str | None
    attempt: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionInfo:
    """A registered function as the core knows it; plain data, made without holding plugin objects."""

    name: str
    plugin: str
    version: str
    title: str
    description: str
    payload_schema: Mapping[str, Json]
    is_async: bool
    isolation: Literal["worker", "inline"]
    timeout_seconds: int | None
    max_retries: int | None
    tags: tuple[str, ...]


PluginStatus = Literal["ok", "broken", "disabled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginRecord:
    """What became of one installed plugin at the last look. `name` is the distribution's name."""

    name: str
    version: str
    status: PluginStatus
    error: str | None
    functions: tuple[str, ...]
    warnings: tuple[str, ...]
    hooks: tuple[str, ...]
    entry_points: tuple[str, ...]
    import_seconds: float
