"""How the C library hands out memory to the threads of the server."""

from __future__ import annotations

import ctypes
import os
import sys

_M_ARENA_MAX = -8  # malloc.h of glibc
_ARENAS = 2


def share_arenas() -> None:
    """Let all threads take memory from two heaps, where the C library is glibc; before the first thread is started.

    glibc gives each thread one of its own, up to eight for each processor, and what is freed there serves no other
    thread. Every connection to SQLite has its thread, and frees its pages when another one has written: the server would
    keep for each of them what its largest question took. `MALLOC_ARENA_MAX` in the environment (mallopt(3)) decides if
    it is there.
    """
    if sys.platform != "linux" or "MALLOC_ARENA_MAX" in os.environ:
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(_M_ARENA_MAX, _ARENAS)
