"""An HTTP/1.1 client that costs little, so that what is measured is the server: raw requests on kept connections."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from bench.figures import GaveUp

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
LONGEST_SECONDS = 120.0


@dataclass
class Answers:
    """What came back, so far."""

    wanted: int
    statuses: Counter[int] = field(default_factory=Counter)
    taken: list[float] = field(default_factory=list)
    """Seconds of each request."""
    sent: int = 0
    all_here: asyncio.Event = field(default_factory=asyncio.Event)


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last one is here."""

    def __init__(self, request: bytes, answers: Answers) -> None:
        self._request = request
        self._answers = answers
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self._send()

    def data_received(self, data: bytes) -> None:
        received = self._received
        received += data
        head = received.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _LENGTH.search(received, 0, head + 2)
        assert length, received[:head]
        if len(received) < head + 4 + int(length[1]):
            return
        self._answers.taken.append(time.perf_counter() - self._sent_at)
        self._answers.statuses[int(received[9:12])] += 1
        received.clear()
        if len(self._answers.taken) == self._answers.wanted:
            self._answers.all_here.set()
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        if self._answers.sent == self._answers.wanted:
            return
        self._answers.sent += 1
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)


def request_text(method: str, path: str, *, headers: dict[str, str], body: str = "") -> bytes:
    """The bytes of a request with a body of JSON, or of none."""
    fields = {"Host": "127.0.0.1", **headers}
    if method != "GET":
        fields |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


async def ask(port: int, requests: Sequence[bytes], *, count: int, clients: int, expect: int) -> dict[str, float]:
    """`count` answers over `clients` connections, each of which repeats its one of the `requests`.

    Raises GaveUp when one has another status.
    """
    answers = Answers(wanted=count)
    began = time.perf_counter()
    loop = asyncio.get_running_loop()
    opened = [
        (
            await loop.create_connection(
                partial(_Connection, requests[number % len(requests)], answers), "127.0.0.1", port
            )
        )[0]
        for number in range(clients)
    ]
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await answers.all_here.wait()
    except TimeoutError:
        raise GaveUp(f"{len(answers.taken)} of {count} answers within {LONGEST_SECONDS:g} s") from None
    finally:
        elapsed = time.perf_counter() - began
        for transport in opened:
            transport.close()
    if set(answers.statuses) != {expect}:
        raise GaveUp(f"answers with other statuses than {expect}: {dict(answers.statuses)}")
    late = sorted(answers.taken)
    return {"per_second": count / elapsed, "p50_ms": late[count // 2] * 1000, "p99_ms": late[int(count * 0.99)] * 1000}
