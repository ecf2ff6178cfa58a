"""The world round the server fails: its database, its disk, its clock, its CPU. It stays up, tells, and recovers alone."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.audit import Database, find_faults
from tests.acceptance.server import Server
from tests.acceptance.staged import set_stage
from tests.services.postgres import StoppablePostgres

LONG = bool(os.environ.get("CRONPLUG_LONG_OUTAGES"))
"""Leases and outages as long as real ones, for `./dev soak outages`."""

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900 if LONG else 240)]

HOURS = 3 * 3600
LEASE_SECONDS = 30 if LONG else 4
AWAY_SECONDS = 30 if LONG else 0


class Dial:
    """A number of seconds in a file that the server reads (`set_stage`)."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(0)

    def set(self, seconds: float) -> None:
        """Change it; a reader sees the old or the new."""
        new = self.file.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self.file)


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Dial:
    """By how much the clock of `server` is ahead of the machine's."""
    return Dial(tmp_path_factory.mktemp("clock") / "ahead")


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Dial:
    """How long the disk of `server` takes for a commit."""
    return Dial(tmp_path_factory.mktemp("disk") / "seconds")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, strangers_site: Path, clock: Dial, disk: Dial) -> Iterator[Server]:
    """One server on SQLite that goes through everything, without any restart."""
    server = Server(tmp_path_factory.mktemp("surroundings") / "data", PYTHONPATH=str(strangers_site))
    set_stage(server, clock_file=clock.file, disk_file=disk.file, lease_seconds=LEASE_SECONDS)
    try:
        yield server.start()
    finally:
        server.close()


@contextmanager
def every_second(server: Server, **task: Any) -> Iterator[str]:
    """A task that runs every second; at the end it goes on as before, and then every fire time has its row."""
    made = server.create_task(
        **{"name": "Every second", "type": "function", "functionName": "maintenance.heartbeat", "catchUp": "all"}
        | task,
        cronExpression="* * * * * *",
        overlap="allow",
    )["id"]
    until_it_runs(server, made)
    yield made
    server.until(server.is_ready, what="being ready again")
    until_it_runs(server, made)
    server.client.post(f"/tasks/{made}/toggle", json={"enabled": False}).raise_for_status()
    server.until_idle()
    if "SCHEDULER_DATABASE_URL" not in server.environ:
        assert find_faults(Database(server.data_dir / "cronplug.db")) == []


def until_it_runs(server: Server, task_id: str) -> None:
    """Wait for a success of its schedule that is younger than any there is."""
    newest = server.executions(taskId=task_id)[:1]
    after = newest[0]["scheduledFor"] if newest else ""
    server.until(
        lambda: [it for it in server.executions(taskId=task_id, status="success") if it["scheduledFor"] > after],
        what="the next run",
    )


def readiness(server: Server) -> tuple[int, dict[str, Any]]:
    """Status and body of /readyz."""
    answer = httpx.get(f"{server.url}/readyz", timeout=20)
    return answer.status_code, answer.json()


def until_it_tells(server: Server, check: str, words: str = "") -> str:
    """Wait until /readyz is 503 for that check, in such words; what it says of it."""

    def ask() -> str | None:
        status, body = readiness(server)
        failed = body["checks"].get(check, {"ok": True})
        told = status == 503 and not failed["ok"] and words in failed["message"]
        return str(failed["message"]) if told else None

    return server.until(ask, seconds=60, what=f"/readyz telling of the {check}")


def refused(server: Server) -> None:
    """A write is refused as what it is: not now, nothing done, nothing to see of the inside."""
    answer = server.client.post("/tasks", json={"name": "Refused", "type": "http", "httpUrl": "http://127.0.0.1/"})
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert str(server.data_dir) not in answer.text


def test_another_program_holds_the_database(server: Server) -> None:
    file = server.data_dir / "cronplug.db"
    with every_second(server) as task, closing(sqlite3.connect(file, timeout=30, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # until the server says so, which takes it a whole wait for locks and more
        until_it_tells(server, "planner", "cannot write")
        assert server.client.get(f"/tasks/{task}").status_code == 200
        other.execute("ROLLBACK")
    assert "Another program holds the database file; end it" in server.output()


def test_the_disk_is_full(server: Server) -> None:
    """No file of the process may grow: what writes get when a disk is full, without a disk to fill."""
    with every_second(server):
        _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, hard))
        until_it_tells(server, "planner", "cannot write")
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        refused(server)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))


def test_the_disk_is_slow(server: Server, disk: Dial) -> None:
    """Everything takes its time, and nothing else: what is due is late, not missed, and its attempts are not cut off."""
    said = len(server.output())
    with every_second(server, catchUp="none", misfireGraceSeconds=1) as task:
        disk.set(1.0)
        until_it_runs(server, task)
        until_it_runs(server, task)
        disk.set(2 * LEASE_SECONDS)
        assert "last planned" in until_it_tells(server, "planner")
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        disk.set(1.0)
        server.until(server.is_ready, seconds=60, what="being ready with commits of a second")
        disk.set(0)
    assert "stood still" not in server.output()[said:]
    runs = server.executions(taskId=task)
    assert {(run["status"], run["trigger"], run["attempt"]) for run in runs} == {("success", "schedule", 1)}
    assert max(delay(run) for run in runs) > LEASE_SECONDS


def delay(run: dict[str, Any]) -> float:
    """By how many seconds an execution began late."""
    began, due = (datetime.fromisoformat(run[name]) for name in ("startedAt", "scheduledFor"))
    return (began - due).total_seconds()


def test_the_machine_sleeps_longer_than_the_lease(server: Server) -> None:
    """What it slept through is missed, and its catch-up decides; what ran goes on."""
    with every_second(server, catchUp="none", misfireGraceSeconds=1) as task:
        running = server.invoke("acme.wait", {"seconds": 600}, timeoutSeconds=900)
        server.until_status(running, "running")
        server.signal(signal.SIGSTOP)
        stopped_at = os.times().elapsed
        server.until(lambda: os.times().elapsed > stopped_at + 1.5 * LEASE_SECONDS, seconds=90, what="sleep")
        server.signal(signal.SIGCONT)
        missed = server.until(lambda: server.executions(taskId=task, status="missed"), what="missed fire times")
        assert {it["reason"] for it in missed} == {"scheduler_down"}
        still = server.execution(running)
        assert (still["status"], still["attempt"], len(still["attempts"])) == ("running", 1, 1)
        server.client.post(f"/executions/{running}/cancel").raise_for_status()
        server.until_status(running, "cancelled")


def test_the_clock_jumps_by_hours(server: Server, clock: Dial) -> None:
    """Forward it is an outage, which catch-up settles. Back, nothing runs twice: schedules wait, what is asked for runs."""
    with every_second(server, catchUp="none") as task:
        clock.set(HOURS)
        missed = server.until(lambda: server.executions(taskId=task, status="missed"), what="missed fire times")
        until_it_runs(server, task)
        clock.set(0)
        rows = len(server.executions(taskId=task))
        server.until_status(server.trigger(task), "success")
        server.until(server.is_ready, what="being ready with the clock set back")
        assert len(server.executions(taskId=task)) <= rows + 2
        clock.set(HOURS)
        assert missed


def test_postgresql_is_gone_and_comes_back(
    make_server: Callable[..., Server], strangers_site: Path, stoppable_postgres: StoppablePostgres
) -> None:
    """What ran meanwhile is not thrown away: its end is written when there is a database again."""
    postgres = stoppable_postgres
    server = make_server(SCHEDULER_DATABASE_URL=postgres.url, PYTHONPATH=str(strangers_site)).start()
    with every_second(server):
        running = server.invoke("acme.wait", {"seconds": 1})
        server.until_status(running, "running")
        postgres.stop()
        until_it_tells(server, "store")
        refused(server)
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        gone_at = os.times().elapsed
        server.until(lambda: os.times().elapsed > gone_at + AWAY_SECONDS, seconds=60, what="its return")
        postgres.start()
    assert [it["counted"] for it in server.until_status(running, "success")["attempts"]] == [True]
    assert server.terminate() == 0
    assert find_faults(Database(postgres.url)) == []
