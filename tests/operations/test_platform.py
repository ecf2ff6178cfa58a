"""What trusted functions may ask of the platform, on real databases."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from cronplug.clock import SettableClock
from cronplug.events import EventBus
from cronplug.operations.platform import PlatformOperations
from cronplug.sdk import PermanentError
from cronplug.store import Conn, Store, access

AT = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)


def platform_on(store: Store, backup_dir: Path, clock: SettableClock | None = None) -> PlatformOperations:
    return PlatformOperations(
        store=store,
        clock=clock or SettableClock(AT),
        bus=EventBus(),
        success_days=30,
        failed_days=90,
        backup_dir=backup_dir,
    )


@pytest_asyncio.fixture
async def store(sqlite_url: str) -> AsyncIterator[Store]:
    store = await Store.open(sqlite_url)
    yield store
    await store.close()


@pytest_asyncio.fixture
async def postgres_store(emptied_postgres_url: str) -> AsyncIterator[Store]:
    store = await Store.open(emptied_postgres_url)
    yield store
    await store.close()


async def test_backups_rotate_and_each_can_be_opened(store: Store, tmp_path: Path) -> None:
    clock = SettableClock(AT)
    platform = platform_on(store, tmp_path / "backups", clock)
    heard: list[float] = []

    made = []
    for _ in range(4):
        made.append(await platform.backup(keep=2, report=heard.append))
        clock.advance(seconds=3600)

    assert [len(one.removed) for one in made] == [0, 0, 1, 1]
    assert sorted(os.listdir(tmp_path / "backups")) == [Path(one.path).name for one in made[2:]]
    assert heard[-1] == 1.0
    for one in made[2:]:
        assert os.path.getsize(one.path) == one.bytes
        with closing(sqlite3.connect(one.path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert connection.execute("SELECT count(*) FROM tasks").fetchone() == (0,)


async def test_a_backup_may_go_to_a_folder_below(store: Store, tmp_path: Path) -> None:
    made = await platform_on(store, tmp_path / "backups").backup(folder="weekly/full")

    assert Path(made.path).parent == tmp_path / "backups" / "weekly" / "full"


@pytest.mark.parametrize("folder", ["..", "weekly/../../elsewhere", "/etc", "out"])
async def test_a_backup_goes_nowhere_else(store: Store, tmp_path: Path, folder: str) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    (backups / "out").symlink_to(tmp_path)

    with pytest.raises(PermanentError, match="SCHEDULER_BACKUP_DIR"):
        await platform_on(store, backups).backup(folder=folder)

    assert os.listdir(backups) == ["out"]


async def test_a_backup_that_is_cancelled_has_ended_when_it_says_so(store: Store, tmp_path: Path) -> None:
    async def fill(conn: Conn) -> None:
        for row in range(2_000):
            await access.set_meta(conn, f"row-{row}", "x" * 4_000)

    await store.write(fill)
    started = asyncio.Event()
    platform = platform_on(store, tmp_path / "backups")

    async with asyncio.TaskGroup() as group:
        copying = group.create_task(platform.backup(report=lambda _: started.set()))
        await started.wait()
        copying.cancel()

    assert copying.cancelled()
    assert not [name for name in os.listdir(tmp_path / "backups") if name.endswith("unfinished")]


async def test_postgresql_is_not_backed_up_and_the_refusal_says_how_to(postgres_store: Store, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="pg_dump"):
        await platform_on(postgres_store, tmp_path).backup()


async def test_postgresql_is_analysed(postgres_store: Store, tmp_path: Path) -> None:
    done = await platform_on(postgres_store, tmp_path).optimize(reclaim=True)

    assert (done.database, done.free_bytes) == ("postgresql", 0)
    assert done.bytes_before > 0


async def test_optimising_gives_space_back_only_where_it_is_asked_to_rewrite(store: Store, tmp_path: Path) -> None:
    async def fill(conn: Conn) -> None:
        for row in range(500):
            await access.set_meta(conn, f"row-{row}", "x" * 4_000)

    await store.write(fill)
    assert store.file is not None
    with closing(sqlite3.connect(store.file)) as connection:
        connection.execute("DELETE FROM meta")
        connection.commit()
    platform = platform_on(store, tmp_path)

    gently, whole, again = (
        await platform.optimize(),
        await platform.optimize(reclaim=True),
        await platform.optimize(reclaim=True),
    )

    assert gently.bytes_after == gently.bytes_before
    assert gently.free_bytes > gently.bytes_before / 2
    assert whole.bytes_after < gently.bytes_after / 4
    assert (whole.free_bytes, again.free_bytes) == (0, 0)
