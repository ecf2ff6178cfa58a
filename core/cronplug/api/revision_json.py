"""How the revisions of a task look from outside."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field

from cronplug import model
from cronplug.api.fields import QUERY_WHOLE, Answer, Instant, JsonObject, Query
from cronplug.api.task_json import NewTask, Task
from cronplug.clock import EPOCH
from cronplug.operations import RevisionView, TaskView

_DECIDED = frozenset(NewTask.model_fields)
"""The fields of a task that a person decides."""


class FieldChange(Answer):
    """A field of a task that a change made another; a secret has its mask on both sides."""

    field: str
    from_: Any = Field(alias="from")
    to: Any


class Revision(Answer):
    """What a task was from a change on."""

    revision: int
    created_at: Instant
    deleted: bool = Field(description="The task was deleted then; a later revision tells that it was brought back.")
    changes: list[FieldChange] = Field(description="Against the one before; empty for the first that is kept.")
    definition: JsonObject = Field(description="The fields of the task that a person decides, as GET answers them.")

    @classmethod
    def of(cls, view: RevisionView) -> Self:
        """The revision as it is answered."""
        definition = show_definition(view.definition)
        changes: list[FieldChange] = []
        if view.before is not None:
            before = show_definition(view.before)
            changed = {_OUTSIDE[name] for name in view.changed if name in _OUTSIDE}
            changes = [
                FieldChange(field=name, from_=before[name], to=value)
                for name, value in definition.items()
                if before[name] != value or name in changed
            ]
        return cls(
            revision=view.number,
            created_at=view.created_at,
            deleted=view.is_deletion,
            changes=changes,
            definition=definition,
        )


class RevisionList(Answer):
    """One page of a task's revisions, the newest first."""

    items: list[Revision] = Field(alias="list")
    total: int
    page: int
    page_size: int


class RevisionQuery(Query):
    """Which revisions."""

    page: Annotated[int, Field(ge=1, le=1_000_000_000), QUERY_WHOLE] = 1
    page_size: Annotated[int, Field(ge=1, le=100), QUERY_WHOLE] = 20


_OUTSIDE = {name: field.alias or name for name, field in NewTask.model_fields.items()}


def show_definition(definition: model.TaskDefinition) -> dict[str, Any]:
    """A definition as the fields of a task."""
    task = model.Task(id="", definition=definition, revision=0, created_at=EPOCH, updated_at=EPOCH, next_run_at=None)
    shown = Task.of(TaskView(task=task, state="disabled", next_run_at=None, recent=(), results=()))
    fields: dict[str, Any] = shown.model_dump(mode="json", by_alias=True, include=set(_DECIDED))
    return fields
