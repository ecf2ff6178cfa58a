"""What only PostgreSQL has: a server that may go away, and other nodes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from cronplug.errors import StoreError
from cronplug.store import Conn, Store, access, executions, migrate, tasks
from tests.store.making import NOW, Maker, after
from tests.store.test_executions import insert
from tests.store.test_transactions import get_meta, set_meta


class Wire:
    """A TCP port that leads to PostgreSQL's socket, until it is cut."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def mend(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break every connection and refuse new ones."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _carry(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        far_reader, far = await asyncio.open_unix_connection(self._target)
        self._writers |= {near, far}
        with contextlib.suppress(OSError):
            await asyncio.gather(self._pump(near_reader, far), self._pump(far_reader, near))
        self._writers -= {near, far}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()


@pytest_asyncio.fixture
async def wire(emptied_postgres_url: str) -> AsyncIterator[Wire]:
    """A wire to the test's server. Only for an own one, which listens on a socket."""
    folder = parse_qs(urlsplit(emptied_postgres_url).query).get("host", [""])[0]
    if not folder:
        pytest.skip("the PostgreSQL server is not the tests' own")
    wire = Wire(Path(folder) / ".s.PGSQL.5432")
    await wire.mend()
    yield wire
    await wire.cut()


@pytest_asyncio.fixture
async def nodes(emptied_postgres_url: str) -> AsyncIterator[list[Store]]:
    """Three nodes on one database."""
    stores = [await Store.open(emptied_postgres_url, pool_size=3) for _ in range(3)]
    yield stores
    for store in stores:
        await store.close()


async def test_a_server_that_goes_away_and_comes_back(wire: Wire, emptied_postgres_url: str) -> None:
    name = urlsplit(emptied_postgres_url).path
    store = await Store.open(f"postgresql://postgres@127.0.0.1:{wire.port}{name}", pool_size=3)
    await asyncio.gather(*(store.write(set_meta(f"k{n}")) for n in range(5)))

    await wire.cut()
    results = await asyncio.gather(
        *(store.write(set_meta("gone")) for _ in range(5)), store.ping(), return_exceptions=True
    )
    assert all(type(result) is StoreError for result in results), results
    assert "cannot be reached" in str(results[-1])

    await wire.mend()
    await asyncio.gather(*(store.write(set_meta(f"k{n}", "again")) for n in range(5)))
    assert await get_meta(store, "k4") == "again"
    await store.close()


async def test_a_connection_that_breaks_within_a_unit_takes_it_back(wire: Wire, emptied_postgres_url: str) -> None:
    name = urlsplit(emptied_postgres_url).path
    store = await Store.open(f"postgresql://postgres@127.0.0.1:{wire.port}{name}", pool_size=2)

    async def unit(conn: Conn) -> None:
        await access.set_meta(conn, "torn", "yes")
        await wire.cut()
        await access.set_meta(conn, "torn", "more")

    with pytest.raises(StoreError):
        await store.write(unit)

    await wire.mend()
    assert await get_meta(store, "torn") is None
    await store.close()


async def test_the_options_of_the_url_reach_the_driver(wire: Wire, emptied_postgres_url: str) -> None:
    """The tests' server speaks no TLS: asked for, it must be missed, both by the store and by migrations."""
    url = f"postgresql://postgres@127.0.0.1:{wire.port}{urlsplit(emptied_postgres_url).path}"

    await migrate(f"{url}?sslmode=disable")
    await (await Store.open(f"{url}?sslmode=disable")).close()
    for work in (migrate, Store.open):
        with pytest.raises(StoreError, match="SSL"):
            await work(f"{url}?sslmode=require")


async def test_no_server_is_told_in_one_line() -> None:
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        await Store.open("postgresql://nobody@127.0.0.1:1/none")

    assert "\n" not in str(caught.value)


async def test_a_database_that_does_not_exist_is_told(emptied_postgres_url: str) -> None:
    parts = urlsplit(emptied_postgres_url)

    with pytest.raises(StoreError, match="must be created first"):
        await Store.open(parts._replace(path="/no_such_database").geturl())


async def test_every_connection_is_back_after_chaos(emptied_postgres_url: str) -> None:
    store = await Store.open(emptied_postgres_url, pool_size=2)

    async def slow(conn: Conn) -> None:
        await access.set_meta(conn, "a", "yes")
        await access.get_meta(conn, "a")

    callers = [asyncio.create_task(store.write(slow)) for _ in range(60)]
    for number, caller in enumerate(callers):
        await asyncio.sleep(0)
        if number % 3:
            caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)

    async with asyncio.timeout(10):
        await asyncio.gather(*(store.write(set_meta("b")) for _ in range(4)))
    await store.close()


async def test_nodes_that_claim_at_once_share_the_queue(nodes: list[Store], make: Maker) -> None:
    made = [make.execution() for _ in range(90)]
    await insert(nodes[0], *made)

    async def drain(store: Store, node_id: str) -> list[str]:
        mine: list[str] = []
        while claimed := await store.write(
            lambda conn: executions.claim_executions(conn, node_id=node_id, now=NOW, lease_until=after(30), limit=7)
        ):
            assert len(claimed) <= 7
            assert {(it.lease_owner, it.attempt) for it in claimed} == {(node_id, 1)}
            mine += [it.id for it in claimed]
        return mine

    shares = await asyncio.gather(*(drain(store, f"node-{n}") for n, store in enumerate(nodes)))

    assert sorted(id_ for share in shares for id_ in share) == [it.id for it in made]


async def test_a_claim_passes_over_what_another_node_is_claiming(nodes: list[Store], make: Maker) -> None:
    made = [make.execution() for _ in range(6)]
    await insert(nodes[0], *made)
    claimed, go = asyncio.Event(), asyncio.Event()

    async def claim(conn: Conn) -> list[str]:
        rows = await executions.claim_executions(conn, node_id="n", now=NOW, lease_until=after(30), limit=4)
        return [it.id for it in rows]

    async def claim_and_linger(conn: Conn) -> list[str]:
        ids = await claim(conn)
        claimed.set()
        await go.wait()
        return ids

    async with asyncio.TaskGroup() as group:
        first = group.create_task(nodes[0].write(claim_and_linger))
        await claimed.wait()
        second = await nodes[1].write(claim)
        go.set()

    assert first.result() == [it.id for it in made[:4]]
    assert second == [it.id for it in made[4:]]


async def test_nodes_that_plan_at_once_fire_once(nodes: list[Store], make: Maker) -> None:
    due = [make.task(next_run_at=NOW) for _ in range(20)]
    for task in due:
        await nodes[0].write(partial(tasks.insert_task, task=task))
    advances = [
        tasks.Advance(task_id=it.id, expected_next_run_at=NOW, expected_revision=1, next_run_at=after(60)) for it in due
    ]

    won = await asyncio.gather(
        *(store.write(lambda conn: tasks.advance_tasks(conn, advances)) for store in nodes for _ in range(3))
    )

    assert sorted(id_ for ids in won for id_ in ids) == [it.id for it in due]


async def test_due_tasks_locked_by_a_node_are_passed_over(nodes: list[Store], make: Maker) -> None:
    due = [make.task(next_run_at=NOW) for _ in range(4)]
    for task in due:
        await nodes[0].write(partial(tasks.insert_task, task=task))
    locked, go = asyncio.Event(), asyncio.Event()

    async def linger(conn: Conn) -> None:
        await tasks.select_due_tasks(conn, NOW, limit=3, lock=True)
        locked.set()
        await go.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(nodes[0].write(linger))
        await locked.wait()
        rest = await nodes[1].write(lambda conn: tasks.select_due_tasks(conn, NOW, limit=9, lock=True))
        go.set()

    assert rest == due[3:]


async def test_a_deadlock_is_tried_again(nodes: list[Store]) -> None:
    both_hold = asyncio.Barrier(2)
    tries = {"ab": 0, "ba": 0}

    async def cross(store: Store, order: str) -> None:
        async def unit(conn: Conn) -> None:
            tries[order] += 1
            await access.set_meta(conn, order[0], order)
            if max(tries.values()) == 1:
                await both_hold.wait()
            await access.set_meta(conn, order[1], order)

        await store.write(unit)

    await nodes[0].write(set_meta("a"))
    await nodes[0].write(set_meta("b"))
    await asyncio.gather(cross(nodes[0], "ab"), cross(nodes[1], "ba"))

    assert sorted(tries.values()) == [1, 2]
    assert await get_meta(nodes[2], "a") == await get_meta(nodes[2], "b")
