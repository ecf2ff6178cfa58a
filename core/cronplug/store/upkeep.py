"""Upkeep of the database as a whole: planner statistics, free space, and copies of a SQLite file that were checked.

A copy is made by SQLite's online backup API (https://sqlite.org/backup.html) on a connection of its own that holds one
snapshot, so writers neither wait for it nor make it begin anew.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from cronplug.errors import StoreError
from cronplug.store import schema
from cronplug.store.conn import Conn
from cronplug.store.statements import Stmt

_BATCH_PAGES = 500
_COPY_PAGES = 1_000
_INTERRUPT_OPERATIONS = 10_000
_BUSY_SECONDS = 5.0
_STAMP = r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z"


def _command(text: str, *columns: str) -> Stmt:
    return Stmt(sa.text(text).columns(*(sa.column(column) for column in columns)))


# The limit keeps ANALYZE to a sample, so that it takes milliseconds on any table (https://sqlite.org/lang_analyze.html).
_ANALYSIS_LIMIT = _command("PRAGMA analysis_limit=1000", "pages")
_OPTIMIZE = _command("PRAGMA optimize")
_ANALYZE = tuple(_command(f'ANALYZE "{name}"') for name in sorted(schema.metadata.tables))
_SPACE = _command(
    "SELECT page_size, freelist_count, auto_vacuum FROM pragma_page_size, pragma_freelist_count, pragma_auto_vacuum",
    "page_size",
    "free_pages",
    "auto_vacuum",
)
_GIVE_BACK = _command(f"PRAGMA incremental_vacuum({_BATCH_PAGES})")

REWRITE = ("PRAGMA auto_vacuum=INCREMENTAL", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")
"""For `Store.run_alone` on SQLite: the file without its free pages, and able to give later ones back bit by bit."""

_INCREMENTAL = 2


@dataclass(frozen=True, slots=True)
class Space:
    """Free room inside a SQLite file; `can_shrink` when it can be given back without rewriting the file."""

    free_bytes: int
    can_shrink: bool


async def refresh_statistics(conn: Conn) -> None:
    """Give the query planner fresh figures about the tables."""
    if conn.dialect == "postgresql":
        for statement in _ANALYZE:
            await conn.run(statement)
        return
    await conn.run(_ANALYSIS_LIMIT)
    await conn.run(_OPTIMIZE)


async def select_space(conn: Conn) -> Space:
    """How much of a SQLite file is free."""
    row = (await conn.fetch(_SPACE))[0]
    return Space(row["free_pages"] * row["page_size"], row["auto_vacuum"] == _INCREMENTAL)


async def give_back_space(conn: Conn) -> Space:
    """Cut a few free pages off a SQLite file that can shrink; what is free after it."""
    await conn.run(_GIVE_BACK)
    return await select_space(conn)


# -- copies of a SQLite file: blocking, for a thread ---------------------------------------------------------------------


class CopyStopped(Exception):
    """A copy was given up because it was asked to."""


def copy_sqlite(
    source: Path,
    folder: Path,
    *,
    at: datetime,
    report: Callable[[float], object] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Path:
    """Copy the database `source`, in use or not, into `folder` under a name with the instant `at`; the copy's path.

    The copy is one file, readable by its owner only, that passed `PRAGMA integrity_check`; until then it has another
    name. `report` hears the fraction done, `stopped` is asked in between. Raises StoreError, and CopyStopped.
    """
    copy = folder / f"{source.stem}-{at:%Y-%m-%dT%H-%M-%S}.{at.microsecond // 1000:03}Z.db"
    unfinished = folder / f".{copy.name}.unfinished"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_unfinished(source, folder)
        _check_room(source, folder)
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            _copy(source, unfinished, report, stopped)
            _flush(unfinished)
            unfinished.replace(copy)
            _flush(folder)
        finally:
            _remove(unfinished)
    except sqlite3.Error as error:
        if stopped():
            raise CopyStopped from error
        raise StoreError(f"The backup was not made: {error}") from error
    except OSError as error:
        raise StoreError(f"The backup in {folder} was not made: {error.strerror or error}.") from error
    return copy


def remove_old_copies(newest: Path, *, source: Path, keep: int) -> list[Path]:
    """Remove the older copies of `source` beside the copy `newest`, so that `keep` are left; those that went.

    Only files named by `copy_sqlite` are touched. Raises StoreError.
    """
    pattern = re.compile(rf"{re.escape(source.stem)}-{_STAMP}\.db")
    try:
        others = sorted(path for path in newest.parent.iterdir() if pattern.fullmatch(path.name) and path != newest)
        old = others[: max(0, len(others) - (keep - 1))]
        for path in old:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"Old backups in {newest.parent} cannot be removed: {error.strerror or error}.") from error
    return old


def _copy(source: Path, target: Path, report: Callable[[float], object], stopped: Callable[[], bool]) -> None:
    def on_pages(_status: int, remaining: int, total: int) -> None:
        if stopped():
            raise CopyStopped
        report(1.0 if total == 0 else 1 - remaining / total)

    with (
        closing(sqlite3.connect(source, timeout=_BUSY_SECONDS, isolation_level=None)) as old,
        closing(sqlite3.connect(target, timeout=_BUSY_SECONDS, isolation_level=None)) as new,
    ):
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the snapshot begins at the first read
        old.backup(new, pages=_COPY_PAGES, progress=on_pages)
        old.execute("COMMIT")
        new.set_progress_handler(stopped, _INTERRUPT_OPERATIONS)
        new.execute("PRAGMA journal_mode=DELETE")  # else a copy comes with two files beside it once it is opened
        faults = [row[0] for row in new.execute("PRAGMA integrity_check(5)")]
    if faults != ["ok"]:
        raise StoreError(f"The copy is damaged, so the database itself may be: {'; '.join(faults)}")


def _check_room(source: Path, folder: Path) -> None:
    size, free = source.stat().st_size, shutil.disk_usage(folder).free
    if free < size:
        raise StoreError(f"The disk of {folder} has {free:,} bytes left, the database needs {size:,}.")


def _remove_unfinished(source: Path, folder: Path) -> None:
    """What an earlier process left behind when it died."""
    for path in folder.glob(f".{source.stem}-*.db.unfinished*"):
        _remove(path)


def _remove(path: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{path}{suffix}")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
