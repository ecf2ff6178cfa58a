"""`./dev bench`: all figures, or those that are named; prints them and writes bench/RESULTS.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from bench import workers as bench_workers
from bench.ours import install_plugin

RESULTS = Path(__file__).with_name("RESULTS.md")
Measured = dict[str, float]


@dataclass(frozen=True)
class Row:
    """One line of the table: a figure of ours, the peer's, and how much better ours is."""

    figure: str
    ours: str
    peer: str
    ratio: str


@dataclass(frozen=True)
class Bench:
    """Runs measurements in processes of their own, each in a fresh folder."""

    root: Path
    rounds: int
    quick: bool

    def measure(self, side: str, what: str, count: int, *, folder: Path | None = None) -> Measured:
        place = folder or Path(tempfile.mkdtemp(dir=self.root))
        place.mkdir(exist_ok=True)
        plugin = self.root / "plugin"
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SCHEDULER_")}
        done = subprocess.run(
            [sys.executable, "-m", f"bench.{side}", what, str(place), str(count)],
            env=environ | {"PYTHONPATH": str(plugin)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        measured: Measured = json.loads(done.stdout.strip().splitlines()[-1])
        print(f"  {side} {what} {count}: {json.dumps(measured)}", flush=True)
        return measured

    def alternate(self, *measurements: tuple[str, str, int]) -> list[Measured]:
        """Each measurement once per round, one after the other; the medians."""
        taken: list[list[Measured]] = [[] for _ in measurements]
        for _ in range(self.rounds):
            for kept, (side, what, count) in zip(taken, measurements, strict=True):
                kept.append(self.measure(side, what, count))
        return [{name: statistics.median(one[name] for one in kept) for name in kept[0]} for kept in taken]


def throughput(bench: Bench) -> list[Row]:
    many, some = (2_000, 200) if bench.quick else (20_000, 1_000)
    inline, worker, peer = bench.alternate(
        ("ours", "throughput", many), ("ours", "throughput-worker", many // 2), ("apscheduler3", "throughput", some)
    )
    return [
        Row(
            f"durable no-op executions per second, {kind}",
            f"{ours['per_second']:,.0f} ({ours['cpu_ms']:.2f} ms of the server's CPU each)",
            f"{peer['per_second']:,.0f} (SQLAlchemyJobStore, SQLite)",
            f"{ours['per_second'] / peer['per_second']:.1f}x",
        )
        for kind, ours in (("inline", inline), ("through worker processes", worker))
    ]


def lateness(bench: Bench) -> list[Row]:
    count = 200 if bench.quick else 1_000
    ours, stored, memory = bench.alternate(
        ("ours", "lateness", count), ("apscheduler3", "lateness", count), ("apscheduler3", "lateness-memory", count)
    )
    return [
        Row(
            f"{count:,} tasks due on one second, lateness p50 / p99",
            f"{ours['p50_ms']:.0f} / {ours['p99_ms']:.0f} ms, all {ours['ran']:.0f} durable",
            f"{peer['p50_ms']:.0f} / {peer['p99_ms']:.0f} ms ({what})",
            f"{peer['p99_ms'] / ours['p99_ms']:.1f}x",
        )
        for what, peer in (("SQLAlchemyJobStore, SQLite", stored), ("in memory, nothing durable", memory))
    ]


def start_up(bench: Bench) -> list[Row]:
    count = 5_000 if bench.quick else 100_000
    filled, stored = bench.root / "filled", bench.root / "stored"
    bench.measure("ours", "fill", count, folder=filled)
    bench.measure("apscheduler3", "fill", count, folder=stored)
    full = bench.measure("ours", "start", count, folder=filled)
    empty = bench.measure("ours", "start", 0)
    peer = bench.measure("apscheduler3", "start", count, folder=stored)
    memory = bench.measure("apscheduler3", "start-memory", count)
    grown = full["megabytes"] - empty["megabytes"]
    return [
        Row(
            f"start with {count:,} stored tasks",
            f"{full['start_seconds']:.2f} s until ready (empty: {empty['start_seconds']:.2f} s)",
            f"{memory['start_seconds']:.2f} s (added anew to the memory store), {peer['start_seconds']:.2f} s (stored)",
            f"{memory['start_seconds'] / full['start_seconds']:.1f}x",
        ),
        Row(
            "memory for them",
            f"{grown:+.0f} MB (whole server: {full['megabytes']:.0f} MB)",
            f"{memory['grown_megabytes']:+.0f} MB (memory store), {peer['grown_megabytes']:+.0f} MB (stored)",
            "",
        ),
        Row(
            "listing them",
            f"{full['list_seconds'] * 1000:.0f} ms for the first 100",
            f"{peer['list_seconds']:.1f} s for all, it has no pages (stored)",
            "",
        ),
    ]


FIGURES: dict[str, Callable[[Bench], list[Row]]] = {
    "throughput": throughput,
    "lateness": lateness,
    "start": start_up,
}


def schedules(bench: Bench) -> str:
    """Fire times: microseconds, seconds and bytes of ours and of three peers, in one process each."""
    few, many = (20, 5_000) if bench.quick else (100, 100_000)
    lines = ["| figure | cronplug | croniter | cronsim | APScheduler | best peer |", "|---|---|---|---|---|---|"]
    for figure, what, count, form in (
        ("next fire time, kept object", "next", few, "{:.1f} µs"),
        ("the same, read anew each time", "rebuilt", few, "{:.1f} µs"),
        ("next fire time, sparse expression", "sparse", 15, "{:.1f} µs"),
        ("latest fire time", "latest", few, "{:.1f} µs"),
        (f"{many:,} mixed schedules read and advanced once", "mixed", many, "{:.2f} s"),
        (f"{many:,} `* * * * *` over a spring-forward gap", "gap", many, "{:.2f} s"),
        ("kept for each distinct expression (peers: a live object)", "bytes", many // 5, "{:,.0f} bytes"),
    ):
        (taken,) = bench.alternate(("schedules", what, count))
        ours = taken["cronplug"]
        peers = [taken.get(side) for side in ("croniter", "cronsim", "APScheduler")]
        best = min(peer for peer in peers if peer is not None) / ours
        cells = [form.format(ours), *("-" if peer is None else form.format(peer) for peer in peers), f"{best:.1f}x"]
        lines.append(f"| {figure} | {' | '.join(cells)} |")
        if what == "gap":
            note = f"The longest single call over the gap took {taken['longest']:.2f} ms; the peers' seconds are 200 calls scaled up."
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("croniter", "cronsim", "apscheduler"))
    table_text = "\n".join(lines)
    return f"""Made by `./dev bench schedules` on {datetime.now(UTC):%Y-%m-%d}: medians over 20 typical expressions (5 sparse ones) in
America/New_York, the best of three turns each; medians of {bench.rounds} rounds.

{table_text}

{note} {versions}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the end."""


def workers(bench: Bench) -> str:
    """Worker processes: what isolation costs, how surely runs end, how output gets out."""
    bench_workers.install_plugin(bench.root / "plugin")
    scale = 10 if bench.quick else 1
    (trip, throughput, kills, side, lines) = bench.alternate(
        ("workers", "round-trip", 5_000 // scale),
        ("workers", "throughput", 20_000 // scale),
        ("workers", "kills", 3),
        ("workers", "side-by-side", 500),
        ("workers", "lines", 20_000),
    )
    figures = (
        ("core → worker → core, warm, async function", "p50 <= 0.5 ms", _span(trip, "nothing")),
        ("the same, plain function", "p50 <= 0.5 ms", _span(trip, "nothing-sync")),
        ("durable no-op executions through 2 workers", ">= 3,000 / s", _rate(throughput)),
        ("from limit + grace to the dead process, spinning", "<= 0.2 s", f"{kills['spin_seconds']:.3f} s"),
        ("the same, swallowing its cancellation", "<= 0.2 s", f"{kills['swallow_seconds']:.3f} s"),
        ("500 runs of 1 s side by side in one worker", "all of them", f"{side['seconds']:.2f} s"),
        (
            "20,000 lines of one run, to the last one at an SSE client",
            "<= 2 s, memory bounded",
            f"{lines['seconds']:.2f} s, {lines['grown_megabytes']:+.0f} MB",
        ),
    )
    rows = "\n".join(f"| {figure} | {goal} | {ours} |" for figure, goal, ours in figures)
    return f"""Made by `./dev bench workers` on {datetime.now(UTC):%Y-%m-%d}: medians of {bench.rounds} rounds; server, workers and client share
{os.cpu_count()} cores.

| figure | goal | cronplug |
|---|---|---|
{rows}

Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the end."""


def admin(bench: Bench) -> str:
    """What the admin asks most, of a database with a long history."""
    count = 20_000 if bench.quick else 1_000_000
    folder = bench.root / "history"
    filled = bench.measure("admin", "fill", count, folder=folder)
    taken = [bench.measure("admin", "measure", count, folder=folder) for _ in range(bench.rounds)]
    goals = (
        ("list", "a page of 50 tasks with their pulses", 50),
        ("failing", "a page of those that need attention", 50),
        ("stats", "the figures of the overview", 20),
        ("functions", "functions with their last seven days", 50),
        ("series", "a year of a busy task, by days", 30),
        ("hours", "a week of it, by hours", 30),
        ("all", "a year of everything, by days", 60),
        ("timeline", "24 hours in 60 lanes", 150),
        ("errors", "what a failing task fails with", 30),
        ("executions", "the newest 50 executions", 10),
        ("failures", "the newest 50 that failed, ran out of time or were lost", 10),
        ("day", "those that failed within a day", 10),
        ("ran", "the successes of a busy task", 10),
        ("failed", "the failures of a task in a month", 10),
        ("by_hand", "those that were triggered by hand", 10),
        ("none", "no execution", 5),
    )
    rows = "\n".join(
        f"| {figure} | <= {goal} ms | {statistics.median(one[name] for one in taken):.1f} ms "
        f"| {statistics.median(one[f'{name}_cpu'] for one in taken):.1f} ms |"
        for name, figure, goal in goals
    )
    return f"""Made by `./dev bench admin` on {datetime.now(UTC):%Y-%m-%d}: medians of {bench.rounds} rounds, each the p95 of 30 requests one after
the other, and the median of the processor's time for one, with {count // 100:,} tasks and {count:,} executions of 90 days, which
`cronplug demo` made in {filled["seconds"]:.0f} s ({filled["cpu_seconds"]:.0f} s of the processor's time).

| answer | goal | p95 | CPU |
|---|---|---|---|
{rows}

Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the end."""


def _rate(measured: Measured) -> str:
    return f"{measured['per_second']:,.0f} / s, {measured['cpu_ms']:.2f} ms of the server's CPU each"


def _span(measured: Measured, kind: str) -> str:
    return f"p50 {measured[f'{kind}_p50_ms']:.2f} ms, p99 {measured[f'{kind}_p99_ms']:.2f} ms"


SECTIONS: dict[str, tuple[str, Callable[[Bench], str]]] = {
    "schedules": ("Schedules", schedules),
    "workers": ("Workers", workers),
    "admin": ("The admin's questions", admin),
}
"""Figures with a section of their own in RESULTS.md: its title, and what makes it."""


def with_section(text: str, title: str, content: str) -> str:
    """RESULTS.md with one section replaced, or added at its end."""
    section = f"## {title}\n\n{content}\n"
    found = re.search(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", text, re.M | re.S)
    if found is None:
        return f"{text.rstrip()}\n\n{section}"
    following = text[found.end() :]
    return text[: found.start()] + section + ("\n" + following if following else "")


def table(rows: Sequence[Row]) -> str:
    lines = ["| figure | cronplug | APScheduler 3 | ratio |", "|---|---|---|---|"]
    return "\n".join(lines + [f"| {row.figure} | {row.ours} | {row.peer} | {row.ratio} |" for row in rows])


def report(rows: Sequence[Row], *, rounds: int) -> str:
    return f"""# Results

Made by `./dev bench` on {datetime.now(UTC):%Y-%m-%d}: medians of {rounds} alternating rounds in one run. Ratios above 1
are in cronplug's favour; absolute figures say more about the machine.

{table(rows)}

cronplug {metadata.version("cronplug")} with SQLite `synchronous=FULL`, every execution a row that is written when it is
planned, claimed and ended; 500 slots, and 2 worker processes where functions run in them. APScheduler
{metadata.version("apscheduler")} with 20 threads and `misfire_grace_time=None` (its default of 1 s drops most of such a
backlog); it keeps schedules, not runs.

{platform.system()} on {os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, SQLite
{sqlite3.sqlite_version}, load {os.getloadavg()[0]:.1f} at the end.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("figure", nargs="*", choices=[*FIGURES, *SECTIONS, []], help="all of them when none is named")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small counts and one round, to see that it works")
    chosen = parser.parse_args()
    rows: list[Row] = []
    sections: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="cronplug-bench-") as root:
        bench = Bench(Path(root), rounds=1 if chosen.quick else chosen.rounds, quick=chosen.quick)
        install_plugin(bench.root / "plugin")
        for name in chosen.figure or [*FIGURES, *SECTIONS]:
            print(name, flush=True)
            if name in FIGURES:
                rows += FIGURES[name](bench)
            else:
                title, make = SECTIONS[name]
                sections[title] = make(bench)
    if rows:
        print(f"\n{table(rows)}")
    for title, content in sections.items():
        print(f"\n## {title}\n\n{content}")
    if not chosen.quick and (sections or not chosen.figure):
        text = RESULTS.read_text(encoding="utf-8")
        if not chosen.figure:
            kept = re.search(r"^## .*", text, re.M | re.S)
            text = report(rows, rounds=bench.rounds) + (f"\n{kept[0]}" if kept else "")
        for title, content in sections.items():
            text = with_section(text, title, content)
        RESULTS.write_text(text, encoding="utf-8")
        print(f"\nwritten to {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")


if __name__ == "__main__":
    main()
