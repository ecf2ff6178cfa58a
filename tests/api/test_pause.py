"""The pause of every schedule over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.api.conftest import Api, fields_at_fault

pytestmark = pytest.mark.asyncio(loop_scope="session")

NO_PAUSE = {"paused": False, "since": None, "until": None, "reason": None}
LATER = "2190-01-01T00:00:00.000Z"


@pytest_asyncio.fixture(loop_scope="session")
async def pausing(api: Api) -> AsyncIterator[Api]:
    """The API; afterwards nothing is paused."""
    yield api
    assert (await api("DELETE", "/pause")).status_code == 204


async def test_without_a_pause(api: Api) -> None:
    assert await api.get("/pause") == NO_PAUSE
    assert (await api.get("/stats"))["pause"] == NO_PAUSE
    assert (await api("DELETE", "/pause")).status_code == 204


async def test_a_pause_is_told_until_it_is_ended(pausing: Api) -> None:
    made = (await pausing("PUT", "/pause", json={"reason": "Moving house", "until": LATER})).json()

    assert made == {"paused": True, "since": made["since"], "until": LATER, "reason": "Moving house"}
    assert await pausing.get("/pause") == made
    assert (await pausing.get("/stats"))["pause"] == made
    ready = (await pausing.client.get("/readyz")).json()
    assert ready["status"] == "ok"
    assert LATER in ready["checks"]["pause"]["message"]
    assert "Moving house" not in str(ready)

    changed = (await pausing("PUT", "/pause")).json()
    assert changed == {"paused": True, "since": made["since"], "until": None, "reason": ""}

    assert (await pausing("DELETE", "/pause")).status_code == 204
    assert await pausing.get("/pause") == NO_PAUSE
    assert "pause" not in (await pausing.client.get("/readyz")).json()["checks"]


async def test_fire_times_are_skipped_and_runs_by_hand_go_on(pausing: Api) -> None:
    await pausing("PUT", "/pause", json={"reason": "Moving house"})
    task = await pausing.make_task(
        type="function", httpUrl=None, functionName="sample.echo", enabled=True, overlap="allow",
        schedules=[{"kind": "interval", "everySeconds": 1}],
    )  # fmt: skip
    assert task["nextRunAt"] is None
    assert task["state"] == "active"

    async with pausing.bus.subscribe(lambda event: event.kind == "execution") as inbox:
        while not (found := (await pausing.get(f"/executions?taskId={task['id']}"))["list"]):
            await inbox.next(timeout_seconds=1.0)
    by_hand = (await pausing("POST", f"/tasks/{task['id']}/trigger")).json()

    assert (found[0]["status"], found[0]["reason"]) == ("skipped", "paused")
    assert "Moving house" in found[0]["errorMessage"]
    assert (await pausing.ended(by_hand["executionId"]))["status"] == "success"
    coming = await pausing.get(f"/tasks/{task['id']}/forecast?count=2")
    assert (coming["nextRuns"], [it["paused"] for it in coming["occurrences"]]) == ([], [True, True])
    await pausing("DELETE", f"/tasks/{task['id']}?force=true")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"until": "tomorrow"}, "until"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": 5}, "reason"),
        ({"since": LATER}, "since"),
    ],
)
async def test_a_bad_pause_is_refused(api: Api, body: dict[str, Any], field: str) -> None:
    response = await api("PUT", "/pause", json=body)
    assert response.status_code == 422
    assert fields_at_fault(response) == [field]
    assert await api.get("/pause") == NO_PAUSE
