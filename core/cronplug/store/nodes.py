"""Nodes (one row per process start) and the outages between them."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from cronplug.store import schema
from cronplug.store.columns import Instant, Words
from cronplug.store.conn import Conn
from cronplug.store.statements import Stmt

N = schema.nodes
O = schema.outages  # noqa: E741 - as the other tables' letters

KEPT = timedelta(days=90)
"""How long nodes that are gone and outages that are over are remembered."""

_ID = N.c.id == sa.bindparam("node_id", type_=Words())
_NOW = sa.bindparam("now", type_=Instant())
_LEASE = sa.bindparam("new_lease_until", type_=Instant())

INSERT = Stmt(sa.insert(N))
RENEW = Stmt(
    sa.update(N).where(_ID, N.c.stopped_at.is_(None)).values(seen_at=_NOW, lease_until=_LEASE).returning(N.c.id)
)
STOP = Stmt(sa.update(N).where(_ID).values(seen_at=_NOW, lease_until=_NOW, stopped_at=_NOW))
_OTHERS = N.c.id != sa.bindparam("node_id", type_=Words())
LAST_ALIVE_AT = Stmt(
    sa.select(sa.func.max(N.c.seen_at)).where(_OTHERS),
    postgresql=sa.select(sa.func.max(N.c.lease_until)).where(_OTHERS),  # `stop` ends the lease too
)
FORGET = Stmt(
    sa.delete(N).where(
        N.c.seen_at < sa.bindparam("before", type_=Instant()),
        N.c.seen_at < sa.select(sa.func.max(N.alias("any").c.seen_at)).scalar_subquery(),
    )
)

NOW = Stmt(
    sa.select(sa.literal_column("CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)", Instant()).label("now")),
    postgresql=sa.select(
        sa.literal_column("CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)", Instant()).label("now")
    ),
)
INSERT_OUTAGE = Stmt(insert(O).on_conflict_do_nothing(index_elements=["down_from", "down_until"]))
SELECT_OUTAGES = Stmt(
    sa.select(O).where(O.c.down_until > sa.bindparam("since", type_=Instant())).order_by(O.c.down_from, O.c.down_until)
)
FORGET_OUTAGES = Stmt(sa.delete(O).where(O.c.down_until < sa.bindparam("before", type_=Instant())))


async def insert_node(
    conn: Conn, node_id: str, *, now: datetime, lease_until: datetime, version: str, host: str, pid: int
) -> None:
    """A process has started; nodes and outages of long ago are forgotten on the way."""
    await conn.run(FORGET, before=now - KEPT)
    await conn.run(FORGET_OUTAGES, before=now - KEPT)
    await conn.run(
        INSERT,
        id=node_id,
        started_at=now,
        seen_at=now,
        lease_until=lease_until,
        stopped_at=None,
        version=version,
        host=host,
        pid=pid,
    )


async def renew_node(conn: Conn, node_id: str, *, now: datetime, lease_until: datetime) -> bool:
    """The process is alive; False when it has said that it stopped, or is not known."""
    return bool(await conn.fetch(RENEW, node_id=node_id, now=now, new_lease_until=lease_until))


async def stop_node(conn: Conn, node_id: str, *, now: datetime) -> None:
    """The process ends on purpose."""
    await conn.run(STOP, node_id=node_id, now=now)


async def last_alive_at(conn: Conn, *, except_node: str) -> datetime | None:
    """Until when any other node was alive; None when there never was one.

    On SQLite, where no other node can be alive any more, the last sign of life; on PostgreSQL the end of the newest
    lease, which lies ahead while another node may be alive.
    """
    at: datetime | None = await conn.fetch_value(LAST_ALIVE_AT, node_id=except_node)
    return at


async def database_now(conn: Conn) -> datetime:
    """The present instant by the database's clock (not that of the transaction's start)."""
    at: datetime = await conn.fetch_value(NOW)
    return at


async def insert_outage(conn: Conn, down_from: datetime, down_until: datetime) -> None:
    """No node was alive from `down_from` to `down_until`."""
    await conn.run(INSERT_OUTAGE, down_from=down_from, down_until=down_until)


async def select_outages(conn: Conn, *, since: datetime) -> list[tuple[datetime, datetime]]:
    """The outages (from, until) that were not over at `since`, the earliest first."""
    return [(row["down_from"], row["down_until"]) for row in await conn.fetch(SELECT_OUTAGES, since=since)]
