"""What tasks were, going back to it, and bringing back deleted tasks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cronplug.errors import Conflict, InvalidInput, NotFound, RevisionMismatch
from cronplug.model import CalendarDefinition, CalendarMode, CalendarUse, StoredCalendar
from cronplug.operations import RevisionView
from cronplug.operations.fire_time_accounts import Account
from cronplug.store import Conn, calendars, executions
from tests.conftest import database_url
from tests.engine.conftest import START, World, cron, fail

__all__ = ["database_url"]  # both kinds: its statements are of its own


async def revisions(world: World, task_id: str) -> list[RevisionView]:
    return list((await world.operations.list_revisions(task_id, page=1, page_size=20)).items)


async def test_revisions_tell_what_changed(world: World) -> None:
    task = await world.create(name="First")
    await world.operations.change_task(task.id, {"name": "Second", "tags": ("a",)})
    await world.operations.toggle_task(task.id, False)

    told = await revisions(world, task.id)

    assert [(it.number, set(it.changed), it.is_deletion) for it in told] == [
        (3, {"enabled"}, False),
        (2, {"name", "tags"}, False),
        (1, set(), False),
    ]
    assert [None if it.before is None else it.before.name for it in told] == ["Second", "First", None]
    page = await world.operations.list_revisions(task.id, page=2, page_size=2)
    assert ([it.number for it in page.items], page.total) == ([1], 3)


async def test_going_back_is_a_new_revision_that_never_fires_at_once(world: World) -> None:
    task = await world.create(name="First")
    await world.operations.change_task(task.id, {"name": "Second", "schedules": cron("0 0 1 1 *")})
    world.at("12:10:30")

    back = await world.operations.restore_revision(task.id, 1)

    assert back.task.definition == task.definition
    assert back.task.revision == 3
    assert back.next_run_at is not None
    assert back.next_run_at.minute == 11
    assert await world.plan() == []


async def test_going_back_heeds_the_expected_revision_and_what_is_kept(world: World) -> None:
    task = await world.create()
    with pytest.raises(RevisionMismatch):
        await world.operations.restore_revision(task.id, 1, expected_revision=7)
    with pytest.raises(NotFound, match="revision"):
        await world.operations.restore_revision(task.id, 2)
    with pytest.raises(NotFound, match="task"):
        await world.operations.restore_revision("0000000000000", 1)


async def test_going_back_is_refused_when_that_can_no_longer_be_stored(world: World) -> None:
    task = await world.create()
    await world.operations.change_task(
        task.id, {"type": "http", "function_name": None, "http_url": "http://127.0.0.1:9/"}
    )
    world.registry.installed = False

    with pytest.raises(InvalidInput):
        await world.operations.restore_revision(task.id, 1)


async def test_a_deleted_task_comes_back_as_it_was_and_catches_nothing_up(world: World) -> None:
    task = await world.create(name="Kept", tags=("a",), max_executions=5)
    world.at("12:01:10")
    await world.plan()
    await world.run_all()
    await world.operations.delete_task(task.id)
    world.at("12:30:30")

    back = await world.operations.restore_task(task.id)

    assert back.task.definition == task.definition
    assert (back.task.created_at, back.task.fired_count, back.task.revision) == (task.created_at, 1, 3)
    assert back.next_run_at is not None
    assert back.next_run_at.minute == 31
    assert len(back.recent) == 1
    assert len(await world.plan()) == 1
    assert [(it.number, it.is_deletion, set(it.changed)) for it in await revisions(world, task.id)] == [
        (3, False, set()),
        (2, True, set()),
        (1, False, set()),
    ]


async def test_a_task_that_fails_still_does_when_it_comes_back(world: World) -> None:
    world.functions.body = fail
    task = await world.create()
    await world.operations.trigger_task(task.id)
    await world.run_all()
    since = (await world.task(task.id)).failing_since

    await world.operations.delete_task(task.id)
    await world.operations.restore_task(task.id)

    assert since is not None
    assert (await world.task(task.id)).failing_since == since


async def test_the_time_it_was_gone_is_accounted_for(world: World) -> None:
    task = await world.create()
    world.at("12:00:40")
    await world.operations.delete_task(task.id)
    world.at("12:02:30")
    await world.operations.restore_task(task.id)

    told, _ = await world.operations.account_for_fire_times(
        task.id, after=START, until=START + timedelta(seconds=155), limit=10
    )

    assert [(it.fire_time.minute, it.account) for it in told] == [(1, Account.DISABLED), (2, Account.DISABLED)]


async def test_a_disabled_task_comes_back_disabled(world: World) -> None:
    task = await world.create(enabled=False)
    await world.operations.delete_task(task.id)
    world.clock.advance(60)

    back = await world.operations.restore_task(task.id)

    assert (back.state, back.task.disabled_at, back.next_run_at) == ("disabled", world.clock.now(), None)


async def test_only_a_deleted_task_is_restored(world: World) -> None:
    task = await world.create()
    with pytest.raises(Conflict, match="not deleted"):
        await world.operations.restore_task(task.id)
    with pytest.raises(NotFound):
        await world.operations.restore_task("0000000000000")


async def test_it_is_gone_for_good_once_retention_has_taken_its_revisions(world: World) -> None:
    task = await world.create()
    await world.operations.change_task(task.id, {"name": "Later"})
    world.clock.advance(40 * 86_400)
    await world.operations.delete_task(task.id)

    async def clean(conn: Conn) -> None:
        before = world.clock.now() - timedelta(days=30)
        await executions.delete_ended(conn, success_before=before, failed_before=before, limit=10)

    await world.store.write(clean)
    assert [it.number for it in await revisions(world, task.id)] == [3]  # what is older is not needed to bring it back
    world.clock.advance(31 * 86_400)
    await world.store.write(clean)
    with pytest.raises(NotFound):
        await world.operations.restore_task(task.id)
    with pytest.raises(NotFound):
        await world.operations.list_revisions(task.id, page=1, page_size=20)


async def test_it_does_not_come_back_without_its_calendar(world: World) -> None:
    calendar = StoredCalendar(
        id=world.ids.new(START),
        definition=CalendarDefinition(name="Holidays"),
        revision=1,
        created_at=START,
        updated_at=START,
    )
    await world.store.write(lambda conn: calendars.insert_calendar(conn, calendar))
    use = CalendarUse(calendar_id=calendar.id, mode=CalendarMode.EXCLUDE)
    task = await world.create(schedules=(replace(cron("* * * * *")[0], calendars=(use,)),))
    await world.operations.delete_task(task.id)
    await world.store.write(lambda conn: calendars.delete_calendar(conn, calendar.id))

    with pytest.raises(Conflict, match="calendar"):
        await world.operations.restore_task(task.id)
