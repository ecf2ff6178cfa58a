"""Bring a database to the tables of this version: in one transaction, under a lock, without an ini file."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import sqlalchemy as sa

from cronplug.errors import SchemaAhead, StoreError
from cronplug.store import schema
from cronplug.store.address import Address, make_private, parse_address, prepare_folder
from cronplug.store.border import DriverErrors, store_error
from cronplug.store.migrations import HEAD

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

log = logging.getLogger(__name__)

VERSION_TABLE = "cronplug_schema"
_VERSION = sa.table(VERSION_TABLE, sa.column("version_num", sa.Text())).c.version_num
WAIT_SECONDS = 60
ADVISORY_LOCK = 0x63726F6E  # any number that nothing else in the database uses


@dataclass(frozen=True, slots=True)
class Migrated:
    """The revision of the schema `before` (None: there were no tables) and `after`."""

    before: str | None
    after: str


async def migrate(url: str) -> Migrated:
    """Create or upgrade the tables. May be called by many processes at once: one does it, the others wait.

    An existing SQLite database is copied to `<file>.before-<revision>` before it is upgraded. A migration that fails
    leaves everything as it was. Raises SchemaAhead when a newer cronplug was here, StoreError otherwise.
    """
    address = parse_address(url)
    try:
        if address.dialect == "sqlite":
            prepare_folder(address.file)
        before = await _revision_at(address)
        if before == HEAD:
            return Migrated(before, before)
        if before is not None and address.dialect == "sqlite":
            await asyncio.to_thread(_back_up, address.file, before)
        async with _locked(address) as connection:
            migrated = await connection.run_sync(_upgrade)
            if address.dialect == "sqlite":
                await _check_foreign_keys(connection)
    except (sa.exc.SQLAlchemyError, *DriverErrors) as error:
        raise store_error(error) from error
    if migrated.before is not None and migrated.before != migrated.after:
        log.info("the database was upgraded from revision %s to %s", migrated.before, migrated.after)
    return migrated


async def is_current(url: str) -> bool:
    """Whether the database has exactly the tables of this version; False too when it is not there. Changes nothing.

    Raises StoreError when the database cannot be asked.
    """
    try:
        return await _revision_at(parse_address(url)) == HEAD
    except DriverErrors as error:
        raise store_error(error) from error


@asynccontextmanager
async def _locked(address: Address) -> AsyncIterator[AsyncConnection]:
    """One transaction that no other process can be in; tables change within it on both databases."""
    # Imported late, as Alembic is: a start that finds everything in place does without.
    from sqlalchemy.ext.asyncio import create_async_engine

    sqlite = address.dialect == "sqlite"
    if sqlite:
        file = sa.URL.create("sqlite+aiosqlite", database=str(address.file))
        options = {"timeout": WAIT_SECONDS, "isolation_level": None}
        engine = create_async_engine(file, connect_args=options, poolclass=sa.pool.NullPool)
        sa.event.listen(engine.sync_engine, "connect", _prepare_connection)
        sa.event.listen(engine.sync_engine, "begin", _begin_exclusive)
    else:
        # The driver reads the URL itself: SQLAlchemy does not know its options (sslmode).
        engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(address.url), poolclass=sa.pool.NullPool
        )
    try:
        async with engine.begin() as connection:
            if not sqlite:
                await connection.execute(sa.text(f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'"))
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ADVISORY_LOCK)))
            yield connection
    finally:
        await engine.dispose()


def _prepare_connection(connection: Any, _record: Any) -> None:
    connection.execute(f"PRAGMA busy_timeout={WAIT_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=OFF")  # a table is changed by making it anew


def _begin_exclusive(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN EXCLUSIVE")


@contextmanager
def _no_entry_points() -> Iterator[None]:
    """Keep alembic, while it is imported, from loading modules of whatever package offers them into this process.

    Reading the packages' entry points, it would also stop at one whose file is no text.
    """
    real = metadata.entry_points
    metadata.entry_points = lambda **_: metadata.EntryPoints()  # type: ignore[assignment]
    try:
        yield
    finally:
        metadata.entry_points = real


def _upgrade(connection: sa.Connection) -> Migrated:
    before = _stored_revision(connection)
    if before == HEAD:
        return Migrated(before, before)
    with _no_entry_points():
        from alembic import command
        from alembic.script import ScriptDirectory

    from cronplug.store.migrations import alembic_config

    config = alembic_config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if before is not None and before not in known:
        raise SchemaAhead(
            f"The database was upgraded by a newer cronplug (revision {before!r}, this one knows up to {HEAD!r}): "
            "install that version or newer, or restore a backup."
        )
    if before is None and (taken := set(sa.inspect(connection).get_table_names()) & set(schema.metadata.tables)):
        raise StoreError(
            f"The database holds tables of another program ({', '.join(sorted(taken))}): give cronplug a database of its own."
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return Migrated(before, _stored_revision(connection) or "")


def _stored_revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    revision: str | None = connection.execute(sa.select(_VERSION)).scalar()
    return revision


async def _check_foreign_keys(connection: AsyncConnection) -> None:
    broken = (await connection.exec_driver_sql("PRAGMA foreign_key_check")).fetchall()
    if broken:
        raise StoreError(
            f"The upgrade would have left {len(broken)} rows without what they belong to; nothing was changed."
        )


def _back_up(path: Path, revision: str) -> None:
    """Copy a database that will be upgraded. What another process has upgraded meanwhile is not kept."""
    copy = path.with_name(f"{path.name}.before-{HEAD}")
    unfinished = path.with_name(f"{copy.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    try:
        make_private(unfinished)
        with closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as connection:
            connection.execute("VACUUM INTO ?", (str(unfinished),))
        if _revision_of_file(unfinished) == revision:
            unfinished.replace(copy)
            log.info("the database was copied to %s before its upgrade", copy)
    finally:
        unfinished.unlink(missing_ok=True)


async def _revision_at(address: Address) -> str | None:
    """The revision of a database that nobody is asked to leave alone meanwhile; None: it has no tables of ours."""
    if address.dialect == "sqlite":
        return await asyncio.to_thread(_revision_of_file, address.file)
    connection = await asyncpg.connect(address.url)
    try:
        if await connection.fetchval("SELECT to_regclass($1)", VERSION_TABLE) is None:
            return None
        revision: str | None = await connection.fetchval(str(sa.select(_VERSION)))
        return revision
    finally:
        await connection.close()


def _revision_of_file(path: Path) -> str | None:
    if not path.exists():
        return None
    with closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as connection:
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (VERSION_TABLE,)).fetchone()
        row = connection.execute(str(sa.select(_VERSION))).fetchone() if known else None
    return None if row is None else str(row[0])
