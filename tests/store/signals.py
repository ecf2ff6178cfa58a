"""What units wait for in tests: those of PostgreSQL on the event loop, those of SQLite in a thread of its own."""

from __future__ import annotations

import asyncio
import threading

LONGEST_SECONDS = 20.0


class Signal:
    """An event that a unit may wait for, or set, wherever it runs."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._here = asyncio.Event()
        self._in_threads = threading.Event()

    def set(self) -> None:
        """Let all go on who wait."""
        self._in_threads.set()
        self._loop.call_soon_threadsafe(self._here.set)

    async def wait(self) -> None:
        """Go on when it is set. In a thread nothing else goes on meanwhile there, as behind a statement that takes long."""
        if threading.current_thread() is threading.main_thread():
            await self._here.wait()
        elif not self._in_threads.wait(LONGEST_SECONDS):
            raise TimeoutError
