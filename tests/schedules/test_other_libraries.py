"""Agreement with croner (JavaScript) and cronsim (Python); each difference is named here and in docs/schedules.md."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import pytest
from cronsim import CronSim

from cronplug.schedules import CronSchedule, ScheduleError, parse_schedule
from tests.schedules.oracle import clock_changes, zone_of_package

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SAME_ZONE_DATA_UNTIL = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
ZONES_THAT_STAY = ("UTC", "Asia/Kolkata")


@cache
def croner_vectors() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(__file__).with_name("croner_vectors.json").read_text("utf-8"))
    return content


def ours_beside_croners(expression: str) -> list[tuple[list[int], list[int], CronSchedule]]:
    """For each start: our fire times, croner's, and the schedule; as far as the zone data are the same for certain."""
    vectors = croner_vectors()
    compared = []
    for (zone, start), theirs in zip(vectors["starts"], vectors["answers"][expression], strict=True):
        schedule = parse_schedule(cron_expression=expression, timezone=zone)
        after = datetime.fromisoformat(start)
        ours = [int(at.timestamp()) for at in schedule.fire_times(after, after + timedelta(days=80_000), 5)]
        if zone not in ZONES_THAT_STAY:
            ours, theirs = (list(takewhile(lambda at: at < SAME_ZONE_DATA_UNTIL, times)) for times in (ours, theirs))
        compared.append((ours, theirs, schedule))
    return compared


DIFFERS_FROM_CRONER = {
    "0-30/10 2,23 * * *": "a range with a step is an interval to croner, and fixed times to us as to Debian's cron",
    "0 0-22/2 * * *": "a range with a step is an interval to croner, and fixed times to us as to Debian's cron",
    "0 0 0 1 1 * */25": "croner counts years from 0, we as Quartz from 1970, the first one",
}
ONLY_OURS = {
    "0 22-2 * * *": "ranges that wrap",
    "0 12 * * sat-mon": "ranges that wrap",
    "5/20 * * * *": "a step from one value on",
    "0 12 L-3 * *": "days before the last",
    "H * * * *": "hashed values",
}
ONLY_CRONERS = {
    "0 12 * * 1-5/2#1": "a step together with #",
    "0 0 30 2 *": "an expression that never fires",
    "0 12 1 * +MON": "+ for days that both fields name",
}


def test_croner_gives_the_same_fire_times() -> None:
    equal = 0
    for expression, answers in croner_vectors()["answers"].items():
        if isinstance(answers, str) or expression in DIFFERS_FROM_CRONER or expression in ONLY_CRONERS:
            continue
        for ours, theirs, schedule in ours_beside_croners(expression):
            assert ours == theirs, schedule
            equal += len(ours)
    assert equal > 3_000


def test_croner_refuses_the_same_but_for_what_is_listed() -> None:
    for expression, answers in croner_vectors()["answers"].items():
        try:
            parse_schedule(cron_expression=expression, timezone="UTC")
        except ScheduleError:
            assert isinstance(answers, str) != (expression in ONLY_CRONERS), expression
        else:
            assert isinstance(answers, str) == (expression in ONLY_OURS), expression


@pytest.mark.parametrize("expression", ["0-30/10 2,23 * * *", "0 0-22/2 * * *"])
def test_a_range_with_a_step_is_an_interval_to_croner(expression: str) -> None:
    compared = ours_beside_croners(expression)
    assert any(ours != theirs for ours, theirs, _ in compared)

    for _, theirs, schedule in compared:
        as_interval = parse_schedule(
            cron_expression=expression, timezone=schedule.timezone, on_dst_gap="skip", on_dst_repeat="twice"
        )
        for earlier, later in pairwise(theirs):
            assert as_interval.next_fire_time(EPOCH + timedelta(seconds=earlier)) == EPOCH + timedelta(seconds=later)


def test_croner_counts_steps_of_years_from_year_0() -> None:
    ours, theirs, _ = ours_beside_croners("0 0 0 1 1 * */25")[0]

    assert [(EPOCH + timedelta(seconds=at)).year for at in ours] == [2045, 2070, 2095, 2120, 2145]
    assert [(EPOCH + timedelta(seconds=at)).year for at in theirs] == [2025, 2050, 2075, 2100, 2125]


CRONSIM_EXPRESSIONS = (
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
    "0 */2 * * *",
    "*/30 2 * * *",
    "15 0-3,22,23 * * 0",
    "30 1 L * *",
    "0 0 LW * *",
    "0 2 * * 0#2",
    "30 1 * * 0L",
    "0 0 13 * 5",
)
CRONSIM_ZONES = (
    "America/New_York",
    "Europe/London",
    "Europe/Dublin",
    "America/Sao_Paulo",
    "America/Havana",
    "Africa/Cairo",
    "Antarctica/Troll",
)


def beside_cronsim(expression: str, zone: str, start: datetime) -> tuple[list[datetime], list[datetime]]:
    """Our fire times and cronsim's through the 40 hours after `start`, at least three."""
    schedule = parse_schedule(cron_expression=expression, timezone=zone)
    ours = schedule.fire_times(start, start + timedelta(hours=40), 3_000)
    ours = ours if len(ours) > 3 else schedule.fire_times(start, start + timedelta(days=400), 3)
    theirs = CronSim(expression, start.astimezone(zone_of_package(zone)))
    return ours, [next(theirs).astimezone(UTC) for _ in ours]


@pytest.mark.parametrize("zone", CRONSIM_ZONES)
def test_cronsim_gives_the_same_fire_times_through_clock_changes(zone: str) -> None:
    draw = random.Random(zone)
    for change in draw.sample(clock_changes(zone, 2004, 2024), 6):
        start = change - timedelta(hours=12, minutes=draw.randrange(60))
        for expression in CRONSIM_EXPRESSIONS:
            ours, theirs = beside_cronsim(expression, zone, start)
            assert ours == theirs, (expression, zone, change)


def test_cronsim_loses_times_after_a_change_of_half_an_hour() -> None:
    start = datetime(2024, 4, 6, 14, 45, tzinfo=UTC)  # 01:45 on Lord Howe, where 02:00 is put back to 01:30 at 15:00

    ours, theirs = beside_cronsim("30 * * * *", "Australia/Lord_Howe", start)

    assert ours[0] == datetime(2024, 4, 6, 15, 0, tzinfo=UTC)
    assert theirs[0] == datetime(2024, 4, 6, 16, 0, tzinfo=UTC)


def test_cronsim_goes_back_when_it_starts_in_the_second_pass_of_an_hour() -> None:
    start = datetime(2024, 11, 3, 6, 10, tzinfo=UTC)  # 01:10 in New York, for the second time

    ours, theirs = beside_cronsim("30 1 * * *", "America/New_York", start)

    assert ours[0] == datetime(2024, 11, 4, 6, 30, tzinfo=UTC)
    assert theirs[0] < start


def test_cronsim_wants_both_day_fields_when_one_begins_with_a_star() -> None:
    start = datetime(2026, 1, 1, 12, tzinfo=UTC)

    ours, theirs = beside_cronsim("0 0 */2 * 1", "UTC", start)

    assert [at.day for at in ours] == [3, 5, 7]
    assert [at.day for at in theirs] == [5, 19, 9]
