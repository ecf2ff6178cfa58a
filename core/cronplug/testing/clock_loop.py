"""An event loop that lives by a settable clock: what sleeps there sleeps no real time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any

from cronplug.clock import SettableClock

_FINEST_SECONDS = 1e-6
"""The resolution of a datetime: a smaller step would not move the clock."""


class ClockLoop(asyncio.SelectorEventLoop):
    """Its time is the clock's, which it moves on to the next timer whenever there is nothing else to do.

    For code that waits by asyncio alone: threads and the network take real time, of which this loop knows nothing.
    """

    def __init__(self, clock: SettableClock) -> None:
        self._clock = clock
        self._began = clock.now()
        super().__init__(_ClockSelector(clock))
        self._clock_resolution = 2 * _FINEST_SECONDS

    def time(self) -> float:
        """Seconds since the loop was made."""
        return (self._clock.now() - self._began).total_seconds()


class _ClockSelector(selectors.BaseSelector):
    def __init__(self, clock: SettableClock) -> None:
        self._clock = clock
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(None if timeout is None else 0)
        if not ready and timeout is not None and timeout > 0:
            self._clock.advance(max(timeout, _FINEST_SECONDS))
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.get_key(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()
