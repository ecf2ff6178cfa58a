"""The border to the drivers: their errors become StoreError, which says what the operator can do."""

from __future__ import annotations

import sqlite3

import asyncpg
import sqlalchemy.exc

from cronplug.errors import StoreError

DriverErrors = (sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""Whatever a driver raises when a database cannot be used or refuses a statement."""

_REFUSALS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
)


class Refused(StoreError):
    """The database does not take these values: trying the same again is of no use."""


class UniqueViolation(Refused):
    """A row with this key exists. The transaction cannot go on after it."""


class UnitConflict(StoreError):
    """Another node was faster; the unit is run again and will see what the other one wrote."""


def store_error(error: BaseException) -> StoreError:
    """The StoreError that stands for a driver's error; the text of the driver follows ours."""
    if isinstance(error, StoreError):
        return error
    if isinstance(error, sqlalchemy.exc.DBAPIError) and error.orig is not None:
        error = error.orig.__cause__ or error.orig  # SQLAlchemy wraps asyncpg's errors twice
    if _is_unique_violation(error):
        return UniqueViolation(f"The row exists already: {error}")
    if isinstance(error, _REFUSALS):
        return Refused(f"The database refused the values: {_text(error)}")
    if isinstance(error, asyncpg.SerializationError | asyncpg.DeadlockDetectedError):
        return UnitConflict(f"Others changed the same rows at the same time: {error}")
    if isinstance(error, sqlite3.Error):
        return StoreError(f"{_sqlite_advice(error)}: {error}")
    if isinstance(error, asyncpg.InvalidPasswordError | asyncpg.InvalidAuthorizationSpecificationError):
        return StoreError(f"PostgreSQL refuses the user or the password in SCHEDULER_DATABASE_URL: {error}")
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return StoreError(f"The database that SCHEDULER_DATABASE_URL names must be created first: {error}")
    if isinstance(error, asyncpg.PostgresConnectionError | asyncpg.InterfaceError | OSError):
        return StoreError(
            f"PostgreSQL cannot be reached; is it running where SCHEDULER_DATABASE_URL says? {_text(error)}"
        )
    return StoreError(f"The database refused: {_text(error)}")


def _text(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _is_unique_violation(error: BaseException) -> bool:
    if isinstance(error, sqlite3.IntegrityError):
        return error.sqlite_errorcode in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
    return isinstance(error, asyncpg.UniqueViolationError)


def _sqlite_advice(error: sqlite3.Error) -> str:
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:  # the low byte is the kind, the rest says more
        case sqlite3.SQLITE_FULL:
            return "The disk with the database is full; free some space"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "Another program holds the database file; end it"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_AUTH:
            return "The database file cannot be written; look at the owner and the rights of it and its folder"
        case sqlite3.SQLITE_NOTADB:
            return "The database file is not a SQLite database; SCHEDULER_DATABASE_URL may name the wrong file"
        case sqlite3.SQLITE_CORRUPT:
            return "The database file is damaged; restore a backup"
        case sqlite3.SQLITE_IOERR:
            return "The disk with the database does not work"
        case _:
            return "The database refused"
