"""A real server in a process of its own, driven the way an operator and a REST client drive it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

TOKEN = "acceptance-token-0123456789-0123456789"
START_SECONDS = 30.0
WAIT_SECONDS = 30.0


class Server:
    """`cronplug serve` on a free loopback port, with its own data directory; may be started again and again."""

    def __init__(self, data_dir: Path, **environ: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(
            base_url=f"{self.url}/api/scheduler", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30
        )
        self.log = data_dir / "server.log"
        self.start_seconds = START_SECONDS
        self.program: Sequence[str] = ("-m", "cronplug")
        self.environ = {
            "SCHEDULER_DATA_DIR": str(data_dir),
            "SCHEDULER_PORT": str(self.port),
            "SCHEDULER_ADMIN_TOKEN": TOKEN,
            **environ,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, ready: bool = True) -> Server:
        """Start a process; with `ready`, return when it plans."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith("SCHEDULER_")} | self.environ
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self.program, "serve"],
                env=environ,
                cwd=self.data_dir,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if ready:
            self.until(lambda: self.is_ready(), seconds=self.start_seconds, what="ready")
        return self

    @property
    def pid(self) -> int:
        """The process id of the core."""
        assert self._process is not None
        return self._process.pid

    def is_ready(self) -> bool:
        """Whether /readyz answers 200. Raises when the process has ended."""
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"the server ended with {self._process.returncode}:\n{self.output()}")
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """kill -9 the core alone, as the kernel would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def kill_group(self) -> None:
        """kill -9 the core and whatever is in its process group."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def terminate(self, *, signum: signal.Signals = signal.SIGTERM, seconds: float = WAIT_SECONDS) -> int:
        """Ask the core to stop; its exit status."""
        assert self._process is not None
        self._process.send_signal(signum)
        return self.wait(seconds=seconds)

    def signal(self, signum: signal.Signals) -> None:
        """Send a signal and go on."""
        assert self._process is not None
        self._process.send_signal(signum)

    def wait(self, *, seconds: float = WAIT_SECONDS) -> int:
        """Wait for the end of the process; its exit status."""
        assert self._process is not None
        return self._process.wait(timeout=seconds)

    def close(self) -> None:
        """End the process however it is, and the client."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
        self.client.close()

    def output(self) -> str:
        """Everything the server has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def until(self, ask: Callable[[], T | None], *, seconds: float = WAIT_SECONDS, what: str = "it") -> T:
        """Ask again until the answer is truthy; fails with the server's output when the time is over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            answer = ask()
            if answer:
                return answer
            time.sleep(0.05)
        raise AssertionError(f"{what} did not happen within {seconds:g} s:\n{self.output()[-4000:]}")

    # -- the REST API, in the words of the tests ------------------------------------------------------------------

    def create_task(self, **task: Any) -> dict[str, Any]:
        """POST /tasks; the task."""
        return self._json(self.client.post("/tasks", json=task), 201)

    def trigger(self, task_id: str, **body: Any) -> str:
        """POST /tasks/{id}/trigger; the execution's id."""
        execution_id: str = self._json(self.client.post(f"/tasks/{task_id}/trigger", json=body), 202)["executionId"]
        return execution_id

    def invoke(self, function: str, payload: Mapping[str, Any], **body: Any) -> str:
        """POST /functions/{name}/invoke; the execution's id."""
        answer = self.client.post(f"/functions/{function}/invoke", json={"payload": payload, **body})
        execution_id: str = self._json(answer, 202)["executionId"]
        return execution_id

    def execution(self, execution_id: str) -> dict[str, Any]:
        """GET /executions/{id}."""
        return self._json(self.client.get(f"/executions/{execution_id}"), 200)

    def executions(self, **query: Any) -> list[dict[str, Any]]:
        """GET /executions, all pages."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self._json(
                self.client.get(
                    "/executions", params={"pageSize": 100, **query, **({"cursor": cursor} if cursor else {})}
                ),
                200,
            )
            found += page["list"]
            cursor = page["nextCursor"]
            if cursor is None:
                return found

    def until_status(self, execution_id: str, *statuses: str, seconds: float = WAIT_SECONDS) -> dict[str, Any]:
        """Wait until an execution has one of the statuses; the execution."""

        def ask() -> dict[str, Any] | None:
            execution = self.execution(execution_id)
            return execution if execution["status"] in statuses else None

        return self.until(ask, seconds=seconds, what=f"execution {execution_id} being {' or '.join(statuses)}")

    def until_idle(self, *, seconds: float = 90) -> None:
        """Wait until nothing is queued or running."""

        def is_idle() -> bool:
            stats = self.client.get("/stats").json()
            return bool(stats["queuedExecutions"] == stats["activeExecutions"] == 0)

        self.until(is_idle, seconds=seconds, what="the end of everything that waits and runs")

    @staticmethod
    def _json(answer: httpx.Response, status: int) -> dict[str, Any]:
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        body: dict[str, Any] = answer.json()
        return body


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def children_of(pid: int) -> Sequence[int]:
    """The process ids of all descendants of a process, from /proc."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found: list[int] = []
    wanted = {pid}
    while wanted:
        level = {child for child, parent in parents.items() if parent in wanted}
        found += level
        wanted = level
    return found
