"""What is stored of the fire times of one task: their executions, and the revisions by which they were planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from cronplug.model import Execution, Json, Reason, Status, TaskDefinition, TaskType, Trigger
from cronplug.store import schema
from cronplug.store.columns import Id, Instant
from cronplug.store.conn import Conn
from cronplug.store.definitions import definition_from_json
from cronplug.store.deletions import is_deletion
from cronplug.store.statements import Row, Stmt

E, R = schema.executions, schema.task_revisions

_TASK = sa.bindparam("task_id", type_=Id())
_LIMIT = sa.bindparam("limit", type_=sa.Integer())
_BULKY = ("payload", "result")
_COLUMNS = tuple(column for column in E.c if column.name not in _BULKY)
_FIRED: tuple[Any, ...] = (schema.FIRED, E.c.task_id == _TASK)  # in the index's own words, so that it is used

SELECT_BETWEEN = Stmt(
    sa.select(*_COLUMNS)
    .where(
        *_FIRED,
        E.c.scheduled_for > sa.bindparam("after", type_=Instant()),
        E.c.scheduled_for <= sa.bindparam("until", type_=Instant()),
    )
    .order_by(E.c.scheduled_for)
    .limit(_LIMIT)
)
SELECT_LATEST = Stmt(
    sa.select(*_COLUMNS)
    .where(*_FIRED, E.c.scheduled_for <= sa.bindparam("until", type_=Instant()))
    .order_by(E.c.scheduled_for.desc())
    .limit(sa.literal_column("1"))
)
SELECT_REVISIONS = Stmt(
    sa.select(R.c.revision, R.c.created_at, R.c.definition)
    .where(R.c.task_id == _TASK, R.c.created_at <= sa.bindparam("until", type_=Instant()))
    .order_by(R.c.revision.desc())
    .limit(_LIMIT)
)


async def select_executions_of_fire_times(
    conn: Conn, task_id: str, *, after: datetime, until: datetime, limit: int
) -> list[Execution]:
    """The executions of the oldest `limit` fire times in (after, until] that have one, rising; without results."""
    rows = await conn.fetch(SELECT_BETWEEN, task_id=task_id, after=after, until=until, limit=limit)
    return [_execution(row) for row in rows]


async def select_latest_execution_of_fire_time(conn: Conn, task_id: str, *, until: datetime) -> Execution | None:
    """The execution of the newest fire time at or before `until` that has one."""
    row = await conn.fetch_one(SELECT_LATEST, task_id=task_id, until=until)
    return None if row is None else _execution(row)


async def select_revisions(
    conn: Conn, task_id: str, *, until: datetime, limit: int
) -> Sequence[tuple[int, datetime, TaskDefinition]]:
    """The newest `limit` kept revisions of a task made at or before `until`, rising: (number, made at, definition).

    From one that tells of a deletion until the task was brought back it fired as little as a disabled one.
    """
    rows = await conn.fetch(SELECT_REVISIONS, task_id=task_id, until=until, limit=limit)
    return [(row["revision"], row["created_at"], _in_force(row["definition"])) for row in reversed(rows)]


def _in_force(stored: dict[str, Json]) -> TaskDefinition:
    definition = definition_from_json(stored)[0]
    return replace(definition, enabled=False) if is_deletion(stored) else definition


def _execution(row: Row) -> Execution:
    row["trigger"] = Trigger(row["trigger"])
    row["status"] = Status(row["status"])
    row["type"] = TaskType(row["type"])
    if row["reason"] is not None:
        row["reason"] = Reason(row["reason"])
    return Execution(**row)
