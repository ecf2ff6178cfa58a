"""Past executions are rolled up into hours and days, whatever interrupts it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from cronplug.clock import SettableClock, from_millis, to_millis
from cronplug.engine import Roller
from cronplug.errors import StoreError
from cronplug.model import CronRule, Execution, Status, Task, Trigger
from cronplug.planning.tallies import Tally, merged, unpack
from cronplug.store import Conn, Store, executions, rollups, tasks
from cronplug.store.conn import Unit
from tests.store.making import Maker

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
END = NOON + timedelta(days=800)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(NOON + timedelta(hours=1, minutes=5))


@pytest.fixture
def roller(store: Store, clock: SettableClock) -> Roller:
    return Roller(store=store, clock=clock, default_timezone="UTC", pause_seconds=0)


async def run_dry(roller: Roller) -> None:
    for _ in range(1_000):
        if not await roller.step_once():
            return
    raise AssertionError("it never comes to an end")


async def insert(store: Store, *new: Execution) -> None:
    await store.write(lambda conn: executions.insert_executions(conn, new))


async def rows(store: Store, kind: rollups.Kind, key: str = "") -> dict[tuple[str, int], Tally]:
    found = await store.read(
        lambda conn: rollups.select_series(conn, kind, key, since=NOON - timedelta(days=800), until=END)
    )
    return {(from_millis(cell.start).strftime("%m-%d %H:%M"), cell.seconds): unpack([packed]) for cell, packed in found}


def ended(
    make: Maker,
    minutes: float,
    status: Status = Status.SUCCESS,
    *,
    seconds: float = 2,
    **given: Any,
) -> Execution:
    at = NOON + timedelta(minutes=minutes)
    started = at + timedelta(seconds=1)
    values: dict[str, Any] = {
        "trigger": Trigger.MANUAL,
        "status": status,
        "started_at": started,
        "finished_at": started + timedelta(seconds=seconds),
        "function_name": "acme.report",
    }
    return make.execution(at=at, **(values | given))


async def new_task(store: Store, make: Maker, timezone: str = "UTC") -> Task:
    task = make.task(at=NOON, schedules=(CronRule(cron_expression="0 5 * * *", timezone=timezone),))
    await store.write(partial(tasks.insert_task, task=task))
    return task


async def test_an_hour_is_rolled_up_by_task_function_and_all(store: Store, roller: Roller, make: Maker) -> None:
    task = await new_task(store, make)
    of_task: dict[str, Any] = {"task_id": task.id, "task_revision": 1}
    await insert(
        store,
        ended(make, 1, **of_task),
        ended(make, 31, Status.FAILED, seconds=8, **of_task),
        ended(make, 32, Status.SKIPPED, started_at=None, **of_task),
        ended(make, 33),
        ended(make, 61, **of_task),  # in the hour that is not over
    )

    await run_dry(roller)

    (tally,) = (await rows(store, "task", task.id)).values()
    assert tally.counts == {Status.SUCCESS: 1, Status.FAILED: 1, Status.SKIPPED: 1}
    assert (tally.max_seconds, sum(tally.durations.values()), sum(tally.delays.values())) == (8, 2, 2)
    assert tally.duration(0.5) == pytest.approx(2, rel=0.1)
    assert tally.delay(0.95) == pytest.approx(1, rel=0.1)
    assert {cell: tally.ended for cell, tally in (await rows(store, "all")).items()} == {
        ("03-01 12:00", rollups.HALF_HOUR): 1,
        ("03-01 12:30", rollups.HALF_HOUR): 3,
    }
    assert (await rows(store, "function", "acme.report"))["03-01 12:00", rollups.HOUR].ended == 4
    assert await store.read(rollups.select_position) == NOON + timedelta(hours=1)


async def test_what_has_not_ended_is_counted_once_it_has(store: Store, roller: Roller, make: Maker) -> None:
    late = make.execution(at=NOON + timedelta(minutes=3))
    await insert(store, ended(make, 1), late)
    await run_dry(roller)
    assert merged((await rows(store, "all")).values()).ended == 1

    await store.write(lambda conn: executions.request_cancel(conn, late.id, now=NOON + timedelta(hours=3)))
    await run_dry(roller)
    await run_dry(roller)

    assert merged((await rows(store, "all")).values()).counts == {Status.SUCCESS: 1, Status.CANCELLED: 1}


async def test_a_clock_that_is_set_back_leaves_nothing_uncounted(
    store: Store,
    roller: Roller,
    clock: SettableClock,
    make: Maker,
) -> None:
    late = make.execution(at=NOON + timedelta(minutes=70))
    await insert(store, ended(make, 1), ended(make, 61), late)
    clock.set(NOON + timedelta(hours=2, minutes=5))
    await run_dry(roller)

    clock.set(NOON + timedelta(minutes=20))
    await run_dry(roller)
    await insert(store, ended(make, 21), ended(make, 65))
    await store.write(lambda conn: executions.request_cancel(conn, late.id, now=NOON + timedelta(minutes=80)))
    clock.set(NOON + timedelta(hours=3, minutes=5))
    await run_dry(roller)

    assert {cell: tally.ended for cell, tally in (await rows(store, "all")).items()} == {
        ("03-01 12:00", rollups.HALF_HOUR): 2,
        ("03-01 13:00", rollups.HALF_HOUR): 3,
    }
    assert await store.read(rollups.select_position) == NOON + timedelta(hours=3)


async def test_hours_without_executions_are_passed_over(
    store: Store,
    roller: Roller,
    clock: SettableClock,
    make: Maker,
) -> None:
    await insert(store, ended(make, 1), ended(make, 60 * 24 * 300))
    clock.set(NOON + timedelta(days=300, hours=1, minutes=5))

    steps = 0
    while await roller.roll_hour_once():
        steps += 1

    assert steps == 3  # the position, and two hours
    assert {when for when, _ in await rows(store, "all")} == {"03-01 12:00", "12-26 12:00"}
    clock.advance(3 * 3600)
    assert not await roller.roll_hour_once()
    assert await store.read(rollups.select_position) == NOON + timedelta(days=300, hours=4)


async def test_an_hour_waits_until_its_transactions_have_ended(
    store: Store,
    roller: Roller,
    clock: SettableClock,
    make: Maker,
) -> None:
    await insert(store, ended(make, 59.9))
    clock.set(NOON + timedelta(hours=1, minutes=1))
    await run_dry(roller)
    assert await rows(store, "all") == {}

    clock.advance(60)
    await run_dry(roller)
    assert len(await rows(store, "all")) == 1


async def test_hours_and_days_begin_where_the_zone_of_the_task_has_them(
    store: Store,
    roller: Roller,
    clock: SettableClock,
    make: Maker,
) -> None:
    task = await new_task(store, make, "Asia/Kolkata")  # +05:30: midnight is at 18:30 UTC
    of_task: dict[str, Any] = {"task_id": task.id, "task_revision": 1}
    before, after = 6.25 * 60, 6.75 * 60
    await insert(store, *(ended(make, minutes, **of_task) for minutes in (before, after)))
    clock.set(NOON + timedelta(hours=8))

    await run_dry(roller)
    assert sorted(await rows(store, "task", task.id)) == [("03-01 18:00", rollups.HOUR), ("03-01 18:30", rollups.HOUR)]

    clock.advance(36 * 86_400)
    await run_dry(roller)
    assert sorted(await rows(store, "task", task.id)) == [("02-28 18:30", rollups.DAY), ("03-01 18:30", rollups.DAY)]
    assert [cell for cell, _ in await rows(store, "all")] == ["03-01 00:00"]


async def test_hours_become_days_and_days_are_forgotten(
    store: Store,
    roller: Roller,
    clock: SettableClock,
    make: Maker,
) -> None:
    task = await new_task(store, make)
    of_task: dict[str, Any] = {"task_id": task.id, "task_revision": 1}
    await insert(store, *(ended(make, 60 * hour, seconds=hour + 1, **of_task) for hour in range(20)))
    clock.set(NOON + timedelta(days=1))
    await run_dry(roller)
    await store.write(lambda conn: executions.delete_ended(conn, success_before=END, failed_before=END, limit=100))

    clock.advance(36 * 86_400)
    await run_dry(roller)

    days = await rows(store, "task", task.id)
    assert {cell: (tally.ended, tally.max_seconds) for cell, tally in days.items()} == {
        ("03-01 00:00", rollups.DAY): (12, 12),
        ("03-02 00:00", rollups.DAY): (8, 20),
    }
    assert (await rows(store, "function", "acme.report"))["03-01 00:00", rollups.DAY].ended == 12

    clock.advance(366 * 86_400)
    await run_dry(roller)
    assert await rows(store, "task", task.id) == {}


class Dying:
    """A store that loses its process at the nth write."""

    def __init__(self, store: Store, writes: int) -> None:
        self.store = store
        self.left = writes
        self.read = store.read

    async def write(self, unit: Unit[object]) -> object:
        self.left -= 1
        if self.left < 0:
            raise StoreError("gone")
        return await self.store.write(unit)


@pytest.mark.parametrize("writes", range(8))
async def test_nothing_is_counted_twice_or_lost_wherever_it_is_cut_off(
    sqlite_url: str,
    make: Maker,
    clock: SettableClock,
    writes: int,
) -> None:
    store = await Store.open(sqlite_url)
    late = make.execution(at=NOON + timedelta(minutes=3))
    await insert(store, ended(make, 1), ended(make, 2, Status.FAILED), late)
    dying = Dying(store, writes)
    clock.set(NOON + timedelta(hours=2))
    with pytest.raises(StoreError):
        await _everything(Roller(store=dying, clock=clock, default_timezone="UTC", pause_seconds=0), store, late, clock)  # type: ignore[arg-type]  # what it uses of a store

    await _everything(Roller(store=store, clock=clock, default_timezone="UTC", pause_seconds=0), store, late, clock)

    found = await rows(store, "all")
    assert merged(found.values()).counts == {Status.SUCCESS: 1, Status.FAILED: 1, Status.CANCELLED: 1}
    assert [seconds for _, seconds in found] == [rollups.DAY]
    await store.close()


async def _everything(roller: Roller, store: Store, late: Execution, clock: SettableClock) -> None:
    clock.set(NOON + timedelta(hours=2))
    await run_dry(roller)
    await store.write(lambda conn: executions.request_cancel(conn, late.id, now=NOON + timedelta(hours=2)))
    await run_dry(roller)
    clock.set(NOON + timedelta(days=40))
    await run_dry(roller)
    if isinstance(getattr(roller, "_store", None), Dying):
        raise StoreError("it came to its end")


async def test_two_nodes_count_everything_once(store: Store, clock: SettableClock, make: Maker) -> None:
    await insert(store, *(ended(make, minute) for minute in range(0, 600, 7)))
    clock.set(NOON + timedelta(hours=12))
    nodes = [Roller(store=store, clock=clock, default_timezone="UTC", pause_seconds=0) for _ in range(3)]

    await asyncio.gather(*map(run_dry, nodes))

    assert merged((await rows(store, "all")).values()).ended == len(range(0, 600, 7))


async def test_what_is_queued_later_is_read_live(store: Store, make: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    task = await new_task(store, make)
    of_task: dict[str, Any] = {"task_id": task.id, "task_revision": 1}
    await insert(
        store,
        ended(make, 1, **of_task),
        ended(make, 2, Status.FAILED, **of_task),
        ended(make, 31),
        make.execution(at=NOON + timedelta(minutes=5), task_id=task.id),
    )

    async def live(kind: rollups.Kind, key: str) -> dict[int, int]:
        async def read(conn: Conn) -> dict[int, Tally]:
            return await rollups.read_live(conn, kind, key, since=NOON, until=NOON + timedelta(hours=1))

        found = await store.read(read)
        return {(at - to_millis(NOON)) // 60_000: tally.ended for at, tally in sorted(found.items())}

    for _ in range(2):
        assert await live("task", task.id) == {0: 2}
        assert await live("function", "acme.report") == {0: 2, 30: 1}
        assert await live("all", "") == {0: 2, 30: 1}
        monkeypatch.setattr(rollups, "LIVE_ROWS", 1)
