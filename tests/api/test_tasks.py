"""Tasks over REST."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from cronplug.schedules import tzdata_version
from tests.api.conftest import Api, fields_at_fault, new_name

pytestmark = pytest.mark.asyncio(loop_scope="session")

MINIMAL = {"name": "minimal", "type": "http", "httpUrl": "https://example.com/hook"}


async def test_a_new_task_has_the_documented_defaults(api: Api) -> None:
    response = await api("POST", "/tasks", json=MINIMAL)
    task = response.json()
    assert response.status_code == 201
    assert response.headers["location"] == f"/api/scheduler/tasks/{task['id']}"
    assert response.headers["etag"] == '"1"'
    assert task["createdAt"].endswith("Z")
    assert len(task["createdAt"]) == len("2026-01-31T08:00:00.000Z")
    assert {name: task[name] for name in task.keys() - {"id", "createdAt", "updatedAt"}} == {
        "name": "minimal",
        "description": "",
        "tags": [],
        "enabled": True,
        "type": "http",
        "cronExpression": None,
        "timezone": "UTC",
        "schedules": [],
        "startAt": None,
        "endAt": None,
        "jitterSeconds": 0,
        "maxExecutions": None,
        "pausedUntil": None,
        "functionName": None,
        "functionPayload": {},
        "httpMethod": "GET",
        "httpUrl": "https://example.com/hook",
        "httpHeaders": {},
        "httpBody": None,
        "catchUp": "none",
        "catchUpWindowSeconds": 86400,
        "catchUpMax": 100,
        "misfireGraceSeconds": 300,
        "overlap": "skip",
        "overlapQueueMax": 10,
        "delivery": "at_least_once",
        "maxRetries": 0,
        "retryDelaySeconds": 60,
        "retryBackoff": "fixed",
        "retryMaxDelaySeconds": 3600,
        "retryJitterPercent": 0,
        "retryOn": [],
        "httpExpectStatus": ["2xx"],
        "httpExpectBody": None,
        "httpRetryStatus": [],
        "noRetryOn": [],
        "timeoutSeconds": 300,
        "revision": 1,
        "state": "manual",
        "nextRunAt": None,
        "firedCount": 0,
        "tzdataVersion": tzdata_version(),
        "scheduleDescription": None,
        "scheduleShort": None,
        "scheduleError": None,
        "failingSince": None,
        "lastExecution": None,
        "recentResults": [],
    }


async def test_a_function_task_with_a_schedule_is_active(api: Api) -> None:
    task = await api.make_task(
        type="function",
        httpUrl=None,
        functionName="sample.report",
        functionPayload={"region": "north"},
        cronExpression="0 9 * * 1-5",
        timezone="Europe/Berlin",
        enabled=True,
    )
    assert task["state"] == "active"
    assert task["nextRunAt"] is not None
    assert task["scheduleDescription"] == "At 09:00, Monday through Friday"
    assert task["scheduleShort"] == "Weekdays 09:00"
    assert (await api.get(f"/tasks/{task['id']}"))["task"] == task


@pytest.mark.parametrize(
    ("given", "answered"),
    [
        ({"catchUp": True}, {"catchUp": "last"}),
        ({"catchUp": 1}, {"catchUp": "last"}),
        ({"catchUp": False}, {"catchUp": "none"}),
        ({"catchUp": 0}, {"catchUp": "none"}),
        ({"catchUp": "all"}, {"catchUp": "all"}),
        ({"enabled": 0}, {"enabled": False}),
        ({"enabled": 1}, {"enabled": True}),
        ({"httpHeaders": '{"X-A": "b"}'}, {"httpHeaders": {"X-A": "b"}}),
        ({"functionPayload": '{"a": [1]}'}, {"functionPayload": {"a": [1]}}),
        ({"functionPayload": None, "tags": None, "httpBody": None}, {"functionPayload": {}, "tags": []}),
        ({"tags": ["b", "a", "b"]}, {"tags": ["b", "a"]}),
        ({"timeoutSeconds": 604800, "maxRetries": 100}, {"timeoutSeconds": 604800, "maxRetries": 100}),
        ({"timeoutSeconds": 5.0}, {"timeoutSeconds": 5}),
        ({"cronExpression": None, "timezone": None}, {"cronExpression": None, "timezone": "UTC"}),
        ({"name": "日本語 ✓ " + "x" * 190}, {"name": "日本語 ✓ " + "x" * 190}),
    ],
)
async def test_accepts_what_the_contract_allows(api: Api, given: dict[str, Any], answered: dict[str, Any]) -> None:
    response = await api("POST", "/tasks", json=MINIMAL | {"enabled": False} | given)
    assert response.status_code == 201, response.text
    assert {name: response.json()[name] for name in answered} == answered


REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"name": ""}, ["name"]),
    ({"name": "   "}, ["name"]),
    ({"name": "x" * 201}, ["name"]),
    ({"name": 5}, ["name"]),
    ({"name": None}, ["name"]),
    ({"type": "shell"}, ["type"]),
    ({"type": None}, ["type"]),
    ({"cronExpression": ""}, ["cronExpression"]),
    ({"cronExpression": "* * *"}, ["cronExpression"]),
    ({"cronExpression": "61 * * * *"}, ["cronExpression"]),
    ({"cronExpression": "0 0 30 2 *"}, ["cronExpression"]),
    ({"cronExpression": "* " * 200}, ["cronExpression"]),
    ({"timezone": "Mars/Olympus"}, ["timezone"]),
    ({"timezone": 1}, ["timezone"]),
    ({"httpUrl": None}, ["httpUrl"]),
    ({"httpUrl": "ftp://example.com"}, ["httpUrl"]),
    ({"httpUrl": "/relative"}, ["httpUrl"]),
    ({"httpUrl": "http://"}, ["httpUrl"]),
    ({"httpUrl": "http://[::1"}, ["httpUrl"]),
    ({"httpUrl": "http://example.com:99999/"}, ["httpUrl"]),
    ({"httpUrl": "http://exam ple.com/"}, ["httpUrl"]),
    ({"httpMethod": "BREW"}, ["httpMethod"]),
    ({"httpMethod": None}, ["httpMethod"]),
    ({"httpHeaders": {"X-A": 1}}, ["httpHeaders"]),
    ({"httpHeaders": {"X A": "b"}}, ["httpHeaders"]),
    ({"httpHeaders": {"X-A": "b\r\nX-B: c"}}, ["httpHeaders"]),
    ({"httpHeaders": "[]"}, ["httpHeaders"]),
    ({"httpBody": 5}, ["httpBody"]),
    ({"functionPayload": []}, ["functionPayload"]),
    ({"functionPayload": "[1]"}, ["functionPayload"]),
    ({"functionPayload": '{"a": NaN}'}, ["functionPayload"]),
    ({"functionPayload": '{"a": "\\u0000"}'}, ["functionPayload"]),
    ({"functionPayload": "nonsense"}, ["functionPayload"]),
    ({"catchUp": "sometimes"}, ["catchUp"]),
    ({"catchUp": 2}, ["catchUp"]),
    ({"catchUp": None}, ["catchUp"]),
    ({"enabled": "yes"}, ["enabled"]),
    ({"enabled": 2}, ["enabled"]),
    ({"enabled": None}, ["enabled"]),
    ({"maxRetries": -1}, ["maxRetries"]),
    ({"maxRetries": 101}, ["maxRetries"]),
    ({"maxRetries": "5"}, ["maxRetries"]),
    ({"maxRetries": True}, ["maxRetries"]),
    ({"maxRetries": 1.5}, ["maxRetries"]),
    ({"retryDelaySeconds": 0}, ["retryDelaySeconds"]),
    ({"retryDelaySeconds": 86_401}, ["retryDelaySeconds"]),
    ({"timeoutSeconds": 0}, ["timeoutSeconds"]),
    ({"timeoutSeconds": 604_801}, ["timeoutSeconds"]),
    ({"timeoutSeconds": 10**30}, ["timeoutSeconds"]),
    ({"overlap": "queue up"}, ["overlap"]),
    ({"delivery": "once"}, ["delivery"]),
    ({"tags": "a"}, ["tags"]),
    ({"tags": [""]}, ["tags.0"]),
    ({"tags": [1]}, ["tags.0"]),
    ({"colour": "red"}, ["colour"]),
    ({"id": "x"}, ["id"]),
    ({"cron_expression": "* * * * *"}, ["cron_expression"]),
    ({"type": "function"}, ["functionName"]),
    ({"type": "function", "functionName": "no.such"}, ["functionName"]),
    ({"type": "function", "functionName": "sample.report"}, ["functionPayload.region"]),
    (
        {"type": "function", "functionName": "sample.report", "functionPayload": {"region": "n", "days": 91}},
        ["functionPayload.days"],
    ),
    ({"maxRetries": -1, "colour": 1, "name": ""}, ["name", "maxRetries", "colour"]),
]


@pytest.mark.parametrize(("given", "fields"), REFUSED)
async def test_refuses_and_names_the_field(api: Api, given: dict[str, Any], fields: list[str]) -> None:
    if given.get("timeoutSeconds") == 10**30:
        response = await api("POST", "/tasks", json=MINIMAL | given)
        assert response.status_code == 400  # no 64-bit number: not readable by other programs
        return
    created = await api("POST", "/tasks", json=MINIMAL | given)
    assert created.status_code == 422, created.text
    assert fields_at_fault(created) == fields
    assert created.json()["code"] == "invalid"


@pytest.mark.parametrize(("given", "fields"), [row for row in REFUSED if "timeoutSeconds" not in row[0]])
async def test_a_refused_change_changes_nothing(api: Api, given: dict[str, Any], fields: list[str]) -> None:
    task = await api.make_task()
    response = await api("PUT", f"/tasks/{task['id']}", json=given)
    assert response.status_code == 422, response.text
    assert fields_at_fault(response) == fields
    assert (await api.get(f"/tasks/{task['id']}"))["task"] == task


async def test_a_fault_in_an_expression_has_its_position(api: Api) -> None:
    response = await api("POST", "/tasks", json=MINIMAL | {"cronExpression": "0 99 * * *"})
    error = response.json()["errors"][0]
    assert error["field"] == "cronExpression"
    assert error["position"] == 2
    assert error["code"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_an_update_changes_only_the_given_fields(api: Api, method: str) -> None:
    task = await api.make_task(description="before", maxRetries=3, httpBody="x")
    response = await api(method, f"/tasks/{task['id']}", json={"description": "after", "httpBody": None})
    changed = response.json()
    assert response.status_code == 200
    assert response.headers["etag"] == '"2"'
    different = {name for name in task if task[name] != changed[name]}
    assert different == {"description", "httpBody", "revision", "updatedAt"}
    assert (changed["description"], changed["httpBody"]) == ("after", None)


async def test_null_clears_optional_fields(api: Api) -> None:
    task = await api.make_task(
        description="d", tags=["a"], cronExpression="@daily", timezone="Asia/Tokyo", httpHeaders={"A": "b"}
    )
    clear = {"description": None, "tags": None, "cronExpression": None, "timezone": None, "httpHeaders": None}
    changed = (await api("PUT", f"/tasks/{task['id']}", json=clear)).json()
    assert {name: changed[name] for name in clear} == {
        "description": "",
        "tags": [],
        "cronExpression": None,
        "timezone": "UTC",
        "httpHeaders": {},
    }


async def test_an_update_is_checked_as_the_merged_task(api: Api) -> None:
    task = await api.make_task()
    response = await api("PUT", f"/tasks/{task['id']}", json={"type": "function"})
    assert response.status_code == 422
    assert fields_at_fault(response) == ["functionName"]
    both = {"type": "function", "functionName": "sample.echo"}
    assert (await api("PUT", f"/tasks/{task['id']}", json=both)).status_code == 200


async def test_a_change_from_a_stale_copy_is_refused(api: Api) -> None:
    task = await api.make_task()
    path = f"/tasks/{task['id']}"
    stale = {"If-Match": '"1"'}
    assert (await api("PUT", path, json={"description": "a"}, headers=stale)).status_code == 200
    response = await api("PUT", path, json={"description": "b"}, headers=stale)
    assert response.status_code == 412
    assert response.json()["code"] == "stale_revision"
    assert (await api.get(path))["task"]["description"] == "a"


@pytest.mark.parametrize(
    ("header", "status"),
    [('"1"', 200), ("*", 200), ('"7", "1"', 200), ('W/"1"', 412), ('"7"', 412), ("1", 412), ("nonsense", 412)],
)
async def test_if_match_is_read_as_http_says(api: Api, header: str, status: int) -> None:
    task = await api.make_task()
    response = await api("PATCH", f"/tasks/{task['id']}", json={"description": "x"}, headers={"If-Match": header})
    assert response.status_code == status


async def test_toggle_switches_and_plans(api: Api) -> None:
    task = await api.make_task(cronExpression="0 0 1 1 *")
    on = await api("POST", f"/tasks/{task['id']}/toggle", json={"enabled": True})
    assert on.status_code == 200
    assert on.headers["etag"] == '"2"'
    assert (on.json()["enabled"], on.json()["state"]) == (True, "active")
    assert on.json()["nextRunAt"] is not None
    off = (await api("POST", f"/tasks/{task['id']}/toggle", json={"enabled": 0})).json()
    assert (off["enabled"], off["state"], off["nextRunAt"]) == (False, "disabled", None)


@pytest.mark.parametrize("body", [{}, {"enabled": None}, {"enabled": "true"}, {"enabled": True, "x": 1}])
async def test_toggle_refuses_other_bodies(api: Api, body: dict[str, Any]) -> None:
    task = await api.make_task()
    assert (await api("POST", f"/tasks/{task['id']}/toggle", json=body)).status_code == 422


@pytest.mark.parametrize("id", ["nope", "0000000000000", "a" * 500, "..", "%00", "%ff", "1", "-1", "日本"])
@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("GET", ""), ("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/trigger"), ("POST", "/toggle"),
        ("GET", "/forecast"),
    ],
)  # fmt: skip
async def test_an_unknown_id_is_404_whatever_the_body(api: Api, method: str, tail: str, id: str) -> None:
    if id == "..":
        id = "%2e%2e"
    content = None if method in ("GET", "DELETE") else b"{broken"
    response = await api(method, f"/tasks/{id}{tail}", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 404, response.text
    assert fields_at_fault(response) == []
    assert response.json()["code"] == "not_found"


async def test_deleting_is_final(api: Api) -> None:
    task = await api.make_task()
    response = await api("DELETE", f"/tasks/{task['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert (await api("DELETE", f"/tasks/{task['id']}")).status_code == 404
    assert (await api("GET", f"/tasks/{task['id']}")).status_code == 404


async def test_a_task_with_a_running_execution_is_deleted_only_by_force(api: Api) -> None:
    task = await api.make_task(type="function", httpUrl=None, functionName="sample.wait")
    started = (await api("POST", f"/tasks/{task['id']}/trigger")).json()
    await api.running(started["executionId"])
    refused = await api("DELETE", f"/tasks/{task['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "task_running")
    assert (await api("DELETE", f"/tasks/{task['id']}?force=true")).status_code == 204
    ended = await api.ended(started["executionId"])
    assert (ended["status"], ended["taskId"], ended["taskName"]) == ("cancelled", task["id"], task["name"])


async def test_trigger_runs_a_disabled_task_with_another_payload(api: Api) -> None:
    task = await api.make_task(
        type="function", httpUrl=None, functionName="sample.report", functionPayload={"region": "n"}
    )
    response = await api("POST", f"/tasks/{task['id']}/trigger", json={"payload": {"region": "south"}})
    answer = response.json()
    assert response.status_code == 202
    assert answer["triggered"] is True
    assert response.headers["location"] == f"/api/scheduler/executions/{answer['executionId']}"
    ended = await api.ended(answer["executionId"])
    assert (ended["trigger"], ended["status"]) == ("manual", "success")
    assert ended["result"] == {"region": "south", "days": 7}
    assert ended["payload"] == {"region": "south"}
    detail = await api.get(f"/tasks/{task['id']}")
    assert [execution["id"] for execution in detail["recentExecutions"]] == [answer["executionId"]]
    assert detail["task"]["lastExecution"]["id"] == answer["executionId"]
    assert [result["status"] for result in detail["task"]["recentResults"]] == ["success"]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"payload": null}'])
async def test_trigger_without_a_payload_takes_the_stored_one(api: Api, content: bytes) -> None:
    task = await api.make_task(
        type="function", httpUrl=None, functionName="sample.report", functionPayload={"region": "n"}
    )
    headers = {"Content-Type": "application/json"} if content else {}
    response = await api("POST", f"/tasks/{task['id']}/trigger", content=content, headers=headers)
    ended = await api.ended(response.json()["executionId"])
    assert ended["result"] == {"region": "n", "days": 7}
    assert ended["payload"] == {"region": "n"}


async def test_trigger_checks_the_payload(api: Api) -> None:
    task = await api.make_task(
        type="function", httpUrl=None, functionName="sample.report", functionPayload={"region": "n"}
    )
    response = await api("POST", f"/tasks/{task['id']}/trigger", json={"payload": {"region": 5}})
    assert response.status_code == 422
    assert fields_at_fault(response) == ["payload.region"]


async def test_forecast_shows_coming_fire_times(api: Api) -> None:
    task = await api.make_task(cronExpression="0 0 1 1 *", enabled=True)
    forecast = await api.get(f"/tasks/{task['id']}/forecast?count=3")
    assert len(forecast["nextRuns"]) == 3
    assert forecast["nextRuns"][0] == task["nextRunAt"]
    assert [occurrence["at"] for occurrence in forecast["occurrences"]] == forecast["nextRuns"]


@pytest.mark.parametrize("fields", [{"cronExpression": "@daily", "enabled": False}, {"enabled": True}])
async def test_a_task_without_fire_times_has_an_empty_forecast(api: Api, fields: dict[str, Any]) -> None:
    task = await api.make_task(**fields)
    assert (await api.get(f"/tasks/{task['id']}/forecast"))["nextRuns"] == []


async def test_lists_are_filtered_sorted_and_paged(api: Api) -> None:
    tag = new_name()
    for name in ("b", "a", "c"):
        await api.make_task(name=f"{tag} {name}", tags=[tag], enabled=name == "a")
    newest_first = await api.get("/tasks", params={"tag": tag})
    assert [task["name"][-1] for task in newest_first["list"]] == ["c", "a", "b"]
    assert newest_first.keys() == {"list", "total", "page", "pageSize", "registeredFunctions"}
    assert (newest_first["total"], newest_first["page"], newest_first["pageSize"]) == (3, 1, 20)
    assert "sample.report" in newest_first["registeredFunctions"]
    by_name = await api.get("/tasks", params={"tag": tag, "sort": "name", "pageSize": 2, "page": 2})
    assert [task["name"][-1] for task in by_name["list"]] == ["c"]
    for enabled, names in [("true", "a"), ("1", "a"), ("false", "cb"), ("0", "cb")]:
        found = await api.get("/tasks", params={"tag": tag, "enabled": enabled})
        assert "".join(task["name"][-1] for task in found["list"]) == names
    assert (await api.get("/tasks", params={"q": f"{tag} b"}))["total"] == 1
    assert (await api.get("/tasks", params={"tag": tag, "type": "function"}))["total"] == 0
    assert (await api.get("/tasks", params={"tag": tag, "page": 1_000_000}))["list"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=x", "page"),
        ("page=1.0", "page"),
        ("page=%2B1", "page"),
        ("page=", "page"),
        ("page=99999999999999999999", "page"),
        ("pageSize=0", "pageSize"),
        ("pageSize=101", "pageSize"),
        ("page_size=5", "page_size"),
        ("enabled=yes", "enabled"),
        ("enabled=True", "enabled"),
        ("enabled=", "enabled"),
        ("type=shell", "type"),
        ("sort=size", "sort"),
        ("colour=red", "colour"),
        ("page=1&page=2", "page"),
        ("q=%00", "q"),
        ("tag=a%00", "tag"),
        ("tag=a&tag=b%00", "tag"),
        ("&".join(f"tag={n}" for n in range(21)), "tag"),
        ("q=a&q=b", "q"),
        (f"q={'x' * 201}", "q"),
    ],
)
async def test_bad_query_values_are_refused_by_name(api: Api, query: str, field: str) -> None:
    response = await api("GET", f"/tasks?{query}")
    assert response.status_code == 422, response.text
    assert fields_at_fault(response) == [field]


async def test_several_tags_find_the_tasks_that_have_all_of_them(api: Api) -> None:
    one, other = new_name(), new_name()
    both = await api.make_task(tags=[other, one], enabled=False)
    await api.make_task(tags=[one], enabled=False)

    found = await api.get("/tasks", params={"tag": [one, other]})

    assert ([task["id"] for task in found["list"]], found["total"]) == ([both["id"]], 1)
    assert (await api.get("/tasks", params={"tag": [one, "elsewhere"]}))["total"] == 0


async def test_an_idempotency_key_makes_one_task(api: Api) -> None:
    key = {"Idempotency-Key": new_name()}
    body = MINIMAL | {"name": new_name(), "enabled": False}
    answers = await asyncio.gather(*(api("POST", "/tasks", json=body, headers=key) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert (await api.get("/tasks", params={"q": body["name"]}))["total"] == 1
    other = await api("POST", "/tasks", json=body | {"description": "other"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_an_idempotency_key_makes_one_execution(api: Api) -> None:
    task = await api.make_task(type="function", httpUrl=None, functionName="sample.echo")
    key = {"Idempotency-Key": new_name()}

    async def trigger(**body: Any) -> httpx.Response:
        return await api("POST", f"/tasks/{task['id']}/trigger", json=body, headers=key)

    first, second = await trigger(payload={"a": 1}), await trigger(payload={"a": 1})
    assert first.json() == second.json()
    assert first.headers["location"] == second.headers["location"]
    assert (await trigger(payload={"a": 2})).status_code == 409
    assert (await api.get("/executions", params={"taskId": task["id"]}))["total"] == 1


@pytest.mark.parametrize("key", ["", "x" * 201])
async def test_a_bad_idempotency_key_is_refused(api: Api, key: str) -> None:
    response = await api("POST", "/tasks", json=MINIMAL, headers={"Idempotency-Key": key})
    assert response.status_code == 422
    assert fields_at_fault(response) == ["Idempotency-Key"]


async def test_tasks_are_found_by_the_function_they_run(api: Api) -> None:
    task = await api.make_task(type="function", functionName="sample.echo")
    other = await api.make_task(type="function", functionName="sample.report", functionPayload={"region": "n"})
    found = {listed["id"] for listed in (await api.get("/tasks?functionName=sample.echo&pageSize=100"))["list"]}
    assert task["id"] in found
    assert other["id"] not in found
