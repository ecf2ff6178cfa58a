"""Time zones of the pinned `tzdata` package, as tables of offsets; the host's zone files are never read.

`zoneinfo` prefers the host's files, and hosts differ: two nodes would plan different instants. A table is read from
the package's TZif file (RFC 9636) and its footer, a POSIX TZ rule, which is written out to the year 2200.
"""

from __future__ import annotations

import difflib
import re
import struct
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from itertools import pairwise

import tzdata

from cronplug.schedules.errors import ScheduleError
from cronplug.schedules.months import LAST_YEAR

_BEGINNING = -(2**62)
_END = 2**62
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_NOT_ZONES = frozenset({"Factory", "localtime", "posixrules"})


def tzdata_version() -> str:
    """The version of the time zone data in use, as IANA names it (`2026a`)."""
    return str(tzdata.IANA_VERSION)


@lru_cache(maxsize=1)
def known_zones() -> frozenset[str]:
    """The names of all zones of the pinned package, links included."""
    names = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
    return frozenset(names) - _NOT_ZONES


@dataclass(frozen=True, slots=True)
class ZoneTable:
    """The offsets of a zone from UTC. Segment i runs from `starts[i]` to `ends[i]`, both UTC epoch seconds.

    The last one ends far beyond all years. `offsets[i]` is what is added to UTC to get local time. Neighbouring segments have different offsets. `changes[i]`:
    how far the clock goes forward where segment i begins; negative when it goes back, 0 for the first.
    """

    name: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    offsets: tuple[int, ...]
    changes: tuple[int, ...]

    def segment_at(self, at: int) -> int:
        """The segment in force at an instant (UTC epoch seconds)."""
        return bisect_right(self.starts, at) - 1

    def offset_at(self, at: int) -> int:
        """What is added to UTC at an instant (UTC epoch seconds) to get local time, in seconds."""
        return self.offsets[self.segment_at(at)]


@lru_cache(maxsize=1024)
def load_zone(name: str) -> ZoneTable:
    """The table of a zone, or ScheduleError `timezone.unknown` with names that are near.

    >>> load_zone("Asia/Kolkata").offset_at(0)
    19800
    """
    if name not in known_zones():
        raise _unknown_zone(name)
    data = resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
    transitions, footer = _read_tzif(data)
    transitions += _footer_transitions(footer, after=transitions[-1][0])
    starts: list[int] = []
    offsets: list[int] = []
    for start, offset in transitions:
        if not offsets or offsets[-1] != offset:
            starts.append(start)
            offsets.append(offset)
    changes = (0, *(after - before for before, after in pairwise(offsets)))
    return ZoneTable(name, tuple(starts), (*starts[1:], _END), tuple(offsets), changes)


def _unknown_zone(name: str) -> ScheduleError:
    if not name:
        message = "The time zone is empty."
        return ScheduleError("timezone.unknown", message, field="timezone", hint="Example: Europe/Berlin.")
    near = _near_names(name)
    if len(near) > 1:
        hint = f"Did you mean {', '.join(near[:-1])} or {near[-1]}?"
    elif near:
        hint = f"Did you mean {near[0]}?"
    else:
        hint = "Use a name of the IANA time zone database, such as Europe/Berlin or UTC."
    shown = name if len(name) <= 60 else name[:60] + "..."
    return ScheduleError("timezone.unknown", f"There is no time zone {shown!a}.", field="timezone", hint=hint)


def _near_names(name: str) -> list[str]:
    wanted = re.sub(r"[\s-]+", "_", name[:60].strip()).lower()
    by_lower: dict[str, str] = {}
    for zone in sorted(known_zones()):
        by_lower[zone.lower()] = zone
    if wanted in by_lower:
        return [by_lower[wanted]]
    city = wanted.rpartition("/")[2]
    same_city = [zone for lower, zone in by_lower.items() if lower.rpartition("/")[2] == city]
    if same_city:
        return same_city[:3]
    near = difflib.get_close_matches(wanted, by_lower, n=3, cutoff=0.7)
    return [by_lower[lower] for lower in near]


def _read_tzif(data: bytes) -> tuple[list[tuple[int, int]], str]:
    """(start, offset) of every explicit segment, and the footer, of the 64-bit block of a TZif file."""
    header = struct.Struct(">4s c 15x 6I")
    _, _, isutc, isstd, leap, times, types, chars = header.unpack_from(data)
    second = header.size + times * 5 + types * 6 + chars + leap * 8 + isstd + isutc
    _, _, isutc, isstd, leap, times, types, chars = header.unpack_from(data, second)
    at = second + header.size
    instants = struct.unpack_from(f">{times}q", data, at)
    indexes = data[at + times * 8 : at + times * 9]
    at += times * 9
    offsets = [struct.unpack_from(">i", data, at + index * 6)[0] for index in range(types)]
    at += types * 6 + chars + leap * 12 + isstd + isutc
    footer = data[at:].decode("ascii").strip("\n")
    segments = [(_BEGINNING, offsets[0])]
    segments += [(instant, offsets[index]) for instant, index in zip(instants, indexes, strict=True)]
    return segments, footer


_NAME = r"(?:<[^>]+>|[A-Za-z]+)"
_OFFSET = r"[+-]?\d+(?::\d+){0,2}"
_FOOTER = re.compile(
    rf"{_NAME}(?P<standard>{_OFFSET})"
    rf"(?:{_NAME}(?P<summer>{_OFFSET})?,(?P<begin>[^,/]+)(?:/(?P<begin_time>{_OFFSET}))?"
    rf",(?P<end>[^,/]+)(?:/(?P<end_time>{_OFFSET}))?)?"
)


def _footer_transitions(footer: str, *, after: int) -> list[tuple[int, int]]:
    """What a POSIX TZ rule (RFC 9636, section 3.3.1) says from `after` to the end of the known years."""
    if not footer:
        return []
    rule = _FOOTER.fullmatch(footer)
    if rule is None:
        raise ValueError(f"the time zone rule {footer!r} cannot be read")
    standard = -_seconds(rule["standard"])
    if rule["begin"] is None:
        return [(after, standard)] if after > _BEGINNING else []
    summer = -_seconds(rule["summer"]) if rule["summer"] else standard + 3600
    begin_time = _seconds(rule["begin_time"] or "2")
    end_time = _seconds(rule["end_time"] or "2")
    first_year = max(1970, 1970 + after // 31_556_952 - 1)
    found: list[tuple[int, int]] = []
    for year in range(first_year, LAST_YEAR + 2):
        found.append((_rule_day(rule["begin"], year) * 86400 + begin_time - standard, summer))
        found.append((_rule_day(rule["end"], year) * 86400 + end_time - summer, standard))
    return sorted((start, offset) for start, offset in found if start > after)


def _rule_day(rule: str, year: int) -> int:
    """The day number (from 1970-01-01) of `Mm.w.d`, `Jn` or `n` in a year."""
    new_year = date(year, 1, 1).toordinal() - _EPOCH_ORDINAL
    if rule.startswith("M"):
        month, week, weekday = map(int, rule[1:].split("."))
        first = date(year, month, 1).toordinal() - _EPOCH_ORDINAL
        following = date(year + month // 12, month % 12 + 1, 1).toordinal() - _EPOCH_ORDINAL
        day = first + (weekday - (first + 4)) % 7 + (week - 1) * 7
        return day if day < following else day - 7
    if rule.startswith("J"):
        number = int(rule[1:])
        leap_day_passed = number >= 60 and date(year, 12, 31).timetuple().tm_yday == 366
        return new_year + number - 1 + leap_day_passed
    return new_year + int(rule)


def _seconds(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    parts = [int(part) for part in text.lstrip("+-").split(":")]
    return sign * sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))


def changes_between(zone: ZoneTable, start: int, end: int) -> range:
    """The segments of `zone` that begin after `start` and not after `end`: each begins with a clock change."""
    return range(zone.segment_at(start) + 1, zone.segment_at(end) + 1)
