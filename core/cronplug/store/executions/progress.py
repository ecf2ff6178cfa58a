"""How far running attempts are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from cronplug.store.columns import Id, Words
from cronplug.store.conn import Conn
from cronplug.store.executions.rows import IS_RUNNING, E
from cronplug.store.statements import JsonRows, Stmt, in_order, pack_rows

_RUNNING_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "execution_id": Id(),
    "attempt": sa.Integer(),
    "lease_owner": Words(),
    "progress": sa.Double(),
    "progress_note": Words(),
    "log_lines": sa.Integer(),
    "log_truncated": sa.Boolean(),
}
_P = JsonRows("rows", _RUNNING_COLUMNS)
_UPDATE_RUNNING = (
    sa.update(E)
    .where(
        E.c.id == _P["execution_id"],
        E.c.attempt == _P["attempt"],
        E.c.lease_owner == _P["lease_owner"],
        IS_RUNNING,
    )
    .values(
        progress=sa.func.coalesce(_P["progress"], E.c.progress),
        progress_note=sa.case((_P["progress"].is_(None), E.c.progress_note), else_=_P["progress_note"]),
        log_lines=_P["log_lines"],
        log_truncated=_P["log_truncated"],
    )
    .returning(E.c.id)
)
_IN_ORDER = in_order(E.c.id, E.c.id.in_(sa.select(_P["execution_id"])))
UPDATE_RUNNING = Stmt(_UPDATE_RUNNING, postgresql=_UPDATE_RUNNING.where(_IN_ORDER))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningUpdate:
    """How far a running attempt is. `progress` None leaves it as it is stored; `log_lines` counts all attempts."""

    execution_id: str
    attempt: int
    lease_owner: str
    log_lines: int
    log_truncated: bool
    progress: float | None = None
    progress_note: str | None = None


async def update_running(conn: Conn, updates: Iterable[RunningUpdate]) -> set[str]:
    """Keep progress and log length of running attempts, one update each; the ids of those that are still the owner's.

    Meant for the unit that keeps their new lines, so that a row's `log_lines` tells how many lines are kept.
    """
    rows = ({name: getattr(update, name) for name in _RUNNING_COLUMNS} for update in updates)
    return {row["id"] for row in await conn.fetch(UPDATE_RUNNING, rows=pack_rows(_RUNNING_COLUMNS, rows))}
