"""Nothing outlives the import of a plugin: not the process that imports when its server is killed, nor what it started."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cronplug.registry import Registry
from tests.authoring.making import check, make_plugin
from tests.executors.conftest import is_running, wait_until
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


DAEMONS = """
import os, subprocess

script = "trap '' TERM HUP; echo $$; exec sleep 600 >/dev/null 2>&1"
for environ in (None, {}):
    daemon = subprocess.Popen(["setsid", "/bin/sh", "-c", script], stdout=subprocess.PIPE, text=True, env=environ)
    with open(os.environ["DAEMONS"], "a") as file:
        file.write(daemon.stdout.readline())
"""


def daemons(file: Path) -> list[int]:
    """The processes that were started; for the import that ended, and for the one that was ended."""
    return [int(line) for line in file.read_text().splitlines()]


async def test_daemons_that_an_import_starts_end_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(tmp_path / "site")
    site.install("starts-daemons", DAEMONS)
    site.install("starts-daemons-and-hangs", f"{DAEMONS}\nimport threading; threading.Event().wait()")
    site.put_on_path(monkeypatch)
    monkeypatch.setenv("DAEMONS", str(tmp_path / "daemons"))

    await Registry(blocked=FIRST_PARTY, import_deadline_seconds=3).rescan()

    started = daemons(tmp_path / "daemons")
    assert len(started) == 6  # the good one is imported again without the one that hangs
    await wait_until(lambda: not any(map(is_running, started)))


def test_daemons_that_the_import_of_a_checked_plugin_starts_end_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAEMONS", str(tmp_path / "daemons"))

    check(make_plugin(tmp_path / "acme", DAEMONS))

    started = daemons(tmp_path / "daemons")
    assert started
    asyncio.run(wait_until(lambda: not any(map(is_running, started))))
