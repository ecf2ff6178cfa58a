"""The end of old executions."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from cronplug.ids import encode_id, first_id_at
from cronplug.store import schema
from cronplug.store.columns import Id, Instant
from cronplug.store.conn import Conn
from cronplug.store.executions.rows import LIMIT, E, bind
from cronplug.store.statements import Stmt

_KEPT_SHORTER = "'success', 'skipped', 'missed', 'cancelled'"
_KEPT_LONGER = "'failed', 'timed_out', 'lost'"


def _delete_old(statuses: str) -> Stmt:
    newer = E.alias("newer")
    task = schema.tasks
    is_newest_of_its_task = sa.and_(
        sa.exists().where(task.c.id == E.c.task_id),
        sa.not_(sa.exists().where(newer.c.task_id == E.c.task_id, newer.c.id > E.c.id)),
    )
    old = (
        sa.select(E.c.id)
        .where(
            sa.text(f"executions.status IN ({statuses})"),
            E.c.id < bind("id_before", Id()),  # what ended before was made before: the index (status, id) finds it
            E.c.finished_at < bind("before", Instant()),
            sa.not_(is_newest_of_its_task),
        )
        .limit(LIMIT)
        .correlate(None)
    )
    return Stmt(sa.delete(E).where(E.c.id.in_(old)).returning(E.c.id))


DELETE_SHORTER = _delete_old(_KEPT_SHORTER)
DELETE_LONGER = _delete_old(_KEPT_LONGER)

_R = schema.task_revisions
_OLD_REVISIONS = (
    sa.select(_R.c.task_id, _R.c.revision)
    .where(
        _R.c.created_at < bind("before", Instant()),
        sa.not_(sa.exists().where(schema.tasks.c.id == _R.c.task_id, schema.tasks.c.revision == _R.c.revision)),
        sa.not_(sa.exists().where(E.c.task_id == _R.c.task_id, E.c.task_revision == _R.c.revision)),
    )
    .limit(sa.literal_column("20"))
    .correlate(None)
)
DELETE_REVISIONS = Stmt(sa.delete(_R).where(sa.tuple_(_R.c.task_id, _R.c.revision).in_(_OLD_REVISIONS)))


async def delete_ended(conn: Conn, *, success_before: datetime, failed_before: datetime, limit: int) -> int:
    """Delete up to `limit` executions that ended long ago, with their attempts and logs; how many.

    `success_before` is for success, skipped, missed and cancelled ones, `failed_before` for failed, timed out and lost
    ones. The newest execution of each task that exists is kept whatever its age. What is left of the revisions of
    tasks, when nothing tells of them any more and they are older than both, goes too.
    """
    deleted = 0
    for stmt, before in ((DELETE_SHORTER, success_before), (DELETE_LONGER, failed_before)):
        if deleted < limit:
            id_before = encode_id(first_id_at(before))
            deleted += len(await conn.fetch(stmt, id_before=id_before, before=before, limit=limit - deleted))
    await conn.run(DELETE_REVISIONS, before=min(success_before, failed_before))
    return deleted
