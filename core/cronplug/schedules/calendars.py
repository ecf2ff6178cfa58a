"""Calendars: named sets of days and hours that a schedule fires only in, or never in.

A calendar is read once into sorted, disjoint pieces: days, hours of the week, and instants. Whether it covers an
instant is then a search by halves in each, whatever the number of entries.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, pairwise
from typing import NamedTuple

from cronplug.errors import FieldError, InvalidInput
from cronplug.model import (
    CalendarDates,
    CalendarDefinition,
    CalendarMode,
    CalendarWeekdays,
    CalendarWeekly,
    CalendarWindow,
    CalendarYearly,
    ScheduleRule,
)
from cronplug.schedules.errors import ScheduleError
from cronplug.schedules.zones import ZoneTable, load_zone

MAX_ENTRIES = 5000
"""How many entries a calendar may have."""

FIRST_YEAR, LAST_YEAR = 1900, 2199
"""The years that dates and windows may name."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_EPOCH = date(1970, 1, 1).toordinal()
_DAY = 86_400
_WEEK = 7 * _DAY
_MONDAY = 3 * _DAY
"""1970-01-01 was a Thursday: so many seconds after the week began."""
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


class Exclusion(NamedTuple):
    """Why a rule's fire time is not to run: `entry` of an `exclude` calendar covers it; or, None, an `include`
    calendar does not. `calendar` None: the schedule names one that is not there, or cannot be read.
    """

    calendar: Calendar | None
    entry: str | None

    @property
    def sentence(self) -> str:
        """The reason for a person, naming the calendar."""
        if self.calendar is None:
            return "The schedule heeds a calendar that is not there or cannot be read."
        if self.entry is None:
            return f"Outside of the calendar {self.calendar.name}."
        return f"{self.entry} in the calendar {self.calendar.name}."


class Span(NamedTuple):
    """A stretch of time that one entry of a calendar covers, from `start_at` up to, not including, `end_at`."""

    start_at: datetime
    end_at: datetime
    entry: str


class CoveredDay(NamedTuple):
    """A day, by the calendar's zone, of which at least a part is covered; `entries` by their first time of day."""

    date: date
    is_whole: bool
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Disjoint rising spans of numbers with names; an end is not part of its span."""

    starts: tuple[float, ...] = ()
    ends: tuple[float, ...] = ()
    names: tuple[str, ...] = ()

    def at(self, number: float) -> str | None:
        place = bisect_right(self.starts, number) - 1
        return self.names[place] if place >= 0 and number < self.ends[place] else None

    def next_edge(self, number: float) -> float | None:
        """The first start or end after `number`."""
        place = bisect_right(self.starts, number)
        if place and number < self.ends[place - 1]:
            return self.ends[place - 1]
        return self.starts[place] if place < len(self.starts) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A calendar that can be asked. All instants given must be aware."""

    id: str
    definition: CalendarDefinition
    _zone: ZoneTable = field(repr=False, compare=False)
    _days: _Pieces = field(repr=False, compare=False)
    _yearly: Mapping[tuple[int, int], str] = field(repr=False, compare=False)
    _week: _Pieces = field(repr=False, compare=False)
    _windows: _Pieces = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """Its name."""
        return self.definition.name

    def covers(self, at: datetime) -> bool:
        """Whether any entry covers the instant."""
        return self.entry_at(at) is not None

    def entry_at(self, at: datetime) -> str | None:
        """The name of what covers the instant, None when nothing does.

        Of several, in this order: dates, yearly dates, single windows, weekly ones; and of one kind the first named.
        """
        return self._entry(at.timestamp())

    def next_change(self, after: datetime, until: datetime) -> datetime | None:
        """The first instant in (after, until] from which another entry covers than before, None without."""
        at = after.timestamp()
        end = until.timestamp()
        before = self._entry(at)
        while (at := self._next_edge(at)) <= end:
            if self._entry(at) != before:
                return datetime.fromtimestamp(at, UTC)
        return None

    def spans(self, start: datetime, end: datetime, limit: int) -> list[Span]:
        """What is covered from `start` up to `end`, rising, at most the first `limit` spans."""
        found: list[Span] = []
        while start < end and len(found) < limit:
            change = self.next_change(start, end) or end
            if (entry := self.entry_at(start)) is not None:
                found.append(Span(start.astimezone(UTC), change.astimezone(UTC), entry))
            start = change
        return found

    def local_date(self, at: datetime) -> date:
        """The day of an instant, by the calendar's zone."""
        seconds = int(at.timestamp())
        return date.fromordinal((seconds + self._zone.offset_at(seconds)) // _DAY + _EPOCH)

    def day_start(self, day: date) -> datetime:
        """The first instant of a day, by the calendar's zone; of a day that the zone skipped, that of the next."""
        zone = self._zone
        local = (day.toordinal() - _EPOCH) * _DAY
        segment = zone.segment_at(local - 2 * _DAY)
        while zone.ends[segment] + zone.offsets[segment] <= local:
            segment += 1
        return datetime.fromtimestamp(max(local - zone.offsets[segment], zone.starts[segment]), UTC)

    def covered_days(self, first: date, last: date) -> list[CoveredDay]:
        """The days from `first` to `last`, both included, of which anything is covered. One step for each change."""
        at = self.day_start(first).timestamp()
        end = self.day_start(last + timedelta(days=1)).timestamp()
        found: dict[int, list[str]] = {}
        open_days: set[int] = set()
        zone = self._zone
        while at < end:
            local = at + zone.offset_at(int(at))
            day = int(local // _DAY)
            entry = self._entry(at)
            if entry is None:
                open_days.add(day)
            elif entry not in found.setdefault(day, []):
                found[day].append(entry)
            at = min(self._next_edge(at), at + _DAY - local % _DAY)
        return [
            CoveredDay(date.fromordinal(day + _EPOCH), day not in open_days, tuple(entries))
            for day, entries in found.items()
        ]

    def _entry(self, at: float) -> str | None:
        zone = self._zone
        local = at + zone.offsets[bisect_right(zone.starts, at) - 1]
        if self._days.starts and (name := self._days.at(local // _DAY)) is not None:
            return name
        if self._yearly:
            day = date.fromordinal(int(local // _DAY) + _EPOCH)
            if (name := self._yearly.get((day.month, day.day))) is not None:
                return name
        if self._windows.starts and (name := self._windows.at(at)) is not None:
            return name
        return self._week.at((local + _MONDAY) % _WEEK) if self._week.starts else None

    def _next_edge(self, at: float) -> float:
        """The next instant after `at` at which anything may begin or end; within a zone's segment days are even."""
        zone = self._zone
        segment = bisect_right(zone.starts, at) - 1
        offset = zone.offsets[segment]
        local = at + offset
        day = local // _DAY
        edges: list[float] = [zone.ends[segment]]
        if (edge := self._windows.next_edge(at)) is not None:
            edges.append(edge)
        if (edge := self._days.next_edge(day)) is not None:
            edges.append(edge * _DAY - offset)
        if self._yearly:
            edges.append(self._next_yearly_edge(int(day)) * _DAY - offset)
        if self._week.starts:
            second = (local + _MONDAY) % _WEEK
            edge = self._week.next_edge(second)
            edges.append(at - second + (_WEEK + self._week.starts[0] if edge is None else edge))
        return min(edges)

    def _next_yearly_edge(self, day: int) -> int:
        today = date.fromordinal(day + _EPOCH)
        if (today.month, today.day) in self._yearly:
            return day + 1
        named = sorted(self._yearly)
        place = bisect_left(named, (today.month, today.day))
        month, of_month = named[place % len(named)]
        year = today.year + place // len(named)
        if (month, of_month) == (2, 29):  # an edge too early does no harm: nothing changes there
            of_month = 28
            if date(year, month, of_month) <= today:
                return day + 1
        return date(year, month, of_month).toordinal() - _EPOCH


def excluded_by(rule: ScheduleRule, at: datetime, calendars: Mapping[str, Calendar]) -> Exclusion | None:
    """Why a fire time of `rule` is not to run, as its calendars have it; None when it is to run.

    It is excluded when any `exclude` calendar covers it, or any `include` calendar does not. `calendars` has them by
    id; one that is missing excludes everything, so that nothing runs in a maintenance window that cannot be read.
    """
    for use in rule.calendars:
        calendar = calendars.get(use.calendar_id)
        if calendar is None:
            return Exclusion(None, None)
        entry = calendar.entry_at(at)
        if use.mode is CalendarMode.EXCLUDE:
            if entry is not None:
                return Exclusion(calendar, entry)
        elif entry is None:
            return Exclusion(calendar, None)
    return None


def parse_calendar(definition: CalendarDefinition, *, calendar_id: str = "") -> Calendar:
    """The calendar of a definition. Raises InvalidInput that names each bad field as the API does.

    >>> from cronplug.model import CalendarYearly
    >>> christmas = CalendarYearly(name="Christmas Day", month=12, day=25)
    >>> calendar = parse_calendar(CalendarDefinition(name="Holidays", timezone="Europe/Berlin", yearly=(christmas,)))
    >>> calendar.entry_at(datetime(2026, 12, 24, 23, 0, tzinfo=UTC))
    'Christmas Day'
    """
    faults = list(_faults(definition))
    zone = None
    try:
        zone = load_zone(definition.timezone)
    except ScheduleError as error:
        faults += error.errors
    if faults or zone is None:
        raise InvalidInput(faults)
    return Calendar(
        id=calendar_id,
        definition=definition,
        _zone=zone,
        _days=_pieces(
            (entry.first.toordinal() - _EPOCH, entry.last.toordinal() - _EPOCH + 1, _dates_label(entry))
            for entry in definition.dates
        ),
        _yearly={
            (entry.month, entry.day): entry.name or f"{entry.day} {_MONTHS[entry.month - 1]}"
            for entry in reversed(definition.yearly)
        },
        _week=_pieces(
            chain(
                chain.from_iterable(map(_weekday_pieces, definition.weekdays)),
                chain.from_iterable(map(_weekly_pieces, definition.weekly)),
            )
        ),
        _windows=_pieces(
            (entry.start_at.timestamp(), entry.end_at.timestamp(), entry.name or "A window")
            for entry in definition.windows
        ),
    )


def _faults(definition: CalendarDefinition) -> Iterable[FieldError]:
    if definition.entry_count > MAX_ENTRIES:
        yield FieldError("", f"A calendar has at most {MAX_ENTRIES} entries; these are {definition.entry_count}.")
        return
    for place, dates in enumerate(definition.dates):
        yield from _date_faults(dates, f"dates.{place}")
    for place, yearly in enumerate(definition.yearly):
        yield from _yearly_faults(yearly, f"yearlyDates.{place}")
    for place, weekdays in enumerate(definition.weekdays):
        yield from _weekday_faults(weekdays, f"weekdays.{place}")
    for place, weekly in enumerate(definition.weekly):
        if (weekly.first_day, weekly.begins) == (weekly.last_day, weekly.ends):
            yield FieldError(f"weeklyWindows.{place}.to", "It ends when it begins: name an end that is later.")
    for place, window in enumerate(definition.windows):
        yield from _window_faults(window, f"windows.{place}")


def _date_faults(entry: CalendarDates, field: str) -> Iterable[FieldError]:
    for name, day in (("from", entry.first), ("to", entry.last)):
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            yield FieldError(f"{field}.{name}", f"Name a day of the years {FIRST_YEAR} to {LAST_YEAR}.")
    if entry.last < entry.first:
        yield FieldError(f"{field}.to", f"It is before `from`, {entry.first}.")


def _yearly_faults(entry: CalendarYearly, field: str) -> Iterable[FieldError]:
    try:
        date(2000, entry.month, entry.day)
    except ValueError:
        yield FieldError(f"{field}.date", "No year has that day; write the month and the day, such as --12-25.")


def _weekday_faults(entry: CalendarWeekdays, field: str) -> Iterable[FieldError]:
    if not entry.days:
        yield FieldError(f"{field}.days", f"Name at least one of {', '.join(WEEKDAYS)}.")
    if (entry.begins or time()) == entry.ends and entry.begins is not None:
        yield FieldError(f"{field}.to", "It ends when it begins: leave both out for the whole day.")


def _window_faults(entry: CalendarWindow, field: str) -> Iterable[FieldError]:
    for name, at in (("from", entry.start_at), ("to", entry.end_at)):
        if not FIRST_YEAR <= at.year <= LAST_YEAR:
            yield FieldError(f"{field}.{name}", f"Name an instant of the years {FIRST_YEAR} to {LAST_YEAR}.")
    if entry.end_at <= entry.start_at:
        yield FieldError(f"{field}.to", "It has to be after `from`.")


def _dates_label(entry: CalendarDates) -> str:
    return entry.name or (f"{entry.first}" if entry.first == entry.last else f"{entry.first} to {entry.last}")


def _weekday_pieces(entry: CalendarWeekdays) -> Iterable[tuple[float, float, str]]:
    begins = _second(entry.begins or time())
    ends = _DAY if entry.ends is None else _second(entry.ends)
    if ends <= begins:
        ends += _DAY
    hours = "" if entry.begins is None and entry.ends is None else f" {_clock(begins)} to {_clock(ends)}"
    label = entry.name or ", ".join(WEEKDAYS[day] for day in sorted(set(entry.days))) + hours
    for day in set(entry.days):
        yield from _in_week(day * _DAY + begins, day * _DAY + ends, label)


def _weekly_pieces(entry: CalendarWeekly) -> Iterable[tuple[float, float, str]]:
    start = entry.first_day * _DAY + _second(entry.begins)
    end = entry.last_day * _DAY + _second(entry.ends)
    shown = f"{WEEKDAYS[entry.first_day]} {entry.begins:%H:%M} to {WEEKDAYS[entry.last_day]} {entry.ends:%H:%M}"
    return _in_week(start, end if end > start else end + _WEEK, entry.name or shown)


def _in_week(start: int, end: int, label: str) -> Iterable[tuple[float, float, str]]:
    """A span that begins within the week; what passes Sunday belongs to the week's beginning."""
    yield start, min(end, _WEEK), label
    if end > _WEEK:
        yield 0, end - _WEEK, label


def _second(of_day: time) -> int:
    return of_day.hour * 3600 + of_day.minute * 60 + of_day.second


def _clock(second: int) -> str:
    return f"{second // 3600 % 24:02}:{second // 60 % 60:02}"


def _pieces(spans: Iterable[tuple[float, float, str]]) -> _Pieces:
    """Disjoint pieces of spans that may overlap: where they do, the first named one counts."""
    ordered = sorted((start, index, end, name) for index, (start, end, name) in enumerate(spans))
    edges = sorted({edge for start, _, end, _ in ordered for edge in (start, end)})
    open_spans: list[tuple[int, float, str]] = []
    found: list[tuple[float, float, str]] = []
    upcoming = 0
    for begin, end in pairwise(edges):
        while upcoming < len(ordered) and ordered[upcoming][0] <= begin:
            _, index, span_end, name = ordered[upcoming]
            heapq.heappush(open_spans, (index, span_end, name))
            upcoming += 1
        while open_spans and open_spans[0][1] <= begin:
            heapq.heappop(open_spans)
        if not open_spans:
            continue
        name = open_spans[0][2]
        if found and found[-1][1] == begin and found[-1][2] == name:
            found[-1] = (found[-1][0], end, name)
        else:
            found.append((begin, end, name))
    return _Pieces(*(tuple(column) for column in zip(*found, strict=True))) if found else _Pieces()
