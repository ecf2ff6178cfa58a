"""Figures of past executions, put together by hours and days, so that a year of them is read in a moment.

A row has the ended executions of one stretch of time: of a task, of a function, or of all. An execution belongs to the
time at which it was queued, which its identifier tells. Rows of tasks and functions are hours (cut where the hours of
the task's zone begin), those of all are half hours; later both become days, which outlive the executions.

Everything queued before the *position* is in the rows, save what has not ended yet: that is pending, and added once it
has. What was queued later is read from the executions (`read_live`). Whoever moves the position on, adds or merges,
checks and locks it in the same transaction, so of any number of nodes one does it at a time.
"""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from cronplug.clock import from_millis, to_millis
from cronplug.ids import decode_id, encode_id, first_id_at, time_of_id
from cronplug.model import Status
from cronplug.planning.tallies import COUNTED, PackedTally, Tally, pack_histogram, start_delay, unpack
from cronplug.store import schema
from cronplug.store.access import get_meta
from cronplug.store.columns import Id, Instant, Words, at_most
from cronplug.store.conn import Conn
from cronplug.store.definitions import definition_from_json
from cronplug.store.statements import JsonRows, Row, Stmt, given_ids, pack_ids, pack_rows

Kind = Literal["task", "function", "all"]
HALF_HOUR, HOUR, DAY = 1_800, 3_600, 86_400
QUARTER_HOUR_MILLIS = 900_000
POSITION = "rollups_until"
LIVE_ROWS = 500
"""Most executions that are looked at one by one to tell figures of the present hour; beyond it they are a sample."""

R, P, E, M = schema.rollups, schema.rollups_pending, schema.executions, schema.meta


@dataclass(frozen=True, slots=True)
class Cell:
    """What a row is of: `start` in epoch milliseconds, `seconds` long (a day is one of the task's zone)."""

    kind: Kind
    key: str
    seconds: int
    start: int


@dataclass(frozen=True, slots=True)
class Past:
    """One execution, as much of it as figures need. Instants are epoch milliseconds."""

    id: str
    at: int
    task_id: str | None
    task_revision: int | None
    function_name: str | None
    status: str
    seconds: float | None
    delay: float | None

    @property
    def has_ended(self) -> bool:
        """Whether it is to be counted."""
        return self.status not in (Status.QUEUED, Status.RUNNING)

    def count_in(self, tally: Tally) -> None:
        """Count it."""
        tally.add(Status(self.status), seconds=self.seconds, delay=self.delay)


# -- the position ----------------------------------------------------------------------------------------------------

_LIMIT = sa.bindparam("limit", type_=sa.Integer())
FIRST_FROM = Stmt(
    sa.select(E.c.id)
    .where(E.c.id >= sa.bindparam("id_from", type_=Id()))
    .order_by(E.c.id)
    .limit(sa.literal_column("1"))
)
BEGIN = Stmt(insert(M).on_conflict_do_nothing(index_elements=["key"]))
HOLD = Stmt(
    sa.update(M)
    .where(M.c.key == sa.bindparam("name", type_=Words()), M.c.value == sa.bindparam("expected", type_=Words()))
    .values(value=sa.bindparam("new", type_=Words()))
    .returning(M.c.key)
)
FORGET_ROWS = Stmt(sa.delete(R).where(R.c.start >= sa.bindparam("since", type_=Instant())))
FORGET_PENDING = Stmt(sa.delete(P).where(P.c.execution_id >= sa.bindparam("id_from", type_=Id())))


async def select_position(conn: Conn) -> datetime | None:
    """What was queued before it is in the rows; None: nothing is yet."""
    stored = await get_meta(conn, POSITION)
    return None if stored is None else from_millis(int(stored))


async def begin_at(conn: Conn, position: datetime) -> None:
    """Set the first position, unless there is one."""
    await conn.run(BEGIN, key=POSITION, value=str(to_millis(position)))


async def hold_position(conn: Conn, position: datetime, *, new: datetime | None = None) -> bool:
    """Lock the position until the transaction ends, and perhaps move it on; False when it is another one by now."""
    given = {"name": POSITION, "expected": str(to_millis(position)), "new": str(to_millis(new or position))}
    return bool(await conn.fetch(HOLD, **given))


async def set_back(conn: Conn, position: datetime, *, to: datetime) -> None:
    """Forget what was rolled up from `to` on, and begin again there, if the position is still this one."""
    if await hold_position(conn, position, new=to):
        await conn.run(FORGET_ROWS, since=to)
        await conn.run(FORGET_PENDING, id_from=encode_id(first_id_at(to)))


async def select_first_queued_at(conn: Conn, since: datetime) -> datetime | None:
    """When the first execution since then was queued, None without one."""
    first = await conn.fetch_value(FIRST_FROM, id_from=encode_id(at_most(first_id_at(since))))
    return None if first is None else time_of_id(first)


# -- executions ------------------------------------------------------------------------------------------------------


def _raw(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """Instants as they are stored: making datetimes of a million of them costs more than all else."""
    return sa.type_coerce(column, sa.BigInteger()).label(column.name)


_PAST = (
    E.c.id, E.c.task_id, E.c.task_revision, E.c.function_name, E.c.status, E.c.trigger,
    _raw(E.c.scheduled_for), _raw(E.c.queued_at), _raw(E.c.available_at), _raw(E.c.started_at), _raw(E.c.finished_at),
)  # fmt: skip
SELECT_PIECE = Stmt(
    sa.select(*_PAST)
    .where(E.c.id >= sa.bindparam("id_from", type_=Id()), E.c.id < sa.bindparam("id_until", type_=Id()))
    .order_by(E.c.id)
    .limit(_LIMIT)
)
_OF: Mapping[Kind, sa.ColumnElement[bool]] = {
    "task": E.c.task_id == sa.bindparam("task_id", type_=Id()),
    "function": E.c.function_name == sa.bindparam("function_name", type_=Words()),
    "all": sa.true(),
}
_SINCE = E.c.id >= sa.bindparam("id_from", type_=Id())
_UNTIL = E.c.id < sa.bindparam("id_until", type_=Id())
NEWEST: Mapping[Kind, Stmt] = {
    kind: Stmt(sa.select(*_PAST).where(of, _SINCE, _UNTIL).order_by(E.c.id.desc()).limit(_LIMIT))
    for kind, of in _OF.items()
}
_QUARTER = sa.literal_column("(executions.id >> 22) / 900000", sa.BigInteger())  # identifiers hold milliseconds
# Named one by one, all of them are counted within the index (status, id), without a look at the executions themselves.
_IS_COUNTED = E.c.status.in_([sa.literal_column(f"'{status.value}'") for status in COUNTED])
COUNT: Mapping[Kind, Stmt] = {
    kind: Stmt(
        sa.select(E.c.status, sa.func.min(E.c.id).label("first"), sa.func.count().label("count"))
        .where(of if kind != "all" else _IS_COUNTED, _SINCE, _UNTIL)
        .group_by(E.c.status, _QUARTER)
    )
    for kind, of in _OF.items()
}


COUNT_BY_FUNCTION = Stmt(
    sa.select(E.c.function_name, E.c.status, sa.func.count().label("count"))
    .where(E.c.function_name.is_not(None), _SINCE, _UNTIL)
    .group_by(E.c.function_name, E.c.status)
)


async def select_piece(conn: Conn, since: datetime, until: datetime, *, after_id: str | None, limit: int) -> list[Past]:
    """Executions queued from `since` to before `until`, the oldest first; `after_id` goes on after that one."""
    first = encode_id(first_id_at(since)) if after_id is None else _following(after_id)
    rows = await conn.fetch(SELECT_PIECE, id_from=first, id_until=encode_id(first_id_at(until)), limit=limit)
    return [_past(row) for row in rows]


async def read_live(conn: Conn, kind: Kind, key: str, *, since: datetime, until: datetime) -> dict[int, Tally]:
    """Ended executions queued from `since` to before `until`, by the quarter of an hour (epoch milliseconds) of their queueing.

    Counts are exact; percentiles are those of the newest `LIVE_ROWS`.
    """
    given: dict[str, Any] = {"id_from": encode_id(first_id_at(since)), "id_until": encode_id(first_id_at(until))}
    if kind != "all":
        given[f"{kind}_id" if kind == "task" else "function_name"] = key
    rows = await conn.fetch(NEWEST[kind], **given, limit=LIVE_ROWS)
    tallies: dict[int, Tally] = {}
    for row in rows:
        past = _past(row)
        if past.has_ended:
            past.count_in(tallies.setdefault(_quarter_hour(past.at), Tally()))
    if len(rows) == LIVE_ROWS:
        for tally in tallies.values():
            tally.counts.clear()
        for row in await conn.fetch(COUNT[kind], **given):
            if row["status"] in COUNTED:
                tally = tallies.setdefault(_quarter_hour(to_millis(time_of_id(row["first"]))), Tally())
                tally.counts[Status(row["status"])] = row["count"]
    return tallies


async def read_live_of_functions(conn: Conn, *, since: datetime, until: datetime) -> dict[str, Tally]:
    """Ended executions queued from `since` to before `until`, by function; exact and sampled as in `read_live`."""
    given: dict[str, Any] = {"id_from": encode_id(first_id_at(since)), "id_until": encode_id(first_id_at(until))}
    rows = await conn.fetch(NEWEST["all"], **given, limit=LIVE_ROWS)
    tallies: dict[str, Tally] = {}
    for row in rows:
        past = _past(row)
        if past.has_ended and past.function_name is not None:
            past.count_in(tallies.setdefault(past.function_name, Tally()))
    if len(rows) == LIVE_ROWS:
        for tally in tallies.values():
            tally.counts.clear()
        for row in await conn.fetch(COUNT_BY_FUNCTION, **given):
            if row["status"] in COUNTED:
                tallies.setdefault(row["function_name"], Tally()).counts[Status(row["status"])] = row["count"]
    return tallies


def _quarter_hour(at: int) -> int:
    return at - at % QUARTER_HOUR_MILLIS


def _following(id_: str) -> str:
    return encode_id(decode_id(id_) + 1)


def _past(row: Row) -> Past:
    started, finished = row["started_at"], row["finished_at"]
    delay = None
    if started is not None:
        delay = start_delay(
            row["trigger"],
            scheduled_for=row["scheduled_for"],
            queued_at=row["queued_at"],
            available_at=row["available_at"],
            started_at=started,
        )
    return Past(
        id=row["id"],
        at=to_millis(time_of_id(row["id"])),
        task_id=row["task_id"],
        task_revision=row["task_revision"],
        function_name=row["function_name"],
        status=row["status"],
        seconds=None if started is None or finished is None else (finished - started) / 1000,
        delay=None if delay is None else delay / 1000,
    )


# -- zones -----------------------------------------------------------------------------------------------------------

_TASKS = schema.tasks
_REVISIONS = schema.task_revisions
_WANTED_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {"task_id": Id(), "revision": sa.Integer()}
_WANTED = JsonRows("wanted", _WANTED_COLUMNS)
SELECT_DEFINITIONS = Stmt(
    sa.select(_REVISIONS.c.task_id, _REVISIONS.c.revision, _REVISIONS.c.definition).where(
        _REVISIONS.c.task_id == _WANTED["task_id"], _REVISIONS.c.revision == _WANTED["revision"]
    )
)
SELECT_PRESENT = Stmt(sa.select(_TASKS.c.id, _TASKS.c.definition).where(_TASKS.c.id.in_(given_ids("ids"))))


async def select_zones(conn: Conn, revisions: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """The zone of each of these revisions of tasks (task, number); those that are no longer known are left out."""
    wanted = pack_rows(_WANTED_COLUMNS, ({"task_id": id_, "revision": number} for id_, number in revisions))
    return {
        (row["task_id"], row["revision"]): definition_from_json(row["definition"])[0].shown_timezone
        for row in await conn.fetch(SELECT_DEFINITIONS, wanted=wanted)
    }


async def select_present_zones(conn: Conn, task_ids: Collection[str]) -> dict[str, str]:
    """The zone of each of these tasks; those that were deleted are left out."""
    rows = await conn.fetch(SELECT_PRESENT, ids=pack_ids(task_ids))
    return {row["id"]: definition_from_json(row["definition"])[0].shown_timezone for row in rows}


# -- rows ------------------------------------------------------------------------------------------------------------

_ROW_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "kind": Words(),
    "key": Words(),
    "seconds": sa.Integer(),
    "start": sa.BigInteger(),
    **{status.value: sa.Integer() for status in COUNTED},
    "max_seconds": sa.Double(),
    "durations": sa.Text(),
    "delays": sa.Text(),
}
_CELL = ("kind", "key", "seconds", "start")
_NEW = JsonRows("rows", _ROW_COLUMNS)
_PUT = insert(R).from_select(
    list(_ROW_COLUMNS),
    sa.select(*(_NEW[name] for name in _ROW_COLUMNS)).select_from(_NEW.table).where(sa.true()),
)
PUT = Stmt(
    _PUT.on_conflict_do_update(
        index_elements=list(_CELL),
        set_={name: _PUT.excluded[name] for name in _ROW_COLUMNS if name not in _CELL},
    )
)
_START = sa.type_coerce(R.c.start, sa.BigInteger()).label("start")
_ROW = tuple(_START if column.name == "start" else column for column in R.c)
_CELLS = JsonRows("cells", {name: _ROW_COLUMNS[name] for name in _CELL})
_IS_GIVEN = sa.and_(*(R.c[name] == _CELLS[name] for name in _CELL))
SELECT_CELLS = Stmt(sa.select(*_ROW).select_from(_CELLS.table.join(R, _IS_GIVEN)))
DELETE_CELLS = Stmt(
    sa.delete(R).where(
        sa.tuple_(*(R.c[name] for name in _CELL)).in_(
            sa.select(*(_CELLS[name] for name in _CELL)).select_from(_CELLS.table)
        )
    )
)
SELECT_SERIES = Stmt(
    sa.select(*_ROW)
    .where(
        R.c.kind == sa.bindparam("kind", type_=Words()),
        R.c.key == sa.bindparam("key", type_=Words()),
        # Named one by one: else SQLite looks into every kind, key and length there is.
        R.c.seconds.in_([sa.literal_column(str(seconds)) for seconds in (HALF_HOUR, HOUR, DAY)]),
        R.c.start >= sa.bindparam("since", type_=Instant()),
        R.c.start < sa.bindparam("until", type_=Instant()),
    )
    .order_by(R.c.seconds, R.c.start)
)
SELECT_OF_KIND = Stmt(
    sa.select(*_ROW).where(
        R.c.kind == sa.bindparam("kind", type_=Words()), R.c.start >= sa.bindparam("since", type_=Instant())
    )
)
_IS_OLD = sa.and_(
    R.c.seconds == sa.bindparam("seconds", type_=sa.Integer()), R.c.start < sa.bindparam("before", type_=Instant())
)
SELECT_OLD = Stmt(sa.select(*_ROW).where(_IS_OLD).order_by(R.c.start).limit(_LIMIT))


async def put_rows(conn: Conn, tallies: Iterable[tuple[Cell, Tally]]) -> None:
    """Store rows, in the place of those that there are."""
    rows = pack_rows(_ROW_COLUMNS, (_as_row(cell, tally) for cell, tally in tallies))
    await conn.run(PUT, rows=rows)


async def add_to_rows(conn: Conn, tallies: Mapping[Cell, Tally]) -> None:
    """Count in rows what they have not counted yet; the caller holds the position."""
    together = dict(await _select_cells(conn, tallies))
    for cell, tally in tallies.items():
        if cell in together:
            together[cell].merge(tally)
        else:
            together[cell] = tally
    await put_rows(conn, together.items())


async def select_series(
    conn: Conn, kind: Kind, key: str, *, since: datetime, until: datetime
) -> list[tuple[Cell, PackedTally]]:
    """The rows of one task, of one function or of all that begin from `since` to before `until`.

    They rise by their start within each length.
    """
    rows = await conn.fetch(SELECT_SERIES, kind=kind, key=key, since=since, until=until)
    return [(Cell(kind, key, row["seconds"], row["start"]), _packed(row)) for row in rows]


async def select_of_functions(conn: Conn, *, since: datetime) -> dict[str, Tally]:
    """What the rows that begin from `since` on tell together, by function."""
    packed: dict[str, list[PackedTally]] = {}
    for row in await conn.fetch(SELECT_OF_KIND, kind="function", since=since):
        packed.setdefault(row["key"], []).append(_packed(row))
    return {name: unpack(tallies) for name, tallies in packed.items()}


async def select_older(conn: Conn, *, seconds: int, before: datetime, limit: int) -> list[tuple[Cell, Tally]]:
    """Rows of that length which begin before then, the oldest first."""
    return [_of_row(row) for row in await conn.fetch(SELECT_OLD, seconds=seconds, before=before, limit=limit)]


async def delete_rows(conn: Conn, cells: Collection[Cell]) -> None:
    """Forget rows."""
    await conn.run(DELETE_CELLS, cells=_pack_cells(cells))


async def _select_cells(conn: Conn, cells: Collection[Cell]) -> list[tuple[Cell, Tally]]:
    return [_of_row(row) for row in await conn.fetch(SELECT_CELLS, cells=_pack_cells(cells))]


def _pack_cells(cells: Collection[Cell]) -> str:
    columns = {name: _ROW_COLUMNS[name] for name in _CELL}
    return pack_rows(columns, ({name: getattr(cell, name) for name in _CELL} for cell in cells))


def _as_row(cell: Cell, tally: Tally) -> Row:
    return {
        "kind": cell.kind,
        "key": cell.key,
        "seconds": cell.seconds,
        "start": cell.start,
        **{name: tally.counts.get(status, 0) for status, name in _COUNT_NAMES},
        "max_seconds": tally.max_seconds,
        "durations": pack_histogram(tally.durations),
        "delays": pack_histogram(tally.delays),
    }


_COUNT_NAMES = tuple((status, status.value) for status in COUNTED)
_counts_of = operator.itemgetter(*(name for _, name in _COUNT_NAMES))


def _packed(row: Row) -> PackedTally:
    return PackedTally(_counts_of(row), row["max_seconds"], row["durations"], row["delays"])


def _of_row(row: Row) -> tuple[Cell, Tally]:
    return Cell(row["kind"], row["key"], row["seconds"], row["start"]), unpack([_packed(row)])


# -- what had not ended ----------------------------------------------------------------------------------------------

_PENDING = given_ids("ids").subquery("given")
INSERT_PENDING = Stmt(
    insert(P)
    .from_select(["execution_id"], sa.select(_PENDING).where(sa.true()))
    .on_conflict_do_nothing(index_elements=["execution_id"])
)
_IS_UNFINISHED = E.c.status.in_([sa.literal_column("'queued'"), sa.literal_column("'running'")])
SELECT_ENDED = Stmt(
    sa.select(*_PAST)
    .select_from(P.join(E, E.c.id == P.c.execution_id))
    .where(sa.not_(_IS_UNFINISHED))
    .order_by(P.c.execution_id)
    .limit(_LIMIT)
)
DELETE_PENDING = Stmt(sa.delete(P).where(P.c.execution_id.in_(given_ids("ids"))))
DELETE_GONE = Stmt(sa.delete(P).where(sa.not_(sa.exists().where(E.c.id == P.c.execution_id))))


async def insert_pending(conn: Conn, execution_ids: Collection[str]) -> None:
    """Remember executions that are to be counted once they have ended."""
    if execution_ids:
        await conn.run(INSERT_PENDING, ids=pack_ids(execution_ids))


async def select_ended_pending(conn: Conn, *, limit: int) -> list[Past]:
    """Remembered executions that have ended by now."""
    return [_past(row) for row in await conn.fetch(SELECT_ENDED, limit=limit)]


async def delete_pending(conn: Conn, execution_ids: Collection[str]) -> None:
    """Forget those that were counted, and those that were deleted uncounted."""
    if execution_ids:
        await conn.run(DELETE_PENDING, ids=pack_ids(execution_ids))
    await conn.run(DELETE_GONE)
