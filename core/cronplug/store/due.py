"""What is due, and what soon will be: the questions that the planner asks all the time."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from cronplug.model import HELD, Task
from cronplug.store import schema
from cronplug.store.columns import Id, Instant
from cronplug.store.conn import Conn
from cronplug.store.executions.reading import NEXT_AVAILABLE_AT
from cronplug.store.executions.turns import HELD_ONES
from cronplug.store.statements import Stmt
from cronplug.store.tasks import AWAITING_ONES, COLUMNS, NEXT_DUE_AT, task_of

T = schema.tasks
_LIMIT = sa.bindparam("limit", type_=sa.Integer())
_UNTIL = sa.bindparam("until", type_=Instant())
_PLACE = sa.tuple_(T.c.next_run_at, T.c.id)
_AFTER = sa.tuple_(sa.bindparam("after_at", type_=Instant()), sa.bindparam("after_id", type_=Id()))

SELECT_DUE_KEYS = Stmt(
    sa.select(T.c.id, T.c.revision, T.c.next_run_at)
    .where(T.c.enabled, T.c.next_run_at <= _UNTIL)
    .order_by(T.c.next_run_at, T.c.id)
    .limit(_LIMIT)
)
SELECT_COMING = Stmt(
    sa.select(*COLUMNS)
    .where(
        T.c.enabled,
        _PLACE > _AFTER,
        T.c.next_run_at <= _UNTIL,
    )
    .order_by(T.c.next_run_at, T.c.id)
    .limit(_LIMIT)
)

SELECT_OUTLOOK = Stmt(
    sa.select(
        NEXT_DUE_AT.scalar_subquery().label("next_run_at"),
        NEXT_AVAILABLE_AT.scalar_subquery().label("available_at"),
        sa.or_(sa.exists(HELD_ONES), sa.exists(AWAITING_ONES)).label("anything_awaits_an_end"),
    )
)


class Outlook(NamedTuple):
    """What there may be to do next: the earliest fire time and the earliest start, past or coming (None: there is none).

    `anything_awaits_an_end`: executions are held, or tasks count from the end of one.
    """

    next_run_at: datetime | None
    available_at: datetime | None
    anything_awaits_an_end: bool


class DueKey(NamedTuple):
    """What tells a task at one fire time from the same at any other, and from what it is once it was changed."""

    task_id: str
    revision: int
    next_run_at: datetime


class Place(NamedTuple):
    """A place in the order of what is coming."""

    at: datetime
    task_id: str = ""


async def select_outlook(conn: Conn) -> Outlook:
    """All that the engine may have to do, told by one statement: a look into four indexes."""
    (row,) = await conn.fetch(SELECT_OUTLOOK, held=HELD)
    return Outlook(**row)


async def select_due_keys(conn: Conn, now: datetime, *, limit: int) -> list[DueKey]:
    """Of enabled tasks whose `next_run_at` has come, the oldest first."""
    rows = await conn.fetch(SELECT_DUE_KEYS, until=now, limit=limit)
    return [DueKey(row["id"], row["revision"], row["next_run_at"]) for row in rows]


async def select_coming_tasks(conn: Conn, *, after: Place, until: datetime, limit: int) -> list[Task]:
    """Enabled tasks whose `next_run_at` comes by then, the soonest first, from after that place on."""
    rows = await conn.fetch(SELECT_COMING, after_at=after.at, after_id=after.task_id, until=until, limit=limit)
    return [task_of(row) for row in rows]
