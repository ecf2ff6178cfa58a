"""New executions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from cronplug.model import Execution
from cronplug.store import schema
from cronplug.store.conn import Conn
from cronplug.store.executions.rows import ALL_COLUMNS, E
from cronplug.store.statements import JsonRows, Stmt, pack_objects


@lru_cache(maxsize=64)
def _insert_stmt(names: tuple[str, ...]) -> Stmt:
    """For the columns that have values: most have none in new executions, and each costs its part."""
    new = JsonRows("rows", {name: ALL_COLUMNS[name] for name in names})
    return Stmt(
        insert(E)
        .from_select(
            list(names),
            # Without a WHERE, SQLite takes ON CONFLICT for the condition of a join.
            sa.select(*(new[name] for name in names)).select_from(new.table).where(sa.true()),
        )
        .on_conflict_do_nothing(index_elements=["task_id", "scheduled_for"], index_where=schema.FIRED)
        .returning(E.c.id)
    )


async def insert_executions(conn: Conn, executions: Sequence[Execution]) -> set[str]:
    """Store new executions; the ids of those really inserted. A fire time that has its execution is left out.

    Raises UniqueViolation when an id is taken.
    """
    if not executions:
        return set()
    names = tuple(name for name in ALL_COLUMNS if any(getattr(it, name) is not None for it in executions))
    columns = {name: ALL_COLUMNS[name] for name in names}
    rows = pack_objects(columns, executions)
    return {row["id"] for row in await conn.fetch(_insert_stmt(names), rows=rows)}
