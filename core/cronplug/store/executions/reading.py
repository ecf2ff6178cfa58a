"""Looking at executions and their attempts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from cronplug.ids import decode_id, encode_id, first_id_at
from cronplug.model import HELD, Attempt, Execution, Reason, Status, Trigger, Unfinished
from cronplug.store import schema
from cronplug.store.columns import Id, Words, at_most
from cronplug.store.conn import Conn
from cronplug.store.executions.rows import BY_ID, HELD_UNTIL, IS_QUEUED, IS_UNFINISHED, LIMIT, A, E, bind, execution_of
from cronplug.store.statements import Stmt, given_ids, pack_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """Which executions; None does not matter. `queued_from` is included, `queued_until` is not."""

    task_id: str | None = None
    statuses: frozenset[Status] | None = None
    function_name: str | None = None
    trigger: Trigger | None = None
    queued_from: datetime | None = None
    queued_until: datetime | None = None


class ShortResult(NamedTuple):
    """What became of an execution, in short: a list of tasks has a thousand of them. Instants are epoch milliseconds."""

    id: str
    status: str
    scheduled_for: int
    started_at: int | None
    finished_at: int | None


SELECT = Stmt(sa.select(E).where(BY_ID))

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
            .offset(bind("skip", sa.Integer()))
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
_MOST = 1_000_000_000
_BULKY = ("payload", "result")


def _raw(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return sa.type_coerce(column, sa.BigInteger()).label(column.name)


SELECT_SHORT_RESULTS = Stmt(
    _RECENT.with_only_columns(
        _raw(E.c.task_id), _raw(E.c.id), E.c.status, _raw(E.c.scheduled_for), _raw(E.c.started_at), _raw(E.c.finished_at),
        maintain_column_froms=True,
    )
)  # fmt: skip
SELECT_RECENT = Stmt(_RECENT)
SELECT_RECENT_SHORT = Stmt(
    _RECENT.with_only_columns(*(column for column in E.c if column.name not in _BULKY), maintain_column_froms=True)
)

_RANKED = (
    sa.select(
        E.c.task_id, E.c.id, E.c.status, E.c.started_at, E.c.queued_at,
        sa.func.row_number()
        .over(partition_by=E.c.task_id, order_by=(sa.case((E.c.status == sa.literal_column("'running'"), 0), else_=1), E.c.id))
        .label("place"),
        sa.func.sum(sa.case((E.c.available_at == HELD_UNTIL, 1), else_=0)).over(partition_by=E.c.task_id).label("held"),
    )
    .where(IS_UNFINISHED, E.c.task_id.in_(given_ids("task_ids")))
    .subquery("ranked")
)  # fmt: skip
SELECT_UNFINISHED = Stmt(
    sa.select(*(column for column in _RANKED.c if column.name != "place")).where(
        _RANKED.c.place == sa.literal_column("1")
    )
)
LOCK_UNFINISHED_OF_TASK = Stmt(
    sa.select(E.c.id, E.c.status)
    .where(IS_UNFINISHED, E.c.task_id == bind("task_id", Id()))
    .order_by(E.c.id)
    .with_for_update()
)
NEXT_AVAILABLE_AT = (
    sa.select(E.c.available_at).where(IS_QUEUED).order_by(E.c.available_at).limit(sa.literal_column("1"))
)
SELECT_NEXT_AVAILABLE_AT = Stmt(NEXT_AVAILABLE_AT)
SELECT_ATTEMPTS = Stmt(
    sa.select(*(column for column in A.c if column.name != "ordinal"))
    .where(A.c.execution_id == bind("id", Id()))
    .order_by(A.c.ordinal)
)


async def select_execution(conn: Conn, execution_id: str) -> Execution | None:
    """An execution, None when there is none (whatever the form of the id)."""
    row = await conn.fetch_one(SELECT, id=execution_id)
    return None if row is None else execution_of(row)


async def select_executions(
    conn: Conn, filter: ExecutionFilter, *, limit: int, before_id: str | None = None, offset: int = 0
) -> list[Execution]:
    """Executions, the newest first; `before_id` goes on after that one at the same cost at any depth."""
    params = _filter_params(filter)
    if before_id is not None:
        params["before_id"] = before_id
    statuses = _in_order(filter.statuses)
    stmt = _list_stmt(tuple(params), filter.trigger, statuses)
    if len(statuses or ()) > 1:
        params["reach"] = at_most(offset + limit)
    rows = await conn.fetch(stmt, **params, limit=limit, offset=at_most(offset))
    return [execution_of(row) for row in rows]


async def count_executions(conn: Conn, filter: ExecutionFilter, *, cap: int = 10_000) -> int:
    """How many executions; `cap` means that many or more."""
    is_narrowed = filter.task_id is not None or filter.function_name is not None
    if is_narrowed and filter.statuses is not None and Status.SUCCESS in filter.statuses:
        # Indexes tell how many there are, and how many did not succeed; successes had to be looked at one by one.
        others = 0
        if missing := frozenset(Status) - filter.statuses:
            others = await _count(conn, dataclasses.replace(filter, statuses=missing), cap=_MOST)
        return min(await _count(conn, dataclasses.replace(filter, statuses=None), cap=cap + others) - others, cap)
    return await _count(conn, filter, cap=cap)


async def _count(conn: Conn, filter: ExecutionFilter, *, cap: int) -> int:
    params = _filter_params(filter)
    stmt = _count_stmt(tuple(params), filter.trigger, _in_order(filter.statuses))
    count: int = await conn.fetch_value(stmt, **params, cap=cap)
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
        recent[row["task_id"]].append(execution_of(row))
    return recent


async def select_short_results(conn: Conn, task_ids: Sequence[str], *, per_task: int) -> dict[str, list[ShortResult]]:
    """What became of the newest executions of each task, the newest first; a task without any has an empty list."""
    results: dict[int, list[ShortResult]] = {decode_id(task_id): [] for task_id in task_ids}
    rows = await conn.fetch_plain(SELECT_SHORT_RESULTS, task_ids=pack_ids(task_ids), skip=per_task - 1)
    for task_id, id_, *rest in rows:
        results[task_id].append(ShortResult(encode_id(id_), *rest))
    return {task_id: results[decode_id(task_id)] for task_id in task_ids}


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
    "task_id": E.c.task_id == bind("task_id", Id()),
    "function_name": E.c.function_name == bind("function_name", Words()),
    "id_from": E.c.id >= bind("id_from", Id()),
    "id_until": E.c.id < bind("id_until", Id()),
    "before_id": E.c.id < bind("before_id", Id()),
}


def _filter_params(filter: ExecutionFilter) -> dict[str, Any]:
    """The parameters of the conditions that matter. An identifier tells when it was made, so a time is a range of ids."""
    params: dict[str, Any] = {}
    if filter.task_id is not None:
        params["task_id"] = filter.task_id
    if filter.function_name is not None:
        params["function_name"] = filter.function_name
    if filter.queued_from is not None:
        params["id_from"] = encode_id(at_most(first_id_at(filter.queued_from)))
    if filter.queued_until is not None:
        params["id_until"] = encode_id(at_most(first_id_at(filter.queued_until)))
    return params


def _in_order(statuses: frozenset[Status] | None) -> tuple[Status, ...] | None:
    return None if statuses is None else tuple(sorted(statuses))


def _branches(
    given: tuple[str, ...], trigger: Trigger | None, statuses: tuple[Status, ...] | None
) -> list[list[sa.ColumnElement[bool]]]:
    """The conditions of each status that is asked for: one at a time, an index has its rows in the order of a list.

    Statuses and triggers are written out, and so are the conditions of partial indexes: SQLite uses those for its very
    words only.
    """
    common = [_CONDITIONS[name] for name in given]
    if trigger is not None:
        common.append(E.c.trigger == _written(trigger))
        if trigger is not Trigger.SCHEDULE:
            common.append(sa.and_(schema.NOT_SCHEDULED))
    if statuses is None:
        return [common]
    if not statuses:
        return [[*common, sa.false()]]
    return [
        [*common, *_of_status(status, narrowed="task_id" in given or "function_name" in given)] for status in statuses
    ]


def _of_status(status: Status, *, narrowed: bool) -> list[sa.ColumnElement[bool]]:
    is_that: sa.ColumnElement[bool] = E.c.status == _written(status)
    if not narrowed:
        return [is_that]
    if status is Status.SUCCESS:  # most are: the index of the task or function, not the one of status
        return [_IS_SUCCESS]
    return [is_that, sa.and_(IS_UNFINISHED if status in (Status.QUEUED, Status.RUNNING) else schema.NO_SUCCESS)]


_IS_SUCCESS = sa.and_(sa.text("executions.status || '' = 'success'"))


def _written(word: Status | Trigger) -> sa.ColumnElement[str]:
    return sa.literal_column(f"'{word.value}'", Words())


@lru_cache(maxsize=512)
def _list_stmt(given: tuple[str, ...], trigger: Trigger | None, statuses: tuple[Status, ...] | None) -> Stmt:
    branches = _branches(given, trigger, statuses)
    newest_first = E.c.id.desc()
    offset = bind("offset", sa.BigInteger())
    if len(branches) == 1:
        return Stmt(sa.select(E).where(*branches[0]).order_by(newest_first).limit(LIMIT).offset(offset))
    reach = bind("reach", sa.BigInteger())
    parts = [sa.select(E.c.id).where(*branch).order_by(newest_first).limit(reach).subquery() for branch in branches]
    together = sa.union_all(*(sa.select(part.c.id) for part in parts)).subquery()
    page = sa.select(together.c.id).order_by(together.c.id.desc()).limit(LIMIT).offset(offset)
    return Stmt(sa.select(E).where(E.c.id.in_(page)).order_by(newest_first))


@lru_cache(maxsize=512)
def _count_stmt(given: tuple[str, ...], trigger: Trigger | None, statuses: tuple[Status, ...] | None) -> Stmt:
    one: sa.ColumnElement[int] = sa.literal_column("1").label("one")
    cap = bind("cap", sa.Integer())
    parts = [
        sa.select(one).select_from(E).where(*branch).limit(cap).subquery()
        for branch in _branches(given, trigger, statuses)
    ]
    some = sa.union_all(*(sa.select(part.c.one) for part in parts)).subquery() if len(parts) > 1 else parts[0]
    return Stmt(sa.select(sa.func.count()).select_from(sa.select(some.c.one).limit(cap).subquery()))
