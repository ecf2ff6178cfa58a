"""What a unit gets: a connection inside a transaction that is not its own to end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from cronplug.errors import StoreError
from cronplug.store.border import DriverErrors, store_error
from cronplug.store.statements import DialectName, Row, Stmt

T = TypeVar("T")
Run = Callable[[str, Sequence[Any]], Awaitable[Iterable[Sequence[Any]]]]


class Conn:
    """Runs statements for one unit, one after another. It must not be used once the unit has returned."""

    def __init__(self, dialect: DialectName, run: Run) -> None:
        self.dialect: DialectName = dialect
        self._run: Run | None = run

    async def fetch(self, stmt: Stmt, **params: Any) -> list[Row]:
        """Run a statement; the rows it selects or returns. Raises StoreError, after which the unit must end."""
        return stmt.compiled(self.dialect).rows(await self.fetch_plain(stmt, **params))

    async def fetch_plain(self, stmt: Stmt, **params: Any) -> Iterable[Sequence[Any]]:
        """As `fetch`, with the rows as the driver gives them, values in the order of columns: for thousands of rows."""
        if self._run is None:
            raise RuntimeError("a connection was used after its unit had ended")
        compiled = stmt.compiled(self.dialect)
        try:
            return await self._run(compiled.sql, compiled.arguments(params))
        except DriverErrors as error:
            raise store_error(error) from error

    async def fetch_one(self, stmt: Stmt, **params: Any) -> Row | None:
        """The first row of a statement, or None."""
        rows = await self.fetch(stmt, **params)
        return rows[0] if rows else None

    async def fetch_value(self, stmt: Stmt, **params: Any) -> Any:
        """The first value of the first row of a statement, None without a row."""
        rows = await self.fetch(stmt, **params)
        return next(iter(rows[0].values())) if rows else None

    async def run(self, stmt: Stmt, **params: Any) -> None:
        """Run a statement that returns nothing."""
        await self.fetch(stmt, **params)

    def end(self) -> None:
        """The unit has returned: refuse further use."""
        self._run = None


Unit = Callable[[Conn], Awaitable[T]]
"""Work for one transaction, handed to `Store.read` or `Store.write`."""

UNIT_SECONDS = 30.0
"""A unit that takes longer is given up: others wait behind it, and the end of the store does."""


async def run_unit(unit: Unit[T], conn: Conn) -> T:
    """Run a unit on its connection, which ends with it. Raises what it raises, and StoreError when it gets stuck."""
    limit = asyncio.timeout(UNIT_SECONDS)
    try:
        async with limit:
            return await unit(conn)
    except TimeoutError as error:
        if limit.expired():
            raise took_too_long() from error
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise StoreError("A transaction waited for something that was cancelled.") from error
    finally:
        conn.end()


def took_too_long() -> StoreError:
    """What a unit that takes longer is given up with."""
    return StoreError(f"A transaction took longer than {UNIT_SECONDS:.0f} s.")
