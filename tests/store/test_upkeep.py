"""Upkeep: statistics, free space, and copies that can be trusted."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cronplug.errors import StoreError
from cronplug.store import Conn, Store, access, stats, upkeep

AT = datetime(2026, 3, 2, 12, 0, 0, 123_000, tzinfo=UTC)
NAME = "cronplug-2026-03-02T12-00-00.123Z.db"


def file_of(store: Store) -> Path:
    assert store.file is not None
    return store.file


async def fill(store: Store, rows: int, *, size: int = 4_000) -> None:
    async def insert(conn: Conn) -> None:
        for row in range(rows):
            await access.set_meta(conn, f"row-{row}", "x" * size)

    await store.write(insert)


def empty(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM meta")
        connection.commit()


def keys_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        count: int = connection.execute("SELECT count(*) FROM meta").fetchone()[0]
    return count


async def test_statistics_are_refreshed_on_both_databases(store: Store) -> None:
    await fill(store, 3)

    await store.write(upkeep.refresh_statistics)


async def test_free_space_of_a_file_goes_back_to_the_disk(sqlite_store: Store) -> None:
    await fill(sqlite_store, 500)
    full = await sqlite_store.read(stats.database_size)
    empty(file_of(sqlite_store))
    assert not (await sqlite_store.read(upkeep.select_space)).can_shrink

    await sqlite_store.run_alone(upkeep.REWRITE)
    assert await sqlite_store.read(stats.database_size) < full / 4

    await fill(sqlite_store, 500)
    empty(file_of(sqlite_store))
    before = await sqlite_store.read(upkeep.select_space)
    after = await sqlite_store.write(upkeep.give_back_space)
    assert before.can_shrink
    assert 0 <= after.free_bytes < before.free_bytes


async def test_writes_go_on_before_and_after_statements_that_run_alone(sqlite_store: Store) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(fill(sqlite_store, number + 1, size=10))
            group.create_task(sqlite_store.run_alone(["VACUUM"]))

    assert keys_in(file_of(sqlite_store)) == 5


async def test_a_statement_that_fails_alone_leaves_the_writer_working(sqlite_store: Store) -> None:
    with pytest.raises(StoreError, match="syntax error"):
        await sqlite_store.run_alone(["DROP TABLE nothing"])

    await fill(sqlite_store, 1)


async def test_a_copy_has_one_snapshot_while_others_write(sqlite_store: Store, tmp_path: Path) -> None:
    source = file_of(sqlite_store)
    await fill(sqlite_store, 2_000)
    seen: list[float] = []

    def write_meanwhile(fraction: float) -> None:
        with closing(sqlite3.connect(source)) as connection:
            connection.execute("INSERT INTO meta (key, value) VALUES (?, 'late')", (f"late-{len(seen)}",))
            connection.commit()
        seen.append(fraction)

    copy = await asyncio.to_thread(
        upkeep.copy_sqlite, source, tmp_path / "new" / "folder", at=AT, report=write_meanwhile
    )

    assert (copy.name, keys_in(copy)) == (NAME, 2_000)
    assert len(seen) > 1
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    assert keys_in(source) == 2_000 + len(seen)


async def test_a_copy_is_one_file_that_only_its_owner_reads(sqlite_store: Store, tmp_path: Path) -> None:
    copy = upkeep.copy_sqlite(file_of(sqlite_store), tmp_path / "backups", at=AT)

    assert copy.stat().st_mode & 0o777 == 0o600
    assert keys_in(copy) == 0
    assert os.listdir(copy.parent) == [NAME]


def damage(path: Path) -> None:
    """Overwrite the middle of the file, page by page."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    with path.open("r+b") as file:
        file.seek(pages // 2 * 4096)
        file.write(b"\xaa" * 4096 * 8)


async def test_a_damaged_database_gives_no_copy(sqlite_store: Store, tmp_path: Path) -> None:
    source = file_of(sqlite_store)
    await fill(sqlite_store, 500)
    await sqlite_store.close()
    damage(source)

    with pytest.raises(StoreError, match=r"damaged|backup was not made"):
        upkeep.copy_sqlite(source, tmp_path / "backups", at=AT)

    assert os.listdir(tmp_path / "backups") == []


async def test_a_copy_that_is_stopped_leaves_nothing(sqlite_store: Store, tmp_path: Path) -> None:
    with pytest.raises(upkeep.CopyStopped):
        upkeep.copy_sqlite(file_of(sqlite_store), tmp_path / "backups", at=AT, stopped=lambda: True)

    assert os.listdir(tmp_path / "backups") == []


async def test_what_a_killed_process_left_unfinished_is_removed(sqlite_store: Store, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    for name in (".cronplug-2026-01-01T00-00-00.000Z.db.unfinished", ".other.db.unfinished"):
        (tmp_path / "backups" / name).write_bytes(b"half")

    upkeep.copy_sqlite(file_of(sqlite_store), tmp_path / "backups", at=AT)

    assert sorted(os.listdir(tmp_path / "backups")) == [".other.db.unfinished", NAME]


async def test_a_folder_that_cannot_be_written_is_named(sqlite_store: Store, tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("a file")

    with pytest.raises(StoreError, match=r"The backup in .*/backups was not made: .*exists"):
        upkeep.copy_sqlite(file_of(sqlite_store), tmp_path / "backups", at=AT)


def test_the_oldest_copies_go_and_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "cronplug.db"
    copies = [tmp_path / f"cronplug-{AT + timedelta(days=day):%Y-%m-%d}T00-00-00.000Z.db" for day in range(5)]
    others = [tmp_path / "cronplug-notes.db", tmp_path / "other-2020-01-01T00-00-00.000Z.db", source]
    for path in [*copies, *others]:
        path.touch()

    removed = upkeep.remove_old_copies(copies[4], source=source, keep=2)

    assert removed == copies[:3]
    assert set(tmp_path.iterdir()) == {*copies[3:], *others}


def test_the_newest_copy_stays_even_when_the_clock_went_back(tmp_path: Path) -> None:
    earlier, later = (tmp_path / f"cronplug-202{year}-01-01T00-00-00.000Z.db" for year in (6, 7))
    earlier.touch()
    later.touch()

    assert upkeep.remove_old_copies(earlier, source=tmp_path / "cronplug.db", keep=1) == [later]
