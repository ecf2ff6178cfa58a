"""How much memory processes hold, from /proc: Linux only, elsewhere nobody knows and nothing is limited."""

from __future__ import annotations

import os
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")
_MOST_PROCESSES = 1_000


def resident_bytes(pid: int) -> int:
    """The resident memory of a process and its descendants; those that end meanwhile count nothing."""
    total, waiting, seen = 0, [pid], 0
    while waiting and seen < _MOST_PROCESSES:
        process = waiting.pop()
        seen += 1
        total += _resident_of(process)
        waiting += _children_of(process)
    return total


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
