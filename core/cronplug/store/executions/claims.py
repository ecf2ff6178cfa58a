"""The start of an attempt: claims, and the leases that tell whose it is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from cronplug.model import Execution, Status
from cronplug.store.columns import Instant, Words
from cronplug.store.conn import Conn
from cronplug.store.executions.rows import IS_QUEUED, IS_RUNNING, LIMIT, NOW, NULL, E, bind, execution_of
from cronplug.store.statements import Stmt, given_ids, in_order, pack_ids

_CLAIMABLE = (
    sa.select(E.c.id)
    .where(IS_QUEUED, E.c.available_at <= NOW, E.c.id.not_in(given_ids("except_ids")))
    .order_by(E.c.available_at, E.c.id)
    .limit(LIMIT)
    .with_for_update(skip_locked=True)  # left out on SQLite, where one writer needs none
    .correlate(None)
    .cte("claimable")  # PostgreSQL may run a plain subquery more than once, and then claim more than the limit
)
# What the claim does not say itself of the row that it makes.
_CLAIMED = (
    "id", "trigger", "scheduled_for", "queued_at", "available_at", "task_id", "task_name", "task_revision", "type",
    "function_name", "payload", "timeout_seconds", "attempt", "cut_offs", "retry_of", "cancel_requested", "started_at",
    "log_lines", "log_truncated",
)  # fmt: skip
CLAIM = Stmt(
    sa.update(E)
    .where(E.c.id.in_(sa.select(_CLAIMABLE.c.id)))
    .values(
        status=sa.literal_column("'running'"),
        attempt=E.c.attempt + sa.literal_column("1"),
        lease_owner=bind("node_id", Words()),
        lease_until=bind("lease_until", Instant()),
        started_at=sa.func.coalesce(E.c.started_at, NOW),
        attempt_started_at=NOW,
        reason=NULL,
        error_message=NULL,
        worker=NULL,
        progress=NULL,
        progress_note=NULL,
    )
    .returning(*(E.c[name] for name in _CLAIMED))
)
_RENEW = (
    sa.update(E)
    .where(E.c.id.in_(given_ids("ids")), IS_RUNNING, E.c.lease_owner == bind("node_id", Words()))
    .values(lease_until=bind("lease_until", Instant()))
    .returning(E.c.id, E.c.cancel_requested)
)
RENEW = Stmt(_RENEW, postgresql=_RENEW.where(in_order(E.c.id, E.c.id.in_(given_ids("ids")))))
EXPIRE_OTHERS = Stmt(
    sa.update(E)
    .where(IS_RUNNING, E.c.lease_until.is_not(None), E.c.lease_owner != bind("node_id", Words()))
    .values(lease_until=NOW)
)
SELECT_EXPIRED = Stmt(
    sa.select(E).where(IS_RUNNING, E.c.lease_until <= NOW).order_by(E.c.lease_until, E.c.id).limit(LIMIT)
)


async def claim_executions(
    conn: Conn,
    *,
    node_id: str,
    now: datetime,
    lease_until: datetime,
    limit: int,
    except_ids: Collection[str] = (),
) -> list[Execution]:
    """Begin the next attempt of queued executions whose time has come, the longest waiting first."""
    rows = await conn.fetch(
        CLAIM, node_id=node_id, now=now, lease_until=lease_until, limit=limit, except_ids=pack_ids(except_ids)
    )
    ours = {
        "status": Status.RUNNING, "reason": None, "lease_owner": node_id, "lease_until": lease_until,
        "attempt_started_at": now,
    }  # fmt: skip
    claimed = [execution_of(row | ours) for row in rows]
    return sorted(claimed, key=lambda execution: (execution.available_at, execution.id))


async def renew_leases(
    conn: Conn, execution_ids: Collection[str], *, node_id: str, lease_until: datetime
) -> list[tuple[str, bool]]:
    """Keep what a node knows to be running: (id, is its cancel requested) of what is still its own.

    What it does not name (a claim whose answer was lost) expires, and is rescued like the work of a dead node.
    """
    if not execution_ids:
        return []
    rows = await conn.fetch(RENEW, ids=pack_ids(execution_ids), node_id=node_id, lease_until=lease_until)
    return [(row["id"], row["cancel_requested"]) for row in rows]


async def expire_leases_of_others(conn: Conn, node_id: str, *, now: datetime) -> None:
    """Let every running execution of another node expire now: there is no other node."""
    await conn.run(EXPIRE_OTHERS, node_id=node_id, now=now)


async def select_expired(conn: Conn, now: datetime, *, limit: int) -> list[Execution]:
    """Running executions whose lease has ended, the longest ended first."""
    return [execution_of(row) for row in await conn.fetch(SELECT_EXPIRED, now=now, limit=limit)]
