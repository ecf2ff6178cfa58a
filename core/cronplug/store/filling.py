"""Many rows at once, as they are stored: for filling a database with made-up history."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from cronplug.store import schema
from cronplug.store.columns import Id, Instant
from cronplug.store.conn import Conn
from cronplug.store.statements import JsonRows, Stmt


async def insert_raw(conn: Conn, table: str, names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows whose identifiers are numbers and whose instants are epoch milliseconds, values in the order of `names`.

    Nothing is checked or announced. Raises UniqueViolation.
    """
    keys = _keys(names)
    packed = [dict(zip(keys, row, strict=True)) for row in rows]
    await conn.run(_insert(table, names), rows=orjson.dumps(packed).decode())


def _keys(names: tuple[str, ...]) -> list[str]:
    return [f"c{place}" for place in range(len(names))]


@lru_cache(maxsize=16)
def _insert(table: str, names: tuple[str, ...]) -> Stmt:
    columns = schema.metadata.tables[table].c
    types: list[TypeEngine[Any]] = [
        sa.BigInteger() if isinstance(columns[name].type, Id | Instant) else columns[name].type for name in names
    ]
    keys = _keys(names)
    given = JsonRows("rows", dict(zip(keys, types, strict=True)))
    plain = sa.table(table, *(sa.column(name, type_) for name, type_ in zip(names, types, strict=True)))
    values = sa.select(*(given[key] for key in keys)).select_from(given.table)
    return Stmt(sa.insert(plain).from_select(list(names), values))
