"""Many rows at once, as they are stored: for filling a database with made-up history."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import sqlalchemy as sa

from cronplug.store import schema
from cronplug.store.columns import Id, Instant
from cronplug.store.conn import Conn
from cronplug.store.statements import Stmt

_ROWS_AT_ONCE = (200, 20, 1)
"""A statement for each: both databases take some 32,000 parameters, and the longer ones take their time to be made."""


async def insert_raw(conn: Conn, table: str, names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows whose identifiers are numbers and whose instants are epoch milliseconds, values in the order of `names`.

    Nothing is checked or announced. Raises UniqueViolation.
    """
    done = 0
    for count in _ROWS_AT_ONCE:
        while len(rows) - done >= count:
            stmt, places = _insert(table, names, count)
            await conn.run(stmt, **dict(zip(places, chain.from_iterable(rows[done : done + count]), strict=True)))
            done += count


@lru_cache(maxsize=64)
def _insert(table: str, names: tuple[str, ...], count: int) -> tuple[Stmt, list[str]]:
    columns = schema.metadata.tables[table].c
    types = {
        name: sa.BigInteger() if isinstance(columns[name].type, Id | Instant) else columns[name].type for name in names
    }
    places = [[f"{name}_{number}" for name in names] for number in range(count)]
    values = [
        {name: sa.bindparam(place, type_=types[name]) for name, place in zip(names, row, strict=True)} for row in places
    ]
    plain = sa.table(table, *(sa.column(name, types[name]) for name in names))
    return Stmt(sa.insert(plain).values(values)), list(chain.from_iterable(places))
