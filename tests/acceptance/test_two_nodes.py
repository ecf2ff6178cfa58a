"""Several nodes on one PostgreSQL database: what one is told holds for all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.server import Server
from tests.registry.installing import Site

pytestmark = pytest.mark.acceptance

PLUGIN = """
    from pydantic import SecretStr
    from cronplug import function

    @function("acme.sign-in")
    async def sign_in(user: str, password: SecretStr) -> str:
        return user
"""


def test_a_rescan_reaches_every_node_and_none_shows_secrets_or_misses_fire_times_meanwhile(
    make_server: Callable[..., Server], postgres_url: str, tmp_path: Path
) -> None:
    site = Site(tmp_path / "site")
    environ = {"SCHEDULER_DATABASE_URL": postgres_url, "PYTHONPATH": str(site.folder)}
    asked, other = make_server(**environ).start(), make_server(**environ).start()
    site.install("acme", PLUGIN)

    asked.client.post("/plugins/rescan").raise_for_status()
    task = asked.create_task(
        name="Sign in",
        type="function",
        functionName="acme.sign-in",
        functionPayload={"user": "ada", "password": "s3cret"},
        cronExpression="* * * * * *",
        overlap="allow",
    )

    assert "s3cret" not in other.client.get(f"/tasks/{task['id']}").text
    shown = {"user": "ada", "password": "********"}
    other.until(lambda: other.client.get("/functions/acme.sign-in").status_code == 200, what="knowing the function")
    assert other.client.get(f"/tasks/{task['id']}").json()["task"]["functionPayload"] == shown
    asked.until(lambda: len(asked.executions(taskId=task["id"], status="success")) > 4, what="five successes")
    runs = asked.executions(taskId=task["id"])
    assert {run["status"] for run in runs} <= {"success", "running", "queued"}, [run["reason"] for run in runs]
