"""Calendars: made, changed, deleted, imported, looked at."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from cronplug.errors import CalendarInUse, Conflict, FieldError, InvalidInput, NotFound, RevisionMismatch
from cronplug.model import CalendarDefinition, StoredCalendar
from cronplug.operations.means import Room
from cronplug.operations.views import Page
from cronplug.schedules.calendars import FIRST_YEAR, LAST_YEAR, Calendar, CoveredDay, Span, parse_calendar
from cronplug.schedules.ics import HORIZON_YEARS, IcsContent, read_ics
from cronplug.store import Conn, UniqueViolation, calendars

MAX_PREVIEW_DAYS = 400
"""The longest time that a preview of a calendar covers."""

MAX_PREVIEW_SPANS = 1000

_CHANGE_TRIES = 100  # of several changes at one moment one wins each round
_NAMED_USERS = 10
_PAST = timedelta(days=366)
"""How much of the past an import keeps: what ran lately is still explained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarView:
    """A calendar and how many tasks heed it."""

    calendar: StoredCalendar
    task_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarImport:
    """What came of an import."""

    view: CalendarView
    content: IcsContent
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarPreview:
    """What a calendar covers from the beginning of a day to the end of another, by its zone.

    `spans` has at most the first `MAX_PREVIEW_SPANS`; `is_cut`: there are more.
    """

    timezone: str
    first: date
    last: date
    days: Sequence[CoveredDay]
    spans: Sequence[Span]
    is_cut: bool


class CalendarOperations(Room):
    """What is done with calendars. No change of one plans anything anew: it is asked at each fire time."""

    async def create_calendar(self, definition: CalendarDefinition) -> CalendarView:
        """Store a new calendar. Raises InvalidInput."""
        parse_calendar(definition)
        now = self._means.clock.now()
        made = StoredCalendar(
            id=self._means.ids.new(now), definition=definition, revision=1, created_at=now, updated_at=now
        )
        try:
            await self._means.store.write(lambda conn: calendars.insert_calendar(conn, made))
        except UniqueViolation as error:
            raise _name_taken(definition.name) from error
        self._means.bus.publish("calendar", made.id, "created")
        return CalendarView(calendar=made, task_count=0)

    async def change_calendar(
        self,
        calendar_id: str,
        changes: Mapping[str, Any] | Callable[[CalendarDefinition], Mapping[str, Any]],
        *,
        expected_revision: int | None = None,
    ) -> CalendarView:
        """Change the named fields of a calendar's definition; the merged whole is checked.

        It holds from the next fire time on. Raises NotFound, RevisionMismatch, InvalidInput.
        """
        for _ in range(_CHANGE_TRIES):
            old = (await self.get_calendar(calendar_id)).calendar
            if expected_revision is not None and old.revision != expected_revision:
                raise RevisionMismatch(old.revision, kind="calendar")
            given = changes(old.definition) if callable(changes) else changes
            definition = dataclasses.replace(old.definition, **given)
            if definition == old.definition:
                return await self.get_calendar(calendar_id)
            parse_calendar(definition)
            changed = dataclasses.replace(
                old, definition=definition, revision=old.revision + 1, updated_at=self._means.clock.now()
            )
            if await self._replace_calendar(old, changed):
                self._means.bus.publish("calendar", calendar_id, "updated")
                self._means.bus.publish("task", "*", "updated")  # their next runs may be others now
                return await self.get_calendar(calendar_id)
        raise Conflict("The calendar is being changed by others all the time; try again.")

    async def _replace_calendar(self, old: StoredCalendar, changed: StoredCalendar) -> bool:
        try:
            return await self._means.store.write(
                lambda conn: calendars.update_calendar(conn, changed, expected_revision=old.revision)
            )
        except UniqueViolation as error:
            raise _name_taken(changed.definition.name) from error

    async def delete_calendar(self, calendar_id: str) -> None:
        """Delete a calendar. Raises NotFound, and CalendarInUse, which names the tasks, while any heeds it."""

        async def delete(conn: Conn) -> None:
            # First the lock: from here on no task begins to heed it, and those that do can be seen.
            if not await calendars.lock_calendar(conn, calendar_id):
                raise NotFound("calendar", calendar_id)
            users = await calendars.select_users(conn, calendar_id, limit=_NAMED_USERS + 1)
            if users:
                raise CalendarInUse(_in_use(users))
            await calendars.delete_calendar(conn, calendar_id)

        await self._means.store.write(delete)
        self._means.bus.publish("calendar", calendar_id, "deleted")

    async def get_calendar(self, calendar_id: str) -> CalendarView:
        """A calendar. Raises NotFound."""

        async def select(conn: Conn) -> CalendarView:
            found = await calendars.select_calendar(conn, calendar_id)
            if found is None:
                raise NotFound("calendar", calendar_id)
            counts = await calendars.count_users(conn, [calendar_id])
            return CalendarView(calendar=found, task_count=counts.get(calendar_id, 0))

        return await self._means.store.read(select)

    async def list_calendars(self, *, page: int, page_size: int) -> Page[CalendarView]:
        """A page of calendars by name."""

        async def select(conn: Conn) -> Page[CalendarView]:
            total = await calendars.count_calendars(conn)
            found = await calendars.select_page(conn, limit=page_size, offset=(page - 1) * page_size)
            counts = await calendars.count_users(conn, [calendar.id for calendar in found])
            views = [CalendarView(calendar=one, task_count=counts.get(one.id, 0)) for one in found]
            return Page(items=views, total=total, page=page, page_size=page_size)

        return await self._means.store.read(select)

    async def import_calendar(
        self,
        data: bytes,
        *,
        calendar_id: str | None = None,
        name: str | None = None,
        timezone: str | None = None,
        expected_revision: int | None = None,
    ) -> CalendarImport:
        """Make a calendar of an iCalendar file; or replace the dates and windows of the one named.

        Recurrences are written out from a year ago to ten years ahead. `name` and `timezone` None: the file's, or for
        an existing calendar its own. The file itself is not kept. Raises NotFound, RevisionMismatch, InvalidInput.
        """
        now = self._means.clock.now()
        old = None if calendar_id is None else (await self.get_calendar(calendar_id)).calendar.definition
        fallback = timezone or (old.timezone if old else self._means.settings.default_timezone)
        if timezone is not None:
            parse_calendar(CalendarDefinition(name="", timezone=timezone))
        content = await asyncio.to_thread(
            read_ics, data, since=now - _PAST, until=_years_later(now, HORIZON_YEARS), timezone=fallback
        )
        if calendar_id is None:
            name = name or content.name
            if name is None:
                raise InvalidInput([FieldError("name", "The file tells no name: give one.", "required")])
            zone = timezone or content.timezone or fallback
            view = await self.create_calendar(
                CalendarDefinition(name=name, timezone=zone, dates=content.dates, windows=content.windows)
            )
        else:
            own = {key: value for key, value in (("name", name), ("timezone", timezone)) if value is not None}
            changes = {**own, "dates": content.dates, "windows": content.windows}
            view = await self.change_calendar(calendar_id, changes, expected_revision=expected_revision)
        return CalendarImport(view=view, content=content, is_new=calendar_id is None)

    async def preview_calendar(
        self, calendar_id: str, *, first: date | None = None, last: date | None = None
    ) -> CalendarPreview:
        """What a calendar covers, by default from today for a year. Raises NotFound, InvalidInput."""
        stored = (await self.get_calendar(calendar_id)).calendar
        calendar = parse_calendar(stored.definition, calendar_id=calendar_id)
        first = first or calendar.local_date(self._means.clock.now())
        if not FIRST_YEAR <= first.year <= LAST_YEAR:
            raise InvalidInput([FieldError("from", f"Name a day of the years {FIRST_YEAR} to {LAST_YEAR}.", "range")])
        last = last or first + timedelta(days=365)
        if last < first:
            raise InvalidInput([FieldError("to", f"It is before `from`, {first}.", "order")])
        if (last - first).days >= MAX_PREVIEW_DAYS:
            raise InvalidInput([FieldError("to", f"A preview tells of at most {MAX_PREVIEW_DAYS} days.", "too_far")])
        return _preview(calendar, first, last)


def _preview(calendar: Calendar, first: date, last: date) -> CalendarPreview:
    start, end = calendar.day_start(first), calendar.day_start(last + timedelta(days=1))
    spans = calendar.spans(start, end, MAX_PREVIEW_SPANS + 1)
    return CalendarPreview(
        timezone=calendar.definition.timezone,
        first=first,
        last=last,
        days=calendar.covered_days(first, last),
        spans=spans[:MAX_PREVIEW_SPANS],
        is_cut=len(spans) > MAX_PREVIEW_SPANS,
    )


def _name_taken(name: str) -> InvalidInput:
    return InvalidInput([FieldError("name", f"There is a calendar {name!r} already; case does not count.", "taken")])


def _in_use(users: Sequence[str]) -> str:
    named = ", ".join(repr(name) for name in users[:_NAMED_USERS])
    more = " and others" if len(users) > _NAMED_USERS else ""
    return f"Tasks heed the calendar: {named}{more}. Take it out of their schedules first."


def _years_later(at: datetime, years: int) -> datetime:
    try:
        return at.replace(year=at.year + years)
    except ValueError:  # 29 February
        return at.replace(year=at.year + years, day=28)
