"""A pytest plugin for plugin authors. Installed with cronplug, nothing to configure.

    def test_report(run_function):
        ran = run_function(nightly_report, {"region": "north"})
        assert ran.status == "success"
        assert ran.result == "42 rows"
        assert ran.progress == ((0.5, "half way"),)

`run_function` runs one attempt, in the test's process or in a real worker, with the payload checked and the result
judged as in production; it answers a `Ran`. `fake_context` makes contexts for code that takes one; `settable_clock` is a
clock that stands still until it is moved. It loads nothing of the server, and what runs workers only when that is asked for.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cronplug.clock import SettableClock
from cronplug.sdk.functions import InvalidPayload
from cronplug.sdk.keeping import Artifact
from cronplug.testing.context import FakeContext
from cronplug.testing.ran import Line, Ran
from cronplug.testing.runner import FunctionRunner

__all__ = [
    "Artifact",
    "FakeContext",
    "FunctionRunner",
    "InvalidPayload",
    "Line",
    "Ran",
    "SettableClock",
    "fake_context",
    "run_function",
    "settable_clock",
]


@pytest.fixture
def run_function() -> FunctionRunner:
    """Runs a function made with `@function` once and tells what came of it."""
    return FunctionRunner()


@pytest.fixture
def fake_context() -> type[FakeContext]:
    """Makes contexts: `fake_context(attempt=2)` records what code does with it."""
    return FakeContext


@pytest.fixture
def settable_clock() -> SettableClock:
    """A clock at 2030-01-01T00:00Z, for `run_function(..., clock=settable_clock)`."""
    return SettableClock(datetime(2030, 1, 1, tzinfo=UTC))
