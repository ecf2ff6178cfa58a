"""What goes wrong with a task, and how often."""

from __future__ import annotations

from typing import Self

from pydantic import Field
from quart import Blueprint, Response

from cronplug.api.execution_json import ReasonName
from cronplug.api.fields import Answer, Instant, InstantIn, Query
from cronplug.api.operation import answer, operation
from cronplug.api.parts import parts
from cronplug.model import Reason
from cronplug.planning.fingerprints import ErrorGroup

error_groups = Blueprint("error_groups", __name__, url_prefix="/api/scheduler/tasks")


class ErrorsQuery(Query):
    """Which failures."""

    from_: InstantIn | None = Field(
        None, alias="from", description="Queued at or after this instant; default 30 days ago."
    )


class TaskError(Answer):
    """Failures with the same reason and message, but for numbers and identifiers."""

    fingerprint: str = Field(description="The same for the same failure, today and tomorrow.")
    message: str = Field(description="What they have in common; <n>, <hex> and <id> stand for what differs.")
    last_message: str = Field(description="That of the newest one.")
    reason: ReasonName | None
    count: int
    first_at: Instant
    last_at: Instant
    last_execution_id: str

    @classmethod
    def of(cls, group: ErrorGroup) -> Self:
        """The group as it is answered."""
        return cls(
            fingerprint=group.fingerprint,
            message=group.message,
            last_message=group.last_message,
            reason=None if group.reason is None else Reason(group.reason).value,
            count=group.count,
            first_at=group.first_at,
            last_at=group.last_at,
            last_execution_id=group.last_execution_id,
        )


class TaskErrors(Answer):
    """At most 50 groups of failures, the most frequent first."""

    items: list[TaskError] = Field(alias="list")
    looked: int = Field(description="How many failed executions were looked at: the newest, at most 2,000.")


@error_groups.get("/<task_id>/errors")
@operation("listTaskErrors", shared=True, tag="tasks", query=ErrorsQuery, answers={200: TaskErrors}, problems=(404,))
async def list_task_errors(task_id: str, query: ErrorsQuery) -> Response:
    """Show what goes wrong with a task, and how often."""
    errors = await parts().operations.task_errors(task_id, since=query.from_)
    return answer(TaskErrors(items=[TaskError.of(group) for group in errors.groups], looked=errors.looked))
