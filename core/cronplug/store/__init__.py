"""The store: the only place that knows there is a database, and the only importer of databases and SQLAlchemy.

`Store.open(url)` gives a store; `store.read(unit)` and `store.write(unit)` run a unit of work in one transaction. What
units do is written in the verb modules (`tasks`, `executions`, `logs`, `artifacts`, `calendars`, `nodes`, `access`, `stats`, `upkeep`): functions that take
the connection first. The caller of two of them owns the transaction.

How it stands on `databases`, which would otherwise lose connections, PRAGMAs and acknowledged writes:

* every connection is held, on SQLite by one task each (`sqlite`), on PostgreSQL by asyncpg's pool (`postgres`);
* SQLite writes go through one writer that commits groups of units with `BEGIN IMMEDIATE ... COMMIT`;
* nothing cancels a unit that has begun, so no COMMIT is ever cut in the middle;
* statements are constants compiled once (`statements.Stmt`); the frequent ones change many rows at a time;
* who won a race is told by RETURNING, never by a count or by what `databases.execute` returns.

Instants are stored as epoch milliseconds, identifiers as 63-bit integers, JSON as text: the same on both databases.
"""

from __future__ import annotations

from cronplug.store import access, artifacts, calendars, executions, health, logs, nodes, stats, tasks, upkeep
from cronplug.store.border import UniqueViolation
from cronplug.store.conn import Conn, Unit
from cronplug.store.lock import database_lock
from cronplug.store.migrate import Migrated, is_current, migrate
from cronplug.store.store import Store

__all__ = [
    "Conn",
    "Migrated",
    "Store",
    "UniqueViolation",
    "Unit",
    "access",
    "artifacts",
    "calendars",
    "database_lock",
    "executions",
    "health",
    "is_current",
    "logs",
    "migrate",
    "nodes",
    "stats",
    "tasks",
    "upkeep",
]
