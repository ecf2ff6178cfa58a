"""Many clients, good and bad, while tasks fire."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator

from bench.soak.audit import create, told_of
from bench.soak.stage import Stage, Watch, end_calmly
from tests.acceptance.audit import find_faults, statuses
from tests.acceptance.load import EVENTS, act_together, endless_answers, find_lost, open_unfinished, reading_streams
from tests.acceptance.server import TOKEN, Server

CLIENTS = 50
STREAMS = 100
"""That are read, and as many that are not."""
SLOW = 50
TOO_LARGE = 20
BIG_ANSWERS = 10
MAY_GROW_MEGABYTES = 150
"""With all of this at once, over what it had before."""

HALF = b"GET /healthz HTTP/1.1\r\nHost: 127"
LARGE = (
    f"POST /api/scheduler/tasks HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
    "Content-Type: application/json\r\nContent-Length: 10000000000\r\n\r\n{"
).encode()


def load(stage: Stage, *, tasks: int = 500, requests: int = 10_000) -> list[str]:
    """Let 50 clients act while tasks fire, streams are open and others misbehave; the broken promises."""
    witness = stage.folder / "begun"
    with stage.server(SCHEDULER_MAX_CONCURRENCY="50") as (server, database):
        firing = [create(server, number, witness, stage.chance) for number in range(tasks)]
        shared = server.create_task(name="shared", type="function", functionName="maintenance.heartbeat")["id"]
        with contextlib.ExitStack() as stack:
            watch = stack.enter_context(Watch(server.pid))
            readers = stack.enter_context(reading_streams(server, STREAMS))
            stack.enter_context(bad_clients(server))
            url = stack.enter_context(endless_answers())
            big = server.create_task(name="Big", type="http", httpUrl=url, overlap="allow", timeoutSeconds=120)["id"]
            answers_of_100_mb = [server.trigger(big) for _ in range(BIG_ANSWERS)]
            began = time.monotonic()
            acting = asyncio.run(
                act_together(
                    str(server.client.base_url), server.client.headers, clients=CLIENTS,
                    requests=requests // CLIENTS, shared=shared, seed=stage.chance.randrange(10**6),
                )
            )  # fmt: skip
            took = time.monotonic() - began
            ends = Counter(
                server.until_status(it, "success", "failed", seconds=120)["status"] for it in answers_of_100_mb
            )
            told = readers.total()
        answers = sum((client.answers for client in acting), Counter[int]())
        print(f"  {answers.total()} requests of {CLIENTS} clients in {took:.0f} s: {dict(answers)}")
        grown = max(it.megabytes for it in watch.samples) - watch.samples[0].megabytes
        print(f"  {told} events read by {STREAMS} streams; 100 MB answers: {dict(ends)}; {watch} ({grown:+.0f} MB)")
        faults = [f"{count} were answered with {status}" for status, count in answers.items() if status >= 500]
        faults += [f"memory grew by {grown:.0f} MB"] if grown > MAY_GROW_MEGABYTES else []
        faults += [] if ends == {"success": BIG_ANSWERS} else [f"answers of 100 MB: {dict(ends)}"]
        faults += find_lost(server, acting, shared)
        faults += end_calmly(server, firing)
        print(f"  {told_of(database)}; {dict(statuses(database).most_common())}")
        triggered = sum(len(client.triggered) for client in acting) + BIG_ANSWERS
        [(by_hand,)] = database.select("SELECT count(*) FROM executions WHERE \"trigger\" = 'manual'")
        faults += [] if by_hand == triggered else [f"{triggered} runs were asked for, {by_hand} are there"]
        return faults + find_faults(database)


@contextlib.contextmanager
def bad_clients(server: Server) -> Iterator[None]:
    """Clients that never read, never finish, or announce too much."""
    opened = [
        *open_unfinished(server.port, EVENTS, count=STREAMS),
        *open_unfinished(server.port, HALF, count=SLOW),
        *open_unfinished(server.port, LARGE, count=TOO_LARGE),
    ]
    try:
        yield
    finally:
        for connection in opened:
            connection.close()
