"""What both sides measure with."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path


def rss_megabytes(pid: int | str = "self") -> float:
    """Resident memory of a process (Linux; 0 elsewhere)."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1000 if found else 0.0


def seconds_until(at: datetime) -> float:
    return (at - datetime.now(UTC)).total_seconds()
