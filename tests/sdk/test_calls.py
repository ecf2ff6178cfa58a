"""What a returned value or a raised exception means."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from cronplug import PermanentError, RetryLater
from cronplug.sdk.calls import MAX_RESULT_BYTES, judge_error, judge_result


class Answer(BaseModel):
    at: datetime


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


class TestResults:
    @pytest.mark.parametrize(
        ("value", "kept", "summary"),
        [
            (None, None, None),
            ("42 rows", "42 rows", "42 rows"),
            (42, 42, "42"),
            ({"rows": [1, None, True]}, {"rows": [1, None, True]}, '{"rows":[1,null,true]}'),
            ((1, 2), [1, 2], "[1,2]"),
            ("x" * 501, "x" * 501, "x" * 499 + "…"),
            (
                Answer(at=datetime(2026, 1, 1, tzinfo=UTC)),
                {"at": "2026-01-01T00:00:00Z"},
                '{"at":"2026-01-01T00:00:00Z"}',
            ),
            ({"success": "yes"}, {"success": "yes"}, '{"success":"yes"}'),
            ({"success": True, "message": "fine", "n": 1}, {"success": True, "message": "fine", "n": 1}, "fine"),
            ({"success": True}, {"success": True}, '{"success":true}'),
            (2**63 - 1, 2**63 - 1, str(2**63 - 1)),
        ],
    )
    def test_is_kept_with_its_summary(self, value: Any, kept: Any, summary: str | None) -> None:
        ended = judge_result(value)

        assert (ended.success, ended.reason, ended.result, ended.result_summary) == (True, "completed", kept, summary)
        assert ended.warnings == ()

    @pytest.mark.parametrize(
        ("value", "summary", "warning"),
        [
            ({1, 2}, "{1, 2}", "not JSON"),
            (float("nan"), "nan", "not JSON"),
            ({"at": datetime(2026, 1, 1)}, "{'at': datetime.datetime(2026, 1, 1, 0, 0)}", "not JSON"),  # noqa: DTZ001
            (Unprintable(), "<Unprintable whose repr fails>", "not JSON"),
            ("x" * MAX_RESULT_BYTES, "'" + "x" * 498 + "…", "262146 bytes"),
            (2**64, str(2**64), "64 bits"),
            (nested(101), "[" * 101 + "]" * 101, "nested deeper"),
        ],
    )
    def test_that_cannot_be_kept_leaves_its_repr_and_a_warning(self, value: Any, summary: str, warning: str) -> None:
        ended = judge_result(value)

        assert (ended.success, ended.result, ended.result_summary) == (True, None, summary)
        assert warning in ended.warnings[0]

    def test_a_very_deep_result_is_survived(self) -> None:
        ended = judge_result(nested(100_000))

        assert ended.success
        assert ended.warnings

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ({"success": False, "message": "no rows"}, "no rows"),
            ({"success": False}, "The function reported that it failed."),
            ({"success": False, "message": 5}, "The function reported that it failed."),
        ],
    )
    def test_can_say_that_it_failed(self, value: dict[str, Any], message: str) -> None:
        ended = judge_result(value)

        assert (ended.success, ended.reason, ended.error_message) == (False, "reported_failure", message)
        assert ended.result == value
        assert not ended.permanent

    def test_text_that_databases_refuse_is_replaced(self) -> None:
        assert judge_result("a\0b\ud800c").result_summary == "a\ufffdb\ufffdc"

    @settings(max_examples=50, deadline=None)
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda x: st.lists(x) | st.dictionaries(st.text(), x),
        )
    )
    def test_what_is_kept_always_survives_the_way_to_the_store(self, value: Any) -> None:
        ended = judge_result(value)

        assert orjson.loads(orjson.dumps(ended.result)) == ended.result
        json.dumps(ended.result_summary).encode()
        (ended.result_summary or "").encode()


class TestErrors:
    def test_an_exception_is_a_failure_with_its_traceback(self) -> None:
        try:
            raise KeyError("region")
        except KeyError as error:
            ended = judge_error(error)

        assert (ended.success, ended.reason, ended.error_message) == (False, "error", "KeyError: 'region'")
        assert ended.trace is not None
        assert 'raise KeyError("region")' in ended.trace

    def test_permanent_error_forbids_retries(self) -> None:
        ended = judge_error(PermanentError("bad address"))

        assert (ended.reason, ended.permanent, ended.error_message) == ("permanent_error", True, "bad address")

    def test_retry_later_asks_for_its_distance(self) -> None:
        ended = judge_error(RetryLater(90, "busy"))

        assert (ended.reason, ended.retry_after_seconds, ended.error_message) == ("error", 90.0, "busy")

    @pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
    def test_retry_later_refuses_what_is_no_distance(self, seconds: float) -> None:
        with pytest.raises(ValueError, match="seconds"):
            RetryLater(seconds)

    def test_an_exception_that_cannot_be_printed_is_survived(self) -> None:
        class Odd(Exception):
            def __str__(self) -> str:
                raise RuntimeError("no text")

        ended = judge_error(Odd())

        assert ended.error_message == "Odd: <its text cannot be made>"

    def test_a_long_message_is_cut(self) -> None:
        assert len(judge_error(ValueError("x" * 10_000)).error_message or "") == 2_000
