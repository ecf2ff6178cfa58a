"""Parts that the tests have already, at length: made-up requests and histories, and outages as long as real ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench.soak.stage import Stage

ROOT = Path(__file__).resolve().parents[2]


def fuzz(stage: Stage, *, examples: int = 10_000) -> list[str]:
    """Made-up requests to every operation of the API, and made-up lives of executions against a model of them."""
    environ = {"CRONPLUG_FUZZ_EXAMPLES": str(examples), "CRONPLUG_LIVES": str(max(examples // 20, 1))}
    files = ("tests/api/test_conformance.py", "tests/engine/test_life_of_executions.py")
    return run_tests(*files, seed=stage.chance.randrange(10**6), **environ)


def outages(stage: Stage) -> list[str]:
    """The world round the server fails, for longer than leases last; and it dies at each of the worst moments."""
    files = ("tests/acceptance/test_surroundings.py", "tests/acceptance/test_kill_points.py")
    return run_tests(*files, seed=stage.chance.randrange(10**6), CRONPLUG_LONG_OUTAGES="1")


def run_tests(*files: str, seed: int, **environ: str) -> list[str]:
    """Run files of tests; a fault when one of them fails."""
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *files]
    code = subprocess.call(command, cwd=ROOT, env=os.environ | environ | {"CRONPLUG_FUZZ_SEED": str(seed)})
    return [f"{' and '.join(files)} ended with exit code {code}"] if code else []
