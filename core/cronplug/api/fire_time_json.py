"""How the fire times of a task look from outside, each with what became of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field

from cronplug import operations
from cronplug.api.execution_json import ReasonName, StatusName
from cronplug.api.fields import QUERY_WHOLE, Answer, Instant, InstantIn, Query, fault
from cronplug.clock import EPOCH, from_millis, to_millis
from cronplug.errors import FieldError, InvalidInput

AccountName = Literal[
    "execution",
    "planned",
    "due",
    "calendar",
    "paused",
    "function_missing",
    "disabled",
    "limit_reached",
    "schedule_error",
    "before_task",
    "schedule_changed",
    "not_kept",
    "unknown",
]

_LAST_CURSOR = to_millis(datetime(9999, 12, 31, tzinfo=UTC))
_MOMENT = timedelta(milliseconds=1)
_A_DAY = timedelta(days=1)


def _cursor(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise fault("cursor", "must be the nextCursor of an earlier page")
    return text


class FireTimeQuery(Query):
    """Which fire times."""

    from_: InstantIn | None = Field(None, alias="from", description="At or after this instant; default a day ago.")
    to: InstantIn | None = Field(
        None, description="At or before this instant; default a day after `from`, or tomorrow."
    )
    limit: Annotated[int, Field(ge=1, le=1_000), QUERY_WHOLE] = 100
    cursor: Annotated[str, AfterValidator(_cursor), Field(json_schema_extra={"pattern": "^[0-9]{1,15}$"})] | None = (
        Field(None, description="`nextCursor` of the page before.")
    )

    def stretch(self, now: datetime) -> tuple[datetime, datetime]:
        """(after, until) of the fire times that are asked for. Raises InvalidInput."""
        start = self.from_ or max(EPOCH, min(now, self.to or now) - _A_DAY)
        until = self.to or max(start, now) + _A_DAY
        if until < start:
            raise InvalidInput([FieldError("to", "must not be before from", "order")])
        after = start - _MOMENT
        return after if self.cursor is None else max(
            after, min(from_millis(min(int(self.cursor), _LAST_CURSOR)), until)
        ), until


class FireTime(Answer):
    """A fire time and what is known of it."""

    fire_time: Instant
    coming: bool = Field(description="It is later than now.")
    account: AccountName = Field(description="execution: there is one, which tells the rest. Else why there is none.")
    message: str | None = Field(description="The reason in a sentence; null where the execution's status says it all.")
    rule: int | None = Field(description="The place of the present schedule that names it; null: none does any more.")
    timezone: str = Field(description="That schedule's zone, or else the task's.")
    execution_id: str | None
    status: StatusName | None
    reason: ReasonName | None

    @classmethod
    def of(cls, told: operations.FireTimeAccount) -> Self:
        """The account as it is answered."""
        execution = told.execution
        return cls(
            fire_time=told.fire_time,
            coming=told.coming,
            account=told.account.value,
            message=told.message,
            rule=told.rule,
            timezone=told.timezone,
            execution_id=None if execution is None else execution.id,
            status=None if execution is None else execution.status.value,
            reason=None if execution is None or execution.reason is None else execution.reason.value,
        )


class FireTimeList(Answer):
    """Fire times of a task, rising: those of its present schedule, of earlier ones, and of executions."""

    items: list[FireTime] = Field(alias="list")
    from_: Instant = Field(alias="from")
    to: Instant
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null at the end.")


def cursor_after(told: operations.FireTimeAccount) -> str:
    """Where a list goes on after a fire time."""
    return str(to_millis(told.fire_time))
