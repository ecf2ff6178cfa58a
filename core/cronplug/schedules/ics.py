"""iCalendar files (RFC 5545) as entries of a calendar: whole days and windows, with recurrences written out.

icalendar reads the lines, dateutil the recurrences. Neither is asked more than can be bounded: icalendar's own reader
of whole files keeps the time zones of one file for the next and takes the host's zone data, and a recurrence that
never happens keeps dateutil walking to the year 9999. So components are put together here, time zones are ours, and
every recurrence is checked, begun near the time that is asked for, and counted.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain

from dateutil.rrule import rrule, rrulestr
from dateutil.tz import tzical
from icalendar.parser import Contentlines, unescape_backslash
from icalendar.prop import vDuration
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from cronplug.errors import FieldError, InvalidInput
from cronplug.model import CalendarDates, CalendarWindow
from cronplug.schedules.calendars import MAX_ENTRIES
from cronplug.schedules.zones import ZoneTable, known_zones, load_zone

HORIZON_YEARS = 10
"""How far ahead recurrences are written out."""

MAX_BYTES = 1 << 20
"""The largest file that is read."""

MAX_WORK = 1_000_000
"""How much dateutil is asked to do for one file, in days it looks at: two to six seconds' worth."""

Moment = date | datetime
"""A day, or a local time that `_Event.zone` places."""
ToUtc = Callable[[datetime], datetime]
"""The instant of a naive local time."""
Params = Mapping[str, object]
Property = tuple[Params, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class IcsContent:
    """What a file says, from `since` up to `until`. `name` and `timezone` None: it does not tell them.

    `event_count` events were read; `passed_over` of them cover nothing in that time: they are cancelled, without a
    length, or lie outside of it.
    """

    name: str | None
    timezone: str | None
    dates: tuple[CalendarDates, ...]
    windows: tuple[CalendarWindow, ...]
    event_count: int
    passed_over: int
    since: datetime
    until: datetime


@dataclass(slots=True)
class _Component:
    """A VEVENT: its properties by name, as often as they came."""

    properties: dict[str, list[Property]] = field(default_factory=dict)

    def one(self, name: str) -> Property | None:
        found = self.properties.get(name)
        return found[0] if found else None

    def text(self, name: str) -> str:
        found = self.one(name)
        return _words(found[1]) if found else ""


@dataclass(slots=True)
class _File:
    properties: dict[str, str] = field(default_factory=dict)
    events: list[_Component] = field(default_factory=list)
    zones: dict[str, list[str]] = field(default_factory=dict)
    """The lines of each VTIMEZONE by its TZID."""


@dataclass(slots=True)
class _Walk:
    """How much work the recurrences of a file have made so far, and the time they are wanted for."""

    since: datetime
    until: datetime
    work: int = 0


def read_ics(data: bytes, *, since: datetime, until: datetime, timezone: str) -> IcsContent:
    """The entries of an iCalendar file from `since` up to `until`. Raises InvalidInput, whatever the bytes are.

    Times without a zone are those of the file's own (`X-WR-TIMEZONE`), or else of `timezone`.
    """
    if len(data) > MAX_BYTES:
        raise _fault(f"The file is larger than {MAX_BYTES >> 20} MiB.")
    file = _read_file(data)
    zones = _Zones(file.zones)
    named = _iana_name(file.properties.get("X-WR-TIMEZONE", ""))
    floating = zones.of(named or timezone)
    walk = _Walk(since.astimezone(UTC), until.astimezone(UTC))
    events = [_event(component, zones, floating) for component in file.events]
    moved: dict[str, set[object]] = {}
    for event in events:
        if event.recurrence_id is not None:
            moved.setdefault(event.uid, set()).add(event.recurrence_id)
    dates: list[CalendarDates] = []
    windows: list[CalendarWindow] = []
    passed_over = 0
    for event in events:
        before = len(dates) + len(windows)
        for entry in event.entries(walk, moved.get(event.uid, set()) if event.recurrence_id is None else set()):
            if isinstance(entry, CalendarDates):
                dates.append(entry)
            else:
                windows.append(entry)
            if len(dates) + len(windows) > MAX_ENTRIES:
                raise _fault(
                    f"The events make more than {MAX_ENTRIES} entries from {since.date()} to {until.date()}; "
                    "the last event read is " + event.shown + "."
                )
        passed_over += len(dates) + len(windows) == before
    return IcsContent(
        name=file.properties.get("X-WR-CALNAME") or file.properties.get("NAME"),
        timezone=named,
        dates=tuple(sorted(dates, key=lambda entry: (entry.first, entry.last, entry.name))),
        windows=tuple(sorted(windows, key=lambda entry: (entry.start_at, entry.end_at, entry.name))),
        event_count=len(events),
        passed_over=passed_over,
        since=walk.since,
        until=walk.until,
    )


def _fault(message: str) -> InvalidInput:
    return InvalidInput([FieldError("", message, "ics")])


def _words(text: str) -> str:
    """A text on one line, of at most 200 characters."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in unescape_backslash(text)).split())
    return plain if len(plain) <= 200 else plain[:199] + "…"


# -- lines and components --------------------------------------------------------------------------------------------


def _read_file(data: bytes) -> _File:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _fault("The file is not UTF-8 text.") from None
    if not text.lstrip()[:15].upper().startswith("BEGIN:VCALENDAR"):
        raise _fault("This is not an iCalendar file: it does not begin with BEGIN:VCALENDAR.")
    file = _File()
    stack: list[str] = []
    zone_lines: list[str] = []
    for line in Contentlines.from_ical(text):  # type: ignore[no-untyped-call]
        head, _, rest = line.partition(":")
        head, rest = head.strip().upper(), rest.strip().upper()
        if head == "BEGIN":
            stack.append(rest)
            if stack == ["VCALENDAR", "VEVENT"]:
                file.events.append(_Component())
            elif stack == ["VCALENDAR", "VTIMEZONE"]:
                zone_lines = []
        elif head == "END":
            if not stack or stack.pop() != rest:
                raise _fault(f"END:{rest[:40]} has no BEGIN.")
            if [*stack, rest] == ["VCALENDAR", "VTIMEZONE"]:
                _keep_zone(file, zone_lines)
        if stack[:2] == ["VCALENDAR", "VTIMEZONE"]:
            zone_lines.append(str(line))
        elif line and head not in ("BEGIN", "END") and len(stack) <= 2:
            _keep_property(file, stack, line)
    if stack:
        raise _fault(f"The file ends within {stack[-1][:40]}.")
    return file


def _keep_property(file: _File, stack: list[str], line: object) -> None:
    if stack not in (["VCALENDAR"], ["VCALENDAR", "VEVENT"]):
        return
    try:
        name, params, value = line.raw_parts()  # type: ignore[attr-defined]  # the list's elements are Contentline
    except ValueError:
        raise _fault(f"The line {str(line)[:60]!r} is not `NAME:value`.") from None
    name = name.upper()
    if len(stack) == 2:
        file.events[-1].properties.setdefault(name, []).append(
            ({key.upper(): given for key, given in params.items()}, value)
        )
    elif name in ("X-WR-CALNAME", "NAME", "X-WR-TIMEZONE"):
        file.properties.setdefault(name, _words(value))


def _keep_zone(file: _File, lines: list[str]) -> None:
    for line in lines:
        head, _, value = line.partition(":")
        if head.strip().upper().split(";")[0] == "TZID":
            file.zones.setdefault(value.strip(), lines)
            return


# -- time zones ------------------------------------------------------------------------------------------------------

_MISREAD = (ValueError, TypeError, ArithmeticError, LookupError, AttributeError)
"""What dateutil raises, unforeseen by it, for rules and zones that do not make sense."""

_OWN_ZONES = 4
_OWN_RULES = 4
_OWN_PARTS = 40


class _Zones:
    """The zones that a file names: IANA's by our tables, under any of their usual spellings, or else its own."""

    def __init__(self, lines: Mapping[str, list[str]]) -> None:
        self._lines = lines
        self._known: dict[str, ToUtc] = {}
        self._own = 0

    def of(self, name: str) -> ToUtc:
        """How local times of the zone become instants."""
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = self._find(name)
        return known

    def _find(self, name: str) -> ToUtc:
        lines = self._lines.get(name, [])
        locations = (line.partition(":")[2].strip() for line in lines if line.upper().startswith("X-LIC-LOCATION:"))
        for candidate in (name, *locations):
            if (iana := _iana_name(candidate)) is not None:
                table = load_zone(iana)
                return lambda local: _instant(table, local)
        if not lines:
            raise _fault(f"The time zone {name[:60]!r} is not known, and the file does not define it.")
        self._own += 1
        if self._own > _OWN_ZONES:
            raise _fault(f"The file uses more than {_OWN_ZONES} time zones of its own.")
        return _own_zone(name, lines)


def _iana_name(name: str) -> str | None:
    """The name of IANA that a time zone goes by: the same, behind a maker's prefix, or one of Windows'."""
    name = name.strip().strip('"')
    parts = name.strip("/").split("/")
    candidates = [WINDOWS_TO_OLSON.get(name, ""), *("/".join(parts[start:]) for start in range(min(len(parts), 8)))]
    return next((candidate for candidate in candidates if candidate in known_zones()), None)


def _instant(zone: ZoneTable, local: datetime) -> datetime:
    """A local time that comes twice is the first one, one that is skipped counts from before (RFC 5545, 3.3.5)."""
    seconds = (local - datetime(1970, 1, 1)).total_seconds()  # noqa: DTZ001  # both are local
    segment = zone.segment_at(int(seconds) - 2 * 86_400)
    last = len(zone.offsets) - 1
    while segment < last and zone.ends[segment] + max(zone.offsets[segment : segment + 2]) <= seconds:
        segment += 1
    return local.replace(tzinfo=UTC) - timedelta(seconds=zone.offsets[segment])


_ZONE_LINES = frozenset(
    {"BEGIN", "END", "TZID", "DTSTART", "RRULE", "RDATE", "EXDATE", "TZOFFSETFROM", "TZOFFSETTO", "TZNAME"}
)


def _own_zone(name: str, lines: Sequence[str]) -> ToUtc:
    """A zone that the file defines by yearly rules."""
    kept = [line for line in lines if re.split("[:;]", line, maxsplit=1)[0].strip().upper() in _ZONE_LINES]
    rules = [line.partition(":")[2] for line in kept if line.upper().startswith("RRULE")]
    parts = sum(line.upper().startswith("BEGIN:") for line in kept)
    for rule in rules:
        if _checked_rule(rule, name).get("FREQ") != "YEARLY":
            raise _fault(f"The time zone {name[:60]!r} has a rule that is not yearly.")
    if len(rules) > _OWN_RULES or parts > _OWN_PARTS:
        raise _fault(f"The time zone {name[:60]!r} has more rules than a time zone needs.")
    try:
        zone = tzical(io.StringIO("\n".join([*kept, "END:VTIMEZONE"]))).get(name)
    except _MISREAD as error:
        raise _fault(f"The time zone {name[:60]!r} cannot be read: {error}.") from None
    if zone is None:
        raise _fault(f"The time zone {name[:60]!r} cannot be read.")

    def to_utc(local: datetime) -> datetime:
        try:
            return local.replace(tzinfo=zone).astimezone(UTC)
        except _MISREAD as error:  # rules are read when they are first asked
            raise _fault(f"The time zone {name[:60]!r} cannot be read: {error}.") from None

    return to_utc


# -- events ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Event:
    uid: str
    name: str
    start: Moment
    to_utc: ToUtc
    length: timedelta
    rules: list[str]
    extra: list[tuple[Moment, timedelta]]
    left_out: set[object]
    recurrence_id: object | None
    cancelled: bool

    @property
    def shown(self) -> str:
        return repr(self.name or self.uid or "without a name")

    def entries(self, walk: _Walk, moved: set[object]) -> Iterable[CalendarDates | CalendarWindow]:
        """What it covers, in the time that is wanted."""
        longest = max([self.length, *(length for _, length in self.extra)])
        if longest > timedelta(days=366 * HORIZON_YEARS):
            raise _fault(f"The event {self.shown} lasts longer than {HORIZON_YEARS} years.")
        if self.cancelled:
            return
        for rule in self.rules:
            _checked_rule(rule, self.shown)  # also of what covers nothing: it is refused for what it says
        if longest <= timedelta(0):
            return
        seen: set[object] = set()
        starts: Iterator[tuple[Moment, timedelta]] = iter([(self.start, self.length)])
        if self.recurrence_id is None:
            repeats = ((at, self.length) for rule in self.rules for at in self._repeats(rule, walk))
            starts = chain(starts, self.extra, repeats)
        for start, length in starts:
            key = self.key(start)
            if key in seen or key in moved or key in self.left_out or _day_key(start) in self.left_out:
                continue
            seen.add(key)
            entry = self._entry(start, length, walk)
            if entry is not None:
                yield entry

    def key(self, moment: Moment) -> object:
        return self.to_utc(moment) if isinstance(moment, datetime) else moment

    def _entry(self, start: Moment, length: timedelta, walk: _Walk) -> CalendarDates | CalendarWindow | None:
        if length <= timedelta(0):
            return None
        try:
            if not isinstance(start, datetime):
                last = start + length - timedelta(days=1)
                if last < walk.since.date() or start >= walk.until.date():
                    return None
                return CalendarDates(name=self.name, first=start, last=last)
            start_at, end_at = self.to_utc(start), self.to_utc(start + length)
        except OverflowError:
            raise _fault(f"The event {self.shown} lasts beyond the year 9999.") from None
        if end_at <= start_at:  # the clock goes forward over it
            end_at = start_at + length
        if end_at <= walk.since or start_at >= walk.until:
            return None
        return CalendarWindow(name=self.name, start_at=start_at, end_at=end_at)

    def _repeats(self, rule: str, walk: _Walk) -> Iterable[Moment]:
        given = _checked_rule(rule, self.shown)
        start = self.start if isinstance(self.start, datetime) else datetime.combine(self.start, time())
        until = self._limit(given.pop("UNTIL", None))
        for at in _occurrences(given, start, self.length, walk, self.shown):
            if isinstance(self.start, datetime):
                if until is not None and self.to_utc(at) > until:
                    return
                yield at
            else:
                if until is not None and at.replace(tzinfo=UTC) > until:
                    return
                yield at.date()

    def _limit(self, until: str | None) -> datetime | None:
        """UNTIL as an instant; for whole days, as if they were UTC's."""
        if until is None:
            return None
        moment, _ = _moment(({}, until), None, self.shown)
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time(23, 59, 59))
        elif until.upper().endswith("Z"):
            return moment.replace(tzinfo=UTC)
        return self.to_utc(moment) if isinstance(self.start, datetime) else moment.replace(tzinfo=UTC)


def _day_key(moment: Moment) -> object:
    return moment.date() if isinstance(moment, datetime) else moment


def _event(component: _Component, zones: _Zones, floating: ToUtc) -> _Event:
    uid = component.text("UID")
    name = component.text("SUMMARY")
    shown = repr(name or uid or "without a name")
    begins = component.one("DTSTART")
    if begins is None:
        raise _fault(f"The event {shown} has no DTSTART.")
    start, zone = _moment(begins, zones, shown)
    to_utc = zone or floating
    if "EXRULE" in component.properties:
        raise _fault(f"The event {shown} has an EXRULE, which RFC 5545 has taken out: name the dates by EXDATE.")
    event = _Event(
        uid=uid,
        name=name,
        start=start,
        to_utc=to_utc,
        length=_length(component, start, to_utc, zones, floating, shown),
        rules=[value for _, value in component.properties.get("RRULE", ())],
        extra=[],
        left_out=set(),
        recurrence_id=None,
        cancelled=component.text("STATUS").upper() == "CANCELLED",
    )
    for given in component.properties.get("RDATE", ()):
        event.extra += [_extra(event, part, zones, shown) for part in _split(given)]
    for given in component.properties.get("EXDATE", ()):
        event.left_out |= {_placed(part, zones, floating, shown) for part in _split(given)}
    replaced = component.one("RECURRENCE-ID")
    if replaced is not None:
        if replaced[0].get("RANGE"):
            raise _fault(
                f"The event {shown} changes all later ones (RECURRENCE-ID with RANGE), which is not supported."
            )
        event.recurrence_id = _placed(replaced, zones, floating, shown)
    return event


def _length(
    component: _Component, start: Moment, to_utc: ToUtc, zones: _Zones, floating: ToUtc, shown: str
) -> timedelta:
    """How long it lasts, by the local clock. Without an end: a day, and for a time of day nothing (RFC 5545, 3.6.1)."""
    if (ends := component.one("DTEND")) is not None:
        end, zone = _moment(ends, zones, shown)
        if isinstance(end, datetime) != isinstance(start, datetime):
            raise _fault(f"The event {shown} begins with a day and ends with a time of day, or the other way round.")
        if not isinstance(end, datetime) or not isinstance(start, datetime):
            return timedelta(days=max(end.toordinal() - start.toordinal(), 1))
        return end - start if (zone or floating) is to_utc else (zone or floating)(end) - to_utc(start)
    if (lasts := component.one("DURATION")) is not None:
        length = _duration(lasts[1], shown)
        return length if isinstance(start, datetime) else timedelta(days=-(-length // timedelta(days=1)))
    return timedelta(0) if isinstance(start, datetime) else timedelta(days=1)


def _duration(text: str, shown: str) -> timedelta:
    try:
        length: timedelta = vDuration.from_ical(text.strip().upper())  # type: ignore[no-untyped-call]
    except (ValueError, OverflowError):
        raise _fault(f"The event {shown} has a DURATION that cannot be read: {text[:40]!r}.") from None
    return length


def _split(given: Property) -> Iterable[Property]:
    return ((given[0], part) for part in given[1].split(","))


def _extra(event: _Event, given: Property, zones: _Zones, shown: str) -> tuple[Moment, timedelta]:
    """One RDATE, which may have a length of its own. Its local time is turned into the event's zone's."""
    params, value = given
    begins, _, ends = value.partition("/")
    moment, zone = _moment((params, begins), zones, shown)
    if isinstance(moment, datetime) != isinstance(event.start, datetime):
        raise _fault(f"The event {shown} has an RDATE of another kind than its DTSTART.")
    length = event.length
    if ends:
        length = _duration(ends, shown) if ends.upper().startswith(("P", "+P")) else _ends(ends, moment, shown)
    if isinstance(moment, datetime) and zone is not None and zone is not event.to_utc:
        moment = _shown_there(event.to_utc, zone(moment))
    return moment, length


def _ends(text: str, begins: Moment, shown: str) -> timedelta:
    end, _ = _moment(({}, text), None, shown)
    if not isinstance(end, datetime) or not isinstance(begins, datetime):
        raise _fault(f"The event {shown} has a period that cannot be read: {text[:40]!r}.")
    return end - begins


def _shown_there(to_utc: ToUtc, at: datetime) -> datetime:
    """The local time that `to_utc` makes an instant of: two steps reach it, since offsets change seldom."""
    local = at.replace(tzinfo=None)
    for _ in range(2):
        local += at - to_utc(local)
    return local


def _placed(given: Property, zones: _Zones, floating: ToUtc, shown: str) -> object:
    """A day, or an instant: what two spellings of the same moment have in common."""
    moment, zone = _moment(given, zones, shown)
    return (zone or floating)(moment) if isinstance(moment, datetime) else moment


_MOMENT = re.compile(r"\d{8}(T\d{6}Z?)?", re.ASCII)


def _moment(given: Property, zones: _Zones | None, shown: str) -> tuple[Moment, ToUtc | None]:
    """A day or a local time, and its zone, None when it floats."""
    params, value = given
    value = value.strip().upper()
    try:
        if not _MOMENT.fullmatch(value):
            raise ValueError("neither a day nor a time")
        moment = datetime.fromisoformat(value.removesuffix("Z")) if "T" in value else date.fromisoformat(value)
        if moment.year < 2 or moment.year > 9997:
            raise ValueError("out of range")
    except ValueError:
        raise _fault(f"The event {shown} has a time that cannot be read: {value[:40]!r}.") from None
    if not isinstance(moment, datetime):
        return moment, None
    zone = params.get("TZID")
    if zones is None:
        return moment, None
    if value.endswith("Z"):
        return moment, zones.of("UTC")
    return moment, zones.of(str(zone)) if zone is not None else None


# -- recurrences -----------------------------------------------------------------------------------------------------

_DAY_OF_WEEK = re.compile(r"(?:[+-]?([1-9]|[1-4]\d|5[0-3]))?(?:MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_NUMBERS = {
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYSETPOS": (-366, 366),
    "BYHOUR": (0, 23),
    "BYMINUTE": (0, 59),
    "BYSECOND": (0, 59),
    "INTERVAL": (1, 9999),
    "COUNT": (1, 99_999),
}
_DAYS = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 28, "YEARLY": 365}
_STEP_COST = {"DAILY": 1, "WEEKLY": 2, "MONTHLY": 5, "YEARLY": 20}
"""What dateutil takes for a step, measured, where a day's is 1."""
_TOO_FREQUENT = ("SECONDLY", "MINUTELY", "HOURLY")
_MOST_TIMES_A_DAY = 96
_MOST_POSITIONS = 31


def _checked_rule(text: str, shown: str) -> dict[str, str]:
    """The parts of an RRULE, each within its range (RFC 5545, 3.3.10), and none that makes endless work."""
    if len(text) > 1000:
        raise _fault(f"The recurrence of {shown} is longer than 1,000 characters.")
    parts: dict[str, str] = {}
    for part in text.strip().strip(";").upper().split(";"):
        name, _, value = part.partition("=")
        if name in parts or not value or not _is_part(name, value):
            raise _fault(f"The recurrence of {shown} cannot be read: {part[:60]!r}.")
        parts[name] = value
    if parts.get("FREQ") in _TOO_FREQUENT:
        raise _fault(
            f"The recurrence of {shown} is {parts['FREQ']}: a calendar takes DAILY, WEEKLY, MONTHLY and YEARLY ones."
        )
    if parts.get("FREQ") not in _DAYS:
        raise _fault(f"The recurrence of {shown} does not say how often: FREQ is missing.")
    if "COUNT" in parts and "UNTIL" in parts:
        raise _fault(f"The recurrence of {shown} has both COUNT and UNTIL.")
    times = 1
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        times *= len(parts[name].split(",")) if name in parts else 1
    if times > _MOST_TIMES_A_DAY:
        raise _fault(f"The recurrence of {shown} names {times} times a day; {_MOST_TIMES_A_DAY} are the most.")
    if "BYSETPOS" in parts and (parts["FREQ"] == "DAILY" or parts["BYSETPOS"].count(",") >= _MOST_POSITIONS):
        raise _fault(f"The recurrence of {shown} uses BYSETPOS in a way that is not supported.")
    return parts


def _is_part(name: str, value: str) -> bool:
    if name == "FREQ":
        return value in _DAYS or value in _TOO_FREQUENT
    if name == "WKST":
        return value in ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
    if name == "UNTIL":
        return _MOMENT.fullmatch(value) is not None
    if name == "BYDAY":
        return all(_DAY_OF_WEEK.fullmatch(item) for item in value.split(","))
    if name not in _NUMBERS:
        return False
    least, most = _NUMBERS[name]
    items = value.split(",") if name.startswith("BY") else [value]
    return all(
        re.fullmatch(r"[+-]?\d{1,5}", item, re.ASCII) and least <= int(item) <= most and (least >= 0 or int(item))
        for item in items
    )


def _occurrences(
    given: Mapping[str, str], start: datetime, length: timedelta, walk: _Walk, shown: str
) -> Iterator[datetime]:
    """When it begins, by the local clock, until the end of the time that is wanted."""
    wanted = walk.until.replace(tzinfo=None) + timedelta(days=2)  # no zone is further from UTC
    interval = int(given.get("INTERVAL", "1"))
    if "COUNT" not in given:
        start = _nearer(start, given["FREQ"], interval, walk.since.replace(tzinfo=None) - length - timedelta(days=2))
    if start > wanted:
        return
    steps = (wanted - start).days // (_DAYS[given["FREQ"]] * interval) + 1
    walk.work += steps * _STEP_COST[given["FREQ"]] * (given.get("BYSETPOS", "").count(",") + 1)
    if walk.work > MAX_WORK:
        raise _fault("The file has more, or longer, recurrences than can be written out; split it.")
    # The Gregorian calendar repeats after 400 years. Moved close to the year 9999, where dateutil ends, a recurrence
    # that never happens is noticed 20 times as soon.
    shift = (9998 - wanted.year) // 400 * 400
    text = ";".join(f"{name}={value}" for name, value in given.items())
    count = 0
    try:
        rule = rrulestr(text, dtstart=start.replace(year=start.year + shift))
        assert isinstance(rule, rrule)
        for later in rule:
            count += 1
            at = later.replace(year=later.year - shift)
            if at > wanted:
                return
            yield at
    except _MISREAD as error:
        raise _fault(f"The recurrence of {shown} cannot be read: {error}.") from None
    if count != int(given.get("COUNT", "-1")):
        raise _fault(f"The recurrence of {shown} never happens again after some time; UNTIL or COUNT says that better.")


def _nearer(start: datetime, freq: str, interval: int, since: datetime) -> datetime:
    """A start in step with `start`, more than one interval before `since`; `start` where that is later."""
    steps = (since - start).days // (interval * _DAYS[freq]) - 2
    if freq in ("DAILY", "WEEKLY"):
        return start + timedelta(days=max(steps, 0) * interval * _DAYS[freq])
    months = interval * (12 if freq == "YEARLY" else 1)
    passed = ((since.year - start.year) * 12 + since.month - start.month) // months - 2
    while passed > 0:
        year, month = divmod(start.year * 12 + start.month - 1 + passed * months, 12)
        try:
            return start.replace(year=year, month=month + 1)
        except ValueError:  # that month has no such day
            passed -= 1
    return start
