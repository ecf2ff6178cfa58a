"""Finding and ending what plugin code has started, wherever it has gone. Linux only; elsewhere nothing is found.

Standard library only, and nothing at import: the warden process runs this file by its path.
"""

import os
import signal
import sys
import time
from collections.abc import Collection

_PR_SET_CHILD_SUBREAPER = 36
_PROC = "/proc"
_MOST_PROCESSES = 1_000
_ROUNDS = 20
_BETWEEN_ROUNDS_SECONDS = 0.005


def adopt_orphans() -> None:
    """Become the parent of what child processes leave behind, daemons too."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def descendants_of(pid: int) -> list[int]:
    """The processes that a process started, and those that they started; at most a thousand."""
    found: list[int] = []
    waiting = [pid]
    while waiting and len(found) < _MOST_PROCESSES:
        children = _children_of(waiting.pop())
        found += children
        waiting += children
    return found


def kill_descendants() -> None:
    """Kill what this process has started and, if it adopts orphans, what those left behind."""
    for pid in descendants_of(os.getpid()):
        _kill(pid)


def kill_marked(marks: Collection[bytes]) -> None:
    """Kill every process with one of the marks, `NAME=value`, in the environment that it began with.

    In rounds: one that forks meanwhile has its children in the next. One that cleared its environment is not found.
    """
    for _ in range(_ROUNDS if marks else 0):
        marked = [pid for pid in _processes() if not _environ_of(pid).isdisjoint(marks)]
        if not marked:
            return
        for pid in marked:
            _kill(pid)
        time.sleep(_BETWEEN_ROUNDS_SECONDS)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _children_of(pid: int) -> list[int]:
    """By the kernel's own list, where it keeps one (CONFIG_PROC_CHILDREN): any thread may have started them."""
    children: list[int] = []
    try:
        for thread in os.listdir(f"{_PROC}/{pid}/task"):
            with open(f"{_PROC}/{pid}/task/{thread}/children", "rb") as file:
                children += map(int, file.read().split())
    except OSError:
        pass  # it has just ended, or there is no such list here
    return children


def _processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir(_PROC) if name.isdigit()]
    except FileNotFoundError:
        return []


def _environ_of(pid: int) -> set[bytes]:
    """Nothing for one that has ended or is another user's."""
    try:
        with open(f"{_PROC}/{pid}/environ", "rb") as file:
            return set(file.read().split(b"\0"))
    except OSError:
        return set()
