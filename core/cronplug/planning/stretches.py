"""Hours and days on the wall of a zone, by which figures are put together. Instants are epoch milliseconds here."""

from __future__ import annotations

from datetime import date

from cronplug.schedules.errors import ScheduleError
from cronplug.schedules.zones import ZoneTable, load_zone

HALF_HOUR, HOUR, DAY = 1_800_000, 3_600_000, 86_400_000
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def zone_or_utc(name: str) -> ZoneTable:
    """The table of a zone; of UTC when there is no such zone (any more).

    >>> zone_or_utc("Mars/Olympus").name
    'UTC'
    """
    try:
        return load_zone(name)
    except ScheduleError:
        return load_zone("UTC")


def offset_of(zone: ZoneTable, at: int) -> int:
    """What is added to an instant to get the time on the wall, in milliseconds."""
    return zone.offset_at(at // 1000) * 1000


def hour_on_wall(at: int, zone: ZoneTable) -> int:
    """The instant at which the hour on the wall began.

    >>> hour_on_wall(2_000_000, zone_or_utc("Asia/Kolkata"))
    1800000
    """
    offset = offset_of(zone, at)
    return (at + offset) // HOUR * HOUR - offset


def part_of_hour(at: int, zone: ZoneTable) -> int:
    """The beginning of the UTC hour, or of the hour on the wall that began within it: parts of both kinds of hours.

    >>> part_of_hour(2_000_000, zone_or_utc("Asia/Kolkata")), part_of_hour(2_000_000, zone_or_utc("UTC"))
    (1800000, 0)
    """
    return max(at // HOUR * HOUR, hour_on_wall(at, zone))


def day_of(at: int, zone: ZoneTable) -> date:
    """The date on the wall."""
    return date.fromordinal(_EPOCH_ORDINAL + (at + offset_of(zone, at)) // DAY)


def start_of_day(day: date, zone: ZoneTable) -> int:
    """The instant at which a date begins on the wall; where a clock change skips midnight, the first one after it.

    >>> start_of_day(date(1970, 1, 2), zone_or_utc("Asia/Kolkata")) == DAY - 19_800_000
    True
    """
    midnight = (day.toordinal() - _EPOCH_ORDINAL) * DAY
    before = midnight - offset_of(zone, midnight - DAY)
    after = midnight - offset_of(zone, midnight + DAY)
    return next((at for at in sorted((before, after)) if day_of(at, zone) == day), before)
