"""Promise 1, counted over the whole table: a fire time yields exactly one execution row, whenever the core is killed."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable

import pytest

from tests.acceptance.server import Server

pytestmark = pytest.mark.acceptance

TASKS = 40
KILLS = 5
AT_MOST_ONCE = "at most once"
SECONDS_BETWEEN_KILLS = (0.3, 2.0)


@pytest.mark.timeout(180)
def test_every_fire_time_has_exactly_one_row_and_nothing_stays_running(make_server: Callable[..., Server]) -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    server = make_server(SCHEDULER_MAX_CONCURRENCY="20", SCHEDULER_WORKERS="2").start()
    for number in range(TASKS):
        server.create_task(
            name=f"{AT_MOST_ONCE if number % 2 else 'at least once'} {number}",
            type="function",
            functionName="maintenance.heartbeat",
            cronExpression="* * * * * *",
            overlap="allow",
            catchUp="all",
            delivery="at_most_once" if number % 2 else "at_least_once",
        )
    acknowledged = TASKS + 1  # and the system task
    for _ in range(KILLS):
        time.sleep(chance.uniform(*SECONDS_BETWEEN_KILLS))
        server.kill()
        server.start()
    for task in server.client.get("/tasks", params={"pageSize": 100}).json()["list"]:
        server.client.post(f"/tasks/{task['id']}/toggle", json={"enabled": False}).raise_for_status()
    server.until(
        lambda: (
            server.client.get("/stats").json()["queuedExecutions"] == 0
            and server.client.get("/stats").json()["activeExecutions"] == 0
        ),
        seconds=60,
        what="the end of the backlog",
    )
    assert server.terminate() == 0
    with sqlite3.connect(server.data_dir / "cronplug.db") as database:
        assert database.execute("SELECT count(*) FROM tasks").fetchone() == (acknowledged,)
        assert database.execute("SELECT count(*) FROM executions WHERE status IN ('queued', 'running')").fetchone() == (
            0,
        )
        rows = database.execute(
            "SELECT count(*), count(DISTINCT scheduled_for), min(scheduled_for), max(scheduled_for), sum(missed_count > 1)"
            " FROM executions WHERE trigger IN ('schedule', 'catch_up') GROUP BY task_id"
        ).fetchall()
        tried_again = database.execute(
            "SELECT e.task_name FROM executions e JOIN attempts a ON a.execution_id = e.id"
        ).fetchall()
    database.close()
    assert len(rows) == TASKS
    for total, distinct, first, last, summed in rows:
        assert not summed
        assert total == distinct == (last - first) // 1000 + 1
    assert not [name for (name,) in tried_again if name.startswith(AT_MOST_ONCE)], (
        "an at_most_once execution began twice"
    )
