"""Zone tables against the standard library, on the data of the pinned package."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import tzdata

from cronplug.schedules import ScheduleError, known_zones, tzdata_version
from cronplug.schedules.zones import changes_between, load_zone
from tests.schedules.oracle import ZONES, offset_seconds, zone_of_package

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def assert_equal_to_the_standard_library(name: str, *, end_year: int) -> None:
    """At each change, the second before it, and half way to the next."""
    end = int((datetime(end_year, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())
    table, zone = load_zone(name), zone_of_package(name)
    starts = [table.starts[segment] for segment in changes_between(table, 0, end)]
    middles = [(a + b) // 2 for a, b in zip([0, *starts], [*starts, end], strict=True)]
    for seconds in [0, end, *middles, *starts, *(start - 1 for start in starts)]:
        expected = offset_seconds(zone, EPOCH + timedelta(seconds=seconds))
        assert table.offset_at(seconds) == expected, (name, seconds)


def test_every_zone_has_the_offsets_of_the_standard_library() -> None:
    for name in sorted(known_zones()):
        assert_equal_to_the_standard_library(name, end_year=2041)


@pytest.mark.parametrize("name", ZONES)
def test_a_zone_has_the_offsets_of_the_standard_library_to_the_end(name: str) -> None:
    assert_equal_to_the_standard_library(name, end_year=2200)


def test_neighbouring_segments_differ() -> None:
    for name in ("Antarctica/Troll", "Europe/Lisbon", "Asia/Tokyo"):
        offsets = load_zone(name).offsets
        assert all(a != b for a, b in pairwise(offsets))


def test_the_hosts_zone_files_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    before = zoneinfo.TZPATH
    load_zone.cache_clear()
    try:
        zoneinfo.reset_tzpath(to=["/nowhere"])
        assert load_zone("Africa/Casablanca").offset_at(0) == 0
    finally:
        zoneinfo.reset_tzpath(to=before)


def test_the_version_is_the_one_iana_gives() -> None:
    assert tzdata_version() == tzdata.IANA_VERSION


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("europe/berlin", "Did you mean Europe/Berlin?"),
        ("Berlin", "Did you mean Europe/Berlin?"),
        ("new york", "Did you mean America/New_York?"),
        ("Europ/Berlin", "Did you mean Europe/Berlin?"),
        (" UTC", "Did you mean UTC?"),
        ("", "Example: Europe/Berlin."),
        ("../../etc/passwd", "Use a name of the IANA time zone database, such as Europe/Berlin or UTC."),
        ("Factory", None),
        ("localtime", None),
        ("Europe", None),
        ("Europe/Berlin\x00", None),
        ("x" * 5_000, None),
        ("Ευρώπη/Βερολίνο", None),
    ],
)
def test_an_unknown_zone_is_refused_with_near_names(name: str, hint: str | None) -> None:
    with pytest.raises(ScheduleError) as raised:
        load_zone(name)

    error = raised.value
    assert (error.field, error.fault_code) == ("timezone", "timezone.unknown")
    assert hint is None or error.hint == hint
    assert len(str(error)) < 250
