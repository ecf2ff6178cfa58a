"""The example functions, tested as a plugin's author would: with the `run_function` fixture that cronplug brings."""

from __future__ import annotations

import pytest
from cronplug_example import crunch, flaky, greet, report

from cronplug import PermanentError, RetryLater
from cronplug.testing import FunctionRunner, InvalidPayload


def test_greet_uses_its_defaults(run_function: FunctionRunner) -> None:
    assert run_function(greet, {"name": "Ada"}).result == "Hello, Ada!"


def test_greet_repeats(run_function: FunctionRunner) -> None:
    assert run_function(greet, {"name": "Ada", "greeting": "Hi", "times": 2}).result == "Hi, Ada! Hi, Ada!"


def test_greet_refuses_a_field_it_does_not_know(run_function: FunctionRunner) -> None:
    with pytest.raises(InvalidPayload, match="nme"):
        run_function(greet, {"name": "Ada", "nme": "Bob"})


def test_report_tells_its_progress_day_by_day(run_function: FunctionRunner) -> None:
    ran = run_function(report, {"region": "north", "days": 2, "seconds": 0, "layout": {"title": "Shoes"}})

    assert ran.success
    assert str(ran.result_summary).startswith("Shoes: ")
    assert ran.progress == ((0.5, "day 1 of 2"), (1.0, "day 2 of 2"))
    assert ran.log[0] == ("info", "building 'Shoes' for north")


def test_report_gives_the_same_figures_at_a_second_attempt(run_function: FunctionRunner) -> None:
    first, second = (run_function(report, {"seconds": 0}, attempt=attempt) for attempt in (1, 2))

    assert first.result == second.result


def test_report_names_the_nested_field_that_is_wrong(run_function: FunctionRunner) -> None:
    with pytest.raises(InvalidPayload, match=r"layout\.decimals"):
        run_function(report, {"layout": {"decimals": 9}})


def test_crunch_counts_primes_and_prints(run_function: FunctionRunner, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_function(crunch, {"limit": 100}).result == "25 primes below 100"
    assert "the largest is 97" in capsys.readouterr().out


def test_flaky_works_after_the_attempts_it_was_asked_to_fail(run_function: FunctionRunner) -> None:
    first, second = (run_function(flaky, {"fail_attempts": 1}, attempt=attempt) for attempt in (1, 2))

    assert (first.success, first.error_message) == (False, "RuntimeError: attempt 1 failed, as asked")
    assert (second.success, second.result) == (True, "worked at attempt 2")


def test_flaky_can_fail_for_good(run_function: FunctionRunner) -> None:
    ran = run_function(flaky, {"permanent": True})

    assert isinstance(ran.error, PermanentError)
    assert ran.permanent


def test_flaky_can_ask_for_a_later_attempt(run_function: FunctionRunner) -> None:
    ran = run_function(flaky, {"wait_seconds": 90})

    assert isinstance(ran.error, RetryLater)
    assert ran.retry_after_seconds == 90
