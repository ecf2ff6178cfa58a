"""Runs measurements: each a process of its own in a fresh folder, in our environment or in that of the peers."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[1]
PEERS_PYTHON = ROOT / ".cache" / "peers" / "bin" / "python"
"""Made by `./dev bench` from requirements/peers.txt."""

KEPT = ROOT / ".cache" / "bench"
"""Databases that take long to fill, kept from run to run."""

FILL_SECONDS = 3600

Measured = dict[str, float]


class MeasurementFailed(Exception):
    """A measurement that ended badly, not at all, or without all that it was to do; the text says which and how."""


@dataclass(frozen=True)
class Side:
    """One measurement: a module of `bench`, what of it, how many, and whether on PostgreSQL."""

    module: str
    what: str
    count: int
    postgres: bool = False
    seconds: float = 180
    """It fails when it takes longer."""

    @property
    def is_peer(self) -> bool:
        return self.module.startswith("peers.")

    def __str__(self) -> str:
        return f"{self.module} {self.what} {self.count}{' on PostgreSQL' if self.postgres else ''}"


@dataclass(frozen=True)
class Taken:
    """What one side's rounds gave."""

    rounds: list[Measured]

    def __getitem__(self, name: str) -> float:
        """The median of the rounds."""
        return statistics.median(one[name] for one in self.rounds)

    def over(self, other: Taken, name: str, *, theirs: str | None = None) -> float:
        """The median of the rounds' ratios, ours by theirs: a spell of other load on the machine meets both sides."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(mine[name] / their[theirs or name] for mine, their in pairs)


@dataclass(frozen=True)
class Bench:
    """Where measurements run, and how many of them."""

    root: Path
    rounds: int
    quick: bool
    postgres: PostgresServer | None = None
    """Where the sides that say so get a database of their own."""

    def scale(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def measure(self, side: Side, *, folder: Path | None = None) -> Measured:
        """Raises MeasurementFailed."""
        place = folder or Path(tempfile.mkdtemp(dir=self.root))
        place.mkdir(parents=True, exist_ok=True)
        with self._environment(side) as environ:
            measured = _run(side, place, environ)
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)
        print(f"  {side}: {json.dumps(measured)}", flush=True)
        return measured

    def alternate(self, *sides: Side) -> list[Taken]:
        """Each side once per round, one after the other."""
        taken: list[list[Measured]] = [[] for _ in sides]
        for _ in range(self.rounds):
            for kept, side in zip(taken, sides, strict=True):
                kept.append(self.measure(side))
        return [Taken(rounds) for rounds in taken]

    def kept(self, kind: str, count: int) -> Path:
        """A folder with a large database (`bench.filling`), made when there is none of the present schema."""
        folder = KEPT / f"{kind}-{count}-{_fingerprint()}"
        done = folder / "done"
        if not done.exists():
            for old in KEPT.glob(f"{kind}-{count}-*"):
                shutil.rmtree(old)
            self.measure(Side("filling", kind, count, seconds=FILL_SECONDS), folder=folder)
            done.touch()
        return folder

    @contextmanager
    def _environment(self, side: Side) -> Iterator[dict[str, str]]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SCHEDULER_")}
        if not side.is_peer:
            environ["PYTHONPATH"] = str(self.root / "plugin")
        if not side.postgres:
            yield environ
            return
        assert self.postgres is not None
        url = self.postgres.create_database()
        try:
            yield environ | {"CRONPLUG_BENCH_POSTGRES": url}
        finally:
            self.postgres.drop_database(url)


def _fingerprint() -> str:
    """Of what decides how a kept database is filled."""
    sources = [ROOT / "bench" / "filling.py", *sorted((ROOT / "core" / "cronplug" / "store").rglob("versions/*.py"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]


def _run(side: Side, place: Path, environ: dict[str, str]) -> Measured:
    python = str(PEERS_PYTHON) if side.is_peer else sys.executable
    command = [python, "-m", f"bench.{side.module}", side.what, str(place), str(side.count)]
    began = time.monotonic()
    with (place / "stderr").open("w+b") as said:
        options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": said, "text": True, "start_new_session": True}
        with subprocess.Popen(command, cwd=ROOT, env=environ, **options) as process:
            try:
                printed, _ = process.communicate(timeout=side.seconds)
            except subprocess.TimeoutExpired:
                raise MeasurementFailed(f"{side}: not done within {side.seconds:g} s") from None
            finally:
                _end_all(process)
        said.seek(0)
        words = said.read().decode(errors="replace").strip()
    if process.returncode != 0:
        raise MeasurementFailed(f"{side}: exit status {process.returncode}: {_end_of(words)}")
    try:
        measured: Measured = json.loads(printed.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise MeasurementFailed(f"{side}: no figures: {_end_of(printed)}") from None
    return measured | {"took_seconds": round(time.monotonic() - began, 1)}


def _end_all(process: subprocess.Popen[str]) -> None:
    """What it started as well, and did not end."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _end_of(text: str) -> str:
    return " / ".join(line.strip() for line in text.splitlines()[-3:])[-400:]
