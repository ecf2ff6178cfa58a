"""How one act on many tasks looks from outside."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from cronplug.api.fields import WHOLE, Answer, Body, CatchUpIn, QueryText, Switch, TagName, TextsIn, fault
from cronplug.api.task_json import TaskTypeName
from cronplug.model import CatchUp, TaskType
from cronplug.operations import BulkFailure, BulkOutcome, BulkRequest
from cronplug.store.tasks import Condition, TaskFilter

ActionName = Literal["enable", "disable", "delete", "restore", "trigger", "addTags", "removeTags"]
_TaskId = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class BulkFilter(Body):
    """Which tasks; the fields are the parameters of the list of tasks. Without any it is all of them."""

    type: TaskTypeName | None = None
    enabled: Switch | None = None
    q: QueryText | None = None
    tag: TextsIn = Field((), description="One tag, or several: tasks that have all of them.")
    function_name: QueryText | None = None
    state: Condition | None = None
    calendar_id: QueryText | None = None

    def read(self) -> TaskFilter:
        """The filter that is meant."""
        return TaskFilter(
            type=TaskType(self.type) if self.type else None,
            enabled=self.enabled,
            q=self.q,
            tags=self.tag,
            function_name=self.function_name,
            state=self.state,
            calendar_id=self.calendar_id,
        )


class BulkChange(Body):
    """What is to be done with which tasks: either `ids` or `filter` says which."""

    action: ActionName = Field(description="restore brings back tasks that were deleted, by their `ids`.")
    ids: Annotated[list[_TaskId], Field(min_length=1, max_length=1000)] | None = None
    filter: BulkFilter | None = Field(None, description="Needs `expect`, unless `dryRun`.")
    tags: Annotated[list[TagName], Field(min_length=1, max_length=20)] | None = Field(
        None, description="For addTags and removeTags."
    )
    catch_up: CatchUpIn = Field("none", description="For enable: what runs of what was missed while it was disabled.")
    dry_run: bool = Field(False, description="Do nothing, and tell what would be done.")
    expect: Annotated[int, Field(ge=0, le=1_000_000_000), WHOLE] | None = Field(
        None, description="How many tasks the caller knows it to be; when they are more or fewer, 409 and nothing done."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            raise fault("one_of", "give either ids or filter")
        if self.filter is not None and self.action == "restore":
            raise fault("not_allowed", "restore takes ids: a filter finds no deleted tasks")
        if self.filter is not None and not self.dry_run and self.expect is None:
            raise fault("required", "a filter needs expect, the number of tasks that dryRun told")
        if (self.tags is not None) != (self.action in ("addTags", "removeTags")):
            raise fault("tags", "addTags and removeTags need tags, and nothing else takes them")
        if self.catch_up != "none" and self.action != "enable":
            raise fault("not_allowed", "only enable takes catchUp")
        return self

    def read(self) -> BulkRequest:
        """The request that is meant."""
        return BulkRequest(
            action=self.action,
            ids=self.ids,
            filter=None if self.filter is None else self.filter.read(),
            tags=tuple(self.tags or ()),
            catch_up=CatchUp(self.catch_up),
            dry_run=self.dry_run,
            expect=self.expect,
        )


class BulkRefusal(Answer):
    """A task with which it could not be done."""

    id: str
    name: str | None = Field(description="null: there is no such task.")
    code: str = Field(description="Of the error that it would be alone, or the reason why its execution was skipped.")
    message: str

    @classmethod
    def of(cls, failure: BulkFailure) -> Self:
        """The failure as it is answered."""
        return cls(id=failure.task_id, name=failure.name, code=failure.code, message=failure.message)


class BulkResult(Answer):
    """What was done with many tasks, or with dryRun what would be done."""

    action: ActionName
    dry_run: bool
    matched: int = Field(description="How many of the tasks there are.")
    changed: int
    unchanged: int = Field(description="Those that were that way already.")
    changed_ids: list[str] = Field(description="The first 1,000 of those that were changed.")
    failed: list[BulkRefusal] = Field(description="The first 100.")
    failed_count: int

    @classmethod
    def of(cls, outcome: BulkOutcome) -> Self:
        """The outcome as it is answered."""
        return cls(
            action=outcome.action,
            dry_run=outcome.dry_run,
            matched=outcome.matched,
            changed=outcome.changed,
            unchanged=outcome.unchanged,
            changed_ids=outcome.changed_ids,
            failed=[BulkRefusal.of(failure) for failure in outcome.failed],
            failed_count=outcome.failed_count,
        )
