"""Figures that have tables of their own in RESULTS.md: fire times, worker processes, the admin's questions."""

from __future__ import annotations

import dataclasses
import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata

from bench import workers as bench_workers
from bench.runs import FILL_SECONDS, Bench, Side, Taken


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
        rounds = 1 if what in ("mixed", "gap") else bench.rounds  # they take minutes, mostly the peers'
        (taken,) = dataclasses.replace(bench, rounds=rounds).alternate(Side("schedules", what, count))
        ours = taken["cronplug"]
        peers = [taken[side] if side in taken.rounds[0] else None for side in ("croniter", "cronsim", "APScheduler")]
        best = min(peer for peer in peers if peer is not None) / ours
        cells = [form.format(ours), *("-" if peer is None else form.format(peer) for peer in peers), f"{best:.1f}x"]
        lines.append(f"| {figure} | {' | '.join(cells)} |")
        if what == "gap":
            note = f"The longest single call over the gap took {taken['longest']:.2f} ms; the peers' seconds are 200 calls scaled up."
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("croniter", "cronsim", "apscheduler"))
    table_text = "\n".join(lines)
    return f"""Made by `./dev bench schedules` on {datetime.now(UTC):%Y-%m-%d}: medians over 20 typical expressions (5 sparse ones) in
America/New_York, the best of three turns each; medians of {bench.rounds} rounds, of the two with many schedules one.

{table_text}

{note} {versions}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the end."""


def workers(bench: Bench) -> str:
    """Worker processes: what isolation costs, how surely runs end, how output gets out."""
    bench_workers.install_plugin(bench.root / "plugin")
    scale = 10 if bench.quick else 1
    (trip, throughput, kills, side, lines) = bench.alternate(
        Side("workers", "round-trip", 5_000 // scale),
        Side("workers", "throughput", 20_000 // scale),
        Side("workers", "kills", 3),
        Side("workers", "side-by-side", 500),
        Side("workers", "lines", 20_000),
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
    filled = bench.measure(Side("admin", "fill", count, seconds=FILL_SECONDS), folder=folder)
    taken = Taken([bench.measure(Side("admin", "measure", count), folder=folder) for _ in range(bench.rounds)])
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
        f"| {figure} | <= {goal} ms | {taken[name]:.1f} ms | {taken[f'{name}_cpu']:.1f} ms |"
        for name, figure, goal in goals
    )
    return f"""Made by `./dev bench admin` on {datetime.now(UTC):%Y-%m-%d}: medians of {bench.rounds} rounds, each the p95 of 30 requests one after
the other, and the median of the processor's time for one, with {count // 100:,} tasks and {count:,} executions of 90 days, which
`cronplug demo` made in {filled["seconds"]:.0f} s ({filled["cpu_seconds"]:.0f} s of the processor's time).

| answer | goal | p95 | CPU |
|---|---|---|---|
{rows}

Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the end."""


def _rate(measured: Taken) -> str:
    return f"{measured['per_second']:,.0f} / s, {measured['cpu_ms']:.2f} ms of the server's CPU each"


def _span(measured: Taken, kind: str) -> str:
    return f"p50 {measured[f'{kind}_p50_ms']:.2f} ms, p99 {measured[f'{kind}_p99_ms']:.2f} ms"


SECTIONS: dict[str, tuple[str, Callable[[Bench], str]]] = {
    "schedules": ("Schedules", schedules),
    "workers": ("Workers", workers),
    "admin": ("The admin's questions", admin),
}
"""Figures with a section of their own in RESULTS.md: its title, and what makes it."""
