"""How tasks look from outside: what is answered and what is accepted."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints

from cronplug import model
from cronplug.api.execution_json import Execution, ShortExecution, StatusName
from cronplug.api.fields import (
    QUERY_WHOLE,
    WHOLE,
    Answer,
    Body,
    CatchUpIn,
    CatchUpName,
    HeadersIn,
    Instant,
    JsonObject,
    Name,
    ObjectIn,
    Query,
    QueryBoolean,
    QueryText,
    Switch,
    Tags,
    UrlIn,
)
from cronplug.errors import InvalidInput
from cronplug.operations import TaskView
from cronplug.schedules import CronSchedule, describe, parse_rule

TaskTypeName = Literal["function", "http"]
MethodName = Literal["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]
OverlapName = Literal["skip", "allow"]
DeliveryName = Literal["at_least_once", "at_most_once"]
StateName = Literal["active", "disabled", "manual", "function_missing", "payload_invalid", "schedule_error"]
TaskSort = Literal["name", "-name", "createdAt", "-createdAt", "nextRunAt", "-nextRunAt", "updatedAt", "-updatedAt"]


class RecentResult(Answer):
    """One of a task's latest executions, in short."""

    id: str
    status: StatusName
    scheduled_for: Instant
    started_at: Instant | None
    finished_at: Instant | None

    @classmethod
    def of(cls, execution: model.Execution) -> Self:
        """The execution in short."""
        return cls(
            id=execution.id,
            status=execution.status.value,
            scheduled_for=execution.scheduled_for,
            started_at=execution.started_at,
            finished_at=execution.finished_at,
        )


class Task(Answer):
    """A task: what is run, when, and by which policies."""

    id: str
    name: str
    description: str
    tags: list[str]
    enabled: bool
    type: TaskTypeName
    cron_expression: str | None = Field(description="null: no schedule, the task runs only when triggered.")
    timezone: str
    function_name: str | None
    function_payload: JsonObject
    http_method: MethodName
    http_url: str | None
    http_headers: dict[str, str]
    http_body: str | None
    catch_up: CatchUpName
    overlap: OverlapName
    delivery: DeliveryName
    max_retries: int
    retry_delay_seconds: int
    timeout_seconds: int
    created_at: Instant
    updated_at: Instant
    revision: int = Field(description="Counts the changes, from 1; also the ETag.")
    state: StateName
    next_run_at: Instant | None
    schedule_description: str | None = Field(description="The schedule as a sentence; null without a schedule.")
    schedule_error: str | None = Field(description="Why the stored schedule can no longer be read.")
    last_execution: ShortExecution | None
    recent_results: list[RecentResult] = Field(description="The newest 24, oldest first.")

    @classmethod
    def of(cls, view: TaskView) -> Self:
        """The task as it is answered."""
        task, definition = view.task, view.task.definition
        return cls(
            id=task.id,
            name=definition.name,
            description=definition.description,
            tags=list(definition.tags),
            enabled=definition.enabled,
            type=definition.type.value,
            cron_expression=definition.cron_expression,
            timezone=_timezone(definition),
            function_name=definition.function_name,
            function_payload=dict(definition.function_payload),
            http_method=definition.http_method,
            http_url=definition.http_url,
            http_headers=dict(definition.http_headers),
            http_body=definition.http_body,
            catch_up=definition.catch_up.value,
            overlap=definition.overlap.value,
            delivery=definition.delivery.value,
            max_retries=definition.max_retries,
            retry_delay_seconds=definition.retry_delay_seconds,
            timeout_seconds=definition.timeout_seconds,
            created_at=task.created_at,
            updated_at=task.updated_at,
            revision=task.revision,
            state=view.state,
            next_run_at=task.next_run_at,
            schedule_description=schedule_description(definition),
            schedule_error=task.schedule_error,
            last_execution=ShortExecution.of(view.recent[0]) if view.recent else None,
            recent_results=[RecentResult.of(execution) for execution in reversed(view.recent)],
        )


def schedule_description(definition: model.TaskDefinition) -> str | None:
    """The schedule as a sentence; None without one, or when it can no longer be read."""
    sentences = []
    for rule in definition.schedules:
        try:
            schedule = parse_rule(rule)
        except InvalidInput:
            return None
        if isinstance(schedule, CronSchedule):
            sentences.append(describe(schedule))
    return "; ".join(sentences) or None


def _timezone(definition: model.TaskDefinition) -> str:
    """The zone of the first cron expression, or else the task's."""
    for rule in definition.schedules:
        if isinstance(rule, model.CronRule):
            return rule.timezone
    return definition.timezone


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
    tag: QueryText | None = Field(None, description="Only tasks with this tag.")
    function_name: QueryText | None = Field(None, description="Only tasks that run this function.")
    sort: TaskSort = Field("-createdAt", description="A leading hyphen means descending.")


class DeleteQuery(Query):
    """How a task is deleted."""

    force: QueryBoolean = Field(False, description="Cancel running executions first.")


Expression = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Zone = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Description = Annotated[str, StringConstraints(max_length=5000)]
FunctionName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Retries = Annotated[int, Field(ge=0, le=100), WHOLE]
RetryDelay = Annotated[int, Field(ge=1, le=86_400), WHOLE]
Timeout = Annotated[int, Field(ge=1, le=604_800), WHOLE]


class NewTask(Body):
    """A task to be made. What is left out, or null where null is allowed, has the default."""

    name: Name
    type: TaskTypeName
    description: Description | None = ""
    tags: Tags | None = Field(default_factory=list)
    enabled: Switch = True
    cron_expression: Expression | None = Field(None, description="Without one the task runs only when triggered.")
    timezone: Zone | None = Field(None, description="An IANA zone; default SCHEDULER_DEFAULT_TIMEZONE.")
    function_name: FunctionName | None = Field(None, description="Required for type function.")
    function_payload: ObjectIn | None = Field(default_factory=dict)
    http_method: MethodName = "GET"
    http_url: UrlIn | None = Field(None, description="Absolute, http or https. Required for type http.")
    http_headers: HeadersIn | None = Field(default_factory=dict)
    http_body: str | None = None
    catch_up: CatchUpIn = "none"
    overlap: OverlapName = "skip"
    delivery: DeliveryName = "at_least_once"
    max_retries: Retries = 0
    retry_delay_seconds: RetryDelay = 60
    timeout_seconds: Timeout = Field(300, description="Per attempt.")

    def definition(self, *, default_timezone: str) -> model.TaskDefinition:
        """The whole task that is asked for."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        values = _domain_values(fields, default_timezone)
        expression = values.pop("cron_expression")
        if expression is not None:
            values["schedules"] = (model.CronRule(cron_expression=expression, timezone=values["timezone"]),)
        return model.TaskDefinition(**values)


def _without_defaults(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field.pop("default", None)


class TaskChange(NewTask):
    """A partial update: only the fields that are given change; null clears an optional one."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    name: Name = ""
    type: TaskTypeName = "function"

    def given(self, *, default_timezone: str) -> dict[str, Any]:
        """The fields that were sent, as those of TaskDefinition."""
        return _domain_values({name: getattr(self, name) for name in self.model_fields_set}, default_timezone)

    def changes(self, before: model.TaskDefinition, *, default_timezone: str) -> dict[str, Any]:
        """The fields of TaskDefinition that change, given what is stored."""
        values = self.given(default_timezone=default_timezone)
        if "cron_expression" in values or "timezone" in values:
            expression = values.pop("cron_expression", before.cron_expression)
            zone = values.setdefault("timezone", before.timezone)
            values["schedules"] = ()
            if expression is not None:
                values["schedules"] = (model.CronRule(cron_expression=expression, timezone=zone),)
        return values


_ENUMS: dict[str, type[StrEnum]] = {
    "type": model.TaskType,
    "catch_up": model.CatchUp,
    "overlap": model.Overlap,
    "delivery": model.Delivery,
}


def _domain_values(fields: dict[str, Any], default_timezone: str) -> dict[str, Any]:
    """JSON's values as those of TaskDefinition; null becomes the default."""
    when_null = {
        "description": "",
        "tags": (),
        "timezone": default_timezone,
        "function_payload": {},
        "http_headers": {},
    }
    values: dict[str, Any] = {name: when_null.get(name) if value is None else value for name, value in fields.items()}
    values |= {name: kind(values[name]) for name, kind in _ENUMS.items() if name in values}
    if "tags" in values:
        values["tags"] = tuple(values["tags"])
    return values


class Toggle(Body):
    """The switch of a task."""

    enabled: Switch


class TriggerRequest(Body):
    """How a task is run now."""

    payload: JsonObject | None = Field(None, description="Replaces the stored payload for this execution.")


class Triggered(Answer):
    """The task will run."""

    triggered: Literal[True] = True
    execution_id: str
