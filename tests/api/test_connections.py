"""Connections whose request never gets to the end of its head are closed, and no others."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import uvloop

from cronplug.api import connections
from cronplug.api.connections import ImpatientProtocol

HEAD_SECONDS = 0.2
REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"

Dialogue = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]


async def greet(scope: Any, receive: Any, send: Any) -> None:
    """The smallest ASGI application."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server on the same event loop, which the server has accepted."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(greet, http=ImpatientProtocol, ws="none", lifespan="off", log_config=None, loop="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    while not server.server_state.connections:
        await asyncio.sleep(0.01)
    try:
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await serving


def answer_of(dialogue: Dialogue) -> bytes:
    """What a dialogue brings, on the event loop that the server runs on."""

    async def talk() -> bytes:
        async with connected() as (reader, writer), asyncio.timeout(30):
            return await dialogue(reader, writer)

    return uvloop.run(talk())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", HEAD_SECONDS)


def test_half_a_head_is_not_waited_for() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(REQUEST[:-2])
        return await reader.read()

    assert answer_of(half) == b""


def test_a_connection_on_which_nothing_comes_is_closed() -> None:
    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        return await reader.read()

    assert answer_of(nothing) == b""


def test_a_request_that_came_while_the_loop_was_busy_is_answered() -> None:
    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()

        def be_busy() -> None:  # between the loop's look at its sockets and that at its timers
            loop.remove_reader(ours)
            writer.write(REQUEST)
            time.sleep(HEAD_SECONDS * 2)

        with ours, theirs:
            loop.add_reader(ours, be_busy)
            theirs.send(b"now")
            return await reader.readuntil(b"hi")

    assert answer_of(late).startswith(b"HTTP/1.1 200")


def test_a_connection_is_kept_between_two_requests() -> None:
    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(REQUEST)
        await reader.readuntil(b"hi")
        await asyncio.sleep(HEAD_SECONDS * 3)
        writer.write(REQUEST)
        return await reader.readuntil(b"hi")

    assert answer_of(twice).startswith(b"HTTP/1.1 200")
