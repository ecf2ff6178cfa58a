"""Plain functions that change the process they run in. Installed by the tests as a plugin of their own."""

from __future__ import annotations

import asyncio
import locale
import logging
import os
import signal
import subprocess
import tempfile
import threading
from multiprocessing import shared_memory
from typing import Any

from cronplug import function

os.environ["SET_AT_IMPORT"] = "yes"


@function("disturbing.look")
def look() -> dict[str, Any]:
    """Tell what the process is like."""
    mask = os.umask(0o077)
    os.umask(mask)
    return {
        "pid": os.getpid(),
        "folder": os.getcwd(),
        "mask": mask,
        "environ": dict(os.environ),
        "locale": locale.setlocale(locale.LC_ALL),
        "timer": signal.getitimer(signal.ITIMER_REAL)[0] > 0,
        "deaf": signal.getsignal(signal.SIGTERM) is signal.SIG_IGN,
        "level": logging.getLogger().level,
        "handlers": [type(handler).__name__ for handler in logging.getLogger().handlers],
    }


@function("disturbing.change")
def change() -> int:
    """Change all of it."""
    os.chdir(tempfile.gettempdir())
    os.umask(0o777)
    os.environ["LEFT"] = "over"
    os.environ["SET_AT_IMPORT"] = "no"
    del os.environ["PATH"]
    locale.setlocale(locale.LC_ALL, "C.UTF-8" if locale.setlocale(locale.LC_ALL) == "C" else "C")
    signal.alarm(600)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logging.basicConfig(level=logging.CRITICAL, handlers=[logging.NullHandler()], force=True)
    logging.disable(logging.CRITICAL)
    return os.getpid()


@function("disturbing.wait")
def wait() -> None:
    """Wait for an end that only a signal brings."""
    logging.getLogger("acme").info("waiting")
    threading.Event().wait()


@function("disturbing.thread")
def thread(daemon: bool) -> int:
    """Leave a thread running."""
    threading.Thread(target=threading.Event().wait, name="acme-loop", daemon=daemon).start()
    return os.getpid()


@function("disturbing.dead-child")
def dead_child() -> int:
    """Start a process, and do not wait for it though it has ended."""
    process = subprocess.Popen(["true"], stdout=subprocess.PIPE)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    process.returncode = 0  # no warning that it is forgotten
    return os.getpid()


@function("disturbing.share-memory")
def share_memory() -> int:
    """Use what has multiprocessing start a process of its own."""
    memory = shared_memory.SharedMemory(create=True, size=1)
    memory.close()
    memory.unlink()
    return os.getpid()


@function("disturbing.async-child")
async def async_child() -> int:
    """Leave a process running, from a worker that others share."""
    process = await asyncio.create_subprocess_exec("sleep", "600")
    print(process.pid, flush=True)
    return os.getpid()
