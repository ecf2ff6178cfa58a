"""What a process still has that a function, or an import, left behind; `look` answers it from inside a worker."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any

from cronplug.sdk.functions import function


@function("cronplug.look", description="Tell which threads and tasks this worker process has.")
async def look() -> dict[str, Any]:
    """Called in a worker before and after the function that is examined."""
    here = asyncio.current_task()
    return {
        "pid": os.getpid(),
        "threads": sorted(
            f"{thread.name}{' (daemon)' if thread.daemon else ''}"
            for thread in threading.enumerate()
            if is_own_thread(thread)
        ),
        "tasks": sorted(task.get_name() for task in asyncio.all_tasks() if task is not here),
        "left_children": has_children(),
    }


def is_own_thread(thread: threading.Thread) -> bool:
    """Whether somebody made it: not the main thread, nor one that asyncio keeps for `to_thread`."""
    return thread is not threading.main_thread() and not thread.name.startswith("asyncio_")


def has_children() -> bool:
    """Whether this process has child processes, alive or unreaped (orphans of them too, after `adopt_orphans`)."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
