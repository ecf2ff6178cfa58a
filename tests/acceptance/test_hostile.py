"""Hostile plugins, installed for real, all in one server: it stays up, each is shown with its reason, and a neighbour
that is due every second runs every second.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance import hostile
from tests.acceptance.server import Server, children_of

pytestmark = pytest.mark.acceptance

ENDS: dict[str, tuple[dict[str, Any], int, str, str | None, str]] = {
    # function: payload, time limit, status, reason, what the error or the summary tells
    "hostile.segfault": ({}, 60, "failed", "worker_died", "SIGSEGV"),
    "hostile.segfault-async": ({}, 60, "failed", "worker_died", "SIGSEGV"),
    "hostile.exit": ({}, 60, "failed", "worker_died", "exited with code 3"),
    "hostile.sys-exit": ({}, 60, "failed", "error", "SystemExit: enough"),
    "hostile.spin": ({}, 2, "timed_out", "timeout", "2 s"),
    "hostile.swallow": ({}, 2, "timed_out", "timeout", "2 s"),
    "hostile.block-loop": ({}, 3, "timed_out", "timeout", "3 s"),
    "hostile.block-loop-in-c": ({}, 3, "timed_out", "timeout", "3 s"),
    "hostile.fork": ({}, 60, "success", "completed", ""),
    "hostile.fork-bomb": ({}, 60, "success", "completed", "back"),
    "hostile.flood": ({"mebibytes": 1024}, 100, "success", "completed", ""),
    "hostile.endless-line": ({"mebibytes": 100}, 100, "success", "completed", ""),
    "hostile.hog": ({}, 60, "failed", "out_of_memory", "150 MB"),
    "hostile.not-json": ({}, 60, "success", "completed", "{1, 2}"),
    "hostile.huge": ({}, 60, "success", "completed", "xxxx"),
    "hostile.unicode": ({}, 60, "failed", "error", "RuntimeError: \ufffd\ufffd"),
    "hostile.close": ({}, 60, "success", "completed", "closed"),
    "hostile.close-all": ({}, 60, "failed", "worker_died", "The worker process"),
    "hostile.recursion": ({}, 60, "failed", "worker_died", "SIGSEGV"),
    "hostile.kill-parent": ({}, 60, "failed", "worker_died", "SIGKILL"),
    "hostile.artifacts": ({}, 60, "failed", "error", "50 MiB"),
}


@pytest.mark.timeout(240)
def test_nothing_that_plugins_do_stops_the_server_or_a_neighbour(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    hostile.install_all(site)
    server = make_server(PYTHONPATH=str(site), SCHEDULER_MAX_CONCURRENCY="12", SCHEDULER_DRAIN_SECONDS="1").start()
    neighbour = server.create_task(
        name="Neighbour", type="function", functionName="neighbour.tick", cronExpression="* * * * * *",
        overlap="allow", timeoutSeconds=30, maxRetries=0,
    )  # fmt: skip
    server.until(lambda: server.executions(taskId=neighbour["id"], status="success"), what="the neighbour's first run")

    # A plugin that hangs when it is imported is found out meanwhile.
    hostile.install(site, "hostile-hang", hostile.HANG)
    rescan = threading.Thread(target=_rescan, args=(server,))
    rescan.start()
    started = {name: server.invoke(name, payload, timeoutSeconds=limit) for name, (payload, limit, *_) in ENDS.items()}
    for name, (_, _, status, reason, told) in ENDS.items():
        execution = server.until_status(
            started[name], "success", "failed", "timed_out", "cancelled", "lost", seconds=150
        )
        assert (execution["status"], execution["reason"]) == (status, reason), (name, execution)
        assert told in (execution["errorMessage"] or "") + (execution["resultSummary"] or ""), (name, execution)
    rescan.join()

    _check_outputs(server, started)
    _check_plugins(server)
    _check_neighbour(server, neighbour["id"])
    assert server.is_ready()
    assert server.terminate() == 0
    assert children_of(server.pid) == []


def _rescan(server: Server) -> None:
    with contextlib.suppress(httpx.HTTPError):  # the test has failed before its end
        httpx.post(f"{server.client.base_url}plugins/rescan", headers=server.client.headers, timeout=90)


def _check_outputs(server: Server, started: dict[str, str]) -> None:
    flood = server.execution(started["hostile.flood"])
    assert flood["logTruncated"]
    last = server.client.get(f"/executions/{flood['id']}/log", params={"offset": flood["logLines"] - 1}).json()["list"]
    assert "cut here" in last[-1]["text"]
    left = server.execution(started["hostile.fork"])
    pid = int(left["result"])
    server.until(lambda: not _runs(pid), what="the end of the process left behind")
    files = server.client.get(f"/executions/{started['hostile.artifacts']}/artifacts").json()["list"]
    assert len(files) == 50


def _check_plugins(server: Server) -> None:
    plugins = {plugin["name"]: plugin for plugin in server.client.get("/plugins").json()["list"]}
    told = {
        "hostile-import-error": "the wind blew it away",
        "hostile-sys-exit": "sys.exit(7)",
        "hostile-crash": "SIGSEGV",
        "hostile-bad-hook": "no_such_argument",
        "hostile-syntax": "SyntaxError",
        "hostile-hang": "20",
    }
    for name, text in told.items():
        assert plugins[name]["status"] == "broken", plugins[name]
        assert text in plugins[name]["error"], plugins[name]
    assert plugins["neighbour"]["functions"] == ["neighbour.tick"]
    assert plugins["zz-duplicate"]["functions"] == ["zz.own"]
    assert "already provides that name" in " ".join(plugins["zz-duplicate"]["warnings"])


def _check_neighbour(server: Server, task_id: str) -> None:
    """Every second has its execution, and every one that had the time has succeeded."""
    runs = sorted(server.executions(taskId=task_id), key=lambda run: str(run["scheduledFor"]))
    times = [datetime.fromisoformat(run["scheduledFor"]) for run in runs]
    assert len(times) > 10
    assert all(later - earlier == timedelta(seconds=1) for earlier, later in itertools.pairwise(times))
    unfinished = [run for run in runs if run["status"] in ("queued", "running")]
    assert [run for run in runs if run not in unfinished and run["status"] != "success"] == []
    for run in unfinished:
        assert server.until_status(run["id"], "success")["result"] == "ticked"


def _runs(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
