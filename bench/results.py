"""Tables of what was measured, and bench/RESULTS.md, where each figure has a section that is replaced when it is taken anew."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from bench.runs import PEERS_PYTHON, Bench

RESULTS = Path(__file__).with_name("RESULTS.md")
INTRODUCTION = """\
# Results

Made by `./dev bench`; [docs/performance.md](../docs/performance.md) says what is measured, how, and why some goals are
missed. Each section tells when it was made and under which load: absolute figures say more about the machine than about
the programs, ratios of one run are what to look at. Ratios above 1 are in cronplug's favour.
"""


@dataclass(frozen=True)
class Row:
    """One line of a table. `met` None: there is no goal."""

    figure: str
    ours: str
    other: str
    ratio: str = ""
    goal: str = ""
    met: bool | None = None


@dataclass(frozen=True)
class Figure:
    """What `./dev bench NAME` measures, and its section."""

    title: str
    columns: tuple[str, str]
    """What the second and third column are of."""
    take: Callable[[Bench], tuple[list[Row], str]]
    """The rows, and a sentence about versions and settings."""


def judged(ratio: float, *, at_least: float | None = None) -> tuple[str, str, bool | None]:
    """Ratio, goal and whether it is met, where more is better."""
    return _times(ratio), f">= {at_least:g}x" if at_least else "", None if at_least is None else ratio >= at_least


def _times(ratio: float) -> str:
    return f"{ratio:.2f}x" if ratio < 2 else f"{ratio:.1f}x"


def limit(value: float, most: float, unit: str) -> tuple[str, bool]:
    """Goal, and whether it is met, where less is better."""
    return f"<= {most:g} {unit}", value <= most


def table(rows: Sequence[Row], columns: tuple[str, str]) -> str:
    heads = ["figure", *columns, "ratio", "goal", ""]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for row in rows:
        met = {True: "met", False: "**missed**", None: ""}[row.met]
        lines.append(f"| {' | '.join([row.figure, row.ours, row.other, row.ratio, row.goal, met])} |")
    return "\n".join(lines)


def section(name: str, figure: Figure, rows: Sequence[Row], note: str, *, rounds: int, load_before: float) -> str:
    return f"""Made by `./dev bench {name}` on {datetime.now(UTC):%Y-%m-%d}: medians of {rounds} alternating round(s). {surroundings(load_before)}

{table(rows, figure.columns)}

{note}"""


def surroundings(load_before: float) -> str:
    return (
        f"cronplug {metadata.version('cronplug')}, {platform.system()} on {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"load {load_before:.1f} before and {os.getloadavg()[0]:.1f} after."
    )


def peer_versions(*distributions: str) -> str:
    """Their versions, as the peers' environment has them."""
    code = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    told = subprocess.run([PEERS_PYTHON, "-c", code, *distributions], capture_output=True, text=True, check=True)
    pairs = zip(distributions, told.stdout.split(), strict=True)
    return ", ".join(f"{name} {version}" for name, version in pairs)


def with_section(text: str, title: str, content: str) -> str:
    """RESULTS.md with one section replaced, or added at its end."""
    made = f"## {title}\n\n{content}\n"
    found = re.search(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", text, re.M | re.S)
    if found is None:
        return f"{text.rstrip()}\n\n{made}"
    following = text[found.end() :]
    return text[: found.start()] + made + ("\n" + following if following else "")


def write(title: str, content: str) -> None:
    """Put a section into RESULTS.md."""
    text = RESULTS.read_text(encoding="utf-8")
    begin = text.find("\n## ")
    text = INTRODUCTION + (text[begin:] if begin >= 0 else "")
    RESULTS.write_text(with_section(text, title, content), encoding="utf-8")
