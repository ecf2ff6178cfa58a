"""Many tasks in few statements: found by a filter, and changed in steps, each task wholly or not at all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from cronplug.model import Task
from cronplug.store import schema
from cronplug.store.columns import Id, Instant, storable
from cronplug.store.conn import Conn
from cronplug.store.definitions import definition_to_json
from cronplug.store.statements import JsonRows, Stmt, column_types, given_ids, in_order, pack_ids, pack_rows
from cronplug.store.tasks import COLUMNS, CONDITIONS, TaskFilter, given_in, params_of, task_of, values_of

T, G, R = schema.tasks, schema.task_tags, schema.task_revisions

SELECT = Stmt(sa.select(*COLUMNS).where(T.c.id.in_(given_ids("ids"))).order_by(T.c.id))

_KEPT = ("id", "created_at", "fired_count", "failing_since")
_NEW = {name: type_ for name, type_ in column_types(T).items() if name not in _KEPT}
_CHANGE_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "id": Id(),
    "expected_revision": sa.Integer(),
    "expected_next_run_at": Instant(),
    **_NEW,
}
_C = JsonRows("rows", _CHANGE_COLUMNS)
_UPDATE = (
    sa.update(T)
    .where(
        T.c.id == _C["id"],
        T.c.revision == _C["expected_revision"],
        T.c.next_run_at.is_not_distinct_from(_C["expected_next_run_at"]),
    )
    .values({name: _C[name] for name in _NEW})
    .returning(T.c.id)
)
UPDATE = Stmt(_UPDATE, postgresql=_UPDATE.where(in_order(T.c.id, T.c.id.in_(sa.select(_C["id"])))))

DELETE_TAGS = Stmt(sa.delete(G).where(G.c.task_id.in_(given_ids("ids"))))
_TAG_COLUMNS = column_types(G)
_G = JsonRows("rows", _TAG_COLUMNS)
INSERT_TAGS = Stmt(sa.insert(G).from_select(list(_TAG_COLUMNS), sa.select(*(_G[name] for name in _TAG_COLUMNS))))

_REVISION_COLUMNS = column_types(R)
_R = JsonRows("rows", _REVISION_COLUMNS)
INSERT_REVISIONS = Stmt(
    insert(R)
    .from_select(
        list(_REVISION_COLUMNS),
        sa.select(*(_R[name] for name in _REVISION_COLUMNS)).select_from(_R.table).where(sa.true()),
    )
    .on_conflict_do_nothing(index_elements=["task_id", "revision"])
)


async def select_ids(conn: Conn, filter: TaskFilter, *, after_id: str, limit: int) -> list[str]:
    """The ids of tasks that the filter lets through, rising, from after that one on ("": from the first)."""
    rows = await conn.fetch(_ids_stmt(given_in(filter)), **params_of(filter), after_id=after_id, limit=limit)
    return [row["id"] for row in rows]


async def select_tasks(conn: Conn, task_ids: Collection[str]) -> list[Task]:
    """Those tasks that there are, by id."""
    return [task_of(row) for row in await conn.fetch(SELECT, ids=pack_ids(task_ids))]


async def update_tasks(conn: Conn, changes: Sequence[tuple[Task, Task]]) -> set[str]:
    """Replace tasks, (old, new) each, as `tasks.update_task` does one; the ids of those that were still the old ones.

    Which calendars they heed must be what it was.
    """
    if not changes:
        return set()
    rows = (
        {
            "id": new.id,
            "expected_revision": old.revision,
            "expected_next_run_at": old.next_run_at,
            **values_of(new),
        }
        for old, new in sorted(changes, key=lambda change: change[1].id)
    )
    won = {row["id"] for row in await conn.fetch(UPDATE, rows=pack_rows(_CHANGE_COLUMNS, rows))}
    changed = [(old, new) for old, new in changes if new.id in won]
    await _replace_tags(conn, [new for old, new in changed if new.definition.tags != old.definition.tags])
    if changed:
        revisions = (
            {
                "task_id": new.id,
                "revision": new.revision,
                "definition": definition_to_json(new.definition),
                "created_at": new.updated_at,
            }
            for _, new in changed
        )
        await conn.run(INSERT_REVISIONS, rows=pack_rows(_REVISION_COLUMNS, revisions))
    return won


async def _replace_tags(conn: Conn, changed: Sequence[Task]) -> None:
    if not changed:
        return
    await conn.run(DELETE_TAGS, ids=pack_ids(task.id for task in changed))
    pairs = {(task.id, storable(tag)): None for task in changed for tag in task.definition.tags}
    rows = ({"task_id": task_id, "tag": tag} for task_id, tag in pairs)
    await conn.run(INSERT_TAGS, rows=pack_rows(_TAG_COLUMNS, rows))


@lru_cache(maxsize=64)
def _ids_stmt(given: tuple[str, ...]) -> Stmt:
    return Stmt(
        sa.select(T.c.id)
        .where(T.c.id > sa.bindparam("after_id", type_=Id()), *(CONDITIONS[name] for name in given))
        .order_by(T.c.id)
        .limit(sa.bindparam("limit", type_=sa.Integer()))
    )
