"""The table of executions: the words its statements share, and an execution as read from a row."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from cronplug.model import Execution, Reason, Status, TaskType, Trigger
from cronplug.store import schema
from cronplug.store.columns import Id, Instant
from cronplug.store.statements import Row, column_types

E = schema.executions
A = schema.attempts


def bind(name: str, type_: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    """A value that varies."""
    return sa.bindparam(name, type_=type_)


LIMIT = bind("limit", sa.Integer())
NOW = bind("now", Instant())
BY_ID = E.c.id == bind("id", Id())
NULL = sa.null()

# Written out, as in the indexes: SQLite uses a partial index only for its very words.
IS_QUEUED, IS_UNFINISHED = schema.QUEUED, schema.UNFINISHED

# In words of no index: SQLite would walk through all that runs, not to each row by its id, its task or its lease.
IS_RUNNING = sa.text("executions.status || '' = 'running'")

ONE: sa.ColumnElement[int] = sa.literal_column("1")
ZERO: sa.ColumnElement[int] = sa.literal_column("0")
HELD_UNTIL = bind("held", Instant())

ALL_COLUMNS = column_types(E)


_TRIGGERS, _STATUSES, _TYPES, _REASONS = ({str(it): it for it in kind} for kind in (Trigger, Status, TaskType, Reason))


def execution_of(row: Row) -> Execution:
    """The execution of a whole row.

    What a newer version has written and this one does not know keeps nobody from reading the others, nor from claiming
    them: such a status is read as `lost`, a trigger as `api`, a reason as none; with such a type the function has no
    name, and an attempt of it fails.
    """
    row["trigger"] = _TRIGGERS.get(row["trigger"], Trigger.API)
    row["status"] = _STATUSES.get(row["status"], Status.LOST)
    row["reason"] = _REASONS.get(row["reason"])
    kind = _TYPES.get(row["type"])
    if kind is None:
        kind, row["function_name"] = TaskType.FUNCTION, None
    row["type"] = kind
    return Execution(**row)
