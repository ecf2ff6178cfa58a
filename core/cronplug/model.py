"""The nouns of cronplug as frozen values: what the store keeps, the engine moves and the API shows.

Instants are aware UTC datetimes. Identifiers are the opaque texts of `cronplug.ids`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
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
    """What happens at a fire time, or when a run is asked for, while an earlier execution of the task is unfinished.

    `skip`: it does not run. `queue`: it waits for its turn, a bounded number of them. `allow`: they run side by side.
    `replace`: the earlier ones are cancelled, and it starts once they have ended.
    """

    SKIP = "skip"
    QUEUE = "queue"
    ALLOW = "allow"
    REPLACE = "replace"


class Delivery(StrEnum):
    """What happens to an execution whose attempt was cut off."""

    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


class RetryBackoff(StrEnum):
    """How the delay between attempts grows: not at all, or twice as long each time."""

    FIXED = "fixed"
    EXPONENTIAL = "exponential"


class DstGap(StrEnum):
    """What happens to a local time that the clock jumps over: it runs right after the jump, or not at all."""

    SHIFT = "shift"
    SKIP = "skip"


class DstRepeat(StrEnum):
    """How often a local time runs that comes twice because the clock goes back."""

    ONCE = "once"
    TWICE = "twice"


class CalendarMode(StrEnum):
    """Whether a schedule fires only inside a calendar, or only outside of it."""

    INCLUDE = "include"
    EXCLUDE = "exclude"


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
    HTTP_BODY = "http_body"
    HTTP_ERROR = "http_error"
    HTTP_REFUSED = "http_refused"
    TIMEOUT = "timeout"
    WORKER_DIED = "worker_died"
    OUT_OF_MEMORY = "out_of_memory"
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
    CALENDAR = "calendar"
    PAUSED = "paused"
    FUNCTION_MISSING = "function_missing"
    QUEUE_FULL = "queue_full"
    REPLACED = "replaced"


HELD = datetime(9999, 12, 31, tzinfo=UTC)
"""The `available_at` of a queued execution that waits for an earlier one of its task to end, not for a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarUse:
    """A calendar that a schedule heeds, by the calendar's id."""

    calendar_id: str
    mode: CalendarMode


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDates:
    """Whole days of a calendar from `first` to `last`, both included, by the calendar's zone."""

    name: str
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarYearly:
    """A day of every year; 29 February only of leap years."""

    name: str
    month: int
    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarWeekdays:
    """Days of every week (0 is Monday), whole or from `begins` up to, not including, `ends`.

    `ends` None: to the end of the day. `ends` not after `begins`: on the next day.
    """

    name: str
    days: tuple[int, ...]
    begins: time | None = None
    ends: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarWeekly:
    """A span of every week from a weekday (0 is Monday) and time up to, not including, another; it may pass Sunday."""

    name: str
    first_day: int
    begins: time
    last_day: int
    ends: time


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarWindow:
    """One span of time from `start_at` up to, not including, `end_at`."""

    name: str
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarDefinition:
    """What a person decides about a calendar: it covers what any of its entries covers.

    Days and times of day are those of `timezone`. The name of an entry may be empty.
    """

    name: str
    description: str = ""
    timezone: str = "UTC"
    dates: tuple[CalendarDates, ...] = ()
    yearly: tuple[CalendarYearly, ...] = ()
    weekdays: tuple[CalendarWeekdays, ...] = ()
    weekly: tuple[CalendarWeekly, ...] = ()
    windows: tuple[CalendarWindow, ...] = ()

    @property
    def entry_count(self) -> int:
        """How many entries it has."""
        return len(self.dates) + len(self.yearly) + len(self.weekdays) + len(self.weekly) + len(self.windows)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCalendar:
    """A calendar as it is kept. `revision` counts from 1."""

    id: str
    definition: CalendarDefinition
    revision: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A pause of every schedule: fire times from `since` up to, not including, `until` (None: no end) are skipped."""

    since: datetime
    until: datetime | None = None
    reason: str = ""

    def covers(self, at: datetime) -> bool:
        """Whether a fire time falls into it."""
        return self.since <= at and (self.until is None or at < self.until)

    @property
    def sentence(self) -> str:
        """Why a fire time in it did not run."""
        return f"All schedules were paused: {self.reason}" if self.reason else "All schedules were paused."


@dataclass(frozen=True, slots=True, kw_only=True)
class CronRule:
    """Fire times by a cron expression in an IANA zone.

    `on_dst_gap` and `on_dst_repeat` None: by the rule of Debian's cron(8). `payload` None: the task's own.
    """

    cron_expression: str
    timezone: str
    on_dst_gap: DstGap | None = None
    on_dst_repeat: DstRepeat | None = None
    calendars: tuple[CalendarUse, ...] = ()
    payload: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRule:
    """Fire times every so many seconds on a grid through `anchor_at`; or, `after_end`, so long after the last end.

    `timezone` is the one its fire times are shown in. `anchor_at` None (only with `after_end`): the first fire time is
    `every_seconds` after the task is made or enabled.
    """

    every_seconds: int
    timezone: str
    anchor_at: datetime | None = None
    after_end: bool = False
    calendars: tuple[CalendarUse, ...] = ()
    payload: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceRule:
    """One fire time. `timezone` is the one it is shown in."""

    at: datetime
    timezone: str
    calendars: tuple[CalendarUse, ...] = ()
    payload: Mapping[str, Json] | None = None


ScheduleRule = CronRule | IntervalRule | OnceRule


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDefinition:
    """What a person decides about a task. A change makes a new revision; the sources of bounds are the API's models.

    `schedules` empty: the task runs only when triggered. `timezone` is the zone for schedules that name none.
    `start_at` and `end_at` bound the fire times, both included. `jitter_seconds` spreads the starts: each execution may
    wait up to so long after its fire time, never past the next one. `max_executions` is how many the schedules may
    start in all. `overlap_queue_max` bounds the waiting executions under overlap `queue`. Fire times before
    `paused_until` are skipped. The fields of retries are those of `cronplug.planning.RetryPolicy`.
    """

    name: str
    type: TaskType
    description: str = ""
    tags: tuple[str, ...] = ()
    enabled: bool = True
    timezone: str = "UTC"
    schedules: tuple[ScheduleRule, ...] = ()
    start_at: datetime | None = None
    end_at: datetime | None = None
    jitter_seconds: int = 0
    max_executions: int | None = None
    paused_until: datetime | None = None
    function_name: str | None = None
    function_payload: Mapping[str, Json] = field(default_factory=dict)
    http_method: str = "GET"
    http_url: str | None = None
    http_headers: Mapping[str, str] = field(default_factory=dict)
    http_body: str | None = None
    http_expect_status: tuple[str, ...] = ("2xx",)
    http_expect_body: str | None = None
    http_retry_status: tuple[str, ...] = ()
    catch_up: CatchUp = CatchUp.NONE
    catch_up_window_seconds: int = 86_400
    catch_up_max: int = 100
    misfire_grace_seconds: int = 300
    overlap: Overlap = Overlap.SKIP
    overlap_queue_max: int = 10
    delivery: Delivery = Delivery.AT_LEAST_ONCE
    max_retries: int = 0
    retry_delay_seconds: int = 60
    retry_backoff: RetryBackoff = RetryBackoff.FIXED
    retry_max_delay_seconds: int = 3_600
    retry_jitter_percent: int = 0
    retry_on: tuple[str, ...] = ()
    no_retry_on: tuple[str, ...] = ()
    timeout_seconds: int = 300

    @property
    def cron_expression(self) -> str | None:
        """The expression of the first schedule that is one; None without."""
        return next((rule.cron_expression for rule in self.schedules if isinstance(rule, CronRule)), None)

    @property
    def shown_timezone(self) -> str:
        """The zone in which the task is thought of: that of its first cron expression, or else its own."""
        return next((rule.timezone for rule in self.schedules if isinstance(rule, CronRule)), self.timezone)

    @property
    def after_end(self) -> bool:
        """Whether the next fire time follows from the end of the last execution; such a schedule stands alone."""
        return any(isinstance(rule, IntervalRule) and rule.after_end for rule in self.schedules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A stored task: its present definition and what the engine knows of it.

    `next_run_at` is None when nothing is planned (disabled, or no schedule). `revision` counts from 1.
    `fired_count` is how many executions its schedules have started. `disabled_at` is when it was last disabled, None
    while it is enabled. `tzdata_version` is that of the zone data by which `next_run_at` was found.
    `schedule_error` says why the stored schedule, or another part of it, cannot be read; the task is set aside then.
    `failing_since` is when the first failure after its newest success ended; None when it does not fail.
    """

    id: str
    definition: TaskDefinition
    revision: int
    created_at: datetime
    updated_at: datetime
    next_run_at: datetime | None
    schedule_error: str | None = None
    fired_count: int = 0
    disabled_at: datetime | None = None
    tzdata_version: str | None = None
    failing_since: datetime | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """What of a task is not ended: its oldest running execution, or its oldest queued one when none runs.

    `since` is when that one started, or was queued. `held` is how many wait for an earlier one (`HELD`).
    """

    execution_id: str
    is_running: bool
    since: datetime
    held: int = 0


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
class ArtifactInfo:
    """A file that a function left with its execution, without its data. `size` is in bytes."""

    name: str
    media_type: str
    size: int
    attempt: int
    created_at: datetime


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
    memory_mb: int | None = None
    idempotent: bool = False
    retry_delay_seconds: int | None = None
    retry_backoff: RetryBackoff | None = None
    retry_max_delay_seconds: int | None = None
    retry_jitter_percent: int | None = None
    retry_on: tuple[str, ...] = ()
    no_retry_on: tuple[str, ...] = ()


PluginStatus = Literal["ok", "broken", "disabled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFault:
    """What an observing hook did wrong: last at `at`, `count` times since its code was last changed or loaded."""

    hook: str
    at: datetime
    message: str
    count: int


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
    hook_faults: tuple[HookFault, ...] = ()
