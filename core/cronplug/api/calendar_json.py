"""How calendars look from outside: what is answered and what is accepted."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from cronplug import model
from cronplug.api.fields import QUERY_WHOLE, Answer, Body, Instant, InstantIn, Name, Query, fault
from cronplug.operations.calendars import CalendarImport, CalendarPreview, CalendarView
from cronplug.schedules.calendars import MAX_ENTRIES, WEEKDAYS

WeekdayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

# -- days and times --------------------------------------------------------------------------------------------------

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_YEARLY = re.compile(r"--(\d\d)-(\d\d)", re.ASCII)
_WEEK_TIME = re.compile(r"(mon|tue|wed|thu|fri|sat|sun) (([01]\d|2[0-3]):[0-5]\d)", re.ASCII)


def _date(value: object) -> object:
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise fault("date", "must be a day like 2026-12-25")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise fault("date", "is not a day that exists") from None


def _time(value: object) -> object:
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise fault("time", "must be a time of day like 22:00")
    return time.fromisoformat(value)


def _yearly(value: object) -> object:
    found = _YEARLY.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise fault("date", "must be a month and a day like --12-25")
    try:
        date(2000, int(found[1]), int(found[2]))
    except ValueError:
        raise fault("date", "is a day that no year has") from None
    return value


def _week_time(value: object) -> object:
    if not isinstance(value, str) or not _WEEK_TIME.fullmatch(value):
        raise fault("week_time", "must be a weekday and a time of day like mon 22:00")
    return value


Day = Annotated[date, WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-12-25"]})]
"""A day in an answer."""
DayIn = Annotated[
    date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-12-25"]})
]
"""A day in a body or a query string."""
TimeOfDayIn = Annotated[
    time, BeforeValidator(_time), WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"})
]
"""A time of day in a body, to the minute."""
YearlyDay = Annotated[
    str,
    BeforeValidator(_yearly),
    WithJsonSchema({"type": "string", "pattern": "^--[0-9]{2}-[0-9]{2}$", "examples": ["--12-25"]}),
]
"""A month and a day (ISO 8601 without the year)."""
WeekTime = Annotated[
    str,
    BeforeValidator(_week_time),
    WithJsonSchema({"type": "string", "pattern": "^[a-z]{3} [0-2][0-9]:[0-5][0-9]$", "examples": ["mon 22:00"]}),
]
"""A weekday and a time of day."""
EntryName = Annotated[str, StringConstraints(max_length=200)]


def _week_time_text(day: int, at: time) -> str:
    return f"{WEEKDAYS[day]} {at:%H:%M}"


def _read_week_time(text: str) -> tuple[int, time]:
    return WEEKDAYS.index(text[:3]), time.fromisoformat(text[4:])


# -- entries ---------------------------------------------------------------------------------------------------------


class CalendarDates(Answer):
    """Whole days, the first and the last included."""

    name: str
    first: Day = Field(alias="from")
    last: Day = Field(alias="to")


class CalendarYearlyDate(Answer):
    """A day of every year; 29 February only of leap years."""

    name: str
    date: YearlyDay


class CalendarWeekdays(Answer):
    """Days of every week, whole or between two times of day; `to` not after `from` is on the next day."""

    name: str
    days: list[WeekdayName]
    begins: str | None = Field(alias="from", description="Like 22:00; null: the day's beginning.")
    ends: str | None = Field(alias="to", description="Not included; null: the day's end.")


class CalendarWeeklyWindow(Answer):
    """A span of every week; it may pass Sunday."""

    name: str
    begins: WeekTime = Field(alias="from")
    ends: WeekTime = Field(alias="to", description="Not included.")


class CalendarWindow(Answer):
    """One span of time."""

    name: str
    start_at: Instant = Field(alias="from")
    end_at: Instant = Field(alias="to", description="Not included.")


class CalendarDatesIn(Body):
    """Whole days, the first and the last included."""

    name: EntryName = ""
    first: DayIn = Field(alias="from")
    last: DayIn | None = Field(None, alias="to", description="Default: the same day.")

    def read(self) -> model.CalendarDates:
        """The entry."""
        return model.CalendarDates(name=self.name, first=self.first, last=self.last or self.first)


class CalendarYearlyDateIn(Body):
    """A day of every year."""

    name: EntryName = ""
    date: YearlyDay

    def read(self) -> model.CalendarYearly:
        """The entry."""
        return model.CalendarYearly(name=self.name, month=int(self.date[2:4]), day=int(self.date[5:]))


class CalendarWeekdaysIn(Body):
    """Days of every week, whole or between two times of day."""

    name: EntryName = ""
    days: Annotated[list[WeekdayName], Field(min_length=1, max_length=7)]
    begins: TimeOfDayIn | None = Field(None, alias="from")
    ends: TimeOfDayIn | None = Field(None, alias="to", description="Not included; not after `from`: the next day's.")

    def read(self) -> model.CalendarWeekdays:
        """The entry; a day that is named twice counts once."""
        days = tuple(sorted({WEEKDAYS.index(day) for day in self.days}))
        return model.CalendarWeekdays(name=self.name, days=days, begins=self.begins, ends=self.ends)


class CalendarWeeklyWindowIn(Body):
    """A span of every week."""

    name: EntryName = ""
    begins: WeekTime = Field(alias="from")
    ends: WeekTime = Field(alias="to", description="Not included.")

    def read(self) -> model.CalendarWeekly:
        """The entry."""
        first_day, begins = _read_week_time(self.begins)
        last_day, ends = _read_week_time(self.ends)
        return model.CalendarWeekly(name=self.name, first_day=first_day, begins=begins, last_day=last_day, ends=ends)


class CalendarWindowIn(Body):
    """One span of time."""

    name: EntryName = ""
    start_at: InstantIn = Field(alias="from")
    end_at: InstantIn = Field(alias="to", description="Not included.")

    def read(self) -> model.CalendarWindow:
        """The entry."""
        return model.CalendarWindow(name=self.name, start_at=self.start_at, end_at=self.end_at)


# -- calendars -------------------------------------------------------------------------------------------------------


class CalendarSummary(Answer):
    """A calendar without its entries."""

    id: str
    name: str
    description: str
    timezone: str
    entry_count: int
    task_count: int = Field(description="How many tasks heed it.")
    created_at: Instant
    updated_at: Instant
    revision: int = Field(description="Counts the changes, from 1; also the ETag.")

    @classmethod
    def of(cls, view: CalendarView) -> Self:
        """The calendar as it is answered."""
        return cls(**_facts(view))


class Calendar(CalendarSummary):
    """A named set of days and hours: it covers what any of its entries covers."""

    dates: list[CalendarDates]
    yearly_dates: list[CalendarYearlyDate]
    weekdays: list[CalendarWeekdays]
    weekly_windows: list[CalendarWeeklyWindow]
    windows: list[CalendarWindow]

    @classmethod
    def of(cls, view: CalendarView) -> Self:
        """The calendar as it is answered."""
        definition = view.calendar.definition
        return cls(
            **_facts(view),
            dates=[CalendarDates(name=e.name, first=e.first, last=e.last) for e in definition.dates],
            yearly_dates=[
                CalendarYearlyDate(name=e.name, date=f"--{e.month:02}-{e.day:02}") for e in definition.yearly
            ],
            weekdays=[
                CalendarWeekdays.model_validate(
                    {
                        "name": e.name,
                        "days": [WEEKDAYS[day] for day in e.days],
                        "from": None if e.begins is None else f"{e.begins:%H:%M}",
                        "to": None if e.ends is None else f"{e.ends:%H:%M}",
                    }
                )
                for e in definition.weekdays
            ],
            weekly_windows=[
                CalendarWeeklyWindow(
                    name=e.name,
                    begins=_week_time_text(e.first_day, e.begins),
                    ends=_week_time_text(e.last_day, e.ends),
                )
                for e in definition.weekly
            ],
            windows=[CalendarWindow(name=e.name, start_at=e.start_at, end_at=e.end_at) for e in definition.windows],
        )


def _facts(view: CalendarView) -> dict[str, Any]:
    calendar = view.calendar
    return {
        "id": calendar.id,
        "name": calendar.definition.name,
        "description": calendar.definition.description,
        "timezone": calendar.definition.timezone,
        "entry_count": calendar.definition.entry_count,
        "task_count": view.task_count,
        "created_at": calendar.created_at,
        "updated_at": calendar.updated_at,
        "revision": calendar.revision,
    }


class CalendarList(Answer):
    """One page of calendars."""

    items: list[CalendarSummary] = Field(alias="list")
    total: int
    page: int
    page_size: int


class CalendarQuery(Query):
    """Which page."""

    page: Annotated[int, Field(ge=1), QUERY_WHOLE] = 1
    page_size: Annotated[int, Field(ge=1, le=100), QUERY_WHOLE] = 20


Zone = Annotated[str, StringConstraints(min_length=1, max_length=100)]
_MOST = Field(max_length=MAX_ENTRIES)


class _Entries(Body):
    """The fields that creating and changing have in common; null and missing are told apart by `model_fields_set`."""

    description: Annotated[str, StringConstraints(max_length=2000)] | None = None
    timezone: Zone | None = Field(None, description="An IANA zone; default SCHEDULER_DEFAULT_TIMEZONE.")
    dates: Annotated[list[CalendarDatesIn], _MOST] | None = None
    yearly_dates: Annotated[list[CalendarYearlyDateIn], _MOST] | None = None
    weekdays: Annotated[list[CalendarWeekdaysIn], _MOST] | None = None
    weekly_windows: Annotated[list[CalendarWeeklyWindowIn], _MOST] | None = None
    windows: Annotated[list[CalendarWindowIn], _MOST] | None = None

    def changes(self, *, default_timezone: str) -> dict[str, Any]:
        """The fields that were sent, by the names of CalendarDefinition; null gives the default."""
        sent = self.model_fields_set
        found: dict[str, Any] = {}
        if "description" in sent:
            found["description"] = self.description or ""
        if "timezone" in sent:
            found["timezone"] = self.timezone or default_timezone
        for name, kept in _LISTS.items():
            if name in sent:
                found[kept] = tuple(entry.read() for entry in getattr(self, name) or ())
        return found


_LISTS = {
    "dates": "dates",
    "yearly_dates": "yearly",
    "weekdays": "weekdays",
    "weekly_windows": "weekly",
    "windows": "windows",
}


class NewCalendar(_Entries):
    """A calendar to be made."""

    name: Name

    def definition(self, *, default_timezone: str) -> model.CalendarDefinition:
        """What is to be stored."""
        given = {"timezone": default_timezone} | self.changes(default_timezone=default_timezone)
        return model.CalendarDefinition(name=self.name, **given)


class CalendarChange(_Entries):
    """Fields of a calendar to be changed; a list replaces the whole list."""

    name: Name = Field("", validate_default=False)

    def changes(self, *, default_timezone: str) -> dict[str, Any]:
        """The fields that were sent, by the names of CalendarDefinition; null gives the default."""
        found = super().changes(default_timezone=default_timezone)
        return found | ({"name": self.name} if "name" in self.model_fields_set else {})


class ImportQuery(Query):
    """How the calendar is to be called, if not as the file says."""

    name: Name | None = None
    timezone: Zone | None = Field(None, description="An IANA zone, for days and for times without one.")


class ImportedCalendar(Answer):
    """The calendar, and what of the file went into it."""

    calendar: Calendar
    event_count: int = Field(description="Events read.")
    passed_over: int = Field(description="Of these, events that cover nothing from `since` to `until`.")
    since: Instant
    until: Instant = Field(description="Recurrences are written out until then; import again before.")

    @classmethod
    def of(cls, imported: CalendarImport) -> Self:
        """The import as it is answered."""
        content = imported.content
        return cls(
            calendar=Calendar.of(imported.view),
            event_count=content.event_count,
            passed_over=content.passed_over,
            since=content.since,
            until=content.until,
        )


# -- preview ---------------------------------------------------------------------------------------------------------


class CalendarPreviewQuery(Query):
    """From which day to which, both included, by the calendar's zone; at most 400 days."""

    first: DayIn | None = Field(None, alias="from", description="Default: today.")
    last: DayIn | None = Field(None, alias="to", description="Default: a year later.")


class CoveredDay(Answer):
    """A day of which at least a part is covered."""

    date: Day
    whole: bool
    entries: list[str] = Field(description="The names of what covers it, by their first time of day.")


class CoveredSpan(Answer):
    """A stretch of time that one entry covers."""

    start_at: Instant = Field(alias="from")
    end_at: Instant = Field(alias="to", description="Not included.")
    entry: str


class CalendarCoverage(Answer):
    """What a calendar covers."""

    timezone: str
    first: Day = Field(alias="from")
    last: Day = Field(alias="to")
    days: list[CoveredDay]
    spans: list[CoveredSpan] = Field(description="At most the first 1,000.")
    spans_truncated: bool

    @classmethod
    def of(cls, preview: CalendarPreview) -> Self:
        """The preview as it is answered."""
        return cls(
            timezone=preview.timezone,
            first=preview.first,
            last=preview.last,
            days=[CoveredDay(date=day.date, whole=day.is_whole, entries=list(day.entries)) for day in preview.days],
            spans=[CoveredSpan(start_at=span.start_at, end_at=span.end_at, entry=span.entry) for span in preview.spans],
            spans_truncated=preview.is_cut,
        )
