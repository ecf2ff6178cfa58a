"""What ran, runs and will run, in lanes."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from cronplug.app import App
from cronplug.clock import SystemClock, rfc3339
from cronplug.model import Status
from cronplug.operations import timeline as module
from tests.api.conftest import Api, fields_at_fault
from tests.api.test_series import insert_past

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def tag() -> str:
    return uuid.uuid4().hex


async def show(api: Api, **query: Any) -> dict[str, Any]:
    now = SystemClock().now()
    given = {"from": rfc3339(now - timedelta(hours=2)), "to": rfc3339(now + timedelta(hours=2))}
    found: dict[str, Any] = await api.get("/timeline", params=given | query)
    return found


async def test_failures_come_first_then_what_ran_then_what_is_to_come(api: Api, core: App, tag: str) -> None:
    coming = await api.make_task(name="A to come", tags=[tag], cronExpression="*/10 * * * *", enabled=True)
    ran = await api.make_task(name="B ran", tags=[tag])
    failed = await api.make_task(name="C failed", tags=[tag])
    await api.make_task(name="D quiet", tags=[tag])
    at = SystemClock().now() - timedelta(minutes=20)
    await insert_past(core, at, 3, task_id=ran["id"], task_name="B ran")
    await insert_past(core, at, 1, task_id=failed["id"], task_name="an old name", status=Status.FAILED)

    shown = await show(api, tag=tag)

    lanes = shown["lanes"]
    assert [(lane["title"], lane["taskId"]) for lane in lanes] == [
        ("C failed", failed["id"]),
        ("B ran", ran["id"]),
        ("A to come", coming["id"]),
    ]
    assert [len(lane["marks"]) for lane in lanes] == [1, 3, 0]
    assert [lane["enabled"] for lane in lanes] == [False, False, True]
    mark = lanes[1]["marks"][0]
    assert (mark["status"], mark["start"], mark["scheduledFor"]) == ("success", rfc3339(at), rfc3339(at))
    assert mark["end"] == rfc3339(at + timedelta(seconds=2))
    assert sum(load["started"] for load in shown["load"]) == 4
    assert max(load["peak"] for load in shown["load"]) == 3
    assert sum(load["planned"] for load in shown["load"]) == len(lanes[2]["planned"]) > 0
    assert shown["more"] == 0

    (only,) = (await show(api, tag=tag, limit=1, planned="false"))["lanes"]
    assert only["key"] == failed["id"]
    assert (await show(api, tag=tag, limit=1))["more"] == 2
    await api("PUT", f"/tasks/{ran['id']}", json={"tags": [tag, f"{tag} too"]})
    both = await show(api, tag=[tag, f"{tag} too"])
    assert [lane["key"] for lane in both["lanes"]] == [ran["id"]]
    assert [lane["key"] for lane in (await show(api, taskId=ran["id"]))["lanes"]] == [ran["id"]]


async def test_planned_is_what_the_forecast_says(api: Api, tag: str) -> None:
    paused_until = rfc3339(SystemClock().now() + timedelta(minutes=40))
    task = await api.make_task(
        tags=[tag], enabled=True, cronExpression="*/7 * * * *", pausedUntil=paused_until, maxExecutions=5
    )
    every = await api.make_task(tags=[tag], enabled=True, cronExpression="*/20 * * * * *")

    shown = await show(api, tag=tag)

    until = datetime.fromisoformat(shown["to"])
    for lane, most in ((of(shown, task["id"]), 100), (of(shown, every["id"]), 100)):
        forecast = await api.get(f"/tasks/{lane['taskId']}/forecast?count={most}")
        runs = [it["at"] for it in forecast["occurrences"] if not it["paused"] and it["excludedBy"] is None]
        expected = [at for at in runs if datetime.fromisoformat(at) < until]
        assert set(lane["planned"][1 : most // 2]) <= set(expected)
    assert len(of(shown, task["id"])["planned"]) == 5
    crowded = of(shown, every["id"])
    assert (len(crowded["planned"]), crowded["plannedMore"]) == (200, True)


async def test_a_lane_of_more_tasks_than_are_read_says_that_more_is_planned(
    api: Api, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_READ", 1)
    for name in ("a", "b"):
        await api.make_task(name=name, tags=[tag, name + tag], enabled=True, cronExpression="30 * * * *")

    shown = await show(api, tag=tag, groupBy="tag")

    assert of(shown, tag)["plannedMore"]
    assert sorted(of(shown, name + tag)["plannedMore"] for name in ("a", "b")) == [False, True]


def of(shown: dict[str, Any], key: str) -> dict[str, Any]:
    lane: dict[str, Any] = next(lane for lane in shown["lanes"] if lane["key"] == key)
    return lane


async def test_a_crowded_lane_tells_buckets(api: Api, core: App, tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MARKS", 3)
    task = await api.make_task(tags=[tag])
    at = SystemClock().now() - timedelta(hours=1)
    await insert_past(core, at, 4, task_id=task["id"])
    await insert_past(core, at + timedelta(minutes=30), 2, task_id=task["id"], status=Status.TIMED_OUT)

    (lane,) = (await show(api, tag=tag))["lanes"]

    assert lane["marks"] == []
    assert sum(bucket["count"] for bucket in lane["buckets"]) == 6
    assert sum(bucket["failed"] for bucket in lane["buckets"]) == 2
    assert {bucket["seconds"] for bucket in lane["buckets"]} == {300}
    assert all(bucket["start"] >= rfc3339(at - timedelta(seconds=300)) for bucket in lane["buckets"])


async def test_lanes_that_are_crowded_together_tell_buckets(
    api: Api, core: App, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_MARKS_IN_ALL", 3)
    at = SystemClock().now() - timedelta(hours=1)
    for name in ("a", "b"):
        task = await api.make_task(name=name, tags=[tag])
        await insert_past(core, at, 2, task_id=task["id"])

    first, second = (await show(api, tag=tag))["lanes"]

    assert (len(first["marks"]), first["buckets"]) == (2, [])
    assert (second["marks"], sum(bucket["count"] for bucket in second["buckets"])) == ([], 2)


@pytest.mark.parametrize("group_by", ["function", "tag"])
async def test_lanes_of_functions_and_tags(api: Api, core: App, tag: str, group_by: str) -> None:
    task = await api.make_task(tags=[tag, f"{tag}2"], type="function", functionName="sample.echo", enabled=True,
                               cronExpression="*/10 * * * *")  # fmt: skip
    at = SystemClock().now() - timedelta(minutes=5)
    await insert_past(core, at, 2, task_id=task["id"], function_name="sample.echo")

    shown = await show(api, groupBy=group_by, tag=tag)

    keys = ["sample.echo"] if group_by == "function" else [tag, f"{tag}2"]
    assert sorted(lane["key"] for lane in shown["lanes"]) == keys
    for lane in shown["lanes"]:
        assert (lane["taskId"], len(lane["marks"])) == (None, 2)
        assert lane["planned"]


async def test_what_has_not_ended_is_there_however_old(api: Api, core: App, tag: str) -> None:
    task = await api.make_task(tags=[tag])
    old = SystemClock().now() - timedelta(days=3)
    held = {"status": Status.QUEUED, "available_at": SystemClock().now() + timedelta(days=3)}
    await insert_past(core, old, 1, task_id=task["id"], started_at=old, finished_at=None, **held)
    await insert_past(core, old, 1, task_id=task["id"])

    (lane,) = (await show(api, taskId=task["id"]))["lanes"]

    (mark,) = lane["marks"]
    assert (mark["status"], mark["start"], mark["end"]) == ("queued", rfc3339(old), None)
    await api("POST", f"/executions/{mark['executionId']}/cancel")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-01-01T00:00:00Z&to=2026-01-09T00:00:00.001Z", "from"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
        ("groupBy=day", "groupBy"),
        ("limit=0", "limit"),
    ],
)
async def test_a_timeline_that_cannot_be_told_is_refused(api: Api, query: str, field: str) -> None:
    assert fields_at_fault(await api("GET", f"/timeline?{query}")) == [field]


async def test_far_timelines_are_empty(api: Api) -> None:
    for query in ("to=1970-01-01T12:00:00Z", "from=9999-12-29T00:00:00Z"):
        shown = await api.get(f"/timeline?{query}")
        assert shown["lanes"] == []
