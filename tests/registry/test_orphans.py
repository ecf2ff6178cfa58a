"""A process that imports plugins ends with the server that started it, however that one ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.registry.installing import FIRST_PARTY, Site

SERVER = """
import asyncio, sys
from cronplug.registry.discovery import discover

asyncio.run(discover(python=sys.executable, skip=set(sys.argv[1:]), deadline_seconds=600))
"""

PLUGIN = """
import os, threading

with open(os.environ["STARTED_PIPE"], "w") as pipe:
    pipe.write(f"{os.getpid()}")
threading.Event().wait()
"""


def test_an_import_that_hangs_ends_with_a_server_that_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path / "site")
    site.install("hangs", PLUGIN)
    site.put_on_path(monkeypatch)
    started = tmp_path / "started"
    os.mkfifo(started)
    monkeypatch.setenv("STARTED_PIPE", str(started))
    with subprocess.Popen([sys.executable, "-c", SERVER, *FIRST_PARTY]) as server:
        with started.open() as pipe:
            importing = os.pidfd_open(int(pipe.read()))
        try:
            server.kill()
            ended, _, _ = select.select([importing], [], [], 10)
            if not ended:
                signal.pidfd_send_signal(importing, signal.SIGKILL)
        finally:
            os.close(importing)

    assert ended
