"""What functions leave with their execution, on its way to the core: artifacts in pieces, results with an answer."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from cronplug.errors import PluginError
from cronplug.sdk.keeping import Artifact
from cronplug.worker.channel import Channel

_PIECE_BYTES = 512 * 1024
_LOOK_SECONDS = 1.0


class Answers:
    """The core's answers to what functions asked it to keep.

    On the worker's event loop they are futures. While a plain function has the process, the loop stands still and
    whoever waits reads the socket itself (`look`), one thread at a time; so does the signal handler.
    """

    def __init__(self, channel: Channel, loop: asyncio.AbstractEventLoop, take_frames: Callable[[], bool]) -> None:
        self._channel = channel
        self._loop = loop
        self._take_frames = take_frames
        self._numbers = itertools.count(1)
        self._futures: dict[int, asyncio.Future[str | None]] = {}
        self._waited: set[int] = set()
        self._given: dict[int, str | None] = {}
        self._reading = threading.Lock()
        self._signal_missed = False
        self.alone = False
        """Whether a plain function has the process to itself."""

    def take(self, number: int, error: str | None) -> None:
        """An answer has come."""
        future = self._futures.pop(number, None)
        if future is not None and not future.done():
            future.set_result(error)
        elif number in self._waited:
            self._given[number] = error

    def look(self) -> None:
        """Take what the core has said, without waiting; for the signal handler, which may interrupt a reader."""
        if not self._reading.acquire(blocking=False):
            self._signal_missed = True  # whoever reads now sees the same frames, and raises the signal again
            return
        try:
            if self._channel.wait_readable(seconds=0):
                self._take_frames()
        finally:
            self._reading.release()

    def ask(self, frame: dict[str, Any]) -> str | None:
        """Send a frame and wait for its answer, from any thread without a loop."""
        if not self.alone:
            return asyncio.run_coroutine_threadsafe(self.ask_on_loop(frame), self._loop).result()
        number = next(self._numbers)
        self._waited.add(number)
        try:
            self._channel.send({**frame, "number": number})
            while number not in self._given:
                self._read(until=number)
            return self._given.pop(number)
        finally:
            self._waited.discard(number)

    def _read(self, *, until: int) -> None:
        with self._reading:
            if (
                until not in self._given
                and self._channel.wait_readable(seconds=_LOOK_SECONDS)
                and not self._take_frames()
            ):
                os._exit(0)  # the core is gone
        if self._signal_missed:
            self._signal_missed = False
            signal.raise_signal(signal.SIGTERM)

    async def ask_on_loop(self, frame: dict[str, Any]) -> str | None:
        """The same on the worker's loop, which goes on meanwhile."""
        if self.alone:  # a plain function that runs a loop of its own
            return self.ask(frame)
        number = next(self._numbers)
        future: asyncio.Future[str | None] = self._loop.create_future()
        self._futures[number] = future
        try:
            self._channel.send({**frame, "number": number})
            return await future
        finally:
            self._futures.pop(number, None)


class RunKeeper:
    """Implements `cronplug.sdk.keeping.Keeper` for one run."""

    def __init__(self, channel: Channel, answers: Answers, run: int) -> None:
        self._channel = channel
        self._answers = answers
        self._run = run
        self._sending = threading.Lock()

    def put_artifact(self, artifact: Artifact) -> None:
        """Send it in pieces, so that no frame is too long and lines get through between them."""
        pieces = range(0, len(artifact.data) or 1, _PIECE_BYTES)
        with self._sending:
            for start in pieces:
                self._channel.send(
                    {
                        "kind": "artifact",
                        "run": self._run,
                        "name": artifact.name,
                        "media_type": artifact.media_type,
                        "piece": base64.b64encode(artifact.data[start : start + _PIECE_BYTES]).decode(),
                        "last": start == pieces[-1],
                    }
                )

    def put_once(self, key: str, value: Any) -> None:
        """Returns when the core has made it durable."""
        _raise_for(key, self._answers.ask(self._frame(key, value)))

    async def put_once_async(self, key: str, value: Any) -> None:
        """Returns when the core has made it durable."""
        _raise_for(key, await self._answers.ask_on_loop(self._frame(key, value)))

    def _frame(self, key: str, value: Any) -> dict[str, Any]:
        return {"kind": "once", "run": self._run, "key": key, "value": value}


def _raise_for(key: str, error: str | None) -> None:
    if error is not None:
        raise PluginError(f"The result of the work {key!r} could not be kept: {error}")
