"""`./dev bench`: all figures, or those that are named; prints them and writes bench/RESULTS.md."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

from bench import results
from bench.comparisons import COMPARISONS
from bench.ours import install_plugin
from bench.runs import Bench, MeasurementFailed
from bench.sections import SECTIONS
from tests.services.postgres import PostgresMissing


def take(name: str, bench: Bench) -> tuple[str, str]:
    """The title and the content of a figure's section. Raises MeasurementFailed, PostgresMissing."""
    if name in SECTIONS:
        title, make = SECTIONS[name]
        return title, make(bench)
    figure, load_before = COMPARISONS[name], os.getloadavg()[0]
    rows, note = figure.take(bench)
    return figure.title, results.section(name, figure, rows, note, rounds=bench.rounds, load_before=load_before)


def main() -> int:
    """The exit status: 1 when a measurement failed. A missed goal is no failure."""
    names = [*COMPARISONS, *SECTIONS]
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("figure", nargs="*", choices=[*names, []], help="all of them when none is named")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small counts and one round, to see that it works")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C does: what was started is ended too
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="cronplug-bench-") as root:
        bench = Bench(Path(root), rounds=1 if chosen.quick else chosen.rounds, quick=chosen.quick)
        install_plugin(bench.root / "plugin")
        for name in chosen.figure or names:
            print(name, flush=True)
            try:
                title, content = take(name, bench)
            except (MeasurementFailed, PostgresMissing) as problem:
                failed.append(f"{name}: {problem}")
                print(f"  FAILED: {problem}", flush=True)
                continue
            print(f"\n## {title}\n\n{content}\n", flush=True)
            if not chosen.quick:
                results.write(title, content)
    if not chosen.quick:
        print(f"written to {results.RESULTS}")
    for text in failed:
        print(f"FAILED: {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
