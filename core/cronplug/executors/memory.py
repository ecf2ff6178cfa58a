"""How much memory processes hold and which they started, from /proc: Linux only, elsewhere nobody knows."""

from __future__ import annotations

import os
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")
_MOST_PROCESSES = 1_000


def resident_bytes(pid: int) -> int:
    """The resident memory of a process and its descendants; those that end meanwhile count nothing."""
    return sum(map(_resident_of, (pid, *descendants_of(pid))))


def descendants_of(pid: int) -> list[int]:
    """The processes that a process started, and those that they started; at most a thousand."""
    found: list[int] = []
    waiting = [pid]
    while waiting and len(found) < _MOST_PROCESSES:
        children = _children_of(waiting.pop())
        found += children
        waiting += children
    return found


def _resident_of(pid: int) -> int:
    try:
        pages = (_PROC / str(pid) / "statm").read_bytes().split()
    except OSError:
        return 0
    return int(pages[1]) * _PAGE_BYTES if len(pages) > 1 else 0


def _children_of(pid: int) -> list[int]:
    """By the kernel's own list, where it keeps one (CONFIG_PROC_CHILDREN): any thread may have started them."""
    children: list[int] = []
    try:
        for thread in os.listdir(_PROC / str(pid) / "task"):
            children += map(int, (_PROC / str(pid) / "task" / thread / "children").read_bytes().split())
    except OSError:
        pass  # it has just ended, or there is no such list here
    return children
