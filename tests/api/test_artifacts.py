"""What executions leave, over REST; and what is told of those that wait and run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from cronplug.api.execution_json import Execution
from cronplug.model import HELD, Status, Trigger
from cronplug.model import Execution as Stored
from tests.api.conftest import API, Api

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_files_are_listed_and_downloaded_as_files(api: Api) -> None:
    name = 'ü "1"; x=.html'
    execution = await api.invoke("sample.leave", {"name": name})
    listed = (await api.get(f"/executions/{execution['id']}/artifacts"))["list"]

    assert [(it["name"], it["mediaType"], it["size"], it["attempt"]) for it in listed] == [
        ("1.bin", "application/octet-stream", 3, 1),
        (name, "text/html; charset=utf-8", 9, 1),
    ]
    assert all(it.keys() == {"name", "mediaType", "size", "attempt", "createdAt", "url"} for it in listed)
    response = await api("GET", listed[1]["url"].removeprefix(API))
    assert response.text == "attempt 1"
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-disposition"] == f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"] == "sandbox; default-src 'none'"


async def test_a_later_attempt_replaces_files_and_does_not_repeat_work(api: Api) -> None:
    task = await api.make_task(
        type="function", httpUrl=None, functionName="sample.leave", functionPayload={"fail_first": True},
        maxRetries=1, retryDelaySeconds=1,
    )  # fmt: skip
    started = (await api("POST", f"/tasks/{task['id']}/trigger")).json()
    execution = await api.ended(started["executionId"])
    listed = (await api.get(f"/executions/{execution['id']}/artifacts"))["list"]

    assert (execution["attempt"], execution["result"]) == (2, {"done_by": 1})
    assert [(it["name"], it["attempt"]) for it in listed] == [("1.bin", 1), ("2.bin", 2), ("report.csv", 2)]


async def test_what_is_not_there_is_404(api: Api, stranger: Api) -> None:
    execution = await api.invoke("sample.echo")

    assert (await api.get(f"/executions/{execution['id']}/artifacts")) == {"list": []}
    for path in (
        f"/executions/{execution['id']}/artifacts/x",
        "/executions/nope/artifacts",
        "/executions/nope/artifacts/x",
    ):
        assert (await api("GET", path)).status_code == 404
    assert (await stranger("GET", f"/executions/{execution['id']}/artifacts/x")).status_code == 401


NOW = datetime.now(UTC)
LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("told", "wait_reason"),
    [
        ({}, "free_slot"),
        ({"available_at": HELD}, "earlier_execution"),
        ({"available_at": LATER}, "start_delayed"),
        ({"available_at": LATER, "started_at": NOW, "attempt": 1}, "back_off"),
        ({"status": Status.RUNNING, "available_at": LATER}, None),
        ({"status": Status.CANCELLED, "available_at": HELD}, None),
    ],
)
async def test_a_queued_execution_says_why_it_waits(told: dict[str, object], wait_reason: str | None) -> None:
    assert stored(**told).wait_reason == wait_reason


@pytest.mark.parametrize(
    ("status", "progress", "seconds_left"),
    [(Status.RUNNING, 0.25, 300), (Status.RUNNING, 1.0, 0), (Status.RUNNING, 0.0, None), (Status.RUNNING, None, None),
     (Status.SUCCESS, 0.25, None)],
)  # fmt: skip
async def test_a_running_execution_tells_when_it_would_end(
    status: Status, progress: float | None, seconds_left: int | None
) -> None:
    began = datetime.now(UTC) - timedelta(seconds=100)

    eta = stored(status=status, progress=progress, attempt_started_at=began).progress_eta

    if seconds_left is None:
        assert eta is None
    else:
        assert eta is not None
        assert timedelta(seconds=-1) < eta - datetime.now(UTC) - timedelta(seconds=seconds_left) < timedelta(seconds=60)


def stored(**told: object) -> Execution:
    plain = {
        "id": "1", "trigger": Trigger.MANUAL, "status": Status.QUEUED, "scheduled_for": NOW, "queued_at": NOW,
        "available_at": NOW,
    }  # fmt: skip
    return Execution.of(Stored(**plain | told))  # type: ignore[arg-type]
