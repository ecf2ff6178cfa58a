"""How tasks look from outside: what is answered and what is accepted."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, with_config
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from cronplug import model
from cronplug.api.execution_json import Execution, ReasonName, ShortExecution, StatusName, known_status
from cronplug.api.fields import (
    QUERY_WHOLE,
    WHOLE,
    Answer,
    Body,
    CatchUpIn,
    CatchUpName,
    HeadersIn,
    Instant,
    InstantIn,
    InstantText,
    JsonObject,
    Name,
    ObjectIn,
    Query,
    QueryBoolean,
    QueryText,
    QueryTexts,
    Switch,
    Tags,
    UrlIn,
)
from cronplug.api.rule_json import Expression, Rule, RulesIn, Zone, read_rules, show_rule
from cronplug.api.shorthand import Asked, Schedules, merge_schedules
from cronplug.clock import millis_rfc3339
from cronplug.errors import InvalidInput
from cronplug.executors.expectations import STATUS_PATTERN
from cronplug.operations import TaskView
from cronplug.schedules import describe_task, shorten_task, shown_schedule
from cronplug.store.executions import ShortResult

TaskTypeName = Literal["function", "http"]
MethodName = Literal["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]
OverlapName = Literal["skip", "queue", "allow", "replace"]
DeliveryName = Literal["at_least_once", "at_most_once"]
BackoffName = Literal["fixed", "exponential"]
_EXPECT_STATUS = "Statuses that mean success: 204, 2xx, 200-299."
_EXPECT_BODY = "A text that the answer has to contain."
_RETRY_STATUS = "Unexpected statuses that are tried again, as in httpExpectStatus; empty: every one."
StateName = Literal["active", "done", "disabled", "manual", "function_missing", "payload_invalid", "schedule_error"]
TaskSort = Literal[
    "name",
    "-name",
    "createdAt",
    "-createdAt",
    "nextRunAt",
    "-nextRunAt",
    "updatedAt",
    "-updatedAt",
    "failingSince",
    "-failingSince",
]
Condition = Literal["failing", "running", "scheduled", "off", "attention"]


@with_config(ConfigDict(alias_generator=to_camel, populate_by_name=True))
class RecentResult(TypedDict):
    """One of a task's latest executions, in short."""

    id: str
    status: StatusName
    scheduled_for: InstantText
    started_at: InstantText | None
    finished_at: InstantText | None


def _recent_result(result: ShortResult) -> RecentResult:
    """The execution in short: a plain dict, since a list of tasks has a thousand of them."""
    id_, status, scheduled_for, started_at, finished_at = result
    return {
        "id": id_,
        "status": known_status(status),
        "scheduled_for": millis_rfc3339(scheduled_for),
        "started_at": None if started_at is None else millis_rfc3339(started_at),
        "finished_at": None if finished_at is None else millis_rfc3339(finished_at),
    }


class Task(Answer):
    """A task: what is run, when, and by which policies."""

    id: str
    name: str
    description: str
    tags: list[str]
    enabled: bool
    type: TaskTypeName
    cron_expression: str | None = Field(description="That of the first schedule which is one; null without.")
    timezone: str = Field(description="That schedule's zone, or else the task's own.")
    schedules: list[Rule] = Field(description="Empty: the task runs only when triggered.")
    start_at: Instant | None = Field(description="No fire time is earlier.")
    end_at: Instant | None = Field(description="No fire time is later.")
    jitter_seconds: int = Field(description="Each start is up to so much later than its fire time.")
    max_executions: int | None = Field(description="How many executions the schedules may start in all.")
    paused_until: Instant | None = Field(description="Fire times before it are skipped.")
    function_name: str | None
    function_payload: JsonObject
    http_method: MethodName
    http_url: str | None
    http_headers: dict[str, str]
    http_body: str | None
    http_expect_status: list[str] = Field(description=_EXPECT_STATUS)
    http_expect_body: str | None = Field(description=_EXPECT_BODY)
    http_retry_status: list[str] = Field(description=_RETRY_STATUS)
    catch_up: CatchUpName
    catch_up_window_seconds: int = Field(description="catchUp all: how late a missed fire time may still run.")
    catch_up_max: int = Field(description="catchUp all: how many missed fire times run, the newest.")
    misfire_grace_seconds: int = Field(description="catchUp none: how late the latest missed one may still run.")
    overlap: OverlapName
    overlap_queue_max: int = Field(description="overlap queue: how many executions may wait.")
    delivery: DeliveryName
    max_retries: int
    retry_delay_seconds: int
    retry_backoff: BackoffName
    retry_max_delay_seconds: int
    retry_jitter_percent: int
    retry_on: list[str] = Field(description="Kinds of failure that are retried; empty: every one.")
    no_retry_on: list[str] = Field(description="Kinds of failure that are never retried.")
    timeout_seconds: int
    created_at: Instant
    updated_at: Instant
    revision: int = Field(description="Counts the changes, from 1; also the ETag.")
    state: StateName
    next_run_at: Instant | None = Field(description="The next fire time that will run: not excluded, not paused.")
    fired_count: int = Field(description="How many executions the schedules have started.")
    tzdata_version: str | None = Field(description="Of the zone data by which the next fire time was found.")
    schedule_description: str | None = Field(description="The schedule as a sentence; null without a schedule.")
    schedule_short: str | None = Field(
        description="The same in a few words, for lists: without zones and bounds, of several schedules the first."
    )
    schedule_error: str | None = Field(description="Why the stored schedule can no longer be read.")
    failing_since: Instant | None = Field(
        description="When the first failure after the newest success ended (failed, timed_out, lost); null: it does not fail."
    )
    last_execution: ShortExecution | None
    recent_results: list[RecentResult] = Field(description="The newest 24, oldest first.")

    @classmethod
    def of(cls, view: TaskView) -> Self:
        """The task as it is answered."""
        task, definition = view.task, view.task.definition
        sentence, few_words = _words_for_schedule(task)
        short = Schedules(definition.timezone, definition.schedules)
        return cls(
            id=task.id,
            name=definition.name,
            description=definition.description,
            tags=list(definition.tags),
            enabled=definition.enabled,
            type=definition.type.value,
            cron_expression=short.short_expression,
            timezone=short.short_timezone,
            schedules=[show_rule(rule) for rule in definition.schedules],
            start_at=definition.start_at,
            end_at=definition.end_at,
            jitter_seconds=definition.jitter_seconds,
            max_executions=definition.max_executions,
            paused_until=definition.paused_until,
            function_name=definition.function_name,
            function_payload=dict(definition.function_payload),
            http_method=definition.http_method,
            http_url=definition.http_url,
            http_headers=dict(definition.http_headers),
            http_body=definition.http_body,
            http_expect_status=list(definition.http_expect_status),
            http_expect_body=definition.http_expect_body,
            http_retry_status=list(definition.http_retry_status),
            catch_up=definition.catch_up.value,
            catch_up_window_seconds=definition.catch_up_window_seconds,
            catch_up_max=definition.catch_up_max,
            misfire_grace_seconds=definition.misfire_grace_seconds,
            overlap=definition.overlap.value,
            overlap_queue_max=definition.overlap_queue_max,
            delivery=definition.delivery.value,
            max_retries=definition.max_retries,
            retry_delay_seconds=definition.retry_delay_seconds,
            retry_backoff=definition.retry_backoff.value,
            retry_max_delay_seconds=definition.retry_max_delay_seconds,
            retry_jitter_percent=definition.retry_jitter_percent,
            retry_on=list(definition.retry_on),
            no_retry_on=list(definition.no_retry_on),
            timeout_seconds=definition.timeout_seconds,
            created_at=task.created_at,
            updated_at=task.updated_at,
            revision=task.revision,
            state=view.state,
            next_run_at=view.next_run_at,
            fired_count=task.fired_count,
            tzdata_version=task.tzdata_version,
            schedule_description=sentence,
            schedule_short=few_words,
            schedule_error=task.schedule_error,
            failing_since=task.failing_since,
            last_execution=ShortExecution.of(view.recent[0]) if view.recent else None,
            recent_results=[_recent_result(result) for result in reversed(view.results)],
        )


def _words_for_schedule(task: model.Task) -> tuple[str, str] | tuple[None, None]:
    """The schedules as a sentence and in short; None without one, or when they can no longer be read."""
    if not task.definition.schedules:
        return None, None
    try:
        schedule = shown_schedule(task.definition, seed=task.id, pending=task.next_run_at)
        return describe_task(schedule), shorten_task(schedule)
    except InvalidInput:
        return None, None


class TaskList(Answer):
    """One page of tasks."""

    items: list[Task] = Field(alias="list")
    total: int
    page: int
    page_size: int
    registered_functions: list[str] = Field(description="Names of every function that a task can run.")


class TaskDetail(Answer):
    """A task and its newest 20 executions."""

    task: Task
    recent_executions: list[Execution]


class TaskQuery(Query):
    """Which tasks, and in which order."""

    page: Annotated[int, Field(ge=1, le=1_000_000_000), QUERY_WHOLE] = 1
    page_size: Annotated[int, Field(ge=1, le=100), QUERY_WHOLE] = 20
    type: TaskTypeName | None = Field(None, description="Only tasks of this type.")
    enabled: QueryBoolean | None = Field(None, description="Only enabled, or only disabled tasks.")
    q: QueryText | None = Field(None, description="A text in the name, description, function or URL.")
    tag: QueryTexts = Field((), description="Only tasks with this tag; given several times, with all of them.")
    function_name: QueryText | None = Field(None, description="Only tasks that run this function.")
    state: Condition | None = Field(
        None,
        description="failing: its newest decisive end was no success. running: an execution of it runs. scheduled: enabled, "
        "with a next fire time. off: disabled. attention: failing, or its schedule, function or payload is at fault.",
    )
    calendar_id: QueryText | None = Field(None, description="Only tasks whose schedules heed this calendar.")
    sort: TaskSort = Field("-createdAt", description="A leading hyphen means descending.")


class DeleteQuery(Query):
    """How a task is deleted."""

    force: QueryBoolean = Field(False, description="Cancel running executions first.")


Description = Annotated[str, StringConstraints(max_length=5000)]
FunctionName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Retries = Annotated[int, Field(ge=0, le=100), WHOLE]
RetryDelay = Annotated[int, Field(ge=1, le=86_400), WHOLE]
RetryCap = Annotated[int, Field(ge=1, le=604_800), WHOLE]
Percent = Annotated[int, Field(ge=0, le=100), WHOLE]
FailureKind = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")]
StatusPatternText = Annotated[str, StringConstraints(pattern=f"^{STATUS_PATTERN}$")]
StatusPatterns = Annotated[list[StatusPatternText], Field(max_length=20)]
FailureKinds = Annotated[list[FailureKind], Field(max_length=50)]
Timeout = Annotated[int, Field(ge=1, le=604_800), WHOLE]
Jitter = Annotated[int, Field(ge=0, le=86_400), WHOLE]
Executions = Annotated[int, Field(ge=1, le=1_000_000_000), WHOLE]
CatchUpWindow = Annotated[int, Field(ge=1, le=31_622_400), WHOLE]
CatchUpMax = Annotated[int, Field(ge=1, le=1_000), WHOLE]
MisfireGrace = Annotated[int, Field(ge=0, le=604_800), WHOLE]
QueueMax = Annotated[int, Field(ge=1, le=1_000), WHOLE]


class NewTask(Body):
    """A task to be made. What is left out, or null where null is allowed, has the default."""

    name: Name
    type: TaskTypeName
    description: Description | None = ""
    tags: Tags | None = Field(default_factory=list)
    enabled: Switch = True
    cron_expression: Expression | None = Field(
        None, description="A short way to say or change the first schedule that is one; null removes it."
    )
    timezone: Zone | None = Field(
        None, description="That schedule's IANA zone, and of those that name none; default SCHEDULER_DEFAULT_TIMEZONE."
    )
    schedules: RulesIn | None = Field(
        None, description="Replaces all schedules. Without any the task runs only when triggered."
    )
    start_at: InstantIn | None = Field(None, description="No fire time is earlier.")
    end_at: InstantIn | None = Field(None, description="No fire time is later.")
    jitter_seconds: Jitter = Field(0, description="Each start is up to so much later than its fire time.")
    max_executions: Executions | None = Field(None, description="How many executions the schedules may start in all.")
    paused_until: InstantIn | None = Field(None, description="Fire times before it are skipped.")
    function_name: FunctionName | None = Field(None, description="Required for type function.")
    function_payload: ObjectIn | None = Field(default_factory=dict)
    http_method: MethodName = "GET"
    http_url: UrlIn | None = Field(None, description="Absolute, http or https. Required for type http.")
    http_headers: HeadersIn | None = Field(default_factory=dict)
    http_body: str | None = None
    http_expect_status: Annotated[list[StatusPatternText], Field(min_length=1, max_length=20)] | None = Field(
        default_factory=lambda: ["2xx"], description=_EXPECT_STATUS
    )
    http_expect_body: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = Field(
        None, description=_EXPECT_BODY
    )
    http_retry_status: StatusPatterns | None = Field(default_factory=list, description=_RETRY_STATUS)
    catch_up: CatchUpIn = "none"
    catch_up_window_seconds: CatchUpWindow = Field(
        86_400, description="catchUp all: how late a missed fire time may still run."
    )
    catch_up_max: CatchUpMax = Field(100, description="catchUp all: how many missed fire times run, the newest.")
    misfire_grace_seconds: MisfireGrace = Field(
        300, description="catchUp none: how late the latest missed one may still run."
    )
    overlap: OverlapName = "skip"
    overlap_queue_max: QueueMax = Field(10, description="overlap queue: how many executions may wait.")
    delivery: DeliveryName = "at_least_once"
    max_retries: Retries = Field(0, description="Default: as the function says, like all of retries, or else 0.")
    retry_delay_seconds: RetryDelay = 60
    retry_backoff: BackoffName = "fixed"
    retry_max_delay_seconds: RetryCap = Field(3_600, description="retryBackoff exponential: the longest delay.")
    retry_jitter_percent: Percent = Field(0, description="Each delay is up to so much longer or shorter.")
    retry_on: FailureKinds | None = Field(
        default_factory=list,
        description="Kinds of failure that are retried (reasons, names of exceptions); empty: all.",
    )
    no_retry_on: FailureKinds | None = Field(
        default_factory=list, description="Kinds of failure that are never retried; stronger than retryOn."
    )
    timeout_seconds: Timeout = Field(300, description="Per attempt.")

    def definition(self, *, default_timezone: str, function: model.FunctionInfo | None = None) -> model.TaskDefinition:
        """The whole task that is asked for; how it is retried, where it does not say, as `function` says.

        Raises InvalidInput when it contradicts itself.
        """
        values = _domain_values({name: getattr(self, name) for name in type(self).model_fields})
        if function is not None and self.type == "function":
            said = {name: getattr(function, name) for name in _OF_FUNCTION if name not in self.model_fields_set}
            values |= {name: value for name, value in said.items() if value is not None}
        schedules = merge_schedules(
            Schedules(default_timezone), self._asked(default_timezone, default_timezone), is_new=True
        )
        return model.TaskDefinition(**values, timezone=schedules.timezone, schedules=schedules.rules)

    def _asked(self, own_timezone: str, default_timezone: str) -> Asked:
        """What is said of schedules; those that name no zone have `own_timezone` unless one is given."""
        given = self.model_fields_set
        zone = (self.timezone or default_timezone) if "timezone" in given else None
        return Asked(
            has_expression="cron_expression" in given,
            expression=self.cron_expression,
            timezone=zone,
            rules=read_rules(self.schedules, zone or own_timezone) if "schedules" in given else None,
        )


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field.pop("default", None)


class TaskChange(NewTask):
    """A partial update: only the fields that are given change; null clears an optional one."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    name: Name = ""
    type: TaskTypeName = "function"

    def changes(
        self, before: model.TaskDefinition, shown: model.TaskDefinition, *, default_timezone: str
    ) -> dict[str, Any]:
        """The fields of TaskDefinition that change, given what is stored and how that was answered.

        Raises InvalidInput when they contradict each other.
        """
        stored = Schedules(before.timezone, before.schedules, shown.schedules)
        schedules = merge_schedules(stored, self._asked(before.timezone, default_timezone))
        values = _domain_values({name: getattr(self, name) for name in self.model_fields_set})
        return values | {"timezone": schedules.timezone, "schedules": schedules.rules}


_ENUMS: dict[str, type[StrEnum]] = {
    "type": model.TaskType,
    "catch_up": model.CatchUp,
    "overlap": model.Overlap,
    "delivery": model.Delivery,
    "retry_backoff": model.RetryBackoff,
}
_LISTS = ("tags", "retry_on", "no_retry_on", "http_expect_status", "http_retry_status")
_OF_FUNCTION = (
    "max_retries",
    "retry_delay_seconds",
    "retry_backoff",
    "retry_max_delay_seconds",
    "retry_jitter_percent",
    "retry_on",
    "no_retry_on",
)
"""What a function may say for new tasks that do not."""
_OF_SCHEDULES = frozenset({"cron_expression", "timezone", "schedules"})


def _domain_values(fields: dict[str, Any]) -> dict[str, Any]:
    """JSON's values as those of TaskDefinition, without those of schedules; null becomes the default."""
    when_null: dict[str, Any] = dict.fromkeys(_LISTS, ()) | {
        "description": "",
        "function_payload": {},
        "http_headers": {},
        "http_expect_status": ("2xx",),
    }
    values: dict[str, Any] = {
        name: when_null.get(name) if value is None else value
        for name, value in fields.items()
        if name not in _OF_SCHEDULES
    }
    values |= {name: kind(values[name]) for name, kind in _ENUMS.items() if name in values}
    return values | {name: tuple(values[name]) for name in _LISTS if name in values}


class Toggle(Body):
    """The switch of a task."""

    enabled: Switch
    catch_up: CatchUpIn = Field(
        "none", description="With enabled true: what of the fire times that passed while it was disabled runs now."
    )


class TriggerQuery(Query):
    """How a task is run now."""

    force: QueryBoolean = Field(False, description="Run at once beside what is unfinished, whatever overlap says.")


class TriggerRequest(Body):
    """How a task is run now."""

    payload: JsonObject | None = Field(None, description="Replaces the stored payload for this execution.")


class Triggered(Answer):
    """What became of the wish to run a task now."""

    triggered: bool = Field(description="false: skipped by the task's overlap policy; the execution tells why.")
    execution_id: str
    status: Literal["queued", "skipped"]
    reason: ReasonName | None
    message: str | None = Field(description="The reason in a sentence; null when it will run.")

    @classmethod
    def of(cls, execution: model.Execution) -> Self:
        """What became of it, as it is answered."""
        skipped = execution.status is model.Status.SKIPPED
        return cls(
            triggered=not skipped,
            execution_id=execution.id,
            status="skipped" if skipped else "queued",
            reason=execution.reason.value if execution.reason else None,
            message=execution.error_message,
        )
