"""Starting, stopping and being killed: real processes, real signals."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.acceptance.server import Server, children_of

pytestmark = pytest.mark.acceptance

LONG = {"region": "north", "days": 3, "seconds": 60}


def report(server: Server, **task: object) -> str:
    """A task of the example plugin's `example.report`, which takes as long as its payload says."""
    created = server.create_task(
        name="Report", type="function", functionName="example.report", functionPayload=LONG, **task
    )
    task_id: str = created["id"]
    return task_id


def test_a_function_of_a_plugin_runs_on_its_schedule_every_second(server: Server) -> None:
    task = server.create_task(
        name="Greet",
        type="function",
        functionName="example.greet",
        functionPayload={"name": "Ada"},
        cronExpression="* * * * * *",
    )
    runs = server.until(
        lambda: [e for e in server.executions(taskId=task["id"], status="success") if e["trigger"] == "schedule"][2:],
        what="three successes",
    )
    assert "Ada" in runs[0]["resultSummary"]
    fire_times = [e["scheduledFor"] for e in server.executions(taskId=task["id"])]
    assert len(fire_times) == len(set(fire_times))


def test_killed_in_mid_run_and_restarted_nothing_stays_running_and_the_attempt_does_not_count(server: Server) -> None:
    execution_id = server.trigger(report(server, maxRetries=0))
    server.until_status(execution_id, "running")
    server.kill()

    server.start()
    again = server.until_status(execution_id, "running")
    assert again["attempt"] == 1
    assert [(a["status"], a["reason"], a["counted"]) for a in again["attempts"][:-1]] == [("lost", "cut_off", False)]
    server.client.post(f"/executions/{execution_id}/cancel").raise_for_status()
    assert server.until_status(execution_id, "cancelled")["reason"] == "cancelled_by_request"


def test_killed_in_mid_run_an_at_most_once_execution_is_lost(server: Server) -> None:
    execution_id = server.trigger(report(server, delivery="at_most_once"))
    server.until_status(execution_id, "running")
    server.kill()
    server.start()
    execution = server.execution(execution_id)
    assert execution["status"] == "lost"
    assert [(attempt["status"], attempt["counted"]) for attempt in execution["attempts"]] == [("lost", False)]


def test_workers_do_not_outlive_a_killed_core(server: Server) -> None:
    execution_id = server.trigger(report(server))
    server.until_status(execution_id, "running")
    workers = children_of(server.pid)
    assert workers
    server.kill()
    server.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), what="the end of the workers")


def test_a_stop_waits_for_what_ends_in_time(make_server: Callable[..., Server]) -> None:
    server = make_server(SCHEDULER_DRAIN_SECONDS="20").start()
    execution_id = server.invoke("example.report", LONG | {"seconds": 2})
    server.until_status(execution_id, "running")
    assert server.terminate() == 0
    server.start()
    assert server.execution(execution_id)["status"] == "success"
    assert "Traceback" not in server.output()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_hands_back_what_does_not_end_in_time(
    make_server: Callable[..., Server], signum: signal.Signals
) -> None:
    server = make_server(SCHEDULER_DRAIN_SECONDS="1").start()
    execution_id = server.trigger(report(server))
    server.until_status(execution_id, "running")
    assert server.terminate(signum=signum, seconds=1 + 5 + 2) == 0
    assert "Traceback" not in server.output()

    server.start()
    again = server.until_status(execution_id, "running")
    assert again["attempt"] == 1
    assert [a["counted"] for a in again["attempts"][:-1]] == [False]


def test_streams_say_goodbye_when_the_server_stops(server: Server) -> None:
    with server.client.stream("GET", "/events") as answer:
        lines = answer.iter_lines()
        assert next(lines)
        server.signal(signal.SIGTERM)
        assert "event: bye" in list(lines)
    assert server.wait() == 0


def test_a_second_signal_stops_at_once(make_server: Callable[..., Server]) -> None:
    server = make_server(SCHEDULER_DRAIN_SECONDS="60").start()
    execution_id = server.trigger(report(server))
    server.until_status(execution_id, "running")
    server.signal(signal.SIGTERM)
    server.until(lambda: "waiting up to" in server.output(), what="draining")
    assert server.terminate(seconds=3) == 128 + signal.SIGTERM
    server.start()
    server.until_status(execution_id, "running")


def test_a_second_process_on_the_same_file_is_refused_in_one_line(
    server: Server, make_server: Callable[..., Server]
) -> None:
    second = make_server(server.data_dir)
    second.log = server.data_dir / "second.log"
    second.start(ready=False)
    assert second.wait() not in (0, None)
    assert len(second.output().strip().splitlines()) == 1
    assert "cronplug.db" in second.output()
    assert server.is_ready()


def test_a_port_in_use_is_told_in_one_line(server: Server, make_server: Callable[..., Server]) -> None:
    second = make_server(SCHEDULER_PORT=str(server.port))
    second.start(ready=False)
    assert second.wait() not in (0, None)
    assert f"Port {server.port} is in use" in second.output()
    assert len(second.output().strip().splitlines()) == 1


def test_the_first_start_prints_a_link_that_signs_in_and_later_ones_do_not(make_server: Callable[..., Server]) -> None:
    server = make_server(SCHEDULER_ADMIN_TOKEN="").start()
    link = next(line.split()[-1] for line in server.output().splitlines() if "#token=" in line)
    token = link.partition("#token=")[2]
    with httpx.Client(base_url=server.url, headers={"Sec-Fetch-Site": "same-origin"}) as browser:
        assert browser.post("/api/scheduler/session", json={"token": token}).status_code == 204
        assert browser.get("/api/scheduler/stats").status_code == 200
    assert server.terminate() == 0
    server.log.unlink()
    server.start()
    assert "#token=" not in server.output()


def test_postgresql_by_url_does_the_same(make_server: Callable[..., Server], postgres_url: str) -> None:
    server = make_server(SCHEDULER_DATABASE_URL=postgres_url, SCHEDULER_DRAIN_SECONDS="1").start()
    execution_id = server.invoke("example.greet", {"name": "Grace"})
    assert "Grace" in server.until_status(execution_id, "success")["resultSummary"]
    task_id = report(server)
    waiting = server.trigger(task_id)
    server.until_status(waiting, "running")
    assert server.terminate(seconds=40) == 0
    server.start()
    server.until_status(waiting, "running")


def test_a_package_nobody_here_wrote_is_found_after_a_restart(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    """The example of the contract, installed by pip into a folder of its own."""
    source, site = tmp_path / "acme", tmp_path / "site"
    source.mkdir()
    (source / "pyproject.toml").write_text(
        """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "acme-reports"
version = "3.1"
dependencies = ["cronplug>=1,<2"]
[project.entry-points."scheduler.tasks"]
acme = "acme_reports"
"""
    )
    (source / "acme_reports.py").write_text(
        '''
from cronplug import Context, function
from pydantic import BaseModel, Field

class Nightly(BaseModel):
    region: str = Field(description="Sales region")
    days: int = Field(7, ge=1, le=90)

@function("acme.nightly-report", timeout=600)
async def nightly_report(payload: Nightly, ctx: Context) -> str:
    """Build the nightly sales report."""
    ctx.log.info("building %s", payload.region)
    ctx.progress(0.5, "half way")
    return "42 rows"
'''
    )
    server = make_server(PYTHONPATH=str(site)).start()
    assert server.client.get("/functions/acme.nightly-report").status_code == 404
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", site, source],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert server.terminate() == 0
    server.start()
    function = server.client.get("/functions/acme.nightly-report").json()
    assert function["plugin"] == "acme-reports"
    assert function["description"] == "Build the nightly sales report."
    task = server.create_task(
        name="Nightly",
        type="function",
        functionName="acme.nightly-report",
        functionPayload={"region": "north"},
        cronExpression="* * * * * *",
    )
    run = server.until(lambda: server.executions(taskId=task["id"], status="success"), what="a success")[0]
    assert (run["resultSummary"], run["result"], run["progress"]) == ("42 rows", "42 rows", 0.5)
    log = server.client.get(f"/executions/{run['id']}/log").json()
    assert [line["text"] for line in log["list"]] == ["building north"]
