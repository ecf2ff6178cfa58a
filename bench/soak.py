"""`./dev soak`: tasks every second for minutes, under kills of the server and of its workers; then every promise is checked.

What must hold at the end: from its first to its last fire time each task has exactly one row per second (rows that stand
for several missed ones included), nothing is left queued or running, and nothing failed but what a killed worker took
with it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from bench.ours import TOKEN, install_plugin

PORT = "34118"
API = f"http://127.0.0.1:{PORT}/api/scheduler"
READY_SECONDS = 60
SETTLE_SECONDS = 120


class Server:
    """`cronplug serve`, started and ended again and again on the same data."""

    def __init__(self, folder: Path) -> None:
        plugin = folder / "plugin"
        install_plugin(plugin)
        self.database = folder / "cronplug.db"
        self._environ = os.environ | {
            "SCHEDULER_DATA_DIR": str(folder),
            "SCHEDULER_PORT": PORT,
            "SCHEDULER_ADMIN_TOKEN": TOKEN,
            "SCHEDULER_MAX_CONCURRENCY": "50",
            "SCHEDULER_WORKERS": "2",
            "SCHEDULER_DRAIN_SECONDS": "1",
            "SCHEDULER_LOG_LEVEL": "error",
            "PYTHONPATH": str(plugin),
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


def find_faults(database: Path) -> tuple[list[str], Counter[str]]:
    """Broken promises in words, and how many executions have each status and reason."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute(
            "SELECT task_id, scheduled_for, missed_count, missed_until, status, coalesce(reason, '') FROM executions "
            "WHERE trigger IN ('schedule', 'catch_up') AND function_name = 'bench.worker' "
            "ORDER BY task_id, scheduled_for"
        ).fetchall()
    faults: list[str] = []
    expected: dict[int, int] = {}
    for task, at, missed_count, missed_until, _, _ in rows:
        if at != expected.get(task, at):
            faults.append(f"task {task}: expected a row for {expected[task]}, found {at}")
        last = missed_until or at
        if missed_count is not None and (last - at) // 1000 + 1 != missed_count:
            faults.append(f"task {task}: the row of {at} counts {missed_count} missed fire times up to {last}")
        expected[task] = last + 1000
    told = Counter(f"{status} ({reason})" for *_, status, reason in rows)
    allowed = {"success", "missed"}
    faults += [
        f"{count} executions are {what}"
        for what, count in told.items()
        if what.split()[0] not in allowed and what != "failed (worker_died)"
    ]
    return faults, told


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev soak", description="Tasks every second, under kills; then a count.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--tasks", type=int, default=20)
    parser.add_argument("--every", type=float, default=10, help="mean seconds between two kills")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    chosen = parser.parse_args()
    random.seed(chosen.seed)
    print(f"{chosen.tasks} tasks every second for {chosen.minutes:g} minutes, seed {chosen.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="cronplug-soak-") as folder:
        server = Server(Path(folder))
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
                )
                for number in range(chosen.tasks)
            ]
            harms = disturb(server, seconds=chosen.minutes * 60, every=chosen.every)
            for task in made:
                server.call("POST", f"/tasks/{task['id']}/toggle", {"enabled": False})
            settle(server)
        finally:
            server.process.terminate()
            code = server.process.wait()
        faults, told = find_faults(server.database)
    print(f"\ndone to it: {dict(harms)}\nexecutions: {dict(told.most_common())}")
    if code != 0:
        faults.append(f"the server ended with exit code {code}")
    for fault in faults[:50]:
        print(f"BROKEN: {fault}")
    print("every promise held" if not faults else f"{len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
