"""Harm of every kind in between: kill -9 of the server or of a worker, SIGTERM; at once or after a pause."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from pathlib import Path

from bench.soak.audit import compare, create, find_dishonest, told_of
from bench.soak.stage import Stage, end_calmly
from tests.acceptance.audit import find_faults, statuses
from tests.acceptance.server import Server, children_of

EVERY_SECONDS = 4
TASKS = 50


def harm(stage: Stage, *, seconds: float = 60) -> list[str]:
    """Do it again and again for some `seconds`; the broken promises."""
    witness = stage.folder / "begun"
    witness.touch()
    done: Counter[str] = Counter()
    faults = []
    with stage.server(SCHEDULER_MAX_CONCURRENCY="50", SCHEDULER_DRAIN_SECONDS="1") as (server, database):
        made = [create(server, number, witness, stage.chance) for number in range(TASKS)]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(stage.chance.uniform(0, 2 * EVERY_SECONDS))
            what = stage.chance.choice(("kill -9 of the server", "SIGTERM", "kill -9 of a worker"))
            done[what] += 1
            if what == "kill -9 of a worker":
                kill_a_worker(server, stage)
                continue
            if what == "SIGTERM":
                code = server.terminate()
                faults += [f"SIGTERM ended the server with exit code {code}"] if code else []
            else:
                server.kill()
            time.sleep(stage.chance.choice((0, 0, 3)))
            server.start()
        faults += end_calmly(server, made)
        print(f"  {dict(done)}; {told_of(database)}")
        print(f"  {dict(statuses(database).most_common())}")
        return faults + find_faults(database) + find_dishonest(database) + compare(database, witness)


def kill_a_worker(server: Server, stage: Stage) -> None:
    """kill -9 one of the processes that run functions, if there is one."""
    workers = [pid for pid in children_of(server.pid) if b"cronplug.worker" in command_of(pid)]
    if workers:
        os.kill(stage.chance.choice(workers), signal.SIGKILL)


def command_of(pid: int) -> bytes:
    """The words a process was started with; none when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
