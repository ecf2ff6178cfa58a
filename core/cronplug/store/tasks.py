"""Tasks, their tags, and what they were at each revision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from cronplug.model import IntervalRule, Task, TaskDefinition, TaskType
from cronplug.store import calendars, schema
from cronplug.store.columns import Id, Instant, Words, at_most, storable
from cronplug.store.conn import Conn
from cronplug.store.definitions import definition_from_json, definition_from_text, definition_to_json
from cronplug.store.statements import (
    JsonRows,
    Row,
    Stmt,
    given_ids,
    given_texts,
    in_order,
    known_id,
    pack_ids,
    pack_rows,
    pack_texts,
)

Condition = Literal["failing", "running", "scheduled", "off", "attention"]
"""`failing`: the newest decisive end was no success. `running`: an execution of it runs. `scheduled`: on, with a next fire
time. `off`: disabled. `attention`: failing, or its schedule, function or payload is at fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """What the database cannot know of tasks at fault: which functions there are, and whose payload does not fit."""

    functions: frozenset[str] = frozenset()
    payload_invalid: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks; None does not matter. `q` is looked for, in any case, in name, description, function, URL and tags.

    `tags` are those that a task must have, all of them. State `attention` needs `unfit`; `cronplug.operations.attention` finds it.
    """

    type: TaskType | None = None
    enabled: bool | None = None
    q: str | None = None
    tags: tuple[str, ...] = ()
    function_name: str | None = None
    state: Condition | None = None
    calendar_id: str | None = None
    unfit: Unfit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Moves a task to its next fire time, if fire time and revision are still the expected ones.

    `started` is how many executions its schedules start by that; `correct_started` puts right what was decided later.
    """

    task_id: str
    expected_next_run_at: datetime | None
    expected_revision: int
    next_run_at: datetime | None
    schedule_error: str | None = None
    started: int = 0


@dataclass(frozen=True, slots=True)
class Correction:
    """`surplus` executions of an `Advance` were not started; `is_used_up`: no further fire time is to come."""

    task_id: str
    surplus: int
    is_used_up: bool


LONGEST_Q = 10_000
"""Characters of `q` that are looked for: SQLite takes no pattern of any length."""

T = schema.tasks
COLUMNS = (
    T.c.id, sa.type_coerce(T.c.definition, sa.Text()).label("definition"), T.c.revision, T.c.created_at, T.c.updated_at,
    T.c.next_run_at, T.c.schedule_error, T.c.fired_count, T.c.disabled_at, T.c.tzdata_version, T.c.failing_since,
)  # fmt: skip
_BY_ID = T.c.id == sa.bindparam("id", type_=Id())
_IS_DUE = sa.and_(T.c.enabled, T.c.next_run_at <= sa.bindparam("now", type_=Instant()))

INSERT = Stmt(sa.insert(T))
SELECT_BY_IDS = Stmt(sa.select(*COLUMNS).where(T.c.id.in_(given_ids("ids"))))
SELECT = Stmt(sa.select(*COLUMNS).where(_BY_ID))
UPDATE = Stmt(
    sa.update(T)
    .where(
        _BY_ID,
        T.c.revision == sa.bindparam("expected_revision", type_=sa.Integer()),
        T.c.next_run_at.is_not_distinct_from(sa.bindparam("expected_next_run_at", type_=Instant())),
    )
    .values(
        {
            column.name: sa.bindparam(f"new_{column.name}", type_=column.type)
            for column in T.columns
            if column.name not in ("id", "created_at", "fired_count", "failing_since")
        }
    )
    .returning(T.c.id)
)
LOCK = Stmt(sa.select(T.c.id).where(_BY_ID).with_for_update(read=True, key_share=True))
LOCK_MANY = Stmt(sa.select(T.c.id).where(T.c.id.in_(given_ids("ids"))).order_by(T.c.id).with_for_update(key_share=True))

_DUE = (
    sa.select(*COLUMNS)
    .where(_IS_DUE)
    .order_by(T.c.next_run_at, T.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer()))
)
SELECT_DUE = Stmt(_DUE)
SELECT_DUE_LOCKED = Stmt(_DUE.with_for_update(skip_locked=True))
NEXT_DUE_AT = (
    sa.select(T.c.next_run_at)
    .where(T.c.enabled, T.c.next_run_at.is_not(None))
    .order_by(T.c.next_run_at)
    .limit(sa.literal_column("1"))
)
SELECT_NEXT_DUE_AT = Stmt(NEXT_DUE_AT)

_ADVANCE_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "id": Id(),
    "expected_next_run_at": Instant(),
    "expected_revision": sa.Integer(),
    "next_run_at": Instant(),
    "schedule_error": sa.Text(),
    "started": sa.Integer(),
}
_ADVANCES = JsonRows("rows", _ADVANCE_COLUMNS)
_ADVANCE = (
    sa.update(T)
    .where(
        T.c.id == _ADVANCES["id"],
        T.c.next_run_at.is_not_distinct_from(_ADVANCES["expected_next_run_at"]),
        T.c.revision == _ADVANCES["expected_revision"],
    )
    .values(
        next_run_at=_ADVANCES["next_run_at"],
        schedule_error=_ADVANCES["schedule_error"],
        fired_count=T.c.fired_count + _ADVANCES["started"],
        tzdata_version=sa.func.coalesce(sa.bindparam("new_tzdata_version", type_=Words()), T.c.tzdata_version),
    )
    .returning(T.c.id)
)
ADVANCE = Stmt(_ADVANCE, postgresql=_ADVANCE.where(in_order(T.c.id, T.c.id.in_(sa.select(_ADVANCES["id"])))))

_CORRECTION_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "task_id": Id(),
    "surplus": sa.Integer(),
    "is_used_up": sa.Boolean(),
}
_CORRECTIONS = JsonRows("rows", _CORRECTION_COLUMNS)
CORRECT = Stmt(
    sa.update(T)
    .where(T.c.id == _CORRECTIONS["task_id"])
    .values(
        fired_count=T.c.fired_count - _CORRECTIONS["surplus"],
        next_run_at=sa.case((_CORRECTIONS["is_used_up"], sa.null()), else_=T.c.next_run_at),
    )
)

SELECT_OF_OTHER_ZONE_DATA = Stmt(
    sa.select(*COLUMNS)
    .where(
        T.c.id > sa.bindparam("after_id", type_=Id()),
        T.c.next_run_at.is_not(None),
        T.c.tzdata_version.is_distinct_from(sa.bindparam("present", type_=Words())),
    )
    .order_by(T.c.id)
    .limit(sa.bindparam("limit", type_=sa.Integer()))
)

_AFTER_ID = sa.bindparam("after_id", type_=Id())
_OF_FUNCTIONS = (
    sa.select(*COLUMNS)
    .where(T.c.type == sa.literal_column("'function'"))
    .limit(sa.bindparam("limit", type_=sa.Integer()))
)
_ID_WITHOUT_INDEX = sa.literal_column("+tasks.id", Id())  # so that SQLite goes by the index of changes: they are few
SELECT_OF_FUNCTIONS = Stmt(_OF_FUNCTIONS.where(T.c.id > _AFTER_ID).order_by(T.c.id))
SELECT_CHANGED = Stmt(
    _OF_FUNCTIONS.where(
        _ID_WITHOUT_INDEX > _AFTER_ID, T.c.updated_at >= sa.bindparam("since", type_=Instant())
    ).order_by(_ID_WITHOUT_INDEX)
)

_E = schema.executions
_AWAITS_END = sa.and_(schema.AWAITING_END, T.c.enabled)
AWAITING_ONES = sa.select(T.c.id).where(_AWAITS_END).limit(sa.literal_column("1"))
AWAITS_ANY = Stmt(AWAITING_ONES)
SELECT_AWAITING_END = Stmt(
    sa.select(*COLUMNS)
    .where(_AWAITS_END, sa.not_(sa.exists().where(_E.c.task_id == T.c.id, schema.UNFINISHED)))
    .limit(sa.bindparam("limit", type_=sa.Integer()))
)
STOP_AWAITING_END = Stmt(
    sa.update(T)
    .where(_BY_ID, T.c.revision == sa.bindparam("expected_revision", type_=sa.Integer()), T.c.next_run_at.is_(None))
    .values(after_end_seconds=sa.null())
)

G = schema.task_tags
SELECT_TAGS = Stmt(
    sa.select(G.c.task_id, G.c.tag).where(G.c.task_id.in_(given_ids("ids"))).order_by(G.c.task_id, G.c.tag)
)
DELETE_TAGS = Stmt(sa.delete(G).where(G.c.task_id == sa.bindparam("id", type_=Id())))
INSERT_TAGS = Stmt(
    sa.insert(G).from_select(
        ["task_id", "tag"],
        sa.select(sa.bindparam("id", type_=Id()), given_texts("tags").subquery("given")),
    )
)

R = schema.task_revisions
INSERT_REVISION = Stmt(insert(R).on_conflict_do_nothing(index_elements=["task_id", "revision"]))
SELECT_REVISION = Stmt(
    sa.select(R.c.definition).where(
        R.c.task_id == sa.bindparam("id", type_=Id()), R.c.revision == sa.bindparam("revision", type_=sa.Integer())
    )
)

SORTS: dict[str, tuple[sa.ColumnElement[Any], ...]] = {
    "name": (T.c.name_key.asc(), T.c.id.asc()),
    "-name": (T.c.name_key.desc(), T.c.id.desc()),
    "createdAt": (T.c.created_at.asc(), T.c.id.asc()),
    "-createdAt": (T.c.created_at.desc(), T.c.id.desc()),
    "updatedAt": (T.c.updated_at.asc(), T.c.id.asc()),
    "-updatedAt": (T.c.updated_at.desc(), T.c.id.desc()),
    "nextRunAt": (T.c.next_run_at.asc().nulls_last(), T.c.id.asc()),
    "-nextRunAt": (T.c.next_run_at.desc().nulls_last(), T.c.id.desc()),
    "failingSince": (T.c.failing_since.asc().nulls_last(), T.c.id.asc()),
    "-failingSince": (T.c.failing_since.desc().nulls_last(), T.c.id.desc()),
}
"""The orders of a list of tasks, by their names in the API. What has no next fire time, or does not fail, comes last."""


async def insert_task(conn: Conn, task: Task) -> None:
    """Store a new task and its first revision. Raises UniqueViolation when the id is taken, ValueError when it is none."""
    known_id(task.id)
    kept = {name: getattr(task, name) for name in ("id", "created_at", "fired_count", "failing_since")}
    await conn.run(INSERT, **values_of(task), **kept)
    await _insert_tags(conn, task)
    await calendars.keep_uses(conn, task.id, task.definition, is_new=True)
    await _insert_revision(conn, task)


async def select_task(conn: Conn, task_id: str) -> Task | None:
    """A task, None when there is none (whatever the form of the id)."""
    row = await conn.fetch_one(SELECT, id=task_id)
    return None if row is None else task_of(row)


async def lock_task(conn: Conn, task_id: str) -> bool:
    """Keep a task from being deleted until the transaction ends; False when there is none. Changes are not held up."""
    return bool(await conn.fetch(LOCK, id=task_id))


async def select_tasks(
    conn: Conn, filter: TaskFilter, *, sort: str = "-createdAt", limit: int, offset: int = 0
) -> list[Task]:
    """A page of tasks in one of the orders of `SORTS`."""
    rows = await conn.fetch(
        _list_stmt(given_in(filter), sort), **params_of(filter), limit=limit, offset=at_most(offset)
    )
    return [task_of(row) for row in rows]


async def count_tasks(conn: Conn, filter: TaskFilter) -> int:
    """How many tasks."""
    count: int = await conn.fetch_value(_count_stmt(given_in(filter)), **params_of(filter))
    return count


async def update_task(conn: Conn, task: Task, *, instead_of: Task) -> bool:
    """Replace a task, if revision and `next_run_at` are still those of `instead_of`; False when not, or it is gone.

    A fire time that was planned meanwhile must not come back: under `replace` it would take its own execution's place.
    """
    values = {f"new_{name}": value for name, value in values_of(task).items()}
    expected = {"expected_revision": instead_of.revision, "expected_next_run_at": instead_of.next_run_at}
    if not await conn.fetch(UPDATE, id=task.id, **expected, **values):
        return False
    await conn.run(DELETE_TAGS, id=task.id)
    await _insert_tags(conn, task)
    await calendars.keep_uses(conn, task.id, task.definition)
    await _insert_revision(conn, task)
    return True


async def select_due_tasks(conn: Conn, now: datetime, *, limit: int, lock: bool = False) -> list[Task]:
    """Enabled tasks whose `next_run_at` has come, the oldest first.

    `lock` (in a write only) leaves out, on PostgreSQL, what another node has locked in the same way.
    """
    rows = await conn.fetch(SELECT_DUE_LOCKED if lock else SELECT_DUE, now=now, limit=limit)
    return [task_of(row) for row in rows]


async def select_due_within(
    conn: Conn, filter: TaskFilter, *, since: datetime, until: datetime, limit: int
) -> list[tuple[str, str, str | None, datetime]]:
    """(id, name, function, next fire time) of enabled tasks whose next fire time is within [since, until), the soonest first."""
    stmt = _due_within_stmt(given_in(filter))
    rows = await conn.fetch(stmt, **params_of(filter), due_from=since, due_until=until, limit=limit)
    return [(row["id"], row["name"], row["function_name"], row["next_run_at"]) for row in rows]


async def select_tasks_by_id(conn: Conn, task_ids: Iterable[str]) -> list[Task]:
    """These tasks, those that there are, in any order."""
    return [task_of(row) for row in await conn.fetch(SELECT_BY_IDS, ids=pack_ids(task_ids))]


async def select_tags(conn: Conn, task_ids: Iterable[str]) -> dict[str, list[str]]:
    """The tags of each of these tasks, in their order; those without are left out."""
    tags: dict[str, list[str]] = {}
    for row in await conn.fetch(SELECT_TAGS, ids=pack_ids(task_ids)):
        tags.setdefault(row["task_id"], []).append(row["tag"])
    return tags


async def select_next_due_at(conn: Conn) -> datetime | None:
    """The earliest `next_run_at` of all enabled tasks, past or coming; None when nothing is planned."""
    at: datetime | None = await conn.fetch_value(SELECT_NEXT_DUE_AT)
    return at


async def advance_tasks(conn: Conn, advances: Sequence[Advance], *, tzdata_version: str | None = None) -> set[str]:
    """Move tasks to their next fire times, found by that zone data; the ids of those that were still as expected."""
    if not advances:
        return set()
    rows = pack_rows(
        _ADVANCE_COLUMNS,
        (
            {
                "id": advance.task_id,
                "expected_next_run_at": advance.expected_next_run_at,
                "expected_revision": advance.expected_revision,
                "next_run_at": advance.next_run_at,
                "schedule_error": advance.schedule_error,
                "started": advance.started,
            }
            for advance in sorted(advances, key=lambda advance: advance.task_id)
        ),
    )
    return {row["id"] for row in await conn.fetch(ADVANCE, rows=rows, new_tzdata_version=tzdata_version)}


async def correct_started(conn: Conn, corrections: Sequence[Correction]) -> None:
    """Put right, in the same transaction, what `advance_tasks` took for granted."""
    if corrections:
        rows = ({name: getattr(it, name) for name in _CORRECTION_COLUMNS} for it in corrections)
        await conn.run(CORRECT, rows=pack_rows(_CORRECTION_COLUMNS, rows))


async def lock_tasks(conn: Conn, task_ids: Iterable[str]) -> set[str]:
    """Let nobody else plan, queue for, change or delete these tasks until the transaction ends; those there are."""
    return {row["id"] for row in await conn.fetch(LOCK_MANY, ids=pack_ids(task_ids))}


async def select_of_other_zone_data(conn: Conn, present: str, *, after_id: str, limit: int) -> list[Task]:
    """Tasks whose `next_run_at` was found by other zone data than `present`, by id from after that one on."""
    rows = await conn.fetch(SELECT_OF_OTHER_ZONE_DATA, present=present, after_id=after_id, limit=limit)
    return [task_of(row) for row in rows]


async def select_changed_since(conn: Conn, since: datetime | None, *, after_id: str, limit: int) -> list[Task]:
    """Tasks that run functions and were made or changed then or later (None: all), by id from after that one on.

    From the first on with "".
    """
    if since is None:
        return [task_of(row) for row in await conn.fetch(SELECT_OF_FUNCTIONS, after_id=after_id, limit=limit)]
    return [task_of(row) for row in await conn.fetch(SELECT_CHANGED, since=since, after_id=after_id, limit=limit)]


async def awaits_any_end(conn: Conn) -> bool:
    """Whether any task's next fire time follows from the end of an execution that has not come, or is not seen yet."""
    return bool(await conn.fetch(AWAITS_ANY))


async def select_awaiting_end(conn: Conn, *, limit: int) -> list[Task]:
    """Tasks whose next fire time follows from the end of their last execution, which has come."""
    return [task_of(row) for row in await conn.fetch(SELECT_AWAITING_END, limit=limit)]


async def stop_awaiting_end(conn: Conn, task: Task) -> None:
    """No fire time follows any more from the end of an execution of this task, until it is changed."""
    await conn.run(STOP_AWAITING_END, id=task.id, expected_revision=task.revision)


async def select_definition(conn: Conn, task_id: str, *, revision: int) -> TaskDefinition | None:
    """What a task was at a revision, also after it was deleted; None when nothing tells it any more."""
    stored = await conn.fetch_value(SELECT_REVISION, id=task_id, revision=revision)
    return None if stored is None else definition_from_json(stored)[0]


async def _insert_tags(conn: Conn, task: Task) -> None:
    tags = dict.fromkeys(storable(tag) for tag in task.definition.tags)
    if tags:
        await conn.run(INSERT_TAGS, id=task.id, tags=pack_texts(tags))


async def _insert_revision(conn: Conn, task: Task) -> None:
    await conn.run(
        INSERT_REVISION,
        task_id=task.id,
        revision=task.revision,
        definition=definition_to_json(task.definition),
        created_at=task.updated_at,
    )


def values_of(task: Task) -> dict[str, Any]:
    """The columns of a task that a change of its definition may change."""
    definition = task.definition
    words = (definition.name, definition.description, definition.function_name, definition.http_url, *definition.tags)
    return {
        "name": definition.name,
        "name_key": storable(definition.name.casefold()),
        "type": definition.type,
        "enabled": definition.enabled,
        "function_name": definition.function_name if definition.type is TaskType.FUNCTION else None,
        "search_text": "\n".join(word for word in words if word).casefold(),
        "definition": definition_to_json(definition),
        "revision": task.revision,
        "updated_at": task.updated_at,
        "next_run_at": task.next_run_at,
        "schedule_error": task.schedule_error,
        "disabled_at": task.disabled_at,
        "tzdata_version": task.tzdata_version,
        "after_end_seconds": _after_end_seconds(definition),
    }


def _after_end_seconds(definition: TaskDefinition) -> int | None:
    """What the column of that name holds: nothing while the task is disabled, so that it does not wait."""
    if not definition.enabled:
        return None
    for rule in definition.schedules:
        if isinstance(rule, IntervalRule) and rule.after_end:
            return rule.every_seconds
    return None


def task_of(row: Row) -> Task:
    """The task of a row that has `COLUMNS`."""
    definition, fault = definition_from_text(row["definition"])
    return Task(**(row | {"definition": definition, "schedule_error": row["schedule_error"] or fault}))


_F = T.alias("faulty")


def _ids_where(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(_F.c.id).where(*conditions)


_IS_FAILING = T.c.failing_since.is_not(None)
_STATES: dict[Condition, sa.ColumnElement[bool]] = {
    "failing": _IS_FAILING,
    # Only running ones have a lease, and an index has them.
    "running": T.c.id.in_(sa.select(_E.c.task_id).where(_E.c.lease_until.is_not(None), _E.c.task_id.is_not(None))),
    "scheduled": sa.and_(T.c.enabled, T.c.next_run_at.is_not(None)),
    "off": sa.not_(T.c.enabled),
    # Each part by an index of its own. Tasks that run a function have its name, others have none.
    "attention": T.c.id.in_(
        sa.union(
            _ids_where(_F.c.failing_since.is_not(None)),
            _ids_where(_F.c.schedule_error.is_not(None)),
            _ids_where(_F.c.function_name.is_not(None), _F.c.function_name.not_in(given_texts("functions"))),
            given_ids("payload_invalid"),
        )
    ),
}
CONDITIONS: dict[str, sa.ColumnElement[bool]] = {
    "type": T.c.type == sa.bindparam("type"),
    "enabled": T.c.enabled == sa.bindparam("enabled", type_=sa.Boolean()),
    "q": T.c.search_text.like(sa.bindparam("q"), escape="!"),
    "function_name": T.c.function_name == sa.bindparam("function_name"),
    "tags": T.c.id.in_(
        sa.select(G.c.task_id)
        .where(G.c.tag.in_(given_texts("tags")))
        .group_by(G.c.task_id)
        .having(sa.func.count() == sa.bindparam("tag_count", type_=sa.Integer()))
    ),
    "calendar_id": T.c.id.in_(
        sa.select(schema.task_calendars.c.task_id).where(
            schema.task_calendars.c.calendar_id == sa.bindparam("calendar_id", type_=Id())
        )
    ),
    **{f"state {state}": condition for state, condition in _STATES.items()},
}
_COMPARED = ("type", "enabled", "q", "function_name", "tags", "calendar_id")


def given_in(filter: TaskFilter) -> tuple[str, ...]:
    """Which of `CONDITIONS` a filter asks for."""
    names = tuple(name for name in _COMPARED if getattr(filter, name) not in (None, ()))
    return names if filter.state is None else (*names, f"state {filter.state}")


def params_of(filter: TaskFilter) -> dict[str, Any]:
    """The parameters of those."""
    params = {name: getattr(filter, name) for name in given_in(filter) if name in _COMPARED}
    if filter.q is not None:
        escaped = filter.q[:LONGEST_Q].casefold().replace("!", "!!").replace("%", "!%").replace("_", "!_")
        params["q"] = f"%{escaped}%"
    if filter.tags:
        wanted = {storable(tag) for tag in filter.tags}
        params |= {"tags": pack_texts(wanted), "tag_count": len(wanted)}
    if filter.state == "attention":
        if filter.unfit is None:
            raise ValueError("the state attention is not known without what is unfit")
        params["functions"] = pack_texts(sorted(filter.unfit.functions))
        params["payload_invalid"] = pack_ids(filter.unfit.payload_invalid)
    return params


@lru_cache(maxsize=256)
def _list_stmt(given: tuple[str, ...], sort: str) -> Stmt:
    page = (  # ids alone are sorted: definitions are long
        sa.select(T.c.id)
        .where(*(CONDITIONS[name] for name in given))
        .order_by(*SORTS[sort])
        .limit(sa.bindparam("limit", type_=sa.Integer()))
        .offset(sa.bindparam("offset", type_=sa.BigInteger()))
    )
    return Stmt(sa.select(*COLUMNS).where(T.c.id.in_(page)).order_by(*SORTS[sort]))


@lru_cache(maxsize=32)
def _count_stmt(given: tuple[str, ...]) -> Stmt:
    return Stmt(sa.select(sa.func.count()).select_from(T).where(*(CONDITIONS[name] for name in given)))


@lru_cache(maxsize=256)
def _due_within_stmt(given: tuple[str, ...]) -> Stmt:
    return Stmt(
        sa.select(T.c.id, T.c.name, T.c.function_name, T.c.next_run_at)
        .where(
            T.c.enabled,
            T.c.next_run_at >= sa.bindparam("due_from", type_=Instant()),
            T.c.next_run_at < sa.bindparam("due_until", type_=Instant()),
            *(CONDITIONS[name] for name in given),
        )
        .order_by(T.c.next_run_at, T.c.id)
        .limit(sa.bindparam("limit", type_=sa.Integer()))
    )
