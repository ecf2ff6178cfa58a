"""Executions and their attempts. Every change of state is one conditional statement, and RETURNING tells who won."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from cronplug.ids import encode_id, first_id_at
from cronplug.model import HELD, Attempt, Execution, Json, Reason, Status, TaskType, Trigger, Unfinished
from cronplug.store import schema
from cronplug.store.columns import Id, Instant, JsonText, Words, at_most
from cronplug.store.conn import Conn
from cronplug.store.statements import (
    JsonRows,
    Row,
    Stmt,
    column_types,
    given_ids,
    given_texts,
    pack_ids,
    pack_rows,
    pack_texts,
)

E = schema.executions
A = schema.attempts


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """Which executions; None does not matter. `queued_from` is included, `queued_until` is not."""

    task_id: str | None = None
    statuses: frozenset[Status] | None = None
    function_name: str | None = None
    trigger: Trigger | None = None
    queued_from: datetime | None = None
    queued_until: datetime | None = None


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


def _bind(name: str, type_: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=type_)


_LIMIT = _bind("limit", sa.Integer())
_NOW = _bind("now", Instant())
_ID = E.c.id == _bind("id", Id())
_NULL = sa.null()

# Written out, as in the indexes: SQLite uses a partial index only for its very words.
_IS_QUEUED, _IS_UNFINISHED = schema.QUEUED, schema.UNFINISHED

# In words of no index: SQLite would walk through all that runs, not to each row by its id, its task or its lease.
_IS_RUNNING = sa.text("executions.status || '' = 'running'")


# -- new ones --------------------------------------------------------------------------------------------------------

_ALL_COLUMNS = column_types(E)


@lru_cache(maxsize=64)
def _insert_stmt(names: tuple[str, ...]) -> Stmt:
    """For the columns that have values: most have none in new executions, and each costs its part."""
    new = JsonRows("rows", {name: _ALL_COLUMNS[name] for name in names})
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
    names = tuple(name for name in _ALL_COLUMNS if any(getattr(it, name) is not None for it in executions))
    columns = {name: _ALL_COLUMNS[name] for name in names}
    rows = pack_rows(columns, ({name: getattr(it, name) for name in names} for it in executions))
    return {row["id"] for row in await conn.fetch(_insert_stmt(names), rows=rows)}


# -- reading ---------------------------------------------------------------------------------------------------------

SELECT = Stmt(sa.select(E).where(_ID))

_OF_TASKS = given_ids("task_ids").subquery("wanted")
_N = E.alias("newer")
_FLOOR = (  # the id of each task's n-th newest, by the index (task_id, id)
    sa.select(
        _OF_TASKS.c[0].label("task_id"),
        sa.func.coalesce(
            sa.select(_N.c.id)
            .where(_N.c.task_id == _OF_TASKS.c[0])
            .order_by(_N.c.id.desc())
            .limit(sa.literal_column("1"))
            .offset(_bind("skip", sa.Integer()))
            .scalar_subquery(),
            sa.literal_column("0"),
        ).label("floor"),
    )
).subquery("floors")
_RECENT = (
    sa.select(E)
    .select_from(_FLOOR.join(E, sa.and_(E.c.task_id == _FLOOR.c.task_id, E.c.id >= _FLOOR.c.floor)))
    .order_by(E.c.task_id, E.c.id.desc())
)
_BULKY = ("payload", "result")
SELECT_RECENT = Stmt(_RECENT)
SELECT_RECENT_SHORT = Stmt(
    _RECENT.with_only_columns(*(column for column in E.c if column.name not in _BULKY), maintain_column_froms=True)
)

_HELD = _bind("held", Instant())
_RANKED = (
    sa.select(
        E.c.task_id, E.c.id, E.c.status, E.c.started_at, E.c.queued_at,
        sa.func.row_number()
        .over(partition_by=E.c.task_id, order_by=(sa.case((E.c.status == sa.literal_column("'running'"), 0), else_=1), E.c.id))
        .label("place"),
        sa.func.sum(sa.case((E.c.available_at == _HELD, 1), else_=0)).over(partition_by=E.c.task_id).label("held"),
    )
    .where(_IS_UNFINISHED, E.c.task_id.in_(given_ids("task_ids")))
    .subquery("ranked")
)  # fmt: skip
SELECT_UNFINISHED = Stmt(
    sa.select(*(column for column in _RANKED.c if column.name != "place")).where(
        _RANKED.c.place == sa.literal_column("1")
    )
)
LOCK_UNFINISHED_OF_TASK = Stmt(
    sa.select(E.c.id, E.c.status)
    .where(_IS_UNFINISHED, E.c.task_id == _bind("task_id", Id()))
    .order_by(E.c.id)
    .with_for_update()
)
SELECT_NEXT_AVAILABLE_AT = Stmt(
    sa.select(E.c.available_at).where(_IS_QUEUED).order_by(E.c.available_at).limit(sa.literal_column("1"))
)
SELECT_ATTEMPTS = Stmt(
    sa.select(*(column for column in A.c if column.name != "ordinal"))
    .where(A.c.execution_id == _bind("id", Id()))
    .order_by(A.c.ordinal)
)


async def select_execution(conn: Conn, execution_id: str) -> Execution | None:
    """An execution, None when there is none (whatever the form of the id)."""
    row = await conn.fetch_one(SELECT, id=execution_id)
    return None if row is None else _execution(row)


async def select_executions(
    conn: Conn, filter: ExecutionFilter, *, limit: int, before_id: str | None = None, offset: int = 0
) -> list[Execution]:
    """Executions, the newest first; `before_id` goes on after that one at the same cost at any depth."""
    params = _filter_params(filter)
    if before_id is not None:
        params["before_id"] = before_id
    rows = await conn.fetch(_list_stmt(tuple(params)), **params, limit=limit, offset=at_most(offset))
    return [_execution(row) for row in rows]


async def count_executions(conn: Conn, filter: ExecutionFilter, *, cap: int = 10_000) -> int:
    """How many executions; `cap` means that many or more."""
    params = _filter_params(filter)
    count: int = await conn.fetch_value(_count_stmt(tuple(params)), **params, cap=cap)
    return count


async def select_recent_by_task(
    conn: Conn, task_ids: Sequence[str], *, per_task: int, with_results: bool = True
) -> dict[str, list[Execution]]:
    """The newest executions of each task, the newest first; a task without any has an empty list.

    Without results `result` and `payload`, which may be large, are None whatever they are.
    """
    recent: dict[str, list[Execution]] = {task_id: [] for task_id in task_ids}
    stmt = SELECT_RECENT if with_results else SELECT_RECENT_SHORT
    for row in await conn.fetch(stmt, task_ids=pack_ids(recent), skip=per_task - 1):
        recent[row["task_id"]].append(_execution(row))
    return recent


async def select_unfinished(conn: Conn, task_ids: Sequence[str]) -> dict[str, Unfinished]:
    """What of the tasks is queued or running, by task; a task of which nothing is has no entry."""
    return {
        row["task_id"]: Unfinished(
            execution_id=row["id"],
            is_running=row["status"] == Status.RUNNING,
            since=row["started_at"] or row["queued_at"],
            held=int(row["held"]),
        )
        for row in await conn.fetch(SELECT_UNFINISHED, task_ids=pack_ids(task_ids), held=HELD)
    }


async def lock_running_of_task(conn: Conn, task_id: str) -> list[str]:
    """The ids of a task's running executions, the oldest first; until the transaction ends none starts or ends."""
    rows = await conn.fetch(LOCK_UNFINISHED_OF_TASK, task_id=task_id)
    return [row["id"] for row in rows if row["status"] == Status.RUNNING]


async def select_next_available_at(conn: Conn) -> datetime | None:
    """The earliest instant at which a queued execution may start, past or coming; None when nothing is queued."""
    at: datetime | None = await conn.fetch_value(SELECT_NEXT_AVAILABLE_AT)
    return at


async def select_attempts(conn: Conn, execution_id: str) -> list[Attempt]:
    """The attempts that were followed by another one, in their order."""
    return [
        Attempt(**(row | {"status": Status(row["status"]), "reason": Reason(row["reason"])}))
        for row in await conn.fetch(SELECT_ATTEMPTS, id=execution_id)
    ]


_CONDITIONS: dict[str, sa.ColumnElement[bool]] = {
    "task_id": E.c.task_id == _bind("task_id", Id()),
    "statuses": E.c.status.in_(given_texts("statuses")),
    "function_name": E.c.function_name == _bind("function_name", Words()),
    "trigger": E.c.trigger == _bind("trigger", Words()),
    "id_from": E.c.id >= _bind("id_from", Id()),
    "id_until": E.c.id < _bind("id_until", Id()),
    "before_id": E.c.id < _bind("before_id", Id()),
}


def _filter_params(filter: ExecutionFilter) -> dict[str, Any]:
    """The parameters of the conditions that matter. An identifier tells when it was made, so a time is a range of ids."""
    params: dict[str, Any] = {}
    if filter.task_id is not None:
        params["task_id"] = filter.task_id
    if filter.statuses is not None:
        params["statuses"] = pack_texts(sorted(filter.statuses))
    if filter.function_name is not None:
        params["function_name"] = filter.function_name
    if filter.trigger is not None:
        params["trigger"] = filter.trigger
    if filter.queued_from is not None:
        params["id_from"] = encode_id(at_most(first_id_at(filter.queued_from)))
    if filter.queued_until is not None:
        params["id_until"] = encode_id(at_most(first_id_at(filter.queued_until)))
    return params


@lru_cache(maxsize=256)
def _list_stmt(given: tuple[str, ...]) -> Stmt:
    return Stmt(
        sa.select(E)
        .where(*(_CONDITIONS[name] for name in given))
        .order_by(E.c.id.desc())
        .limit(_LIMIT)
        .offset(_bind("offset", sa.BigInteger()))
    )


@lru_cache(maxsize=256)
def _count_stmt(given: tuple[str, ...]) -> Stmt:
    some: sa.Select[Any] = (
        sa.select(sa.literal_column("1").label("one")).select_from(E).where(*(_CONDITIONS[name] for name in given))
    )
    return Stmt(sa.select(sa.func.count()).select_from(some.limit(_bind("cap", sa.Integer())).subquery()))


# -- claim and lease -------------------------------------------------------------------------------------------------

_CLAIMABLE = (
    sa.select(E.c.id)
    .where(_IS_QUEUED, E.c.available_at <= _NOW, E.c.id.not_in(given_ids("except_ids")))
    .order_by(E.c.available_at, E.c.id)
    .limit(_LIMIT)
    .with_for_update(skip_locked=True)  # left out on SQLite, where one writer needs none
    .correlate(None)
    .cte("claimable")  # PostgreSQL may run a plain subquery more than once, and then claim more than the limit
)
CLAIM = Stmt(
    sa.update(E)
    .where(E.c.id.in_(sa.select(_CLAIMABLE.c.id)))
    .values(
        status=sa.literal_column("'running'"),
        attempt=E.c.attempt + sa.literal_column("1"),
        lease_owner=_bind("node_id", Words()),
        lease_until=_bind("lease_until", Instant()),
        started_at=sa.func.coalesce(E.c.started_at, _NOW),
        attempt_started_at=_NOW,
        reason=_NULL,
        error_message=_NULL,
        worker=_NULL,
        progress=_NULL,
        progress_note=_NULL,
    )
    .returning(E)
)
RENEW = Stmt(
    sa.update(E)
    .where(E.c.id.in_(given_ids("ids")), _IS_RUNNING, E.c.lease_owner == _bind("node_id", Words()))
    .values(lease_until=_bind("lease_until", Instant()))
    .returning(E.c.id, E.c.cancel_requested)
)
EXPIRE_OTHERS = Stmt(
    sa.update(E)
    .where(_IS_RUNNING, E.c.lease_until.is_not(None), E.c.lease_owner != _bind("node_id", Words()))
    .values(lease_until=_NOW)
)
SELECT_EXPIRED = Stmt(
    sa.select(E).where(_IS_RUNNING, E.c.lease_until <= _NOW).order_by(E.c.lease_until, E.c.id).limit(_LIMIT)
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
    return sorted(map(_execution, rows), key=lambda execution: (execution.available_at, execution.id))


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
    return [_execution(row) for row in await conn.fetch(SELECT_EXPIRED, now=now, limit=limit)]


# -- the end of an attempt -------------------------------------------------------------------------------------------

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
_ONE: sa.ColumnElement[int] = sa.literal_column("1")
_ZERO: sa.ColumnElement[int] = sa.literal_column("0")

_FINISH = (
    sa.update(E)
    .where(
        E.c.id == _F["execution_id"],
        _IS_RUNNING,
        E.c.attempt == _F["attempt"],
        E.c.lease_owner == _F["lease_owner"],
        sa.or_(_F["cut_offs"].is_(None), E.c.cut_offs == _F["cut_offs"]),
    )
    .values(
        status=sa.case((_CANCELS, sa.literal_column("'cancelled'")), else_=_F["status"]),
        reason=sa.case(
            (_IS_REPLACED, E.c.reason),
            (_CANCELS, sa.literal_column("'cancelled_by_request'")),
            (_GOES_BACK, _F["queued_reason"]),
            else_=_F["reason"],
        ),
        error_message=sa.case((_IS_REPLACED, E.c.error_message), else_=_F["error_message"]),
        result=sa.case((_GOES_BACK, _NULL), else_=_F["result"]),
        result_summary=sa.case((_GOES_BACK, _NULL), else_=_F["result_summary"]),
        finished_at=sa.case((_GOES_BACK, _NULL), else_=_F["finished_at"]),
        available_at=sa.func.coalesce(_F["available_at"], E.c.available_at),
        attempt=E.c.attempt - sa.case((_GIVES_BACK, _ONE), else_=_ZERO),
        cut_offs=E.c.cut_offs + sa.case((_GIVES_BACK, _ONE), else_=_ZERO),
        worker=sa.func.coalesce(_F["worker"], E.c.worker),
        log_lines=_F["log_lines"],
        log_truncated=_F["log_truncated"],
        progress=sa.case((_GOES_BACK, _NULL), else_=sa.func.coalesce(_F["progress"], E.c.progress)),
        progress_note=sa.case((_GOES_BACK, _NULL), else_=sa.func.coalesce(_F["progress_note"], E.c.progress_note)),
        lease_owner=_NULL,
        lease_until=_NULL,
    )
    .returning(E.c.id, E.c.status, E.c.cut_offs, E.c.attempt_started_at)
)
FINISH = Stmt(_FINISH)
FINISH_EXPIRED = Stmt(_FINISH.where(E.c.lease_until <= _F["finished_at"]))

_ATTEMPT_COLUMNS = column_types(A)
_TRIED = JsonRows("rows", _ATTEMPT_COLUMNS)
INSERT_ATTEMPTS = Stmt(
    sa.insert(A).from_select(list(_ATTEMPT_COLUMNS), sa.select(*(_TRIED[name] for name in _ATTEMPT_COLUMNS)))
)


async def finish_executions(conn: Conn, finishes: Sequence[Finish]) -> set[str]:
    """End attempts, checked: the ids of those that were still running under the finish's attempt and lease owner."""
    return await _finish(conn, FINISH, finishes)


async def settle_cut_off(conn: Conn, finishes: Sequence[Finish]) -> set[str]:
    """End attempts whose node is gone: as `finish_executions`, and only if the lease has ended by `finished_at`."""
    return await _finish(conn, FINISH_EXPIRED, finishes)


async def _finish(conn: Conn, stmt: Stmt, finishes: Sequence[Finish]) -> set[str]:
    if not finishes:
        return set()
    given = {finish.execution_id: finish for finish in finishes}
    if len(given) < len(finishes):
        raise ValueError("an execution can end one attempt at a time")
    packed = pack_rows(_FINISH_COLUMNS, (_finish_row(given[id_]) for id_ in sorted(given)))
    won = await conn.fetch(stmt, rows=packed)
    went_back = [row for row in won if row["status"] == Status.QUEUED]
    if went_back:
        tried = (_attempt_row(given[row["id"]], row) for row in went_back)
        await conn.run(INSERT_ATTEMPTS, rows=pack_rows(_ATTEMPT_COLUMNS, tried))
    return {row["id"] for row in won}


def _finish_row(finish: Finish) -> Row:
    row = {name: getattr(finish, name, None) for name in _FINISH_COLUMNS}
    row["queued_reason"] = Reason.RETRYING if finish.counted else finish.reason
    return row


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


# -- what people ask for ---------------------------------------------------------------------------------------------


def _if_queued(value: Any, otherwise: Any) -> sa.Case[Any]:
    return sa.case((E.c.status == sa.literal_column("'queued'"), value), else_=otherwise)


REQUEST_CANCEL = Stmt(
    sa.update(E)
    .where(_ID, _IS_UNFINISHED)
    .values(
        cancel_requested=sa.true(),
        status=_if_queued(sa.literal_column("'cancelled'"), E.c.status),
        reason=_if_queued(sa.literal_column("'cancelled_by_request'"), E.c.reason),
        error_message=_if_queued(_NULL, E.c.error_message),
        finished_at=_if_queued(_NOW, E.c.finished_at),
    )
    .returning(E)
)
CANCEL_QUEUED_OF_TASK = Stmt(
    sa.update(E)
    .where(_IS_UNFINISHED, _IS_QUEUED, E.c.task_id == _bind("task_id", Id()))
    .values(
        status=sa.literal_column("'cancelled'"),
        reason=_bind("new_reason", Words()),
        error_message=_bind("message", Words()),
        finished_at=_NOW,
    )
    .returning(E.c.id)
)

REPLACE_UNFINISHED = Stmt(
    sa.update(E)
    .where(_IS_UNFINISHED, E.c.task_id.in_(given_ids("task_ids")))
    .values(
        cancel_requested=sa.true(),
        status=_if_queued(sa.literal_column("'cancelled'"), E.c.status),
        reason=sa.literal_column("'replaced'"),
        error_message=_bind("message", Words()),
        finished_at=_if_queued(_NOW, E.c.finished_at),
    )
    .returning(E.c.id, E.c.task_id, E.c.status)
)

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
UPDATE_RUNNING = Stmt(
    sa.update(E)
    .where(
        E.c.id == _P["execution_id"],
        E.c.attempt == _P["attempt"],
        E.c.lease_owner == _P["lease_owner"],
        _IS_RUNNING,
    )
    .values(
        progress=sa.func.coalesce(_P["progress"], E.c.progress),
        progress_note=sa.case((_P["progress"].is_(None), E.c.progress_note), else_=_P["progress_note"]),
        log_lines=_P["log_lines"],
        log_truncated=_P["log_truncated"],
    )
    .returning(E.c.id)
)


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


async def request_cancel(conn: Conn, execution_id: str, *, now: datetime) -> Execution | None:
    """Cancel a queued execution now, mark a running one; it afterwards, or None when it has ended or is unknown."""
    row = await conn.fetch_one(REQUEST_CANCEL, id=execution_id, now=now)
    return None if row is None else _execution(row)


async def cancel_queued_of_task(conn: Conn, task_id: str, *, reason: Reason, message: str, now: datetime) -> list[str]:
    """Cancel all queued executions of a task; their ids."""
    rows = await conn.fetch(CANCEL_QUEUED_OF_TASK, task_id=task_id, new_reason=reason, message=message, now=now)
    return sorted(row["id"] for row in rows)


@dataclass(frozen=True, slots=True)
class Replaced:
    """An execution whose place another one takes: cancelled if it was queued, asked to stop if it runs."""

    execution_id: str
    task_id: str
    is_running: bool


async def replace_unfinished(conn: Conn, task_ids: Sequence[str], *, message: str, now: datetime) -> list[Replaced]:
    """Cancel whatever of the tasks is queued, and ask whatever runs to stop, for the reason `replaced`."""
    rows = await conn.fetch(REPLACE_UNFINISHED, task_ids=pack_ids(task_ids), message=message, now=now)
    return [Replaced(row["id"], row["task_id"], row["status"] == Status.RUNNING) for row in rows]


async def update_running(conn: Conn, updates: Iterable[RunningUpdate]) -> set[str]:
    """Keep progress and log length of running attempts, one update each; the ids of those that are still the owner's.

    Meant for the unit that keeps their new lines, so that a row's `log_lines` tells how many lines are kept.
    """
    rows = ({name: getattr(update, name) for name in _RUNNING_COLUMNS} for update in updates)
    return {row["id"] for row in await conn.fetch(UPDATE_RUNNING, rows=pack_rows(_RUNNING_COLUMNS, rows))}


# -- turns -----------------------------------------------------------------------------------------------------------

_W = E.alias("waiting")
_O = E.alias("other")
_IS_WAITING = sa.and_(_W.c.available_at == _HELD, schema.QUEUED)
_NOTHING_BEFORE = sa.not_(sa.exists().where(_O.c.task_id == _W.c.task_id, schema.UNFINISHED, _O.c.available_at < _HELD))
HOLDS = Stmt(sa.select(_W.c.id).where(_IS_WAITING).limit(sa.literal_column("1")))
SELECT_NEXT_TURNS = Stmt(sa.select(_W.c.task_id).distinct().where(_IS_WAITING, _NOTHING_BEFORE).limit(_LIMIT))
# With the plus sign SQLite goes by the index of unfinished ones by task, not through everything that is held.
_OF_THESE = sa.and_(
    _W.c.task_id.in_(given_ids("task_ids")),
    schema.UNFINISHED,
    sa.literal_column("+waiting.available_at", Instant()) == _HELD,
    schema.QUEUED,
)
SELECT_NEXT_TURNS_OF = Stmt(sa.select(_W.c.task_id).distinct().where(_OF_THESE, _NOTHING_BEFORE))
RELEASE = Stmt(
    sa.update(E)
    .where(
        E.c.id.in_(sa.select(sa.func.min(_W.c.id)).where(_OF_THESE, _NOTHING_BEFORE).group_by(_W.c.task_id)),
        sa.literal_column("+executions.available_at", Instant()) == _HELD,
        sa.text("executions.status || '' = 'queued'"),
    )
    .values(available_at=_NOW)
    .returning(E.c.id)
)
RELEASE_ALL = Stmt(
    sa.update(E)
    .where(
        _IS_UNFINISHED,
        _IS_QUEUED,
        E.c.task_id == _bind("task_id", Id()),
        sa.literal_column("+executions.available_at", Instant()) == _HELD,
    )
    .values(available_at=_NOW)
    .returning(E.c.id)
)


async def holds_any(conn: Conn) -> bool:
    """Whether any execution waits for an earlier one of its task."""
    return bool(await conn.fetch(HOLDS, held=HELD))


async def select_next_turns(conn: Conn, task_ids: Collection[str] | None = None, *, limit: int) -> list[str]:
    """Tasks, of these or of all, that have held executions and nothing else unfinished, at most `limit` of all."""
    if task_ids is None:
        rows = await conn.fetch(SELECT_NEXT_TURNS, held=HELD, limit=limit)
    else:
        rows = await conn.fetch(SELECT_NEXT_TURNS_OF, held=HELD, task_ids=pack_ids(task_ids))
    return [row["task_id"] for row in rows]


async def release_held(conn: Conn, task_ids: Collection[str], *, now: datetime) -> list[str]:
    """Let the oldest held execution of each task start, where nothing else is unfinished; their ids.

    The caller has locked the tasks (`tasks.lock_tasks`), so that one at a time decides about each.
    """
    rows = await conn.fetch(RELEASE, task_ids=pack_ids(task_ids), held=HELD, now=now)
    return [row["id"] for row in rows]


async def release_all_held(conn: Conn, task_id: str, *, now: datetime) -> list[str]:
    """Let all held executions of a task start, whatever else is unfinished; their ids.

    For the transaction that changed the task, so that nobody holds another one back by the policy it had.
    """
    rows = await conn.fetch(RELEASE_ALL, task_id=task_id, held=HELD, now=now)
    return sorted(row["id"] for row in rows)


# -- retention -------------------------------------------------------------------------------------------------------

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
            E.c.id < _bind("id_before", Id()),  # what ended before was made before: the index (status, id) finds it
            E.c.finished_at < _bind("before", Instant()),
            sa.not_(is_newest_of_its_task),
        )
        .limit(_LIMIT)
        .correlate(None)
    )
    return Stmt(sa.delete(E).where(E.c.id.in_(old)).returning(E.c.id))


DELETE_SHORTER = _delete_old(_KEPT_SHORTER)
DELETE_LONGER = _delete_old(_KEPT_LONGER)

_R = schema.task_revisions
_OLD_REVISIONS = (
    sa.select(_R.c.task_id, _R.c.revision)
    .where(
        _R.c.created_at < _bind("before", Instant()),
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


def _execution(row: Row) -> Execution:
    row["trigger"] = Trigger(row["trigger"])
    row["status"] = Status(row["status"])
    row["type"] = TaskType(row["type"])
    if row["reason"] is not None:
        row["reason"] = Reason(row["reason"])
    return Execution(**row)
