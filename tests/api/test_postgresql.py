"""The same API over PostgreSQL, where its own statements differ."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.api.conftest import BASE_URL, TOKEN, Api, settings_for, started, transport

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_tasks_functions_and_figures_on_postgresql(
    sample_plugin: None, postgres_url: str, tmp_path: Path
) -> None:
    async with started(settings_for(tmp_path, database_url=postgres_url)) as app:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with httpx.AsyncClient(transport=transport(app), base_url=BASE_URL, headers=headers) as client:
            api = Api(client, app.bus)
            payload = {"text": 'tab\t quote" \u2028 \U0001f600 %s :name ?', "n": [1, 2.5, None]}
            task = await api.make_task(
                type="function", httpUrl=None, functionName="sample.echo", functionPayload=payload, tags=["a%_b"]
            )
            triggered = (await api("POST", f"/tasks/{task['id']}/trigger")).json()
            assert (await api.ended(triggered["executionId"]))["result"] == payload
            assert (await api.get("/tasks", params={"tag": "a%_b", "q": "ECHO"}))["total"] == 1
            assert (await api.get("/functions/sample.echo"))["taskCount"] == 1
            stats = await api.get("/stats")
            assert (stats["database"], stats["last24hByStatus"]["success"]) == ("postgresql", 1)
            assert stats["databaseBytes"] > 0
            session = await api("POST", "/session", json={"token": TOKEN})
            assert session.status_code == 204
