"""Tasks: kept as they are, changed only by whoever saw the present revision."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from cronplug.ids import encode_id
from cronplug.model import (
    CalendarMode,
    CalendarUse,
    CatchUp,
    CronRule,
    Delivery,
    DstGap,
    DstRepeat,
    IntervalRule,
    OnceRule,
    Overlap,
    Task,
    TaskDefinition,
    TaskType,
)
from cronplug.store import Conn, Store, UniqueViolation, deletions, tasks
from cronplug.store.tasks import Advance, TaskFilter
from tests.store.making import NOW, Maker, after


async def insert(store: Store, *new: Task) -> None:
    for task in new:
        await store.write(partial(tasks.insert_task, task=task))


async def test_a_task_comes_back_as_it_was_stored(store: Store, make: Maker) -> None:
    task = make.task(
        name="Nächtlicher Bericht ✓",
        description="two\nlines",
        tags=("reports", "acme"),
        enabled=False,
        timezone="Europe/Vienna",
        schedules=(
            CronRule(
                cron_expression="0 3 * * *",
                timezone="Asia/Tokyo",
                on_dst_gap=DstGap.SKIP,
                on_dst_repeat=DstRepeat.TWICE,
                calendars=(CalendarUse(calendar_id=encode_id(5), mode=CalendarMode.EXCLUDE),),
                payload={"days": 1},
            ),
            IntervalRule(every_seconds=90, anchor_at=NOW, timezone="UTC"),
            OnceRule(at=NOW, timezone="UTC"),
        ),
        start_at=NOW,
        end_at=NOW,
        paused_until=NOW,
        jitter_seconds=5,
        max_executions=7,
        function_payload={"days": 7, "deep": {"list": [1, None, True, "é"]}, "big": 2**70},
        http_headers={"X-A": "b"},
        http_body="{}",
        catch_up=CatchUp.LAST,
        overlap=Overlap.ALLOW,
        delivery=Delivery.AT_MOST_ONCE,
        max_retries=3,
    )
    await insert(store, task)

    assert await store.read(lambda conn: tasks.select_task(conn, task.id)) == task


@pytest.mark.parametrize("unknown", ["", "nonsense", encode_id(17), "é" * 13, "\x00", "zzzzzzzzzzzzz", "9" * 500])
async def test_an_unknown_id_finds_nothing_whatever_its_form(store: Store, unknown: str) -> None:
    assert await store.read(lambda conn: tasks.select_task(conn, unknown)) is None
    gone = await store.write(lambda conn: deletions.delete_tasks(conn, [unknown], now=NOW))
    assert not gone.deleted


async def test_an_id_is_taken_once(store: Store, make: Maker) -> None:
    task = make.task()
    await insert(store, task)

    with pytest.raises(UniqueViolation):
        await insert(store, task)


async def test_an_id_that_is_none_is_never_stored(store: Store, make: Maker) -> None:
    with pytest.raises(ValueError, match="not an identifier"):
        await insert(store, replace(make.task(), id="nonsense"))


async def test_what_no_database_can_keep_is_replaced(store: Store, make: Maker) -> None:
    task = make.task(name="a\x00b\ud800c", description="\x00", tags=("x\x00",))
    await insert(store, task)

    found = await store.read(lambda conn: tasks.select_tasks(conn, TaskFilter(tags=("x\ufffd",)), limit=5))

    assert [it.id for it in found] == [task.id]
    assert await store.read(lambda conn: tasks.count_tasks(conn, TaskFilter(q="a\x00b"))) == 1


async def test_an_update_needs_the_present_revision(store: Store, make: Maker) -> None:
    task = make.task(tags=("old", "both"))
    await insert(store, task)
    changed = replace(
        task,
        definition=replace(task.definition, name="Changed", tags=("both", "new")),
        revision=2,
        updated_at=after(5),
        next_run_at=after(60),
    )

    assert await store.write(lambda conn: tasks.update_task(conn, changed, instead_of=task))
    assert not await store.write(lambda conn: tasks.update_task(conn, changed, instead_of=task))

    assert await store.read(lambda conn: tasks.select_task(conn, task.id)) == changed
    for tag, count in (("old", 0), ("both", 1), ("new", 1)):
        assert await store.read(partial(tasks.count_tasks, filter=TaskFilter(tags=(tag,)))) == count


async def test_each_revision_is_remembered_even_after_deletion(store: Store, make: Maker) -> None:
    task = make.task(name="First")
    await insert(store, task)
    second = replace(task, definition=replace(task.definition, name="Second"), revision=2)
    await store.write(lambda conn: tasks.update_task(conn, second, instead_of=task))
    gone = await store.write(lambda conn: deletions.delete_tasks(conn, [task.id], now=NOW))
    assert gone.deleted == {task.id}

    async def definitions(conn: Conn) -> list[TaskDefinition | None]:
        return [await tasks.select_definition(conn, task.id, revision=number) for number in (1, 2, 3)]

    assert await store.read(definitions) == [task.definition, second.definition, second.definition]
    assert await store.read(lambda conn: tasks.select_task(conn, task.id)) is None
    assert await store.read(lambda conn: tasks.count_tasks(conn, TaskFilter(tags=("any",)))) == 0


FILTERS = [
    (TaskFilter(), {"Alpha", "beta", "Gamma_1", "ÄRGER 100%"}),
    (TaskFilter(type=TaskType.HTTP), {"beta"}),
    (TaskFilter(enabled=False), {"Gamma_1"}),
    (TaskFilter(enabled=True, type=TaskType.FUNCTION), {"Alpha", "ÄRGER 100%"}),
    (TaskFilter(tags=("x",)), {"Alpha", "beta"}),
    (TaskFilter(tags=("X",)), set()),
    (TaskFilter(tags=("y", "x")), {"Alpha"}),
    (TaskFilter(tags=("y", "x", "y")), {"Alpha"}),
    (TaskFilter(tags=("y", "x", "z")), set()),
    (TaskFilter(tags=("y", "x"), q="bet"), set()),
    (TaskFilter(tags=("x",), type=TaskType.HTTP, enabled=True, q="BET"), {"beta"}),
    (TaskFilter(q="ärger"), {"ÄRGER 100%"}),
    (TaskFilter(q="0%"), {"ÄRGER 100%"}),
    (TaskFilter(q="_1"), {"Gamma_1"}),
    (TaskFilter(q="%"), {"ÄRGER 100%"}),
    (TaskFilter(q="!"), set()),
    (TaskFilter(q="%" * 200_000), set()),
    (TaskFilter(q="EXAMPLE.org"), {"beta"}),
    (TaskFilter(q="acme.report"), {"Alpha", "Gamma_1", "ÄRGER 100%"}),
    (TaskFilter(q="'; DROP TABLE tasks; --"), set()),
]


async def test_filters_combine(store: Store, make: Maker) -> None:
    await insert(
        store,
        make.task(name="Alpha", tags=("x", "y")),
        make.task(name="beta", tags=("x",), type=TaskType.HTTP, function_name=None, http_url="http://example.org/"),
        make.task(name="Gamma_1", enabled=False),
        make.task(name="ÄRGER 100%"),
    )

    for filter, expected in FILTERS:
        found = await store.read(partial(tasks.select_tasks, filter=filter, limit=10))
        assert {task.definition.name for task in found} == expected, filter
        assert await store.read(partial(tasks.count_tasks, filter=filter)) == len(expected), filter


SORTED = [
    ("name", ["_x", "Alpha", "beta", "Éa"]),
    ("-name", ["Éa", "beta", "Alpha", "_x"]),
    ("createdAt", ["beta", "Alpha", "Éa", "_x"]),
    ("-createdAt", ["_x", "Éa", "Alpha", "beta"]),
    ("updatedAt", ["beta", "Alpha", "Éa", "_x"]),
    ("-updatedAt", ["_x", "Éa", "Alpha", "beta"]),
    ("nextRunAt", ["Alpha", "beta", "Éa", "_x"]),
    ("-nextRunAt", ["beta", "Alpha", "_x", "Éa"]),
]


async def test_orders_are_the_same_on_every_database(store: Store, make: Maker) -> None:
    await insert(
        store,
        make.task(at=after(0), name="beta", next_run_at=after(90)),
        make.task(at=after(1), name="Alpha", next_run_at=after(80)),
        make.task(at=after(2), name="Éa"),
        make.task(at=after(3), name="_x"),
    )
    select = partial(tasks.select_tasks, filter=TaskFilter(), limit=2)

    for sort, expected in SORTED:
        pages = [
            task.definition.name
            for offset in range(0, 4, 2)
            for task in await store.read(partial(select, sort=sort, offset=offset))
        ]
        assert pages == expected, sort
    assert not await store.read(partial(select, offset=10**30))


async def test_due_is_what_is_enabled_and_has_come_the_oldest_first(store: Store, make: Maker) -> None:
    late, now, later = (make.task(next_run_at=after(s)) for s in (-60, 0, 0.001))
    unplanned = make.task()
    disabled = make.task(next_run_at=after(-90), enabled=False)
    await insert(store, later, now, unplanned, late, disabled)

    for lock in (False, True):
        due = await store.write(partial(tasks.select_due_tasks, now=NOW, limit=10, lock=lock))
        assert due == [late, now]
    assert await store.read(lambda conn: tasks.select_due_tasks(conn, NOW, limit=1)) == [late]
    assert await store.read(tasks.select_next_due_at) == late.next_run_at


async def test_nothing_planned_is_none(store: Store, make: Maker) -> None:
    await insert(store, make.task(), make.task(next_run_at=NOW, enabled=False))

    assert await store.read(tasks.select_next_due_at) is None


async def test_an_advance_is_won_only_where_nothing_changed(store: Store, make: Maker) -> None:
    won, moved, edited, broken = (make.task(next_run_at=NOW) for _ in range(4))
    unplanned = make.task()
    await insert(store, won, moved, edited, broken, unplanned)

    def advance(task: Task, **given: object) -> Advance:
        values = {"expected_next_run_at": NOW, "expected_revision": 1, "next_run_at": after(60)} | given
        return Advance(task_id=task.id, **values)  # type: ignore[arg-type]

    advances = [
        advance(won),
        advance(moved, expected_next_run_at=after(1)),
        advance(edited, expected_revision=2),
        advance(broken, next_run_at=None, schedule_error="no such zone"),
        advance(unplanned, expected_next_run_at=None),
    ]
    winners = await store.write(lambda conn: tasks.advance_tasks(conn, advances))

    assert winners == {won.id, broken.id, unplanned.id}
    assert await store.write(lambda conn: tasks.advance_tasks(conn, advances)) == set()
    found = {task.id: task for task in await store.read(lambda conn: tasks.select_tasks(conn, TaskFilter(), limit=9))}
    assert found[won.id] == replace(won, next_run_at=after(60))
    assert found[moved.id] == moved
    assert found[edited.id] == edited
    assert found[broken.id] == replace(broken, next_run_at=None, schedule_error="no such zone")
    assert found[unplanned.id].next_run_at == after(60)


async def test_no_advances_are_no_statement(store: Store) -> None:
    assert await store.write(lambda conn: tasks.advance_tasks(conn, [])) == set()


async def test_instants_keep_their_milliseconds_and_are_utc(store: Store, make: Maker) -> None:
    task = make.task(next_run_at=after(0.123))
    await insert(store, task)

    found = await store.read(lambda conn: tasks.select_task(conn, task.id))

    assert found is not None
    assert found.next_run_at is not None
    assert found.next_run_at.isoformat() == "2026-03-01T12:00:00.123000+00:00"


async def test_a_definition_that_is_kept_in_memory_is_that_of_the_row(store: Store, make: Maker) -> None:
    task = make.task(name="kept", function_payload={"size": 1})
    await store.write(lambda conn: tasks.insert_task(conn, task))
    first, again = [await store.read(lambda conn: tasks.select_task(conn, task.id)) for _ in range(2)]
    changed = replace(task, definition=replace(task.definition, name="changed"), revision=2)

    assert await store.write(lambda conn: tasks.update_task(conn, changed, instead_of=task))

    seen = await store.read(lambda conn: tasks.select_task(conn, task.id))
    assert first == again == task
    assert seen is not None
    assert seen.definition == changed.definition
