"""Secrets of payloads over REST: written, used, never shown."""

from __future__ import annotations

from typing import Any

import pytest

from cronplug.app import App
from cronplug.store import tasks
from tests.api.conftest import Api, fields_at_fault

pytestmark = pytest.mark.asyncio(loop_scope="session")

MASK = "********"
PAYLOAD = {"text": "hi", "token": "first-secret", "channels": [{"address": "a", "password": "channel-secret"}]}
MASKED = {"text": "hi", "token": MASK, "channels": [{"address": "a", "password": MASK}]}


async def make_sender(api: Api, **fields: Any) -> dict[str, Any]:
    return await api.make_task(
        **{"type": "function", "httpUrl": None, "functionName": "sample.send", "functionPayload": PAYLOAD, **fields}
    )


async def stored(core: App, task_id: str) -> Any:
    task = await core.store.read(lambda conn: tasks.select_task(conn, task_id))
    assert task is not None
    return task.definition


async def test_the_schema_says_that_they_are_written_only(api: Api) -> None:
    schema = (await api.get("/functions/sample.send"))["payloadSchema"]
    assert schema["properties"]["token"] | {"title": ""} == {
        "type": "string", "format": "password", "writeOnly": True, "minLength": 4, "title": "",
    }  # fmt: skip


async def test_no_answer_shows_one(api: Api, core: App) -> None:
    interval = {"kind": "interval", "everySeconds": 3600, "payload": {**PAYLOAD, "token": "rule-secret"}}
    task = await make_sender(api, schedules=[interval])
    triggered = await api("POST", f"/tasks/{task['id']}/trigger")
    by_hand = await api("POST", f"/tasks/{task['id']}/trigger", json={"payload": {"token": "given-secret"}})
    ids = [answer.json()["executionId"] for answer in (triggered, by_hand)]
    for execution_id in ids:
        await api.ended(execution_id)

    assert task["functionPayload"] == MASKED
    assert task["schedules"][0]["payload"] == MASKED
    shown = [await api("GET", f"/executions/{execution_id}") for execution_id in ids]
    assert [answer.json()["payload"] for answer in shown] == [MASKED, {"token": MASK}]
    paths = [
        f"/tasks/{task['id']}",
        "/tasks?pageSize=100",
        f"/executions?taskId={task['id']}",
        f"/tasks/{task['id']}/forecast",
    ]
    for answer in [*shown, *[await api("GET", path) for path in paths]]:
        assert answer.status_code == 200
        assert "-secret" not in answer.text


async def test_the_function_gets_them(api: Api) -> None:
    task = await make_sender(api)
    answer = await api("POST", f"/tasks/{task['id']}/trigger")
    ended = await api.ended(answer.json()["executionId"])
    assert ended["result"] == {"token": len("first-secret"), "passwords": [len("channel-secret")]}


async def test_what_was_read_can_be_sent_back_changed(api: Api, core: App) -> None:
    task = await make_sender(api, schedules=[{"kind": "interval", "everySeconds": 3600, "payload": PAYLOAD}])

    answer = await api(
        "PUT", f"/tasks/{task['id']}", json={"functionPayload": task["functionPayload"] | {"text": "bye"}}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["functionPayload"] == MASKED | {"text": "bye"}
    definition = await stored(core, task["id"])
    assert definition.function_payload == PAYLOAD | {"text": "bye"}

    same = await api("PUT", f"/tasks/{task['id']}", json={"schedules": task["schedules"]})
    assert same.json()["revision"] == answer.json()["revision"]
    new = await api("PUT", f"/tasks/{task['id']}", json={"functionPayload": MASKED | {"token": "second-secret"}})
    assert new.status_code == 200
    definition = await stored(core, task["id"])
    assert definition.function_payload == PAYLOAD | {"token": "second-secret"}
    assert definition.schedules[0].payload == PAYLOAD


async def test_a_trigger_may_send_the_mask_back(api: Api) -> None:
    task = await make_sender(api)
    answer = await api("POST", f"/tasks/{task['id']}/trigger", json={"payload": MASKED | {"channels": []}})
    assert answer.status_code == 202, answer.text
    assert (await api.ended(answer.json()["executionId"]))["result"] == {"token": 12, "passwords": []}


async def test_a_mask_that_stands_for_nothing_is_refused(api: Api) -> None:
    body = {"name": "x", "type": "function", "functionName": "sample.send", "functionPayload": MASKED}
    answer = await api("POST", "/tasks", json=body)
    assert answer.status_code == 422
    assert fields_at_fault(answer) == ["functionPayload.token", "functionPayload.channels.0.password"]
    assert {error["code"] for error in answer.json()["errors"]} == {"masked"}
    answer = await api("POST", "/functions/sample.send/invoke", json={"payload": {"token": MASK}})
    assert [(error["field"], error["pointer"]) for error in answer.json()["errors"]] == [
        ("payload.token", "/payload/token")
    ]


async def test_another_function_does_not_get_them(api: Api, core: App) -> None:
    task = await make_sender(api)
    answer = await api("PUT", f"/tasks/{task['id']}", json={"functionName": "sample.echo", "functionPayload": MASKED})
    assert answer.status_code == 200
    assert (await stored(core, task["id"])).function_payload == MASKED  # there it is an ordinary text


@pytest.mark.parametrize(
    ("method", "path", "body", "pointers"),
    [
        ("POST", "/tasks", {"name": "x", "type": "http", "httpUrl": "nope"}, ["/httpUrl"]),
        ("POST", "/tasks", {"name": "x", "type": "function", "functionName": "no.such"}, ["/functionName"]),
        (
            "POST",
            "/functions/sample.send/invoke",
            {"payload": {"token": "long enough", "channels": [{"address": "a"}, {}]}},
            ["/payload/channels/1/address"],
        ),
        ("POST", "/functions/sample.send/invoke?wait=x", {}, [None]),
        ("GET", "/tasks?page=0", None, [None]),
    ],
    ids=str,
)
async def test_faults_of_bodies_have_json_pointers(
    api: Api, method: str, path: str, body: Any, pointers: list[str | None]
) -> None:
    answer = await api(method, path, json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers


class TestRetriesOfFunctions:
    async def test_a_new_task_has_what_its_function_says(self, api: Api) -> None:
        task = await make_sender(api, retryDelaySeconds=7)
        assert (task["maxRetries"], task["retryDelaySeconds"], task["retryBackoff"], task["retryOn"]) == (
            4, 7, "exponential", ["ConnectionError"],
        )  # fmt: skip
        assert (await make_sender(api, maxRetries=0, retryOn=[]))["retryOn"] == []

    async def test_a_change_leaves_the_task_its_own(self, api: Api) -> None:
        task = await api.make_task()
        body = {"type": "function", "functionName": "sample.send", "functionPayload": PAYLOAD}
        answer = await api("PUT", f"/tasks/{task['id']}", json=body)
        assert (answer.status_code, answer.json()["maxRetries"]) == (200, 0)

    @pytest.mark.parametrize(("kind", "attempts"), [("ConnectionResetError", 2), ("ValueError", 1)])
    async def test_failures_are_tried_again_by_their_kind(self, api: Api, kind: str, attempts: int) -> None:
        task = await api.make_task(
            type="function", httpUrl=None, functionName="sample.raise", functionPayload={"kind": kind},
            maxRetries=1, retryDelaySeconds=1, retryOn=["ConnectionError"],
        )  # fmt: skip
        answer = await api("POST", f"/tasks/{task['id']}/trigger")
        ended = await api.ended(answer.json()["executionId"])
        assert (ended["status"], ended["attempt"]) == ("failed", attempts)


class TestExpectationsOfHttpTasks:
    async def test_they_are_kept(self, api: Api) -> None:
        fields = {"httpExpectStatus": ["204", "3xx"], "httpExpectBody": "fine", "httpRetryStatus": ["500-599"]}
        task = await api.make_task(**fields)
        assert {name: task[name] for name in fields} == fields
        cleared = await api("PUT", f"/tasks/{task['id']}", json=dict.fromkeys(fields))
        assert [cleared.json()[name] for name in fields] == [["2xx"], None, []]

    @pytest.mark.parametrize(
        ("field", "value", "at_fault"),
        [
            ("httpExpectStatus", [], "httpExpectStatus"),
            ("httpExpectStatus", ["600"], "httpExpectStatus.0"),
            ("httpExpectStatus", [200], "httpExpectStatus.0"),
            ("httpRetryStatus", ["2xx-3xx"], "httpRetryStatus.0"),
            ("httpRetryStatus", ["200"] * 21, "httpRetryStatus"),
            ("httpExpectBody", "", "httpExpectBody"),
            ("httpExpectBody", "x" * 1001, "httpExpectBody"),
        ],
    )
    async def test_bad_ones_are_refused(self, api: Api, field: str, value: object, at_fault: str) -> None:
        answer = await api(
            "POST", "/tasks", json={"name": "x", "type": "http", "httpUrl": "http://a.example", field: value}
        )
        assert fields_at_fault(answer) == [at_fault]


async def test_a_draft_is_tried_out_with_the_secrets_of_its_task(api: Api) -> None:
    task = await make_sender(api)
    draft = {"payload": MASKED | {"text": "draft"}, "taskId": task["id"]}

    response = await api("POST", "/functions/sample.send/invoke?wait=30", json=draft)

    assert response.status_code == 200, response.text
    assert response.json()["result"] == {"token": len("first-secret"), "passwords": [len("channel-secret")]}
    assert "-secret" not in response.text
    other = await api("POST", "/functions/sample.send/invoke", json=draft | {"taskId": "nonsense"})
    assert (other.status_code, fields_at_fault(other)) == (422, ["taskId"])
    elsewhere = await api.make_task()
    refused = await api("POST", "/functions/sample.send/invoke", json=draft | {"taskId": elsewhere["id"]})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "masked")


URL = "https://ada:url-secret@shop.example.com:8443/a?b=c@d"
SHOWN = "https://ada:********@shop.example.com:8443/a?b=c@d"
SECRET_HEADERS = {
    "Authorization": "Bearer header-secret",
    "x-api-key": "key-secret",
    "X-Auth-Token": "token-secret",
}
HEADERS = {**SECRET_HEADERS, "Accept": "text/plain", "Idempotency-Key": "one"}


class TestRequests:
    """Those of HTTP tasks: headers that sign in, and passwords in addresses."""

    async def make(self, api: Api, **fields: Any) -> dict[str, Any]:
        return await api.make_task(httpUrl=URL, httpHeaders=HEADERS, **fields)

    async def test_no_answer_shows_them(self, api: Api) -> None:
        task = await self.make(api)

        assert (task["httpUrl"], task["httpHeaders"]) == (SHOWN, HEADERS | dict.fromkeys(SECRET_HEADERS, MASK))
        for path in (f"/tasks/{task['id']}", "/tasks?pageSize=100", f"/tasks/{task['id']}/forecast"):
            assert "-secret" not in (await api("GET", path)).text

    async def test_what_was_read_can_be_sent_back_changed(self, api: Api, core: App) -> None:
        task = await self.make(api)
        changed = {
            "httpUrl": SHOWN.replace("/a", "/other"),
            "httpHeaders": {"authorization": MASK, "Accept": "text/html", "x-api-key": "new-secret"},
        }

        response = await api("PATCH", f"/tasks/{task['id']}", json=changed)
        renamed = await api("PATCH", f"/tasks/{task['id']}", json={"name": "Other"})

        assert (response.status_code, renamed.status_code) == (200, 200)
        definition = await stored(core, task["id"])
        assert definition.http_url == URL.replace("/a", "/other")
        assert definition.http_headers == {
            "authorization": "Bearer header-secret", "Accept": "text/html", "x-api-key": "new-secret",
        }  # fmt: skip

    async def test_a_mask_that_stands_for_nothing_is_refused_at_its_field(self, api: Api) -> None:
        task = await self.make(api)
        copied = {name: task[name] for name in ("name", "type", "httpUrl", "httpHeaders")}

        copy = await api("POST", "/tasks", json=copied)
        added = await api("PATCH", f"/tasks/{task['id']}", json={"httpHeaders": {"Cookie": MASK}})

        assert fields_at_fault(copy) == [
            "httpHeaders.Authorization", "httpHeaders.x-api-key", "httpHeaders.X-Auth-Token", "httpUrl",
        ]  # fmt: skip
        assert copy.json()["errors"][0]["pointer"] == "/httpHeaders/Authorization"
        assert (added.status_code, fields_at_fault(added)) == (422, ["httpHeaders.Cookie"])

    async def test_another_server_does_not_get_them(self, api: Api) -> None:
        task = await self.make(api)

        for url in (
            "https://evil.example.com/",
            "http://shop.example.com:8443/a",
            "https://ada:********@evil.example.com/",
        ):
            response = await api("PATCH", f"/tasks/{task['id']}", json={"httpUrl": url})
            assert (response.status_code, response.json()["errors"][0]["code"]) == (422, "masked"), url
            assert "another server" in response.json()["errors"][0]["message"]
