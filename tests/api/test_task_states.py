"""Which tasks need a look: failing ones, and those whose function or payload is at fault."""

from __future__ import annotations

import uuid
from functools import partial
from typing import Any

import pytest

from cronplug.app import App
from cronplug.clock import SystemClock
from cronplug.ids import IdGenerator
from cronplug.model import Task, TaskDefinition, TaskType
from cronplug.store import tasks
from tests.api.conftest import Api, fields_at_fault

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def tag() -> str:
    return uuid.uuid4().hex


async def store_task(core: App, tag: str, **definition: Any) -> str:
    """Store what the API would refuse, as an upgrade of a plugin leaves it."""
    now = SystemClock().now()
    task = Task(
        id=IdGenerator(1).new(now),
        definition=TaskDefinition(name=tag, tags=(tag,), type=TaskType.FUNCTION, enabled=False, **definition),
        revision=1,
        created_at=now,
        updated_at=now,
        next_run_at=None,
    )
    await core.store.write(partial(tasks.insert_task, task=task))
    return task.id


async def ids(api: Api, tag: str, **query: str) -> list[str]:
    listed = await api.get("/tasks", params={"tag": tag, "sort": "createdAt"} | query)
    return [task["id"] for task in listed["list"]]


async def test_a_task_fails_until_it_succeeds(api: Api, tag: str) -> None:
    task = await api.make_task(tags=[tag], type="function", functionName="sample.echo")
    assert task["failingSince"] is None

    failed = await run(api, task["id"], "sample.raise")
    shown = (await api.get(f"/tasks/{task['id']}"))["task"]
    assert shown["failingSince"] == failed["finishedAt"]
    assert await ids(api, tag, state="failing") == [task["id"]]
    assert await ids(api, tag, state="attention") == [task["id"]]
    assert (await api.get("/stats"))["failingTasks"] >= 1

    await run(api, task["id"], "sample.echo")
    assert (await api.get(f"/tasks/{task['id']}"))["task"]["failingSince"] is None
    assert await ids(api, tag, state="failing") == []


async def run(api: Api, task_id: str, function: str) -> dict[str, Any]:
    """The ended execution of a task that is to run this function from now on."""
    payload = {"kind": "ValueError"} if function == "sample.raise" else {}
    changed = await api("PUT", f"/tasks/{task_id}", json={"functionName": function, "functionPayload": payload})
    assert changed.status_code == 200, changed.text
    started = await api("POST", f"/tasks/{task_id}/trigger")
    return await api.ended(started.json()["executionId"])


async def test_attention_is_for_what_is_at_fault(api: Api, core: App, tag: str) -> None:
    await api.make_task(tags=[tag])
    missing = await store_task(core, tag, function_name="sample.gone")
    invalid = await store_task(core, tag, function_name="sample.report", function_payload={"days": "many"})
    await store_task(core, tag, function_name="sample.report", function_payload={"region": "north"})

    assert await ids(api, tag, state="attention") == [missing, invalid]
    assert await ids(api, tag, state="attention") == [missing, invalid]  # also once it is remembered

    late = await store_task(core, tag, function_name="sample.report", function_payload={"days": 0})
    assert await ids(api, tag, state="attention") == [missing, invalid, late]
    assert len(await ids(api, tag, state="off")) == 5
    assert await ids(api, tag, state="scheduled") == await ids(api, tag, state="running") == []


async def test_an_unknown_state_is_refused(api: Api) -> None:
    assert fields_at_fault(await api("GET", "/tasks?state=sad")) == ["state"]


async def test_tasks_are_found_by_a_calendar(api: Api, tag: str) -> None:
    made = await api("POST", "/calendars", json={"name": tag})
    assert made.status_code == 201, made.text
    calendar = made.json()["id"]
    rule = {"kind": "cron", "cronExpression": "0 5 * * *", "calendars": [{"calendarId": calendar, "mode": "exclude"}]}
    task = await api.make_task(tags=[tag], schedules=[rule])
    await api.make_task(tags=[tag])

    assert await ids(api, tag, calendarId=calendar) == [task["id"]]
    assert await ids(api, tag, calendarId="unknown") == []
