"""Tasks that are deleted, and what is kept to bring them back.

The last revision of a deleted task is one that tells of the deletion: its definition as it was, and beside it what else
only the task's row knew. It goes when retention takes the revisions of that age.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from cronplug.clock import from_millis
from cronplug.model import Json, Reason, Status, TaskDefinition
from cronplug.store import executions, schema
from cronplug.store.columns import Id, Instant, Words
from cronplug.store.conn import Conn
from cronplug.store.definitions import definition_from_json
from cronplug.store.statements import Stmt, given_ids, pack_ids

T, R, E = schema.tasks, schema.task_revisions, schema.executions

_MARK = "deleted_task"

_OF_TASKS = T.c.id.in_(given_ids("ids"))
_NOW = sa.bindparam("now", type_=Instant())
LOCK = Stmt(sa.select(T.c.id).where(_OF_TASKS).order_by(T.c.id).with_for_update())
LOCK_RUNNING = Stmt(
    sa.select(E.c.id, E.c.task_id, E.c.status)
    .where(schema.UNFINISHED, E.c.task_id.in_(given_ids("ids")))
    .order_by(E.c.id)
    .with_for_update()
)


def _text(value: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    return sa.cast(sa.type_coerce(value, sa.BigInteger()), sa.Text())


def _said(text: str) -> sa.ColumnElement[str]:
    return sa.literal_column(f"'{text}'", sa.Text())


# The stored text of a definition is a JSON object; one more member goes in front.
_MARKED = (
    _said(f'{{"{_MARK}":{{"fired_count":')
    + _text(T.c.fired_count)
    + _said(',"created_at":')
    + _text(T.c.created_at)
    + _said(',"failing_since":')
    + sa.func.coalesce(_text(T.c.failing_since), _said("null"))
    + _said("},")
    + sa.func.substr(sa.type_coerce(T.c.definition, sa.Text()), sa.literal_column("2"))
)
MARK = Stmt(
    sa.insert(R).from_select(
        ["task_id", "revision", "definition", "created_at"],
        sa.select(T.c.id, T.c.revision + sa.literal_column("1"), _MARKED, sa.cast(_NOW, sa.BigInteger())).where(
            _OF_TASKS
        ),
    )
)
DELETE = Stmt(sa.delete(T).where(_OF_TASKS))
CANCEL_QUEUED = Stmt(
    sa.update(E)
    .where(schema.UNFINISHED, schema.QUEUED, E.c.task_id.in_(given_ids("ids")))
    .values(
        status=sa.literal_column("'cancelled'"),
        reason=sa.bindparam("new_reason", type_=Words()),
        error_message=sa.bindparam("message", type_=Words()),
        finished_at=_NOW,
    )
    .returning(E.c.id)
)
SELECT_RUNNING = Stmt(
    sa.select(E.c.task_id)
    .where(schema.UNFINISHED, E.c.status == sa.literal_column("'running'"), E.c.task_id.in_(given_ids("ids")))
    .distinct()
)
SELECT_LAST = Stmt(
    sa.select(R.c.revision, R.c.definition)
    .where(R.c.task_id == sa.bindparam("id", type_=Id()))
    .order_by(R.c.revision.desc())
    .limit(sa.literal_column("1"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """What became of the wish to delete tasks: `deleted` are gone, `running` (and only those) stay.

    `cancelled` are executions that were queued, `stopping` those that were asked to stop.
    """

    deleted: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()
    cancelled: Sequence[str] = ()
    stopping: Sequence[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedTask:
    """A deleted task, as it was; `revision` is the one that tells of the deletion."""

    revision: int
    definition: TaskDefinition
    fired_count: int
    created_at: datetime
    failing_since: datetime | None


async def delete_tasks(conn: Conn, task_ids: Collection[str], *, force: bool = False, now: datetime) -> Deleted:
    """Delete those of the tasks that have no running execution; with `force` also the others, asking those to stop.

    Their executions and revisions stay until retention takes them; queued executions are cancelled.
    """
    # First the tasks: from here on nobody can queue anything for them, and what was queued before can be seen.
    present = {row["id"] for row in await conn.fetch(LOCK, ids=pack_ids(sorted(task_ids)))}
    unfinished = await conn.fetch(LOCK_RUNNING, ids=pack_ids(present)) if present else []
    stopping = [row["id"] for row in unfinished if row["status"] == Status.RUNNING]
    running = frozenset(row["task_id"] for row in unfinished if row["status"] == Status.RUNNING)
    gone = present if force else present - running
    if not gone:
        return Deleted(running=running)
    ids = pack_ids(sorted(gone))
    await conn.run(MARK, ids=ids, now=now)
    await conn.run(DELETE, ids=ids)
    if force:
        for execution_id in stopping:
            await executions.request_cancel(conn, execution_id, now=now)
    cancelled: list[str] = []
    if any(row["status"] == Status.QUEUED for row in unfinished):
        message = "The task was deleted before this ran."
        rows = await conn.fetch(CANCEL_QUEUED, ids=ids, new_reason=Reason.TASK_DELETED, message=message, now=now)
        cancelled = [row["id"] for row in rows]
    return Deleted(
        deleted=frozenset(gone),
        running=frozenset() if force else running,
        cancelled=cancelled,
        stopping=stopping if force else (),
    )


async def select_running_tasks(conn: Conn, task_ids: Collection[str]) -> frozenset[str]:
    """Those of the tasks that have a running execution."""
    return frozenset(row["task_id"] for row in await conn.fetch(SELECT_RUNNING, ids=pack_ids(task_ids)))


async def select_deleted(conn: Conn, task_id: str) -> DeletedTask | None:
    """A deleted task that can be brought back; None for any other id."""
    row = await conn.fetch_one(SELECT_LAST, id=task_id)
    if row is None or not is_deletion(row["definition"]):
        return None
    mark = row["definition"][_MARK]
    return DeletedTask(
        revision=row["revision"],
        definition=definition_from_json(row["definition"])[0],
        fired_count=mark["fired_count"],
        created_at=from_millis(mark["created_at"]),
        failing_since=None if mark.get("failing_since") is None else from_millis(mark["failing_since"]),
    )


def is_deletion(stored: Mapping[str, Json]) -> bool:
    """Whether a stored revision tells that its task was deleted."""
    return _MARK in stored
