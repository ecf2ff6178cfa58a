"""Fire times round the clock changes of 2000 to 2040 of every zone, against cron's own loop, minute by minute.

A seeded part of the zones and changes is gone through; all of them with CRONPLUG_EVERY_CHANGE=1 (some minutes).
"""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from cronplug.schedules import CronSchedule, parse_schedule
from tests.schedules.oracle import (
    ZONES,
    PlainCron,
    clock_changes,
    offset_seconds,
    simulate_minutes,
    zone_of_package,
    zones_by_data,
)

FIRST_YEAR, LAST_YEAR = 2000, 2040
BEFORE, AFTER = timedelta(hours=5), timedelta(hours=4)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)

EXPRESSIONS = (
    "* * * * *",
    "*/7 * * * *",
    "0 * * * *",
    "30 * * * *",
    "0-59/20 * * * *",
    "*/20 0,1,2,3 * * *",
    "0 0 * * *",
    "30 0,23 * * *",
    "30 1 * * *",
    "0,30 2 * * *",
    "5 3 * * *",
    "0 0-23 * * *",
    "15 0-3,22,23 * * 0",
    "59 23,0,1 L * 0#1,0#5",
)
FEW_EXPRESSIONS = ("30 1 * * *", "0,30 2 * * *", "30 0,23 * * *")
OPTIONS = (
    (None, None),
    ("shift", "once"),
    ("shift", "twice"),
    ("skip", "once"),
    ("skip", "twice"),
)

COMPLETE = os.environ.get("CRONPLUG_EVERY_CHANGE") == "1"
PARTS = 20 if COMPLETE else 1

seen: set[tuple[datetime, tuple[int, ...]]] = set()
"""The changes gone through, each with what the clocks showed round it: another zone with the same is soon done."""


@cache
def cron_of(expression: str) -> PlainCron:
    return PlainCron(expression)


@cache
def simulated(expression: str, walls: tuple[int, ...], shift: bool, once: bool) -> list[int]:
    """Many zones show the same walls; what follows is worked out once."""
    return simulate_minutes(cron_of(expression), walls, shift=shift, once=once)


def walls_round(zone_name: str, change: datetime) -> tuple[int, ...]:
    """What the wall clock shows, in minutes from 1970, from a minute before the window to its end."""
    zone = zone_of_package(zone_name)
    first = (change - BEFORE - EPOCH) // MINUTE
    walls = []
    for minute in range(first - 1, first + (BEFORE + AFTER) // MINUTE):
        offset, odd = divmod(offset_seconds(zone, EPOCH + minute * MINUTE), 60)
        assert odd == 0
        walls.append(minute + offset)
    return tuple(walls)


def chosen_zones(part: int) -> list[str]:
    first_names = [names[0] for names in zones_by_data()]
    if COMPLETE:
        return first_names[part::PARTS]
    return random.Random(1).sample(first_names, 30) + list(ZONES)


def check(schedule: CronSchedule, expected: list[datetime], change: datetime) -> None:
    before, last = change - BEFORE - SECOND, change + AFTER - SECOND
    found = schedule.fire_times(before, last, 2_000)
    assert found == expected, (schedule, change)
    assert schedule.latest_fire_times(before, last, 2_000) == expected, (schedule, change)
    assert schedule.count_fire_times(before, last) == len(expected), (schedule, change)
    for at in expected[:: max(1, len(expected) // 5)]:
        assert schedule.latest_fire_time(at) == at, (schedule, change)
        assert schedule.next_fire_time(at - SECOND) == at, (schedule, change)
    for start in (change - SECOND, change, change + 25 * MINUTE, change + 61 * MINUTE):
        following = next((at for at in expected if at > start), None)
        latest = max((at for at in expected if at <= start), default=None)
        assert following is None or schedule.next_fire_time(start) == following, (schedule, change)
        assert latest is None or schedule.latest_fire_time(start) == latest, (schedule, change)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_fire_times_are_those_of_crons_own_loop_with_every_choice_for_clock_changes(part: int) -> None:
    draw = random.Random(part)
    windows = 0
    for zone_name in chosen_zones(part):
        changes = clock_changes(zone_name, FIRST_YEAR, LAST_YEAR)
        for change in changes if COMPLETE else draw.sample(changes, min(len(changes), 4)):
            windows += 1
            walls = walls_round(zone_name, change)
            first = change - BEFORE
            expressions = FEW_EXPRESSIONS if (change, walls) in seen else EXPRESSIONS
            seen.add((change, walls))
            for expression in expressions:
                for gap, repeat in OPTIONS if COMPLETE else draw.sample(OPTIONS, 2):
                    is_wild = cron_of(expression).is_wild
                    shift = gap == "shift" if gap else not is_wild
                    once = repeat == "once" if repeat else not is_wild
                    expected = [first + place * MINUTE for place in simulated(expression, walls, shift, once)]
                    schedule = parse_schedule(
                        cron_expression=expression, timezone=zone_name, on_dst_gap=gap, on_dst_repeat=repeat
                    )
                    check(schedule, expected, change)
    assert windows > 0
    print(f"{windows} clock changes, {len(seen)} different ones so far")
    simulated.cache_clear()
