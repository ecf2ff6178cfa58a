"""POST /schedules/preview: fire times, descriptions, warnings and the faults of expressions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.acceptance.answers import is_instant, json_of, problem
from tests.acceptance.server import Server

pytestmark = pytest.mark.acceptance

PATH = "/schedules/preview"


def preview(api: httpx.Client, expression: str, **body: Any) -> Any:
    """The preview of an expression."""
    return json_of(api.post(PATH, json={"cronExpression": expression, **body}))


def test_a_preview_has_the_contract_s_fields(api: httpx.Client) -> None:
    answer = preview(api, "0 9 * * *")
    assert {"description", "nextRuns", "runsPerDay", "warnings", "occurrences"} <= set(answer)
    assert answer["description"]
    assert answer["runsPerDay"] == 1
    assert isinstance(answer["warnings"], list)
    assert len(answer["nextRuns"]) == 5
    assert all(is_instant(at) and at.endswith("T09:00:00.000Z") for at in answer["nextRuns"])
    assert answer["nextRuns"][0] > datetime.now(UTC).isoformat()
    assert [o["at"] for o in answer["occurrences"]] == answer["nextRuns"]
    assert all({"at", "local", "offset", "note"} <= set(o) for o in answer["occurrences"])


@pytest.mark.parametrize("count", [1, 2, 100])
def test_as_many_as_asked_for(api: httpx.Client, count: int) -> None:
    assert len(preview(api, "* * * * *", count=count)["nextRuns"]) == count


@pytest.mark.parametrize("count", [0, -1, 101, 1.5, "5", True, None])
def test_another_count_is_422(api: httpx.Client, count: object) -> None:
    answer = api.post(PATH, json={"cronExpression": "* * * * *", "count": count})
    if count is None:
        assert answer.status_code in (200, 422)  # null may mean the default
    else:
        problem(answer, 422, field="count")


def test_the_runs_are_strictly_after_the_given_instant(api: httpx.Client) -> None:
    expected = ["2030-01-02T09:00:00.000Z", "2030-01-03T09:00:00.000Z"]
    for after in ("2030-01-01T09:00:00Z", "2030-01-01T09:00:00.000Z", "2030-01-01T10:00:00+01:00"):
        assert preview(api, "0 9 * * *", after=after, count=2)["nextRuns"] == expected
    just_before = preview(api, "0 9 * * *", after="2030-01-01T08:59:59.999Z", count=1)
    assert just_before["nextRuns"] == ["2030-01-01T09:00:00.000Z"]
    for bad in ("yesterday", "2030-01-01", "2030-01-01T09:00:00", "2030-02-30T00:00:00Z", 5, ""):
        problem(api.post(PATH, json={"cronExpression": "0 9 * * *", "after": bad}), 422, field="after")


def test_the_zone_decides_and_clock_changes_are_noted(api: httpx.Client) -> None:
    answer = preview(api, "30 2 * * *", timezone="Europe/Berlin", after="2030-03-30T12:00:00Z", count=2)
    assert answer["occurrences"][0]["at"].startswith("2030-03-31T")  # 02:30 does not exist that day
    assert answer["occurrences"][0]["note"]
    assert answer["occurrences"][1]["at"] == "2030-04-01T00:30:00.000Z"
    assert answer["occurrences"][1]["note"] is None
    assert answer["occurrences"][1]["offset"] == "+02:00"
    assert answer["occurrences"][1]["local"].startswith("2030-04-01T02:30:00")
    repeated = preview(api, "30 2 * * *", timezone="Europe/Berlin", after="2030-10-26T12:00:00Z", count=2)
    assert repeated["nextRuns"][0] == "2030-10-27T00:30:00.000Z"
    assert repeated["nextRuns"][1] == "2030-10-28T01:30:00.000Z"  # once in the repeated hour
    problem(api.post(PATH, json={"cronExpression": "0 9 * * *", "timezone": "Mars/Phobos"}), 422, field="timezone")


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("* * * * *", 60),
        ("*/15 * * * *", 900),
        ("* * * * * *", 1),
        ("*/10 * * * * *", 10),
        ("@hourly", 3600),
        ("@daily", 86400),
        ("@midnight", 86400),
        ("@weekly", 604800),
        ("0 9 * * MON", 604800),
        ("0 9 * * 0", 604800),
        ("0 9 * * 7", 604800),
        ("  0   9 * *   sun ", 604800),
    ],
)
def test_every_way_to_write_an_expression_is_read(api: httpx.Client, expression: str, seconds: int) -> None:
    answer = preview(api, expression, count=3)
    first, second, third = (datetime.fromisoformat(at) for at in answer["nextRuns"])
    assert second - first == third - second == timedelta(seconds=seconds)
    assert answer["runsPerDay"] == pytest.approx(86400 / seconds, rel=0.01)


def test_sunday_is_0_and_7_and_monday_is_1(api: httpx.Client) -> None:
    after = "2030-01-01T00:00:00Z"  # a Tuesday
    for expression, day in [("0 0 * * 0", 6), ("0 0 * * 7", 6), ("0 0 * * 1", 7), ("0 0 * * SUN", 6)]:
        assert preview(api, expression, after=after, count=1)["nextRuns"] == [f"2030-01-0{day}T00:00:00.000Z"]


def test_day_of_month_and_day_of_week_mean_either(api: httpx.Client) -> None:
    answer = preview(api, "0 0 13 * FRI", after="2030-09-01T00:00:00Z", count=3)
    assert [at[:10] for at in answer["nextRuns"]] == ["2030-09-06", "2030-09-13", "2030-09-20"]


def test_the_29th_of_february_is_found(api: httpx.Client) -> None:
    answer = preview(api, "0 0 29 2 *", after="2096-03-01T00:00:00Z", count=2)
    assert answer["nextRuns"] == ["2104-02-29T00:00:00.000Z", "2108-02-29T00:00:00.000Z"]  # 2100 has none


@pytest.mark.parametrize(
    ("expression", "position"),
    [
        ("60 * * * *", 0),
        ("* 24 * * *", 2),
        ("* * 32 * *", 4),
        ("* * * 13 *", 6),
        ("* * * * 8", 8),
        ("* * * * MOO", 8),
        ("0 9 * * MON,TOE", None),
        ("*/0 * * * *", None),
        ("5-1-3 * * * *", None),
        ("nonsense", None),
        ("@never", None),
        ("* * * *", None),
        ("* * * * * * * *", None),
        ("", None),
        ("0 0 30 2 *", None),
        ("0 0 31 4,6,9,11 *", None),
        ("٣ * * * *", None),
        ("1.5 * * * *", None),
        ("-1 * * * *", None),
        ("* * * * *; rm -rf /", None),
        ("999999999999999999999 * * * *", None),
        ("1-999999999 * * * *", None),
        ("* * * * * 🎉", None),
    ],
)
def test_a_fault_is_told_with_its_code_and_position(api: httpx.Client, expression: str, position: int | None) -> None:
    answer = problem(api.post(PATH, json={"cronExpression": expression}), 422, field="cronExpression")
    error = answer["errors"][0]
    assert isinstance(error["code"], str)
    assert error["code"]
    assert "position" in error
    if position is not None:
        assert error["position"] == position
    if error["position"] is not None:
        assert 0 <= error["position"] <= len(expression)


def test_an_expression_that_never_fires_says_so(api: httpx.Client) -> None:
    answer = problem(api.post(PATH, json={"cronExpression": "0 0 30 2 *"}), 422)
    assert "never" in answer["errors"][0]["message"].lower()


def test_the_body_is_checked_like_every_other(api: httpx.Client) -> None:
    problem(api.post(PATH, json={}), 422, field="cronExpression")
    problem(api.post(PATH, json={"cronExpression": None}), 422, field="cronExpression")
    problem(api.post(PATH, json={"cronExpression": 5}), 422, field="cronExpression")
    problem(api.post(PATH, json={"cronExpression": "x" * 257}), 422, field="cronExpression")
    problem(api.post(PATH, json={"cronExpression": "* * * * *", "surprise": 1}), 422, field="surprise")


# -- SCHEDULER_MIN_INTERVAL_SECONDS and SCHEDULER_DEFAULT_TIMEZONE ----------------------------------------------------


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that allows a run a minute at most, with another default zone."""
    folder = tmp_path_factory.mktemp("strict") / "data"
    server = Server(folder, SCHEDULER_MIN_INTERVAL_SECONDS="60", SCHEDULER_DEFAULT_TIMEZONE="Asia/Kolkata")
    try:
        yield server.start()
    finally:
        server.close()


def test_an_expression_that_fires_too_often_is_refused(strict: Server) -> None:
    task = {"name": "Often", "type": "http", "httpUrl": "https://example.com/"}
    for expression in ("* * * * * *", "*/30 * * * * *", "0,30 * * * * *"):
        answer = problem(strict.client.post(PATH, json={"cronExpression": expression}), 422, field="cronExpression")
        assert "60" in answer["errors"][0]["message"]
        problem(strict.client.post("/tasks", json=task | {"cronExpression": expression}), 422, field="cronExpression")
    assert len(preview(strict.client, "* * * * *")["nextRuns"]) == 5
    made = json_of(strict.client.post("/tasks", json=task | {"cronExpression": "0 * * * * *"}), 201)
    problem(strict.client.put(f"/tasks/{made['id']}", json={"cronExpression": "* * * * * *"}), 422)


def test_the_default_zone_is_the_setting_s(strict: Server) -> None:
    answer = preview(strict.client, "0 12 * * *", count=1)
    assert answer["nextRuns"][0].endswith("T06:30:00.000Z")
    assert strict.create_task(name="x", type="http", httpUrl="https://example.com/")["timezone"] == "Asia/Kolkata"
