"""Executions within a stretch of time, by task, function or tag: counted, one by one, or by buckets of time.

An execution lies from its start, or from its fire time where it never started, to its end, or to now. Looked at are those
that were queued within the stretch or at most `LOOK_BACK` before it, and all that have not ended.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

import sqlalchemy as sa

from cronplug.clock import to_millis
from cronplug.ids import decode_id, encode_id, first_id_at
from cronplug.store import schema
from cronplug.store.columns import Id, Words, storable
from cronplug.store.conn import Conn
from cronplug.store.statements import Row, Stmt, given_ids, given_texts, pack_texts
from cronplug.store.tasks import CONDITIONS, TaskFilter, given_in, params_of

LOOK_BACK = timedelta(hours=6)
GroupBy = Literal["task", "function", "tag"]
Shape = tuple[str, ...]
E, T, G = schema.executions, schema.tasks, schema.task_tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which executions: those that lie in [since, until) as of `now`, of the tasks of a filter (None: all there are)."""

    since: datetime
    until: datetime
    now: datetime
    group_by: GroupBy
    filter: TaskFilter | None = None
    task_id: str | None = None
    function_name: str | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """How many executions a lane has. `key` is the id of a task, a function or a tag; "" are those without."""

    key: str
    title: str
    count: int
    failed: int


@dataclass(frozen=True, slots=True)
class Mark:
    """One execution of a lane. Instants are epoch milliseconds; `end` None: it has not ended."""

    key: str
    execution_id: str
    status: str
    start: int
    end: int | None
    scheduled_for: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Bunch:
    """Executions of a lane that start in one bucket of time; `start` is epoch milliseconds."""

    key: str
    start: int
    count: int
    failed: int
    running: int


def _millis(name: str) -> sa.BindParameter[int]:
    return sa.bindparam(name, type_=sa.BigInteger())


def _raw(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return sa.type_coerce(column, sa.BigInteger())


_START = sa.func.coalesce(_raw(E.c.started_at), _raw(E.c.scheduled_for))
_END = sa.func.coalesce(_raw(E.c.finished_at), _millis("now"))
_COLUMNS = (
    E.c.task_name, E.c.status, E.c.attempt, _START.label("begin"),
    _raw(E.c.finished_at).label("finish"), _raw(E.c.scheduled_for).label("planned"), _raw(E.c.started_at).label("began"),
)  # fmt: skip
_NO_INDEX: tuple[tuple[str, sa.types.TypeEngine[Any]], ...] = (
    ("+executions.id", Id()),
    ("+executions.task_id", Id()),
    ("executions.function_name || ''", Words()),
)
_SINCE, _UNTIL = _millis("since"), _millis("until")
_LIES_WITHIN = sa.and_(_UNTIL > _START, _SINCE <= _END)


def _lying(given: tuple[str, ...], of_tasks: Shape | None) -> sa.Subquery:
    """The executions of a window: those within a range of ids, and older ones that have not ended."""

    def select(task_id: sa.ColumnElement[Any], function_name: sa.ColumnElement[Any]) -> sa.Select[Any]:
        conditions = [_LIES_WITHIN]
        if "task_id" in given:
            conditions.append(task_id == sa.bindparam("task_id", type_=Id()))
        if "function_name" in given:
            conditions.append(function_name == sa.bindparam("function_name", type_=Words()))
        if of_tasks is not None:
            conditions.append(task_id.in_(sa.select(T.c.id).where(*(CONDITIONS[name] for name in of_tasks))))
        return sa.select(E.c.id, task_id.label("task_id"), function_name.label("function_name"), *_COLUMNS).where(
            *conditions
        )

    id_from, id_until = sa.bindparam("id_from", type_=Id()), sa.bindparam("id_until", type_=Id())
    recent = select(E.c.task_id, E.c.function_name).where(E.c.id >= id_from, E.c.id < id_until)
    # No index knows these words: SQLite goes by that of unfinished ones, not through all that is older of a task.
    no_index = [sa.literal_column(text, type_) for text, type_ in _NO_INDEX]
    older = select(no_index[1], no_index[2]).where(schema.UNFINISHED, no_index[0] < id_from)
    return sa.union_all(recent, older).subquery("lying")


def _keyed(given: tuple[str, ...], of_tasks: Shape | None, group_by: GroupBy) -> tuple[sa.FromClause, Any, Any, Any]:
    """(from, key, title, the executions)."""
    lying = _lying(given, of_tasks)
    if group_by == "task":
        return lying, lying.c.task_id, sa.func.max(lying.c.task_name), lying
    if group_by == "function":
        return lying, lying.c.function_name, sa.func.max(lying.c.function_name), lying
    tagged = lying.outerjoin(G, G.c.task_id == lying.c.task_id)
    return tagged, G.c.tag, sa.func.max(G.c.tag), lying


_FAILED = ("'failed'", "'timed_out'", "'lost'")


def _count_where(column: sa.ColumnElement[Any], *statuses: str) -> sa.ColumnElement[int]:
    wanted = column.in_([sa.literal_column(status) for status in statuses])
    return sa.func.sum(sa.case((wanted, sa.literal_column("1")), else_=sa.literal_column("0")))


def _only_keys(key: Any, group_by: GroupBy, with_none: bool) -> sa.ColumnElement[bool]:
    is_given: sa.ColumnElement[bool] = key.in_(given_ids("keys") if group_by == "task" else given_texts("keys"))
    return sa.or_(is_given, key.is_(None)) if with_none else is_given


@lru_cache(maxsize=256)
def _count_stmt(given: tuple[str, ...], of_tasks: Shape | None, group_by: GroupBy) -> Stmt:
    source, key, title, lying = _keyed(given, of_tasks, group_by)
    return Stmt(
        sa.select(
            key.label("key"),
            title.label("title"),
            sa.func.count().label("count"),
            _count_where(lying.c.status, *_FAILED).label("failed"),
        )
        .select_from(source)
        .group_by(key)
    )


@lru_cache(maxsize=256)
def _marks_stmt(given: tuple[str, ...], of_tasks: Shape | None, group_by: GroupBy, with_none: bool) -> Stmt:
    source, key, _, lying = _keyed(given, of_tasks, group_by)
    columns = (lying.c.id, lying.c.status, lying.c.begin, lying.c.finish, lying.c.planned, lying.c.attempt)
    return Stmt(
        sa.select(key.label("key"), *columns)
        .select_from(source)
        .where(_only_keys(key, group_by, with_none))
        .order_by(lying.c.begin, lying.c.id)
    )


@lru_cache(maxsize=256)
def _bunches_stmt(given: tuple[str, ...], of_tasks: Shape | None, group_by: GroupBy, with_none: bool) -> Stmt:
    source, key, _, lying = _keyed(given, of_tasks, group_by)
    place = ((lying.c.begin - _millis("since")) // _millis("step")).label("place")
    return Stmt(
        sa.select(
            key.label("key"),
            place,
            sa.func.count().label("count"),
            _count_where(lying.c.status, *_FAILED).label("failed"),
            _count_where(lying.c.status, "'running'").label("running"),
        )
        .select_from(source)
        .where(_only_keys(key, group_by, with_none))
        .group_by(key, sa.literal_column("place"))
        .order_by(sa.literal_column("place"))
    )


@lru_cache(maxsize=256)
def _spans_stmt(given: tuple[str, ...], of_tasks: Shape | None) -> Stmt:
    lying = _lying(given, of_tasks)
    return Stmt(
        sa.select(lying.c.began, lying.c.finish)
        .where(lying.c.began.is_not(None))
        .limit(sa.bindparam("limit", type_=sa.Integer()))
    )


async def count_by_lane(conn: Conn, window: Window) -> list[Counted]:
    """The lanes that have executions."""
    rows = await conn.fetch(_count_stmt(*_shape(window), window.group_by), **_params(window))
    return [Counted(row["key"] or "", row["title"] or "", row["count"], int(row["failed"])) for row in rows]


async def select_marks(conn: Conn, window: Window, keys: Collection[str]) -> list[Mark]:
    """The executions of these lanes, rising by their start."""
    if not keys:
        return []
    rows = await conn.fetch(
        _marks_stmt(*_shape(window), window.group_by, "" in keys),
        **_params(window),
        **_key_params(window.group_by, keys),
    )
    return [
        Mark(row["key"] or "", row["id"], row["status"], row["begin"], row["finish"], row["planned"], row["attempt"])
        for row in rows
    ]


async def select_bunches(conn: Conn, window: Window, keys: Collection[str], *, seconds: int) -> list[Bunch]:
    """The executions of these lanes by buckets of time; what began before the window is in the first one."""
    if not keys:
        return []
    since, step = to_millis(window.since), seconds * 1000
    rows = await conn.fetch(
        _bunches_stmt(*_shape(window), window.group_by, "" in keys),
        **_params(window),
        **_key_params(window.group_by, keys),
        step=step,
    )
    together: dict[tuple[str, int], list[int]] = {}
    for row in rows:
        sums = together.setdefault((row["key"] or "", max(int(row["place"]), 0)), [0, 0, 0])
        for place, name in enumerate(("count", "failed", "running")):
            sums[place] += int(row[name])
    return [Bunch(key, since + place * step, *sums) for (key, place), sums in sorted(together.items())]


async def select_spans(conn: Conn, window: Window, *, limit: int) -> list[tuple[int, int | None]]:
    """(start, end) of what has started, at most so many; epoch milliseconds, end None: it runs."""
    rows = await conn.fetch(_spans_stmt(*_shape(window)), **_params(window), limit=limit)
    return [(row["began"], row["finish"]) for row in rows]


def _shape(window: Window) -> tuple[tuple[str, ...], Shape | None]:
    """What decides about the words of a statement."""
    names = tuple(name for name in ("task_id", "function_name") if getattr(window, name) is not None)
    return names, None if window.filter is None else given_in(window.filter)


def _params(window: Window) -> Row:
    first = first_id_at(max(window.since - LOOK_BACK, datetime(1970, 1, 2, tzinfo=window.since.tzinfo)))
    params: dict[str, Any] = {
        "id_from": encode_id(first),
        "id_until": encode_id(first_id_at(window.until)),
        "since": to_millis(window.since),
        "until": to_millis(window.until),
        "now": to_millis(window.now),
    }
    if window.task_id is not None:
        params["task_id"] = window.task_id
    if window.function_name is not None:
        params["function_name"] = window.function_name
    if window.filter is not None:
        params |= params_of(window.filter)
    return params


def _key_params(group_by: GroupBy, keys: Collection[str]) -> Row:
    named: Sequence[str] = [key for key in keys if key]
    packed = (
        "[" + ",".join(str(decode_id(key)) for key in named) + "]"
        if group_by == "task"
        else pack_texts(storable(key) for key in named)
    )
    return {"keys": packed}
