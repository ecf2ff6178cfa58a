"""Days and hours on the wall, through clock changes and in zones that are not whole hours from UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cronplug.clock import to_millis
from cronplug.planning.stretches import DAY, HOUR, day_of, hour_on_wall, part_of_hour, start_of_day, zone_or_utc

ZONES = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Beirut",
]


@pytest.mark.parametrize("name", ZONES)
def test_every_instant_is_within_its_day(name: str) -> None:
    zone, at = zone_or_utc(name), datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(366 * 8):
        millis = to_millis(at)
        day = day_of(millis, zone)
        assert day == at.astimezone(ZoneInfo(name)).date()
        assert start_of_day(day, zone) <= millis < start_of_day(day + timedelta(days=1), zone)
        assert day_of(start_of_day(day, zone), zone) == day
        at += timedelta(hours=3, minutes=1)


@pytest.mark.parametrize("name", ZONES)
def test_every_instant_is_within_its_hour(name: str) -> None:
    zone = zone_or_utc(name)
    for number in range(2_000):
        millis = to_millis(datetime(2026, 1, 1, tzinfo=UTC)) + number * 37 * 60_000
        start, part = hour_on_wall(millis, zone), part_of_hour(millis, zone)
        assert start <= part <= millis < start + HOUR
        assert part // HOUR == millis // HOUR


def test_a_day_begins_after_a_midnight_that_is_skipped() -> None:
    zone = zone_or_utc("Asia/Beirut")  # 2026-03-29 begins at 01:00 there

    assert start_of_day(date(2026, 3, 29), zone) == to_millis(datetime(2026, 3, 28, 22, tzinfo=UTC))
    assert start_of_day(date(2026, 3, 30), zone) - start_of_day(date(2026, 3, 29), zone) == DAY - HOUR


def test_a_zone_that_is_no_more_is_utc() -> None:
    assert zone_or_utc("Mars/Olympus") == zone_or_utc("UTC")
