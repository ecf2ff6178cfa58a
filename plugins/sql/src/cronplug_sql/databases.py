"""Connections to SQLite files and PostgreSQL, and what their errors mean for a retry."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from cronplug import PermanentError

T = TypeVar("T")

_CONNECT_SECONDS = 15.0
_BUSY_SECONDS = 10.0
_LOOK_AFTER_OPERATIONS = 10_000

DRIVER_ERRORS = (sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""What comes from the drivers as it is; SQLAlchemy wraps the rest."""

_READING_PRAGMAS = frozenset(
    {
        "foreign_key_list",
        "function_list",
        "index_info",
        "index_list",
        "index_xinfo",
        "table_info",
        "table_list",
        "table_xinfo",
    }
)
"""Pragmas of SQLite whose argument says what to read; that of any other sets something."""

# SQL states that another attempt meets again: bad data, a refused write, a wrong statement, missing rights.
_LASTING_STATES = ("0A", "22", "25", "28", "3D", "3F", "42")
_LASTING_CODES = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_NOTADB,
    }
)


class QueryFailed(Exception):
    """The database could not be asked, or did not answer; another attempt may do better."""


async def ask(url: str, work: Callable[[sa.Connection], T], *, read_only: bool) -> T:
    """Run `work` on a connection of its own; cancelling also ends what it does in the database.

    Raises what `work` raises, errors of SQLAlchemy, and DRIVER_ERRORS.
    """
    if url.startswith("sqlite:"):
        return await _ask_sqlite(url.removeprefix("sqlite:///"), work, read_only=read_only)
    return await _ask_postgresql(url, work, read_only=read_only)


async def _ask_postgresql(url: str, work: Callable[[sa.Connection], T], *, read_only: bool) -> T:
    # The driver reads the URL itself: SQLAlchemy does not know its options (sslmode).
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(
            url, timeout=_CONNECT_SECONDS, server_settings={"application_name": "cronplug sql.query"}
        ),
        poolclass=sa.pool.NullPool,
        hide_parameters=True,
    )
    try:
        async with engine.connect() as connection:
            bound = await connection.execution_options(postgresql_readonly=read_only)
            return await bound.run_sync(work)
    finally:
        await engine.dispose()


async def _ask_sqlite(path: str, work: Callable[[sa.Connection], T], *, read_only: bool) -> T:
    """In a thread, which cannot be cancelled: the statement looks itself whether it is to end."""
    stop = threading.Event()

    def connect() -> sqlite3.Connection:
        # Never `rwc`: a mistyped path must not become an empty database.
        mode = "ro" if read_only else "rw"
        connection = sqlite3.connect(f"file:{quote(path)}?mode={mode}", uri=True, timeout=_BUSY_SECONDS)
        connection.execute(f"PRAGMA query_only={'ON' if read_only else 'OFF'}")
        connection.set_authorizer(_authorizer(read_only=read_only))
        connection.set_progress_handler(stop.is_set, _LOOK_AFTER_OPERATIONS)
        return connection

    def run() -> T:
        engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.NullPool, hide_parameters=True)
        with engine.connect() as connection:
            return work(connection)

    asking = asyncio.get_running_loop().run_in_executor(None, run)
    try:
        return await asyncio.shield(asking)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([asking])
        asking.exception()  # looked at: its end is this one's doing
        raise


def _authorizer(*, read_only: bool) -> Callable[[int, str | None, str | None, str | None, str | None], int]:
    """Keeps a statement to the database that was named: ATTACH and VACUUM INTO would open any other file."""

    def decide(action: int, first: str | None, second: str | None, _database: str | None, _trigger: str | None) -> int:
        if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH):
            return sqlite3.SQLITE_DENY
        sets = action == sqlite3.SQLITE_PRAGMA and second is not None and str(first).lower() not in _READING_PRAGMAS
        return sqlite3.SQLITE_DENY if read_only and sets else sqlite3.SQLITE_OK

    return decide


def failure_of(error: BaseException, *, database: str) -> Exception:
    """The error to raise instead: PermanentError where another attempt meets it again, QueryFailed otherwise."""
    cause: BaseException = error
    if isinstance(error, sa.exc.DBAPIError) and error.orig is not None:
        cause = error.orig.__cause__ or error.orig  # SQLAlchemy wraps asyncpg's errors twice
    text = f"The database {database!r}: {str(cause) or type(cause).__name__}"
    return PermanentError(text) if _lasts(cause) else QueryFailed(text)


def _lasts(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):
        return isinstance(error, sqlite3.ProgrammingError) or (
            getattr(error, "sqlite_errorcode", -1) & 0xFF in _LASTING_CODES
        )
    if isinstance(error, asyncpg.PostgresError):
        state: Any = error.sqlstate
        return str(state).startswith(_LASTING_STATES)
    return isinstance(error, asyncpg.DataError | sa.exc.StatementError | sa.exc.ArgumentError)
