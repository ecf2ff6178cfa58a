"""Output of executions: whole, in order, and harmless to write twice."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from cronplug.model import LogLine
from cronplug.store import Store, logs
from cronplug.store.logs import CHUNK_CHARACTERS, CHUNKS_AT_ONCE
from cronplug.store.schema import log_chunks
from cronplug.store.statements import Stmt
from tests.store.making import Maker, after
from tests.store.test_executions import insert

CHUNK_SIZES = Stmt(sa.select(sa.func.length(log_chunks.c.lines).label("size")))


def lines(first: int, last: int, text: str = "line") -> list[LogLine]:
    return [LogLine(seq, after(seq / 1000), "stdout", None, 1, f"{text} {seq}") for seq in range(first, last + 1)]


async def append(store: Store, execution_id: str, some: list[LogLine]) -> None:
    await store.write(lambda conn: logs.append_lines(conn, execution_id, some))


async def select(store: Store, execution_id: str, *, after_seq: int = 0, limit: int = 10_000) -> list[LogLine]:
    return await store.read(lambda conn: logs.select_lines(conn, execution_id, after_seq=after_seq, limit=limit))


async def test_lines_come_back_as_they_were(store: Store, make: Maker) -> None:
    execution = make.execution()
    await insert(store, execution)
    written = [
        LogLine(1, after(0.001), "stdout", None, 1, "plain"),
        LogLine(2, after(0.002), "stderr", None, 1, ""),
        LogLine(3, after(0.003), "log", "warning", 2, "é ✓ \x00 \ud800 \\u0000 \"'"),
    ]

    await append(store, execution.id, written)

    assert await select(store, execution.id) == written
    assert await select(store, execution.id, after_seq=10**30) == []


async def test_no_lines_are_no_chunk(store: Store, make: Maker) -> None:
    await append(store, make.execution().id, [])


async def test_a_flood_of_lines_becomes_rows_of_bearable_size_and_may_come_again(store: Store, make: Maker) -> None:
    execution = make.execution()
    await insert(store, execution)
    flood = lines(1, 1000, "x" * 6000)

    await append(store, execution.id, flood[:900])
    await append(store, execution.id, flood)

    assert await select(store, execution.id) == flood
    sizes = await store.read(lambda conn: conn.fetch(CHUNK_SIZES))
    assert max(row["size"] for row in sizes) < 2 * CHUNK_CHARACTERS


@pytest.mark.parametrize("chunk", [1, 7])
async def test_pages_are_full_until_the_end_whatever_the_chunks(store: Store, make: Maker, chunk: int) -> None:
    execution = make.execution()
    await insert(store, execution)
    count = CHUNKS_AT_ONCE * chunk * 2 + 5
    for first in range(1, count + 1, chunk):
        await append(store, execution.id, lines(first, min(first + chunk - 1, count)))

    size = CHUNKS_AT_ONCE * chunk + 3
    pages, at = [], 0
    while page := await select(store, execution.id, after_seq=at, limit=size):
        pages.append(page)
        at = page[-1].seq

    assert [it for page in pages for it in page] == lines(1, count)
    assert all(len(page) == size for page in pages[:-1])


async def test_lines_written_twice_are_kept_once(store: Store, make: Maker) -> None:
    execution = make.execution()
    await insert(store, execution)
    for some in (lines(1, 3), lines(1, 3), lines(1, 5), lines(1, 2)):
        await append(store, execution.id, some)

    assert await select(store, execution.id) == lines(1, 5)


async def test_lines_of_a_deleted_execution_are_dropped(store: Store, make: Maker) -> None:
    known, gone = make.execution(), make.execution()
    await insert(store, known)

    await store.write(lambda conn: logs.append_all(conn, {known.id: lines(1, 2), gone.id: lines(1, 2)}))

    assert await select(store, known.id) == lines(1, 2)
    assert await select(store, gone.id) == []
    assert await select(store, "nonsense") == []
