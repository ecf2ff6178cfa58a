"""The end of an attempt: checked against lease and attempt, and either the end or one try more."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from cronplug.model import Attempt, Execution, Reason, Status
from cronplug.store import Store, executions
from cronplug.store.executions import Finish
from tests.store.making import NODE, NOW, Maker, after
from tests.store.test_executions import claim, insert, select


def finish(execution: Execution, **given: Any) -> Finish:
    values: dict[str, Any] = {
        "execution_id": execution.id,
        "attempt": execution.attempt,
        "lease_owner": NODE,
        "status": Status.SUCCESS,
        "reason": Reason.COMPLETED,
        "finished_at": after(2),
    }
    return Finish(**(values | given))


async def end(store: Store, *finishes: Finish) -> set[str]:
    return await store.write(lambda conn: executions.finish_executions(conn, finishes))


async def attempts(store: Store, execution: Execution) -> list[Attempt]:
    return await store.read(lambda conn: executions.select_attempts(conn, execution.id))


async def running(store: Store, make: Maker, count: int = 1, **given: Any) -> list[Execution]:
    await insert(store, *(make.execution(**given) for _ in range(count)))
    return await claim(store, limit=count)


async def test_an_ended_execution_tells_all(store: Store, make: Maker) -> None:
    (execution,) = await running(store, make)
    done = finish(
        execution,
        result={"rows": [1, None]},
        result_summary="1 row",
        worker="w1",
        log_lines=4,
        log_truncated=True,
        progress=1.0,
        progress_note="done",
        cut_offs=0,
    )

    assert await end(store, done) == {execution.id}

    assert await select(store, execution) == replace(
        execution,
        status=Status.SUCCESS,
        reason=Reason.COMPLETED,
        finished_at=after(2),
        result={"rows": [1, None]},
        result_summary="1 row",
        worker="w1",
        log_lines=4,
        log_truncated=True,
        progress=1.0,
        progress_note="done",
        lease_owner=None,
        lease_until=None,
    )
    assert await attempts(store, execution) == []


async def test_only_the_holder_of_the_present_attempt_ends_it(store: Store, make: Maker) -> None:
    (execution,) = await running(store, make)

    for wrong in (
        {"attempt": 2}, {"attempt": 0}, {"lease_owner": "node-b"}, {"lease_owner": ""}, {"cut_offs": 1},
        {"execution_id": make.id()},
    ):  # fmt: skip
        assert await end(store, finish(execution, **wrong)) == set()
    assert await select(store, execution) == execution
    assert await end(store, finish(execution)) == {execution.id}
    assert await end(store, finish(execution, status=Status.FAILED)) == set()
    assert (await select(store, execution)).status is Status.SUCCESS


async def test_many_end_in_one_statement_each_by_itself(store: Store, make: Maker) -> None:
    good, failed, back, stolen = await running(store, make, 4)

    won = await end(
        store,
        finish(good, result_summary="a"),
        finish(failed, status=Status.FAILED, reason=Reason.ERROR, error_message="boom"),
        finish(back, status=Status.QUEUED, reason=Reason.ERROR, available_at=after(60)),
        finish(stolen, lease_owner="node-b"),
    )

    assert won == {good.id, failed.id, back.id}
    states = [(await select(store, it)).status for it in (good, failed, back, stolen)]
    assert states == [Status.SUCCESS, Status.FAILED, Status.QUEUED, Status.RUNNING]


async def test_no_ends_are_no_statement(store: Store) -> None:
    assert await end(store) == set()


async def test_an_execution_ends_one_attempt_at_a_time(store: Store, make: Maker) -> None:
    (execution,) = await running(store, make)

    with pytest.raises(ValueError, match="one attempt"):
        await end(store, finish(execution), finish(execution))


async def test_a_failed_attempt_is_kept_and_the_next_one_waits(store: Store, make: Maker) -> None:
    (execution,) = await running(store, make)
    failed = finish(
        execution,
        status=Status.QUEUED,
        reason=Reason.TIMEOUT,
        error_message="30 s were over",
        worker="w1",
        available_at=after(60),
        log_lines=3,
        result_summary="not kept",
        result=1,
    )

    await end(store, failed)

    assert await attempts(store, execution) == [
        Attempt(
            execution_id=execution.id,
            number=1,
            started_at=NOW,
            finished_at=after(2),
            status=Status.TIMED_OUT,
            reason=Reason.TIMEOUT,
            error_message="30 s were over",
            worker="w1",
            counted=True,
        )
    ]
    waiting = await select(store, execution)
    assert (waiting.status, waiting.reason, waiting.attempt, waiting.cut_offs) == (
        Status.QUEUED, Reason.RETRYING, 1, 0,
    )  # fmt: skip
    assert (waiting.available_at, waiting.finished_at, waiting.log_lines) == (after(60), None, 3)
    assert (waiting.lease_owner, waiting.lease_until, waiting.result, waiting.result_summary) == (None,) * 4
    assert await claim(store, at=59) == []
    assert [it.attempt for it in await claim(store, at=60)] == [2]


async def test_a_cut_off_attempt_gives_its_number_back(store: Store, make: Maker) -> None:
    (execution,) = await running(store, make)
    starts = [execution]
    for start in range(1, 4):
        cut = finish(starts[-1], status=Status.QUEUED, reason=Reason.SHUTDOWN, counted=False, available_at=after(start))
        assert await end(store, cut) == {execution.id}
        waiting = await select(store, execution)
        assert (waiting.attempt, waiting.cut_offs, waiting.reason) == (0, start, Reason.SHUTDOWN)
        starts += await claim(store, at=start)

    assert [(it.attempt, it.cut_offs) for it in starts] == [(1, 0), (1, 1), (1, 2), (1, 3)]
    assert [(it.number, it.counted, it.status) for it in await attempts(store, execution)] == [
        (1, False, Status.LOST)
    ] * 3


async def test_attempts_come_in_the_order_of_their_starts(store: Store, make: Maker) -> None:
    (execution,) = await running(store, make)
    for start, counted in enumerate((True, False, False, True, False)):
        back = finish(
            execution,
            status=Status.QUEUED,
            reason=Reason.ERROR if counted else Reason.CUT_OFF,
            counted=counted,
            finished_at=after(start + 0.5),
            available_at=after(start + 1),
        )
        await end(store, back)
        (execution,) = await claim(store, at=start + 1)

    found = await attempts(store, execution)

    assert [(it.number, it.counted) for it in found] == [(1, True), (2, False), (2, False), (2, True), (3, False)]
    assert [it.started_at for it in found] == [after(n) for n in range(5)]
    assert (execution.attempt, execution.cut_offs) == (3, 3)


async def test_the_same_attempt_after_a_cut_off_is_another_start(store: Store, make: Maker) -> None:
    (first,) = await running(store, make)
    await end(store, finish(first, status=Status.QUEUED, reason=Reason.CUT_OFF, counted=False))
    (second,) = await claim(store)
    assert (second.attempt, second.lease_owner) == (first.attempt, first.lease_owner)

    assert await end(store, finish(first, cut_offs=first.cut_offs)) == set()
    assert await end(store, finish(second, cut_offs=second.cut_offs)) == {first.id}


@pytest.mark.parametrize("counted", [True, False])
async def test_what_was_asked_to_cancel_never_goes_back(store: Store, make: Maker, counted: bool) -> None:
    (execution,) = await running(store, make)
    await store.write(lambda conn: executions.request_cancel(conn, execution.id, now=after(1)))

    await end(store, finish(execution, status=Status.QUEUED, reason=Reason.ERROR, counted=counted))

    ended = await select(store, execution)
    assert (ended.status, ended.reason, ended.finished_at) == (Status.CANCELLED, Reason.CANCELLED_BY_REQUEST, after(2))
    assert (ended.attempt, ended.cut_offs) == (1, 0)
    assert await attempts(store, execution) == []


async def test_an_explicit_attempt_status_wins(store: Store, make: Maker) -> None:
    (execution,) = await running(store, make)

    await end(store, finish(execution, status=Status.QUEUED, reason=Reason.ERROR, attempt_status=Status.TIMED_OUT))

    assert [it.status for it in await attempts(store, execution)] == [Status.TIMED_OUT]


async def test_a_live_lease_is_not_settled(store: Store, make: Maker) -> None:
    (execution,) = await running(store, make)
    lost = finish(execution, status=Status.LOST, reason=Reason.CUT_OFF, finished_at=after(29.999))

    assert await store.write(lambda conn: executions.settle_cut_off(conn, [lost])) == set()

    lost = replace(lost, finished_at=after(30))
    assert await store.write(lambda conn: executions.settle_cut_off(conn, [lost])) == {execution.id}
    assert (await select(store, execution)).status is Status.LOST
    assert await end(store, finish(execution)) == set()


async def test_of_many_who_settle_or_finish_at_once_one_wins(store: Store, make: Maker) -> None:
    (execution,) = await running(store, make)
    back = finish(execution, status=Status.QUEUED, reason=Reason.CUT_OFF, counted=False, finished_at=after(31))
    done = finish(execution, finished_at=after(31))

    won = await asyncio.gather(
        *(store.write(lambda conn: executions.settle_cut_off(conn, [back])) for _ in range(5)),
        *(store.write(lambda conn: executions.finish_executions(conn, [done])) for _ in range(5)),
    )

    assert sum(map(len, won)) == 1
    ended = await select(store, execution)
    tried = await attempts(store, execution)
    assert (ended.status, len(tried)) in ((Status.SUCCESS, 0), (Status.QUEUED, 1))


async def test_results_of_any_size_are_kept(store: Store, make: Maker) -> None:
    (execution,) = await running(store, make)
    big = {"text": "é\x00\"'\\u0000" * 40_000}

    await end(store, finish(execution, result=big, result_summary="\x00"))

    ended = await select(store, execution)
    assert ended.result == big
    assert ended.result_summary == "\ufffd"
