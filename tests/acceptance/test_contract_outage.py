"""After an outage: every fire time has one row, and the catch-up policy says which of the missed ones run."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.acceptance.server import Server
from tests.acceptance.strangers import Target

pytestmark = pytest.mark.acceptance

POLICIES = ["none", "last", "all"]
DOWN_SECONDS = 4


@pytest.fixture(scope="module")
def rows(live: Server, target: Target) -> dict[str, list[dict[str, Any]]]:
    """Each policy's executions around an outage of some seconds, oldest first, after the tasks were switched off."""
    tasks = {
        policy: live.create_task(
            name=policy,
            type="http",
            httpUrl=f"{target.url}/echo",
            cronExpression="* * * * * *",
            catchUp=policy,
            overlap="allow",
        )["id"]
        for policy in POLICIES
    }

    def all_have(count: int) -> bool:
        return all(len(live.executions(taskId=task, status="success")) >= count for task in tasks.values())

    live.until(lambda: all_have(2), what="runs before the outage")
    live.kill()
    down_since = time.monotonic()
    live.until(lambda: time.monotonic() > down_since + DOWN_SECONDS, what="the outage")
    live.start()
    before = {policy: len(live.executions(taskId=task)) for policy, task in tasks.items()}

    def on_schedule_again(policy: str) -> bool:
        found = live.executions(taskId=tasks[policy])
        return len(found) > before[policy] and found[0]["trigger"] == "schedule" and found[0]["status"] == "success"

    live.until(lambda: all(map(on_schedule_again, POLICIES)), what="runs after the outage")
    for task in tasks.values():
        live.client.post(f"/tasks/{task}/toggle", json={"enabled": False}).raise_for_status()
    live.until(
        lambda: not any(live.executions(status=status) for status in ("queued", "running")), what="the end of all runs"
    )
    return {
        policy: sorted(live.executions(taskId=task), key=lambda row: row["scheduledFor"])
        for policy, task in tasks.items()
    }


@pytest.mark.parametrize("policy", POLICIES)
def test_every_fire_time_has_exactly_one_row(rows: dict[str, list[dict[str, Any]]], policy: str) -> None:
    planned = [datetime.fromisoformat(row["scheduledFor"]) for row in rows[policy]]
    assert planned == [planned[0] + timedelta(seconds=n) for n in range(len(planned))]
    assert {row["status"] for row in rows[policy]} <= {"success", "missed"}
    assert all(row["reason"] for row in rows[policy])


def test_all_runs_every_missed_fire_time(rows: dict[str, list[dict[str, Any]]]) -> None:
    triggers = Counter(row["trigger"] for row in rows["all"])
    assert {row["status"] for row in rows["all"]} == {"success"}
    assert triggers["catch_up"] >= DOWN_SECONDS - 1


def test_last_runs_the_latest_missed_fire_time(rows: dict[str, list[dict[str, Any]]]) -> None:
    caught = [row for row in rows["last"] if row["trigger"] == "catch_up"]
    missed = [row for row in rows["last"] if row["status"] == "missed"]
    assert [row["status"] for row in caught] == ["success"]
    assert len(missed) >= DOWN_SECONDS - 2
    assert max(row["scheduledFor"] for row in missed) < caught[0]["scheduledFor"]
    assert all(row["errorMessage"] for row in missed)


def test_none_runs_at_most_the_latest_and_only_when_it_is_hardly_late(rows: dict[str, list[dict[str, Any]]]) -> None:
    caught = [row for row in rows["none"] if row["trigger"] == "catch_up"]
    missed = [row for row in rows["none"] if row["status"] == "missed"]
    assert len(caught) <= 1
    assert len(missed) >= DOWN_SECONDS - 2
    assert all(row["scheduledFor"] > missed[-1]["scheduledFor"] for row in caught)
