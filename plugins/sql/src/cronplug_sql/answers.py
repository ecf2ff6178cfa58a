"""One statement with its values, and its answer within limits."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from cronplug import PermanentError
from cronplug_sql.databases import DRIVER_ERRORS, ask, failure_of
from cronplug_sql.values import as_json

if TYPE_CHECKING:
    from cronplug_sql import Query

MAX_RESULT_BYTES = 200_000
"""Of the rows as JSON, below what the platform keeps of a result."""

_FETCHED_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`rows` are JSON objects. `changed` is how many rows a statement without any changed, where the driver tells."""

    columns: list[str] | None
    rows: list[dict[str, Any]]
    truncated: bool
    changed: int | None


async def answer_to(payload: Query, url: str) -> Answer:
    """Run the payload's statement at `url`. Raises PermanentError and QueryFailed."""
    statement = _statement(payload)
    try:
        return await ask(url, lambda connection: _answer(connection, statement, payload), read_only=payload.readOnly)
    except (sa.exc.SQLAlchemyError, *DRIVER_ERRORS) as error:
        raise failure_of(error, database=payload.database) from None  # what SQLAlchemy adds are the parameters


def _statement(payload: Query) -> sa.TextClause:
    """The query with its values. Raises PermanentError for parameters without a value, and values without one."""
    statement = sa.text(payload.query)
    wanted, given = set(statement.compile().params), set(payload.parameters)
    if missing := sorted(wanted - given):
        raise PermanentError(
            f"The query's parameter :{missing[0]} has no value in `parameters`. (If it is none, write \\:{missing[0]})"
        )
    if unused := sorted(given - wanted):
        raise PermanentError(f"The query has no parameter :{unused[0]}.")
    return statement.bindparams(
        *(sa.bindparam(name, value, type_=_type_of(value)) for name, value in payload.parameters.items())
    )


def _type_of(value: object) -> sa.types.TypeEngine[Any]:
    """PostgreSQL wants to know; it would guess from the place, and then refuse a text where a date is wanted."""
    if isinstance(value, bool):
        return sa.Boolean()
    if isinstance(value, int):
        return sa.BigInteger()
    if isinstance(value, float):
        return sa.Double()
    return sa.types.NULLTYPE if value is None else sa.Text()


def _answer(connection: sa.Connection, statement: sa.TextClause, payload: Query) -> Answer:
    with connection.begin(), connection.execution_options(stream_results=True).execute(statement) as result:
        if not result.returns_rows:
            changed = result.rowcount
            return Answer(columns=None, rows=[], truncated=False, changed=changed if changed >= 0 else None)
        columns = _distinct(result.keys())
        rows, truncated = _first_rows(result, columns, payload.maxRows)
    return Answer(columns=columns, rows=rows, truncated=truncated, changed=None)


def _distinct(names: Iterable[str]) -> list[str]:
    """The names of the columns, a number added where one comes again."""
    distinct: list[str] = []
    for name in names:
        candidate, number = name, 1
        while candidate in distinct:
            number += 1
            candidate = f"{name}_{number}"
        distinct.append(candidate)
    return distinct


def _first_rows(result: sa.CursorResult[Any], columns: list[str], max_rows: int) -> tuple[list[dict[str, Any]], bool]:
    """The rows that may be kept, and whether there are more."""
    rows: list[dict[str, Any]] = []
    size = 2
    while fetched := result.fetchmany(min(_FETCHED_AT_ONCE, max_rows + 1 - len(rows))):
        for values in fetched:
            row = {column: as_json(value) for column, value in zip(columns, values, strict=True)}
            size += len(json.dumps(row, ensure_ascii=False).encode(errors="replace")) + 1
            if len(rows) == max_rows or size > MAX_RESULT_BYTES:
                return rows, True
            rows.append(row)
    return rows, False
