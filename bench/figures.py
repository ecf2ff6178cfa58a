"""What all sides measure with. Standard library only: the peers' environment has nothing of ours."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path


class GaveUp(SystemExit):
    """A measurement that did not come to its end, or not to the right one; the text is what `./dev bench` shows."""


def rss_megabytes(pid: int | str = "self") -> float:
    """Resident memory of a process (Linux; 0 elsewhere)."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1000 if found else 0.0


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has had, without its children (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def seconds_until(at: datetime) -> float:
    return (at - datetime.now(UTC)).total_seconds()


def quantile(values: Sequence[float], part: float) -> float:
    """The value that `part` of all (0.99: nearly all) do not exceed."""
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def lateness_of(starts: Sequence[float], due: Sequence[float]) -> dict[str, float]:
    """Milliseconds from being due to the start (both epoch seconds), the earliest due with the earliest start."""
    if len(starts) != len(due):
        raise GaveUp(f"{len(starts)} starts of {len(due)}")
    late = [(start - at) * 1000 for start, at in zip(sorted(starts), sorted(due), strict=True)]
    return {"p50_ms": quantile(late, 0.5), "p99_ms": quantile(late, 0.99), "ran": len(late)}


def wait_until(reached: Callable[[], bool], what: str, *, seconds: float = 120, every: float = 0.01) -> None:
    """Raises GaveUp when it takes longer than `seconds`."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            raise GaveUp(f"{what}: not within {seconds:g} s")
        time.sleep(every)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
