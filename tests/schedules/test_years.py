"""The seventh field, years: fire times within them, and what happens when they are over."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cronplug.schedules import ScheduleError, check_schedule, describe, parse_schedule

NEW_YEAR_2026 = datetime(2026, 1, 1, tzinfo=UTC)


def fire_years(text: str, *, zone: str = "UTC") -> list[int]:
    schedule = parse_schedule(cron_expression=text, timezone=zone)
    everything = (datetime(1969, 12, 1, tzinfo=UTC), datetime(2200, 2, 1, tzinfo=UTC))
    rising = schedule.fire_times(*everything, 1_000)
    assert schedule.latest_fire_times(*everything, 1_000) == rising
    assert schedule.count_fire_times(*everything) == len(rising)
    return [at.year for at in rising]


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("0 0 12 1 6 * 2026", [2026]),
        ("0 0 12 1 6 * 1970,2199", [1970, 2199]),
        ("0 0 12 1 6 * 2030-2032,2026", [2026, 2030, 2031, 2032]),
        ("0 0 12 1 6 * 1970/100", [1970, 2070, 2170]),
        ("0 0 12 1 6 * */50", [1970, 2020, 2070, 2120, 2170]),
        ("0 0 12 29 2 * 2095-2105", [2096, 2104]),
        ("0 0 12 31 12 ? 2198-2199", [2198, 2199]),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Apia", "Asia/Tokyo"])
def test_it_fires_in_the_named_years_only(text: str, years: list[int], zone: str) -> None:
    assert fire_years(text, zone=zone) == years


def test_after_the_last_year_there_is_no_next_fire_time_but_still_a_latest_one() -> None:
    schedule = parse_schedule(cron_expression="0 0 12 1 6 * 2024,2025", timezone="Europe/Berlin")

    assert schedule.next_fire_time(NEW_YEAR_2026) is None
    assert schedule.latest_fire_time(NEW_YEAR_2026) == datetime(2025, 6, 1, 10, tzinfo=UTC)
    assert schedule.latest_fire_time(datetime(2024, 1, 1, tzinfo=UTC)) is None


def test_a_new_schedule_whose_years_are_over_is_refused_and_an_old_one_is_read() -> None:
    schedule = parse_schedule(cron_expression="0 0 12 1 6 * 2025", timezone="UTC")

    check_schedule(schedule, min_interval_seconds=1)
    check_schedule(schedule, min_interval_seconds=1, now=datetime(2025, 1, 1, tzinfo=UTC))
    with pytest.raises(ScheduleError, match="last fire time was 2025-06-01 12:00:00 UTC") as raised:
        check_schedule(schedule, min_interval_seconds=1, now=NEW_YEAR_2026)
    assert raised.value.fault_code == "cron.never"


@pytest.mark.parametrize(
    ("text", "zone"), [("0 0 9 30 12 * 2011", "Pacific/Apia"), ("0 */30 2 10 3 * 2024", "America/New_York")]
)
def test_a_schedule_that_a_clock_change_leaves_nothing_of_is_refused(text: str, zone: str) -> None:
    schedule = parse_schedule(cron_expression=text, timezone=zone)

    assert schedule.next_fire_time(datetime(1970, 1, 1, tzinfo=UTC)) is None
    with pytest.raises(ScheduleError, match="a clock change skips what it names"):
        check_schedule(schedule, min_interval_seconds=1, now=datetime(2010, 1, 1, tzinfo=UTC))


def test_the_sentence_names_the_years() -> None:
    schedule = parse_schedule(cron_expression="0 0 9 * * 1-5 2026,2030-2032", timezone="UTC")

    assert describe(schedule) == "At 09:00, Monday through Friday, only in 2026 or 2030 to 2032"
