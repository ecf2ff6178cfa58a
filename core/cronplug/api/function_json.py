"""How functions and plugins look from outside."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from cronplug import model
from cronplug.api.fields import QUERY_WHOLE, WHOLE, Answer, Body, Instant, JsonObject, Query
from cronplug.api.problems import ProblemField
from cronplug.api.series import FunctionFigures
from cronplug.operations import impact
from cronplug.planning.tallies import Tally
from cronplug.registry.upgrades import NewVersion


class Function(Answer):
    """A function that a plugin registered."""

    name: str
    title: str
    plugin: str
    version: str
    description: str
    payload_schema: JsonObject = Field(
        description="JSON Schema 2020-12. A part with writeOnly is a secret: answers have ******** in its place, and "
        "that, sent back with a change, means the stored value."
    )
    isolation: Literal["worker", "inline"]
    is_async: bool
    timeout_seconds: int | None = Field(description="The author's suggestion for tasks.")
    memory_mb: int | None = Field(description="What an attempt may use, with all processes it starts; null: no limit.")
    max_retries: int | None = Field(description="What a new task gets that does not say it; null: 0.")
    retry_delay_seconds: int | None = Field(description="The same for this and the next ones; null: the API's default.")
    retry_backoff: Literal["fixed", "exponential"] | None
    retry_max_delay_seconds: int | None
    retry_jitter_percent: int | None
    retry_on: list[str]
    no_retry_on: list[str]
    idempotent: bool = Field(description="The author says that a second attempt does no harm.")
    tags: list[str]
    task_count: int = Field(description="How many tasks run it.")
    last7_days: FunctionFigures = Field(alias="last7Days")

    @classmethod
    def of(cls, function: model.FunctionInfo, *, task_count: int, tally: Tally | None = None) -> Self:
        """The function as it is answered."""
        return cls(
            name=function.name,
            title=function.title,
            plugin=function.plugin,
            version=function.version,
            description=function.description,
            payload_schema=dict(function.payload_schema),
            isolation=function.isolation,
            is_async=function.is_async,
            timeout_seconds=function.timeout_seconds,
            memory_mb=function.memory_mb,
            max_retries=function.max_retries,
            retry_delay_seconds=function.retry_delay_seconds,
            retry_backoff=function.retry_backoff.value if function.retry_backoff else None,
            retry_max_delay_seconds=function.retry_max_delay_seconds,
            retry_jitter_percent=function.retry_jitter_percent,
            retry_on=list(function.retry_on),
            no_retry_on=list(function.no_retry_on),
            idempotent=function.idempotent,
            tags=list(function.tags),
            task_count=task_count,
            last7_days=FunctionFigures.of(tally or Tally()),
        )


class FunctionList(Answer):
    """Every registered function, by name."""

    items: list[Function] = Field(alias="list")


MaskedAsIn = Annotated[
    str,
    StringConstraints(max_length=100),
    Field(description="The task that a draft was made from: masks stand for its stored secrets."),
]


class InvokeRequest(Body):
    """A call of a function without a task."""

    payload: JsonObject | None = None
    timeout_seconds: Annotated[int, Field(ge=1, le=604_800), WHOLE] | None = None
    task_id: MaskedAsIn | None = None


class InvokeQuery(Query):
    """How long the caller waits."""

    wait: Annotated[int, Field(ge=0, le=60), QUERY_WHOLE] = Field(0, description="Seconds to wait for the end.")


class HookFault(Answer):
    """What an observing hook did wrong."""

    hook: str
    at: Instant = Field(description="The last time.")
    message: str
    count: int = Field(description="Since the plugin's code last changed, or the server was started.")


class Plugin(Answer):
    """What became of an installed plugin."""

    name: str = Field(description="The distribution's name.")
    version: str
    status: Literal["ok", "broken", "disabled"]
    error: str | None
    functions: list[str]
    warnings: list[str]
    hooks: list[str] = Field(description="The observing hooks that it implements.")
    hook_faults: list[HookFault] = Field(description="Those that raised, crashed or took too long; harmless to others.")
    entry_points: list[str] = Field(description="As `name = value`.")
    import_seconds: float

    @classmethod
    def of(cls, record: model.PluginRecord) -> Self:
        """The record as it is answered."""
        return cls(
            name=record.name,
            version=record.version,
            status=record.status,
            error=record.error,
            functions=list(record.functions),
            warnings=list(record.warnings),
            hooks=list(record.hooks),
            hook_faults=[
                HookFault(hook=fault.hook, at=fault.at, message=fault.message, count=fault.count)
                for fault in record.hook_faults
            ],
            entry_points=list(record.entry_points),
            import_seconds=record.import_seconds,
        )


class PluginList(Answer):
    """Every installed plugin, by name."""

    items: list[Plugin] = Field(alias="list")


class NewFunction(Body):
    """A function of a version that is not installed."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    payload_schema: JsonObject = Field(description="JSON Schema 2020-12.")


class NewPluginVersion(Body):
    """A version of a plugin that is not installed, as `cronplug plugins check` reads it from a wheel or a folder."""

    version: Annotated[str, StringConstraints(max_length=200)] = ""
    error: Annotated[str, StringConstraints(max_length=10_000)] | None = Field(
        None, description="Why it cannot be imported; then it has no functions."
    )
    functions: Annotated[list[NewFunction], Field(max_length=10_000)] = Field(default_factory=list)

    def read(self, plugin: str) -> NewVersion:
        """The version to look at."""
        return NewVersion(
            name=plugin,
            version=self.version,
            error=self.error,
            schemas={function.name: function.payload_schema for function in self.functions},
        )


class AffectedTask(Answer):
    """A task that would not run with the new version, or only with it."""

    id: str
    name: str
    enabled: bool
    function_name: str
    problem: Literal["function_missing", "payload_invalid"]
    already: bool = Field(description="It does not run with the present version either.")
    errors: list[ProblemField] = Field(description="What of its payload does not fit.")

    @classmethod
    def of(cls, task: impact.AffectedTask) -> Self:
        """The task as it is answered."""
        return cls(
            id=task.task_id,
            name=task.name,
            enabled=task.enabled,
            function_name=task.function_name,
            problem=task.problem,
            already=task.already,
            errors=[ProblemField.of(error) for error in task.errors],
        )


class PluginImpact(Answer):
    """What another version of a plugin means for the stored tasks."""

    plugin: str
    present_version: str | None = Field(description="null: not installed as of the last look.")
    new_version: str | None = Field(description="null: it is not installed any more.")
    error: str | None = Field(description="Why the new version has no functions at all.")
    warnings: list[str]
    added_functions: list[str]
    removed_functions: list[str]
    changed_functions: list[str] = Field(description="Those whose payload has another schema.")
    checked_tasks: int
    broken_tasks: int = Field(description="How many would not run; `tasks` has at most 1,000 of them.")
    tasks: list[AffectedTask]
    healed_tasks: list[AffectedTask] = Field(description="Those that do not run now and would; the problem is today's.")

    @classmethod
    def of(cls, found: impact.Impact) -> Self:
        """The impact as it is answered."""
        return cls(
            plugin=found.plugin,
            present_version=found.present_version,
            new_version=found.new_version,
            error=found.error,
            warnings=list(found.warnings),
            added_functions=list(found.added),
            removed_functions=list(found.removed),
            changed_functions=list(found.changed),
            checked_tasks=found.checked_tasks,
            broken_tasks=found.broken_tasks,
            tasks=[AffectedTask.of(task) for task in found.tasks],
            healed_tasks=[AffectedTask.of(task) for task in found.healed],
        )
