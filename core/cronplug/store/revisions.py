"""What a task was at each of its revisions, also after it was deleted, until retention takes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from cronplug.model import TaskDefinition
from cronplug.store import schema
from cronplug.store.columns import Id, at_most
from cronplug.store.conn import Conn
from cronplug.store.definitions import definition_from_json
from cronplug.store.deletions import is_deletion
from cronplug.store.statements import Stmt

R = schema.task_revisions
_OF_TASK = R.c.task_id == sa.bindparam("id", type_=Id())

SELECT_PAGE = Stmt(
    sa.select(R.c.revision, R.c.created_at, R.c.definition)
    .where(_OF_TASK)
    .order_by(R.c.revision.desc())
    .limit(sa.bindparam("limit", type_=sa.Integer()))
    .offset(sa.bindparam("offset", type_=sa.BigInteger()))
)
COUNT = Stmt(sa.select(sa.func.count()).select_from(R).where(_OF_TASK))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRevision:
    """A revision of a task. `is_deletion`: it tells that the task was deleted, and was then as the definition says."""

    number: int
    created_at: datetime
    definition: TaskDefinition
    is_deletion: bool


async def select_revisions(conn: Conn, task_id: str, *, limit: int, offset: int = 0) -> list[StoredRevision]:
    """Kept revisions of a task, the newest first."""
    rows = await conn.fetch(SELECT_PAGE, id=task_id, limit=limit, offset=at_most(offset))
    return [
        StoredRevision(
            number=row["revision"],
            created_at=row["created_at"],
            definition=definition_from_json(row["definition"])[0],
            is_deletion=is_deletion(row["definition"]),
        )
        for row in rows
    ]


async def count_revisions(conn: Conn, task_id: str) -> int:
    """How many revisions of a task are kept."""
    count: int = await conn.fetch_value(COUNT, id=task_id)
    return count
