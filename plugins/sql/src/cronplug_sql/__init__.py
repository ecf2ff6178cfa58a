"""Queries against databases that the server's operator has named.

A payload holds a name, never an address: `SCHEDULER_SQL_<NAME>_URL` of the server says where the database is and who asks,
so nobody sees a password in a task, and nobody who makes tasks reaches a database that was not meant for it.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from cronplug import Context, PermanentError, function

if TYPE_CHECKING:
    from cronplug_sql.answers import Answer

__all__ = ["Query", "query"]

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


@function("sql.query", timeout=300, title="Query a database", tags=["sql"])
async def query(payload: Query, ctx: Context) -> dict[str, Any]:
    """Run one SQL statement against a database that the server's settings name; its rows become the result."""
    name = f"SCHEDULER_SQL_{payload.database.upper()}_URL"
    url = os.environ.get(name)
    if not url:
        raise PermanentError(f"There is no database {payload.database!r}: {name} of the server is not set.")
    # Imported late: SQLAlchemy takes longer than all else at a server's start, and only those who query need it.
    from cronplug_sql.answers import answer_to

    started = time.monotonic()
    answer = await answer_to(payload, url)
    seconds = round(time.monotonic() - started, 3)
    return _told(answer, seconds=seconds, ctx=ctx)


def _told(answer: Answer, *, seconds: float, ctx: Context) -> dict[str, Any]:
    if answer.columns is None:
        message = "done" if answer.changed is None else f"{_count(answer.changed)} changed"
        ctx.log.info("%s in %.3f s", message, seconds)
        return {"success": True, "message": message, "changed": answer.changed, "seconds": seconds}
    message = _count(len(answer.rows))
    if answer.truncated:
        ctx.log.warning("only %s are kept: `maxRows`, or the size of a result, allows no more", f"the first {message}")
        message = f"the first {message}, there are more"
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
