"""Units of SQLite, each run as a whole in the thread of its connection.

There nothing waits: a statement is run where its unit is. To hand each of them over to the thread, and its rows back, costs
more than most take: two switches between threads, and many more over who has Python's lock meanwhile.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

import aiosqlite

from cronplug.errors import StoreError
from cronplug.store import conn as units
from cronplug.store.conn import Conn, Unit, took_too_long

T = TypeVar("T")
P = TypeVar("P")


class Thread:
    """A connection and its thread, seen from the event loop."""

    def __init__(self, raw: aiosqlite.Connection) -> None:
        self._raw = raw
        self._connection: sqlite3.Connection = raw._conn  # aiosqlite has no public way to run a function in its thread
        self._units = UnitThread(self._connection)

    async def run(self, work: Callable[[sqlite3.Connection, UnitThread, P], T], what: P) -> T:
        """`work` with the connection, in its thread. Units that it runs there are given up when they get stuck."""
        self._watch()
        try:
            result: T = await self._raw._execute(work, self._connection, self._units, what)  # type: ignore[no-untyped-call]
            return result
        finally:
            self._watching.cancel()

    def _watch(self) -> None:
        self._units.give_up_what_is_stuck()
        self._watching = asyncio.get_running_loop().call_later(units.UNIT_SECONDS, self._watch)


class UnitThread:
    """Runs units in the thread of a connection, one after another."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._began: float | None = None
        self._given_up: float | None = None

    def run(self, unit: Unit[T]) -> T:
        """Run a unit, in the thread. Raises what it raises, and StoreError when it is given up or waits for anything."""
        self._began = began = time.monotonic()
        conn = Conn("sqlite", self._fetch)
        try:
            return _to_the_end(unit(conn))
        except Exception as error:
            if self._given_up == began:
                raise took_too_long() from error
            raise
        finally:
            self._began = None
            conn.end()

    async def _fetch(self, sql: str, arguments: Sequence[Any]) -> Iterable[Sequence[Any]]:
        if self._given_up is not None and self._given_up == self._began:
            raise took_too_long()
        return self._connection.execute(sql, arguments).fetchall()

    def give_up_what_is_stuck(self) -> None:
        """End the statement, and with it the unit, of one that takes too long: to be called elsewhere, now and then."""
        began = self._began
        if began is not None and time.monotonic() - began >= units.UNIT_SECONDS:
            self._given_up = began
            self._connection.interrupt()


def _to_the_end(unit: Awaitable[T]) -> T:
    """The result of a coroutine that waits for nothing."""
    steps = unit.__await__()
    try:
        next(steps)
    except StopIteration as end:
        result: T = end.value
        return result
    raise StoreError("A transaction waited for something else than its connection.")
