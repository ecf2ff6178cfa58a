"""What a schedule is called in a list: in a few words, and never wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cronplug.model import CronRule, IntervalRule, OnceRule, ScheduleRule
from cronplug.schedules import parse_schedule
from cronplug.schedules.errors import ScheduleError
from cronplug.schedules.short_forms import shorten_rule, shorten_task
from cronplug.schedules.task_schedule import TaskSchedule

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def cron(expression: str, timezone: str = "UTC") -> CronRule:
    return CronRule(cron_expression=expression, timezone=timezone)


@pytest.mark.parametrize(
    ("expression", "short"),
    [
        ("30 6 * * 1-5", "Weekdays 06:30"),
        ("*/5 * * * *", "Every 5 min"),
        ("41 * * * *", "Hourly at :41"),
        ("0 2 1 * *", "1st of the month 02:00"),
        ("0 9 * * MON,WED", "Mon, Wed 09:00"),
        ("* * * * *", "Every minute"),
        ("0-59 0-23 1-31 * *", "Every minute"),
        ("* * * * * *", "Every second"),
        ("*/10 * * * * *", "Every 10 s"),
        ("5 * * * * *", None),
        ("5-59/10 * * * * *", None),
        ("30 0 9 * * *", "Daily 09:00:30"),
        ("@hourly", "Hourly"),
        ("@daily", "Daily 00:00"),
        ("@weekly", "Sun 00:00"),
        ("@yearly", "1st of Jan 00:00"),
        ("0 6,18 * * *", "Daily 06:00, 18:00"),
        ("0,30 9 * * 6,7", "Weekends 09:00, 09:30"),
        ("*/30 * * * *", "Every 30 min"),
        ("10,40 * * * *", "Hourly at :10, :40"),
        ("7-59/15 * * * *", "Every 15 min from :07"),
        ("*/45 * * * *", "Hourly at :00, :45"),
        ("*/7 * * * *", None),
        ("0 */8 * * *", "Every 8 h"),
        ("5 */6 * * *", "Every 6 h from 00:05"),
        ("0 3-23/6 * * *", "Every 6 h from 03:00"),
        ("0 */5 * * *", "Every 5 h 00:00–20:00"),
        ("0 8-18/2 * * 1-5", "Weekdays every 2 h 08:00–18:00"),
        ("0 9-17 * * 1-5", "Weekdays hourly 09:00–17:00"),
        ("*/15 9-16 * * 1-5", "Weekdays every 15 min 09:00–16:45"),
        ("* 9 * * *", "Every minute 09:00–09:59"),
        ("*/15 9,17 * * *", None),
        ("*/10 22-2 * * *", None),
        ("0 1,2,4 * * *", "Daily 01:00, 02:00, 04:00"),
        ("0 1,2,4,8 * * *", None),
        ("0 9 * * 1-4", "Mon–Thu 09:00"),
        ("0 9 * * sat-mon", "Mon, Sat, Sun 09:00"),
        ("0 9 * * 0-6", "Daily 09:00"),
        ("0 9 * * 1,2,4,6,0", None),
        ("* * * * 1", "Mon every minute"),
        ("0 0 1,15 * *", "1st, 15th of the month 00:00"),
        ("0 0 1-7 * *", "1st–7th of the month 00:00"),
        ("0 0 2,3,22,31 * *", "2nd, 3rd, 22nd, 31st of the month 00:00"),
        ("0 0 */2 * *", None),
        ("0 0 1 1,4,7,10 *", "1st of Jan, Apr, Jul, Oct 00:00"),
        ("0 0 1 1,3,5,7,9 *", None),
        ("0 6 * 6-8 *", "In Jun–Aug daily 06:00"),
        ("*/5 * * 12 *", "In Dec daily every 5 min"),
        ("0 6 * 6-8 1-5", "In Jun–Aug: Weekdays 06:00"),
        ("0 0 L * *", "Last day of the month 00:00"),
        ("0 0 LW * *", "Last weekday of the month 00:00"),
        ("0 0 L,LW * *", None),
        ("0 0 L-1 * *", None),
        ("0 0 L,1 * *", None),
        ("0 0 15W * *", None),
        ("0 3 * * 2#2", "2nd Tue of the month 03:00"),
        ("0 3 * * 5L", "Last Fri of the month 03:00"),
        ("0 3 * 3 1#1,1#3", "1st Mon, 3rd Mon of Mar 03:00"),
        ("0 3 * * 1,2#2", None),
        ("0 0 13 * 5", None),
        ("0 0 */1 * MON", "Mon 00:00"),
        ("0 0 0 1 1 ? 2030", None),
    ],
)  # fmt: skip
def test_short_forms_of_expressions(expression: str, short: str | None) -> None:
    assert shorten_rule(cron(expression)) == short


@pytest.mark.parametrize(
    ("rule", "short"),
    [
        (IntervalRule(every_seconds=90, timezone="UTC", anchor_at=BEGIN), "Every 90 s"),
        (IntervalRule(every_seconds=5_400, timezone="UTC", anchor_at=BEGIN), "Every 90 min"),
        (IntervalRule(every_seconds=86_400, timezone="UTC", anchor_at=BEGIN), "Every 24 h"),
        (IntervalRule(every_seconds=14 * 86_400, timezone="UTC", anchor_at=BEGIN), "Every 14 days"),
        (IntervalRule(every_seconds=300, timezone="UTC", after_end=True), "5 min after each end"),
        (OnceRule(at=BEGIN, timezone="Europe/Berlin"), "Once 2026-01-01 01:00"),
    ],
)
def test_short_forms_of_other_kinds(rule: ScheduleRule, short: str) -> None:
    assert shorten_rule(rule) == short


@pytest.mark.parametrize(
    ("rules", "short"),
    [
        ([], "Runs only when triggered"),
        ([cron("30 6 * * 1-5", "Asia/Tokyo")], "Weekdays 06:30"),
        ([cron("30 6 * * 1-5"), cron("0 9 * * 6"), cron("0 9 * * 0")], "Weekdays 06:30 +2"),
        ([cron("0 0 13 * 5")], "At 00:00, on day 13 of the month, or on Friday"),
        ([cron("0 0 13 * 5"), cron("0 0 * * *")], "At 00:00, on day 13 of the month, or on Friday +1"),
    ],
)
def test_a_task_has_the_short_form_of_its_first_schedule(rules: list[ScheduleRule], short: str) -> None:
    assert shorten_task(TaskSchedule(rules=tuple(rules), parts=())) == short


def test_hashed_values_are_told_as_they_are_for_the_task() -> None:
    schedule = parse_schedule(cron_expression="H H * * *", timezone="UTC", seed="0000000000abc")
    first = schedule.next_fire_time(BEGIN)
    assert first is not None

    short = shorten_task(TaskSchedule(rules=(cron("H H * * *"),), parts=(schedule,)))

    assert short == f"Daily {first:%H:%M}"


def column(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


EXPRESSIONS = st.tuples(
    column("0", "*", "5", "*/10", "0,30", "*/20", "0-59"),
    column("0", "*", "*/5", "0-59/5", "7", "0,30", "*/30", "1-59/15", "*/45", "0,45", "15,45", "15/30", "0-10"),
    column("*", "0", "9", "9-17", "*/6", "0,6,12,18", "*/5", "8,9,10", "8-10", "22-2", "0-23", "9,17"),
    column("*", "1", "1-31", "1,15", "L", "LW", "1W", "*/2", "1-3", "1,2,3", "L,1", "L-1"),
    column("*", "1", "1-12", "6-8", "*/3", "1,4,7,10", "2"),
    column("*", "1-5", "MON-FRI", "1", "0", "7", "6,7", "1#1", "5L", "1,3", "0-6", "1-4", "*/2", "1,1#1"),
).map(" ".join)


@given(st.lists(EXPRESSIONS, min_size=2, max_size=60))
def test_what_has_one_short_form_has_the_same_fire_times(expressions: list[str]) -> None:
    known: dict[str, list[datetime]] = {}
    for expression in expressions:
        try:
            schedule = parse_schedule(cron_expression=expression, timezone="UTC")
        except ScheduleError:
            continue  # it never fires
        short = shorten_rule(cron(expression))
        if short is None:
            continue
        fire_times = schedule.fire_times(BEGIN, BEGIN + timedelta(days=400), 300)
        assert known.setdefault(short, fire_times) == fire_times, expression
