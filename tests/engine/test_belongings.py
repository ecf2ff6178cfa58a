"""What attempts leave: kept before their end, handed to the next attempt, refused to whoever has lost the lease."""

from __future__ import annotations

from datetime import timedelta

from cronplug.executors.base import AttemptSpec, Outcome, Output, Stop
from cronplug.model import Delivery, Reason
from cronplug.sdk.keeping import Artifact
from cronplug.store import Conn, artifacts
from tests.engine.conftest import World, fail, succeed


async def names(world: World, execution_id: str) -> dict[str, bytes]:
    async def select(conn: Conn) -> dict[str, bytes]:
        found = {}
        for info in await artifacts.select_artifacts(conn, execution_id):
            stored = await artifacts.select_artifact(conn, execution_id, info.name)
            assert stored is not None
            found[info.name] = stored[1]
        return found

    return await world.store.read(select)


async def test_files_are_kept_with_the_end_of_the_attempt(world: World) -> None:
    async def body(spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        output.artifact(Artifact("a.txt", "text/plain", b"old"))
        output.artifact(Artifact("b.txt", "text/plain", b"b"))
        output.artifact(Artifact("a.txt", "text/plain", b"new"))
        return await succeed(spec, output, stop)

    world.functions.body = body
    await world.create()
    world.at("12:01:00.500")
    await world.plan()
    (execution,) = await world.run_all()

    assert await names(world, execution.id) == {"a.txt": b"new", "b.txt": b"b"}


async def test_files_of_a_running_attempt_are_there_after_a_flush(world: World) -> None:
    seen: dict[str, bytes] = {}

    async def body(spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        output.artifact(Artifact("a.txt", "text/plain", b"x"))
        await world.steps.outputs.flush_once()
        seen.update(await names(world, spec.execution_id))
        return await succeed(spec, output, stop)

    world.functions.body = body
    await world.create()
    world.at("12:01:00.500")
    await world.plan()
    await world.run_all()

    assert seen == {"a.txt": b"x"}


async def test_the_next_attempt_knows_what_was_kept(world: World) -> None:
    refusals = []

    async def body(spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        refusals.append(await output.remember("paid", {"cents": 5}))
        output.artifact(Artifact("a.txt", "text/plain", b"xyz"))
        return await (fail if spec.attempt == 1 else succeed)(spec, output, stop)

    world.functions.body = body
    await world.create(max_retries=1, retry_delay_seconds=1)
    world.at("12:01:00.500")
    await world.plan()
    await world.run_all()
    world.clock.set(world.clock.now() + timedelta(seconds=2))
    await world.run_all()

    first, second = world.functions.seen
    assert (dict(first.kept.once), dict(first.kept.artifacts)) == ({}, {})
    assert (second.kept.once, second.kept.artifacts) == ({"paid": {"cents": 5}}, {"a.txt": 3})
    assert refusals == [None, None]


async def test_an_attempt_whose_lease_is_lost_keeps_nothing(world: World) -> None:
    refusals = []

    async def body(spec: AttemptSpec, output: Output, stop: Stop) -> Outcome:
        output.lease_owner = "another node"  # type: ignore[attr-defined]  # as the row would have it then
        refusals.append(await output.remember("paid", 1))
        output.artifact(Artifact("a.txt", "text/plain", b"x"))
        return Outcome(verdict="success", reason=Reason.COMPLETED)

    world.functions.body = body
    await world.create()
    world.at("12:01:00.500")
    await world.plan()
    (execution,) = await world.run_all()

    assert refusals == ["the attempt has lost its lease"]
    assert await names(world, execution.id) == {}


async def test_what_must_not_be_cut_off_asks_for_a_worker_of_its_own(world: World) -> None:
    await world.create(delivery=Delivery.AT_MOST_ONCE)
    await world.create(name="Other")
    world.at("12:01:00.500")
    await world.plan()
    await world.run_all()

    assert sorted(spec.alone for spec in world.functions.seen) == [False, True]
