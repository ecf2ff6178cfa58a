"""Fire times through clock changes: Debian cron(8)'s rule, against cron's own loop and by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cronplug.model import DstGap, DstRepeat
from cronplug.schedules import parse_schedule
from tests.schedules.oracle import ZONES, PlainCron, clock_changes, offset_seconds, simulate, walls_of, zone_of_package

EXPRESSIONS = (
    "* * * * *",
    "*/15 * * * *",
    "*/7 * * * *",
    "0 * * * *",
    "30 * * * *",
    "0-59/20 * * * *",
    "*/30 2 * * *",
    "*/20 0,1,2,3 * * *",
    "0 */2 * * *",
    "0 0 * * *",
    "1 0 * * *",
    "30 0 * * *",
    "30 1 * * *",
    "59 1 * * *",
    "0 2 * * *",
    "30 2 * * *",
    "0 3 * * *",
    "59 23 * * *",
    "0 0-23 * * *",
    "5,35 1-3 * * *",
    "0-30/10 2,23 * * *",
    "15 0,1,2,3,22,23 * * 0",
    "30 0-4 1-31/2 * *",
    "30 0-4 */2 * 6",
    "0 9 * * *",
    "45 23 31 * 6",
)

CHANGES_PER_ZONE = 7
FIRST_YEAR, LAST_YEAR = 2004, 2028


@pytest.mark.parametrize("zone_name", ZONES)
def test_fire_times_equal_those_of_crons_own_loop_round_clock_changes(zone_name: str) -> None:
    zone = zone_of_package(zone_name)
    changes = clock_changes(zone_name, FIRST_YEAR, LAST_YEAR)
    for change in changes[:: max(1, len(changes) // CHANGES_PER_ZONE)]:
        start, end = change - timedelta(hours=5), change + timedelta(hours=5)
        walls = walls_of(zone, start, end)
        for expression in EXPRESSIONS:
            schedule = parse_schedule(cron_expression=expression, timezone=zone_name)

            expected = simulate(PlainCron(expression), walls, start)

            before, last = start - timedelta(seconds=1), end - timedelta(seconds=1)
            context = f"{expression} in {zone_name} round {change}"
            assert schedule.fire_times(before, last, 2_000) == expected, context
            assert schedule.latest_fire_times(before, last, 2_000) == expected, context
            assert schedule.count_fire_times(before, last) == len(expected), context


@pytest.mark.parametrize("expression", ["30 1 * * *", "*/30 * * * *", "30 2 * * *", "0 */2 * * *", "5,35 1-3 * * *"])
@pytest.mark.parametrize(
    "zone_name", ["America/New_York", "Australia/Lord_Howe", "America/St_Johns", "Antarctica/Casey"]
)
def test_the_answer_is_the_same_from_every_start_round_a_clock_change(zone_name: str, expression: str) -> None:
    schedule = parse_schedule(cron_expression=expression, timezone=zone_name)
    for change in clock_changes(zone_name, 2009, 2011)[:4]:
        first = change - timedelta(hours=28)
        times = schedule.fire_times(first, change + timedelta(hours=28), 1_000)
        for minutes in range(-240, 241, 5):
            start = change + timedelta(minutes=minutes)
            assert schedule.next_fire_time(start) == next(at for at in times if at > start)
            assert schedule.latest_fire_time(start) == max(at for at in times if at <= start)


def local(zone_name: str, text: str) -> datetime:
    """An instant from local time with its offset, `2024-03-10T03:00-04:00`."""
    at = datetime.fromisoformat(text)
    offset = at.utcoffset()
    assert offset is not None
    assert offset.total_seconds() == offset_seconds(zone_of_package(zone_name), at)
    return at.astimezone(UTC)


@pytest.mark.parametrize(
    ("zone_name", "expression", "after", "expected"),
    [
        # in a gap: fixed times run once right after it, others not at all
        ("America/New_York", "30 2 * * *", "2024-03-10T01:00-05:00", ["2024-03-10T03:00-04:00", "2024-03-11T02:30-04:00"]),
        ("America/New_York", "0,30 2 * * *", "2024-03-10T01:00-05:00", ["2024-03-10T03:00-04:00", "2024-03-11T02:00-04:00"]),
        ("America/New_York", "30 2,3 * * *", "2024-03-10T01:00-05:00", ["2024-03-10T03:00-04:00", "2024-03-10T03:30-04:00"]),
        ("America/New_York", "*/15 2 * * *", "2024-03-10T01:00-05:00", ["2024-03-11T02:00-04:00", "2024-03-11T02:15-04:00"]),
        ("America/New_York", "30 30 2 * * *", "2024-03-10T01:00-05:00", ["2024-03-10T03:00-04:00", "2024-03-11T02:30:30-04:00"]),
        ("America/New_York", "* 30 2 * * *", "2024-03-10T01:00-05:00", ["2024-03-11T02:30-04:00", "2024-03-11T02:30:01-04:00"]),
        ("America/St_Johns", "0 0-23 * * *", "2006-04-02T00:00-03:30", ["2006-04-02T01:01-02:30", "2006-04-02T02:00-02:30"]),
        ("Antarctica/Troll", "30 1 * * *", "2024-03-31T00:00+00:00", ["2024-03-31T03:00+02:00", "2024-04-01T01:30+02:00"]),
        ("America/Sao_Paulo", "0 0 15W * *", "2017-10-15T01:00-02:00", ["2017-10-16T00:00-02:00", "2017-11-15T00:00-02:00"]),
        ("America/Nuuk", "30 23 * * *", "2024-03-30T22:00-02:00", ["2024-03-31T00:00-01:00", "2024-03-31T23:30-01:00"]),
        # repeated: fixed times run in the first pass, others in both
        ("America/New_York", "30 1 * * *", "2024-11-03T00:00-04:00", ["2024-11-03T01:30-04:00", "2024-11-04T01:30-05:00"]),
        ("America/New_York", "30 1 * * *", "2024-11-03T01:00-05:00", ["2024-11-04T01:30-05:00"]),
        ("America/New_York", "*/30 1 * * *", "2024-11-03T01:00-04:00", ["2024-11-03T01:30-04:00", "2024-11-03T01:00-05:00", "2024-11-03T01:30-05:00"]),
        ("America/Havana", "0 0 * * *", "2024-11-02T23:00-04:00", ["2024-11-03T00:00-04:00", "2024-11-04T00:00-05:00"]),
        ("Australia/Lord_Howe", "*/7 * * * *", "2024-04-07T01:52+11:00", ["2024-04-07T01:56+11:00", "2024-04-07T01:35+10:30"]),
        # 3 hours: too much for a gap, not for a repetition
        ("Antarctica/Casey", "30 1 * * *", "2010-03-04T23:00+11:00", ["2010-03-05T01:30+11:00", "2010-03-06T01:30+08:00"]),
        ("Pacific/Apia", "0 9 * * *", "2011-12-29T10:00-10:00", ["2011-12-31T09:00+14:00"]),
        ("Pacific/Apia", "*/30 9 * * *", "2011-12-29T10:00-10:00", ["2011-12-31T09:00+14:00"]),
    ],
)  # fmt: skip
def test_known_cases(zone_name: str, expression: str, after: str, expected: list[str]) -> None:
    schedule = parse_schedule(cron_expression=expression, timezone=zone_name)
    start, wanted = local(zone_name, after), [local(zone_name, text) for text in expected]

    assert schedule.fire_times(start, start + timedelta(days=400), len(wanted)) == wanted
    assert [schedule.latest_fire_time(at) for at in wanted] == wanted
    assert schedule.count_fire_times(start, wanted[-1]) == len(wanted)


def test_seconds_of_a_wildcard_run_through_a_repeated_hour_twice() -> None:
    schedule = parse_schedule(cron_expression="*/20 59 1 * * *", timezone="America/New_York")
    start = datetime(2024, 11, 3, 4, 0, tzinfo=UTC)

    times = schedule.fire_times(start, start + timedelta(hours=4), 100)

    assert [at.strftime("%H:%M:%S") for at in times] == [
        "05:59:00", "05:59:20", "05:59:40", "06:59:00", "06:59:20", "06:59:40",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("zone_name", "expression", "gap", "repeat", "after", "expected"),
    [
        # gap
        ("America/New_York", "30 2 * * *", "skip", None, "2024-03-10T01:00-05:00", ["2024-03-11T02:30-04:00"]),
        ("America/New_York", "30 2,3 * * *", "skip", None, "2024-03-10T01:00-05:00", ["2024-03-10T03:30-04:00"]),
        ("America/New_York", "*/15 2 * * *", "shift", None, "2024-03-10T01:00-05:00", ["2024-03-10T03:00-04:00", "2024-03-11T02:00-04:00"]),
        ("America/New_York", "* * * * *", "shift", None, "2024-03-10T01:58-05:00", ["2024-03-10T01:59-05:00", "2024-03-10T03:00-04:00", "2024-03-10T03:01-04:00"]),
        ("America/New_York", "* 30 2 * * *", "shift", None, "2024-03-10T01:00-05:00", ["2024-03-10T03:00-04:00", "2024-03-11T02:30-04:00"]),
        ("America/New_York", "15 * * * *", "shift", None, "2024-03-10T01:20-05:00", ["2024-03-10T03:00-04:00", "2024-03-10T03:15-04:00"]),
        ("Australia/Lord_Howe", "15 * * * *", "shift", None, "2023-10-01T01:20+10:30", ["2023-10-01T02:30+11:00", "2023-10-01T03:15+11:00"]),
        ("America/Sao_Paulo", "0 0 * * *", "skip", None, "2017-10-14T01:00-03:00", ["2017-10-16T00:00-02:00"]),
        ("Antarctica/Troll", "30 1,2 * * *", "skip", None, "2024-03-31T00:00+00:00", ["2024-04-01T01:30+02:00"]),
        # repeated
        ("America/New_York", "30 1 * * *", None, "twice", "2024-11-03T00:00-04:00", ["2024-11-03T01:30-04:00", "2024-11-03T01:30-05:00", "2024-11-04T01:30-05:00"]),
        ("America/New_York", "30 * * * *", None, "once", "2024-11-03T01:00-04:00", ["2024-11-03T01:30-04:00", "2024-11-03T02:30-05:00"]),
        ("America/New_York", "*/20 59 * * * *", None, "once", "2024-11-03T01:59:20-04:00", ["2024-11-03T01:59:40-04:00", "2024-11-03T02:59:00-05:00"]),
        ("America/Havana", "0 0 * * *", None, "twice", "2024-11-02T23:00-04:00", ["2024-11-03T00:00-04:00", "2024-11-03T00:00-05:00"]),
        ("Australia/Lord_Howe", "*/7 * * * *", None, "once", "2024-04-07T01:52+11:00", ["2024-04-07T01:56+11:00", "2024-04-07T02:00+10:30"]),
        # the other choice does not matter
        ("America/New_York", "30 2 * * *", None, "twice", "2024-03-10T01:00-05:00", ["2024-03-10T03:00-04:00"]),
        ("America/New_York", "30 1 * * *", "skip", None, "2024-11-03T00:00-04:00", ["2024-11-03T01:30-04:00", "2024-11-04T01:30-05:00"]),
        # what is too large is a correction, whatever is chosen
        ("Pacific/Apia", "0 9 * * *", "shift", None, "2011-12-29T10:00-10:00", ["2011-12-31T09:00+14:00"]),
        ("Pacific/Apia", "* * * * *", "shift", "once", "2011-12-29T23:59-10:00", ["2011-12-31T00:00+14:00", "2011-12-31T00:01+14:00"]),
        ("Antarctica/Casey", "30 1 * * *", "shift", "twice", "2010-03-04T23:00+11:00", ["2010-03-05T01:30+11:00", "2010-03-05T01:30+08:00"]),
    ],
)  # fmt: skip
def test_known_cases_with_choices(
    zone_name: str, expression: str, gap: str | None, repeat: str | None, after: str, expected: list[str]
) -> None:
    schedule = parse_schedule(cron_expression=expression, timezone=zone_name, on_dst_gap=gap, on_dst_repeat=repeat)
    start, wanted = local(zone_name, after), [local(zone_name, text) for text in expected]

    assert schedule.fire_times(start, start + timedelta(days=400), len(wanted)) == wanted
    assert [schedule.latest_fire_time(at) for at in wanted] == wanted
    assert schedule.latest_fire_times(start, wanted[-1], 100) == wanted
    assert schedule.count_fire_times(start, wanted[-1]) == len(wanted)


def test_the_choices_of_the_model_are_the_ones_a_schedule_takes() -> None:
    for gap in DstGap:
        for repeat in DstRepeat:
            parse_schedule(cron_expression="0 2 * * *", timezone="UTC", on_dst_gap=gap, on_dst_repeat=repeat)
