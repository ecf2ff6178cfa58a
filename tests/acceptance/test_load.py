"""Many clients, bad clients and more work than there is room for: the long form is `./dev soak`."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.audit import Database, find_faults
from tests.acceptance.load import EVENTS, act_together, endless_answers, find_lost, open_unfinished, reading_streams
from tests.acceptance.server import TOKEN, Server
from tests.acceptance.staged import set_stage

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(240)]

CLIENTS = 50
REQUESTS = 30
"""Of each client."""

HEAD_SECONDS = 4
"""Not so short that a client of a busy machine connects, and is too late."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, strangers_site: Path) -> Iterator[Server]:
    """One server for all, patient for less long than it usually is."""
    server = Server(
        tmp_path_factory.mktemp("load") / "data",
        PYTHONPATH=str(strangers_site),
        SCHEDULER_MAX_CONCURRENCY="10",
        SCHEDULER_WORKERS="2",
    )
    set_stage(server, head_seconds=HEAD_SECONDS)
    try:
        yield server.start()
    finally:
        server.close()


def test_fifty_clients_change_everything_while_tasks_fire(server: Server) -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    firing = [
        server.create_task(
            name=f"fires {number}", type="function", functionName="maintenance.heartbeat", overlap="allow",
            catchUp="all", cronExpression="* * * * * *",
        )["id"]
        for number in range(20)
    ]  # fmt: skip
    shared = server.create_task(name="shared", type="function", functionName="maintenance.heartbeat")["id"]
    with silent_readers(server, 20), reading_streams(server, 10) as told:
        acting = asyncio.run(
            act_together(
                str(server.client.base_url), server.client.headers, clients=CLIENTS, requests=REQUESTS, shared=shared,
                seed=seed,
            )
        )  # fmt: skip
    answers = sum((client.answers for client in acting), Counter[int]())
    print(dict(answers))
    assert len(told) == 10, "a stream was told nothing"
    assert set(answers) <= {200, 201, 202, 204, 412}
    assert find_lost(server, acting, shared) == []
    for task in firing:
        server.client.post(f"/tasks/{task}/toggle", json={"enabled": False}).raise_for_status()
    server.until_idle()
    database = Database(server.data_dir / "cronplug.db")
    assert find_faults(database) == []
    triggered = [execution for client in acting for execution in client.triggered]
    [(by_hand,)] = database.select("SELECT count(*) FROM executions WHERE \"trigger\" = 'manual'")
    assert by_hand == len(triggered)


@contextlib.contextmanager
def silent_readers(server: Server, count: int) -> Iterator[None]:
    """Clients that ask for the stream of changes and never read it."""
    readers = open_unfinished(server.port, EVENTS, count=count)
    assert all(reader.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200" for reader in readers)
    try:
        yield
    finally:
        for reader in readers:
            reader.close()


HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def test_a_request_that_does_not_come_to_its_end_is_cut_off(server: Server) -> None:
    slow = open_unfinished(server.port, b"", count=50)
    slow += open_unfinished(server.port, HEAD[:30], count=50)
    second = open_unfinished(server.port, HEAD, count=50)
    for connection in second:
        assert connection.recv(65536)
        connection.sendall(HEAD[:30])
    assert httpx.get(f"{server.url}/healthz").status_code == 200
    for connection in slow + second:
        with connection:
            until_closed(connection)
    assert server.is_ready()


def test_a_large_body_that_is_announced_is_refused_before_it_is_sent(server: Server) -> None:
    head = (
        f"POST /api/scheduler/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Type: application/json\r\nContent-Length: 10000000000\r\n\r\n{"
    )
    [connection] = open_unfinished(server.port, head.encode(), count=1)
    with connection:
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_a_large_body_without_a_length_is_refused_once_it_is_too_large(server: Server) -> None:
    head = (
        f"POST /api/scheduler/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    [connection] = open_unfinished(server.port, head.encode(), count=1)
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with connection:
        with contextlib.suppress(ConnectionError):  # it has had enough
            for _ in range(100):
                connection.sendall(chunk)
        assert connection.recv(12) == b"HTTP/1.1 413"


def until_closed(connection: socket.socket) -> None:
    """Read to the end of what the server sends."""
    while connection.recv(65536):
        pass


def test_an_answer_of_100_megabytes_costs_no_memory(server: Server) -> None:
    before = resident_megabytes(server.pid)
    with endless_answers() as url:
        made = server.create_task(name="Big", type="http", httpUrl=url, overlap="allow")
        runs = [server.trigger(made["id"]) for _ in range(5)]
        for run in runs:
            assert server.until_status(run, "success", "failed")["status"] == "success"
    assert resident_megabytes(server.pid) < before + 40
    result = server.execution(runs[0])["result"]
    assert result["bodyTruncated"]


def resident_megabytes(pid: int) -> float:
    """What a process keeps in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def test_ten_times_more_work_than_slots_waits_its_turn_and_is_done(server: Server) -> None:
    """Ten slots are taken, a hundred runs and those of schedules wait: to be seen, fair, and all done in the end."""
    holding = [server.invoke("acme.wait", {"seconds": 600}, timeoutSeconds=900) for _ in range(10)]
    for execution in holding:
        server.until_status(execution, "running")
    policies = {
        overlap: server.create_task(
            name=overlap, type="function", functionName="acme.wait", functionPayload={"seconds": 0.1}, overlap=overlap,
            cronExpression="* * * * * *",
        )["id"]
        for overlap in ("skip", "queue")
    }  # fmt: skip
    asked = [server.invoke("acme.wait", {"seconds": 0.1}) for _ in range(100)]
    server.until(lambda: server.executions(taskId=policies["skip"], status="skipped"), what="a run being skipped")
    server.until(lambda: server.executions(taskId=policies["queue"], status="queued")[1:], what="two that wait")
    assert server.client.get("/stats").json()["queuedExecutions"] >= len(asked) + 3
    assert server.is_ready()
    for execution in holding:
        server.client.post(f"/executions/{execution}/cancel").raise_for_status()
    for task in policies.values():
        server.client.post(f"/tasks/{task}/toggle", json={"enabled": False}).raise_for_status()
    server.until_idle()
    database = Database(server.data_dir / "cronplug.db")
    assert find_faults(database) == []
    started = [server.execution(execution)["startedAt"] for execution in asked]
    assert started == sorted(started), "a later one overtook an earlier one"
    for task in policies.values():
        runs = sorted((it["startedAt"], it["finishedAt"]) for it in server.executions(taskId=task, status="success"))
        assert runs
        assert all(ended <= begun for (_, ended), (begun, _) in itertools.pairwise(runs)), "two at once"
