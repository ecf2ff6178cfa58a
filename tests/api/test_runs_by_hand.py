"""Runs that are asked for while an execution of the task is unfinished."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, fields_at_fault

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def make_busy(api: Api, overlap: str, **fields: Any) -> tuple[str, str]:
    """(task, execution) of a task that runs and goes on running."""
    task = await api.make_task(type="function", httpUrl=None, functionName="sample.wait", overlap=overlap, **fields)
    running = await trigger(api, task["id"])
    await api.running(running["executionId"])
    return task["id"], running["executionId"]


async def trigger(api: Api, task_id: str, query: str = "", **arguments: Any) -> dict[str, Any]:
    """The answer to a trigger."""
    response = await api("POST", f"/tasks/{task_id}/trigger{query}", **arguments)
    assert response.status_code == 202, response.text
    answer: dict[str, Any] = response.json()
    assert response.headers["location"] == f"/api/scheduler/executions/{answer['executionId']}"
    return answer


async def end(api: Api, *execution_ids: str) -> None:
    for execution_id in execution_ids:
        await api("POST", f"/executions/{execution_id}/cancel")
        await api.ended(execution_id)


async def test_under_skip_it_is_skipped_and_says_so(api: Api) -> None:
    task, running = await make_busy(api, "skip")
    key = {"Idempotency-Key": f"skip {task}"}

    answer = await trigger(api, task, headers=key)

    assert (answer["triggered"], answer["status"], answer["reason"]) == (False, "skipped", "overlap")
    assert running in answer["message"]
    skipped = await api.get(f"/executions/{answer['executionId']}")
    assert (skipped["status"], skipped["reason"], skipped["trigger"]) == ("skipped", "overlap", "manual")
    assert skipped["errorMessage"] == answer["message"]
    assert await trigger(api, task, headers=key) == answer
    await end(api, running)


async def test_force_runs_it_beside(api: Api) -> None:
    task, running = await make_busy(api, "skip")

    answer = await trigger(api, task, "?force=true")

    assert answer == {
        "triggered": True, "executionId": answer["executionId"], "status": "queued", "reason": None, "message": None,
    }  # fmt: skip
    await api.running(answer["executionId"])
    await end(api, running, answer["executionId"])


async def test_under_queue_it_waits_for_its_turn_and_the_queue_is_bounded(api: Api) -> None:
    task, running = await make_busy(api, "queue", overlapQueueMax=1)

    waits, full = await trigger(api, task), await trigger(api, task)

    assert (waits["triggered"], waits["status"]) == (True, "queued")
    assert (full["triggered"], full["reason"]) == (False, "queue_full")
    await end(api, running)
    await api.running(waits["executionId"])
    await end(api, waits["executionId"])


async def test_under_replace_it_takes_the_place_of_the_other(api: Api) -> None:
    task, running = await make_busy(api, "replace")

    answer = await trigger(api, task)

    assert answer["triggered"]
    assert (await api.ended(running))["status"] == "cancelled"
    await api.running(answer["executionId"])
    await end(api, answer["executionId"])


async def test_a_retry_heeds_overlap_too(api: Api) -> None:
    task, first = await make_busy(api, "skip")
    await end(api, first)
    second = (await trigger(api, task))["executionId"]
    await api.running(second)

    response = await api("POST", f"/executions/{first}/retry")

    assert response.status_code == 202
    retried = await api.get(f"/executions/{response.json()['executionId']}")
    assert (retried["status"], retried["reason"], retried["retryOf"]) == ("skipped", "overlap", first)

    beside = (await api("POST", f"/executions/{first}/retry?force=true")).json()["executionId"]
    await api.running(beside)
    await end(api, second, beside)


@pytest.mark.parametrize("query", ["?force=yes", "?force=", "?forced=true"])
async def test_bad_queries_are_refused(api: Api, query: str) -> None:
    task = await api.make_task()
    response = await api("POST", f"/tasks/{task['id']}/trigger{query}")
    assert response.status_code == 422
    assert fields_at_fault(response) == [query[1:].partition("=")[0]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"enabled": False, "catchUp": "all"}, "catchUp"),
        ({"enabled": True, "catchUp": "some"}, "catchUp"),
        ({"enabled": True, "catchUp": None}, "catchUp"),
        ({"catchUp": "all"}, "enabled"),
    ],
)
async def test_bad_toggles_are_refused(api: Api, body: dict[str, Any], field: str) -> None:
    task = await api.make_task()
    response = await api("POST", f"/tasks/{task['id']}/toggle", json=body)
    assert response.status_code == 422
    assert fields_at_fault(response) == [field]


@pytest.mark.parametrize("catch_up", ["none", "last", "all", True, False, 1, 0])
async def test_a_task_without_missed_fire_times_catches_nothing_up(api: Api, catch_up: object) -> None:
    task = await api.make_task(cronExpression="0 0 1 1 *", overlap="allow")

    response = await api("POST", f"/tasks/{task['id']}/toggle", json={"enabled": True, "catchUp": catch_up})

    assert response.status_code == 200, response.text
    assert response.json()["lastExecution"] is None
    assert response.json()["nextRunAt"] is not None
