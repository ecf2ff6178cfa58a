"""Calendars: what they cover, by which entry, in which zone; and whom they keep from running."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cronplug.errors import InvalidInput
from cronplug.model import (
    CalendarDates,
    CalendarDefinition,
    CalendarMode,
    CalendarUse,
    CalendarWeekdays,
    CalendarWeekly,
    CalendarWindow,
    CalendarYearly,
    CronRule,
)
from cronplug.schedules.calendars import MAX_ENTRIES, Calendar, excluded_by, parse_calendar

BERLIN = ZoneInfo("Europe/Berlin")
CHRISTMAS = CalendarYearly(name="Christmas Day", month=12, day=25)
WEEKEND = CalendarWeekdays(name="", days=(5, 6))
NIGHT = CalendarWeekly(name="Patch night", first_day=0, begins=time(22), last_day=1, ends=time(2))


def calendar(calendar_id: str = "c1", **entries: Any) -> Calendar:
    values = {"name": "Closed", "timezone": "Europe/Berlin"} | entries
    return parse_calendar(CalendarDefinition(**values), calendar_id=calendar_id)


def berlin(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=BERLIN, fold=fold)  # type: ignore[arg-type, misc]


def day(text: str, name: str = "") -> CalendarDates:
    return CalendarDates(name=name, first=date.fromisoformat(text), last=date.fromisoformat(text))


def test_days_are_those_of_its_zone() -> None:
    closed = calendar(dates=(CalendarDates(name="Move", first=date(2026, 3, 28), last=date(2026, 3, 29)),))

    assert not closed.covers(datetime(2026, 3, 27, 22, 59, 59, tzinfo=UTC))
    assert closed.entry_at(datetime(2026, 3, 27, 23, tzinfo=UTC)) == "Move"
    assert closed.covers(datetime(2026, 3, 29, 21, 59, 59, 999_000, tzinfo=UTC))  # the clock changed on the second day
    assert not closed.covers(datetime(2026, 3, 29, 22, tzinfo=UTC))


def test_the_same_instant_in_any_zone_is_answered_alike() -> None:
    closed = calendar(yearly=(CHRISTMAS,))
    at = datetime(2026, 12, 24, 23, tzinfo=UTC)

    assert closed.entry_at(at) == closed.entry_at(at.astimezone(ZoneInfo("Asia/Tokyo"))) == "Christmas Day"


def test_yearly_dates_come_every_year_and_leap_days_in_leap_years() -> None:
    closed = calendar(yearly=(CHRISTMAS, CalendarYearly(name="", month=2, day=29)))

    assert all(closed.covers(berlin(year, 12, 25, 12)) for year in (1990, 2026, 2150))
    assert closed.entry_at(berlin(2028, 2, 29, 12)) == "29 February"
    assert not closed.covers(berlin(2027, 2, 28, 12))
    assert not closed.covers(berlin(2027, 3, 1, 12))


def test_weekdays_may_have_hours_that_pass_midnight() -> None:
    office = calendar(weekdays=(CalendarWeekdays(name="", days=(6, 0), begins=time(22), ends=time(6)),))

    assert office.entry_at(berlin(2026, 3, 1, 22)) == "mon, sun 22:00 to 06:00"  # a Sunday
    assert office.covers(berlin(2026, 3, 2, 5, 59, 59))  # Monday, by Sunday's hours that pass the week's end
    assert not office.covers(berlin(2026, 3, 2, 6))
    assert office.covers(berlin(2026, 3, 3, 1))
    assert not office.covers(berlin(2026, 3, 1, 5))


def test_hours_may_be_open_on_either_side() -> None:
    morning = calendar(weekdays=(CalendarWeekdays(name="", days=(0,), ends=time(12)),))
    evening = calendar(weekdays=(CalendarWeekdays(name="", days=(0,), begins=time(18)),))

    assert (morning.covers(berlin(2026, 3, 2)), morning.covers(berlin(2026, 3, 2, 12))) == (True, False)
    assert (evening.covers(berlin(2026, 3, 2, 23, 59)), evening.covers(berlin(2026, 3, 3))) == (True, False)


def test_a_weekly_window_follows_the_wall_clock_through_changes() -> None:
    window = CalendarWeekly(name="Backup", first_day=6, begins=time(2), last_day=6, ends=time(3))
    closed = calendar(weekly=(window,))

    assert closed.covers(berlin(2026, 10, 25, 2, 30, fold=0))
    assert closed.covers(berlin(2026, 10, 25, 2, 30, fold=1))
    spring = datetime(2026, 3, 29, tzinfo=UTC)
    assert closed.spans(spring, spring + timedelta(days=1), 10) == []  # that hour does not exist


def test_a_single_window_ends_before_its_end() -> None:
    start = datetime(2026, 5, 1, 10, tzinfo=UTC)
    closed = calendar(windows=(CalendarWindow(name="", start_at=start, end_at=start + timedelta(hours=1)),))

    assert closed.entry_at(start) == "A window"
    assert not closed.covers(start - timedelta(milliseconds=1))
    assert not closed.covers(start + timedelta(hours=1))


def test_of_several_entries_the_first_named_tells_the_name() -> None:
    closed = calendar(
        dates=(CalendarDates(name="Holidays", first=date(2026, 12, 23), last=date(2026, 12, 31)), day("2026-12-24", "Eve")),
        yearly=(CHRISTMAS,),
        weekdays=(WEEKEND,),
    )  # fmt: skip

    assert [closed.entry_at(berlin(2026, 12, d, 12)) for d in (24, 25)] == ["Holidays", "Holidays"]
    assert closed.entry_at(berlin(2027, 12, 25, 12)) == "Christmas Day"
    assert closed.entry_at(berlin(2026, 12, 20, 12)) == "sat, sun"


def test_spans_tell_what_is_covered() -> None:
    closed = calendar(yearly=(CHRISTMAS,), weekdays=(WEEKEND,), weekly=(NIGHT,))

    found = closed.spans(berlin(2026, 12, 21), berlin(2026, 12, 28), 10)

    assert [(span.start_at, span.end_at, span.entry) for span in found] == [
        (berlin(2026, 12, 21, 22), berlin(2026, 12, 22, 2), "Patch night"),
        (berlin(2026, 12, 25), berlin(2026, 12, 26), "Christmas Day"),
        (berlin(2026, 12, 26), berlin(2026, 12, 28), "sat, sun"),
    ]
    assert closed.spans(berlin(2026, 12, 21), berlin(2026, 12, 28), 1) == found[:1]


def test_covered_days_tell_whether_they_are_whole() -> None:
    closed = calendar(yearly=(CHRISTMAS,), weekdays=(WEEKEND,), weekly=(NIGHT,))

    found = closed.covered_days(date(2026, 12, 21), date(2026, 12, 26))

    assert [(str(found_day.date), found_day.is_whole, found_day.entries) for found_day in found] == [
        ("2026-12-21", False, ("Patch night",)),
        ("2026-12-22", False, ("Patch night",)),
        ("2026-12-25", True, ("Christmas Day",)),
        ("2026-12-26", True, ("sat, sun",)),
    ]


def test_days_begin_after_a_gap_at_midnight_and_skipped_ones_are_none() -> None:
    everything = CalendarWeekdays(name="All", days=(0, 1, 2, 3, 4, 5, 6))
    cairo = calendar(timezone="Africa/Cairo", weekdays=(everything,))
    apia = calendar(timezone="Pacific/Apia", weekdays=(everything,))

    assert cairo.day_start(date(2026, 4, 24)).astimezone(ZoneInfo("Africa/Cairo")).hour == 1
    days = [str(found.date) for found in apia.covered_days(date(2011, 12, 29), date(2011, 12, 31))]
    assert days == ["2011-12-29", "2011-12-31"]


def test_what_is_always_or_never_covered_never_changes() -> None:
    always = calendar(weekdays=(CalendarWeekdays(name="All", days=(0, 1, 2, 3, 4, 5, 6)),))
    now, later = berlin(2026, 1, 1), berlin(2036, 1, 1)

    assert always.next_change(now, later) is None
    assert calendar().next_change(now, later) is None
    assert [span.entry for span in always.spans(now, later, 5)] == ["All"]


_INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
_TIMES = st.sampled_from([time(0), time(2), time(2, 30), time(3), time(12), time(22)])
_ENTRIES = st.fixed_dictionaries(
    {
        "timezone": st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
        "dates": st.lists(
            st.builds(
                lambda first, length, n: CalendarDates(name=f"d{n}", first=first, last=first + timedelta(days=length)),
                st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(0, 60), st.integers(0, 9),
            ), max_size=6,
        ).map(tuple),
        "yearly": st.lists(
            st.builds(lambda at: CalendarYearly(name=f"y{at.month}", month=at.month, day=at.day), st.dates(date(2028, 1, 1), date(2028, 12, 31))),
            max_size=4,
        ).map(tuple),
        "weekdays": st.lists(
            st.builds(CalendarWeekdays, name=st.just("wd"), days=st.lists(st.integers(0, 6), min_size=1, max_size=3).map(tuple),
                      begins=st.just(time(1)), ends=_TIMES), max_size=2,
        ).map(tuple),
        "weekly": st.lists(
            st.builds(lambda a, b, c, d: CalendarWeekly(name="w", first_day=a, begins=b, last_day=c, ends=d),
                      st.integers(0, 2), _TIMES, st.integers(3, 6), _TIMES), max_size=2,
        ).map(tuple),
        "windows": st.lists(
            st.builds(lambda at, hours: CalendarWindow(name=f"s{hours}", start_at=at, end_at=at + timedelta(hours=hours)), _INSTANTS, st.integers(1, 90)),
            max_size=5,
        ).map(tuple),
    }
)  # fmt: skip


def slowly(definition: CalendarDefinition, at: datetime) -> str | None:
    """The entry that covers an instant, by looking at each one."""
    local = at.astimezone(ZoneInfo(definition.timezone))
    for dates in definition.dates:
        if dates.first <= local.date() <= dates.last:
            return dates.name
    for yearly in definition.yearly:
        if (local.month, local.day) == (yearly.month, yearly.day):
            return yearly.name
    for window in definition.windows:
        if window.start_at <= at < window.end_at:
            return window.name
    clock = local.time()
    for weekdays in definition.weekdays:
        begins, ends = weekdays.begins or time(), weekdays.ends or time()
        own = local.weekday() in weekdays.days and begins <= clock and (clock < ends or ends <= begins)
        of_yesterday = ends <= begins and (local.weekday() - 1) % 7 in weekdays.days and clock < ends
        if own or of_yesterday:
            return weekdays.name
    for weekly in definition.weekly:
        if (weekly.first_day, weekly.begins) <= (local.weekday(), clock) < (weekly.last_day, weekly.ends):
            return weekly.name
    return None


@settings(max_examples=150, deadline=None)
@given(_ENTRIES, st.lists(_INSTANTS, min_size=1, max_size=20))
def test_the_answer_is_that_of_looking_at_each_entry(entries: dict[str, Any], instants: list[datetime]) -> None:
    definition = CalendarDefinition(name="x", **entries)
    parsed = parse_calendar(definition)

    for at in instants:
        assert parsed.entry_at(at) == slowly(definition, at)


@settings(max_examples=60, deadline=None)
@given(_ENTRIES, _INSTANTS)
def test_spans_and_answers_agree(entries: dict[str, Any], start: datetime) -> None:
    parsed = parse_calendar(CalendarDefinition(name="x", **entries))
    end = start + timedelta(days=20)

    spans = parsed.spans(start, end, 10_000)

    assert all(a.end_at <= b.start_at for a, b in itertools.pairwise(spans))
    at = start
    while at < end:
        inside = [span.entry for span in spans if span.start_at <= at < span.end_at]
        assert inside == ([] if (entry := parsed.entry_at(at)) is None else [entry])
        at += timedelta(hours=1, minutes=7)


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ({"timezone": "Europe/Berlim"}, "timezone"),
        ({"dates": (CalendarDates(name="", first=date(2026, 1, 2), last=date(2026, 1, 1)),)}, "dates.0.to"),
        ({"dates": (day("2026-01-01"), day("1800-01-01"))}, "dates.1.from"),
        ({"yearly": (CalendarYearly(name="", month=4, day=31),)}, "yearlyDates.0.date"),
        ({"weekdays": (CalendarWeekdays(name="", days=()),)}, "weekdays.0.days"),
        ({"weekdays": (CalendarWeekdays(name="", days=(1,), begins=time(2), ends=time(2)),)}, "weekdays.0.to"),
        ({"weekly": (CalendarWeekly(name="", first_day=1, begins=time(2), last_day=1, ends=time(2)),)}, "weeklyWindows.0.to"),
        ({"windows": (CalendarWindow(name="", start_at=berlin(2026, 1, 1), end_at=berlin(2026, 1, 1)),)}, "windows.0.to"),
        ({"dates": (day("2026-01-01"),) * (MAX_ENTRIES + 1)}, ""),
    ],
)  # fmt: skip
def test_what_cannot_be_covered_is_named(entries: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        calendar(**entries)

    assert field in [error.field for error in caught.value.errors]


HOLIDAYS = calendar("h", name="Holidays", yearly=(CHRISTMAS,))
BUSINESS = calendar("b", name="Business days", weekdays=(CalendarWeekdays(name="", days=(0, 1, 2, 3, 4)),))
BOTH = {"h": HOLIDAYS, "b": BUSINESS}


def rule(*uses: tuple[str, CalendarMode]) -> CronRule:
    calendars = tuple(CalendarUse(calendar_id=name, mode=mode) for name, mode in uses)
    return CronRule(cron_expression="0 9 * * *", timezone="Europe/Berlin", calendars=calendars)


WORKDAYS = rule(("b", CalendarMode.INCLUDE), ("h", CalendarMode.EXCLUDE))


def test_a_rule_without_calendars_is_never_excluded() -> None:
    assert excluded_by(rule(), berlin(2026, 12, 25, 9), {}) is None


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        (berlin(2026, 12, 24, 9), None),
        (berlin(2026, 12, 25, 9), "Christmas Day in the calendar Holidays."),
        (berlin(2026, 12, 26, 9), "Outside of the calendar Business days."),
    ],
)
def test_a_fire_time_is_excluded_by_any_of_its_calendars(at: datetime, sentence: str | None) -> None:
    found = excluded_by(WORKDAYS, at, BOTH)

    assert (found.sentence if found else None) == sentence


def test_the_exclusion_names_calendar_and_entry() -> None:
    assert excluded_by(WORKDAYS, berlin(2026, 12, 25, 9), BOTH) == (HOLIDAYS, "Christmas Day")


def test_a_calendar_that_is_not_there_excludes() -> None:
    found = excluded_by(WORKDAYS, berlin(2026, 12, 24, 9), {})

    assert found is not None
    assert (found.calendar, found.entry) == (None, None)
    assert found.sentence == "The schedule heeds a calendar that is not there or cannot be read."
