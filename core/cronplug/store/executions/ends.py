"""The end of an attempt: of its execution too, or the way back to the queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from cronplug.model import Json, Reason, Status
from cronplug.store.columns import Id, Instant, JsonText, Words
from cronplug.store.conn import Conn
from cronplug.store.executions.rows import IS_RUNNING, NULL, ONE, ZERO, A, E
from cronplug.store.statements import JsonRows, Row, Stmt, column_types, in_order, pack_objects, pack_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The end of an attempt, which is the end of its execution (`status` is an ended one) or not (`queued`).

    With `queued` the attempt becomes a row of `attempts`: `reason`, `error_message`, `worker` and `finished_at` tell of
    it, and `attempt_status` (default: what the reason implies). The execution waits until `available_at`, its reason
    `retrying` when the attempt is `counted`, else the attempt's; one that is not counted gives its number back. One that
    was asked to cancel never goes back: it ends `cancelled`.
    `cut_offs`, when given, must be the execution's: with `attempt` it tells every start from every other.
    `finished_at` is the end of the attempt in any case. `result` and `result_summary` are kept only at the end;
    `progress` None leaves what is stored.
    """

    execution_id: str
    attempt: int
    lease_owner: str
    status: Status
    reason: Reason
    finished_at: datetime
    error_message: str | None = None
    result: Json = None
    result_summary: str | None = None
    available_at: datetime | None = None
    worker: str | None = None
    counted: bool = True
    log_lines: int = 0
    log_truncated: bool = False
    progress: float | None = None
    progress_note: str | None = None
    attempt_status: Status | None = None
    cut_offs: int | None = None

    @property
    def queued_reason(self) -> Reason:
        """The reason of the execution while it waits for its next attempt."""
        return Reason.RETRYING if self.counted else self.reason


_FINISH_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "execution_id": Id(),
    "attempt": sa.Integer(),
    "lease_owner": Words(),
    "status": Words(),
    "queued_reason": Words(),
    "reason": Words(),
    "finished_at": Instant(),
    "error_message": Words(),
    "result": JsonText(),
    "result_summary": Words(),
    "available_at": Instant(),
    "worker": Words(),
    "counted": sa.Boolean(),
    "log_lines": sa.Integer(),
    "log_truncated": sa.Boolean(),
    "progress": sa.Double(),
    "progress_note": Words(),
    "attempt_status": Words(),
    "cut_offs": sa.Integer(),
}
_FOR_GOOD = frozenset({Status.SUCCESS, Status.FAILED, Status.TIMED_OUT, Status.LOST})
"""Ends that are so whatever else was asked of the execution."""

# `error_message` always: `replace_unfinished` may have left one that is not true after all.
_ALWAYS = ("execution_id", "attempt", "lease_owner", "cut_offs", "status", "reason", "finished_at", "error_message")
_SOMETIMES = ("result", "result_summary", "worker", "log_lines", "log_truncated", "progress", "progress_note")
_F = JsonRows("rows", _FINISH_COLUMNS)
_GOES_BACK = sa.and_(_F["status"] == sa.literal_column("'queued'"), sa.not_(E.c.cancel_requested))
_CANCELS = sa.and_(_F["status"] == sa.literal_column("'queued'"), E.c.cancel_requested)
_GIVES_BACK = sa.and_(_GOES_BACK, sa.not_(_F["counted"]))
# `replace_unfinished` has said why it is to end; that stands if it does.
_IS_REPLACED = sa.and_(
    E.c.reason == sa.literal_column("'replaced'"),
    E.c.cancel_requested,
    _F["status"].in_([sa.literal_column("'cancelled'"), sa.literal_column("'queued'")]),
)


def _matching(given: JsonRows) -> sa.ColumnElement[bool]:
    """The one check of every end: is the attempt still under way, and its lease the one it had?"""
    return sa.and_(
        E.c.id == given["execution_id"],
        IS_RUNNING,
        E.c.attempt == given["attempt"],
        E.c.lease_owner == given["lease_owner"],
        sa.or_(given["cut_offs"].is_(None), E.c.cut_offs == given["cut_offs"]),
    )


_FINISH = (
    sa.update(E)
    .where(_matching(_F))
    .values(
        status=sa.case((_CANCELS, sa.literal_column("'cancelled'")), else_=_F["status"]),
        reason=sa.case(
            (_IS_REPLACED, E.c.reason),
            (_CANCELS, sa.literal_column("'cancelled_by_request'")),
            (_GOES_BACK, _F["queued_reason"]),
            else_=_F["reason"],
        ),
        error_message=sa.case((_IS_REPLACED, E.c.error_message), else_=_F["error_message"]),
        result=sa.case((_GOES_BACK, NULL), else_=_F["result"]),
        result_summary=sa.case((_GOES_BACK, NULL), else_=_F["result_summary"]),
        finished_at=sa.case((_GOES_BACK, NULL), else_=_F["finished_at"]),
        available_at=sa.func.coalesce(_F["available_at"], E.c.available_at),
        attempt=E.c.attempt - sa.case((_GIVES_BACK, ONE), else_=ZERO),
        cut_offs=E.c.cut_offs + sa.case((_GIVES_BACK, ONE), else_=ZERO),
        worker=sa.func.coalesce(_F["worker"], E.c.worker),
        log_lines=_F["log_lines"],
        log_truncated=_F["log_truncated"],
        progress=sa.case((_GOES_BACK, NULL), else_=sa.func.coalesce(_F["progress"], E.c.progress)),
        progress_note=sa.case((_GOES_BACK, NULL), else_=sa.func.coalesce(_F["progress_note"], E.c.progress_note)),
        lease_owner=NULL,
        lease_until=NULL,
    )
    .returning(E.c.id, E.c.status, E.c.cut_offs, E.c.attempt_started_at)
)
_IN_ORDER = in_order(E.c.id, E.c.id.in_(sa.select(_F["execution_id"])))
_IS_EXPIRED = E.c.lease_until <= _F["finished_at"]
FINISH = Stmt(_FINISH, postgresql=_FINISH.where(_IN_ORDER))
FINISH_EXPIRED = Stmt(_FINISH.where(_IS_EXPIRED), postgresql=_FINISH.where(_IS_EXPIRED, _IN_ORDER))


@lru_cache(maxsize=128)
def _finish_for_good(names: tuple[str, ...]) -> Stmt:
    """The same for ends that none but themselves decide about: not back to the queue, and nobody's cancel or replacement.

    Only with what they say: most say little, and each value costs its part.
    """
    given = JsonRows("rows", {name: _FINISH_COLUMNS[name] for name in names})
    values: dict[str, Any] = {
        name: given[name] for name in names if name not in ("execution_id", "attempt", "lease_owner", "cut_offs")
    }
    for name in ("worker", "progress", "progress_note"):
        if name in values:
            values[name] = sa.func.coalesce(values[name], E.c[name])
    update = sa.update(E).where(_matching(given)).values(**values, lease_owner=NULL, lease_until=NULL).returning(E.c.id)
    ids = sa.select(given["execution_id"])
    return Stmt(update, postgresql=update.where(in_order(E.c.id, E.c.id.in_(ids))))


_ATTEMPT_COLUMNS = column_types(A)
_TRIED = JsonRows("rows", _ATTEMPT_COLUMNS)
INSERT_ATTEMPTS = Stmt(
    sa.insert(A).from_select(list(_ATTEMPT_COLUMNS), sa.select(*(_TRIED[name] for name in _ATTEMPT_COLUMNS)))
)


async def finish_executions(conn: Conn, finishes: Sequence[Finish]) -> set[str]:
    """End attempts, checked: the ids of those that were still running under the finish's attempt and lease owner."""
    if not all(it.status in _FOR_GOOD for it in finishes):
        return await _finish(conn, FINISH, finishes)
    given = _by_id(finishes)
    names = _ALWAYS + tuple(name for name in _SOMETIMES if any(_says(it, name) for it in finishes))
    columns = {name: _FINISH_COLUMNS[name] for name in names}
    packed = pack_objects(columns, (given[id_] for id_ in sorted(given)))
    return {row["id"] for row in await conn.fetch(_finish_for_good(names), rows=packed)} if given else set()


async def settle_cut_off(conn: Conn, finishes: Sequence[Finish]) -> set[str]:
    """End attempts whose node is gone: as `finish_executions`, and only if the lease has ended by `finished_at`."""
    return await _finish(conn, FINISH_EXPIRED, finishes)


def _says(finish: Finish, name: str) -> bool:
    value = getattr(finish, name)
    return bool(value) if name in ("log_lines", "log_truncated") else value is not None


def _by_id(finishes: Sequence[Finish]) -> dict[str, Finish]:
    given = {finish.execution_id: finish for finish in finishes}
    if len(given) < len(finishes):
        raise ValueError("an execution can end one attempt at a time")
    return given


async def _finish(conn: Conn, stmt: Stmt, finishes: Sequence[Finish]) -> set[str]:
    if not finishes:
        return set()
    given = _by_id(finishes)
    packed = pack_objects(_FINISH_COLUMNS, (given[id_] for id_ in sorted(given)))
    won = await conn.fetch(stmt, rows=packed)
    went_back = [row for row in won if row["status"] == Status.QUEUED]
    if went_back:
        tried = (_attempt_row(given[row["id"]], row) for row in went_back)
        await conn.run(INSERT_ATTEMPTS, rows=pack_rows(_ATTEMPT_COLUMNS, tried))
    return {row["id"] for row in won}


_IMPLIED_STATUS = {
    Reason.TIMEOUT: Status.TIMED_OUT,
    Reason.CUT_OFF: Status.LOST,
    Reason.SHUTDOWN: Status.LOST,
    Reason.CRASH_LOOP: Status.LOST,
}


def _attempt_row(finish: Finish, after: Row) -> Row:
    return {
        "execution_id": finish.execution_id,
        # The count of starts: those counted up to this one, and those cut off (the row counts this one already).
        "ordinal": finish.attempt + after["cut_offs"] - (0 if finish.counted else 1),
        "number": finish.attempt,
        "started_at": after["attempt_started_at"] or finish.finished_at,
        "finished_at": finish.finished_at,
        "status": finish.attempt_status or _IMPLIED_STATUS.get(finish.reason, Status.FAILED),
        "reason": finish.reason,
        "error_message": finish.error_message,
        "worker": finish.worker,
        "counted": finish.counted,
    }
