"""Claiming, running, retrying, cancelling and recovering, step by step on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from cronplug.clock import SettableClock, SteeredClock
from cronplug.engine.nodes import LEASE, Node
from cronplug.executors.base import AttemptSpec, Outcome, Output, Stop
from cronplug.model import Delivery, Execution, Overlap, Reason, Status, Trigger
from cronplug.store import Store, logs, nodes
from tests.engine.conftest import START, World, fail


async def start_one(world: World) -> Execution:
    [execution] = await world.steps.runner.claim_free()
    return execution


async def test_an_execution_runs_and_is_recorded(world: World) -> None:
    task = await world.create(function_payload={"days": 3}, timeout_seconds=77)
    world.at("12:01:00")
    await world.plan()
    [ended] = await world.run_all()
    assert (ended.status, ended.reason, ended.attempt) == (Status.SUCCESS, Reason.COMPLETED, 1)
    assert (ended.result_summary, ended.worker) == ("done", "w1")
    [spec] = world.functions.seen
    assert (spec.payload, spec.timeout_seconds) == ({"days": 3}, 77)
    assert (spec.task_id, spec.idempotency_key) == (task.id, ended.id)


async def test_no_more_run_at_once_than_there_are_slots(make_world: Callable[..., World]) -> None:
    world = make_world(slots=2)
    await world.engine.start()
    task = await world.create(cron_expression=None, overlap=Overlap.ALLOW)
    for _ in range(3):
        await world.operations.trigger_task(task.id)
    assert len(await world.steps.runner.claim_free()) == 2
    assert await world.steps.runner.claim_free() == []
    stats = (await world.operations.stats()).stats
    assert (stats.active_executions, stats.queued_executions) == (2, 1)


async def test_two_nodes_never_claim_the_same(make_world: Callable[..., World]) -> None:
    one, other = make_world(), make_world()
    task = await one.create(cron_expression=None, overlap=Overlap.ALLOW)
    for _ in range(8):
        await one.operations.trigger_task(task.id)
    first, second = await asyncio.gather(one.steps.runner.claim_free(), other.steps.runner.claim_free())
    ids = [e.id for e in (*first, *second)]
    assert len(ids) == len(set(ids)) == 8


async def test_a_failure_is_tried_again_after_its_delay_and_each_attempt_is_kept(world: World) -> None:
    task = await world.create(max_retries=1, retry_delay_seconds=30, cron_expression=None)
    queued = await world.operations.trigger_task(task.id)
    assert isinstance(queued, Execution)
    world.functions.body = fail
    [waiting] = await world.run_all()
    assert (waiting.status, waiting.reason, waiting.attempt) == (Status.QUEUED, Reason.RETRYING, 1)
    assert waiting.available_at == world.clock.now() + timedelta(seconds=30)
    assert await world.steps.runner.claim_free() == []

    world.clock.advance(30)
    [ended] = await world.run_all()
    assert (ended.status, ended.attempt, ended.error_message) == (Status.FAILED, 2, "ValueError: no")
    view = await world.operations.get_execution(queued.id)
    assert [(a.number, a.status, a.counted) for a in view.attempts] == [(1, Status.FAILED, True)]
    assert world.functions.seen[0].idempotency_key == world.functions.seen[1].idempotency_key


async def test_a_permanent_error_is_not_tried_again(world: World) -> None:
    async def permanent(spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        return Outcome(verdict="failed", reason=Reason.PERMANENT_ERROR, error_message="no", permanent=True)

    task = await world.create(max_retries=5, cron_expression=None)
    await world.operations.trigger_task(task.id)
    world.functions.body = permanent
    [ended] = await world.run_all()
    assert (ended.status, ended.reason) == (Status.FAILED, Reason.PERMANENT_ERROR)


async def test_a_function_that_is_not_installed_ends_its_execution_with_that_reason(world: World) -> None:
    task = await world.create(cron_expression=None)
    await world.operations.trigger_task(task.id)
    [claimed] = await world.steps.runner.claim_free()
    await world.steps.runner.run_attempt(replace(claimed, function_name="gone.function"))
    [ended] = await world.executions()
    assert (ended.status, ended.reason) == (Status.FAILED, Reason.UNKNOWN_FUNCTION)


async def test_the_log_is_whole_and_in_order_over_attempts(world: World) -> None:
    async def noisy(spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        output.line("stdout", f"begin {spec.attempt}")
        await world.steps.outputs.flush_once()
        output.line("stderr", "end\x00")
        output.progress(0.25, "a quarter")
        return await fail(spec, output, stop)

    task = await world.create(max_retries=1, retry_delay_seconds=1, cron_expression=None)
    queued = await world.operations.trigger_task(task.id)
    assert isinstance(queued, Execution)
    world.functions.body = noisy
    await world.run_all()
    world.clock.advance(1)
    [ended] = await world.run_all()
    page = await world.operations.read_log(queued.id, offset=0, limit=100)
    assert [(x.seq, x.stream, x.attempt, x.text) for x in page.lines] == [
        (1, "stdout", 1, "begin 1"),
        (2, "stderr", 1, "end\N{REPLACEMENT CHARACTER}"),
        (3, "stdout", 2, "begin 2"),
        (4, "stderr", 2, "end\N{REPLACEMENT CHARACTER}"),
    ]
    assert (page.total, page.next_offset, page.truncated) == (4, None, False)
    assert (ended.progress, ended.progress_note, ended.log_lines) == (0.25, "a quarter", 4)
    rest = await world.operations.read_log(queued.id, offset=3, limit=1)
    assert [line.seq for line in rest.lines] == [4]


async def test_a_flood_of_output_is_cut_visibly(world: World) -> None:
    async def flood(spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        for number in range(60_000):
            output.line("stdout", str(number))
        return Outcome(verdict="success", reason=Reason.COMPLETED)

    task = await world.create(cron_expression=None)
    queued = await world.operations.trigger_task(task.id)
    assert isinstance(queued, Execution)
    world.functions.body = flood
    [ended] = await world.run_all()
    assert ended.log_truncated
    assert ended.log_lines == 50_000
    [last] = await world.store.read(lambda conn: logs.select_lines(conn, queued.id, after_seq=49_999, limit=5))
    assert "cut here" in last.text


class TestCancel:
    async def test_a_queued_execution_ends_at_once(self, world: World) -> None:
        task = await world.create(cron_expression=None)
        queued = await world.operations.trigger_task(task.id)
        assert isinstance(queued, Execution)
        cancelled = await world.operations.cancel_execution(queued.id)
        assert (cancelled.status, cancelled.reason) == (Status.CANCELLED, Reason.CANCELLED_BY_REQUEST)
        assert await world.steps.runner.claim_free() == []

    async def test_a_running_execution_is_asked_to_stop(self, world: World) -> None:
        async def until_stopped(spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
            return Outcome(verdict=await stop.wait(), reason=Reason.CANCELLED_BY_REQUEST)  # type: ignore[arg-type]

        task = await world.create(cron_expression=None, max_retries=3)
        queued = await world.operations.trigger_task(task.id)
        assert isinstance(queued, Execution)
        world.functions.body = until_stopped
        running = asyncio.create_task(world.steps.runner.run_attempt(await start_one(world)))
        asked = await world.operations.cancel_execution(queued.id)
        assert (asked.status, asked.cancel_requested) == (Status.RUNNING, True)
        await world.engine.renew_once()
        await running
        [ended] = await world.executions()
        assert ended.status is Status.CANCELLED

    async def test_deleting_a_task_cancels_what_waits_and_keeps_its_executions(self, world: World) -> None:
        task = await world.create(cron_expression=None)
        await world.operations.trigger_task(task.id)
        await world.operations.delete_task(task.id)
        [kept] = await world.executions()
        assert (kept.status, kept.reason) == (Status.CANCELLED, Reason.TASK_DELETED)
        assert (kept.task_id, kept.task_name) == (task.id, "Test")


class TestRecovery:
    async def cut_off(self, world: World, **fields: object) -> Execution:
        task = await world.create(cron_expression=None, **fields)
        await world.operations.trigger_task(task.id)
        return await start_one(world)

    async def restarted(self, make_world: Callable[..., World]) -> World:
        """The next incarnation, after every lease has ended (on PostgreSQL nobody can know earlier)."""
        after = make_world()
        after.clock.advance(31)
        await after.engine.start()
        return after

    async def test_what_was_cut_off_is_queued_again_without_using_up_its_attempt(
        self, world: World, make_world: Callable[..., World]
    ) -> None:
        await self.cut_off(world)
        after = await self.restarted(make_world)
        [queued] = await after.executions()
        assert (queued.status, queued.attempt, queued.cut_offs) == (Status.QUEUED, 0, 1)
        [ended] = await after.run_all()
        assert (ended.status, ended.attempt) == (Status.SUCCESS, 1)
        view = await after.operations.get_execution(ended.id)
        assert [(a.reason, a.counted) for a in view.attempts] == [(Reason.CUT_OFF, False)]

    async def test_at_most_once_is_lost(self, world: World, make_world: Callable[..., World]) -> None:
        await self.cut_off(world, delivery=Delivery.AT_MOST_ONCE)
        after = await self.restarted(make_world)
        [lost] = await after.executions()
        assert lost.status is Status.LOST
        assert await after.steps.runner.claim_free() == []

    async def test_five_cut_offs_are_a_crash_loop(self, world: World, make_world: Callable[..., World]) -> None:
        await self.cut_off(world)
        for _ in range(4):
            after = await self.restarted(make_world)
            await start_one(after)
        last = await self.restarted(make_world)
        [lost] = await last.executions()
        assert (lost.status, lost.reason) == (Status.LOST, Reason.CRASH_LOOP)

    async def test_the_end_of_a_fenced_attempt_changes_nothing(
        self, world: World, make_world: Callable[..., World]
    ) -> None:
        claimed = await self.cut_off(world)
        after = await self.restarted(make_world)
        await world.steps.runner.run_attempt(claimed)
        [queued] = await after.executions()
        assert queued.status is Status.QUEUED

    async def test_a_node_does_not_rescue_what_it_runs_itself(self, world: World) -> None:
        await self.cut_off(world)
        world.clock.advance(3600)
        assert await world.steps.rescuer.rescue_once(ours=world.steps.runner.running) == 0

    async def test_a_claim_whose_answer_was_lost_is_rescued_when_its_lease_ends(self, world: World) -> None:
        claimed = await self.cut_off(world)
        del world.steps.runner.running[claimed.id]
        for _ in range(7):
            world.clock.advance(5)
            await world.engine.renew_once()
            await world.steps.rescuer.rescue_once(ours=world.steps.runner.running)
        [queued] = await world.executions()
        assert queued.status is Status.QUEUED


class TestRetry:
    async def test_an_ended_execution_is_run_again_as_a_new_one(self, world: World) -> None:
        task = await world.create(cron_expression=None)
        first = await world.operations.trigger_task(task.id, payload={"days": 9})
        assert isinstance(first, Execution)
        await world.run_all()
        again = await world.operations.retry_execution(first.id)
        assert (again.trigger, again.retry_of, again.payload) == (Trigger.RETRY, first.id, {"days": 9})
        assert again.id != first.id


async def test_a_stop_waits_and_then_hands_back(world: World) -> None:
    async def until_stopped(spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        await stop.wait()
        return Outcome(verdict="cut_off", reason=Reason.SHUTDOWN, error_message="stopped")

    task = await world.create(cron_expression=None)
    await world.operations.trigger_task(task.id)
    world.functions.body = until_stopped
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(world.engine.run())
        while not world.functions.seen:
            await asyncio.sleep(0)
        await world.engine.stop(drain_seconds=0.01)
    [queued] = await world.executions()
    assert (queued.status, queued.attempt, queued.cut_offs) == (Status.QUEUED, 0, 1)


async def test_a_node_whose_own_clock_is_wrong_goes_by_the_databases(store: Store) -> None:
    wrong = SettableClock(START)
    node = Node(store=store, clock=SteeredClock(wrong), version="test")
    told = await store.read(nodes.database_now)
    await node.join()
    assert abs(node.lease_until() - told - LEASE) < timedelta(seconds=10)
