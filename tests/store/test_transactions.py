"""Units of work: whole or not at all, durable when acknowledged, whoever fails or goes away beside them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from cronplug.errors import NotFound, StoreError
from cronplug.store import Conn, Store, UniqueViolation, Unit, access, database_lock, migrate, tasks
from cronplug.store import conn as conn_module
from cronplug.store.statements import Stmt
from tests.store.making import Maker
from tests.store.signals import Signal

ACCOUNTS = 6
TRANSFERS = 300

_VALUE = sa.literal_column("CAST(value AS INTEGER)", sa.Integer())
ADD = Stmt(
    sa.update(sa.table("meta", sa.column("key"), sa.column("value")))
    .where(sa.column("key") == sa.bindparam("account", type_=sa.Text()))
    .values(value=sa.cast(_VALUE + sa.bindparam("amount", type_=sa.Integer()), sa.Text()))
)
_NUMBERS = sa.select(sa.literal_column("1").label("n")).cte("numbers", recursive=True)
_ALL_NUMBERS = _NUMBERS.union_all(sa.select(_NUMBERS.c.n + sa.literal_column("1")))
ENDLESS = Stmt(sa.select(sa.func.count()).select_from(_ALL_NUMBERS))


def set_meta(key: str, value: str = "yes") -> Unit[None]:
    return lambda conn: access.set_meta(conn, key, value)


async def get_meta(store: Store, key: str) -> str | None:
    return await store.read(lambda conn: access.get_meta(conn, key))


async def test_a_unit_that_raises_takes_back_its_work_and_its_error_reaches_the_caller(store: Store) -> None:
    error = NotFound("task", "x")

    async def unit(conn: Conn) -> None:
        await access.set_meta(conn, "a", "yes")
        raise error

    with pytest.raises(NotFound) as caught:
        await store.write(unit)

    assert caught.value is error
    assert await get_meta(store, "a") is None


async def test_a_unit_that_raises_does_not_touch_its_neighbours(store: Store) -> None:
    async def failing(conn: Conn) -> None:
        await access.set_meta(conn, "bad", "yes")
        raise KeyError("mine")

    results = await asyncio.gather(
        *(store.write(set_meta(f"before-{n}")) for n in range(5)),
        store.write(failing),
        *(store.write(set_meta(f"after-{n}")) for n in range(5)),
        return_exceptions=True,
    )

    assert [type(result) for result in results if result is not None] == [KeyError]
    assert await get_meta(store, "bad") is None
    for n in range(5):
        assert await get_meta(store, f"before-{n}") == await get_meta(store, f"after-{n}") == "yes"


async def test_a_refused_statement_is_a_store_error_of_its_unit_alone(store: Store, make: Maker) -> None:
    task = make.task()
    await store.write(lambda conn: tasks.insert_task(conn, task))

    results = await asyncio.gather(
        store.write(set_meta("a")),
        store.write(lambda conn: tasks.insert_task(conn, task)),
        store.write(set_meta("b")),
        return_exceptions=True,
    )

    assert [type(result) for result in results] == [type(None), UniqueViolation, type(None)]
    assert isinstance(results[1], StoreError)


async def test_a_connection_is_useless_after_its_unit(store: Store) -> None:
    leaked: list[Conn] = []

    async def unit(conn: Conn) -> None:
        leaked.append(conn)

    await store.read(unit)

    with pytest.raises(RuntimeError, match="after its unit"):
        await access.get_meta(leaked[0], "a")


async def test_a_read_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.read(set_meta("a"))

    assert await get_meta(store, "a") is None


async def test_a_read_sees_one_moment(store: Store) -> None:
    await store.write(set_meta("a", "old"))
    changed, looked = Signal(), Signal()

    async def look_twice(conn: Conn) -> tuple[str | None, str | None]:
        first = await access.get_meta(conn, "a")
        looked.set()
        await changed.wait()
        return first, await access.get_meta(conn, "a")

    async with asyncio.TaskGroup() as group:
        look = group.create_task(store.read(look_twice))
        await looked.wait()
        await store.write(set_meta("a", "new"))
        changed.set()

    assert look.result() == ("old", "old")
    assert await get_meta(store, "a") == "new"


async def test_a_write_is_seen_by_the_next_read(store: Store) -> None:
    for n in range(20):
        await store.write(set_meta("a", str(n)))
        assert await get_meta(store, "a") == str(n)


async def test_what_was_acknowledged_is_there_after_opening_again(database_url: str) -> None:
    store = await Store.open(database_url)
    await store.write(set_meta("a"))
    await store.close()

    store = await Store.open(database_url)
    assert await get_meta(store, "a") == "yes"
    await store.close()


async def test_closing_lets_what_was_accepted_finish(database_url: str) -> None:
    store = await Store.open(database_url)
    async with asyncio.TaskGroup() as group:
        writes = [group.create_task(store.write(set_meta(f"k{n}"))) for n in range(50)]
        reads = [group.create_task(get_meta(store, "k0")) for _ in range(50)]
        await asyncio.sleep(0)  # every task has handed over its unit
        await store.close()
    assert all(task.done() and not task.exception() for task in [*writes, *reads])

    with pytest.raises(StoreError, match="closed"):
        await store.write(set_meta("late"))
    await store.close()


async def test_cancelling_a_caller_never_tears_a_transaction(store: Store) -> None:
    begun, go = Signal(), Signal()

    async def unit(conn: Conn) -> None:
        await access.set_meta(conn, "first", "yes")
        begun.set()
        await go.wait()
        await access.set_meta(conn, "second", "yes")

    caller = asyncio.create_task(store.write(unit))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go.set()
    await store.close()

    store = await Store.open(store.url)
    assert await get_meta(store, "first") == await get_meta(store, "second") == "yes"
    await store.close()


async def test_chaos_of_failing_and_cancelled_transfers_loses_and_invents_nothing(store: Store) -> None:
    """Every transfer leaves a mark in its own transaction; the marks and the balances must tell the same story."""
    dice = random.Random(7)
    for account in range(ACCOUNTS):
        await store.write(set_meta(f"account-{account}", "1000"))
    outcome: Counter[str] = Counter()
    acknowledged: set[int] = set()
    refused: set[int] = set()

    async def transfer(number: int, source: int, target: int, amount: int, fails: bool) -> None:
        async def unit(conn: Conn) -> None:
            for account, change in sorted(((source, -amount), (target, amount))):
                await conn.run(ADD, account=f"account-{account}", amount=change)
            await access.set_meta(conn, f"mark-{number}", f"{source} {target} {amount}")
            if fails:
                raise NotFound("account", str(number))

        try:
            await store.write(unit)
        except NotFound:
            refused.add(number)
        else:
            acknowledged.add(number)

    async def caller(number: int) -> None:
        source, target = dice.sample(range(ACCOUNTS), 2)
        work = asyncio.create_task(transfer(number, source, target, dice.randint(1, 50), dice.random() < 0.2))
        if dice.random() < 0.35:
            for _ in range(dice.randint(0, 12)):
                await asyncio.sleep(0)
            work.cancel()
        try:
            await work
        except asyncio.CancelledError:
            outcome["cancelled"] += 1

    await asyncio.gather(*(caller(number) for number in range(TRANSFERS)))
    await store.close()
    store = await Store.open(store.url)

    marks = {number: mark for number in range(TRANSFERS) if (mark := await get_meta(store, f"mark-{number}"))}
    balances = {account: int(await get_meta(store, f"account-{account}") or 0) for account in range(ACCOUNTS)}
    await store.close()
    expected = dict.fromkeys(range(ACCOUNTS), 1000)
    for mark in marks.values():
        source, target, amount = map(int, mark.split())
        expected[source] -= amount
        expected[target] += amount
    assert acknowledged <= marks.keys()
    assert not refused & marks.keys()
    assert balances == expected
    assert min(len(acknowledged), len(refused), outcome["cancelled"]) > 10


async def test_a_unit_that_gets_stuck_is_given_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conn_module, "UNIT_SECONDS", 0.05)

    async def stuck(conn: Conn) -> None:
        await access.set_meta(conn, "stuck", "yes")
        if conn.dialect == "sqlite":
            await conn.fetch(ENDLESS)
        await asyncio.Event().wait()

    with pytest.raises(StoreError, match="longer than"):
        await store.write(stuck)
    monkeypatch.undo()

    await store.write(set_meta("next"))
    assert await get_meta(store, "stuck") is None
    assert await get_meta(store, "next") == "yes"


async def test_a_unit_that_waits_for_something_cancelled_fails_alone_on_postgresql(emptied_postgres_url: str) -> None:
    store = await Store.open(emptied_postgres_url)

    async def unit(conn: Conn) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    with pytest.raises(StoreError, match="was cancelled"):
        await store.write(unit)

    await store.write(set_meta("a"))
    assert await get_meta(store, "a") == "yes"
    await store.close()


async def test_a_unit_that_waits_for_anything_else_fails_alone_on_sqlite(sqlite_store: Store) -> None:
    async def unit(conn: Conn) -> None:
        await access.set_meta(conn, "half", "yes")
        await asyncio.sleep(0)

    with pytest.raises(StoreError, match="something else than its connection"):
        await sqlite_store.write(unit)

    await sqlite_store.write(set_meta("a"))
    assert await get_meta(sqlite_store, "a") == "yes"
    assert await get_meta(sqlite_store, "half") is None


async def test_many_callers_share_the_store(store: Store) -> None:
    await asyncio.gather(*(store.write(set_meta(f"k{n}", str(n))) for n in range(200)))

    values = await asyncio.gather(*(get_meta(store, f"k{n}") for n in range(200)))

    assert values == [str(n) for n in range(200)]
    assert store.waiting() == (0, 0)


async def test_ping_answers(store: Store) -> None:
    await store.ping()


@pytest.mark.parametrize(
    "url", ["", "mysql://x/y", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:////x?mode=memory", "nonsense"]
)
async def test_a_url_that_names_no_database_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="sqlite:"):
        await Store.open(url)


async def test_a_path_is_taken_literally(tmp_path: Path) -> None:
    folder = tmp_path / "a b%41#ü"
    url = f"sqlite:///{folder / 'x.db'}"
    with database_lock(url):
        await migrate(url)
        store = await Store.open(url)
        await store.write(set_meta("a"))
        await store.close()

    assert {path.name for path in folder.iterdir()} == {"x.db", "x.db.lock"}
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
