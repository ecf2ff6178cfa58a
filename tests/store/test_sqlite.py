"""What only SQLite has: its PRAGMAs, its disk, its one writer, and its choice of indexes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cronplug.errors import StoreError
from cronplug.model import Status, Trigger
from cronplug.store import Conn, Store, Unit, due, executions, rollups, sqlite, stats, tasks, timeline
from cronplug.store.executions import ExecutionFilter, claims, ends, progress, reading, retention, stopping, turns
from cronplug.store.migrate import migrate
from cronplug.store.schema import meta
from cronplug.store.sqlite import READER_CACHE_KIB, WRITER_CACHE_KIB
from cronplug.store.statements import Stmt
from cronplug.store.threads import UnitThread
from tests.store.making import Maker
from tests.store.signals import Signal
from tests.store.test_executions import insert
from tests.store.test_transactions import get_meta, set_meta


def pragma(name: str) -> Stmt:
    return Stmt(sa.select(sa.literal_column(name)).select_from(sa.text(f"pragma_{name}")))


@pytest.mark.parametrize("synchronous", ["full", "normal"])
async def test_every_connection_has_its_pragmas(sqlite_url: str, synchronous: str) -> None:
    store = await Store.open(sqlite_url, sqlite_synchronous=synchronous, readers=3)  # type: ignore[arg-type]

    async def read(conn: Conn) -> tuple[object, ...]:
        return tuple([await conn.fetch_value(pragma(name)) for name in ("journal_mode", "synchronous", "foreign_keys")])

    seen = await asyncio.gather(store.write(read), *(store.read(read) for _ in range(12)))
    await store.close()

    assert set(seen) == {("wal", 2 if synchronous == "full" else 1, 1)}


async def test_readers_keep_few_pages(sqlite_url: str) -> None:
    """They drop them at every commit; the memory of each grows to what its largest question took."""
    store = await Store.open(sqlite_url, readers=2)

    async def read(conn: Conn) -> object:
        return await conn.fetch_value(pragma("cache_size"))

    seen = await asyncio.gather(store.write(read), *(store.read(read) for _ in range(4)))
    await store.close()

    assert seen == [-WRITER_CACHE_KIB] + [-READER_CACHE_KIB] * 4


async def test_connections_are_held_not_opened_for_each_statement(sqlite_store: Store) -> None:
    before = connection_threads()

    await asyncio.gather(*(sqlite_store.write(set_meta(f"k{n}")) for n in range(100)))
    await asyncio.gather(*(get_meta(sqlite_store, f"k{n}") for n in range(100)))

    assert connection_threads() == before


async def test_closing_ends_every_thread(sqlite_url: str) -> None:
    before = connection_threads()
    store = await Store.open(sqlite_url)
    opened = connection_threads() - before
    assert len(opened) == 5

    await store.close()

    for thread in opened:
        thread.join(timeout=10)
    assert not connection_threads() & opened


def connection_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if "connection_worker" in thread.name}


async def test_writes_are_committed_in_groups(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[int] = []
    commit = sqlite._commit_group

    def counting(connection: sqlite3.Connection, thread: UnitThread, group: Sequence[Unit[Any]]) -> list[sqlite.End]:
        groups.append(len(group))
        return commit(connection, thread, group)

    monkeypatch.setattr(sqlite, "_commit_group", counting)

    await asyncio.gather(*(sqlite_store.write(set_meta(f"k{n}")) for n in range(200)))

    assert len(groups) < 10
    assert sum(groups) == 200
    assert max(groups) <= sqlite.MAX_GROUP


async def test_a_writer_that_is_locked_out_says_so_and_goes_on_afterwards(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_MILLIS", 50)
    store = await Store.open(sqlite_url)
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        results = await asyncio.gather(*(store.write(set_meta(f"k{n}")) for n in range(3)), return_exceptions=True)
        assert await get_meta(store, "k0") is None
        other.execute("ROLLBACK")

    assert [type(result) for result in results] == [StoreError] * 3
    assert "Another program holds the database" in str(results[0])
    await store.write(set_meta("k0"))
    assert await get_meta(store, "k0") == "yes"
    await store.close()


async def test_a_full_disk_reaches_every_caller_and_the_writer_goes_on_afterwards(sqlite_url: str) -> None:
    store = await Store.open(sqlite_url)
    await store.write(set_meta("before"))
    log = Path(f"{sqlite_url.removeprefix('sqlite:///')}-wal")

    with no_file_grows_beyond(log.stat().st_size + 4096):
        results = await asyncio.gather(
            *(store.write(set_meta(f"big-{n}", "x" * 20_000)) for n in range(4)), return_exceptions=True
        )
    assert [type(result) for result in results] == [StoreError] * 4
    assert "disk" in str(results[0])

    await store.write(set_meta("after"))
    keys = ["before", "after", *(f"big-{n}" for n in range(4))]
    assert [await get_meta(store, key) for key in keys] == ["yes", "yes", None, None, None, None]
    await store.close()


async def test_a_transaction_that_sqlite_gave_up_is_never_half_committed(sqlite_store: Store) -> None:
    """As on a broken disk: everything is rolled back, and what came after would be committed by itself."""
    await sqlite_store.write(set_meta("taken"))
    give_up = Stmt(sa.insert(meta).prefix_with("OR ROLLBACK").values(key="taken", value="again"))

    async def swallow(conn: Conn) -> None:
        with contextlib.suppress(StoreError):
            await conn.run(give_up)

    results = await asyncio.gather(
        sqlite_store.write(set_meta("before")),
        sqlite_store.write(swallow),
        sqlite_store.write(set_meta("after")),
        return_exceptions=True,
    )

    assert [type(result) for result in results] == [StoreError] * 3
    assert [await get_meta(sqlite_store, key) for key in ("before", "taken", "after")] == [None, "yes", None]


@contextmanager
def no_file_grows_beyond(size: int) -> Iterator[None]:
    """Writes past `size` fail, as on a full disk (setrlimit(2), RLIMIT_FSIZE; Python ignores SIGXFSZ)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_unit_whose_caller_has_left_is_skipped_if_it_has_not_begun(sqlite_store: Store) -> None:
    begun, go = Signal(), Signal()

    async def first(conn: Conn) -> None:
        begun.set()
        await go.wait()

    ahead = asyncio.create_task(sqlite_store.write(first))
    await begun.wait()
    left = asyncio.create_task(sqlite_store.write(set_meta("left")))
    await asyncio.sleep(0)
    left.cancel()
    go.set()
    await ahead

    await sqlite_store.write(set_meta("next"))
    assert await get_meta(sqlite_store, "left") is None


# -- the file --------------------------------------------------------------------------------------------------------


async def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path / 'new' / 'deep' / 'x.db'}")
    await store.close()

    assert (tmp_path / "new" / "deep" / "x.db").exists()


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("Dear diary, " * 500)

    with pytest.raises(StoreError, match="not a SQLite database"):
        await Store.open(f"sqlite:///{tmp_path / 'x.db'}")


async def test_a_new_file_and_those_beside_it_are_their_owner_s_alone(tmp_path: Path) -> None:
    await migrate(f"sqlite:///{tmp_path / 'x.db'}")
    store = await Store.open(f"sqlite:///{tmp_path / 'x.db'}")
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    await store.close()

    assert modes["x.db"] == 0o600
    assert set(modes.values()) == {0o600}


async def test_a_present_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "x.db").touch(mode=0o640)
    (tmp_path / "x.db").chmod(0o640)
    await (await Store.open(f"sqlite:///{tmp_path / 'x.db'}")).close()

    assert (tmp_path / "x.db").stat().st_mode & 0o777 == 0o640


async def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.db").mkdir()

    with pytest.raises(StoreError, match="must name a file"):
        await Store.open(f"sqlite:///{tmp_path / 'x.db'}")


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match="cannot be made"):
        await Store.open(f"sqlite:///{tmp_path / 'file' / 'x.db'}")


@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_cannot_be_written_is_told_with_the_user_and_the_remedy(tmp_path: Path, what: str) -> None:
    """In a process of its own, since root may write everywhere."""
    path = tmp_path / "x.db"
    path.touch()
    for folder in (tmp_path, *tmp_path.parents):  # pytest's own folders are for their owner only
        if folder == Path(tempfile.gettempdir()):
            break
        folder.chmod(0o755)
    if what == "file":
        tmp_path.chmod(0o777)
    path.chmod(0o444)
    if what == "folder":
        tmp_path.chmod(0o555)
    root = os.geteuid() == 0
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from cronplug.errors import StoreError\n"
        "from cronplug.store.address import prepare_folder\n"
        f"{'os.setgroups([]); os.setgid(65534); os.setuid(65534)' if root else ''}\n"
        "try:\n    prepare_folder(Path(sys.argv[1]))\nexcept StoreError as error:\n    print(error)\n"
    )

    told = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True).stdout

    uid = 65534 if root else os.geteuid()
    blamed = tmp_path if what == "folder" else path
    assert told.startswith(f"{blamed} is not writable by uid {uid}: chown it")
    assert told.count("\n") == 1


# -- indexes ---------------------------------------------------------------------------------------------------------

FAILED, SUCCESS = Status.FAILED, Status.SUCCESS
PLANS = {
    "due tasks": (tasks.SELECT_DUE, "ix_tasks_due"),
    "next due": (tasks.SELECT_NEXT_DUE_AT, "ix_tasks_due"),
    "claim": (claims.CLAIM, "ix_executions_queued"),
    "next available": (reading.SELECT_NEXT_AVAILABLE_AT, "ix_executions_queued"),
    "outlook: due": (due.SELECT_OUTLOOK, "ix_tasks_due"),
    "outlook: queued": (due.SELECT_OUTLOOK, "ix_executions_queued"),
    "outlook: awaiting": (due.SELECT_OUTLOOK, "ix_tasks_awaiting_end"),
    "expired": (claims.SELECT_EXPIRED, "ix_executions_lease"),
    "unfinished of tasks": (reading.SELECT_UNFINISHED, "ix_executions_unfinished"),
    "running of a task": (reading.LOCK_UNFINISHED_OF_TASK, "ix_executions_unfinished"),
    "recent of tasks": (reading.SELECT_RECENT, "ix_executions_task"),
    "leases of others": (claims.EXPIRE_OTHERS, "ix_executions_lease"),
    "queue of a task": (stopping.CANCEL_QUEUED_OF_TASK, "ix_executions_unfinished"),
    "finish": (ends.FINISH, "INTEGER PRIMARY KEY (rowid=?)"),
    "settle": (ends.FINISH_EXPIRED, "INTEGER PRIMARY KEY (rowid=?)"),
    "renew": (claims.RENEW, "INTEGER PRIMARY KEY (rowid=?)"),
    "told by running ones": (progress.UPDATE_RUNNING, "INTEGER PRIMARY KEY (rowid=?)"),
    "advance": (tasks.ADVANCE, "INTEGER PRIMARY KEY (rowid=?)"),
    "retention": (retention.DELETE_SHORTER, "ix_executions_status"),
    "newest": (reading._list_stmt(("before_id",), None, None), "INTEGER PRIMARY KEY (rowid<?)"),
    "of a task": (reading._list_stmt(("task_id", "before_id"), None, None), "ix_executions_task (task_id=? AND id<?)"),
    "of a function": (reading._list_stmt(("function_name", "before_id"), None, None), "ix_executions_function ("),
    "of a status": (reading._list_stmt(("id_from",), None, (FAILED,)), "ix_executions_status (status=? AND id>?)"),
    "of statuses": (
        reading._list_stmt(("id_from",), None, (FAILED, SUCCESS)),
        "COVERING INDEX ix_executions_status (status=? AND id>?)",
    ),
    "successes of a task": (reading._list_stmt(("task_id",), None, (SUCCESS,)), "ix_executions_task (task_id=?)"),
    "failures of a task": (
        reading._list_stmt(("task_id", "id_from"), None, (FAILED,)),
        "ix_executions_task_no_success (task_id=? AND status=? AND id>?)",
    ),
    "failures of a function": (
        reading._list_stmt(("function_name",), None, (FAILED, Status.LOST)),
        "COVERING INDEX ix_executions_function_no_success (function_name=? AND status=?)",
    ),
    "queued of a task": (reading._list_stmt(("task_id",), None, (Status.QUEUED,)), "ix_executions_unfinished"),
    "by hand": (reading._list_stmt((), Trigger.MANUAL, None), "ix_executions_not_scheduled (trigger=?)"),
    "number of failures of a task": (
        reading._count_stmt(("task_id",), None, (FAILED, Status.LOST)),
        "COVERING INDEX ix_executions_task_no_success (task_id=? AND status=?)",
    ),
    "results of tasks": (reading.SELECT_SHORT_RESULTS, "ix_executions_task (task_id=? AND id>?)"),
    "tasks": (tasks._list_stmt((), "-createdAt"), "COVERING INDEX ix_tasks_created_at"),
    "tasks that changed": (tasks.SELECT_CHANGED, "ix_tasks_updated_at (updated_at>?)"),
    "tasks at fault": (tasks._count_stmt(("state attention",)), "ix_tasks_schedule_error"),
    "number of tasks": (stats.TASKS, "ix_tasks_off"),
    "series": (rollups.SELECT_SERIES, "PRIMARY KEY (kind=? AND key=? AND seconds=? AND start>? AND start<?)"),
    "ends of the present hour": (
        rollups.COUNT["all"],
        "COVERING INDEX ix_executions_status (status=? AND id>? AND id<?)",
    ),
    "marks of a timeline": (timeline._marks_stmt((), None, "task", False), "ix_executions_unfinished"),
    "figures": (stats.EXECUTIONS, "COVERING INDEX ix_executions_status"),
    "held": (turns.HOLDS, "ix_executions_queued"),
    "replaced": (stopping.REPLACE_UNFINISHED, "ix_executions_unfinished"),
    "whose turn it is": (turns.SELECT_NEXT_TURNS_OF, "SEARCH waiting USING INDEX ix_executions_unfinished"),
    "release": (turns.RELEASE, "SEARCH waiting USING INDEX ix_executions_unfinished"),
    "release of all": (turns.RELEASE_ALL, "ix_executions_unfinished"),
    "awaits an end": (tasks.SELECT_AWAITING_END, "ix_tasks_awaiting_end"),
}


@pytest.mark.parametrize("name", PLANS)
def test_frequent_statements_use_their_indexes(migrated_sqlite: Path, name: str) -> None:
    stmt, index = PLANS[name]
    compiled = stmt.compiled("sqlite")
    with closing(sqlite3.connect(migrated_sqlite)) as connection:
        arguments = [None] * len(compiled.binds)
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", arguments)]

    assert any(index in step for step in plan), plan
    assert not [step for step in plan if step.startswith(("SCAN executions", "SCAN tasks")) and "INDEX" not in step], (
        plan
    )


async def test_a_page_of_a_status_is_found_at_any_depth(sqlite_store: Store, make: Maker) -> None:
    made = [make.execution() for _ in range(300)]
    await insert(sqlite_store, *made)

    found = await sqlite_store.read(
        lambda conn: executions.select_executions(conn, ExecutionFilter(), limit=3, before_id=made[5].id)
    )

    assert found == made[4:1:-1]
