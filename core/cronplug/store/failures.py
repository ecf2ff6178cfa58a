"""The failures of a task and what was said of them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from cronplug.ids import encode_id, first_id_at
from cronplug.planning.fingerprints import Failure
from cronplug.store import schema
from cronplug.store.columns import Id
from cronplug.store.conn import Conn
from cronplug.store.statements import Stmt

E = schema.executions
_LONGEST_MESSAGE = "20000"

SELECT = Stmt(
    sa.select(
        E.c.id,
        E.c.reason,
        sa.func.substr(E.c.error_message, sa.literal_column("1"), sa.literal_column(_LONGEST_MESSAGE)).label("message"),
        E.c.finished_at,
        E.c.queued_at,
    )
    .where(
        E.c.task_id == sa.bindparam("task_id", type_=Id()),
        E.c.id >= sa.bindparam("id_from", type_=Id()),
        sa.text("executions.status || '' IN ('failed', 'timed_out', 'lost')"),  # by the index of the task's executions
    )
    .order_by(E.c.id.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer()))
)


async def select_failures(conn: Conn, task_id: str, *, since: datetime, limit: int) -> list[Failure]:
    """The executions of a task that failed, timed out or were lost, of those queued since then; the newest first."""
    rows = await conn.fetch(SELECT, task_id=task_id, id_from=encode_id(first_id_at(since)), limit=limit)
    return [Failure(row["id"], row["reason"], row["message"], row["finished_at"] or row["queued_at"]) for row in rows]
