"""`./dev soak [PART...]`: run parts one after the other and tell which promises held."""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.soak.audit import audit
from bench.soak.harm import harm
from bench.soak.load import load
from bench.soak.long_tests import fuzz, outages
from bench.soak.overload import overload
from bench.soak.stage import Stage
from bench.soak.steady import steady

Part = Callable[[Stage], list[str]]

DEFAULTS = {"tasks": 500, "seconds": 60.0, "kills": 20, "requests": 10_000, "examples": 10_000, "minutes": 30.0}


def parts(chosen: argparse.Namespace) -> dict[str, Part]:
    """The parts by name, in the order in which all of them run."""
    return {
        "audit": partial(audit, tasks=chosen.tasks, seconds=chosen.seconds, kills=chosen.kills),
        "harm": partial(harm, seconds=chosen.seconds),
        "outages": outages,
        "load": partial(load, tasks=chosen.tasks, requests=chosen.requests),
        "overload": partial(overload, seconds=chosen.seconds),
        "fuzz": partial(fuzz, examples=chosen.examples),
        "steady": partial(steady, minutes=chosen.minutes),
    }


WITHOUT_DATABASE = ("outages", "fuzz")
"""They choose their databases themselves."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="./dev soak",
        description="Break every promise, or fail to: kills, outages, load, overload, made-up requests, time.",
        epilog="All parts on SQLite and on PostgreSQL take about two hours.",
    )
    names = list(parts(argparse.Namespace(**DEFAULTS)))
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(names)}; all unless named")
    parser.add_argument("--sqlite", action="store_true", help="on SQLite only")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL only, a server of its own")
    parser.add_argument("--tasks", type=int, default=DEFAULTS["tasks"], help="that are due every second (audit, load)")
    parser.add_argument("--seconds", type=float, default=DEFAULTS["seconds"], help="of audit, harm, overload")
    parser.add_argument("--kills", type=int, default=DEFAULTS["kills"], help="of the process group, in audit")
    parser.add_argument("--requests", type=int, default=DEFAULTS["requests"], help="of 50 clients, in load")
    parser.add_argument("--examples", type=int, default=DEFAULTS["examples"], help="requests made up in fuzz")
    parser.add_argument("--minutes", type=float, default=DEFAULTS["minutes"], help="of steady")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(names):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    print(f"seed {chosen.seed}", flush=True)
    both = chosen.sqlite == chosen.postgresql
    faults = 0
    for name, part in parts(chosen).items():
        if chosen.parts and name not in chosen.parts:
            continue
        for on_postgresql in (False, True) if both and name not in WITHOUT_DATABASE else (chosen.postgresql,):
            faults += run(name, part, on_postgresql=on_postgresql, seed=chosen.seed)
    print("every promise held" if not faults else f"{faults} faults")
    sys.exit(1 if faults else 0)


def run(name: str, part: Part, *, on_postgresql: bool, seed: int) -> int:
    """Run a part; how many faults it found."""
    place = "" if name in WITHOUT_DATABASE else " on PostgreSQL" if on_postgresql else " on SQLite"
    print(f"{name}{place}", flush=True)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cronplug-soak-")))
        faults = part(Stage(folder, random.Random(f"{seed} {name}"), on_postgresql))
    for fault in faults[:50]:
        print(f"  BROKEN: {fault}")
    if len(faults) > 50:
        print(f"  and {len(faults) - 50} more faults")
    verdict = "every promise held" if not faults else f"{len(faults)} faults"
    print(f"  {verdict}, after {time.monotonic() - began:.0f} s", flush=True)
    return len(faults)


if __name__ == "__main__":
    main()
