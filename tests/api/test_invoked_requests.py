"""HTTP requests that are made once, without a task."""

from __future__ import annotations

import pytest

from tests.api.conftest import API, TOKEN, Api, fields_at_fault, new_name

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_request_is_made_once_and_told(api: Api, live_url: str) -> None:
    body = {
        "httpMethod": "GET",
        "httpUrl": f"{live_url}{API}/me",
        "httpHeaders": {"Authorization": f"Bearer {TOKEN}"},
        "httpExpectBody": '"permissions"',
    }

    response = await api("POST", "/requests/invoke?wait=30", json=body)

    assert response.status_code == 200, response.text
    ended = response.json()
    assert (ended["status"], ended["type"], ended["trigger"], ended["taskId"]) == ("success", "http", "api", None)
    assert ended["payload"]["httpUrl"] == body["httpUrl"]
    assert ended["timeoutSeconds"] == 300
    assert ended["payload"]["httpHeaders"] == {"Authorization": "********"}
    assert TOKEN not in response.text
    log = await api.get(f"/executions/{ended['id']}/log")
    assert log["total"] > 0


async def test_what_it_expects_decides(api: Api, live_url: str) -> None:
    url = f"{live_url}/healthz"

    other_status = await api("POST", "/requests/invoke?wait=30", json={"httpUrl": url, "httpExpectStatus": ["404"]})
    other_body = await api("POST", "/requests/invoke?wait=30", json={"httpUrl": url, "httpExpectBody": "nothing"})

    assert [(it.json()["status"], it.json()["reason"]) for it in (other_status, other_body)] == [
        ("failed", "http_status"),
        ("failed", "http_body"),
    ]


async def test_without_waiting_it_is_queued_and_a_repeat_is_the_same(api: Api, live_url: str) -> None:
    key = {"Idempotency-Key": new_name()}
    body = {"httpUrl": f"{live_url}/healthz"}

    first = await api("POST", "/requests/invoke", json=body, headers=key)

    assert first.status_code == 202
    assert first.headers["location"] == f"{API}/executions/{first.json()['executionId']}"
    assert (await api("POST", "/requests/invoke", json=body, headers=key)).json() == first.json()
    ended = await api.ended(first.json()["executionId"])
    assert ended["status"] == "success"
    again = await api("POST", f"/executions/{ended['id']}/retry")
    assert again.status_code == 202
    assert (await api.ended(again.json()["executionId"]))["status"] == "success"


async def test_it_may_reach_only_what_tasks_may(api: Api) -> None:
    response = await api("POST", "/requests/invoke?wait=30", json={"httpUrl": "http://169.254.169.254/latest"})
    assert (response.json()["status"], response.json()["reason"]) == ("failed", "http_refused")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "httpUrl"),
        ({"httpUrl": "ftp://example.com"}, "httpUrl"),
        ({"httpUrl": "http://127.0.0.1/", "httpMethod": "TRACE"}, "httpMethod"),
        ({"httpUrl": "http://127.0.0.1/", "httpHeaders": {"a b": "c"}}, "httpHeaders"),
        ({"httpUrl": "http://127.0.0.1/", "timeoutSeconds": 0}, "timeoutSeconds"),
        ({"httpUrl": "http://127.0.0.1/", "maxRetries": 1}, "maxRetries"),
    ],
)
async def test_a_faulty_request_is_refused_by_its_field(api: Api, body: dict[str, object], field: str) -> None:
    response = await api("POST", "/requests/invoke", json=body)

    assert response.status_code == 422
    assert fields_at_fault(response) == [field]


async def test_the_draft_of_a_task_is_tried_out_with_what_signs_it_in(api: Api, live_url: str) -> None:
    url = f"{live_url}{API}/me"
    task = await api.make_task(httpUrl=url, httpHeaders={"Authorization": f"Bearer {TOKEN}"})
    draft = {"httpUrl": url, "httpHeaders": task["httpHeaders"]}
    assert draft["httpHeaders"] == {"Authorization": "********"}

    refused = await api("POST", "/requests/invoke", json=draft)
    tried = await api("POST", "/requests/invoke?wait=30", json=draft | {"taskId": task["id"]})

    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "masked")
    assert (tried.status_code, tried.json()["status"]) == (200, "success"), tried.text
