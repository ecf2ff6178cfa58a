"""iCalendar files: events as entries, recurrences written out, and nothing that makes endless work."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cronplug.errors import InvalidInput
from cronplug.model import CalendarDates
from cronplug.schedules.ics import IcsContent, read_ics

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = datetime(2036, 1, 1, tzinfo=UTC)

OUTLOOK = """\
BEGIN:VTIMEZONE
TZID:Customized Time Zone
X-MICROSOFT-CDO-TZID:4
BEGIN:STANDARD
DTSTART:16011028T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010325T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""


def event(*lines: str) -> str:
    return "\n".join(["BEGIN:VEVENT", "UID:1", *lines, "END:VEVENT", ""])


def file(*components: str) -> bytes:
    text = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//acme//EN\n" + "".join(components) + "END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


def read(*components: str, timezone: str = "Europe/Berlin") -> IcsContent:
    return read_ics(file(*components), since=SINCE, until=UNTIL, timezone=timezone)


def days(content: IcsContent) -> list[date]:
    return [entry.first for entry in content.dates]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def windows(content: IcsContent) -> list[tuple[datetime, datetime]]:
    return [(entry.start_at, entry.end_at) for entry in content.windows]


def fault(*components: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        read(*components)
    [error] = caught.value.errors
    assert error.code == "ics"
    return error.message


def test_whole_days_end_before_dtend() -> None:
    content = read(event("SUMMARY:Christmas\\, both days", "DTSTART;VALUE=DATE:20261225", "DTEND;VALUE=DATE:20261227"))

    assert content.dates == (
        CalendarDates(name="Christmas, both days", first=date(2026, 12, 25), last=date(2026, 12, 26)),
    )


def test_a_day_without_an_end_is_one_day() -> None:
    assert days(read(event("SUMMARY:New Year", "DTSTART;VALUE=DATE:20270101"))) == [date(2027, 1, 1)]


def test_folded_lines_and_long_names_become_one_line() -> None:
    content = read(event("DTSTART;VALUE=DATE:20270101", "SUMMARY:One\\nday of", "  rest " + "x" * 300))

    assert content.dates[0].name.startswith("One day of rest x")
    assert len(content.dates[0].name) == 200


def test_yearly_days_are_written_out_to_the_horizon() -> None:
    content = read(event("SUMMARY:Labour Day", "DTSTART;VALUE=DATE:19900501", "RRULE:FREQ=YEARLY"))

    assert days(content) == [date(year, 5, 1) for year in range(2026, 2036)]


def test_a_leap_day_recurs_in_leap_years() -> None:
    content = read(event("DTSTART;VALUE=DATE:16040229", "RRULE:FREQ=YEARLY"))

    assert days(content) == [date(2028, 2, 29), date(2032, 2, 29)]


def test_the_31st_recurs_in_long_months_however_far_back_it_began() -> None:
    content = read(event("DTSTART;VALUE=DATE:20070731", "RRULE:FREQ=MONTHLY;INTERVAL=5;UNTIL=20300101"))

    months = [date(2007 + (6 + 5 * n) // 12, (6 + 5 * n) % 12 + 1, 1) for n in range(54)]
    long = [month.replace(day=31) for month in months if month.month in (1, 3, 5, 7, 8, 10, 12)]
    assert days(content) == [day for day in long if date(2026, 1, 1) <= day <= date(2030, 1, 1)]


def test_every_other_week_keeps_its_step() -> None:
    content = read(event("DTSTART;VALUE=DATE:20200106", "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;UNTIL=20260201"))

    assert [str(day) for day in days(content)] == ["2026-01-02", "2026-01-12", "2026-01-16", "2026-01-26", "2026-01-30"]


def test_thanksgiving_and_dates_added_and_left_out() -> None:
    content = read(
        event(
            "DTSTART;VALUE=DATE:20251127",
            "RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;COUNT=4",
            "RDATE;VALUE=DATE:20260704,20270704",
            "EXDATE;VALUE=DATE:20271125",
        )
    )

    assert [str(day) for day in days(content)] == ["2026-07-04", "2026-11-26", "2027-07-04", "2028-11-23"]


@pytest.mark.parametrize(
    "zone",
    ["Europe/Berlin", "W. Europe Standard Time", "/freeassociation.sourceforge.net/Europe/Berlin"],
)
def test_times_follow_their_zone_by_any_of_its_names(zone: str) -> None:
    content = read(
        event(
            f'DTSTART;TZID="{zone}":20260327T220000',
            f'DTEND;TZID="{zone}":20260328T060000',
            "RRULE:FREQ=DAILY;UNTIL=20260329T200000Z",
            "SUMMARY:Night",
        )
    )

    assert windows(content) == [
        (utc(2026, 3, 27, 21), utc(2026, 3, 28, 5)),
        (utc(2026, 3, 28, 21), utc(2026, 3, 29, 4)),
        (utc(2026, 3, 29, 20), utc(2026, 3, 30, 4)),
    ]


def test_a_zone_that_the_file_defines_is_used() -> None:
    content = read(
        OUTLOOK,
        event(
            "DTSTART;TZID=Customized Time Zone:20260110T120000",
            "DURATION:PT90M",
            "RRULE:FREQ=MONTHLY;INTERVAL=6;COUNT=2",
        ),
    )

    assert windows(content) == [
        (utc(2026, 1, 10, 11), utc(2026, 1, 10, 12, 30)),
        (utc(2026, 7, 10, 10), utc(2026, 7, 10, 11, 30)),
    ]


def test_a_time_without_a_zone_is_that_of_the_file_or_else_of_the_calendar() -> None:
    noon = event("DTSTART:20260110T120000", "DURATION:PT1H")

    assert windows(read(noon))[0][0] == utc(2026, 1, 10, 11)
    named = read("X-WR-TIMEZONE:Asia/Tokyo\nX-WR-CALNAME:Closures\n", noon)
    assert windows(named)[0][0] == utc(2026, 1, 10, 3)
    assert (named.name, named.timezone) == ("Closures", "Asia/Tokyo")


def test_a_changed_occurrence_replaces_the_one_of_its_series() -> None:
    content = read(
        event("DTSTART:20260105T100000Z", "DTEND:20260105T110000Z", "RRULE:FREQ=WEEKLY;COUNT=3"),
        event("RECURRENCE-ID;TZID=Europe/Berlin:20260112T110000", "DTSTART:20260113T080000Z", "DURATION:PT2H"),
        event("RECURRENCE-ID:20260119T100000Z", "DTSTART:20260119T100000Z", "DURATION:PT2H", "STATUS:CANCELLED"),
    )

    assert windows(content) == [
        (utc(2026, 1, 5, 10), utc(2026, 1, 5, 11)),
        (utc(2026, 1, 13, 8), utc(2026, 1, 13, 10)),
    ]
    assert (content.event_count, content.passed_over) == (3, 1)


def test_periods_are_added_with_their_own_length() -> None:
    content = read(
        event(
            "DTSTART:20260105T100000Z",
            "DURATION:PT1H",
            "RDATE;VALUE=PERIOD:20260106T100000Z/PT3H,20260107T100000Z/20260107T100500Z",
        )
    )

    assert [end - start for start, end in windows(content)] == [
        utc(2026, 1, 1, 1) - utc(2026, 1, 1),
        utc(2026, 1, 1, 3) - utc(2026, 1, 1),
        utc(2026, 1, 1, 0, 5) - utc(2026, 1, 1),
    ]


def test_a_local_time_in_a_gap_or_a_repeat_is_read_as_the_standard_says() -> None:
    content = read(
        event("DTSTART;TZID=Europe/Berlin:20260329T023000", "DURATION:PT1H"),
        event("DTSTART;TZID=Europe/Berlin:20261025T023000", "DURATION:PT1H"),
    )

    assert [start for start, _ in windows(content)] == [utc(2026, 3, 29, 1, 30), utc(2026, 10, 25, 0, 30)]


def test_what_covers_nothing_is_passed_over() -> None:
    content = read(
        event("DTSTART:20260110T120000Z"),
        event("DTSTART;VALUE=DATE:20270101", "STATUS:CANCELLED"),
        event("DTSTART;VALUE=DATE:20200101"),
        "BEGIN:VTODO\nSUMMARY:not an event\nEND:VTODO\n",
    )

    assert (content.dates, content.windows, content.event_count, content.passed_over) == ((), (), 3, 3)


@pytest.mark.parametrize(
    ("components", "says"),
    [
        ([event("DTSTART:20260101T000000Z", "DURATION:PT1S", "RRULE:FREQ=SECONDLY")], "is SECONDLY: a calendar takes"),
        ([event("DTSTART:20260101T000000Z", "DURATION:PT1S", "RRULE:FREQ=HOURLY;COUNT=2")], "is HOURLY"),
        ([event("DTSTART:20260101T000000Z", "RRULE:FREQ=MINUTELY")], "is MINUTELY"),  # without a length, too
        ([event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")], "never happens again"),
        ([event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")], "never happens again"),
        ([event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30")], "never happens again"),
        ([event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY;INTERVAL=0")], "'INTERVAL=0'"),
        ([event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY;BYMONTH=13")], "'BYMONTH=13'"),
        ([event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY;BYEASTER=0")], "'BYEASTER=0'"),
        ([event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY;COUNT=2;UNTIL=20270101")], "both COUNT and UNTIL"),
        ([event("DTSTART;VALUE=DATE:20260101", "RRULE:BYDAY=MO")], "FREQ is missing"),
        (
            [event("DTSTART:20260101T000000Z", "DURATION:PT1S", "RRULE:FREQ=DAILY;BYSECOND=" + ",".join(map(str, range(60))) + ";BYMINUTE=1,2")],
            "120 times a day",
        ),
        ([event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY"), event("DTSTART;VALUE=DATE:20260101", "RRULE:FREQ=DAILY")], "more than 5000 entries"),
        ([event("DTSTART;VALUE=DATE:20260101", "EXRULE:FREQ=DAILY")], "EXRULE"),
        ([event("SUMMARY:Party")], "'Party' has no DTSTART"),
        ([event("DTSTART:2026-01-01")], "cannot be read: '2026-01-01'"),
        ([event("DTSTART:20260230T000000Z")], "cannot be read"),
        ([event("DTSTART;TZID=Mars/Olympus:20260101T000000")], "'Mars/Olympus' is not known"),
        ([event("DTSTART:20260101T000000Z", "DURATION:P999999D")], "longer than 10 years"),
        ([event("DTSTART:20260101T000000Z", "DURATION:soon")], "DURATION that cannot be read"),
        ([event("DTSTART:20260101T000000Z", "DTEND;VALUE=DATE:20260102")], "or the other way round"),
        ([event("DTSTART;VALUE=DATE:20260101", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260101")], "not supported"),
        ([OUTLOOK.replace("YEARLY", "SECONDLY"), event("DTSTART;TZID=Customized Time Zone:20260101T000000")], "SECONDLY"),
        ([OUTLOOK.replace("YEARLY", "DAILY"), event("DTSTART;TZID=Customized Time Zone:20260101T000000")], "not yearly"),
        ([OUTLOOK.replace("BYDAY=-1SU;BYMONTH=10", "BYDAY=41SU;BYMONTH=10"), event("DTSTART;TZID=Customized Time Zone:20260101T000000", "DURATION:PT1H")], "cannot be read"),
        ([OUTLOOK.replace("+0200", "+9900"), event("DTSTART;TZID=Customized Time Zone:20260701T000000", "DURATION:PT1H")], "cannot be read"),
        (["END:VEVENT\n"], "END:VEVENT has no BEGIN"),
        (["no line at all\n"], "is not `NAME:value`"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_told_in_a_sentence(components: list[str], says: str) -> None:
    assert says in fault(*components)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "does not begin with BEGIN:VCALENDAR"),
        (b"PK\x03\x04", "does not begin"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", "ends within VEVENT"),
        ("BEGIN:VCALENDAR\nX:ü".encode("latin-1"), "not UTF-8"),
        (b"BEGIN:VCALENDAR\n" + b" " * (1 << 20), "larger than 1 MiB"),
    ],
)
def test_what_is_no_calendar_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_ics(data, since=SINCE, until=UNTIL, timezone="UTC")


def test_deep_nesting_and_very_many_recurrences_end_soon() -> None:
    began = time.process_time()

    assert "has no BEGIN" in fault("BEGIN:X\n" * 20_000)
    rule = "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO"
    many = event("DTSTART;VALUE=DATE:20260101", rule) * 300
    assert "recurrences than can be written out" in fault(many)

    assert time.process_time() - began < 60


def outcome(component: str) -> list[date] | str:
    try:
        return days(read(component))
    except InvalidInput as error:
        return str(error)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 30),
    st.dates(date(1990, 1, 1), date(2030, 12, 31)),
    st.sampled_from(["", ";BYDAY=MO,TH", ";BYMONTHDAY=-1", ";BYMONTH=3,9", ";BYDAY=FR;BYMONTHDAY=13"]),
)
def test_beginning_near_the_horizon_changes_nothing(freq: str, interval: int, start: date, more: str) -> None:
    """A COUNT that is never reached keeps the walk at DTSTART."""
    lines = (f"DTSTART;VALUE=DATE:{start:%Y%m%d}", f"RRULE:FREQ={freq};INTERVAL={interval}{more}")

    assert outcome(event(*lines)) == outcome(event(lines[0], f"{lines[1]};COUNT=99999"))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([
    "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VTIMEZONE", "END:VTIMEZONE", "TZID:A", "DTSTART:20260101T000000",
    "DTSTART;VALUE=DATE:20260101", "DTSTART;TZID=A:20260101T000000", "DTEND:20260102", "DURATION:-P1D", "DURATION:P1W",
    "RRULE:FREQ=YEARLY", "RRULE:FREQ=DAILY;COUNT=3", "RDATE:20260101T000000Z/PT1H", "EXDATE:20260101", "BEGIN:STANDARD",
    "END:STANDARD", "TZOFFSETFROM:+9999", "TZOFFSETTO:+0100", "SUMMARY:x", "RECURRENCE-ID:20260101", "X;=:;,\"",
    "DTSTART:99990101", "DTSTART:00010101T000000Z",
]), max_size=14))  # fmt: skip
def test_any_lines_give_entries_or_a_fault(lines: list[str]) -> None:
    try:
        content = read("".join(f"{line}\n" for line in lines))
    except InvalidInput:
        return
    assert all(entry.last >= entry.first for entry in content.dates)
    assert all(entry.end_at > entry.start_at for entry in content.windows)
