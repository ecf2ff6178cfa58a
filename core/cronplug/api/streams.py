"""How event streams are written (HTML Living Standard, server-sent events).

A stream ends in one of three ways: the thing it follows has ended (`end`), the server stops (`bye`), or its reader was
too slow and is cut off, to come back and fetch what it missed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from functools import lru_cache

import orjson
from quart import Response, request

from cronplug.api.execution_json import LogLine
from cronplug.errors import FieldError, InvalidInput
from cronplug.events import Event, EventBus
from cronplug.model import ENDED
from cronplug.operations import Operations

PING_SECONDS = 15.0
SHARED_SECONDS = 0.1
"""Changes that follow each other sooner share a write: thousands of runs a second are told to hundreds of readers."""
LOG_POLL_SECONDS = 1.0
_LOG_CHUNK_LINES = 2_000
_PING = b": ping\n\n"
_HELLO = b"retry: 2000\n\n"
_BYE = b"event: bye\ndata: {}\n\n"


def stream(frames: AsyncGenerator[bytes, None]) -> Response:
    """An answer that is written as it comes, without a time limit and without buffering by proxies."""
    response = Response(frames, 200, content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.timeout = None
    return response


def resume_point() -> int:
    """The number in `Last-Event-ID`, 0 without the header."""
    text = request.headers.get("Last-Event-ID", "").strip()
    if not text:
        return 0
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise InvalidInput([FieldError("Last-Event-ID", "must be the id of an event of this stream", "integer")])
    return int(text)


def frame(event: str, data: bytes, *, id: int | None = None) -> bytes:
    """One event; `data` is one line of JSON."""
    head = b"" if id is None else b"id: %d\n" % id
    return b"%bevent: %b\ndata: %b\n\n" % (head, event.encode(), data)


@lru_cache(maxsize=4096)
def _change_frame(event: Event) -> bytes:
    """The frame of a change, made once for all readers."""
    return frame(event.kind, orjson.dumps({"id": event.id, "change": event.change}))


async def follow_changes(bus: EventBus, *, ping_seconds: float = PING_SECONDS) -> AsyncGenerator[bytes, None]:
    """Every change but new log lines, until the bus closes: the first one at once, those right after it together."""
    async with bus.subscribe(lambda event: event.kind != "log") as inbox:
        yield _HELLO
        while True:
            event = await inbox.next(timeout_seconds=ping_seconds)
            if event == "idle":
                yield _PING
            elif event is None:
                if bus.closed:
                    yield _BYE
                return
            else:
                yield b"".join(map(_change_frame, (event, *inbox.take_waiting())))
                await asyncio.sleep(SHARED_SECONDS)


async def follow_log(
    operations: Operations, bus: EventBus, execution_id: str, *, after_seq: int
) -> AsyncGenerator[bytes, None]:
    """An execution's lines after `after_seq`, until it has ended and every line was given.

    The database is read on a hint from the bus and at least every second, so that a lost hint costs a second.
    """
    async with bus.subscribe(lambda event: event.id == execution_id) as inbox:
        yield _HELLO
        quiet_seconds = 0.0
        while True:
            ended = (await operations.get_execution(execution_id)).execution.status in ENDED
            page = await operations.read_log(execution_id, offset=after_seq, limit=_LOG_CHUNK_LINES)
            if page.lines:
                yield b"".join(
                    frame("line", LogLine.of(line).model_dump_json(by_alias=True).encode(), id=line.seq)
                    for line in page.lines
                )
                after_seq = page.lines[-1].seq
                quiet_seconds = 0.0
                continue
            if ended:
                yield frame("end", b"{}")
                return
            event = await inbox.next(timeout_seconds=LOG_POLL_SECONDS)
            if event is None:
                if bus.closed:
                    yield _BYE
                return
            if event == "idle":
                quiet_seconds += LOG_POLL_SECONDS
                if quiet_seconds >= PING_SECONDS:
                    quiet_seconds = 0.0
                    yield _PING
