"""Reading expressions: what texts mean, and how each fault is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cronplug.errors import InvalidInput
from cronplug.schedules import ScheduleError, check_schedule, parse_schedule
from cronplug.schedules.spec import compile_cron, runs_per_day


def masks(text: str) -> tuple[object, ...]:
    spec = compile_cron(text)
    return spec.seconds, spec.minutes, spec.hours, spec.months, spec.years, spec.days


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("0 0 * * *", "0 0 0 * * *"),
        ("  0\t0  * * *  ", "0 0 * * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@Annually", "0 0 1 1 *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * 0"),
        ("@DAILY", "0 0 * * *"),
        (" @midnight ", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
        ("5-5 * * * *", "5 * * * *"),
        ("5-5/3 * * * *", "5 * * * *"),
        ("0 3-3 * * *", "0 3 * * *"),
        ("0 0 * * MON-MON", "0 0 * * 1"),
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * 7-7", "0 0 * * 0"),
        ("0 0 * * 5-7", "0 0 * * 5,6,0"),
        ("0 0 * * 0-7", "0 0 * * 0,1,2,3,4,5,6"),
        ("0 0 * * 1-7/2", "0 0 * * 1,3,5,0"),
        ("0 0 * * 7-2", "0 0 * * 0,1,2"),
        ("0 0 * * fri-sun", "0 0 * * 5,6,0"),
        ("0 0 * * sat-mon", "0 0 * * 6,0,1"),
        ("0 0 * JAN,mar-May *", "0 0 * 1,3,4,5 *"),
        ("0 0 * NOV-FEB *", "0 0 * 11,12,1,2 *"),
        ("0 0 * OCT-MAR/2 *", "0 0 * 10,12,2 *"),
        ("0 22-2 * * *", "0 22,23,0,1,2 * * *"),
        ("0 22-4/5 * * *", "0 22,3 * * *"),
        ("55-5/3 * * * *", "55,58,1,4 * * * *"),
        ("0 0 28-3 * *", "0 0 28,29,30,31,1,2,3 * *"),
        ("5/20 * * * *", "5,25,45 * * * *"),
        ("59/15 * * * *", "59 * * * *"),
        ("0 0 * * 1/2", "0 0 * * 1,3,5"),
        ("*/100 * * * *", "0 * * * *"),
        ("*/1 * * * *", "* * * * *"),
        ("007 * * * *", "7 * * * *"),
        ("0 0 ? * 1", "0 0 * * 1"),
        ("0 0 1 * ?", "0 0 1 * *"),
        ("0 0 ? * ?", "0 0 * * *"),
        ("0 0 */1 * 1", "0 0 * * 1"),
        ("1,1,1,2 * * * *", "1,2 * * * *"),
        ("0 0 20-L 1 *", "0 0 20-31 1 *"),
        ("0 0 W15 * *", "0 0 15W * *"),
        ("0 0 * * L5", "0 0 * * 5L"),
        ("0 0 * * FRIL", "0 0 * * 5#L"),
        ("0 0 * * 7L", "0 0 * * 0L"),
        ("0 0 * * mon-wed#1", "0 0 * * 1#1,2#1,3#1"),
        ("30,*/20 * * * *", "0,20,30,40 * * * *"),
        ("0 0 0 * * * *", "0 0 0 * * *"),
        ("0 0 0 * * * */1", "0 0 0 * * *"),
        ("0 0 0 * * * 1970-2199", "0 0 0 * * *"),
        ("0 0 0 * * * 2030,2026-2028", "0 0 0 * * * 2026,2027,2028,2030"),
        ("0 0 0 * * * 2190/4", "0 0 0 * * * 2190,2194,2198"),
        ("0 0 0 * * * 2026-2030/2", "0 0 0 * * * 2026,2028,2030"),
    ],
)
def test_texts_that_mean_the_same(text: str, same_as: str) -> None:
    assert masks(text) == masks(same_as)


def days_in_2026(text: str, month: int) -> list[int]:
    schedule = parse_schedule(cron_expression=text, timezone="UTC")
    start = datetime(2026, month, 1, tzinfo=UTC) - timedelta(seconds=1)
    end = datetime(2026 + month // 12, month % 12 + 1, 1, tzinfo=UTC) - timedelta(seconds=1)
    return [at.day for at in schedule.fire_times(start, end, 100)]


@pytest.mark.parametrize(
    ("text", "month", "days"),
    [
        # 2026: 1 January is a Thursday, 1 February a Sunday, 1 August a Saturday, 31 May a Sunday
        ("0 0 L * *", 2, [28]),
        ("0 0 L-3 * *", 2, [25]),
        ("0 0 L-28,1 * *", 2, [1]),
        ("0 0 L,15 * *", 1, [15, 31]),
        ("0 0 LW * *", 5, [29]),
        ("0 0 LW * *", 1, [30]),
        ("0 0 1W * *", 8, [3]),
        ("0 0 1W * *", 2, [2]),
        ("0 0 15W * *", 2, [16]),
        ("0 0 15W * *", 8, [14]),
        ("0 0 31W * *", 5, [29]),
        ("0 0 31W * *", 4, []),
        ("0 0 1W,15W * *", 8, [3, 14]),
        ("0 0 30-L * *", 2, []),
        ("0 0 * * 5L", 1, [30]),
        ("0 0 * * 5#3", 1, [16]),
        ("0 0 * * 4#5", 1, [29]),
        ("0 0 * * 4#5", 2, []),
        ("0 0 * * 1,5#3", 1, [5, 12, 16, 19, 26]),
        ("0 0 * * 2#1,4#2", 1, [6, 8]),
        # both day fields: either of them
        ("0 0 13 * 5", 1, [2, 9, 13, 16, 23, 30]),
        ("0 0 1 * 1#1", 1, [1, 5]),
        ("0 0 15W * 1", 1, [5, 12, 15, 19, 26]),
        ("0 0 */10 * 1", 1, [1, 5, 11, 12, 19, 21, 26, 31]),
        ("0 0 31 2 0", 2, [1, 8, 15, 22]),
    ],
)
def test_special_days(text: str, month: int, days: list[int]) -> None:
    assert days_in_2026(text, month) == days


@pytest.mark.parametrize(
    ("text", "code", "position"),
    [
        ("", "cron.fields", 0),
        ("   ", "cron.fields", 0),
        ("* * * *", "cron.fields", 7),
        ("* * * * * * * *", "cron.fields", 14),
        ("@daily 5", "cron.fields", 7),
        ("* * * * * " + "0," * 130 + "0", "cron.length", 256),
        ("60 * * * *", "cron.range", 0),
        ("* 24 * * *", "cron.range", 2),
        ("* * 0 * *", "cron.range", 4),
        ("* * 32 * *", "cron.range", 4),
        ("* * * 13 *", "cron.range", 6),
        ("* * * * 8", "cron.range", 8),
        ("0 1,2,99 * * *", "cron.range", 6),
        ("0 1-99 * * *", "cron.range", 4),
        ("0 99999999999999999999 * * *", "cron.range", 2),
        ("60 * * * * *", "cron.range", 0),
        ("0 0 32W * *", "cron.range", 4),
        ("0 0 L-31 * *", "cron.range", 6),
        ("1,,2 * * * *", "cron.syntax", 2),
        ("1, * * * *", "cron.syntax", 2),
        ("*/ * * * *", "cron.syntax", 2),
        ("*/x * * * *", "cron.syntax", 2),
        ("1-2-3 * * * *", "cron.syntax", 3),
        ("1- * * * *", "cron.syntax", 2),
        ("-5 * * * *", "cron.syntax", 0),
        ("5/1/2 * * * *", "cron.syntax", 2),
        ("0 0 * * MONDAY", "cron.syntax", 8),
        ("0 0 * MON *", "cron.syntax", 6),
        ("0 0 * * +MON", "cron.syntax", 8),
        ("1.5 * * * *", "cron.syntax", 0),
        ("٣ * * * *", "cron.syntax", 0),
        ("0\u00a00 * * *", "cron.syntax", 1),
        ("0 0 * *\n*", "cron.syntax", 7),
        ("0 0 * * \x00", "cron.syntax", 8),
        ("@foo", "cron.syntax", 0),
        ("*/0 * * * *", "cron.value", 2),
        ("0 0 * * 1#6", "cron.value", 10),
        ("0 0 * * 1#0", "cron.value", 10),
        ("0 0 * * 1-5/2#1", "cron.value", 11),
        ("0 0 1-15W * *", "cron.value", 4),
        ("? * * * *", "cron.value", 0),
        ("0 0 ?,1 * *", "cron.value", 4),
        ("0 0 ?/2 * *", "cron.value", 4),
        ("*,5 * * * *", "cron.value", 0),
        ("0 0 * * *,sat#3", "cron.value", 8),
        ("0 0 30 2 *", "cron.never", None),
        ("0 0 31 4,6,9,11 *", "cron.never", None),
        ("0 0 31W 2 *", "cron.never", None),
        ("0 0 L-29 2 *", "cron.never", None),
        ("@reboot", "cron.unsupported", 0),
        ("@every 5m", "cron.unsupported", 0),
        ("R R * * *", "cron.unsupported", 0),
        ("0 0 * * L", "cron.unsupported", 8),
        ("H(0-60) * * * *", "cron.range", 4),
        ("* H(20-3) * * *", "cron.value", 4),
        ("H(0-29 * * * *", "cron.syntax", 0),
        ("5,H() * * * *", "cron.syntax", 2),
        ("H() * * * *", "cron.syntax", 0),
        ("H(-5) * * * *", "cron.syntax", 2),
        ("H/61 * * * *", "cron.value", 2),
        ("H(0-9)/11 * * * *", "cron.value", 7),
        ("H/0 * * * *", "cron.value", 2),
        ("H/x * * * *", "cron.syntax", 2),
        ("HH * * * *", "cron.syntax", 0),
        ("H-5 * * * *", "cron.syntax", 0),
        ("0 0 * * H#2", "cron.syntax", 8),
        ("0 0 0 * * * H", "cron.value", 12),
        ("0 0 0 1 1 * 1969", "cron.range", 12),
        ("0 0 0 1 1 * 2026,2200", "cron.range", 17),
        ("0 0 0 1 1 * 2030-2026", "cron.value", 12),
        ("0 0 0 1 1 * ?", "cron.value", 12),
        ("0 0 0 1 1 * L", "cron.syntax", 12),
        ("0 0 0 29 2 * 2026,2027", "cron.never", None),
    ],
)
def test_every_fault_has_its_code_and_place(text: str, code: str, position: int | None) -> None:
    with pytest.raises(ScheduleError) as raised:
        parse_schedule(cron_expression=text, timezone="UTC", seed="a task")

    error = raised.value
    assert (error.fault_code, error.position, error.field) == (code, position, "cronExpression")
    assert len(str(error)) < 300


@pytest.mark.parametrize("wrong", [None, 5, b"* * * * *", ["*"]])
def test_what_is_not_text_is_refused(wrong: object) -> None:
    with pytest.raises(ScheduleError, match="is text"):
        parse_schedule(cron_expression=wrong, timezone="UTC")  # type: ignore[arg-type]
    with pytest.raises(ScheduleError, match="is text"):
        parse_schedule(cron_expression="* * * * *", timezone=wrong)  # type: ignore[arg-type]


def test_an_error_is_invalid_input_that_names_the_field() -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_schedule(cron_expression="61 * * * *", timezone="UTC")

    (fault,) = raised.value.errors
    assert (fault.field, fault.code, fault.position) == ("cronExpression", "cron.range", 0)
    assert fault.message == "'61' is not in the range of the minute field. Allowed: 0 to 59."
    assert raised.value.code == "invalid"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("* * * * * *", 1),
        ("*/7 * * * * *", 4),
        ("50 * * * * *", 60),
        ("0,50 59,0 * * * *", 10),
        ("* * * * *", 60),
        ("*/45 * * * *", 900),
        ("0 * * * *", 3_600),
        ("0 9,17 * * *", 28_800),
        ("0 0,23 * * *", 3_600),
        ("0 0,23 * * 1", 82_800),
        ("0 0 * * *", 86_400),
        ("0 0 * * 1,3", 2 * 86_400),
        ("0 0 1 * *", 28 * 86_400),
        ("0 0 31 12 *", 365 * 86_400),
        ("0 0 29 2 *", 1_461 * 86_400),
        ("0 0 0 1 1 * 2026,2029", 1_096 * 86_400),
        ("0 0 0 31 12 * 2026-2028", 365 * 86_400),
        ("0 0 0 1-31/2 * * 2026-2030", 86_400),
        ("0 0 0 1-29/2 * * 2026,2027", 2 * 86_400),
    ],
)
def test_shortest_interval(text: str, seconds: int) -> None:
    assert parse_schedule(cron_expression=text, timezone="UTC").shortest_interval_seconds == seconds


def test_a_schedule_that_fires_too_often_is_refused_with_both_figures() -> None:
    schedule = parse_schedule(cron_expression="*/7 * * * * *", timezone="UTC")

    check_schedule(schedule, min_interval_seconds=4)
    with pytest.raises(ScheduleError, match=r"every 4 s .* allowed here is 5 s") as raised:
        check_schedule(schedule, min_interval_seconds=5)
    assert raised.value.fault_code == "cron.too_often"


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("*/5 * * * *", 288),
        ("0 9 * * 1-5", 5 / 7),
        ("0 0 1 * *", 336 / 10_227),
        ("0 0 29 2 *", 7 / 10_227),
        ("* * * * * *", 86_400),
        ("0 0 */6 * * * 2028", 4),
        ("0 0 0 1 1 * 2027,2028", 2 / 731),
    ],
)
def test_runs_per_day(text: str, runs: float) -> None:
    assert runs_per_day(compile_cron(text)) == pytest.approx(runs)


def test_equal_arguments_make_equal_schedules() -> None:
    one = parse_schedule(cron_expression="0 0 * * *", timezone="UTC")

    assert one == parse_schedule(cron_expression="0 0 * * *", timezone="UTC")
    assert one != parse_schedule(cron_expression="0 0 * * *", timezone="Europe/Berlin")
    assert one != parse_schedule(cron_expression="0 0 * * *", timezone="UTC", on_dst_gap="skip")
    assert one != parse_schedule(cron_expression="0 0 * * *", timezone="UTC", on_dst_repeat="twice")
    assert one != parse_schedule(cron_expression="0 0 * * *", timezone="UTC", seed="a task")


def test_every_is_refused_with_the_name_of_the_kind_that_does_it() -> None:
    with pytest.raises(ScheduleError, match="kind interval"):
        parse_schedule(cron_expression="@every 5m", timezone="UTC")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"on_dst_gap": "once"}, "onDstGap"),
        ({"on_dst_repeat": "shift"}, "onDstRepeat"),
        ({"on_dst_gap": ""}, "onDstGap"),
    ],
)
def test_an_unknown_choice_for_clock_changes_is_refused(options: dict[str, str], field: str) -> None:
    with pytest.raises(ScheduleError) as raised:
        parse_schedule(cron_expression="0 0 * * *", timezone="UTC", **options)
    assert (raised.value.fault_code, raised.value.field) == ("dst.value", field)
