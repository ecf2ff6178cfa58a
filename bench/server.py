"""`cronplug serve` as a process: how soon it is ready, what it holds, what it does for nothing, how fast it answers."""

from __future__ import annotations

import dataclasses
import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from bench.client import ask, request_text
from bench.figures import GaveUp, cpu_seconds, free_port, rss_megabytes, wait_until
from bench.filling import QUEUED_AT_ONCE, put_queued
from bench.ours import SLOTS, TOKEN, environment

READY_SECONDS = 60
IDLE_SECONDS = 20
SETTLE_SECONDS = 3
CLIENTS = 32
SLICE = 100_000
AUTHORIZATION = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True)
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    ready_seconds: float
    """From the start of the process to the first good answer of /readyz."""

    @property
    def pid(self) -> int:
        return self.process.pid

    def check(self) -> None:
        """Raises GaveUp when it does not run any more."""
        if self.process.poll() is not None:
            raise GaveUp(f"the server ended with exit status {self.process.returncode}")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={**AUTHORIZATION, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())


@contextmanager
def running(command: list[str], environ: dict[str, str], path: str) -> Iterator[Server]:
    """A server that listens on SCHEDULER_PORT, once `path` answers."""
    port = free_port()
    began = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | environ | {"SCHEDULER_PORT": str(port)}, stdout=sys.stderr)

    server = Server(process, port, 0.0)

    def answers() -> bool:
        server.check()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return True

    try:
        wait_until(answers, "ready", seconds=READY_SECONDS, every=0.005)
        yield dataclasses.replace(server, ready_seconds=time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(timeout=30)


@contextmanager
def serving(folder: Path, *, slots: int = 5) -> Iterator[Server]:
    environ = environment(folder, slots=slots) | {"SCHEDULER_LOG_LEVEL": "error"}
    with running([sys.executable, "-m", "cronplug", "serve"], environ, "/readyz") as server:
        yield server


def start(folder: Path, count: int, *, idle_seconds: int) -> dict[str, float]:
    """With the tasks of a kept database (0: an empty one): ready, memory, idle, and the first page of them."""
    with serving(folder) as server:
        time.sleep(SETTLE_SECONDS)  # what comes after being ready is memory too
        began = time.perf_counter()
        page = server.call("GET", "/api/scheduler/tasks?pageSize=100")
        listing = time.perf_counter() - began
        if page["total"] < min(count, 10_000):
            raise GaveUp(f"there are {page['total']} tasks of {count}")
        used, began = cpu_seconds(server.pid), time.perf_counter()
        time.sleep(idle_seconds)
        idle = (cpu_seconds(server.pid) - used) / (time.perf_counter() - began)
        return {
            "ready_seconds": server.ready_seconds,
            "megabytes": rss_megabytes(server.pid),
            "list_ms": listing * 1000,
            "idle_percent": idle * 100,
        }


def memory(folder: Path, count: int) -> dict[str, float]:
    """Resident memory after slices of a backlog; `growth` is from the first slice's end to the highest after it."""
    taken = []

    def over() -> bool:
        server.check()
        found = there.execute("SELECT 1 FROM executions WHERE status || '' IN ('queued', 'running') LIMIT 1")
        return found.fetchone() is None

    with serving(folder, slots=SLOTS) as server, closing(sqlite3.connect(folder / "cronplug.db", timeout=30)) as there:
        part = min(SLICE, count // 5)
        for _ in range(count // part):
            for _ in range(0, part, QUEUED_AT_ONCE):
                put_queued(there, min(QUEUED_AT_ONCE, part), "bench.inline")
            wait_until(over, "a slice of the backlog", seconds=600, every=0.2)
            taken.append(rss_megabytes(server.pid))
        ((succeeded,),) = there.execute("SELECT count(*) FROM executions WHERE status = 'success'")
    if succeeded != count:
        raise GaveUp(f"{succeeded} of {count} have succeeded")
    return {"first_megabytes": taken[0], "last_megabytes": taken[-1], "growth_megabytes": max(taken[1:]) - taken[0]}


def rest(folder: Path, count: int) -> dict[str, float]:
    """A page of a hundred tasks, the same for all and another for each, and triggering one of them, from 32 clients."""
    with serving(folder, slots=SLOTS) as server:
        body = {"type": "function", "functionName": "bench.inline", "overlap": "allow"}
        for number in range(100):
            made = server.call("POST", "/api/scheduler/tasks", {"name": f"task {number}", **body})
        trigger = request_text("POST", f"/api/scheduler/tasks/{made['id']}/trigger", headers=AUTHORIZATION, body="{}")
        listing = request_text("GET", "/api/scheduler/tasks", headers=AUTHORIZATION)
        listed = _ask(server, listing, count=count)
        pages = [
            request_text("GET", f"/api/scheduler/tasks?sort={sort}&page={page}", headers=AUTHORIZATION)
            for page in (1, 2, 3, 4)
            for sort in (
                "name",
                "-name",
                "createdAt",
                "-createdAt",
                "updatedAt",
                "-updatedAt",
                "nextRunAt",
                "-nextRunAt",
            )
        ]
        differing = _ask(server, *pages, count=count)
        triggered = _ask(server, trigger, count=count, expect=202)
        wait_until(lambda: server.call("GET", "/api/scheduler/stats")["activeExecutions"] == 0, "the triggered runs")
        found = server.call("GET", f"/api/scheduler/executions?taskId={made['id']}&status=success")
        if found["total"] < min(count, 10_000):
            raise GaveUp(f"{found['total']} of {count} triggered executions have succeeded")
    return _named("list", listed) | _named("pages", differing) | _named("trigger", triggered)


def bare(folder: Path, count: int) -> dict[str, float]:
    """A route of Quart's that answers with a little JSON, on the server as we set it up, from the same client."""
    with running([sys.executable, "-m", "bench.bare"], {}, "/") as server:
        return _named("bare", _ask(server, request_text("GET", "/", headers=AUTHORIZATION), count=count))


def _ask(server: Server, *requests: bytes, count: int, expect: int = 200) -> dict[str, float]:
    uvloop.run(ask(server.port, requests, count=max(count // 10, CLIENTS), clients=CLIENTS, expect=expect))  # warm
    used = cpu_seconds(server.pid)
    measured = uvloop.run(ask(server.port, requests, count=count, clients=CLIENTS, expect=expect))
    return measured | {"cpu_ms": (cpu_seconds(server.pid) - used) / count * 1000}


def _named(prefix: str, measured: dict[str, float]) -> dict[str, float]:
    return {f"{prefix}_{name}": value for name, value in measured.items()}


def main() -> None:
    what, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    measure = {
        "start": lambda: start(folder, count, idle_seconds=IDLE_SECONDS),
        "memory": lambda: memory(folder, count),
        "rest": lambda: rest(folder, count),
        "bare": lambda: bare(folder, count),
    }
    print(json.dumps(measure[what]()))


if __name__ == "__main__":
    main()
