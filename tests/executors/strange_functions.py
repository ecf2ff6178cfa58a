"""Functions that do what functions do, and what they should not. Installed by the tests as a plugin of their own.

Where one has to wait for a test, it opens a named pipe: that blocks until the test opens the other end.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

from pydantic import BaseModel, Field

from cronplug import Context, PermanentError, RetryLater, function, hookimpl

meeting: list[asyncio.Event] = []


class Nightly(BaseModel):
    region: str = Field(description="Sales region")
    days: int = Field(7, ge=1, le=90)


@function("acme.nightly-report", timeout=600)
async def nightly_report(payload: Nightly, ctx: Context) -> str:
    """Build the nightly sales report."""
    ctx.log.info("building %s", payload.region)
    ctx.progress(0.5, "half way")
    return "42 rows"


@function("strange.echo")
async def echo(payload: dict[str, Any]) -> Any:
    return payload.get("value")


@function("strange.facts")
async def facts(ctx: Context) -> dict[str, Any]:
    return {
        "execution_id": ctx.execution_id,
        "attempt": ctx.attempt,
        "task_id": ctx.task_id,
        "task_name": ctx.task_name,
        "scheduled_for": ctx.scheduled_for.isoformat(),
        "idempotency_key": ctx.idempotency_key,
        "cancelled": ctx.cancelled,
    }


@function("strange.environment")
def environment(names: list[str], descriptors: list[int]) -> dict[str, Any]:
    inherited = []
    for descriptor in descriptors:
        try:
            os.fstat(descriptor)
        except OSError:
            continue
        inherited.append(descriptor)
    return {"names": [name for name in names if name in os.environ], "descriptors": inherited, "path": sys.path}


@function("strange.pid")
async def pid() -> int:
    return os.getpid()


@function("strange.pid-sync")
def pid_sync() -> int:
    return os.getpid()


@function("strange.meet")
async def meet(number: int, of: int) -> int:
    """Print, wait until `of` calls are here in one process, print again."""
    print(f"{number} comes")
    logging.getLogger("acme.meeting").warning("%d logs", number)
    meeting.append(asyncio.Event())
    mine = meeting[-1]
    if len(meeting) == of:
        for event in meeting:
            event.set()
        meeting.clear()
    await mine.wait()
    print(f"{number} goes")
    return os.getpid()


@function("strange.rendezvous")
def rendezvous(path: str, write: bool) -> int:
    """Meet another process at a named pipe."""
    os.close(os.open(path, os.O_WRONLY if write else os.O_RDONLY))
    return os.getpid()


@function("strange.wait")
async def wait(swallow: bool = False) -> str:
    """Wait for ever; with `swallow` even when cancelled."""
    print("waiting", flush=True)
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            print("cancelled")
            if not swallow:
                raise


@function("strange.raw-wait")
async def raw_wait(lines: int = 1) -> None:
    """Write past Python, then wait for ever."""
    for number in range(lines):
        os.write(1, b"raw %d\n" % number)
    await asyncio.Event().wait()


@function("strange.stop-gently")
async def stop_gently() -> str:
    print("waiting", flush=True)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return "done with what there was"
    return "never"


@function("strange.block")
async def block() -> None:
    """Block the event loop."""
    print("blocking", flush=True)
    threading.Event().wait()


@function("strange.spin")
def spin() -> None:
    """Burn the CPU, catching everything."""
    print("spinning", flush=True)
    while True:
        try:
            while True:
                pass
        except BaseException:  # noqa: BLE001
            continue


@function("strange.sleep")
def sleep() -> None:
    print("sleeping")
    try:
        time.sleep(600)
    finally:
        print("tidied up")


@function("strange.watch")
def watch(ctx: Context) -> str:
    """End by itself when it sees that it is to end."""
    print("watching")
    while not ctx.cancelled:
        time.sleep(0.005)
    print("saw it")
    return "half the work"


@function("strange.hold")
def hold(path: str) -> str:
    """Print a line, an unended one to be flushed, and wait until the test reads the pipe."""
    print("first line")
    os.write(2, b"raw error\n")
    with open(path, "w") as pipe:
        pipe.write("go")
    return "held"


@function("strange.outputs")
def outputs() -> None:
    logging.getLogger("acme.lib").info("from a library")
    print("printed")
    print("to stderr", file=sys.stderr)
    sys.stdout.buffer.write(b"bytes\n")
    os.write(1, b"written\r\n")
    ctypes.CDLL(None).printf(b"from C\n")
    subprocess.run(["sh", "-c", "echo child; echo child error >&2"], check=True)
    thread = threading.Thread(target=print, args=("from a thread",))
    thread.start()
    thread.join()
    print("no line end", end="")
    os.write(1, b"raw without end")


@function("strange.child")
async def child() -> None:
    process = await asyncio.create_subprocess_exec("echo", "child of an async function")
    await process.wait()


@function("strange.lines")
def lines(count: int, length: int) -> None:
    for _ in range(count):
        print("x" * length)


@function("strange.flood")
def flood(mebibytes: int) -> None:
    chunk = b"y" * 1023 + b"\n"
    for _ in range(mebibytes):
        os.write(1, chunk * 1024)


@function("strange.result")
def result(kind: str) -> Any:
    kinds: dict[str, Any] = {
        "set": {1},
        "nan": float("nan"),
        "huge": "x" * 300_000,
        "bytes": b"x",
        "surrogate": "\ud800\0",
        "failure": {"success": False, "message": "no rows"},
        "success": {"success": True, "message": "all rows"},
    }
    return kinds[kind]


@function("strange.raise")
async def raise_(kind: str) -> None:
    errors: dict[str, BaseException] = {
        "error": ValueError("wrong"),
        "permanent": PermanentError("for good"),
        "later": RetryLater(30, "busy"),
        "exit": SystemExit(3),
        "interrupt": KeyboardInterrupt(),
        "cancelled": asyncio.CancelledError(),
    }
    raise errors[kind]


@function("strange.die")
def die(how: str) -> None:
    _die(how)


@function("strange.die-async")
async def die_async(how: str) -> None:
    print("dying", flush=True)
    _die(how)


def _die(how: str) -> None:
    if how == "segfault":
        ctypes.string_at(0)
    if how == "abort":
        os.abort()
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "forge":
        # Answer in the worker's place, with nonsense.
        body = b'{"kind":"done","run":2,"reason":"nonsense"}'
        for descriptor in range(3, 200):
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as connection:
                connection.sendall(len(body).to_bytes(4, "big") + body)
        threading.Event().wait()
    if how == "close":
        os.closerange(3, 1024)
    os._exit(5)


@function("strange.die-together")
async def die_together(dies: bool) -> str:
    """Wait for the other one, then one of them kills the process."""
    meeting.append(asyncio.Event())
    if len(meeting) < 2:
        try:
            async with asyncio.timeout(0.3):
                await meeting[0].wait()
        except TimeoutError:
            meeting.clear()
            if dies:
                os._exit(9)
            return "alone"
    for event in meeting:
        event.set()
    if dies:
        os._exit(9)
    await asyncio.Event().wait()
    return "never"


@function("strange.close-outputs")
def close_outputs() -> None:
    sys.stdout.close()
    os.close(1)
    os.close(2)


@function("strange.redirect")
def redirect() -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115


@function("strange.grandchild")
def grandchild(wait: bool, deaf: bool = False) -> int:
    """Start a process that outlives the function, and print its id."""
    script = "trap '' TERM; " if deaf else ""
    process = subprocess.Popen(["sh", "-c", f"{script} sleep 600 & echo $!; wait"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    print(process.stdout.readline().strip(), flush=True)
    if wait:
        process.wait()
    return process.pid


@function("strange.deserter")
def deserter(then: str, bare: bool = False) -> None:
    """Start a deaf process in a session of its own, which has another one, and print the ids."""
    script = "trap '' TERM HUP; echo $$; setsid sh -c 'echo $$; exec sleep 600 >/dev/null 2>&1'"
    process = subprocess.Popen(
        ["/bin/sh", "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={} if bare else None,
    )
    assert process.stdout is not None
    print(process.stdout.readline().strip(), process.stdout.readline().strip(), flush=True)
    if then == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if then == "wait":
        process.wait()


@function("strange.fork")
def fork() -> str:
    """Fork, and let the child come back from the function too."""
    if os.fork() == 0:
        print("from the forked child")
        return "child"
    os.wait()
    return "parent"


@function("strange.signals")
def signals() -> str:
    """Be hit by signals that service managers send to every process."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.01)
    return "went on"


@function("strange.deaf-log")
def deaf_log() -> None:
    logging.getLogger().handlers.clear()
    logging.getLogger("x").warning("%d", "not a number")


@function("strange.leave")
def leave(ctx: Context, count: int = 1, size: int = 3) -> str:
    """Leave files, from the main thread and from another."""
    for number in range(count):
        ctx.artifact(f"{number}.bin", bytes(size))
    thread = threading.Thread(target=ctx.artifact, args=("thread.txt", "ü"))
    thread.start()
    thread.join()
    return "left"


@function("strange.leave-too-much")
async def leave_too_much(ctx: Context) -> None:
    ctx.artifact("big", bytes(11 * 1024 * 1024))


@function("strange.once")
def once(ctx: Context, key: str = "k") -> list[Any]:
    """Work once in the main thread, in another, and in a loop of the function's own."""
    results: list[Any] = []

    def work() -> dict[str, int]:
        print("works")
        return {"by": ctx.attempt}

    thread = threading.Thread(target=lambda: results.append(ctx.once("thread", lambda: "t")))
    thread.start()
    results.append(ctx.once(key, work))
    thread.join()

    async def own_loop() -> None:
        async def work_too() -> str:
            return "l"

        results.append(await ctx.once("loop", work_too))

    asyncio.run(own_loop())
    return sorted(results, key=str)


@function("strange.once-async")
async def once_async(ctx: Context) -> list[Any]:
    async def work() -> dict[str, int]:
        print("works")
        return {"by": ctx.attempt}

    results = await asyncio.gather(*(ctx.once(f"{number}", work) for number in range(20)))
    return [*results, await asyncio.to_thread(ctx.once, "thread", lambda: "t")]


@function("strange.once-slow")
def once_slow(ctx: Context) -> str:
    """Wait for the answer to something that is never kept."""
    print("asking", flush=True)
    ctx.once("k", lambda: 1)
    return "kept"


@function("strange.get")
async def get(url: str, ctx: Context) -> Any:
    response = await ctx.http.get(url)
    return [response.status_code, response.text, ctx.http is ctx.http]


@function("strange.get-sync")
def get_sync(url: str, ctx: Context) -> Any:
    response = ctx.http_sync.get(url)
    return [response.status_code, response.text, ctx.http_sync is ctx.http_sync]


@function("strange.hog", memory_mb=128)
def hog(in_child: bool = False) -> None:
    """Take more and more memory."""
    print("hungry", flush=True)
    if in_child:
        subprocess.run([sys.executable, "-c", "x = bytearray(400 << 20); import time; time.sleep(600)"], check=True)
    kept = []
    while True:
        kept.append(bytearray(b"x") * (8 << 20))
        time.sleep(0.005)


@function("strange.hog-async", memory_mb=128)
async def hog_async() -> None:
    kept = []
    while True:
        kept.append(bytearray(b"x") * (8 << 20))
        await asyncio.sleep(0.005)


@function("strange.frugal", memory_mb=1024)
async def frugal() -> int:
    return os.getpid()


@function("strange.block-for")
async def block_for(seconds: float) -> str:
    """Block the event loop for a while."""
    print("blocking", flush=True)
    time.sleep(seconds)
    return "went on"


@hookimpl
def scheduler_startup(node: dict[str, Any]) -> None:
    print(f"node {node['id']} is up in {os.getpid()}")


@hookimpl
async def scheduler_shutdown(node: dict[str, Any]) -> None:
    logging.getLogger("acme").warning("node %s stops", node["id"])


@hookimpl
def scheduler_before_execution(execution: dict[str, Any]) -> None:
    if execution["id"] == "hang":
        threading.Event().wait()
    raise RuntimeError(f"no liking for {execution['id']}")


@hookimpl
def scheduler_after_execution(outcome: dict[str, Any], execution: dict[str, Any]) -> None:
    print(f"{execution['id']} ended: {outcome['verdict']}")
