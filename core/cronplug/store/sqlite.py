"""SQLite: one writer that commits in groups, and readers that each see one snapshot per unit.

Every connection is held by one task for as long as the store is open. `databases` gives each asyncio task a connection
of its own, opened anew for every query, whose PRAGMAs are lost with it and whose close removes the WAL.

Whole transactions go to a connection's thread: a read, or a group of writes, is one way there and back.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from databases import Database

from cronplug.errors import StoreError
from cronplug.store.address import Address, prepare_folder
from cronplug.store.border import DriverErrors, store_error
from cronplug.store.conn import Conn, Unit
from cronplug.store.threads import Thread, UnitThread

T = TypeVar("T")

MAX_GROUP = 128
"""Most units committed together."""

BUSY_MILLIS = 5_000
WRITER_CACHE_KIB = 16_000
READER_CACHE_KIB = 4_000
"""Pages of the file that a reader keeps. Whatever another connection commits makes it drop them all, so they serve little
beyond one snapshot; more is memory that each reader takes once for its largest question, and never gives back.
"""

OLDEST_SQLITE = (3, 35, 0)


def connection_class(synchronous: str) -> type[sqlite3.Connection]:
    """The class every connection is made of, so that every one has the PRAGMAs."""
    pragmas = (
        f"busy_timeout={BUSY_MILLIS}",
        "journal_mode=WAL",
        f"synchronous={synchronous.upper()}",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        f"cache_size=-{WRITER_CACHE_KIB}",
        "journal_size_limit=67108864",
    )

    class Connection(sqlite3.Connection):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            for pragma in pragmas:
                self.execute(f"PRAGMA {pragma}").close()

    return Connection


def _try_out(path: Path, factory: type[sqlite3.Connection]) -> None:
    try:
        with contextlib.closing(sqlite3.connect(path, factory=factory)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise store_error(error) from error


@dataclass(slots=True, eq=False)
class Waiting:
    """A unit in a queue, and the future its caller waits on (done: the caller has left)."""

    unit: Unit[Any]
    future: asyncio.Future[Any]


@dataclass(slots=True, eq=False)
class WaitingAlone(Waiting):
    """Statements in the queue of writes that no transaction may be open for."""

    statements: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a unit ended."""

    result: Any = None
    error: Exception | None = None

    def tell(self, waiting: Waiting) -> None:
        """Let the caller know, unless it has left."""
        if waiting.future.done():
            return
        if self.error is None:
            waiting.future.set_result(self.result)
        else:
            waiting.future.set_exception(self.error)


Queue = asyncio.Queue[Waiting | None]


class SqliteLanes:
    """The tasks that hold the connections of a SQLite file."""

    def __init__(self, address: Address, *, synchronous: str, readers: int) -> None:
        self._class = connection_class(synchronous)
        self._database = Database(address.url, factory=self._class)
        self._address = address
        self._writes: Queue = asyncio.Queue()
        self._held: WaitingAlone | None = None
        self._reads: Queue = asyncio.Queue()
        self._readers = readers
        self._lanes: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Open all connections. Raises StoreError."""
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old, 3.35 or newer is needed.")
        prepare_folder(self._address.file)
        # aiosqlite leaves a thread behind when it cannot connect, so that is found out before.
        await asyncio.to_thread(_try_out, self._address.file, self._class)
        await self._database.connect()
        try:
            await self._start(self._writer, "store-writer")
            for number in range(self._readers):
                await self._start(self._reader, f"store-reader-{number}")
        except BaseException:
            await self.close()
            raise

    async def _start(self, lane: Any, name: str) -> None:
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lanes.append(asyncio.create_task(lane(ready), name=name))
        await ready

    async def close(self) -> None:
        """Finish what is queued, then close. Never cancels: `databases` loses a connection that is cancelled."""
        self._writes.put_nowait(None)
        for _ in range(self._readers):
            self._reads.put_nowait(None)
        await asyncio.gather(*self._lanes)
        await self._database.disconnect()

    async def write(self, unit: Unit[T]) -> T:
        """Run a unit in a group commit; durable when this returns."""
        return await _submit(self._writes, unit)

    async def run_alone(self, statements: Sequence[str]) -> None:
        """Run statements one by one in the place of a write; writes wait meanwhile."""
        waiting = WaitingAlone(_nothing, asyncio.get_running_loop().create_future(), statements)
        self._writes.put_nowait(waiting)
        await waiting.future

    async def read(self, unit: Unit[T]) -> T:
        """Run a unit on one snapshot."""
        return await _submit(self._reads, unit)

    def waiting(self) -> tuple[int, int]:
        """How many (writes, reads) are queued."""
        return self._writes.qsize(), self._reads.qsize()

    @contextlib.asynccontextmanager
    async def _connected(self, ready: asyncio.Future[None]) -> AsyncIterator[Thread | None]:
        """A held connection; None when it could not be opened, which `ready` then tells."""
        try:
            connection = await self._database.connection().__aenter__()
        except DriverErrors as error:
            ready.set_exception(store_error(error))
            yield None
            return
        ready.set_result(None)
        try:
            yield Thread(connection.raw_connection)
        finally:
            await connection.__aexit__()

    async def _reader(self, ready: asyncio.Future[None]) -> None:
        async with self._connected(ready) as thread:
            if thread is None:
                return
            await thread.run(_run_statements, ("PRAGMA query_only=ON", f"PRAGMA cache_size=-{READER_CACHE_KIB}"))
            while (waiting := await self._reads.get()) is not None:
                if not waiting.future.done():
                    (await thread.run(_read, waiting.unit)).tell(waiting)

    async def _writer(self, ready: asyncio.Future[None]) -> None:
        async with self._connected(ready) as thread:
            if thread is None:
                return
            more = True
            while more:
                group, more = await self._next_group()
                if group and isinstance(group[0], WaitingAlone):
                    (await thread.run(_run_statements, group[0].statements)).tell(group[0])
                elif group:
                    ends = await thread.run(_commit_group, [waiting.unit for waiting in group])
                    for waiting, end in zip(group, ends, strict=True):
                        end.tell(waiting)

    async def _next_group(self) -> tuple[list[Waiting], bool]:
        """What is queued now, at least one, or one that must be alone; False with it after the last."""
        group: list[Waiting] = []
        waiting = self._held or await self._writes.get()
        self._held = None
        while waiting is not None:
            alone = isinstance(waiting, WaitingAlone)
            if group and isinstance(waiting, WaitingAlone):
                self._held = waiting
                return group, True
            if not waiting.future.done():  # its caller gave up before it began
                group.append(waiting)
            if alone or len(group) == MAX_GROUP or self._writes.empty():
                return group, True
            waiting = self._writes.get_nowait()
        return group, False


async def _submit(queue: Queue, unit: Unit[T]) -> T:
    waiting = Waiting(unit, asyncio.get_running_loop().create_future())
    queue.put_nowait(waiting)
    result: T = await waiting.future  # cancelling the caller cancels this future, never the unit
    return result


async def _nothing(_: Conn) -> None:
    """The unit of what is no unit."""


# -- in a connection's thread ------------------------------------------------------------------------------------------


def _run_statements(connection: sqlite3.Connection, _: UnitThread, statements: Sequence[str]) -> End:
    """Run statements one by one, outside of any transaction."""
    try:
        for statement in statements:
            connection.execute(statement).fetchall()
    except DriverErrors as error:
        return End(error=store_error(error))
    return End()


def _read(connection: sqlite3.Connection, thread: UnitThread, unit: Unit[Any]) -> End:
    try:
        connection.execute("BEGIN")
    except DriverErrors as error:
        return End(error=store_error(error))
    end = _run_unit(thread, unit)
    _rollback(connection)
    return end


def _commit_group(connection: sqlite3.Connection, thread: UnitThread, group: Sequence[Unit[Any]]) -> list[End]:
    """Run the units and commit them together: first in the hope that all succeed, else again with savepoints.

    Only after the commit does a caller hear of success. A failure of the commit is every caller's.
    """
    try:
        return _commit_all(connection, thread, group) or _commit_each(connection, thread, group)
    except (StoreError, *DriverErrors) as error:
        _rollback(connection)
        return [End(error=store_error(error))] * len(group)


def _commit_all(connection: sqlite3.Connection, thread: UnitThread, group: Sequence[Unit[Any]]) -> list[End] | None:
    """None, and nothing done, when a unit of several failed."""
    connection.execute("BEGIN IMMEDIATE")  # a deferred one fails at its first write, without waiting
    ends = []
    for unit in group:
        end = _run_unit(thread, unit)
        if end.error is not None:
            _rollback(connection)
            return [end] if len(group) == 1 else None
        _check_in_transaction(connection, end)
        ends.append(end)
    connection.execute("COMMIT")
    return ends


def _commit_each(connection: sqlite3.Connection, thread: UnitThread, group: Sequence[Unit[Any]]) -> list[End]:
    """Each unit in a savepoint: one that fails takes back only itself."""
    connection.execute("BEGIN IMMEDIATE")
    ends = []
    for unit in group:
        connection.execute("SAVEPOINT unit")
        end = _run_unit(thread, unit)
        _check_in_transaction(connection, end)
        if end.error is not None:
            connection.execute("ROLLBACK TO unit")
        connection.execute("RELEASE unit")
        ends.append(end)
    connection.execute("COMMIT")
    return ends


def _check_in_transaction(connection: sqlite3.Connection, end: End) -> None:
    """A full or broken disk makes SQLite roll everything back; what comes after would be a transaction of its own."""
    if not connection.in_transaction:
        raise end.error if isinstance(end.error, StoreError) else StoreError("SQLite gave up the transaction.")


def _run_unit(thread: UnitThread, unit: Unit[Any]) -> End:
    try:
        return End(result=thread.run(unit))
    except Exception as error:  # noqa: BLE001 - whatever the caller's unit raises is the caller's
        return End(error=error)


def _rollback(connection: sqlite3.Connection) -> None:
    """Back to no transaction, whether or not SQLite has done it itself."""
    with contextlib.suppress(sqlite3.Error):
        if connection.in_transaction:
            connection.execute("ROLLBACK")
