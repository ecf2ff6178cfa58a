"""Figures over everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from cronplug.ids import encode_id, first_id_at
from cronplug.model import Status
from cronplug.store import schema
from cronplug.store.columns import Id
from cronplug.store.conn import Conn
from cronplug.store.statements import Stmt


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """`active_jobs`: enabled tasks with a next fire time. `failing_tasks`: those whose newest decisive end was no success.

    `last_24h_by_status`: executions queued in the last 24 hours.
    """

    total_tasks: int
    enabled_tasks: int
    active_jobs: int
    failing_tasks: int
    last_24h_by_status: Mapping[Status, int]
    active_executions: int
    queued_executions: int

    @property
    def last_24h_executions(self) -> int:
        """All executions queued in the last 24 hours."""
        return sum(self.last_24h_by_status.values())


T, E = schema.tasks, schema.executions


def _count(*where: sa.ColumnElement[bool] | sa.TextClause, of: sa.Table = E) -> sa.ScalarSelect[int]:
    return sa.select(sa.func.count()).select_from(of).where(*where).scalar_subquery()


_IS_PLANNED = T.c.next_run_at.is_not(None)

# Each counted within an index: no index that tells whether a task is on is worth its upkeep, one of those off is.
TASKS = Stmt(
    sa.select(
        _count(of=T).label("total"),
        _count(schema.OFF, of=T).label("off"),
        _count(_IS_PLANNED, of=T).label("planned"),
        _count(schema.OFF, _IS_PLANNED, of=T).label("planned_off"),
        _count(T.c.failing_since.is_not(None), of=T).label("failing"),
    )
)


# One count for each status, all of them within the index (status, id).
EXECUTIONS = Stmt(
    sa.select(
        *(
            _count(
                E.c.status == sa.literal_column(f"'{status.value}'"), E.c.id >= sa.bindparam("id_from", type_=Id())
            ).label(status.value)
            for status in Status
        ),
        _count(E.c.status == sa.literal_column("'running'")).label("all_running"),
        _count(E.c.status == sa.literal_column("'queued'")).label("all_queued"),
    )
)

TASKS_BY_FUNCTION = Stmt(
    sa.select(T.c.function_name, sa.func.count().label("tasks"))
    .where(T.c.function_name.is_not(None))
    .group_by(T.c.function_name)
)

SIZE = Stmt(
    sa.select((sa.literal_column("page_count") * sa.literal_column("page_size")).label("bytes")).select_from(
        sa.text("pragma_page_count(), pragma_page_size()")
    ),
    postgresql=sa.select(sa.func.pg_database_size(sa.func.current_database()).label("bytes")),
)


async def select_stats(conn: Conn, *, now: datetime) -> Stats:
    """The figures of the last 24 hours and of now."""
    tasks = (await conn.fetch(TASKS))[0]
    counts = (await conn.fetch(EXECUTIONS, id_from=encode_id(first_id_at(now - timedelta(hours=24)))))[0]
    return Stats(
        total_tasks=tasks["total"],
        enabled_tasks=tasks["total"] - tasks["off"],
        active_jobs=tasks["planned"] - tasks["planned_off"],
        failing_tasks=tasks["failing"],
        last_24h_by_status={status: counts[status.value] for status in Status},
        active_executions=counts["all_running"],
        queued_executions=counts["all_queued"],
    )


async def database_size(conn: Conn) -> int:
    """The size of the database in bytes, without its write-ahead log."""
    size: int = await conn.fetch_value(SIZE)
    return size


async def count_tasks_by_function(conn: Conn) -> dict[str, int]:
    """How many tasks run each function; those that none runs are not in it."""
    return {row["function_name"]: row["tasks"] for row in await conn.fetch(TASKS_BY_FUNCTION)}
