"""PostgreSQL: asyncpg's pool behind `databases`; each unit in a task of its own that nothing cancels.

In `databases` a COMMIT that fails or is cancelled never gives its connection back, so transactions are asyncpg's own.
A task of its own is a connection of its own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any, TypeVar

import asyncpg
from databases import Database

from cronplug.store.address import Address
from cronplug.store.border import DriverErrors, UnitConflict, store_error
from cronplug.store.conn import Conn, Unit, run_unit

T = TypeVar("T")

COMMAND_SECONDS = 30.0
TRIES = 5
"""How often a unit is run that another node's transaction stands in the way of."""

SESSION_SETTINGS = {
    "application_name": "cronplug",
    "idle_in_transaction_session_timeout": "10s",  # a frozen node lets go of the rows it has locked
    "lock_timeout": "10s",
    "statement_timeout": "30s",
    "jit": "off",
}


class PostgresUnits:
    """Runs units on a PostgreSQL database."""

    def __init__(self, address: Address, *, pool_size: int) -> None:
        self._database = Database(
            address.url,
            dsn=address.url,  # asyncpg reads what `databases` passes over: sslmode and other options
            min_size=1,
            max_size=pool_size,
            timeout=10.0,
            command_timeout=COMMAND_SECONDS,
            server_settings=SESSION_SETTINGS,
            reset=_reset,
        )
        self._units: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """Connect. Raises StoreError."""
        try:
            await self._database.connect()
        except DriverErrors as error:
            raise store_error(error) from error

    async def close(self) -> None:
        """Finish what runs, then disconnect."""
        while self._units:
            await asyncio.wait(self._units)
        await self._database.disconnect()

    async def write(self, unit: Unit[T]) -> T:
        """Run a unit in a transaction; durable when this returns."""
        return await self._shielded(self._run(unit, readonly=False))

    async def read(self, unit: Unit[T]) -> T:
        """Run a unit on one snapshot."""
        return await self._shielded(self._run(unit, readonly=True))

    def waiting(self) -> tuple[int, int]:
        """How many units (of either kind) have not ended, and 0: they wait for the pool, not in a queue."""
        return len(self._units), 0

    async def _shielded(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for `work`; cancelling the caller leaves it running to its end."""
        task = asyncio.create_task(work, name="store-unit")
        self._units.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._units.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, even when the caller has left

    async def _run(self, unit: Unit[T], *, readonly: bool) -> T:
        for attempt in range(1, TRIES + 1):
            try:
                return await self._run_once(unit, readonly=readonly)
            except UnitConflict:
                if attempt == TRIES:
                    raise
            except DriverErrors as error:  # at BEGIN or COMMIT
                failure = store_error(error)
                if attempt == TRIES or not isinstance(failure, UnitConflict):
                    raise failure from error
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))
        raise AssertionError

    async def _run_once(self, unit: Unit[T], *, readonly: bool) -> T:
        isolation = "repeatable_read" if readonly else "read_committed"
        async with self._database.connection() as connection:
            raw = connection.raw_connection
            conn = Conn("postgresql", lambda sql, arguments: raw.fetch(sql, *arguments))
            async with raw.transaction(isolation=isolation, readonly=readonly):
                return await run_unit(unit, conn)


async def _reset(connection: asyncpg.Connection) -> None:
    """Spare the round trip that clears a session's state: units cannot set any."""
    if connection.is_in_transaction():
        await connection.reset()
