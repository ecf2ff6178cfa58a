"""Threads of the server share the heaps of the C library."""

from __future__ import annotations

import os
import subprocess
import sys

THREADS = 8
COUNT_HEAPS = f"""
import ctypes, sys, threading
from cronplug.cli.allocator import share_arenas

share_arenas()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
all_there = threading.Barrier({THREADS} + 1)

def take():
    assert library.malloc(4000)
    all_there.wait()
    all_there.wait()

for _ in range({THREADS}):
    threading.Thread(target=take).start()
all_there.wait()
library.fdopen.restype = ctypes.c_void_p
library.malloc_info(0, ctypes.c_void_p(library.fdopen(1, b"w")))
library.fflush(None)
all_there.wait()
"""


def count_heaps(**environ: str) -> int:
    """How many heaps the threads of a new process use."""
    there = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"} | environ
    told = subprocess.run([sys.executable, "-c", COUNT_HEAPS], env=there, capture_output=True, text=True, check=True)
    return told.stdout.count("<heap nr=")


def test_threads_share_two_heaps() -> None:
    assert count_heaps() == 2


def test_what_the_environment_says_stays() -> None:
    assert count_heaps(MALLOC_ARENA_MAX="5") == 5
