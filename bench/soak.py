"""`./dev soak`: tasks every second for minutes, under kills of the server and of its workers; then every promise is checked.

First the server is harmed, again and again. Then it is left alone under the load of many clients while its memory and
its open files are watched: neither may grow. What must hold at the end is what the claim audit of the acceptance tests
holds (`tests/acceptance/audit.py`), that no request failed, and that nothing failed but what a killed worker took with it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from bench.ours import TOKEN, install_plugin
from tests.acceptance.audit import Database, find_faults, statuses
from tests.acceptance.load import act_together, open_unfinished
from tests.services.postgres import running_postgres

PORT = "34118"
API = f"http://127.0.0.1:{PORT}/api/scheduler"
READY_SECONDS = 60
SETTLE_SECONDS = 120
CLIENTS = 50
SILENT_READERS = 100
MAY_GROW_MEGABYTES = 10
MAY_GROW_FILES = 20


class Server:
    """`cronplug serve`, started and ended again and again on the same data."""

    def __init__(self, folder: Path, *, database_url: str | None) -> None:
        """A server with its data in `folder`, or on PostgreSQL at `database_url`."""
        plugin = folder / "plugin"
        install_plugin(plugin)
        self.database = Database(database_url or folder / "cronplug.db")
        self._environ = os.environ | {
            "SCHEDULER_DATA_DIR": str(folder),
            "SCHEDULER_PORT": PORT,
            "SCHEDULER_ADMIN_TOKEN": TOKEN,
            "SCHEDULER_MAX_CONCURRENCY": "50",
            "SCHEDULER_WORKERS": "2",
            "SCHEDULER_DRAIN_SECONDS": "1",
            "SCHEDULER_LOG_LEVEL": "error",
            "PYTHONPATH": str(plugin),
            **({"SCHEDULER_DATABASE_URL": database_url} if database_url else {}),
        }
        self.process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-m", "cronplug", "serve"], env=self._environ)
        deadline = time.monotonic() + READY_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PORT}/readyz", timeout=5).close()
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
            else:
                return process
        raise SystemExit(f"the server did not get ready (exit code {process.poll()})")

    def restart_after(self, signum: signal.Signals, *, pause_seconds: float) -> None:
        self.process.send_signal(signum)
        code = self.process.wait()
        if signum is signal.SIGTERM and code != 0:
            raise SystemExit(f"SIGTERM ended the server with exit code {code}")
        time.sleep(pause_seconds)
        self.process = self._spawn()

    def kill_a_worker(self) -> None:
        """kill -9 one of the processes that run functions, if there is one."""
        workers = [pid for pid in _descendants(self.process.pid) if _command(pid).startswith("-m cronplug.worker")]
        if workers:
            os.kill(random.choice(workers), signal.SIGKILL)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            API + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())


def _descendants(pid: int) -> list[int]:
    children: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it ended meanwhile
        if parent == pid:
            child = int(entry.parent.name)
            children += [child, *_descendants(child)]
    return children


def _command(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return ""
    return " ".join(words[1:])


def disturb(server: Server, *, seconds: float, every: float) -> Counter[str]:
    """Do harm again and again until the time is over; what was done, and how often."""
    done: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(random.uniform(0.3, 1.7) * every)
        harm = random.choice(("kill -9 of the server", "SIGTERM", "kill -9 of a worker"))
        done[harm] += 1
        print(f"  {harm}", flush=True)
        if harm == "kill -9 of a worker":
            server.kill_a_worker()
        else:
            signum = signal.SIGTERM if harm == "SIGTERM" else signal.SIGKILL
            server.restart_after(signum, pause_seconds=random.choice((0, 0, 3)))
    return done


def settle(server: Server) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        stats = server.call("GET", "/stats")
        if stats["activeExecutions"] == stats["queuedExecutions"] == 0:
            return
        time.sleep(0.5)


@dataclass(frozen=True)
class Sample:
    """What the core's process has at a moment."""

    megabytes: float
    open_files: int


def take_sample(pid: int) -> Sample:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Sample(pages * resource.getpagesize() / 1e6, len(list(Path(f"/proc/{pid}/fd").iterdir())))


def load(server: Server, *, clients: int, requests: int) -> list[str]:
    """Let clients act all at once, while others ask for changes and never read them; what was wrong with the answers."""
    follow = f"GET /api/scheduler/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    silent = open_unfinished(int(PORT), follow.encode(), count=SILENT_READERS)
    try:
        return act(server, clients=clients, requests=requests)
    finally:
        for reader in silent:
            reader.close()


def act(server: Server, *, clients: int, requests: int) -> list[str]:
    shared = server.call("POST", "/tasks", {"name": "shared", "type": "function", "functionName": "bench.worker"})["id"]
    acting = asyncio.run(
        act_together(
            API,
            httpx.Headers({"Authorization": f"Bearer {TOKEN}"}),
            clients=clients,
            requests=requests // clients,
            shared=shared,
            seed=random.randrange(10**6),
        )
    )
    answers = sum((client.answers for client in acting), Counter[int]())
    print(f"  {answers.total()} requests of {clients} clients: {dict(answers)}", flush=True)
    told = int(server.call("GET", f"/tasks/{shared}")["task"]["description"] or 0)
    counted = sum(len(client.counted) for client in acting)
    faults = [f"{count} requests were answered with {status}" for status, count in answers.items() if status >= 500]
    return faults + ([f"{counted} updates, of which {told} are left"] if counted != told else [])


def watch(server: Server, *, seconds: float) -> list[str]:
    """Take samples while the tasks go on; what has grown."""
    samples = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        samples.append(take_sample(server.process.pid))
        time.sleep(min(1.0, seconds / 30))
    part = max(len(samples) // 3, 1)
    first, last = samples[:part], samples[-part:]
    grown_megabytes = median(it.megabytes for it in last) - median(it.megabytes for it in first)
    grown_files = median(it.open_files for it in last) - median(it.open_files for it in first)
    now = samples[-1]
    print(
        f"  {now.megabytes:.0f} MB ({grown_megabytes:+.1f}), {now.open_files} open files ({grown_files:+.0f})",
        flush=True,
    )
    faults = []
    if grown_megabytes > MAY_GROW_MEGABYTES:
        faults.append(f"memory grew by {grown_megabytes:.1f} MB in {seconds:.0f} s")
    if grown_files > MAY_GROW_FILES:
        faults.append(f"the open files grew by {grown_files:.0f} in {seconds:.0f} s")
    return faults


def find_failures(database: Database) -> list[str]:
    """What failed that nothing had harmed."""
    return [
        f"{count} executions are {what}"
        for what, count in statuses(database).items()
        if what.split()[0] not in ("success", "missed") and what != "failed (worker_died)"
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev soak", description="Tasks every second, under kills; then a count.")
    parser.add_argument("--minutes", type=float, default=10, help="under harm")
    parser.add_argument("--calm-minutes", type=float, default=30, help="under load and watch, after it")
    parser.add_argument("--requests", type=int, default=10_000, help="of 50 clients, in the calm")
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server of its own, not on SQLite")
    parser.add_argument("--tasks", type=int, default=20)
    parser.add_argument("--every", type=float, default=10, help="mean seconds between two kills")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    chosen = parser.parse_args()
    random.seed(chosen.seed)
    print(f"{chosen.tasks} tasks every second for {chosen.minutes:g} minutes, seed {chosen.seed}", flush=True)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cronplug-soak-")))
        url = stack.enter_context(running_postgres()).create_database() if chosen.postgresql else None
        faults, told = soak(Server(folder, database_url=url), chosen)
    print(f"executions: {dict(told.most_common())}")
    for fault in faults[:50]:
        print(f"BROKEN: {fault}")
    print("every promise held" if not faults else f"{len(faults)} faults")
    sys.exit(1 if faults else 0)


def soak(server: Server, chosen: argparse.Namespace) -> tuple[list[str], Counter[str]]:
    """Harm, load and watch the server, then end it: its broken promises, and what became of its executions."""
    faults: list[str] = []
    try:
        made = [
            server.call(
                "POST",
                "/tasks",
                {
                    "name": f"every second {number}",
                    "type": "function",
                    "functionName": "bench.worker",
                    "cronExpression": "* * * * * *",
                    "overlap": "allow",
                    "catchUp": random.choice(("none", "last", "all")),
                },
            )["id"]
            for number in range(chosen.tasks)
        ]
        harms = disturb(server, seconds=chosen.minutes * 60, every=chosen.every)
        print(f"done to it: {dict(harms)}", flush=True)
        faults += load(server, clients=CLIENTS, requests=chosen.requests)
        faults += watch(server, seconds=chosen.calm_minutes * 60)
        for task in made:
            server.call("POST", f"/tasks/{task}/toggle", {"enabled": False})
        settle(server)
    finally:
        server.process.terminate()
        code = server.process.wait()
    if code != 0:
        faults.append(f"the server ended with exit code {code}")
    # The clients' tasks run by hand only, and may be deleted while they do: of their runs only the status is judged.
    return faults + find_faults(server.database) + find_failures(server.database), statuses(server.database)


if __name__ == "__main__":
    main()
