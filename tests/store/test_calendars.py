"""Calendars: kept as they are, changed by whoever saw the present revision, parsed once, and kept while in use."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, time
from functools import partial
from typing import Any

import pytest

from cronplug.ids import encode_id
from cronplug.model import (
    CalendarDates,
    CalendarDefinition,
    CalendarMode,
    CalendarUse,
    CalendarWeekdays,
    CalendarWeekly,
    CalendarWindow,
    CalendarYearly,
    CronRule,
    StoredCalendar,
    Task,
)
from cronplug.store import Conn, Store, UniqueViolation, calendars, deletions, tasks
from cronplug.store.calendars import CalendarCache
from tests.store.making import NOW, Maker, after

FULL = CalendarDefinition(
    name="Feiertage ✓",
    description="two\nlines",
    timezone="Europe/Vienna",
    dates=(CalendarDates(name="Move", first=date(2026, 3, 1), last=date(2026, 3, 4)),),
    yearly=(CalendarYearly(name="Leap", month=2, day=29),),
    weekdays=(
        CalendarWeekdays(name="", days=(5, 6)),
        CalendarWeekdays(name="Night", days=(0,), begins=time(22), ends=time(6, 30)),
    ),
    weekly=(CalendarWeekly(name="", first_day=0, begins=time(22), last_day=1, ends=time(2)),),
    windows=(CalendarWindow(name="", start_at=NOW, end_at=after(0.001)),),
)


def calendar(make: Maker, definition: CalendarDefinition = FULL, **changes: Any) -> StoredCalendar:
    definition = replace(definition, **changes)
    return StoredCalendar(id=make.id(), definition=definition, revision=1, created_at=NOW, updated_at=NOW)


async def insert(store: Store, *new: StoredCalendar) -> None:
    for one in new:
        await store.write(partial(calendars.insert_calendar, calendar=one))


def task_with(make: Maker, *calendar_ids: str, name: str = "A task") -> Task:
    uses = tuple(CalendarUse(calendar_id=one, mode=CalendarMode.EXCLUDE) for one in calendar_ids)
    rules = (CronRule(cron_expression="@daily", timezone="UTC", calendars=uses),)
    return make.task(name=name, schedules=rules)


async def users(store: Store, one: StoredCalendar) -> list[str]:
    return await store.read(lambda conn: calendars.select_users(conn, one.id, limit=10))


async def parsed(store: Store, ids: list[str], cache: CalendarCache | None = None) -> dict[str, Any]:
    return await store.read(lambda conn: calendars.select_calendars(conn, ids, cache=cache))


async def test_a_calendar_comes_back_as_it_was_stored(store: Store, make: Maker) -> None:
    one = calendar(make)

    await insert(store, one)

    assert await store.read(partial(calendars.select_calendar, calendar_id=one.id)) == one


@pytest.mark.parametrize("unknown", [encode_id(7), "no id", ""])
async def test_an_unknown_calendar_is_none(store: Store, unknown: str) -> None:
    assert await store.read(partial(calendars.select_calendar, calendar_id=unknown)) is None


async def test_two_calendars_do_not_differ_in_case_only(store: Store, make: Maker) -> None:
    other = calendar(make, name="Other")
    await insert(store, calendar(make, name="Straße"), other)

    with pytest.raises(UniqueViolation):
        await insert(store, calendar(make, name="STRASSE"))
    renamed = replace(other, definition=replace(FULL, name="straße"), revision=2)
    with pytest.raises(UniqueViolation):
        await store.write(lambda conn: calendars.update_calendar(conn, renamed, expected_revision=1))


async def test_a_change_wins_only_at_the_revision_it_was_made_from(store: Store, make: Maker) -> None:
    one = calendar(make)
    await insert(store, one)
    changed = replace(one, definition=replace(FULL, timezone="UTC"), revision=2, updated_at=after(1))

    async def change(conn: Conn) -> bool:
        return await calendars.update_calendar(conn, changed, expected_revision=1)

    assert (await store.write(change), await store.write(change)) == (True, False)
    assert await store.read(partial(calendars.select_calendar, calendar_id=one.id)) == changed


async def test_pages_are_by_name(store: Store, make: Maker) -> None:
    await insert(store, *(calendar(make, name=name) for name in ("b", "C", "a")))

    async def page(conn: Conn, offset: int) -> list[str]:
        return [one.definition.name for one in await calendars.select_page(conn, limit=2, offset=offset)]

    assert await store.read(partial(page, offset=0)) == ["a", "b"]
    assert await store.read(partial(page, offset=2)) == ["C"]
    assert await store.read(calendars.count_calendars) == 3


async def test_the_tasks_that_heed_a_calendar_are_known(store: Store, make: Maker) -> None:
    one, other = calendar(make), calendar(make, name="Other")
    await insert(store, one, other)
    task = task_with(make, one.id, name="b")
    await store.write(partial(tasks.insert_task, task=task))
    await store.write(partial(tasks.insert_task, task=task_with(make, one.id, other.id, encode_id(5), name="A")))
    assert await users(store, one) == ["A", "b"]
    assert await store.read(lambda conn: calendars.count_users(conn, [one.id, other.id])) == {one.id: 2, other.id: 1}

    changed = replace(task, definition=task_with(make, other.id, name="b").definition, revision=2)
    await store.write(lambda conn: tasks.update_task(conn, changed, instead_of=task))
    assert (await users(store, one), await users(store, other)) == (["A"], ["A", "b"])

    await store.write(partial(deletions.delete_tasks, task_ids=[task.id], now=NOW))
    assert await users(store, other) == ["A"]


async def test_a_calendar_is_deleted_once(store: Store, make: Maker) -> None:
    one = calendar(make)
    await insert(store, one)

    async def delete(conn: Conn) -> tuple[bool, bool]:
        return await calendars.lock_calendar(conn, one.id), await calendars.delete_calendar(conn, one.id)

    assert (await store.write(delete), await store.write(delete)) == ((True, True), (False, False))


async def test_what_is_missing_is_told_in_a_write(store: Store, make: Maker) -> None:
    one = calendar(make)
    await insert(store, one)

    missing = await store.write(lambda conn: calendars.select_missing(conn, [one.id, encode_id(5), "no id"]))

    assert missing == {encode_id(5), "no id"}
    assert await store.write(lambda conn: calendars.select_missing(conn, [])) == set()


async def test_a_task_that_begins_to_heed_a_calendar_keeps_it_from_being_deleted(store: Store, make: Maker) -> None:
    """Whoever is first: the deletion sees the task, or the task sees that the calendar is gone."""
    for _ in range(5):
        one = calendar(make)
        await insert(store, one)
        task = task_with(make, one.id)

        async def delete(conn: Conn, one: StoredCalendar = one) -> bool:
            await calendars.lock_calendar(conn, one.id)
            if await calendars.select_users(conn, one.id, limit=1):
                return False
            return await calendars.delete_calendar(conn, one.id)

        async def create(conn: Conn, one: StoredCalendar = one, task: Task = task) -> bool:
            if await calendars.select_missing(conn, [one.id]):
                return False
            await tasks.insert_task(conn, task)
            return True

        deleted, created = await asyncio.gather(store.write(delete), store.write(create))

        assert deleted != created
        await store.write(partial(deletions.delete_tasks, task_ids=[task.id], now=NOW))
        await store.write(partial(calendars.delete_calendar, calendar_id=one.id))


async def test_parsed_calendars_are_those_that_exist(store: Store, make: Maker) -> None:
    one = calendar(make)
    await insert(store, one)

    found = await parsed(store, [one.id, encode_id(5), "no id"])

    assert list(found) == [one.id]
    assert (found[one.id].id, found[one.id].definition) == (one.id, FULL)
    assert await parsed(store, []) == {}


async def test_a_parsed_calendar_is_kept_until_its_revision_changes(store: Store, make: Maker) -> None:
    one = calendar(make)
    await insert(store, one)
    cache = CalendarCache()
    first = (await parsed(store, [one.id], cache))[one.id]
    assert (await parsed(store, [one.id], cache))[one.id] is first

    changed = replace(one, definition=replace(FULL, timezone="UTC"), revision=2, updated_at=after(1))
    await store.write(lambda conn: calendars.update_calendar(conn, changed, expected_revision=1))

    assert (await parsed(store, [one.id], cache))[one.id].definition.timezone == "UTC"


async def test_a_calendar_that_cannot_be_read_is_left_out(store: Store, make: Maker) -> None:
    broken, fine = calendar(make, timezone="Mars/Olympus"), calendar(make, name="Other")
    await insert(store, broken, fine)
    cache = CalendarCache()

    for _ in range(2):
        assert list(await parsed(store, [broken.id, fine.id], cache)) == [fine.id]


def test_the_cache_forgets_what_was_not_asked_for_the_longest() -> None:
    cache = CalendarCache(most=2)
    for name in ("a", "b"):
        cache.put(name, 1, None)
    cache.get("a", 1)
    cache.put("c", 1, None)

    assert [cache.get(name, 1)[0] for name in ("a", "b", "c")] == [True, False, True]
