"""Figures of the past over the API."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from cronplug.app import App
from cronplug.clock import SystemClock, from_millis, to_millis
from cronplug.ids import encode_id, first_id_at
from cronplug.model import Execution, Status, Trigger
from cronplug.planning.tallies import Tally
from cronplug.store import Conn, executions, rollups
from tests.api.conftest import Api, fields_at_fault

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def insert_past(core: App, at: datetime, count: int, **given: Any) -> None:
    """Ended executions of 2 s, a second apart from `at` on."""
    first = first_id_at(at)
    new = []
    for number in range(count):
        queued_at = at + timedelta(seconds=number)
        values: dict[str, Any] = {
            "id": encode_id(first + (number * 1000 << 22) + uuid.uuid4().int % 30_000),
            "trigger": Trigger.MANUAL,
            "status": Status.SUCCESS,
            "scheduled_for": queued_at,
            "queued_at": queued_at,
            "available_at": queued_at,
            "started_at": queued_at,
            "finished_at": queued_at + timedelta(seconds=2),
        }
        new.append(Execution(**(values | given)))

    async def insert(conn: Conn) -> None:
        await executions.insert_executions(conn, new)

    await core.store.write(insert)


async def test_a_task_tells_its_days_and_hours(api: Api, core: App) -> None:
    task = await api.make_task(timezone="Asia/Kolkata")
    now = SystemClock().now()
    await insert_past(core, now - timedelta(seconds=30), 3, task_id=task["id"])
    await insert_past(core, now - timedelta(seconds=20), 1, task_id=task["id"], status=Status.TIMED_OUT)
    old = datetime(2025, 1, 9, 18, 30, tzinfo=UTC)  # midnight in Kolkata
    tally = Tally({Status.LOST: 2, Status.SUCCESS: 5}, {0: 5}, {-40: 7}, 1.1)
    cell = rollups.Cell("task", task["id"], rollups.DAY, to_millis(old))
    await core.store.write(partial(rollups.put_rows, tallies=[(cell, tally)]))

    days = await api.get(f"/tasks/{task['id']}/series", params={"from": "2025-01-10T03:00:00Z", "to": _text(now)})

    assert {name: days[name] for name in ("taskId", "bucket", "timezone", "from")} == {
        "taskId": task["id"],
        "bucket": "day",
        "timezone": "Asia/Kolkata",
        "from": "2025-01-09T18:30:00.000Z",
    }
    first, *last = days["list"]
    assert first == {
        "start": "2025-01-09T18:30:00.000Z",
        "date": "2025-01-10",
        "success": 5,
        "failed": 2,
        "timeout": 0,
        "cancelled": 0,
        "skipped": 0,
        "missed": 0,
        "p50Seconds": 1.091,
        "p95Seconds": 1.091,
        "maxSeconds": 1.1,
        "startDelayP95Seconds": 0.001,
    }
    assert sum(day["success"] for day in last) == 3
    assert sum(day["timeout"] for day in last) == 1
    assert last[-1]["maxSeconds"] == 2

    hours = await api.get(f"/tasks/{task['id']}/series?bucket=hour")
    assert sum(hour["success"] for hour in hours["list"]) == 3
    assert {hour["date"] for hour in hours["list"]} == {None}
    assert all(hour["start"][14:16] == "30" for hour in hours["list"])


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


async def test_a_function_and_everything_have_series(api: Api) -> None:
    await api.invoke("sample.echo")

    of_function = await api.get("/series?functionName=sample.echo&bucket=hour")
    of_all = await api.get("/series?bucket=hour")
    unknown = await api.get("/series?functionName=sample.unknown")

    assert of_function["timezone"] == "UTC"
    assert 1 <= of_function["list"][-1]["success"] <= of_all["list"][-1]["success"]
    assert unknown["list"] == []


async def test_functions_tell_their_last_seven_days(api: Api, core: App) -> None:
    before = (await api.get("/functions/sample.lines"))["last7Days"]
    await insert_past(core, SystemClock().now() - timedelta(seconds=50), 4, function_name="sample.lines")
    await insert_past(
        core, SystemClock().now() - timedelta(days=9), 4, function_name="sample.lines", status=Status.FAILED
    )

    after = (await api.get("/functions/sample.lines"))["last7Days"]

    assert after["ended"] == before["ended"] + 4
    assert after["failed"] == before["failed"]
    listed = next(it for it in (await api.get("/functions"))["list"] if it["name"] == "sample.lines")
    assert listed["last7Days"] == after


async def test_stats_have_the_last_half_hours(api: Api, core: App) -> None:
    await insert_past(core, SystemClock().now() - timedelta(seconds=50), 2, status=Status.SKIPPED)

    stats = await api.get("/stats")

    series = stats["series"]
    assert len(series) == 48
    starts = [datetime.fromisoformat(half["start"]) for half in series]
    assert {later - earlier for earlier, later in pairwise(starts)} == {timedelta(minutes=30)}
    assert starts[-1] <= SystemClock().now() < starts[-1] + timedelta(minutes=31)
    assert sum(half["other"] for half in series) >= 2
    assert stats["startDelayP95Seconds"] >= 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2020-01-01T00:00:00Z", "from"),
        ("bucket=hour&from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z", "from"),
        ("from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "to"),
        ("bucket=week", "bucket"),
    ],
)
async def test_a_stretch_that_cannot_be_told_is_refused(api: Api, query: str, field: str) -> None:
    task = await api.make_task()
    for path in ("/series", f"/tasks/{task['id']}/series"):
        assert fields_at_fault(await api("GET", f"{path}?{query}")) == [field]


async def test_an_unknown_task_has_no_series(api: Api) -> None:
    assert (await api("GET", "/tasks/unknown/series")).status_code == 404


async def test_far_instants_are_taken(api: Api) -> None:
    assert (await api.get("/series?to=1970-01-01T00:00:00Z"))["list"] == []
    assert (await api.get("/series?to=9999-12-30T00:00:00Z"))["list"] == []
    assert from_millis(0) == datetime(1970, 1, 1, tzinfo=UTC)
