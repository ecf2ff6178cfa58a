"""The output of executions, kept in chunks of lines: one row per write, not one per line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from cronplug.clock import from_millis, to_millis
from cronplug.model import Json, LogLine
from cronplug.store import schema
from cronplug.store.columns import Id, at_most
from cronplug.store.conn import Conn
from cronplug.store.statements import JsonRows, Stmt, column_types, pack_rows

C = schema.log_chunks
CHUNKS_AT_ONCE = 32
CHUNK_CHARACTERS = 1 << 20
"""About the most in one row: a reader takes whole rows, up to 32 of them at once."""

STATEMENT_CHARACTERS = 4 << 20
"""About the most in one statement: PostgreSQL takes no JSON of more than 256 MB, SQLite no text of more than 1 GB."""


_COLUMNS = column_types(C)
_NEW = JsonRows("rows", _COLUMNS)
_INSERT = insert(C).from_select(
    list(_COLUMNS),
    sa.select(*(_NEW[name] for name in _COLUMNS)).where(
        sa.exists().where(schema.executions.c.id == _NEW["execution_id"])  # it may have been deleted meanwhile
    ),
)
APPEND = Stmt(
    # A chunk whose commit was reported lost, but was not, comes again, perhaps longer.
    _INSERT.on_conflict_do_update(
        index_elements=["execution_id", "first_seq"],
        set_={"last_seq": _INSERT.excluded.last_seq, "lines": _INSERT.excluded.lines},
        where=_INSERT.excluded.last_seq > C.c.last_seq,
    )
)
SELECT = Stmt(
    sa.select(C.c.lines)
    .where(
        C.c.execution_id == sa.bindparam("id", type_=Id()), C.c.last_seq > sa.bindparam("after", type_=sa.BigInteger())
    )
    .order_by(C.c.first_seq)
    .limit(sa.bindparam("chunks", type_=sa.Integer()))
)


async def append_lines(conn: Conn, execution_id: str, lines: Sequence[LogLine]) -> None:
    """Keep lines of one execution, in the order of their `seq`. Doing it twice is the same as once."""
    await append_all(conn, {execution_id: lines})


async def append_all(conn: Conn, lines: Mapping[str, Sequence[LogLine]]) -> None:
    """Keep lines of many executions (by id) in as few statements as their size allows."""
    rows: list[dict[str, Any]] = []
    characters = 0
    for execution_id, some in lines.items():
        for chunk in _cut(some):
            rows.append(_chunk(execution_id, chunk))
            characters += sum(len(line.text) for line in chunk)
            if characters > STATEMENT_CHARACTERS:
                await conn.run(APPEND, rows=pack_rows(_COLUMNS, rows))
                rows, characters = [], 0
    if rows:
        await conn.run(APPEND, rows=pack_rows(_COLUMNS, rows))


def _cut(lines: Sequence[LogLine]) -> Iterator[Sequence[LogLine]]:
    start = characters = 0
    for end, line in enumerate(lines):
        characters += len(line.text)
        if characters > CHUNK_CHARACTERS and end > start:
            yield lines[start:end]
            start, characters = end, len(line.text)
    if start < len(lines):
        yield lines[start:]


async def select_lines(conn: Conn, execution_id: str, *, after_seq: int = 0, limit: int) -> list[LogLine]:
    """Up to `limit` lines that follow `after_seq`; fewer only at the end."""
    found: list[LogLine] = []
    chunks = 1  # one may hold thousands of lines: more are read only for those who want more
    while True:
        rows = await conn.fetch(SELECT, id=execution_id, after=at_most(after_seq), chunks=chunks)
        for row in rows:
            for stored in row["lines"]:
                if stored[0] > after_seq:
                    found.append(_line(stored))
                    if len(found) == limit:
                        return found
        if len(rows) < chunks:
            return found
        after_seq = found[-1].seq
        chunks = min(2 * chunks, CHUNKS_AT_ONCE)


def _chunk(execution_id: str, lines: Sequence[LogLine]) -> dict[str, Any]:
    return {
        "execution_id": execution_id,
        "first_seq": lines[0].seq,
        "last_seq": lines[-1].seq,
        "lines": [[it.seq, to_millis(it.at), it.stream, it.level, it.attempt, it.text] for it in lines],
    }


def _line(stored: Json) -> LogLine:
    seq, at, stream, level, attempt, text = stored
    return LogLine(seq, from_millis(at), stream, level, attempt, text)
