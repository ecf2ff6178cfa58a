"""Artifacts and results of work done once: the owner's only, replaced by name, gone with their execution."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cronplug.model import Reason, Status
from cronplug.store import Store, artifacts, executions
from cronplug.store.artifacts import Owner
from tests.store.making import NODE, Maker, after
from tests.store.test_executions import claim, insert


@pytest.fixture
async def owner(store: Store, make: Maker) -> Owner:
    """The running attempt of an execution."""
    await insert(store, make.execution())
    (execution,) = await claim(store)
    return Owner(execution_id=execution.id, attempt=1, lease_owner=NODE)


async def put(store: Store, owner: Owner, name: str, data: bytes, media_type: str = "text/csv") -> bool:
    return await store.write(
        lambda conn: artifacts.put_artifact(conn, owner, name=name, media_type=media_type, data=data, now=after(1))
    )


async def names(store: Store, execution_id: str) -> list[tuple[str, int]]:
    found = await store.read(lambda conn: artifacts.select_artifacts(conn, execution_id))
    return [(artifact.name, artifact.size) for artifact in found]


async def test_a_file_comes_back_as_it_was(store: Store, owner: Owner) -> None:
    data = bytes(range(256)) * 5_000

    assert await put(store, owner, "ü report.csv", data)

    found = await store.read(lambda conn: artifacts.select_artifact(conn, owner.execution_id, "ü report.csv"))
    assert found is not None
    artifact, stored = found
    assert stored == data
    assert (artifact.media_type, artifact.size, artifact.attempt, artifact.created_at) == (
        "text/csv",
        len(data),
        1,
        after(1),
    )


async def test_the_same_name_replaces_it(store: Store, owner: Owner) -> None:
    await put(store, owner, "b", b"")
    await put(store, owner, "a", b"old")
    await put(store, owner, "a", b"newer")

    assert await names(store, owner.execution_id) == [("a", 5), ("b", 0)]
    assert await store.read(lambda conn: artifacts.select_artifact(conn, owner.execution_id, "c")) is None
    assert await names(store, "nonsense") == []


@pytest.mark.parametrize("other", [{"attempt": 2}, {"lease_owner": "node-b"}])
async def test_nothing_is_kept_for_an_attempt_that_is_over(store: Store, owner: Owner, other: dict[str, Any]) -> None:
    stranger = replace(owner, **other)

    assert not await put(store, stranger, "a", b"x")
    assert not await store.write(lambda conn: artifacts.put_once(conn, stranger, key="k", value=1, now=after(1)))

    assert await names(store, owner.execution_id) == []


async def test_results_come_back_by_key(store: Store, owner: Owner) -> None:
    values = {"paid": {"cents": 100}, "nothing": None, "ü": [1, "x"]}
    for key, value in values.items():
        assert await store.write(
            lambda conn, key=key, value=value: artifacts.put_once(  # type: ignore[misc]  # bound on purpose
                conn, owner, key=key, value=value, now=after(1)
            )
        )

    assert await store.read(lambda conn: artifacts.select_once(conn, owner.execution_id)) == values


async def test_all_of_it_goes_with_the_execution(store: Store, owner: Owner) -> None:
    await put(store, owner, "a", b"x")
    await store.write(lambda conn: artifacts.put_once(conn, owner, key="k", value=1, now=after(1)))
    await store.write(lambda conn: executions.request_cancel(conn, owner.execution_id, now=after(2)))
    finish = executions.Finish(
        execution_id=owner.execution_id,
        attempt=1,
        lease_owner=NODE,
        status=Status.SUCCESS,
        reason=Reason.COMPLETED,
        finished_at=after(3),
    )
    assert await store.write(lambda conn: executions.finish_executions(conn, [finish]))

    await store.write(
        lambda conn: executions.delete_ended(conn, success_before=after(9), failed_before=after(9), limit=10)
    )

    assert await names(store, owner.execution_id) == []
    assert await store.read(lambda conn: artifacts.select_once(conn, owner.execution_id)) == {}
