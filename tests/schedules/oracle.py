"""What is right, found the slow way: cron's own loop, minute by minute, on the standard library's zones.

Shares nothing with the code under test: its own reading of plain fields, `zoneinfo` for offsets, and the virtual clock
of Vixie cron's main loop (cron.c in Debian's cron 3.0pl1) for clock changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from itertools import pairwise
from zoneinfo import ZoneInfo

ZONES = (
    "America/New_York",  # 1 h at 02:00
    "Europe/London",  # 1 h at 01:00, winter is UTC
    "Europe/Dublin",  # negative summer time in the data
    "Africa/Casablanca",  # negative, around Ramadan
    "Australia/Lord_Howe",  # 30 minutes
    "America/St_Johns",  # at 00:01 until 2011, half-hour offset
    "America/Havana",  # midnight comes twice
    "America/Sao_Paulo",  # midnight does not exist, until 2019
    "Africa/Cairo",  # at midnight, on and off
    "Antarctica/Troll",  # 2 h
    "Antarctica/Casey",  # exactly 3 h
    "Pacific/Apia",  # a day skipped in 2011
    "Asia/Gaza",  # rules that change each year
    "America/Nuuk",  # a gap that ends at midnight
)

_GAP_LIMIT = _REPEAT_LIMIT = 180
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


@cache
def zone_of_package(name: str) -> ZoneInfo:
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def offset_seconds(zone: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


@cache
def clock_changes(name: str, first_year: int, last_year: int) -> tuple[datetime, ...]:
    """The instants at which the offset changes, to the minute, found by halving."""
    zone = zone_of_package(name)
    days = [
        datetime(first_year, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range((last_year - first_year + 1) * 366)
    ]
    found = []
    for low, high in pairwise(days):
        before = offset_seconds(zone, low)
        if before == offset_seconds(zone, high):
            continue
        while high - low > timedelta(minutes=1):
            middle = low + timedelta(minutes=(high - low) // timedelta(minutes=2))
            low, high = (middle, high) if offset_seconds(zone, middle) == before else (low, middle)
        found.append(high)
    return tuple(found)


@cache
def zones_by_data() -> tuple[tuple[str, ...], ...]:
    """The names of all zones, those with the same data together."""
    folder = resources.files("tzdata")
    named = defaultdict(list)
    for name in sorted(folder.joinpath("zones").read_text("utf-8").split()):
        named[folder.joinpath("zoneinfo", *name.split("/")).read_bytes()].append(name)
    return tuple(tuple(names) for names in named.values())


class PlainCron:
    """Five fields of `*`, numbers, ranges that rise, steps and lists; `L` and `n#k` in lists of single days."""

    def __init__(self, text: str) -> None:
        columns = text.split()
        self.last_day = "L" in columns[2].split(",")
        self.nth = {tuple(map(int, item.split("#"))) for item in columns[4].split(",") if "#" in item}
        plain = [",".join(item for item in column.split(",") if item != "L" and "#" not in item) for column in columns]
        self.minutes, self.hours, self.days, self.months, weekdays = (
            self._values(column, low, high) for column, (low, high) in zip(plain, _RANGES, strict=True)
        )
        self.weekdays = {day % 7 for day in weekdays}
        self._named_minutes: dict[int, set[int]] = {}
        self.either = columns[2] != "*" and columns[4] != "*"
        self.is_wild = columns[0].startswith("*") or columns[1].startswith("*")

    @staticmethod
    def _values(column: str, low: int, high: int) -> set[int]:
        values: set[int] = set()
        for item in filter(None, column.split(",")):
            base, _, step = item.partition("/")
            first, _, last = (f"{low}-{high}" if base == "*" else base).partition("-")
            values.update(range(int(first), int(last or (high if step else first)) + 1, int(step or 1)))
        return values

    def names(self, wall: datetime) -> bool:
        return wall.minute in self.minutes and wall.hour in self.hours and self.names_day(wall.date())

    def names_day(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        weekday = day.isoweekday() % 7
        by_day = day.day in self.days or (self.last_day and (day + timedelta(days=1)).day == 1)
        by_weekday = weekday in self.weekdays or (weekday, (day.day + 6) // 7) in self.nth
        return by_day or by_weekday if self.either else by_day and by_weekday

    def names_minute(self, wall: int) -> bool:
        """Whether it names a wall time given in minutes from 1970; each day is worked out once."""
        day, minute = divmod(wall, 1440)
        if day not in self._named_minutes:
            named = {hour * 60 + minute for hour in self.hours for minute in self.minutes}
            self._named_minutes[day] = named if self.names_day(date(1970, 1, 1) + timedelta(days=day)) else set()
        return minute in self._named_minutes[day]


def walls_of(zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """What the wall clock shows at each whole minute from the one before `start` up to but not including `end`."""
    minute = timedelta(minutes=1)
    instants = (start + n * minute for n in range(-1, (end - start) // minute))
    return [at.astimezone(zone).replace(tzinfo=UTC, fold=0) for at in instants]


def simulate(cron: PlainCron, walls: list[datetime], start: datetime) -> list[datetime]:
    """The minutes at which cron starts the command, where the wall clock shows `walls` from a minute before `start`.

    There must be no clock change in the 3 hours before `start`.
    """
    minute = timedelta(minutes=1)
    fired = []
    virtual = walls[0]
    for number, wall in enumerate(walls[1:]):
        ahead = (wall - virtual) // minute
        if ahead == 1 or ahead > _GAP_LIMIT or ahead <= -_REPEAT_LIMIT:
            runs = cron.names(wall)
            virtual = wall
        elif ahead > 1:
            runs = cron.names(wall)
            if not cron.is_wild:
                runs = any(cron.names(virtual + n * minute) for n in range(1, ahead + 1))
            virtual = wall
        else:
            runs = cron.is_wild and cron.names(wall)
        if runs:
            fired.append(start + number * minute)
    return fired


def simulate_minutes(cron: PlainCron, walls: Sequence[int], *, shift: bool, once: bool) -> list[int]:
    """The same loop on minutes from 1970, with a choice for gaps and repeats: at which places of `walls` it starts.

    `walls[0]` is the minute before the first one; there must be no clock change in the 3 hours before.
    """
    fired = []
    virtual = walls[0]
    for number, wall in enumerate(walls[1:]):
        ahead = wall - virtual
        if 1 < ahead <= _GAP_LIMIT and shift:
            runs = any(cron.names_minute(minute) for minute in range(virtual + 1, wall + 1))
        elif -_REPEAT_LIMIT < ahead < 1 and once:
            continue
        else:
            runs = cron.names_minute(wall)
        if runs:
            fired.append(number)
        if not -_REPEAT_LIMIT < ahead < 1:
            virtual = wall
    return fired
