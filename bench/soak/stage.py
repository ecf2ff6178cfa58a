"""What every part has: servers on data of their own, functions that bear witness, chance, and a watch on memory."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.acceptance.audit import Database
from tests.acceptance.server import Server
from tests.services.postgres import running_postgres

SETTLE_SECONDS = 600
ANSWER_SECONDS = 180
"""A busy machine may have a backlog of many thousand runs to work off beside the answer."""
MAY_GROW_MEGABYTES = 10
MAY_GROW_FILES = 20
MARKS = 20

PLUGIN = '''
import asyncio
import os
import sys
from pathlib import Path

from cronplug import Context, function


@function("soak.witness")
async def witness(ctx: Context, file: str) -> None:
    """Say in a file that this attempt has begun."""
    with open(file, "ab", buffering=0) as out:
        out.write(f"{ctx.execution_id}\\n".encode())


@function("soak.linger")
async def linger(file: str, seconds: float = 1.0) -> None:
    """Take its time as long as the file is there."""
    if Path(file).exists():
        await asyncio.sleep(seconds)


@function("soak.talk")
def talk(ctx: Context, lines: int = 200) -> dict:
    """Print lines, say how far it is, keep a file."""
    for number in range(lines):
        print(f"line {number}", file=sys.stderr if number % 5 else sys.stdout)
        ctx.progress(number / lines)
    ctx.artifact("lines.txt", "x" * 10_000)
    return {"lines": lines}


@function("soak.fail")
async def fail(ctx: Context) -> str:
    """Fail at the first attempt."""
    if ctx.attempt == 1:
        raise RuntimeError("first time")
    return "in the end"


@function("soak.die")
def die() -> None:
    """Take the worker along."""
    os._exit(9)


@function("soak.late")
async def late() -> None:
    """Run into the time limit."""
    await asyncio.sleep(3600)
'''


@dataclass
class Stage:
    """Where a part happens. `chance` is its own, made of the seed and its name."""

    folder: Path
    chance: random.Random
    on_postgresql: bool

    @contextlib.contextmanager
    def server(self, **environ: str) -> Iterator[tuple[Server, Database]]:
        """A running server on an empty database, ended with the block however that ends."""
        site = self.folder / "site"
        if not site.exists():
            install(site)
        with contextlib.ExitStack() as stack:
            data = self.folder / "data"
            path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
            settings = {"PYTHONPATH": path, "SCHEDULER_WORKERS": "2", "SCHEDULER_LOG_LEVEL": "error"} | environ
            if self.on_postgresql:
                settings["SCHEDULER_DATABASE_URL"] = stack.enter_context(running_postgres()).create_database()
            server = Server(data, **settings)
            server.client.timeout = server.start_seconds = ANSWER_SECONDS
            stack.callback(server.close)
            yield server.start(), Database(settings.get("SCHEDULER_DATABASE_URL") or data / "cronplug.db")


def install(site: Path) -> None:
    """Put the functions into a folder the way pip does; PYTHONPATH names it."""
    metadata = site / "cronplug_soak-1.dist-info"
    metadata.mkdir(parents=True)
    (site / "cronplug_soak.py").write_text(PLUGIN)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: cronplug-soak\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[scheduler.tasks]\nsoak = cronplug_soak\n")


def end_calmly(server: Server, tasks: list[str]) -> list[str]:
    """Switch the tasks off, wait until nothing waits or runs, stop the server; what was wrong with that."""
    for task in tasks:
        server.client.post(f"/tasks/{task}/toggle", json={"enabled": False}).raise_for_status()
    server.until_idle(seconds=SETTLE_SECONDS)
    code = server.terminate(seconds=60)
    return [f"the server ended with exit code {code}"] if code else []


@dataclass(frozen=True)
class Sample:
    """What the core's process has at a moment."""

    megabytes: float
    open_files: int


class Watch:
    """Takes a sample of a process every second, on a thread of its own."""

    def __init__(self, pid: int, *, every_seconds: float = 1.0) -> None:
        self.samples: list[Sample] = []
        self._pid = pid
        self._every = every_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch")

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        self.samples.append(take_sample(self._pid))
        while not self._over.wait(self._every):
            self.samples.append(take_sample(self._pid))

    def __str__(self) -> str:
        most = max(sample.megabytes for sample in self.samples)
        last = self.samples[-1]
        return f"{last.megabytes:.0f} MB at the end, {most:.0f} at most; {last.open_files} open files"

    def tell(self) -> list[str]:
        """Show memory in the course of time; nothing is judged."""
        marks = self.samples[:: max(len(self.samples) // MARKS, 1)]
        print(f"  {self}; in the course of time {' '.join(f'{it.megabytes:.0f}' for it in marks)} MB")
        return []

    def grown(self) -> list[str]:
        """What the last third has more than the middle one: the first is for warming up."""
        self.tell()
        part = max(len(self.samples) // 3, 1)
        before, after = self.samples[part : 2 * part] or self.samples, self.samples[-part:]
        megabytes = median(it.megabytes for it in after) - median(it.megabytes for it in before)
        files = median(it.open_files for it in after) - median(it.open_files for it in before)
        print(f"  growth {megabytes:+.1f} MB, {files:+.0f} files")
        return [
            *([f"memory grew by {megabytes:.1f} MB"] if megabytes > MAY_GROW_MEGABYTES else []),
            *([f"the open files grew by {files:.0f}"] if files > MAY_GROW_FILES else []),
        ]


def take_sample(pid: int) -> Sample:
    """Resident memory and open files of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Sample(pages * resource.getpagesize() / 1e6, len(list(Path(f"/proc/{pid}/fd").iterdir())))
