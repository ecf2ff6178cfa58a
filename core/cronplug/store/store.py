"""The one door to the database: units of work go in, results come out when they are durable."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import sqlalchemy as sa

from cronplug.errors import StoreError
from cronplug.store.address import parse_address
from cronplug.store.conn import Conn, Unit
from cronplug.store.postgres import PostgresUnits
from cronplug.store.sqlite import SqliteLanes
from cronplug.store.statements import DialectName, Stmt

T = TypeVar("T")

for _name in ("databases", "aiosqlite", "alembic"):  # at DEBUG they write every argument, secrets too
    logging.getLogger(_name).setLevel(logging.WARNING)

ONE = Stmt(sa.select(sa.literal_column("1").label("one")))


class Store:
    """An open database. Made by `Store.open`, ended by `close`.

    A *unit* is an async function of a `Conn`: one transaction. It is short, does nothing outside the database and
    awaits nothing but its connection, because others wait behind it. It **may be run more than once** (after a
    neighbour in its group failed, after a conflict with another node), of which only the last run counts: so it must
    not change anything but the database. On SQLite it runs in a thread, beside the event loop.

    Whatever a unit raises takes back its own work only and reaches its caller. Trouble with the database, also with
    the commit, is a StoreError. Cancelling a caller never tears a transaction: a unit that has begun runs to its end,
    one that has not is skipped.
    """

    def __init__(self, url: str, dialect: DialectName, lanes: SqliteLanes | PostgresUnits) -> None:
        self.url = url
        self.dialect: DialectName = dialect
        self._lanes = lanes
        self._closed = False

    @property
    def file(self) -> Path | None:
        """The database's file; None on PostgreSQL."""
        return parse_address(self.url).path

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        sqlite_synchronous: Literal["full", "normal"] = "full",
        readers: int = 4,
        pool_size: int = 10,
    ) -> Store:
        """Connect, without migrating. Raises StoreError."""
        address = parse_address(url)
        lanes = (
            SqliteLanes(address, synchronous=sqlite_synchronous, readers=readers)
            if address.dialect == "sqlite"
            else PostgresUnits(address, pool_size=pool_size)
        )
        await lanes.open()
        return cls(url, address.dialect, lanes)

    async def close(self) -> None:
        """Let what was accepted finish, then disconnect. May be called twice."""
        if not self._closed:
            self._closed = True
            await self._lanes.close()

    async def write(self, unit: Unit[T]) -> T:
        """Run a unit that may change things; its changes are durable when this returns. Raises StoreError."""
        self._check_open()
        return await self._lanes.write(unit)

    async def read(self, unit: Unit[T]) -> T:
        """Run a unit that only reads, on one snapshot. Raises StoreError."""
        self._check_open()
        return await self._lanes.read(unit)

    async def run_alone(self, statements: Sequence[str]) -> None:
        """Run statements outside of any transaction (SQLite only); writes wait until they are done. Raises StoreError."""
        self._check_open()
        if not isinstance(self._lanes, SqliteLanes):
            raise StoreError("Only SQLite has statements that need the database for themselves.")
        await self._lanes.run_alone(statements)

    async def ping(self) -> None:
        """Answer when the database does. Raises StoreError."""
        await self.read(_ping)

    def waiting(self) -> tuple[int, int]:
        """How many (writes, reads) wait."""
        return self._lanes.waiting()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("The store is closed.")


async def _ping(conn: Conn) -> Any:
    return await conn.fetch_value(ONE)
