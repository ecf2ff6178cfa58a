"""Killed at the worst moments, one by one: what the user sees after the restart (docs/operating.md tells the same)."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from cronplug.store.migrations import HEAD, alembic_config
from tests.acceptance.audit import Database, find_faults
from tests.acceptance.server import Server
from tests.acceptance.staged import set_stage

pytestmark = pytest.mark.acceptance

DAY = 86_400
LOST = ("lost", "cut_off", [("lost", "cut_off", False)])


@pytest.fixture
def deadly(make_server: Callable[..., Server], strangers_site: Path) -> Callable[[str, int], Server]:
    """Starts a server that dies at a point."""

    def start(kill_at: str, nth: int = 1) -> Server:
        server = make_server(PYTHONPATH=str(strangers_site))
        set_stage(server, kill_at=kill_at, nth=nth)
        return server.start()

    return start


def trigger(server: Server, **task: Any) -> str:
    """Trigger a task; the execution."""
    made = server.create_task(**{"name": "Task", "type": "function", "functionName": "acme.count"} | task)
    return server.trigger(made["id"])


def come_back(server: Server) -> Server:
    """Wait for its death, then start it as usual."""
    assert server.wait() == -signal.SIGKILL
    set_stage(server)
    return server.start()


def ended(server: Server, execution_id: str) -> tuple[str, str, list[tuple[str, str, bool]]]:
    """How an execution ended, and each of its attempts."""
    found = server.until_status(execution_id, "success", "failed", "lost")
    return found["status"], found["reason"], told(found["attempts"])


def told(attempts: list[dict[str, Any]]) -> list[tuple[str, str, bool]]:
    """Attempts by status, reason, and whether they count."""
    return [(it["status"], it["reason"], it["counted"]) for it in attempts]


def test_after_planning_before_the_commit_nothing_has_happened_and_the_fire_time_comes_again(
    deadly: Callable[..., Server],
) -> None:
    server = deadly("planned, not committed")
    task = server.create_task(
        name="Every second", type="function", functionName="acme.count", cronExpression="* * * * * *", catchUp="all"
    )
    come_back(server)
    server.until(lambda: server.executions(taskId=task["id"], status="success"), what="a run")
    server.client.post(f"/tasks/{task['id']}/toggle", json={"enabled": False}).raise_for_status()
    server.until_idle()
    assert server.terminate() == 0
    assert find_faults(Database(server.data_dir / "cronplug.db")) == []


@pytest.mark.parametrize("point", ["claimed", "output written"])
def test_from_the_claim_on_it_is_tried_again_or_lost_as_its_delivery_says(
    deadly: Callable[..., Server], point: str
) -> None:
    server = deadly(point, 2)  # of these two, each of which is still at it
    again = trigger(server, functionName="acme.wait", delivery="at_least_once")
    never = trigger(server, functionName="acme.wait", delivery="at_most_once")
    come_back(server)
    found = server.until_status(again, "running")
    assert found["attempt"] == 1
    assert told(found["attempts"][:-1]) == [("lost", "cut_off", False)]
    assert ended(server, never) == LOST


def test_when_the_function_has_ended_but_nobody_knows_at_most_once_is_lost(deadly: Callable[..., Server]) -> None:
    server = deadly("function ended")
    never = trigger(server, delivery="at_most_once")
    come_back(server)
    assert ended(server, never) == LOST


def test_when_the_end_was_not_committed_the_function_runs_again_and_its_lines_are_kept_once(
    deadly: Callable[..., Server],
) -> None:
    server = deadly("end not committed")
    again = trigger(server, functionPayload={"lines": 3})
    come_back(server)
    attempts = [("lost", "cut_off", False), ("success", "completed", True)]
    assert ended(server, again) == ("success", "completed", attempts)
    lines = server.client.get(f"/executions/{again}/log").json()["list"]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert [line["text"] for line in lines if line["stream"] == "stdout"][-3:] == ["out 0", "out 1", "out 2"]


def test_when_the_end_was_committed_it_stays_and_nothing_runs_again(deadly: Callable[..., Server]) -> None:
    server = deadly("end committed")
    once = trigger(server)
    come_back(server)
    assert ended(server, once) == ("success", "completed", [("success", "completed", True)])


def test_in_a_migration_the_database_stays_as_it_was_and_the_next_start_upgrades_it(
    make_server: Callable[..., Server],
) -> None:
    server = make_server()
    server.data_dir.mkdir()
    file = server.data_dir / "cronplug.db"
    old = make_old_database(file)
    set_stage(server, kill_at="schema upgraded, not committed")
    server.start(ready=False)
    assert server.wait() == -signal.SIGKILL
    assert revision_of(file) == old
    set_stage(server)
    server.start()
    assert revision_of(file) == HEAD
    assert Database(file).select("SELECT value FROM meta WHERE key = 'old'") == [("kept",)]


def test_in_the_figures_and_in_retention_batches_are_whole_and_the_rest_is_done_after_the_restart(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = make_server()
    clock_file = tmp_path / "ahead"
    clock_file.write_text(str(-40 * DAY))
    set_stage(server, clock_file=clock_file)
    server.start()
    for task in server.client.get("/tasks").json()["list"]:  # the system's clean-up would do it before us
        server.client.post(f"/tasks/{task['id']}/toggle", json={"enabled": False}).raise_for_status()
    for _ in range(6):
        server.until_status(server.invoke("maintenance.heartbeat", {}), "success")
    assert server.terminate() == 0
    clock_file.write_text("0")
    database = Database(server.data_dir / "cronplug.db")

    set_stage(server, kill_at="figures written, not committed")
    server.start(ready=False)
    assert server.wait() == -signal.SIGKILL
    assert database.select("SELECT count(*) FROM rollups") == [(0,)]

    set_stage(server, kill_at="old executions deleted, not committed", nth=2)
    server.start()
    figures = "SELECT coalesce(sum(success), 0) FROM rollups WHERE kind = 'all'"
    server.until(lambda: database.select(figures) == [(6,)], what="the figures of the past")
    cleaning = server.invoke("maintenance.cleanup-logs", {"days": 30, "batchSize": 2})
    assert server.wait() == -signal.SIGKILL
    assert database.select("SELECT count(*) FROM executions WHERE status = 'success'") == [(4,)]

    set_stage(server)
    server.start()
    server.until_status(cleaning, "success")
    assert database.select("SELECT count(*) FROM executions") == [(1,)]
    assert database.select(figures) == [(6,)]
    assert find_faults(database) == []


def make_old_database(file: Path) -> str:
    """A database of the schema before the present one, with something in it; its revision."""
    config = alembic_config()
    head = ScriptDirectory.from_config(config).get_revision(HEAD)
    assert head is not None
    assert isinstance(head.down_revision, str)
    engine = sa.create_engine(f"sqlite:///{file}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, head.down_revision)
        connection.exec_driver_sql("INSERT INTO meta (key, value) VALUES ('old', 'kept')")
    engine.dispose()
    return head.down_revision


def revision_of(file: Path) -> str:
    """The revision of a database's schema."""
    with closing(sqlite3.connect(file)) as connection:
        revision: str = connection.execute("SELECT version_num FROM cronplug_schema").fetchone()[0]
    return revision
