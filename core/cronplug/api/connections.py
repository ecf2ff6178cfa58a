"""HTTP/1.1 connections that do not wait for ever for the head of a request, as uvicorn's own do."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

_GRACEFUL_SECONDS = 3
HEAD_SECONDS = 20.0
"""From the connection, or the first byte of a later request on it, to the end of the request's head."""

_LAST_LOOK_SECONDS = 0.1
"""What came while the event loop was busy with others is read before a second timer runs, however short it is."""


class ImpatientProtocol(H11Protocol):
    """Closes a connection whose request does not get to the end of its head (a "slowloris").

    The body has Quart's limit, and the time between two requests uvicorn's.
    """

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._start_waiting()

    def data_received(self, data: bytes) -> None:
        """Take what came, and see whether it was the end of a head."""
        super().data_received(data)
        under_way: RequestResponseCycle | None = self.cycle
        if under_way is not None and not under_way.response_complete:
            self._stop_waiting()
        elif self._head_timer is None:
            self._start_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer with the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _start_waiting(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._look_once_more)

    def _look_once_more(self) -> None:
        self._head_timer = self.loop.call_later(_LAST_LOOK_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def server_config(app: Any, *, port: int = 0) -> uvicorn.Config:
    """How uvicorn serves an ASGI application: on the loop that runs, and without a word of its own in the log."""
    return uvicorn.Config(
        app,
        port=port,
        lifespan="on",
        loop="none",
        http=ImpatientProtocol,
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=_GRACEFUL_SECONDS,
        timeout_keep_alive=65,
        h11_max_incomplete_event_size=64 * 1024,
    )
