"""How functions and plugins look from outside."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field

from cronplug import model
from cronplug.api.fields import QUERY_WHOLE, WHOLE, Answer, Body, JsonObject, Query


class Function(Answer):
    """A function that a plugin registered."""

    name: str
    title: str
    plugin: str
    version: str
    description: str
    payload_schema: JsonObject = Field(description="JSON Schema 2020-12.")
    isolation: Literal["worker", "inline"]
    is_async: bool
    timeout_seconds: int | None = Field(description="The author's suggestion for tasks.")
    max_retries: int | None = Field(description="The author's suggestion for tasks.")
    idempotent: bool = Field(description="The author says that a second attempt does no harm.")
    tags: list[str]
    task_count: int = Field(description="How many tasks run it.")

    @classmethod
    def of(cls, function: model.FunctionInfo, *, task_count: int) -> Self:
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
            max_retries=function.max_retries,
            idempotent=function.idempotent,
            tags=list(function.tags),
            task_count=task_count,
        )


class FunctionList(Answer):
    """Every registered function, by name."""

    items: list[Function] = Field(alias="list")


class InvokeRequest(Body):
    """A call of a function without a task."""

    payload: JsonObject | None = None
    timeout_seconds: Annotated[int, Field(ge=1, le=604_800), WHOLE] | None = None


class InvokeQuery(Query):
    """How long the caller waits."""

    wait: Annotated[int, Field(ge=0, le=60), QUERY_WHOLE] = Field(0, description="Seconds to wait for the end.")


class Plugin(Answer):
    """What became of an installed plugin."""

    name: str = Field(description="The distribution's name.")
    version: str
    status: Literal["ok", "broken", "disabled"]
    error: str | None
    functions: list[str]
    warnings: list[str]
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
            import_seconds=record.import_seconds,
        )


class PluginList(Answer):
    """Every installed plugin, by name."""

    items: list[Plugin] = Field(alias="list")
