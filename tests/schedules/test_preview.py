"""The sentence, the coming fire times with their notes, and the warnings."""

from __future__ import annotations

import locale
from datetime import UTC, datetime

import pytest

from cronplug.schedules import Part, describe, parse_schedule, preview
from cronplug.schedules.preview import Preview

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)


def shown(expression: str, timezone: str = "UTC", *, after: datetime = NOW, count: int = 3) -> Preview:
    return preview(parse_schedule(cron_expression=expression, timezone=timezone), after=after, count=count)


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("* * * * *", "Every minute"),
        ("*/5 * * * *", "Every 5 minutes"),
        ("*/10 * * * * *", "Every 10 seconds"),
        ("@hourly", "Every hour"),
        ("@daily", "At 00:00, every day"),
        ("0 9 * * *", "At 09:00, every day"),
        ("30 0 9 * * *", "At 09:00:30, every day"),
        ("0 9 * * 1-5", "At 09:00, Monday through Friday"),
        ("0 9-17 * * 1-5", "Every hour from 09:00 to 17:00, Monday through Friday"),
        ("0 0 1 * MON", "At 00:00, on day 1 of the month, or on Monday"),
        ("0 0 */1 * MON", "At 00:00, only on Monday"),
        ("0 0 L * *", "At 00:00, on the last day of the month"),
        ("0 0 LW * *", "At 00:00, on the last weekday (Monday to Friday) of the month"),
        ("0 0 1W,15W 1 *", "At 00:00, on the weekday nearest day 1 of the month or the weekday nearest day 15 of the month, only in January"),
        ("0 0 * * 1,5#3", "At 00:00, on Monday or the third Friday of the month"),
        ("0 0 5 * FRIL", "At 00:00, on day 5 of the month or the last Friday of the month"),
        ("*/1,5 * * * *", "Every minute"),
        ("0 */5,3 * * *", "At 00:00, 03:00, 05:00, 10:00, 15:00 and 20:00, every day"),
        ("0 0 * 1-6/2 *", "At 00:00, only in January, March, and May"),
        ("0 0 * * */3", "At 00:00, only on Sunday, Wednesday, and Saturday"),
        ("0 0 L-1 * *", "At 00:00, on the day 1 day before the last of the month"),
    ],
)  # fmt: skip
def test_sentences(expression: str, sentence: str) -> None:
    assert describe(parse_schedule(cron_expression=expression, timezone="UTC")) == sentence


def test_the_sentence_does_not_depend_on_the_hosts_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locale, "getlocale", lambda *_: (None, None))

    assert describe(parse_schedule(cron_expression="17 14 * * 1", timezone="UTC")) == "At 14:17, only on Monday"


def test_occurrences_show_the_instant_the_wall_and_the_offset() -> None:
    first = shown("0 9 * * *", "Asia/Kolkata").occurrences[0]

    assert first.at == datetime(2026, 1, 11, 3, 30, tzinfo=UTC)
    assert (first.local, first.offset, first.note) == ("2026-01-11T09:00:00", "+05:30", None)


def test_count_bounds_the_occurrences_and_after_is_where_they_begin() -> None:
    after = datetime(2030, 6, 1, tzinfo=UTC)

    assert [o.at.day for o in shown("0 0 * * *", after=after, count=4).occurrences] == [2, 3, 4, 5]


def test_a_schedule_near_its_end_shows_fewer() -> None:
    after = datetime(2199, 12, 30, 12, tzinfo=UTC)

    assert len(shown("0 0 * * *", after=after, count=5).occurrences) == 1


def test_a_run_after_a_gap_is_noted() -> None:
    first = shown("30 2 * * *", "Europe/Berlin", after=datetime(2026, 3, 28, 12, tzinfo=UTC)).occurrences[0]

    assert (first.local, first.offset) == ("2026-03-29T03:00:00", "+02:00")
    assert first.note == "02:30 does not exist that day: the clock goes forward. Runs right after the gap."


def test_a_run_that_also_falls_on_the_end_of_a_gap_by_itself_has_no_note() -> None:
    first = shown("0 3 * * *", "Europe/Berlin", after=datetime(2026, 3, 28, 12, tzinfo=UTC)).occurrences[0]

    assert first.note is None


def test_both_passes_of_a_repeated_hour_are_noted() -> None:
    after = datetime(2026, 10, 25, 0, 29, tzinfo=UTC)

    twice = shown("*/30 2 * * *", "Europe/Berlin", after=after, count=3).occurrences
    once = shown("30 2 * * *", "Europe/Berlin", after=after, count=2).occurrences

    assert [o.offset for o in twice] == ["+02:00", "+01:00", "+01:00"]
    assert [o.note for o in twice] == [
        "This time comes twice that day: the clock goes back. Runs both times.",
        "Second pass of a repeated hour: the clock has gone back.",
        "Second pass of a repeated hour: the clock has gone back.",
    ]
    assert [o.note for o in once] == [
        "This time comes twice that day: the clock goes back. Runs the first time only.",
        None,
    ]


@pytest.mark.parametrize(
    ("expression", "timezone", "codes"),
    [
        ("0 9 * * 1-5", "Europe/Berlin", []),
        ("*/5 * * * *", "Europe/Berlin", []),
        ("0 * * * *", "Europe/Berlin", []),
        ("0 0 13 * 5", "UTC", ["either_day"]),
        ("0 0 */2 * 1", "UTC", ["either_day"]),
        ("* 9 * * *", "UTC", ["every_minute_of_hour"]),
        ("0 0 31 * *", "UTC", ["skips_months"]),
        ("0 0 29 2 *", "UTC", ["skips_months"]),
        ("*/45 * * * *", "UTC", ["uneven_step"]),
        ("*/100 * * * *", "UTC", ["uneven_step"]),
        ("30 2 * * *", "Europe/Berlin", ["clock_gap", "clock_repeat"]),
        ("*/20 2 * * *", "Europe/Berlin", ["clock_gap", "clock_repeat"]),
        ("30 2 * * *", "Asia/Tokyo", []),
        ("30 2 * 1 *", "Europe/Berlin", []),
    ],
)
def test_warnings(expression: str, timezone: str, codes: list[str]) -> None:
    assert [warning.code for warning in shown(expression, timezone).warnings] == codes


def test_clock_warnings_say_when_and_what_then() -> None:
    assert [warning.message for warning in shown("30 2 * * *", "Europe/Berlin").warnings] == [
        "On 2026-03-29 the clock skips 02:30: the run is at 03:00.",
        "On 2026-10-25 02:30 comes twice: it runs the first time only.",
    ]


def test_parts_are_the_fields_as_typed() -> None:
    assert shown("0 9 * * mon-fri").parts == (
        Part("minute", "0", "minute 0"),
        Part("hour", "9", "hour 9"),
        Part("day of month", "*", "every day of the month"),
        Part("month", "*", "every month"),
        Part("day of week", "MON-FRI", "Monday to Friday"),
    )
    assert shown("0 0 9 * * *").parts[0] == Part("second", "0", "second 0")
