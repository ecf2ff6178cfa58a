"""What people ask for: to cancel, or to take the place of what is unfinished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from cronplug.model import Execution, Reason, Status
from cronplug.store.columns import Id, Words
from cronplug.store.conn import Conn
from cronplug.store.executions.rows import BY_ID, IS_QUEUED, IS_UNFINISHED, NOW, NULL, E, bind, execution_of
from cronplug.store.statements import Stmt, given_ids, in_order, pack_ids


def _if_queued(value: Any, otherwise: Any) -> sa.Case[Any]:
    return sa.case((E.c.status == sa.literal_column("'queued'"), value), else_=otherwise)


REQUEST_CANCEL = Stmt(
    sa.update(E)
    .where(BY_ID, IS_UNFINISHED)
    .values(
        cancel_requested=sa.true(),
        status=_if_queued(sa.literal_column("'cancelled'"), E.c.status),
        reason=_if_queued(sa.literal_column("'cancelled_by_request'"), E.c.reason),
        error_message=_if_queued(NULL, E.c.error_message),
        finished_at=_if_queued(NOW, E.c.finished_at),
    )
    .returning(E)
)
CANCEL_QUEUED_OF_TASK = Stmt(
    sa.update(E)
    .where(IS_UNFINISHED, IS_QUEUED, E.c.task_id == bind("task_id", Id()))
    .values(
        status=sa.literal_column("'cancelled'"),
        reason=bind("new_reason", Words()),
        error_message=bind("message", Words()),
        finished_at=NOW,
    )
    .returning(E.c.id)
)

_OF_TASKS = E.c.task_id.in_(given_ids("task_ids"))
_REPLACE = (
    sa.update(E)
    .where(IS_UNFINISHED, _OF_TASKS)
    .values(
        cancel_requested=sa.true(),
        status=_if_queued(sa.literal_column("'cancelled'"), E.c.status),
        reason=sa.literal_column("'replaced'"),
        error_message=bind("message", Words()),
        finished_at=_if_queued(NOW, E.c.finished_at),
    )
    .returning(E.c.id, E.c.task_id, E.c.status)
)
REPLACE_UNFINISHED = Stmt(_REPLACE, postgresql=_REPLACE.where(in_order(E.c.id, IS_UNFINISHED, _OF_TASKS)))


async def request_cancel(conn: Conn, execution_id: str, *, now: datetime) -> Execution | None:
    """Cancel a queued execution now, mark a running one; it afterwards, or None when it has ended or is unknown."""
    row = await conn.fetch_one(REQUEST_CANCEL, id=execution_id, now=now)
    return None if row is None else execution_of(row)


async def cancel_queued_of_task(conn: Conn, task_id: str, *, reason: Reason, message: str, now: datetime) -> list[str]:
    """Cancel all queued executions of a task; their ids."""
    rows = await conn.fetch(CANCEL_QUEUED_OF_TASK, task_id=task_id, new_reason=reason, message=message, now=now)
    return sorted(row["id"] for row in rows)


@dataclass(frozen=True, slots=True)
class Replaced:
    """An execution whose place another one takes: cancelled if it was queued, asked to stop if it runs."""

    execution_id: str
    task_id: str
    is_running: bool


async def replace_unfinished(conn: Conn, task_ids: Sequence[str], *, message: str, now: datetime) -> list[Replaced]:
    """Cancel whatever of the tasks is queued, and ask whatever runs to stop, for the reason `replaced`."""
    rows = await conn.fetch(REPLACE_UNFINISHED, task_ids=pack_ids(task_ids), message=message, now=now)
    return [Replaced(row["id"], row["task_id"], row["status"] == Status.RUNNING) for row in rows]
