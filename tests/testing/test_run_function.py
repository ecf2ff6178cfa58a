"""The fixtures for plugin authors, with functions in the test's own process and in workers."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from cronplug import PermanentError
from cronplug.clock import SettableClock
from cronplug.errors import PluginError
from cronplug.testing import FakeContext, FunctionRunner, InvalidPayload, Line
from tests.testing.sample_functions import (
    dying,
    endless,
    fetch,
    fetch_sync,
    hidden,
    keeping,
    looping,
    patient,
    report,
    stubborn,
)


def test_tells_result_log_output_and_progress(run_function: FunctionRunner) -> None:
    ran = run_function(report, {"region": "north"}, attempt=3)

    assert (ran.status, ran.success, ran.result) == ("success", True, "report for north, attempt 3")
    assert ran.log == (("info", "building north"),)
    assert ran.progress == ((0.5, "half way"),)
    assert ran.printed == ("printed by the report",)
    assert ran.lines == (Line("log", "building north", "info"), Line("stdout", "printed by the report"))


def test_what_is_printed_still_reaches_the_test(
    run_function: FunctionRunner, capsys: pytest.CaptureFixture[str]
) -> None:
    run_function(report, {"region": "north"})

    assert capsys.readouterr().out == "printed by the report\n"


def test_an_exception_is_told_not_raised(run_function: FunctionRunner) -> None:
    ran = run_function(report, {"region": "north", "fail": True})

    assert (ran.status, ran.permanent, ran.error_message) == ("failed", True, "no such region")
    assert isinstance(ran.error, PermanentError)


@pytest.mark.parametrize("worker", [False, True])
@pytest.mark.parametrize("payload", [{}, {"region": 1}, {"region": "north", "extra": 1}])
def test_a_payload_that_does_not_fit_raises(
    run_function: FunctionRunner, payload: dict[str, Any], worker: bool
) -> None:
    with pytest.raises(InvalidPayload):
        run_function(report, payload, worker=worker)


def test_a_sync_function_sees_the_cancellation(run_function: FunctionRunner) -> None:
    cancelled = run_function(looping, cancelled=True)

    assert (cancelled.status, cancelled.result) == ("cancelled", "stopped")
    assert run_function(looping).result == "went on"


async def test_works_in_an_async_test_too(run_function: FunctionRunner) -> None:
    assert run_function(report, {"region": "south"}).result == "report for south, attempt 1"
    assert run_function(stubborn, cancel_when="blocking").status == "cancelled"


def test_an_endless_async_function_times_out(run_function: FunctionRunner) -> None:
    ran = run_function(endless, timeout_seconds=0.05)

    assert (ran.status, ran.reason) == ("timed_out", "timeout")
    assert ran.error_message == "The function did not end within its time limit of 0.05 s."


def test_a_blocking_sync_function_times_out_and_tidies_up(run_function: FunctionRunner) -> None:
    before = signal.getsignal(signal.SIGTERM)

    ran = run_function(stubborn, timeout_seconds=0.05)

    assert ran.status == "timed_out"
    assert ran.log[-1] == ("info", "tidied up")
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(("function", "text"), [(endless, "waiting"), (stubborn, "blocking"), (report, "half way")])
def test_cancels_when_the_function_says_something(run_function: FunctionRunner, function: Any, text: str) -> None:
    ran = run_function(function, {"region": "north"} if function is report else {}, cancel_when=text)

    assert (ran.status, ran.reason) == ("cancelled", "cancelled_by_request")
    assert ran.seconds < 10


@pytest.mark.parametrize("function", [endless, stubborn])
def test_cancels_after_a_while(run_function: FunctionRunner, function: Any) -> None:
    assert run_function(function, cancel_after_seconds=0.01).status == "cancelled"


def test_hours_pass_at_once_on_a_settable_clock(run_function: FunctionRunner, settable_clock: SettableClock) -> None:
    began = settable_clock.now()

    ran = run_function(patient, {"hours": 30}, clock=settable_clock, timeout_seconds=1_000_000)

    assert ran.status == "success"
    assert len(ran.progress) == 30
    assert settable_clock.now() - began == timedelta(hours=30)


def test_the_time_limit_is_by_the_settable_clock_too(
    run_function: FunctionRunner, settable_clock: SettableClock
) -> None:
    ran = run_function(patient, {"hours": 30}, clock=settable_clock, timeout_seconds=2 * 3600 + 1)

    assert ran.status == "timed_out"
    assert ran.progress[-1][1] == "hour 2"


def test_artifacts_and_what_was_done_once_are_told(run_function: FunctionRunner) -> None:
    first = run_function(keeping)
    second = run_function(keeping, attempt=2, kept=first.once)

    assert first.artifacts["report.csv"].data == b"a,b\n"
    assert second.result == "sent at attempt 1"


def test_http_is_answered_by_a_transport(run_function: FunctionRunner) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"rows": 7, "path": request.url.path}))

    assert run_function(fetch, http_transport=transport).result == 7
    assert '"path":"/report"' in run_function(fetch_sync, http_transport=transport).result.replace(" ", "")


def test_a_failure_reads_well() -> None:
    ran = FunctionRunner()(report, {"region": "north", "fail": True})

    assert repr(ran).startswith("Ran(status='failed', reason='permanent_error', error=PermanentError('no such region')")
    assert "artifacts" not in repr(ran)


def test_a_context_can_be_made_for_code_that_takes_one(fake_context: type[FakeContext]) -> None:
    clock = SettableClock(datetime(2026, 1, 1, tzinfo=UTC))
    context = fake_context(attempt=2, timeout_seconds=60, clock=clock)

    context.progress(0.25, "a quarter")
    context.log.warning("two\nlines")
    context.cancel()

    assert context.deadline == datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
    assert context.reports == [(0.25, "a quarter")]
    assert [line.text for line in context.lines] == ["two", "lines"]
    assert (context.attempt, context.cancelled) == (2, True)


# -- in a real worker ----------------------------------------------------------------------------------------------------


def test_a_worker_tells_the_same(run_function: FunctionRunner) -> None:
    ran = run_function(report, {"region": "north"}, attempt=3, worker=True)

    assert (ran.status, ran.result) == ("success", "report for north, attempt 3")
    assert ran.log == (("info", "building north"),)
    assert ran.progress == ((0.5, "half way"),)
    assert ran.printed == ("printed by the report",)
    assert str(ran.worker).startswith("worker 1, pid ")


async def test_a_worker_that_dies_is_a_failure(run_function: FunctionRunner) -> None:
    ran = run_function(dying, worker=True)

    assert (ran.status, ran.reason) == ("failed", "worker_died")
    assert "exited with code 3" in str(ran.error_message)


def test_a_worker_keeps_artifacts_and_what_was_done_once(run_function: FunctionRunner) -> None:
    ran = run_function(keeping, attempt=2, kept={"send": "sent before"}, worker=True)

    assert ran.result == "sent before"
    assert ran.artifacts["report.csv"].data == b"a,b\n"


def test_a_function_in_a_worker_is_cancelled(run_function: FunctionRunner) -> None:
    ran = run_function(stubborn, cancel_when="blocking", timeout_seconds=60, worker=True)

    assert ran.status == "cancelled"
    assert ran.log[-1] == ("info", "tidied up")


def test_a_function_that_cannot_be_imported_is_refused(run_function: FunctionRunner) -> None:
    with pytest.raises(PluginError, match="at the top level of a module"):
        run_function(hidden[0], worker=True)


def test_what_a_worker_cannot_be_given_is_refused(run_function: FunctionRunner, settable_clock: SettableClock) -> None:
    with pytest.raises(ValueError, match="do not reach into a worker"):
        run_function(report, {"region": "north"}, clock=settable_clock, worker=True)
