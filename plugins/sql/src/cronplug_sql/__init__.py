"""Queries against databases that the server's operator has named.

A payload holds a name, never an address: `SCHEDULER_SQL_<NAME>_URL` of the server says where the database is and who asks,
so nobody sees a password in a task, and nobody who makes tasks reaches a database that was not meant for it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

from cronplug import Context, PermanentError, function
from cronplug_sql.databases import DRIVER_ERRORS, QueryFailed, ask, failure_of
from cronplug_sql.values import as_json

__all__ = ["Query", "QueryFailed", "query"]

MAX_RESULT_BYTES = 200_000
"""Of the rows as JSON, below what the platform keeps of a result."""

_FETCHED_AT_ONCE = 100

ParameterName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
ParameterValue = bool | Annotated[int, Field(ge=-(2**63), lt=2**63)] | float | str | None


class Query(BaseModel):
    """What to ask, and whom."""

    model_config = ConfigDict(extra="forbid")

    database: str = Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_]*$",
        max_length=100,
        description="Name of a database: `sales` is what SCHEDULER_SQL_SALES_URL of the server names",
        examples=["sales"],
    )
    query: str = Field(
        min_length=1,
        max_length=100_000,
        description="One SQL statement; `:name` is a parameter, and a plain colon before a word is written `\\:`",
        examples=["SELECT region, sum(amount) FROM sales WHERE day >= CAST(:since AS date) GROUP BY region"],
    )
    parameters: dict[ParameterName, ParameterValue] = Field(
        default_factory=dict, description="A value for each parameter of the query"
    )
    readOnly: bool = Field(True, description="Refuse whatever would change the database")
    maxRows: int = Field(100, ge=1, le=10_000, description="Most rows kept in the result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`rows` are JSON objects. `changed` is how many rows a statement without any changed, where the driver tells."""

    columns: list[str] | None
    rows: list[dict[str, Any]]
    truncated: bool
    changed: int | None


@function("sql.query", timeout=300, title="Query a database", tags=["sql"])
async def query(payload: Query, ctx: Context) -> dict[str, Any]:
    """Run one SQL statement against a database that the server's settings name; its rows become the result."""
    name = f"SCHEDULER_SQL_{payload.database.upper()}_URL"
    url = os.environ.get(name)
    if not url:
        raise PermanentError(f"There is no database {payload.database!r}: {name} of the server is not set.")
    statement = _statement(payload)
    started = time.monotonic()
    try:
        answer = await ask(url, lambda connection: _answer(connection, statement, payload), read_only=payload.readOnly)
    except (sa.exc.SQLAlchemyError, *DRIVER_ERRORS) as error:
        raise failure_of(error, database=payload.database) from None  # what SQLAlchemy adds are the parameters
    seconds = round(time.monotonic() - started, 3)
    return _told(answer, seconds=seconds, ctx=ctx)


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


def _told(answer: Answer, *, seconds: float, ctx: Context) -> dict[str, Any]:
    if answer.columns is None:
        message = "done" if answer.changed is None else f"{_count(answer.changed)} changed"
        ctx.log.info("%s in %.3f s", message, seconds)
        return {"success": True, "message": message, "changed": answer.changed, "seconds": seconds}
    message = _count(len(answer.rows))
    if answer.truncated:
        message = f"the first {message}, there are more"
        ctx.log.warning(
            "only the first %s are kept (`maxRows`, and %d bytes)", _count(len(answer.rows)), MAX_RESULT_BYTES
        )
    ctx.log.info("%s in %.3f s", message, seconds)
    return {
        "success": True,
        "message": message,
        "columns": answer.columns,
        "rows": answer.rows,
        "truncated": answer.truncated,
        "seconds": seconds,
    }


def _count(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows:,} rows"
