"""Many clients at once, each of which keeps its own books; and such as are no good."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.acceptance.server import TOKEN, Server

LIMIT_SECONDS = 60
PAGE = 100
EVENTS = f"GET /api/scheduler/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
"""A request for the stream of changes."""


@dataclass
class Client:
    """A client with tasks of its own, and what it knows of them from what was acknowledged."""

    http: httpx.AsyncClient
    name: str
    chance: random.Random
    answers: Counter[int] = field(default_factory=Counter)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    triggered: list[str] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)

    async def act(self, requests: int, shared: str) -> None:
        """Create, edit, toggle, trigger and delete at random; count on a task that all edit, with If-Match."""
        numbers = itertools.count()
        while self.answers.total() < requests:
            act = self.chance.choice(("create", "edit", "toggle", "trigger", "delete", "list", "shared"))
            mine = self.chance.choice([*self.tasks]) if self.tasks else None
            if act == "create" or (mine is None and act not in ("list", "shared")):
                name = f"{self.name} {next(numbers)}"
                body = {"name": name, "type": "function", "functionName": "maintenance.heartbeat", "overlap": "allow"}
                made = await self.ask("POST", "/tasks", json=body)
                self.tasks[made["id"]] = {"name": name, "enabled": True}
            elif act == "list":
                await self.ask("GET", "/tasks", params={"q": self.name})
            elif act == "shared":
                await self.count_on(shared)
            elif mine is not None and act == "edit":
                changed = {"name": f"{self.name} {next(numbers)}"}
                await self.ask("PATCH", f"/tasks/{mine}", json=changed)
                self.tasks[mine] |= changed
            elif mine is not None and act == "toggle":
                enabled = not self.tasks[mine]["enabled"]
                await self.ask("POST", f"/tasks/{mine}/toggle", json={"enabled": enabled})
                self.tasks[mine]["enabled"] = enabled
            elif mine is not None and act == "trigger":
                self.triggered.append((await self.ask("POST", f"/tasks/{mine}/trigger", json={}))["executionId"])
            elif mine is not None:
                await self.ask("DELETE", f"/tasks/{mine}", params={"force": "true"})
                del self.tasks[mine]

    async def count_on(self, shared: str) -> None:
        """Add a tag of our own to a task that others change too; only the present version may be changed."""
        found = await self.http.get(f"/tasks/{shared}")
        self.answers[found.status_code] += 1
        count = int(found.json()["task"]["description"] or 0) + 1
        changed = await self.http.patch(
            f"/tasks/{shared}", json={"description": str(count)}, headers={"If-Match": found.headers["ETag"]}
        )
        self.answers[changed.status_code] += 1
        if changed.status_code == 200:
            self.counted.append(str(count))

    async def ask(self, method: str, path: str, **rest: Any) -> Any:
        """A request, counted; the JSON of its answer."""
        answer = await self.http.request(method, path, **rest)
        self.answers[answer.status_code] += 1
        return answer.json() if answer.content else None


async def act_together(
    url: str, headers: httpx.Headers, *, clients: int, requests: int, shared: str, seed: int
) -> list[Client]:
    """Let clients act at once, each for `requests` requests; what they know in the end."""
    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=LIMIT_SECONDS, limits=limits) as http:
        acting = [Client(http, f"client{number:03}", random.Random(seed + number)) for number in range(clients)]
        async with asyncio.TaskGroup() as group:
            for client in acting:
                group.create_task(client.act(requests, shared))
    return acting


def find_lost(server: Server, acting: Sequence[Client], shared: str) -> list[str]:
    """What clients know from acknowledged answers and the server does not: updates that vanished, or came from nowhere."""
    faults = []
    counted = sorted(int(count) for client in acting for count in client.counted)
    if counted != list(range(1, len(counted) + 1)):
        faults.append(f"an update was lost without a 412: {counted}")
    if (told := server.client.get(f"/tasks/{shared}").json()["task"]["description"]) != str(len(counted)):
        faults.append(f"{len(counted)} updates, and the last one left is {told!r}")
    known = {id_: task for client in acting for id_, task in client.tasks.items()}
    stored = {
        task["id"]: {"name": task["name"], "enabled": task["enabled"]}
        for page in range(1, len(known) // PAGE + 3)
        for task in server.client.get("/tasks", params={"pageSize": PAGE, "page": page, "q": "client"}).json()["list"]
    }
    faults += [f"task {id_} is {stored.get(id_)}, not {task}" for id_, task in known.items() if stored.get(id_) != task]
    return faults + [f"task {id_} should not be there: {task}" for id_, task in stored.items() if id_ not in known]


def open_unfinished(port: int, begin: bytes, *, count: int) -> list[socket.socket]:
    """Connections on which a request begins and does not go on."""
    opened = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=30)
        connection.sendall(begin)
        opened.append(connection)
    return opened


@contextlib.contextmanager
def reading_streams(server: Server, count: int) -> Iterator[Counter[str]]:
    """Streams that are read as fast as they come, and opened again when they are cut off; how many events each had."""
    told: Counter[str] = Counter()
    over = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_read_all(server, count, told, over)), name="streams")
    thread.start()
    try:
        yield told
    finally:
        over.set()
        thread.join()


async def _read_all(server: Server, count: int, told: Counter[str], over: threading.Event) -> None:
    async with asyncio.TaskGroup() as group:
        readers = [group.create_task(_read(server.port, f"stream {number}", told)) for number in range(count)]
        while not over.is_set():
            await asyncio.sleep(0.2)
        for reader in readers:
            reader.cancel()
    await asyncio.sleep(0)  # connections close at the loop's next turn


async def _read(port: int, name: str, told: Counter[str]) -> None:
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.closing(writer):
                writer.write(EVENTS)
                while part := await reader.read(1 << 16):
                    told[name] += part.count(b"event: ")
        except OSError:
            await asyncio.sleep(0.1)


@contextlib.contextmanager
def endless_answers() -> Iterator[str]:
    """A server whose answers have 100 MB."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Big)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Big(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(100 * 1024 * 1024))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # enough has been read
            for _ in range(100):
                self.wfile.write(bytes(1024 * 1024))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
