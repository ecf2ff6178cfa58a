"""What goes wrong with a task, over the API."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cronplug.app import App
from cronplug.clock import SystemClock, rfc3339
from cronplug.model import Reason, Status
from tests.api.conftest import Api, fields_at_fault
from tests.api.test_series import insert_past

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_failures_are_put_together(api: Api, core: App) -> None:
    task = await api.make_task()
    now = SystemClock().now()
    failed = {"task_id": task["id"], "status": Status.FAILED, "reason": Reason.ERROR}
    await insert_past(core, now - timedelta(hours=2), 2, error_message="row 12 is broken", **failed)
    await insert_past(core, now - timedelta(hours=1), 1, error_message="row 7 is broken\nand more", **failed)
    await insert_past(core, now - timedelta(hours=1), 1, error_message="no disk", **(failed | {"status": Status.LOST}))
    await insert_past(core, now - timedelta(days=40), 1, error_message="long ago", **failed)
    await insert_past(core, now - timedelta(hours=1), 3, task_id=task["id"])

    told = await api.get(f"/tasks/{task['id']}/errors")

    assert told["looked"] == 4
    first, second = told["list"]
    assert (first["message"], first["lastMessage"], first["count"]) == ("row <n> is broken", "row 7 is broken", 3)
    assert first["reason"] == "error"
    assert first["firstAt"] == rfc3339(now - timedelta(hours=2) + timedelta(seconds=2))
    assert (await api.get(f"/executions/{first['lastExecutionId']}"))["taskId"] == task["id"]
    assert second["message"] == "no disk"

    older = await api.get(f"/tasks/{task['id']}/errors", params={"from": rfc3339(now - timedelta(days=60))})
    assert older["looked"] == 5


async def test_what_cannot_be_told_is_refused(api: Api) -> None:
    assert (await api("GET", "/tasks/unknown/errors")).status_code == 404
    assert fields_at_fault(await api("GET", "/tasks/unknown/errors?from=yesterday")) == ["from"]
