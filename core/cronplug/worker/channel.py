"""The worker's end of the private socket to the core."""

from __future__ import annotations

import json
import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

from cronplug.executors.frames import FrameReader, encode_frame

_CHUNK = 64 * 1024


class Channel:
    """Sends and receives frames. Sending is safe from any thread and waits while the core is busy reading."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(True)
        self._socket.set_inheritable(False)
        self._reader = FrameReader()
        self._lock = threading.RLock()
        self._held: list[bytes] = []
        self._main_thread_sends = 0
        self._after_send: Callable[[], None] | None = None

    def fileno(self) -> int:
        """For the event loop."""
        return self._socket.fileno()

    def send(self, frame: dict[str, Any]) -> None:
        """Send one frame, after those held back. When the core is gone this process has no purpose and ends."""
        self._send(_encode(frame))

    def hold(self, frame: dict[str, Any]) -> bool:
        """Keep a frame until the next one is sent, or until `release`; True when it is the first."""
        self._held.append(_encode(frame))
        return len(self._held) == 1

    def release(self) -> None:
        """Send what is held back."""
        if self._held:
            self._send(b"")

    def _send(self, data: bytes) -> None:
        is_main = threading.current_thread() is threading.main_thread()
        self._main_thread_sends += is_main
        try:
            with self._lock:
                held, self._held = self._held, []
                self._socket.sendall(b"".join([*held, data]))
        except OSError:
            os._exit(0)
        finally:
            self._main_thread_sends -= is_main
        if is_main and self._after_send is not None and not self._main_thread_sends:
            after, self._after_send = self._after_send, None
            after()

    def when_not_sending(self, action: Callable[[], None]) -> None:
        """Run `action` now, or right after the frame the main thread is sending: never in the middle of one.

        For signal handlers, whose exceptions would otherwise cut a frame in two.
        """
        if self._main_thread_sends:
            self._after_send = action
        else:
            action()

    def receive(self) -> Iterator[dict[str, Any]] | None:
        """The frames that have come, without waiting; None when the core has closed its end."""
        try:
            data = self._socket.recv(_CHUNK, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return iter(())
        except OSError:
            return None
        if not data:
            return None
        return (json.loads(body) for body in self._reader.feed(data))

    def wait_readable(self, *, seconds: float) -> bool:
        """Whether the core has said something more, or has gone, within that time."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def abandon(self) -> None:
        """Let go of the socket in a forked child, which must not speak for this worker."""
        self._socket.close()


def _encode(frame: dict[str, Any]) -> bytes:
    return encode_frame(json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"))
