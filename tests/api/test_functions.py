"""Functions, plugins and schedules over REST."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, fields_at_fault, new_name

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_functions_are_listed_with_their_schemas(api: Api) -> None:
    listed = {function["name"]: function for function in (await api.get("/functions"))["list"]}
    report = listed["sample.report"]
    assert list(listed) == sorted(listed)
    assert report.keys() == {
        "name", "title", "plugin", "version", "description", "payloadSchema", "isolation", "isAsync",
        "timeoutSeconds", "memoryMb", "maxRetries", "retryDelaySeconds", "retryBackoff", "retryMaxDelaySeconds",
        "retryJitterPercent", "retryOn", "noRetryOn", "idempotent", "tags", "taskCount", "last7Days",
    }  # fmt: skip
    assert (report["plugin"], report["version"], report["isolation"]) == ("sample-plugin", "1.2.3", "worker")
    assert (report["isAsync"], report["timeoutSeconds"], report["maxRetries"]) == (True, 30, None)
    assert report["description"].startswith("Build the report")
    assert report["payloadSchema"]["properties"]["days"]["maximum"] == 90
    assert await api.get("/functions/sample.report") == report


async def test_a_function_counts_its_tasks(api: Api) -> None:
    before = (await api.get("/functions/sample.lines"))["taskCount"]
    await api.make_task(type="function", httpUrl=None, functionName="sample.lines")
    assert (await api.get("/functions/sample.lines"))["taskCount"] == before + 1


@pytest.mark.parametrize("name", ["no.such", "x", "%00", "a" * 500])
@pytest.mark.parametrize("route", ["GET ", "POST /invoke"])
async def test_an_unknown_function_is_404_whatever_the_body(api: Api, route: str, name: str) -> None:
    method, tail = route.split(" ")
    response = await api(method, f"/functions/{name}{tail}", content=b"{broken")
    assert response.status_code == 404
    fields_at_fault(response)


async def test_invoke_answers_at_once_without_wait(api: Api) -> None:
    response = await api("POST", "/functions/sample.echo/invoke", json={"payload": {"a": 1}})
    assert response.status_code == 202
    execution_id = response.json()["executionId"]
    assert response.json() == {"executionId": execution_id}
    assert response.headers["location"] == f"/api/scheduler/executions/{execution_id}"
    ended = await api.ended(execution_id)
    assert (ended["taskId"], ended["trigger"], ended["result"]) == (None, "api", {"a": 1})


async def test_invoke_gives_up_waiting(api: Api) -> None:
    response = await api("POST", "/functions/sample.wait/invoke?wait=1", json={})
    assert response.status_code == 202
    await api("POST", f"/executions/{response.json()['executionId']}/cancel")
    await api.ended(response.json()["executionId"])


async def test_invoke_obeys_its_time_limit(api: Api) -> None:
    body = {"payload": {"seconds": 60}, "timeoutSeconds": 1}
    response = await api("POST", "/functions/sample.wait/invoke?wait=30", json=body)
    assert response.status_code == 200
    assert (response.json()["status"], response.json()["timeoutSeconds"]) == ("timed_out", 1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"payload": {}}, "payload.region"),
        ({"payload": {"region": "n", "days": "7"}}, "payload.days"),
        ({"payload": []}, "payload"),
        ({"payload": {"region": "n"}, "timeoutSeconds": 0}, "timeoutSeconds"),
        ({"payload": {"region": "n"}, "priority": 1}, "priority"),
    ],
)
async def test_invoke_refuses_and_names_the_field(api: Api, body: dict[str, Any], field: str) -> None:
    response = await api("POST", "/functions/sample.report/invoke", json=body)
    assert response.status_code == 422, response.text
    assert fields_at_fault(response) == [field]


@pytest.mark.parametrize("wait", ["61", "-1", "x", "1.5"])
async def test_invoke_refuses_a_bad_wait(api: Api, wait: str) -> None:
    response = await api("POST", f"/functions/sample.echo/invoke?wait={wait}", json={})
    assert fields_at_fault(response) == ["wait"]


async def test_an_idempotency_key_invokes_once(api: Api) -> None:
    key = {"Idempotency-Key": new_name()}
    path = "/functions/sample.echo/invoke"
    first = await api("POST", path, json={"payload": {"a": 1}}, headers=key)
    second = await api("POST", path, json={"payload": {"a": 1}}, headers=key)
    waited = await api("POST", f"{path}?wait=30", json={"payload": {"a": 1}}, headers=key)
    assert first.json() == second.json()
    assert waited.json()["id"] == first.json()["executionId"]
    other = await api("POST", path, json={"payload": {"a": 2}}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_plugins_are_listed(api: Api) -> None:
    listed = {plugin["name"]: plugin for plugin in (await api.get("/plugins"))["list"]}
    sample = listed["sample-plugin"]
    assert sample.keys() == {
        "name", "version", "status", "error", "functions", "warnings", "importSeconds", "hooks", "hookFaults",
        "entryPoints",
    }  # fmt: skip
    assert (sample["version"], sample["status"], sample["error"]) == ("1.2.3", "ok", None)
    assert "sample.report" in sample["functions"]


async def test_rescan_answers_the_list(api: Api) -> None:
    response = await api("POST", "/plugins/rescan")
    assert response.status_code == 200
    assert "sample-plugin" in [plugin["name"] for plugin in response.json()["list"]]


async def test_preview_says_what_a_schedule_means(api: Api) -> None:
    body = {"cronExpression": "0 9 * * 1-5", "timezone": "Europe/Berlin", "after": "2026-03-27T12:00:00+01:00"}
    response = await api("POST", "/schedules/preview", json=body | {"count": 2})
    preview = response.json()
    assert response.status_code == 200
    assert preview["description"] == "At 09:00, Monday through Friday"
    assert preview["nextRuns"] == ["2026-03-30T07:00:00.000Z", "2026-03-31T07:00:00.000Z"]
    assert preview["occurrences"][0] == {
        "at": "2026-03-30T07:00:00.000Z",
        "local": "2026-03-30T09:00:00",
        "offset": "+02:00",
        "timezone": "Europe/Berlin",
        "note": None,
        "rule": 0,
        "excludedBy": None,
        "paused": False,
        "startsAt": preview["nextRuns"][0],
    }
    assert preview["timezone"] == "Europe/Berlin"
    assert 0.7 < preview["runsPerDay"] < 0.72
    assert preview["warnings"] == []


async def test_preview_gives_five_fire_times_from_now(api: Api) -> None:
    response = await api("POST", "/schedules/preview", json={"cronExpression": "*/10 * * * * *"})
    assert len(response.json()["nextRuns"]) == 5
    assert response.json()["timezone"] == "UTC"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "cronExpression"),
        ({"cronExpression": None}, "cronExpression"),
        ({"cronExpression": "x"}, "cronExpression"),
        ({"cronExpression": "* * * * * * * * *"}, "cronExpression"),
        ({"cronExpression": "0 0 31 2 *"}, "cronExpression"),
        ({"cronExpression": "@daily", "timezone": "Nowhere"}, "timezone"),
        ({"cronExpression": "@daily", "count": 0}, "count"),
        ({"cronExpression": "@daily", "count": 101}, "count"),
        ({"cronExpression": "@daily", "count": "5"}, "count"),
        ({"cronExpression": "@daily", "after": "tomorrow"}, "after"),
        ({"cronExpression": "@daily", "after": 5}, "after"),
        ({"cronExpression": "@daily", "every": 5}, "every"),
    ],
)
async def test_preview_refuses_and_names_the_field(api: Api, body: dict[str, Any], field: str) -> None:
    response = await api("POST", "/schedules/preview", json=body)
    assert response.status_code == 422, response.text
    assert fields_at_fault(response) == [field]


async def test_preview_names_the_place_of_the_fault(api: Api) -> None:
    response = await api("POST", "/schedules/preview", json={"cronExpression": "0 9 * * mon-fru"})
    error = response.json()["errors"][0]
    assert error["code"]
    assert isinstance(error["position"], int)


@pytest.mark.parametrize("after", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_preview_at_the_end_of_time_is_no_error(api: Api, after: str) -> None:
    response = await api("POST", "/schedules/preview", json={"cronExpression": "0 0 29 2 *", "after": after})
    assert response.status_code == 200, response.text
