"""Executions over REST."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cronplug.clock import rfc3339
from tests.api.conftest import Api, fields_at_fault

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_execution_tells_everything(api: Api) -> None:
    execution = await api.invoke("sample.report", {"region": "n", "days": 3})
    assert execution.keys() == {
        "id", "taskId", "taskName", "taskRevision", "type", "functionName", "trigger", "status", "reason",
        "errorMessage", "attempt", "retryOf", "scheduledFor", "queuedAt", "availableAt", "startedAt", "finishedAt",
        "durationSeconds", "timeoutSeconds", "result", "resultSummary", "progress", "progressNote", "progressEta", "waitReason", "worker",
        "logLines", "logTruncated", "cancelRequested", "missedCount", "missedUntil", "idempotencyKey", "payload", "attempts",
    }  # fmt: skip
    assert (execution["trigger"], execution["status"], execution["reason"]) == ("api", "success", "completed")
    assert (execution["attempt"], execution["timeoutSeconds"]) == (1, 30)
    assert execution["durationSeconds"] >= 0
    assert execution["payload"] == {"region": "n", "days": 3}
    assert execution["idempotencyKey"] == execution["id"]
    (attempt,) = execution["attempts"]
    assert attempt.keys() == {
        "attempt", "startedAt", "finishedAt", "status", "reason", "errorMessage", "worker", "counted",
    }  # fmt: skip
    assert (attempt["attempt"], attempt["status"], attempt["counted"]) == (1, "success", True)


async def test_each_attempt_is_shown(api: Api) -> None:
    task = await api.make_task(
        type="http", httpUrl="http://127.0.0.1:9/", enabled=False, maxRetries=1, retryDelaySeconds=1
    )
    started = (await api("POST", f"/tasks/{task['id']}/trigger")).json()
    execution = await api.ended(started["executionId"])
    assert (execution["status"], execution["attempt"]) == ("failed", 2)
    assert [attempt["attempt"] for attempt in execution["attempts"]] == [1, 2]
    assert [attempt["status"] for attempt in execution["attempts"]] == ["failed", "failed"]


async def test_executions_are_filtered(api: Api) -> None:
    task = await api.make_task(type="function", httpUrl=None, functionName="sample.echo")
    ids: list[str] = []
    for _ in range(3):
        ids.insert(0, (await api("POST", f"/tasks/{task['id']}/trigger")).json()["executionId"])
        await api.ended(ids[0])

    async def found(**filters: object) -> list[str]:
        page = await api.get("/executions", params={"taskId": task["id"]} | filters)
        return [execution["id"] for execution in page["list"]]

    assert await found() == ids
    assert await found(status="success") == ids
    assert await found(status="failed") == []
    assert await found(trigger="manual") == ids
    assert await found(trigger="schedule") == []
    assert await found(functionName="sample.echo") == ids
    assert await found(functionName="sample.wait") == []
    middle = (await api.get(f"/executions/{ids[1]}"))["queuedAt"]
    assert await found(**{"from": middle}) == ids[:2]
    assert await found(to=middle) == ids[2:]
    hour_ago = rfc3339(datetime.now(UTC) - timedelta(hours=1))
    assert await found(**{"from": hour_ago.replace("Z", "+00:00")}) == ids
    assert await found(to=hour_ago) == []
    assert (await api.get("/executions", params={"taskId": "unknown"}))["total"] == 0


async def test_pages_and_cursors_give_every_execution_once(api: Api) -> None:
    task = await api.make_task(type="function", httpUrl=None, functionName="sample.echo")
    ids = {(await api("POST", f"/tasks/{task['id']}/trigger")).json()["executionId"] for _ in range(5)}
    first = await api.get("/executions", params={"taskId": task["id"], "pageSize": 2})
    assert first.keys() == {"list", "total", "totalCapped", "page", "pageSize", "nextCursor"}
    assert (first["total"], first["totalCapped"], first["page"], first["pageSize"]) == (5, False, 1, 2)
    seen, cursor = [execution["id"] for execution in first["list"]], first["nextCursor"]
    while cursor is not None:
        page = await api.get("/executions", params={"taskId": task["id"], "pageSize": 2, "cursor": cursor})
        seen += [execution["id"] for execution in page["list"]]
        cursor = page["nextCursor"]
    assert len(seen) == 5
    assert set(seen) == ids
    by_page = await api.get("/executions", params={"taskId": task["id"], "pageSize": 2, "page": 3})
    assert [execution["id"] for execution in by_page["list"]] == seen[4:]
    assert by_page["nextCursor"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=done", "status"),
        ("trigger=magic", "trigger"),
        ("from=yesterday", "from"),
        ("from=2026-01-01", "from"),
        ("from=2026-01-01T00:00:00", "from"),
        ("to=2026-02-30T00:00:00Z", "to"),
        ("to=2026-01-01T00:00:00%2B99:00", "to"),
        ("pageSize=1000", "pageSize"),
        ("cursor=nonsense", "cursor"),
        ("from_=2026-01-01T00:00:00Z", "from_"),
    ],
)
async def test_bad_filters_are_refused(api: Api, query: str, field: str) -> None:
    response = await api("GET", f"/executions?{query}")
    assert response.status_code == 422, response.text
    assert fields_at_fault(response) == [field]


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-07-20T20:17:40z"])
async def test_instants_at_the_end_of_time_are_no_error(api: Api, instant: str) -> None:
    await api.get("/executions", params={"from": instant, "to": instant})


async def test_a_running_execution_is_cancelled(api: Api) -> None:
    started = (await api("POST", "/functions/sample.wait/invoke", json={})).json()
    await api.running(started["executionId"])
    response = await api("POST", f"/executions/{started['executionId']}/cancel")
    assert response.status_code == 202
    assert response.json()["id"] == started["executionId"]
    ended = await api.ended(started["executionId"])
    assert (ended["status"], ended["reason"]) == ("cancelled", "cancelled_by_request")
    again = await api("POST", f"/executions/{started['executionId']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "execution_ended")


async def test_an_ended_execution_is_retried_as_a_new_one(api: Api) -> None:
    old = await api.invoke("sample.echo", {"a": 1})
    response = await api("POST", f"/executions/{old['id']}/retry")
    assert response.status_code == 202
    new_id = response.json()["executionId"]
    assert response.headers["location"] == f"/api/scheduler/executions/{new_id}"
    new = await api.ended(new_id)
    assert (new["trigger"], new["retryOf"], new["result"]) == ("retry", old["id"], {"a": 1})


async def test_an_unfinished_execution_is_not_retried(api: Api) -> None:
    started = (await api("POST", "/functions/sample.wait/invoke", json={})).json()
    response = await api("POST", f"/executions/{started['executionId']}/retry")
    assert (response.status_code, response.json()["code"]) == (409, "execution_not_ended")
    await api("POST", f"/executions/{started['executionId']}/cancel")
    await api.ended(started["executionId"])


@pytest.mark.parametrize("id", ["nope", "0000000000000", "%00", "x" * 300])
@pytest.mark.parametrize("route", ["GET ", "POST /cancel", "POST /retry", "GET /log", "GET /log/stream"])
async def test_an_unknown_execution_is_404(api: Api, route: str, id: str) -> None:
    method, tail = route.split(" ")
    response = await api(method, f"/executions/{id}{tail}")
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


async def test_the_log_is_read_in_pages(api: Api) -> None:
    execution = await api.invoke("sample.lines", {"count": 5})
    path = f"/executions/{execution['id']}/log"
    whole = await api.get(path)
    assert whole.keys() == {"list", "total", "nextOffset", "truncated"}
    assert whole["total"] == len(whole["list"]) >= 5
    assert (whole["nextOffset"], whole["truncated"]) == (None, False)
    assert [line["seq"] for line in whole["list"]] == list(range(1, whole["total"] + 1))
    line = next(line for line in whole["list"] if line["text"] == "line 3")
    assert line.keys() == {"seq", "at", "stream", "level", "attempt", "text"}
    assert (line["stream"], line["level"], line["attempt"]) == ("log", "info", 1)
    first = await api.get(path, params={"limit": 2})
    assert first["nextOffset"] == 2
    rest = await api.get(path, params={"offset": 2})
    assert first["list"] + rest["list"] == whole["list"]
    assert (await api.get(path, params={"offset": 1000}))["list"] == []
    assert (await api("GET", f"{path}?limit=0")).status_code == 422
    assert (await api("GET", f"{path}?offset=-1")).status_code == 422


async def test_several_statuses_are_asked_for_with_commas(api: Api) -> None:
    await api.invoke("sample.echo")
    found = await api.get("/executions?status=success,failed&pageSize=100")
    assert found["list"]
    assert {execution["status"] for execution in found["list"]} <= {"success", "failed"}
    assert fields_at_fault(await api("GET", "/executions?status=success,great")) == ["status"]
