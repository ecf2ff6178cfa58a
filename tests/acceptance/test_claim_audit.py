"""Promise 1, counted over the whole table: a fire time yields exactly one execution row, whenever the core is killed.

And the audit itself is audited: with a fault put into the planner it must find it. `./dev soak` is the long form.
"""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.audit import Database, find_faults, statuses
from tests.acceptance.server import Server
from tests.acceptance.staged import set_stage

pytestmark = pytest.mark.acceptance

TASKS = 40
KILLS = 5
SECONDS_BETWEEN_KILLS = (0.3, 2.0)
LEASE_SECONDS = 8
"""What PostgreSQL's nodes hold after their death; ordinarily 30 s."""


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_fire_time_has_exactly_one_row_and_nothing_stays_running(
    make_server: Callable[..., Server], request: pytest.FixtureRequest, kind: str
) -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    on_postgresql = kind == "postgresql"
    url = {"SCHEDULER_DATABASE_URL": request.getfixturevalue("postgres_url")} if on_postgresql else {}
    server = make_server(SCHEDULER_MAX_CONCURRENCY="20", SCHEDULER_WORKERS="2", **url)
    if on_postgresql:
        set_stage(server, lease_seconds=LEASE_SECONDS)
    server.start()
    acknowledged = [
        server.create_task(
            name=f"Every second {number}",
            type="function",
            functionName="maintenance.heartbeat",
            cronExpression="* * * * * *",
            overlap="allow",
            catchUp="all",
            delivery="at_most_once" if number % 2 else "at_least_once",
        )["id"]
        for number in range(TASKS if not on_postgresql else TASKS // 4)
    ]
    for _ in range(KILLS if not on_postgresql else 2):
        time.sleep(chance.uniform(*SECONDS_BETWEEN_KILLS))
        server.kill_group()
        server.start()
    kept = {task["id"] for task in server.client.get("/tasks", params={"pageSize": 100}).json()["list"]}
    assert kept >= set(acknowledged)
    for task in acknowledged:
        server.client.post(f"/tasks/{task}/toggle", json={"enabled": False}).raise_for_status()
    server.until_idle()
    assert server.terminate() == 0
    database = Database(url.get("SCHEDULER_DATABASE_URL") or server.data_dir / "cronplug.db")
    print(statuses(database))
    assert find_faults(database) == []
    assert database.select("SELECT count(DISTINCT task_id) FROM executions WHERE status = 'success'")[0][0] >= len(
        acknowledged
    )


class TestAnAuditOfTheAudit:
    """The process dies between the two transactions that the mutated planner has in the place of one."""

    def test_it_finds_the_gap_that_is_left_when_a_task_moves_on_outside_the_transaction(
        self, make_server: Callable[..., Server]
    ) -> None:
        faults = self.faults_after(make_server, "advance_then_insert")
        assert any("have no row" in fault for fault in faults), faults

    def test_it_finds_the_second_row_when_there_is_no_unique_key(self, make_server: Callable[..., Server]) -> None:
        faults = self.faults_after(make_server, "insert_then_advance_without_the_key")
        assert any("more than one row" in fault for fault in faults), faults

    def faults_after(self, make_server: Callable[..., Server], mutation: str) -> list[str]:
        server = make_server()
        kill_at = "between the transactions of a plan"
        set_stage(server, mutation=mutation, kill_at=kill_at, nth=2)
        server.start()
        if mutation.endswith("without_the_key"):
            drop_key(server.data_dir / "cronplug.db")
        task = server.create_task(
            name="Every second",
            type="function",
            functionName="maintenance.heartbeat",
            cronExpression="* * * * * *",
            overlap="allow",
            catchUp="all",
        )
        assert server.wait() == -signal.SIGKILL
        set_stage(server, mutation=mutation)
        server.start()
        server.until(lambda: server.executions(taskId=task["id"], status="success"), what="a run")
        server.client.post(f"/tasks/{task['id']}/toggle", json={"enabled": False}).raise_for_status()
        server.until_idle()
        assert server.terminate() == 0
        return find_faults(Database(server.data_dir / "cronplug.db"))


def drop_key(file: Path) -> None:
    """Take the unique key on task and fire time away."""
    with closing(sqlite3.connect(file, timeout=30)) as connection:
        connection.execute("DROP INDEX uq_executions_fire_time")
