"""What tasks were, and going back to it, over REST."""

from __future__ import annotations

from typing import Any

import pytest

from cronplug.app import App
from cronplug.store import tasks
from tests.api.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")

MASK = "********"


async def change(api: Api, task_id: str, **fields: Any) -> None:
    response = await api("PATCH", f"/tasks/{task_id}", json=fields)
    assert response.status_code == 200, response.text


async def test_revisions_tell_what_changed_in_the_words_of_the_task(api: Api) -> None:
    task = await api.make_task(name="First", cronExpression="0 3 * * *")
    await change(api, task["id"], name="Second", timeoutSeconds=60)

    told = await api.get(f"/tasks/{task['id']}/revisions")

    assert (told["total"], told["page"], told["pageSize"]) == (2, 1, 20)
    newest, first = told["list"]
    assert (newest["revision"], newest["deleted"]) == (2, False)
    assert newest["changes"] == [
        {"field": "name", "from": "First", "to": "Second"},
        {"field": "timeoutSeconds", "from": 300, "to": 60},
    ]
    assert newest["definition"]["name"] == "Second"
    assert (first["changes"], first["definition"]["cronExpression"]) == ([], "0 3 * * *")
    shown = (await api.get(f"/tasks/{task['id']}"))["task"]
    assert newest["definition"].items() <= shown.items()


async def test_a_task_is_made_what_it_was(api: Api) -> None:
    task = await api.make_task(name="First")
    await change(api, task["id"], name="Second")
    path = f"/tasks/{task['id']}/revisions/1/restore"

    stale = await api("POST", path, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_revision")
    back = await api("POST", path, headers={"If-Match": '"2"'})

    assert (back.status_code, back.headers["etag"]) == (200, '"3"')
    assert back.json()["name"] == "First"


async def test_secrets_are_masked_and_come_back_as_they_were(api: Api, core: App) -> None:
    task = await api.make_task(
        type="function", httpUrl=None, functionName="sample.send", functionPayload={"token": "first-secret"}
    )
    await change(api, task["id"], functionPayload={"token": "second-secret"})

    response = await api("GET", f"/tasks/{task['id']}/revisions")
    assert "-secret" not in response.text
    masked = {"token": MASK}
    assert response.json()["list"][0]["changes"] == [{"field": "functionPayload", "from": masked, "to": masked}]
    assert (await api("POST", f"/tasks/{task['id']}/revisions/1/restore")).status_code == 200

    stored = await core.store.read(lambda conn: tasks.select_task(conn, task["id"]))
    assert stored is not None
    assert stored.definition.function_payload == {"token": "first-secret"}


async def test_a_deleted_task_is_brought_back_with_its_executions(api: Api) -> None:
    task = await api.make_task(type="function", httpUrl=None, functionName="sample.echo", tags=["kept"])
    triggered = (await api("POST", f"/tasks/{task['id']}/trigger")).json()
    await api.ended(triggered["executionId"])
    assert (await api("POST", f"/tasks/{task['id']}/restore")).status_code == 409
    assert (await api("DELETE", f"/tasks/{task['id']}")).status_code == 204

    deleted = await api.get(f"/tasks/{task['id']}/revisions")
    back = await api("POST", f"/tasks/{task['id']}/restore")

    assert [(it["revision"], it["deleted"]) for it in deleted["list"]] == [(2, True), (1, False)]
    assert (back.status_code, back.headers["etag"]) == (200, '"3"')
    shown = back.json()
    same = {"id", "name", "tags", "functionName", "createdAt", "enabled"}
    assert {name: shown[name] for name in same} == {name: task[name] for name in same}
    assert shown["lastExecution"]["id"] == triggered["executionId"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tasks/nonsense/revisions"),
        ("POST", "/tasks/nonsense/restore"),
        ("POST", "/tasks/nonsense/revisions/1/restore"),
    ],
)
async def test_what_is_unknown_is_not_found(api: Api, method: str, path: str) -> None:
    assert (await api(method, path)).status_code == 404


@pytest.mark.parametrize("revision", ["7", "0", "-1", "nonsense", "٣", "9" * 30])
async def test_an_unknown_revision_is_not_found(api: Api, revision: str) -> None:
    task = await api.make_task()
    assert (await api("POST", f"/tasks/{task['id']}/revisions/{revision}/restore")).status_code == 404
