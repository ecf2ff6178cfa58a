"""HTTP tasks beside the client they use, bare: the same httpx transport, the same local server, 32 at a time."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import uvloop
from httpx_aiohttp import AiohttpTransport

from bench.figures import GaveUp
from bench.ours import engine_running, insert_queued, settings_for, until_ended
from cronplug.app import running_app
from cronplug.model import TaskType

AT_ONCE = 32
BODY = b'{"ok": true}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


class _Answering(asyncio.Protocol):
    """Answers each request the same. Those here have no body, so a head is all of one."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._received = b""

    def data_received(self, data: bytes) -> None:
        *heads, self._received = (self._received + data).split(b"\r\n\r\n")
        self._transport.write(ANSWER * len(heads))


async def answer_for_ever() -> None:
    server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def target() -> Iterator[str]:
    """The address of a server that costs little, in a process of its own."""
    command = [sys.executable, "-m", "bench.http_tasks", "target"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
        finally:
            process.terminate()


async def ours(folder: Path, count: int, url: str) -> dict[str, float]:
    """A backlog of HTTP executions; each is claimed, sent, judged, and written down with the answer and two log lines."""
    payload: dict[str, Any] = {"httpMethod": "GET", "httpUrl": url, "httpHeaders": {}, "httpBody": None}
    payload |= {"httpExpectStatus": ["2xx"], "httpExpectBody": None}
    async with running_app(settings_for(folder, slots=AT_ONCE)) as app:
        await insert_queued(app.store, count, None, type=TaskType.HTTP, payload=payload)
        began, began_cpu = time.perf_counter(), time.process_time()
        async with engine_running(app):
            await until_ended(app.store, count)
            elapsed, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    return {"per_second": count / elapsed, "cpu_ms": cpu / count * 1000}


async def bare(count: int, url: str) -> dict[str, float]:
    """As many requests by 32 loops over one client."""
    left = iter(range(count))

    async def call(client: httpx.AsyncClient) -> None:
        for _ in left:
            response = await client.get(url)
            if response.content != BODY:
                raise GaveUp(f"the local server answered {response.status_code}")

    async with httpx.AsyncClient(transport=AiohttpTransport(), timeout=60, trust_env=False) as client:
        began, began_cpu = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(call(client))
        elapsed, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    return {"per_second": count / elapsed, "cpu_ms": cpu / count * 1000}


def main() -> None:
    if sys.argv[1] == "target":
        uvloop.run(answer_for_ever())
        return
    gc.freeze()
    what, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    with target() as url:
        measured = uvloop.run(ours(folder, count, url) if what == "ours" else bare(count, url))
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
