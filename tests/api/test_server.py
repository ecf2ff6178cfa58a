"""Figures, health, metrics, headers, and errors that nobody foresaw."""

from __future__ import annotations

import logging
import re

import pytest
from quart import Response

from cronplug.api.application import create_api
from cronplug.app import App
from tests.api.conftest import TOKEN, Api

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_figures(api: Api) -> None:
    await api.invoke("sample.echo")
    await api.make_task(cronExpression="0 0 1 1 *", enabled=True)
    stats = await api.get("/stats")
    assert stats.keys() == {
        "totalTasks", "enabledTasks", "activeJobs", "activeExecutions", "queuedExecutions", "last24hExecutions",
        "last24hByStatus", "nextFireAt", "pause", "version", "pythonVersion", "database", "databaseBytes", "workers",
        "maxConcurrency", "timezone", "logRetentionDays", "failedRetentionDays", "minIntervalSeconds", "startedAt",
        "uptimeSeconds", "series", "failingTasks", "startDelayP95Seconds",
    }  # fmt: skip
    assert stats["totalTasks"] >= stats["enabledTasks"] >= stats["activeJobs"] >= 1
    assert stats["last24hByStatus"]["success"] >= 1
    assert stats["last24hExecutions"] == sum(stats["last24hByStatus"].values())
    assert stats["nextFireAt"].endswith("Z")
    assert (stats["database"], stats["maxConcurrency"], stats["timezone"]) == ("sqlite", 5, "UTC")
    assert stats["databaseBytes"] > 0
    assert stats["uptimeSeconds"] >= 0


async def test_the_process_is_up_and_ready(stranger: Api) -> None:
    alive = await stranger.client.get("/healthz")
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    ready = await stranger.client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["status"] == "ok"
    assert ready.json()["checks"].keys() >= {"store", "planner"}


async def test_metrics_are_open_on_loopback(stranger: Api) -> None:
    response = await stranger.client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'cronplug_api_requests_total{method="GET",status="200"}' in response.text


async def test_every_answer_has_the_safe_headers(api: Api, stranger: Api) -> None:
    for response in (await api("GET", "/stats"), await stranger("GET", "/stats"), await api("GET", "/nonsense")):
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert "unsafe" not in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "same-origin"
        assert response.headers["cross-origin-opener-policy"] == "same-origin"
        assert response.headers["cache-control"] == "no-store"
        assert re.fullmatch(r"[0-9a-f]{16}", response.headers["x-request-id"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/scheduler/nonsense", 404),
        ("DELETE", "/api/scheduler/tasks", 405),
        ("TRACE", "/api/scheduler/tasks", 405),
        ("OPTIONS", "/api/scheduler/tasks", 405),
        ("POST", "/api/scheduler/stats", 405),
        ("GET", "/elsewhere", 404),
    ],
)
async def test_what_is_not_there_is_a_problem(api: Api, method: str, path: str, status: int) -> None:
    response = await api.client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == status
    if status == 405:
        assert response.headers["allow"]


@pytest.mark.parametrize("path", ["/stats", "/functions", "/plugins", "/session", "/openapi.json"])
async def test_unknown_parameters_are_refused_everywhere(api: Api, path: str) -> None:
    response = await api("GET", f"{path}?colour=red")
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "colour"


async def test_what_nobody_foresaw_is_told_by_its_id_only(core: App, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> dict[str, object]:
        raise RuntimeError("secret detail")

    async def health() -> dict[str, object]:
        return {}

    app = create_api(
        core.operations,
        settings=core.settings,
        access=core.access,
        bus=core.bus,
        health=health,
        metrics=core.metrics,
        facts=broken,
    )
    with caplog.at_level(logging.ERROR):
        client = app.test_client()
        response = await client.get("/api/scheduler/stats", headers={"Authorization": f"Bearer {TOKEN}"})
    text = await response.get_data(as_text=True)
    assert isinstance(response, Response)
    assert response.status_code == 500
    assert "secret" not in text
    assert "Traceback" not in text
    assert response.headers["x-request-id"] in text
    assert "secret detail" in caplog.text
    assert response.headers["x-request-id"] in caplog.text
