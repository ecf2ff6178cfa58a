"""What must not stop the engine, and moments at which two things meet: each test is one way it once went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from cronplug.engine.runner import Running
from cronplug.executors.base import AttemptSpec, Outcome, Output, Stop
from cronplug.ids import decode_id
from cronplug.model import Execution, Overlap, Reason, Status, Task, TaskType, Trigger
from cronplug.operations import Idempotency, Operations, Replayed
from cronplug.operations.rescans import Rescans
from cronplug.planning import MAX_ROWS_PER_STEP
from cronplug.store import Conn, Store, access
from tests.engine.conftest import TestRegistry, World, cron, succeed


async def alter(store: Store, sql: str) -> None:
    """Change a table as no operation would."""

    async def unit(conn: Conn) -> None:
        assert conn._run is not None
        await conn._run(sql, [])

    await store.write(unit)


async def queue_one(world: World, **fields: object) -> Execution:
    task = await world.create(cron_expression=None, **fields)
    queued = await world.operations.trigger_task(task.id)
    assert isinstance(queued, Execution)
    return queued


class TestTheEngineGoesOn:
    async def test_when_the_database_does_not_answer_between_claim_and_start(self, world: World) -> None:
        await queue_one(world)
        [claimed] = await world.steps.runner.claim_free()
        await alter(world.store, "ALTER TABLE task_revisions RENAME TO gone")
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            attempt = group.create_task(world.steps.runner.run_attempt(claimed))
            await asyncio.wait([attempt], timeout=0.2)
            await alter(world.store, "ALTER TABLE gone RENAME TO task_revisions")
        [ended] = await world.executions()
        assert ended.status is Status.SUCCESS

    async def test_when_it_does_not_answer_while_the_plugins_are_followed(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another node has found the function, and queued this for it."""
        await queue_one(world)
        world.registry.installed = False

        async def look() -> None:
            world.registry.installed = True

        monkeypatch.setattr(world.registry, "rescan", look)
        rescans = Rescans(store=world.store, registry=world.registry, clock=world.clock, bus=world.bus)
        monkeypatch.setattr(world.steps.runner, "_rescans", rescans)
        await world.store.write(lambda conn: access.set_meta(conn, "plugins_rescan", "1-other"))
        [claimed] = await world.steps.runner.claim_free()
        await alter(world.store, "ALTER TABLE meta RENAME TO gone")
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            attempt = group.create_task(world.steps.runner.run_attempt(claimed))
            await asyncio.wait([attempt], timeout=0.2)
            await alter(world.store, "ALTER TABLE gone RENAME TO meta")
        [ended] = await world.executions()
        assert ended.status is Status.SUCCESS

    async def test_when_it_stops_while_the_database_does_not_answer_between_claim_and_start(self, world: World) -> None:
        await queue_one(world)
        [claimed] = await world.steps.runner.claim_free()
        world.steps.runner.running[claimed.id].stop.request("shutdown")
        await world.steps.runner.run_attempt(claimed)
        [queued] = await world.executions()
        assert (queued.status, queued.cut_offs, world.functions.seen) == (Status.QUEUED, 1, [])

    async def test_when_a_newer_version_has_written_a_task_this_one_cannot_read(self, world: World) -> None:
        bad, good = await world.create(name="bad"), await world.create(name="good")
        for table, id_column in (("tasks", "id"), ("task_revisions", "task_id")):
            await alter(
                world.store,
                f'UPDATE {table} SET definition = replace(definition, \'"overlap":"skip"\', \'"overlap":"someday"\')'
                f" WHERE {id_column} = {decode_id(bad.id)}",
            )
        world.clock.advance(60)
        assert [e.task_id for e in await world.plan()] == [good.id]
        aside = (await world.operations.get_task(bad.id)).task
        assert aside.next_run_at is None
        assert "overlap is 'someday'" in (aside.schedule_error or "")
        repaired = await world.operations.change_task(bad.id, {"overlap": Overlap.ALLOW})
        assert (repaired.state, repaired.task.schedule_error) == ("active", None)

    async def test_when_a_newer_version_has_written_an_execution_this_one_cannot_read(self, world: World) -> None:
        strange, known = await queue_one(world), await queue_one(world, name="Other")
        await alter(
            world.store,
            "UPDATE executions SET type = 'dream', \"trigger\" = 'whim', reason = 'why'"
            f" WHERE id = {decode_id(strange.id)}",
        )
        ended = {execution.id: execution for execution in await world.run_all()}
        assert ended[known.id].status is Status.SUCCESS
        assert (ended[strange.id].status, ended[strange.id].trigger) == (Status.FAILED, Trigger.API)
        assert "does not know how to run this" in (ended[strange.id].error_message or "")

    async def test_when_an_executor_fails_in_a_way_nobody_foresaw(self, world: World) -> None:
        async def broken(spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
            raise LookupError("a bug")

        await queue_one(world)
        world.functions.body = broken
        [ended] = await world.run_all()
        assert (ended.status, ended.reason) == (Status.FAILED, Reason.ERROR)
        assert ended.error_message is not None
        assert "LookupError: a bug" in ended.error_message


async def test_a_lone_surrogate_in_the_output_can_be_shown(world: World) -> None:
    async def odd(spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        output.line("stdout", "a\ud800b", level=None)
        return await succeed(spec, output, stop)

    queued = await queue_one(world)
    world.functions.body = odd
    await world.run_all()
    page = await world.operations.read_log(queued.id, offset=0, limit=10)
    assert [line.text for line in page.lines] == ["a\N{REPLACEMENT CHARACTER}b"]


async def test_the_metrics_tell_how_many_wait(world: World) -> None:
    await queue_one(world)
    await world.steps.runner.look_once()
    assert b"cronplug_executions_queued 1.0" in world.metrics.render()


class TestANodeThatLostItsLease:
    async def test_does_not_claim_what_it_still_runs_itself(
        self, world: World, make_world: Callable[..., World]
    ) -> None:
        await queue_one(world)
        [claimed] = await world.steps.runner.claim_free()
        world.clock.advance(31)
        other = make_world()
        await other.steps.node.join()
        await other.steps.rescuer.rescue_once()
        assert await world.steps.runner.claim_free() == []
        await world.engine.renew_once()
        assert world.steps.runner.running[claimed.id].fenced
        assert [e.id for e in await other.steps.runner.claim_free()] == [claimed.id]

    async def test_never_fences_an_attempt_that_began_while_leases_were_renewed(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await queue_one(world)
        [claimed] = await world.steps.runner.claim_free()
        runner, renew = world.steps.runner, world.steps.node.renew

        async def renew_and_meanwhile(running: object) -> list[tuple[str, bool]]:
            held = await renew(())  # what is read before the next attempt of the same execution is claimed
            del runner.running[claimed.id]
            runner.running[claimed.id] = Running(claimed)
            return held

        monkeypatch.setattr(world.steps.node, "renew", renew_and_meanwhile)
        await world.engine.renew_once()
        assert not runner.running[claimed.id].fenced


async def test_a_machine_that_was_asleep_does_not_run_what_it_slept_through(world: World) -> None:
    task = await world.create()
    world.clock.advance(3600)
    await world.engine.plan_once()
    rows = await world.executions(task)
    assert [row.status for row in rows].count(Status.MISSED) == 59
    assert rows[-1].trigger is Trigger.CATCH_UP


class TestChanges:
    async def test_a_change_keeps_every_fire_time_of_a_long_backlog(self, world: World) -> None:
        task = await world.create(cron_expression="* * * * * *", overlap="allow")
        world.clock.advance(MAX_ROWS_PER_STEP + 200)
        await world.operations.change_task(task.id, {"schedules": cron("0 0 1 1 *")})
        assert len(await world.executions(task)) == MAX_ROWS_PER_STEP + 200

    async def test_a_change_from_1_to_true_is_a_change(self, world: World) -> None:
        task = await world.create(function_payload={"deep": [1]})
        await world.operations.change_task(task.id, {"function_payload": {"deep": [True]}})
        stored = await world.task(task.id)
        assert stored.definition.function_payload["deep"][0] is True

    async def test_a_repeat_is_answered_alike_when_the_function_has_gone_meanwhile(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        once = Idempotency(key="k", scope="trigger", request_hash="h", render=lambda execution: execution.id)
        task = await world.create(cron_expression=None)
        made = await world.operations.trigger_task(task.id, idempotency=once)
        monkeypatch.setattr(TestRegistry, "function", lambda self, name: None)
        assert isinstance(made, Execution)
        assert await world.operations.trigger_task(task.id, idempotency=once) == Replayed(made.id)

    async def test_a_retry_runs_the_present_definition_as_a_whole(self, world: World) -> None:
        queued = await queue_one(world)
        await world.run_all()
        assert queued.task_id is not None
        await world.operations.change_task(
            queued.task_id, {"type": TaskType.HTTP, "http_url": "http://example.com/", "function_name": None}
        )
        again = await world.operations.retry_execution(queued.id)
        assert (again.type, again.function_name) == (TaskType.HTTP, None)


class TestDeletion:
    """On PostgreSQL transactions overlap: whatever is queued for a task as it is deleted must not run."""

    async def test_a_fire_time_planned_at_the_same_moment_does_not_run(self, world: World) -> None:
        for _ in range(10):
            task = await world.create()
            world.clock.advance(60)
            await asyncio.gather(world.steps.planner.plan_once(), delete(world.operations, task))
            assert await unfinished(world, task) == []

    async def test_a_trigger_at_the_same_moment_does_not_run(self, world: World) -> None:
        for _ in range(10):
            task = await world.create(cron_expression=None)
            await asyncio.gather(
                *(world.operations.trigger_task(task.id) for _ in range(5)),
                delete(world.operations, task),
                return_exceptions=True,
            )
            assert await unfinished(world, task) == []


async def delete(operations: Operations, task: Task) -> None:
    await operations.delete_task(task.id)


async def unfinished(world: World, task: Task) -> list[Status]:
    return [e.status for e in await world.executions(task) if e.status in (Status.QUEUED, Status.RUNNING)]
