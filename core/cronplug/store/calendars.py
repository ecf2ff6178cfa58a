"""Calendars, which tasks heed them, and parsed calendars for whoever asks often."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable
from dataclasses import fields
from datetime import date, time
from typing import Any, TypeVar

import sqlalchemy as sa

from cronplug.clock import from_millis, to_millis
from cronplug.errors import InvalidInput
from cronplug.model import (
    CalendarDates,
    CalendarDefinition,
    CalendarWeekdays,
    CalendarWeekly,
    CalendarWindow,
    CalendarYearly,
    Json,
    StoredCalendar,
    TaskDefinition,
)
from cronplug.schedules.calendars import Calendar, parse_calendar
from cronplug.store import schema
from cronplug.store.columns import Id, at_most, storable
from cronplug.store.conn import Conn
from cronplug.store.statements import Row, Stmt, given_ids, known_id, pack_ids

C = schema.calendars
U = schema.task_calendars
T = schema.tasks
_COLUMNS = (C.c.id, C.c.definition, C.c.revision, C.c.created_at, C.c.updated_at)
_BY_ID = C.c.id == sa.bindparam("id", type_=Id())
_BY_NAME = (C.c.name_key, C.c.id)

INSERT = Stmt(sa.insert(C))
SELECT = Stmt(sa.select(*_COLUMNS).where(_BY_ID))
SELECT_PAGE = Stmt(
    sa.select(*_COLUMNS)
    .order_by(*_BY_NAME)
    .limit(sa.bindparam("limit", type_=sa.Integer()))
    .offset(sa.bindparam("offset", type_=sa.BigInteger()))
)
COUNT = Stmt(sa.select(sa.func.count()).select_from(C))
UPDATE = Stmt(
    sa.update(C)
    .where(_BY_ID, C.c.revision == sa.bindparam("expected_revision", type_=sa.Integer()))
    .values(
        {
            column.name: sa.bindparam(f"new_{column.name}", type_=column.type)
            for column in C.columns
            if column.name not in ("id", "created_at")
        }
    )
    .returning(C.c.id)
)
LOCK = Stmt(sa.select(C.c.id).where(_BY_ID).with_for_update())
DELETE = Stmt(sa.delete(C).where(_BY_ID).returning(C.c.id))
SELECT_REVISIONS = Stmt(sa.select(C.c.id, C.c.revision, C.c.updated_at).where(C.c.id.in_(given_ids("ids"))))
SELECT_MANY = Stmt(sa.select(*_COLUMNS).where(C.c.id.in_(given_ids("ids"))))
LOCK_MANY = Stmt(
    sa.select(C.c.id).where(C.c.id.in_(given_ids("ids"))).order_by(C.c.id).with_for_update(read=True, key_share=True)
)

DELETE_USES = Stmt(sa.delete(U).where(U.c.task_id == sa.bindparam("id", type_=Id())))
INSERT_USES = Stmt(
    sa.insert(U).from_select(
        ["task_id", "calendar_id"],
        sa.select(sa.bindparam("id", type_=Id()), C.c.id).where(C.c.id.in_(given_ids("ids"))),
    )
)
_USERS = sa.select(T.c.name).join(U, U.c.task_id == T.c.id).where(U.c.calendar_id == sa.bindparam("id", type_=Id()))
SELECT_USERS = Stmt(_USERS.order_by(T.c.name_key, T.c.id).limit(sa.bindparam("limit", type_=sa.Integer())))
COUNT_USERS = Stmt(
    sa.select(U.c.calendar_id, sa.func.count().label("count"))
    .where(U.c.calendar_id.in_(given_ids("ids")))
    .group_by(U.c.calendar_id)
)


async def insert_calendar(conn: Conn, calendar: StoredCalendar) -> None:
    """Store a new calendar. Raises UniqueViolation when its name is taken in any case, ValueError for no identifier."""
    known_id(calendar.id)
    await conn.run(INSERT, **_values(calendar), id=calendar.id, created_at=calendar.created_at)


async def select_calendar(conn: Conn, calendar_id: str) -> StoredCalendar | None:
    """A calendar, None when there is none (whatever the form of the id)."""
    row = await conn.fetch_one(SELECT, id=calendar_id)
    return None if row is None else _calendar(row)


async def select_page(conn: Conn, *, limit: int, offset: int = 0) -> list[StoredCalendar]:
    """A page of calendars by name."""
    return [_calendar(row) for row in await conn.fetch(SELECT_PAGE, limit=limit, offset=at_most(offset))]


async def count_calendars(conn: Conn) -> int:
    """How many calendars there are."""
    count: int = await conn.fetch_value(COUNT)
    return count


async def update_calendar(conn: Conn, calendar: StoredCalendar, *, expected_revision: int) -> bool:
    """Replace a calendar, if it is still at `expected_revision`; False when it is not, or is gone.

    Raises UniqueViolation when another one has its name, in any case.
    """
    values = {f"new_{name}": value for name, value in _values(calendar).items()}
    return bool(await conn.fetch(UPDATE, id=calendar.id, expected_revision=expected_revision, **values))


async def lock_calendar(conn: Conn, calendar_id: str) -> bool:
    """Keep tasks from beginning to heed a calendar until the transaction ends; False when there is none."""
    return bool(await conn.fetch(LOCK, id=calendar_id))


async def delete_calendar(conn: Conn, calendar_id: str) -> bool:
    """Remove a calendar that no task heeds (`select_users` after `lock_calendar`). False when there was none."""
    return bool(await conn.fetch(DELETE, id=calendar_id))


async def select_missing(conn: Conn, calendar_ids: Collection[str]) -> set[str]:
    """Those of the ids that no calendar has. In a write, the others are kept from being deleted until it ends."""
    if not calendar_ids:
        return set()
    found = await conn.fetch(LOCK_MANY, ids=pack_ids(sorted(set(calendar_ids))))
    return set(calendar_ids) - {row["id"] for row in found}


# -- who heeds them --------------------------------------------------------------------------------------------------


async def keep_uses(conn: Conn, task_id: str, definition: TaskDefinition, *, is_new: bool = False) -> None:
    """Keep which calendars a task heeds; those that do not exist are left out. Part of storing a task."""
    used = {use.calendar_id for rule in definition.schedules for use in rule.calendars}
    if not is_new:
        await conn.run(DELETE_USES, id=task_id)
    if used:
        await conn.run(INSERT_USES, id=task_id, ids=pack_ids(sorted(used)))


async def select_users(conn: Conn, calendar_id: str, *, limit: int) -> list[str]:
    """The names of tasks that heed a calendar, by name."""
    return [row["name"] for row in await conn.fetch(SELECT_USERS, id=calendar_id, limit=limit)]


async def count_users(conn: Conn, calendar_ids: Collection[str]) -> dict[str, int]:
    """How many tasks heed each of the calendars; those that none heeds are left out."""
    if not calendar_ids:
        return {}
    rows = await conn.fetch(COUNT_USERS, ids=pack_ids(calendar_ids))
    return {row["calendar_id"]: row["count"] for row in rows}


# -- parsed ones -----------------------------------------------------------------------------------------------------


class CalendarCache:
    """Parsed calendars, each for as long as it stays at its revision. One object per store; any thread may ask."""

    def __init__(self, *, most: int = 256) -> None:
        """`most`: how many are kept; of more, those not asked for the longest are forgotten."""
        self._most = most
        self._kept: dict[str, tuple[object, Calendar | None]] = {}
        self._lock = threading.Lock()

    def get(self, calendar_id: str, version: object) -> tuple[bool, Calendar | None]:
        """Whether it is known at this version, and what it was then; None: it cannot be read."""
        with self._lock:
            kept = self._kept.pop(calendar_id, None)
            if kept is None or kept[0] != version:
                return False, None
            self._kept[calendar_id] = kept
            return True, kept[1]

    def put(self, calendar_id: str, version: object, calendar: Calendar | None) -> None:
        """Keep a calendar as it is at a version."""
        with self._lock:
            self._kept.pop(calendar_id, None)
            self._kept[calendar_id] = (version, calendar)
            while len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]


async def select_calendars(
    conn: Conn, calendar_ids: Collection[str], *, cache: CalendarCache | None = None
) -> dict[str, Calendar]:
    """The calendars with these ids, parsed, as `excluded_by` takes them.

    One that does not exist, or cannot be read, is left out. With a cache, what is known costs a look at its revision.
    """
    if not calendar_ids:
        return {}
    cache = CalendarCache(most=len(calendar_ids)) if cache is None else cache
    rows = await conn.fetch(SELECT_REVISIONS, ids=pack_ids(set(calendar_ids)))
    found: dict[str, Calendar] = {}
    unknown: list[str] = []
    for row in rows:
        is_known, calendar = cache.get(row["id"], (row["revision"], row["updated_at"]))
        if not is_known:
            unknown.append(row["id"])
        elif calendar is not None:
            found[row["id"]] = calendar
    if unknown:
        for row in await conn.fetch(SELECT_MANY, ids=pack_ids(unknown)):
            calendar = _parsed(_calendar(row))
            cache.put(row["id"], (row["revision"], row["updated_at"]), calendar)
            if calendar is not None:
                found[row["id"]] = calendar
    return found


def _parsed(stored: StoredCalendar) -> Calendar | None:
    try:
        return parse_calendar(stored.definition, calendar_id=stored.id)
    except InvalidInput:  # its zone is gone from tzdata, or a newer version wrote it: it excludes everything
        return None


# -- as rows ---------------------------------------------------------------------------------------------------------


def _values(calendar: StoredCalendar) -> dict[str, Any]:
    definition = calendar.definition
    return {
        "name": definition.name,
        "name_key": storable(definition.name.casefold()),
        "definition": _to_json(definition),
        "revision": calendar.revision,
        "updated_at": calendar.updated_at,
    }


def _calendar(row: Row) -> StoredCalendar:
    return StoredCalendar(**(row | {"definition": _from_json(row["definition"])}))


_LISTS = ("dates", "yearly", "weekdays", "weekly", "windows")
Entry = TypeVar("Entry", CalendarDates, CalendarYearly, CalendarWeekdays, CalendarWeekly, CalendarWindow)


def _to_json(definition: CalendarDefinition) -> dict[str, Json]:
    """All fields by name: days and times of day as ISO 8601, instants as epoch milliseconds."""
    kept: dict[str, Json] = {
        "name": definition.name,
        "description": definition.description,
        "timezone": definition.timezone,
    }
    for name in _LISTS:
        kept[name] = [
            {field.name: _plain(field.name, getattr(entry, field.name)) for field in fields(entry)}
            for entry in getattr(definition, name)
        ]
    return kept


def _plain(name: str, value: Any) -> Json:
    if name.endswith("_at"):
        return to_millis(value)
    if isinstance(value, date | time):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _from_json(stored: dict[str, Json]) -> CalendarDefinition:
    return CalendarDefinition(
        name=stored["name"],
        description=stored["description"],
        timezone=stored["timezone"],
        dates=_entries(CalendarDates, stored["dates"]),
        yearly=_entries(CalendarYearly, stored["yearly"]),
        weekdays=_entries(CalendarWeekdays, stored["weekdays"]),
        weekly=_entries(CalendarWeekly, stored["weekly"]),
        windows=_entries(CalendarWindow, stored["windows"]),
    )


def _entries(kind: type[Entry], stored: Iterable[dict[str, Json]]) -> tuple[Entry, ...]:
    """The entries of one kind; fields that a newer version added are left out."""
    names = [field.name for field in fields(kind)]
    return tuple(kind(**{name: _read(name, entry[name]) for name in names if name in entry}) for entry in stored)


def _read(name: str, value: Json) -> Any:
    if value is None:
        return None
    if name in ("first", "last"):
        return date.fromisoformat(value)
    if name in ("begins", "ends"):
        return time.fromisoformat(value)
    if name.endswith("_at"):
        return from_millis(value)
    return tuple(value) if name == "days" else value
