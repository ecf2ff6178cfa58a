"""The core's side of the warden process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

_log = logging.getLogger(__name__)
_PROGRAM = Path(__file__).with_name("warden_process.py")


class Warden:
    """Has processes killed that outlive their worker, or this process when that dies without being able to do it itself."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._missed = False

    async def start(self, *, python: str) -> None:
        """Start the process; groups can be watched from then on."""
        self._process = await asyncio.create_subprocess_exec(
            *(python, "-I", "-S", str(_PROGRAM)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env={},
        )

    def watch(self, group: int, *, mark: str) -> None:
        """Kill this group should the core die, and those that left it but have `mark` (`NAME=value`) in their environment."""
        self._tell(f"+{group} {mark}\n")

    def forget(self, group: int) -> None:
        """The worker has ended: kill what has its mark."""
        self._tell(f"-{group}\n")

    async def close(self) -> None:
        """End the process; it kills what it still watches."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await self._process.wait()
        if self._process.returncode is None:
            self._process.kill()

    def _tell(self, line: str) -> None:
        if self._process is None or self._process.stdin is None:
            return
        if not self._process.stdin.is_closing():
            self._process.stdin.write(line.encode())
        elif not self._missed:  # someone killed it; uvloop raises for a write to it
            self._missed = True
            _log.error("the warden process is gone: what functions start may outlive a crash of this server")
