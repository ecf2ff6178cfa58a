"""How much memory processes hold, from /proc: Linux only, elsewhere nobody knows."""

from __future__ import annotations

import os
from pathlib import Path

from cronplug.sdk.processes import descendants_of

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")


def resident_bytes(pid: int) -> int:
    """The resident memory of a process and its descendants; those that end meanwhile count nothing."""
    return sum(map(_resident_of, (pid, *descendants_of(pid))))


def _resident_of(pid: int) -> int:
    try:
        pages = (_PROC / str(pid) / "statm").read_bytes().split()
    except OSError:
        return 0
    return int(pages[1]) * _PAGE_BYTES if len(pages) > 1 else 0
