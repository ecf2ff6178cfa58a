"""Executions: one per fire time, claimed once, listed newest first."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from cronplug.model import HELD, Execution, Reason, Status, TaskType, Trigger
from cronplug.store import Store, UniqueViolation, executions
from cronplug.store.executions import ExecutionFilter, RunningUpdate
from tests.store.making import NODE, NOW, Maker, after

EVERYTHING = ExecutionFilter()


async def insert(store: Store, *new: Execution) -> set[str]:
    return await store.write(lambda conn: executions.insert_executions(conn, new))


async def claim(store: Store, *, node_id: str = NODE, at: float = 0, limit: int = 10) -> list[Execution]:
    return await store.write(
        lambda conn: executions.claim_executions(
            conn, node_id=node_id, now=after(at), lease_until=after(at + 30), limit=limit
        )
    )


async def select(store: Store, execution: Execution) -> Execution:
    found = await store.read(lambda conn: executions.select_execution(conn, execution.id))
    assert found is not None
    return found


async def test_an_execution_comes_back_as_it_was_stored(store: Store, make: Maker) -> None:
    task = make.task()
    execution = make.execution(
        trigger=Trigger.CATCH_UP,
        status=Status.TIMED_OUT,
        task_id=task.id,
        task_name="Bericht ✓",
        task_revision=7,
        type=TaskType.HTTP,
        function_name="acme.report",
        payload={"a": [1, {"b": None}]},
        timeout_seconds=30,
        reason=Reason.TIMEOUT,
        attempt=2,
        cut_offs=1,
        retry_of=make.id(),
        cancel_requested=True,
        lease_owner=NODE,
        lease_until=after(30),
        worker="w1",
        started_at=after(1),
        attempt_started_at=after(2),
        finished_at=after(3.5),
        error_message="it took too long",
        result=[1, "two", 2**70],
        result_summary="two",
        progress=0.25,
        progress_note="a quarter",
        log_lines=12,
        log_truncated=True,
        missed_count=3,
        missed_until=after(9),
    )
    plain = make.execution()

    assert await insert(store, execution, plain) == {execution.id, plain.id}

    assert await select(store, execution) == execution
    assert await select(store, plain) == plain


async def test_nothing_to_insert_is_nothing(store: Store) -> None:
    assert await insert(store) == set()


async def test_what_no_database_can_keep_is_replaced(store: Store, make: Maker) -> None:
    execution = make.execution(
        status=Status.FAILED, error_message="a\x00b\ud800", result={"k\x00": "\x00\ud800"}, task_name="\\u0000"
    )
    await insert(store, execution)

    found = await select(store, execution)

    assert found.error_message == "a\ufffdb\ufffd"
    assert found.result == {"k\x00": "\x00\ud800"}
    assert found.task_name == "\\u0000"


async def test_an_id_that_is_none_is_never_stored(store: Store, make: Maker) -> None:
    with pytest.raises(ValueError, match="not an identifier"):
        await insert(store, make.execution(id="nonsense"))


async def test_an_id_is_taken_once(store: Store, make: Maker) -> None:
    execution = make.execution()
    await insert(store, execution)

    with pytest.raises(UniqueViolation):
        await insert(store, execution)


async def test_a_fire_time_yields_one_execution_whatever_its_trigger(store: Store, make: Maker) -> None:
    task, other = make.task(), make.task()
    first = make.execution(trigger=Trigger.SCHEDULE, task_id=task.id)
    again = make.execution(trigger=Trigger.SCHEDULE, task_id=task.id)
    caught_up = make.execution(trigger=Trigger.CATCH_UP, task_id=task.id)
    by_hand = [make.execution(trigger=Trigger.MANUAL, task_id=task.id) for _ in range(2)]
    other_task = make.execution(trigger=Trigger.SCHEDULE, task_id=other.id)
    later = make.execution(trigger=Trigger.CATCH_UP, task_id=task.id, scheduled_for=after(0.001))

    assert await insert(store, first, again, caught_up, *by_hand, other_task, later) == {
        first.id, *(it.id for it in by_hand), other_task.id, later.id,
    }  # fmt: skip
    assert await insert(store, caught_up) == set()


async def test_of_many_who_fire_at_once_one_wins(store: Store, make: Maker) -> None:
    task = make.task()
    rivals = [make.execution(trigger=Trigger.SCHEDULE, task_id=task.id) for _ in range(12)]

    won = await asyncio.gather(*(insert(store, rival) for rival in rivals))

    assert sum(map(len, won)) == 1
    assert await store.read(lambda conn: executions.count_executions(conn, EVERYTHING)) == 1


async def test_a_list_is_newest_first_and_a_cursor_goes_on(store: Store, make: Maker) -> None:
    made = [make.execution(at=after(n)) for n in range(7)]
    await insert(store, *reversed(made))
    newest_first = made[::-1]

    async def page(before_id: str | None = None, offset: int = 0) -> list[Execution]:
        return await store.read(
            lambda conn: executions.select_executions(conn, EVERYTHING, limit=3, before_id=before_id, offset=offset)
        )

    first = await page()
    second = await page(before_id=first[-1].id)
    assert first + second + await page(before_id=second[-1].id) == newest_first
    assert await page(offset=3) == second
    assert await page(before_id=made[0].id) == []
    assert await page(before_id="nonsense") == []
    assert await page(offset=10**30) == []


FILTERS = [
    (ExecutionFilter(), [4, 3, 2, 1, 0]),
    (ExecutionFilter(statuses=frozenset({Status.FAILED})), [2, 1]),
    (ExecutionFilter(statuses=frozenset({Status.FAILED, Status.SUCCESS})), [3, 2, 1]),
    (ExecutionFilter(statuses=frozenset()), []),
    (ExecutionFilter(function_name="acme.report"), [3, 1]),
    (ExecutionFilter(function_name="acme.report", statuses=frozenset({Status.SUCCESS})), [3]),
    (ExecutionFilter(function_name="acme.report", statuses=frozenset({Status.SUCCESS, Status.FAILED})), [3, 1]),
    (ExecutionFilter(function_name="acme.report", statuses=frozenset(Status)), [3, 1]),
    (ExecutionFilter(function_name="acme.report", statuses=frozenset({Status.QUEUED, Status.FAILED})), [1]),
    (ExecutionFilter(trigger=Trigger.API), [4]),
    (ExecutionFilter(queued_from=after(1)), [4, 3, 2, 1]),
    (ExecutionFilter(queued_until=after(3)), [2, 1, 0]),
    (ExecutionFilter(queued_from=after(1), queued_until=after(3), statuses=frozenset({Status.FAILED})), [2, 1]),
    (ExecutionFilter(task_id="nonsense"), []),
    (ExecutionFilter(queued_from=datetime.max.replace(tzinfo=UTC)), []),
    (ExecutionFilter(queued_from=datetime.min.replace(tzinfo=UTC)), [4, 3, 2, 1, 0]),
    (ExecutionFilter(queued_until=datetime.max.replace(tzinfo=UTC)), [4, 3, 2, 1, 0]),
    (ExecutionFilter(queued_until=datetime.min.replace(tzinfo=UTC)), []),
]


async def test_filters_combine(store: Store, make: Maker) -> None:
    made = [
        make.execution(at=after(0)),
        make.execution(at=after(1), status=Status.FAILED, function_name="acme.report"),
        make.execution(at=after(2), status=Status.FAILED),
        make.execution(at=after(3), status=Status.SUCCESS, function_name="acme.report"),
        make.execution(at=after(4), trigger=Trigger.API),
    ]
    await insert(store, *made)

    for filter, expected in FILTERS:
        found = await store.read(partial(executions.select_executions, filter=filter, limit=10))
        assert [made.index(it) for it in found] == expected, filter
        assert await store.read(partial(executions.count_executions, filter=filter)) == len(expected), filter


async def test_executions_of_a_task_are_found_with_every_other_condition(store: Store, make: Maker) -> None:
    task, other = make.task(), make.task()
    mine = make.execution(task_id=task.id, status=Status.SUCCESS)
    await insert(store, mine, make.execution(task_id=other.id, status=Status.SUCCESS), make.execution(task_id=task.id))
    filter = ExecutionFilter(
        task_id=task.id,
        statuses=frozenset({Status.SUCCESS}),
        trigger=Trigger.MANUAL,
        queued_from=NOW,
        queued_until=after(1),
    )

    assert await store.read(lambda conn: executions.select_executions(conn, filter, limit=10)) == [mine]


async def test_a_count_stops_at_its_cap(store: Store, make: Maker) -> None:
    await insert(store, *(make.execution() for _ in range(5)))

    assert await store.read(lambda conn: executions.count_executions(conn, EVERYTHING, cap=4)) == 4
    assert await store.read(lambda conn: executions.count_executions(conn, EVERYTHING, cap=6)) == 5


async def test_recent_are_the_newest_of_each_task(store: Store, make: Maker) -> None:
    many, few, none = make.task(), make.task(), make.task()
    of_many = [make.execution(task_id=many.id) for _ in range(5)]
    of_few = [make.execution(task_id=few.id)]
    await insert(store, *of_many, *of_few, make.execution())

    ids = [few.id, none.id, many.id]
    recent = await store.read(lambda conn: executions.select_recent_by_task(conn, ids, per_task=3))

    assert recent == {many.id: of_many[:1:-1], few.id: of_few, none.id: []}
    assert await store.read(lambda conn: executions.select_recent_by_task(conn, [], per_task=3)) == {}


async def test_recent_without_results_leaves_out_what_may_be_large(store: Store, make: Maker) -> None:
    task = make.task()
    execution = make.execution(task_id=task.id, payload={"a": 1}, result=[1], result_summary="one")
    await insert(store, execution)

    recent = await store.read(
        lambda conn: executions.select_recent_by_task(conn, [task.id], per_task=3, with_results=False)
    )

    assert recent == {task.id: [replace(execution, payload=None, result=None)]}


async def test_unfinished_and_running_are_told_by_task(store: Store, make: Maker) -> None:
    queued, running, ended = make.task(), make.task(), make.task()
    waits = make.execution(task_id=queued.id)
    runs = make.execution(task_id=running.id, status=Status.RUNNING)
    await insert(
        store,
        waits,
        make.execution(task_id=queued.id, available_at=HELD),
        runs,
        make.execution(task_id=ended.id, status=Status.SUCCESS),
        make.execution(),
    )
    ids = [queued.id, running.id, ended.id]

    unfinished = await store.read(lambda conn: executions.select_unfinished(conn, ids))
    assert {task_id: it.is_running for task_id, it in unfinished.items()} == {queued.id: False, running.id: True}
    assert unfinished[running.id].execution_id == runs.id
    assert (unfinished[queued.id].since, unfinished[queued.id].held) == (waits.queued_at, 1)
    assert await store.write(lambda conn: executions.lock_running_of_task(conn, running.id)) == [runs.id]
    assert await store.write(lambda conn: executions.lock_running_of_task(conn, queued.id)) == []


async def test_a_claim_takes_what_waited_longest_and_begins_an_attempt(store: Store, make: Maker) -> None:
    last, first = make.execution(available_at=after(-1)), make.execution(available_at=after(-9), attempt=1, cut_offs=1)
    too_early, ended = make.execution(available_at=after(0.001)), make.execution(status=Status.SUCCESS)
    await insert(store, last, first, too_early, ended)

    claimed = await claim(store)

    assert [it.id for it in claimed] == [first.id, last.id]
    assert claimed[0] == await select(store, first)
    assert claimed[0] == replace(
        first,
        status=Status.RUNNING,
        attempt=2,
        lease_owner=NODE,
        lease_until=after(30),
        started_at=NOW,
        attempt_started_at=NOW,
    )
    assert await claim(store) == []


async def test_a_claim_takes_no_more_than_its_limit(store: Store, make: Maker) -> None:
    await insert(store, *(make.execution() for _ in range(7)))

    assert [len(await claim(store, limit=3)) for _ in range(4)] == [3, 3, 1, 0]


async def test_what_many_nodes_claim_at_once_is_claimed_once(store: Store, make: Maker) -> None:
    made = [make.execution() for _ in range(60)]
    await insert(store, *made)

    rounds = await asyncio.gather(*(claim(store, node_id=f"node-{n % 3}", limit=5) for n in range(24)))
    rest = await claim(store, limit=100)

    claimed = [it.id for claimed in [*rounds, rest] for it in claimed]
    assert sorted(claimed) == sorted(it.id for it in made)
    assert all(len(some) <= 5 for some in rounds)


async def test_a_later_attempt_keeps_the_first_start_and_forgets_the_last_error(store: Store, make: Maker) -> None:
    tried = make.execution(
        attempt=1, started_at=after(-60), reason=Reason.RETRYING, error_message="boom", worker="w", progress=0.5
    )
    await insert(store, tried)

    (claimed,) = await claim(store)

    assert (claimed.started_at, claimed.attempt_started_at, claimed.attempt) == (after(-60), NOW, 2)
    assert (claimed.reason, claimed.error_message, claimed.worker, claimed.progress) == (None, None, None, None)


async def test_the_next_start_is_the_earliest_queued_one(store: Store, make: Maker) -> None:
    assert await store.read(executions.select_next_available_at) is None
    await insert(
        store,
        make.execution(available_at=after(9)),
        make.execution(available_at=after(5)),
        make.execution(available_at=after(1), status=Status.RUNNING),
    )

    assert await store.read(executions.select_next_available_at) == after(5)


async def test_a_node_renews_what_it_names_and_still_holds(store: Store, make: Maker) -> None:
    mine, unknown_to_me, others, ended = (
        make.execution(status=Status.RUNNING, lease_owner=NODE, lease_until=after(30)),
        make.execution(status=Status.RUNNING, lease_owner=NODE, lease_until=after(30)),
        make.execution(status=Status.RUNNING, lease_owner="node-b", lease_until=after(30)),
        make.execution(status=Status.SUCCESS, lease_owner=NODE),
    )
    await insert(store, mine, unknown_to_me, others, ended)
    await store.write(lambda conn: executions.request_cancel(conn, mine.id, now=NOW))
    named = [mine.id, others.id, ended.id, "nonsense"]

    held = await store.write(lambda conn: executions.renew_leases(conn, named, node_id=NODE, lease_until=after(60)))

    assert held == [(mine.id, True)]
    assert (await select(store, mine)).lease_until == after(60)
    for other in (unknown_to_me, others):
        assert (await select(store, other)).lease_until == after(30)
    assert await store.write(lambda conn: executions.renew_leases(conn, [], node_id=NODE, lease_until=NOW)) == []


async def test_leases_of_others_expire_at_a_start(store: Store, make: Maker) -> None:
    mine, others = (
        make.execution(status=Status.RUNNING, lease_owner=owner, lease_until=after(30)) for owner in (NODE, "node-b")
    )
    await insert(store, mine, others)

    await store.write(lambda conn: executions.expire_leases_of_others(conn, NODE, now=NOW))

    expired = await store.read(lambda conn: executions.select_expired(conn, NOW, limit=10))
    assert expired == [replace(others, lease_until=NOW)]


async def test_expired_are_running_ones_past_their_lease(store: Store, make: Maker) -> None:
    second, first = (make.execution(status=Status.RUNNING, lease_owner=NODE, lease_until=after(s)) for s in (0, -5))
    held = make.execution(status=Status.RUNNING, lease_owner=NODE, lease_until=after(0.001))
    ended = make.execution(status=Status.LOST, lease_until=after(-9))
    await insert(store, second, first, held, ended)

    assert await store.read(lambda conn: executions.select_expired(conn, NOW, limit=10)) == [first, second]
    assert await store.read(lambda conn: executions.select_expired(conn, NOW, limit=1)) == [first]


async def test_a_queued_execution_is_cancelled_at_once(store: Store, make: Maker) -> None:
    queued = make.execution(error_message="boom")
    await insert(store, queued)

    after_it = await store.write(lambda conn: executions.request_cancel(conn, queued.id, now=after(1)))

    assert after_it == replace(
        queued,
        status=Status.CANCELLED,
        reason=Reason.CANCELLED_BY_REQUEST,
        cancel_requested=True,
        finished_at=after(1),
        error_message=None,
    )
    assert await claim(store) == []


async def test_a_running_execution_is_asked_to_stop(store: Store, make: Maker) -> None:
    await insert(store, make.execution())
    (running,) = await claim(store)

    after_it = await store.write(lambda conn: executions.request_cancel(conn, running.id, now=after(1)))

    assert after_it == replace(running, cancel_requested=True)


async def test_what_has_ended_or_is_unknown_cannot_be_cancelled(store: Store, make: Maker) -> None:
    ended = make.execution(status=Status.SUCCESS)
    await insert(store, ended)

    for unknown in (ended.id, "nonsense"):
        assert await store.write(partial(executions.request_cancel, execution_id=unknown, now=NOW)) is None
    assert await select(store, ended) == ended


async def test_the_queue_of_a_deleted_task_is_cancelled(store: Store, make: Maker) -> None:
    task = make.task()
    queued = [make.execution(task_id=task.id) for _ in range(2)]
    running = make.execution(task_id=task.id, status=Status.RUNNING)
    await insert(store, *queued, running, make.execution())

    ids = await store.write(
        lambda conn: executions.cancel_queued_of_task(
            conn, task.id, reason=Reason.TASK_DELETED, message="The task was deleted.", now=after(1)
        )
    )

    assert ids == [it.id for it in queued]
    gone = await select(store, queued[0])
    assert (gone.status, gone.reason, gone.error_message, gone.finished_at) == (
        Status.CANCELLED, Reason.TASK_DELETED, "The task was deleted.", after(1),
    )  # fmt: skip
    assert (await select(store, running)).status is Status.RUNNING


async def test_what_a_running_attempt_tells_is_kept_only_from_its_holder(store: Store, make: Maker) -> None:
    await insert(store, *(make.execution() for _ in range(3)))
    mine, silent, stale = await claim(store)

    def update(execution: Execution, **given: object) -> RunningUpdate:
        values = {"attempt": 1, "lease_owner": NODE, "log_lines": 5, "log_truncated": True} | given
        return RunningUpdate(execution_id=execution.id, **values)  # type: ignore[arg-type]

    first = [update(mine, progress=0.5, progress_note="half"), update(silent, progress=0.25)]
    await store.write(lambda conn: executions.update_running(conn, first))
    second = [update(mine, log_lines=9), update(stale, lease_owner="node-b"), update(silent, attempt=2)]
    held = await store.write(lambda conn: executions.update_running(conn, second))

    assert held == {mine.id}
    now = await select(store, mine)
    assert (now.progress, now.progress_note, now.log_lines, now.log_truncated) == (0.5, "half", 9, True)
    assert await select(store, stale) == stale
    assert (await select(store, silent)).log_lines == 5
