"""Plugins that do their worst, as packages of their own, installed into a folder the way pip does."""

from __future__ import annotations

from pathlib import Path

FUNCTIONS = '''
import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

from cronplug import Context, function


@function("hostile.segfault")
def segfault() -> None:
    ctypes.string_at(0)


@function("hostile.segfault-async")
async def segfault_async() -> None:
    ctypes.string_at(0)


@function("hostile.exit")
def exit_() -> None:
    os._exit(3)


@function("hostile.sys-exit")
async def sys_exit() -> None:
    sys.exit("enough")


@function("hostile.spin")
def spin() -> None:
    """Burn the CPU, deaf to everything."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue


@function("hostile.swallow")
async def swallow() -> None:
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            continue


@function("hostile.block-loop")
async def block_loop() -> None:
    threading.Event().wait()


@function("hostile.block-loop-in-c")
async def block_loop_in_c() -> None:
    ctypes.CDLL(None).pause()
    while True:
        ctypes.PyDLL(None).sleep(3600)


@function("hostile.fork")
def fork() -> int:
    """Leave a process behind that has left one behind, deaf, in a session of its own."""
    script = "trap '' TERM HUP; (trap '' TERM HUP; exec sleep 613) & exec sleep 613"
    process = subprocess.Popen(["sh", "-c", script])
    print(process.pid)
    return process.pid


@function("hostile.fork-bomb")
def fork_bomb() -> str:
    """Come back from the function in many processes."""
    for _ in range(5):
        os.fork()
    time.sleep(0.1)
    return "back"


@function("hostile.flood")
def flood(mebibytes: int) -> None:
    chunk = b"z" * 1023 + b"\\n"
    for _ in range(mebibytes):
        os.write(1, chunk * 1024)


@function("hostile.endless-line")
def endless_line(mebibytes: int) -> None:
    for _ in range(mebibytes):
        sys.stdout.write("y" * 1048576)


@function("hostile.hog", memory_mb=150)
def hog() -> None:
    kept = []
    while True:
        kept.append(bytearray(b"x") * (8 << 20))
        time.sleep(0.005)


@function("hostile.not-json")
async def not_json() -> object:
    return {1, 2}


@function("hostile.huge")
async def huge() -> str:
    return "x" * (5 << 20)


@function("hostile.unicode")
def unicode_(ctx: Context) -> str:
    print("\\ud800\\0\\u202e\\U0001f4a9")
    ctx.log.warning("\\udfff\\0")
    ctx.progress(0.5, "\\ud800")
    ctx.artifact("\\u202eexe.txt"[1:], "\\ud800")
    raise RuntimeError("\\ud800\\0\\u2028")


@function("hostile.close")
def close() -> str:
    os.closerange(0, 3)
    sys.stdout.close()
    return "closed"


@function("hostile.close-all")
def close_all() -> str:
    os.closerange(0, 65536)
    return "closed"


@function("hostile.recursion")
async def recursion() -> None:
    sys.setrecursionlimit(10**9)
    nested = []
    for _ in range(10**6):
        nested = [nested]
    repr(nested)


@function("hostile.kill-parent")
def kill_group() -> None:
    os.killpg(0, signal.SIGKILL)


@function("hostile.artifacts")
def artifacts(ctx: Context) -> None:
    for number in range(1000):
        ctx.artifact(f"{number}", bytes(1 << 20))
'''

NEIGHBOUR = """
from cronplug import function

@function("neighbour.tick")
async def tick() -> str:
    print("tick")
    return "ticked"
"""

BROKEN = {
    "hostile-import-error": "raise ImportError('the wind blew it away')",
    "hostile-sys-exit": "import sys; sys.exit(7)",
    "hostile-crash": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "hostile-bad-hook": (
        "from cronplug import hookimpl\n@hookimpl\ndef scheduler_after_execution(no_such_argument): ...\n"
    ),
    "hostile-syntax": "def (",
}
HANG = "import threading; threading.Event().wait()"
DUPLICATE = """
from cronplug import function

@function("neighbour.tick")
async def tick() -> str:
    return "stolen"

@function("zz.own")
async def own() -> None: ...
"""


def install(site: Path, name: str, source: str) -> None:
    """Put one package with one module into `site`."""
    module = name.replace("-", "_")
    (site / f"{module}.py").write_text(source, encoding="utf-8")
    metadata = site / f"{module}-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[scheduler.tasks]\nplugin = {module}\n", encoding="utf-8")


def install_all(site: Path) -> None:
    """Everything but the plugin that hangs."""
    install(site, "hostile-functions", FUNCTIONS)
    install(site, "neighbour", NEIGHBOUR)
    install(site, "zz-duplicate", DUPLICATE)
    for name, source in BROKEN.items():
        install(site, name, source)
