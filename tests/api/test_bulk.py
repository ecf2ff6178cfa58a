"""One act on many tasks, over REST."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, fields_at_fault, new_name

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def act(api: Api, status: int = 200, headers: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
    response = await api("POST", "/tasks/bulk", json=body, headers=headers)
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def make(api: Api, count: int, **fields: Any) -> list[str]:
    return [(await api.make_task(**fields))["id"] for _ in range(count)]


async def test_tasks_are_enabled_by_their_ids(api: Api) -> None:
    ids = await make(api, 2, cronExpression="0 0 1 1 *")

    answer = await act(api, action="enable", ids=[*ids, "nonsense"])

    assert answer == {
        "action": "enable", "dryRun": False, "matched": 2, "changed": 2, "unchanged": 0, "changedIds": sorted(ids),
        "failed": [{"id": "nonsense", "name": None, "code": "not_found", "message": "There is no task 'nonsense'."}],
        "failedCount": 1,
    }  # fmt: skip
    shown = (await api.get(f"/tasks/{ids[0]}"))["task"]
    assert (shown["enabled"], shown["revision"]) == (True, 2)
    assert shown["nextRunAt"] is not None


async def test_a_filter_is_confirmed_by_the_number_it_matched(api: Api) -> None:
    tag = new_name()
    ids = await make(api, 3, tags=[tag])

    dry = await act(api, action="delete", filter={"tag": tag}, dryRun=True)
    assert (dry["matched"], dry["changed"], dry["dryRun"]) == (3, 3, True)
    refused = await act(api, 409, action="delete", filter={"tag": tag}, expect=2)
    assert refused["code"] == "conflict"
    assert (await api.get("/tasks", params={"tag": tag}))["total"] == 3
    done = await act(api, action="delete", filter={"tag": tag, "enabled": False, "type": "http"}, expect=3)

    assert (done["changed"], done["changedIds"]) == (3, sorted(ids))
    assert (await api.get("/tasks", params={"tag": tag}))["total"] == 0
    undone = await act(api, action="restore", ids=done["changedIds"])
    assert undone["changed"] == 3
    assert (await api.get("/tasks", params={"tag": tag}))["total"] == 3


async def test_a_filter_takes_several_tags(api: Api) -> None:
    one, other = new_name(), new_name()
    both = await make(api, 1, tags=[one, other])
    await make(api, 1, tags=[one])

    for tag, count in (([one, other], 1), ([one], 2), (one, 2), ([one, "elsewhere"], 0)):
        assert (await act(api, action="disable", filter={"tag": tag}, dryRun=True))["matched"] == count
    done = await act(api, action="delete", filter={"tag": [one, other]}, expect=1)

    assert done["changedIds"] == both
    refused = await act(api, 422, action="delete", filter={"tag": [one, 1]}, dryRun=True)
    assert refused["errors"][0]["field"] == "filter.tag.1"


async def test_tags_are_added_by_state(api: Api) -> None:
    tag = new_name()
    await make(api, 1, tags=[tag])

    done = await act(api, action="addTags", tags=["more"], filter={"tag": tag, "state": "off"}, expect=1)

    assert done["changed"] == 1
    assert (await api.get("/tasks", params={"tag": tag}))["list"][0]["tags"] == [tag, "more"]


async def test_a_repeat_triggers_once(api: Api) -> None:
    ids = await make(api, 2, type="function", httpUrl=None, functionName="sample.echo")
    key = {"Idempotency-Key": new_name()}

    first = await act(api, headers=key, action="trigger", ids=ids)

    assert first["changed"] == 2
    assert await act(api, headers=key, action="trigger", ids=ids) == first
    for task_id in ids:
        assert (await api.get("/executions", params={"taskId": task_id}))["total"] == 1
    other = await api("POST", "/tasks/bulk", json={"action": "trigger", "ids": ids[:1]}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "enable"}, ""),
        ({"action": "enable", "ids": ["a"], "filter": {}}, ""),
        ({"action": "enable", "filter": {}}, ""),
        ({"action": "restore", "filter": {}, "expect": 1}, ""),
        ({"action": "addTags", "ids": ["a"]}, ""),
        ({"action": "enable", "ids": ["a"], "tags": ["x"]}, ""),
        ({"action": "disable", "ids": ["a"], "catchUp": "all"}, ""),
        ({"action": "explode", "ids": ["a"]}, "action"),
        ({"action": "enable", "ids": []}, "ids"),
        ({"action": "enable", "ids": ["a"] * 1001}, "ids"),
        ({"action": "enable", "filter": {"colour": "red"}, "expect": 1}, "filter.colour"),
        ({"action": "enable", "filter": {"state": "odd"}, "expect": 1}, "filter.state"),
    ],
)
async def test_what_makes_no_sense_is_refused(api: Api, body: dict[str, Any], field: str) -> None:
    response = await api("POST", "/tasks/bulk", json=body)

    assert response.status_code == 422
    assert fields_at_fault(response) == [field]


async def test_it_is_no_task(api: Api) -> None:
    response = await api("GET", "/tasks/bulk")

    assert (response.status_code, response.headers["allow"]) == (405, "POST")
