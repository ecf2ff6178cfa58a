"""Plugins come, change and go while the server runs: what a rescan would mean, and what it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.conftest import BASE_URL, TOKEN, Api, settings_for, started, transport
from tests.registry.installing import FIRST_PARTY, Site

OLD = """
    from pathlib import Path
    import time
    from pydantic import BaseModel, Field, SecretStr
    from cronplug import function, hookimpl

    VERSION = "1.0"

    class Report(BaseModel):
        days: int = Field(7, ge=1, le=90)
        token: SecretStr = SecretStr("")

    @function("acme.report")
    async def report(payload: Report) -> str:
        return VERSION

    @function("acme.hold")
    def hold(started: str, go_on: str) -> str:
        "Tell that it has begun, and wait for a file."
        Path(started).touch()
        while not Path(go_on).exists():
            time.sleep(0.01)
        return VERSION

    @hookimpl
    def scheduler_before_execution(execution):
        raise LookupError("no liking for it")
"""
NEW = OLD.replace('"1.0"', '"2.0"').replace("le=90", "le=5")
GONE = NEW.replace('"acme.report"', '"acme.summary"')


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site(tmp_path / "site")
    site.put_on_path(monkeypatch)
    site.install("acme", OLD)
    return site


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Api]:
    """A core of its own, seen from outside."""
    settings = settings_for(folder / "data", plugins_block=",".join(FIRST_PARTY))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        started(settings) as app,
        httpx.AsyncClient(transport=transport(app), base_url=BASE_URL, headers=headers) as client,
    ):
        yield Api(client, app.bus)


@pytest.fixture
async def api(site: Site, tmp_path: Path) -> AsyncIterator[Api]:
    async with running(tmp_path) as api:
        yield api


async def make_report(api: Api) -> str:
    task = await api.make_task(
        type="function", httpUrl=None, functionName="acme.report",
        functionPayload={"days": 30, "token": "s3cret"}, enabled=True,
    )  # fmt: skip
    return str(task["id"])


async def show(api: Api, task_id: str) -> tuple[str, Any]:
    task = (await api.get(f"/tasks/{task_id}"))["task"]
    return task["state"], task["functionPayload"]


async def rescan(api: Api) -> dict[str, Any]:
    """Several at once, as people and scripts do; the records by name."""
    answers = await asyncio.gather(*(api("POST", "/plugins/rescan") for _ in range(3)))
    assert [answer.status_code for answer in answers] == [200] * 3
    return {record["name"]: record for record in answers[0].json()["list"]}


async def until_exists(path: Path) -> None:
    async with asyncio.timeout(60):
        while not path.exists():
            await asyncio.sleep(0.02)


async def test_an_upgrade_runs_new_code_while_running_work_ends_with_the_old(
    api: Api, site: Site, tmp_path: Path
) -> None:
    begun, go_on = tmp_path / "begun", tmp_path / "go on"
    payload = {"started": str(begun), "go_on": str(go_on)}
    holding = (await api("POST", "/functions/acme.hold/invoke", json={"payload": payload})).json()["executionId"]
    await until_exists(begun)
    assert (await api.invoke("acme.report"))["result"] == "1.0"

    site.install("acme", NEW, version="2.0")
    record = (await rescan(api))["acme"]

    assert (record["version"], record["status"], record["hooks"]) == ("2.0", "ok", ["scheduler_before_execution"])
    assert (await api.invoke("acme.report"))["result"] == "2.0"
    assert (await api.get(f"/executions/{holding}"))["status"] == "running"
    go_on.touch()
    assert (await api.ended(holding))["result"] == "1.0"


async def test_the_impact_is_told_before_a_rescan_makes_it_so_and_all_heals(api: Api, site: Site) -> None:
    task_id = await make_report(api)
    assert await show(api, task_id) == ("manual", {"days": 30, "token": "********"})

    site.install("acme", NEW, version="2.0")
    impact = await api.get("/plugins/ACME/impact")
    assert (impact["plugin"], impact["presentVersion"], impact["newVersion"]) == ("acme", "1.0", "2.0")
    assert (impact["changedFunctions"], impact["checkedTasks"], impact["brokenTasks"]) == (["acme.report"], 1, 1)
    [broken] = impact["tasks"]
    assert (broken["id"], broken["problem"], broken["already"]) == (task_id, "payload_invalid", False)
    assert [(e["pointer"], e["message"]) for e in broken["errors"]] == [("/functionPayload/days", "Must be at most 5.")]
    assert (await show(api, task_id))[0] == "manual"

    await rescan(api)
    assert (await show(api, task_id))[0] == "payload_invalid"

    site.install("acme", GONE, version="3.0")
    impact = await api.get("/plugins/acme/impact")
    assert (impact["addedFunctions"], impact["removedFunctions"]) == (["acme.summary"], ["acme.report"])
    assert [(t["problem"], t["already"]) for t in impact["tasks"]] == [("function_missing", True)]
    site.uninstall("acme")
    impact = await api.get("/plugins/acme/impact")
    assert (impact["newVersion"], impact["brokenTasks"]) == (None, 1)
    await rescan(api)
    assert await show(api, task_id) == ("function_missing", {"days": 30, "token": "********"})
    trigger = await api("POST", f"/tasks/{task_id}/trigger")
    assert trigger.status_code == 409
    assert "cronplug plugins rescan" in trigger.json()["detail"]

    site.install("acme", OLD, version="4.0")
    impact = await api.get("/plugins/acme/impact")
    assert [task["problem"] for task in impact["healedTasks"]] == ["function_missing"]
    await rescan(api)
    assert (await show(api, task_id))[0] == "manual"


async def test_the_impact_of_a_version_that_is_not_installed(api: Api) -> None:
    task_id = await make_report(api)
    schema = {"type": "object", "required": ["region"]}
    body = {"version": "9.0", "functions": [{"name": "acme.report", "payloadSchema": schema}]}

    impact = (await api("POST", "/plugins/acme/impact", json=body)).json()
    vanished = (await api("POST", "/plugins/acme/impact", json={"error": "ImportError: no"})).json()

    assert [(t["id"], t["errors"][0]["field"]) for t in impact["tasks"]] == [(task_id, "functionPayload.region")]
    assert (vanished["error"], vanished["tasks"][0]["problem"]) == ("ImportError: no", "function_missing")
    assert (await api("GET", "/plugins/nothing/impact")).status_code == 404
    assert (await api("POST", "/plugins/acme/impact", json={"functions": [{"name": "x"}]})).status_code == 422


async def test_what_a_hook_does_wrong_is_told_and_changes_no_outcome(api: Api) -> None:
    assert (await api.invoke("acme.report"))["status"] == "success"

    async with asyncio.timeout(60):
        while not (faults := (await api.get("/plugins"))["list"][0]["hookFaults"]):
            await asyncio.sleep(0.02)

    assert (faults[0]["hook"], faults[0]["count"]) == ("scheduler_before_execution", 1)
    assert "LookupError: no liking for it" in faults[0]["message"]


async def test_secrets_stay_masked_after_a_restart_without_their_plugin(site: Site, tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        task_id = await make_report(api)
    site.uninstall("acme")
    async with running(tmp_path) as api:
        assert await show(api, task_id) == ("function_missing", {"days": 30, "token": "********"})


async def test_an_environment_that_cannot_list_plugins_is_told_and_changes_nothing(api: Api, site: Site) -> None:
    before = await api.get("/plugins")
    (site.folder / "sitecustomize.py").write_text("import os; os._exit(7)")

    for method, path in (("POST", "/plugins/rescan"), ("GET", "/plugins/acme/impact")):
        response = await api(method, path)
        assert (response.status_code, response.json()["code"]) == (502, "plugins_unreadable")
        assert "exited with code 7" in response.json()["detail"]
    assert await api.get("/plugins") == before
