"""Executions that wait for an earlier one of their task, and their turns."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from cronplug.model import HELD
from cronplug.store import schema
from cronplug.store.columns import Id, Instant
from cronplug.store.conn import Conn
from cronplug.store.executions.rows import HELD_UNTIL, IS_QUEUED, IS_UNFINISHED, LIMIT, NOW, E, bind
from cronplug.store.statements import Stmt, given_ids, pack_ids

_W = E.alias("waiting")
_O = E.alias("other")
_IS_WAITING = sa.and_(_W.c.available_at == HELD_UNTIL, schema.QUEUED)
_NOTHING_BEFORE = sa.not_(
    sa.exists().where(_O.c.task_id == _W.c.task_id, schema.UNFINISHED, _O.c.available_at < HELD_UNTIL)
)
HELD_ONES = sa.select(_W.c.id).where(_IS_WAITING).limit(sa.literal_column("1"))
HOLDS = Stmt(HELD_ONES)
SELECT_NEXT_TURNS = Stmt(sa.select(_W.c.task_id).distinct().where(_IS_WAITING, _NOTHING_BEFORE).limit(LIMIT))
# With the plus sign SQLite goes by the index of unfinished ones by task, not through everything that is held.
_OF_THESE = sa.and_(
    _W.c.task_id.in_(given_ids("task_ids")),
    schema.UNFINISHED,
    sa.literal_column("+waiting.available_at", Instant()) == HELD_UNTIL,
    schema.QUEUED,
)
SELECT_NEXT_TURNS_OF = Stmt(sa.select(_W.c.task_id).distinct().where(_OF_THESE, _NOTHING_BEFORE))
RELEASE = Stmt(
    sa.update(E)
    .where(
        E.c.id.in_(sa.select(sa.func.min(_W.c.id)).where(_OF_THESE, _NOTHING_BEFORE).group_by(_W.c.task_id)),
        sa.literal_column("+executions.available_at", Instant()) == HELD_UNTIL,
        sa.text("executions.status || '' = 'queued'"),
    )
    .values(available_at=NOW)
    .returning(E.c.id)
)
RELEASE_ALL = Stmt(
    sa.update(E)
    .where(
        IS_UNFINISHED,
        IS_QUEUED,
        E.c.task_id == bind("task_id", Id()),
        sa.literal_column("+executions.available_at", Instant()) == HELD_UNTIL,
    )
    .values(available_at=NOW)
    .returning(E.c.id)
)


async def holds_any(conn: Conn) -> bool:
    """Whether any execution waits for an earlier one of its task."""
    return bool(await conn.fetch(HOLDS, held=HELD))


async def select_next_turns(conn: Conn, task_ids: Collection[str] | None = None, *, limit: int) -> list[str]:
    """Tasks, of these or of all, that have held executions and nothing else unfinished, at most `limit` of all."""
    if task_ids is None:
        rows = await conn.fetch(SELECT_NEXT_TURNS, held=HELD, limit=limit)
    else:
        rows = await conn.fetch(SELECT_NEXT_TURNS_OF, held=HELD, task_ids=pack_ids(task_ids))
    return [row["task_id"] for row in rows]


async def release_held(conn: Conn, task_ids: Collection[str], *, now: datetime) -> list[str]:
    """Let the oldest held execution of each task start, where nothing else is unfinished; their ids.

    The caller has locked the tasks (`tasks.lock_tasks`), so that one at a time decides about each.
    """
    rows = await conn.fetch(RELEASE, task_ids=pack_ids(task_ids), held=HELD, now=now)
    return [row["id"] for row in rows]


async def release_all_held(conn: Conn, task_id: str, *, now: datetime) -> list[str]:
    """Let all held executions of a task start, whatever else is unfinished; their ids.

    For the transaction that changed the task, so that nobody holds another one back by the policy it had.
    """
    rows = await conn.fetch(RELEASE_ALL, task_id=task_id, held=HELD, now=now)
    return sorted(row["id"] for row in rows)
