from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cronplug.engine.recorder import Recorder
from cronplug.errors import StoreError
from cronplug.model import Execution, LogLine, Overlap, Reason, Status
from cronplug.store import Conn, Store, executions
from tests.engine.conftest import START, World


async def claimed(world: World, count: int) -> list[Execution]:
    """Executions of one task that run."""
    task = await world.create(cron_expression=None, overlap=Overlap.ALLOW)
    for _ in range(count):
        await world.operations.trigger_task(task.id)
    return await world.steps.runner.claim_free()


def finish_of(execution: Execution, **given: Any) -> executions.Finish:
    values: dict[str, Any] = {
        "execution_id": execution.id,
        "attempt": execution.attempt,
        "lease_owner": execution.lease_owner,
        "status": Status.SUCCESS,
        "reason": Reason.COMPLETED,
        "finished_at": START + timedelta(seconds=1),
    }
    return executions.Finish(**(values | given))


class Gate:
    """Holds back what is written until it is opened; counts the transactions."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = asyncio.Event()
        self.written = 0
        self._write = store.write
        monkeypatch.setattr(store, "write", self.write)

    async def write(self, unit: Callable[[Conn], Any]) -> Any:
        self.written += 1
        await self.opened.wait()
        return await self._write(unit)


async def settled() -> None:
    """Let everybody go as far as it goes without the database."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_ends_while_a_group_is_written_shares_the_next_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, recorder = await claimed(world, 5), Recorder(world.store)
    gate = Gate(world.store, monkeypatch)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        ends = [group.create_task(recorder.record(finish_of(it), ())) for it in running]
        await settled()
        assert (gate.written, recorder.being_written) == (1, 1)
        gate.opened.set()
    assert ([end.result() for end in ends], gate.written, recorder.being_written) == ([True] * 5, 2, 0)
    assert {it.status for it in await world.executions()} == {Status.SUCCESS}


async def test_an_attempt_that_is_cancelled_while_it_writes_leaves_its_turn_to_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, recorder = await claimed(world, 3), Recorder(world.store)
    gate = Gate(world.store, monkeypatch)
    ends = [asyncio.create_task(recorder.record(finish_of(it), ())) for it in running]
    await settled()
    ends[0].cancel()
    ends[1].cancel()
    gate.opened.set()
    async with asyncio.timeout(10):
        assert await ends[2]
        await asyncio.wait(ends)
    assert {it.status for it in await world.executions()} == {Status.SUCCESS}


async def test_an_end_that_the_database_refuses_keeps_no_other_from_being_written(world: World) -> None:
    running, recorder = await claimed(world, 4), Recorder(world.store)
    line = LogLine(1, START, "stdout", None, 1, "text")
    bad = finish_of(running[1], result={"too": float("nan")}, result_summary="too much", log_lines=1)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for execution in running:
            finish, lines = (bad, [line]) if execution is running[1] else (finish_of(execution), [])
            group.create_task(recorder.record(finish, lines))
    kept = {it.id: it for it in await world.executions()}
    assert {it.status for it in kept.values()} == {Status.SUCCESS}
    assert [it.id for it in kept.values() if it.error_message] == [running[1].id]
    assert (kept[running[1].id].result, kept[running[1].id].result_summary) == (None, None)
    assert (kept[running[1].id].log_lines, kept[running[1].id].log_truncated) == (0, True)


async def test_an_end_that_is_refused_in_any_form_is_given_up_loudly(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    [good, bad] = await claimed(world, 2)
    recorder = Recorder(world.store)
    never: Any = {"status": None}
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        lost = group.create_task(recorder.record(finish_of(bad, **never), ()))
        kept = group.create_task(recorder.record(finish_of(good), ()))
    assert (kept.result(), lost.result()) == (True, False)
    assert f"the end of execution {bad.id} is given up" in caplog.text


async def test_while_the_database_is_away_an_end_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    [running] = await claimed(world, 1)
    recorder, write, answers = Recorder(world.store), world.store.write, [False, True]

    async def unsteady(unit: Callable[[Conn], Any]) -> Any:
        if not answers.pop(0):
            raise StoreError("away")
        return await write(unit)

    monkeypatch.setattr(world.store, "write", unsteady)
    monkeypatch.setattr("cronplug.engine.recorder._RETRY_SECONDS", 0)
    async with asyncio.timeout(10):
        assert await recorder.record(finish_of(running), ())
    assert answers == []


async def test_as_many_are_claimed_as_ends_are_written(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(2)
    await world.engine.start()
    task = await world.create(cron_expression=None, overlap=Overlap.ALLOW)
    for _ in range(4):
        await world.operations.trigger_task(task.id)
    runner = world.steps.runner
    first = await runner.claim_free()
    assert (len(first), await runner.claim_free()) == (2, [])
    gate = Gate(world.store, monkeypatch)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        ending = group.create_task(runner.run_attempt(first[0]))
        while not gate.written:
            await settled()
        claiming = group.create_task(runner.claim_free())
        await settled()
        assert gate.written == 2
        gate.opened.set()
    assert ending.done()
    assert [it.id for it in claiming.result()] == [it.id for it in await world.executions()][2:3]
    assert sorted(it.status for it in await world.executions()) == ["queued", "running", "running", "success"]
