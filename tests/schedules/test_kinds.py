"""Intervals, single instants, and several rules as one schedule: against sets of instants, simply made."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cronplug.model import CronRule, IntervalRule, OnceRule, ScheduleRule, TaskDefinition, TaskType
from cronplug.schedules import (
    IntervalSchedule,
    OnceSchedule,
    Schedule,
    ScheduleError,
    TaskSchedule,
    parse_rule,
    parse_schedule,
    shown_schedule,
    task_schedule,
)
from cronplug.schedules.counting import count_together
from cronplug.schedules.kinds import LAST_INSTANT

START = datetime(2026, 3, 28, 22, tzinfo=UTC)
END = START + timedelta(hours=4)
"""Midnight, and Berlin's change to summer time."""

FAR = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
EARLY = datetime(1, 1, 1, tzinfo=UTC)

moments = st.integers(-40_000_000, 4 * 3_600_000_000 + 40_000_000).map(lambda n: START + timedelta(microseconds=n))
seconds = st.integers(0, 4 * 3600).map(lambda n: START + timedelta(seconds=n))
intervals = st.builds(
    lambda every, anchor: IntervalRule(every_seconds=every, anchor_at=anchor, timezone="UTC"),
    st.sampled_from([7, 90, 600, 3600, 5400, 86_400, 100_000, 31_622_400]),
    st.one_of(seconds, seconds.map(lambda at: at - timedelta(days=400))),
)
crons = st.builds(
    lambda text, zone: CronRule(cron_expression=text, timezone=zone),
    st.sampled_from(
        ["* * * * *", "*/5 * * * * *", "30 2 * * *", "0 * * * *", "*/20 1-3 * * *", "0 9 * * MON", "0 0 1 1 *"]
    ),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
onces = seconds.map(lambda at: OnceRule(at=at, timezone="UTC"))
rules = st.lists(st.one_of(intervals, crons, onces), min_size=1, max_size=5).map(tuple)
bounds = st.one_of(st.none(), seconds)


def definition(*schedules: ScheduleRule, start: datetime | None = None, end: datetime | None = None) -> TaskDefinition:
    return TaskDefinition(name="x", type=TaskType.FUNCTION, schedules=schedules, start_at=start, end_at=end)


def union(*schedules: ScheduleRule, start: datetime | None = None, end: datetime | None = None) -> TaskSchedule:
    made = task_schedule(definition(*schedules, start=start, end=end))
    assert made is not None
    return made


def instants(schedule: TaskSchedule) -> list[datetime]:
    """All fire times of START to END, from those of the parts."""
    first, last = schedule.start_at or START, schedule.end_at or END
    return sorted({
        at
        for part in schedule.parts
        for at in part.fire_times(START - timedelta(seconds=1), END, 300_000)
        if first <= at <= last
    })  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(rules=rules, start=bounds, end=bounds, after=moments, until=moments, limit=st.integers(0, 50))
def test_a_union_is_the_sorted_set_of_its_parts_within_its_bounds(
    rules: tuple[ScheduleRule, ...],
    start: datetime | None,
    end: datetime | None,
    after: datetime,
    until: datetime,
    limit: int,
) -> None:
    schedule = union(*rules, start=start, end=end)
    after, until = max(after, START - timedelta(seconds=1)), min(until, END)
    wanted = [at for at in instants(schedule) if after < at <= until]

    assert schedule.fire_times(after, until, limit) == wanted[:limit]
    assert schedule.latest_fire_times(after, until, limit) == wanted[max(len(wanted) - limit, 0) :]
    assert schedule.count_fire_times(after, until) == len(wanted)
    following = schedule.next_fire_time(after)
    assert (following if following is not None and following <= until else None) == (wanted[0] if wanted else None)
    latest = schedule.latest_fire_time(until)
    assert (latest if latest is not None and latest > after else None) == (wanted[-1] if wanted else None)


@settings(deadline=None, max_examples=60)
@given(rules=rules, start=bounds, end=bounds, after=moments)
def test_forward_and_back_agree(
    rules: tuple[ScheduleRule, ...], start: datetime | None, end: datetime | None, after: datetime
) -> None:
    schedule = union(*rules, start=start, end=end)

    following = schedule.next_fire_time(after)

    if following is None:
        assert schedule.count_fire_times(after, FAR) == 0
        return
    assert following > after
    assert schedule.latest_fire_time(following) == following
    assert schedule.next_fire_time(following - timedelta(microseconds=1)) == following
    assert schedule.count_fire_times(after, following) == 1
    before = schedule.latest_fire_time(following - timedelta(microseconds=1))
    assert before is None or before <= after
    assert schedule.parts[schedule.index_at(following)].latest_fire_time(following) == following


@settings(deadline=None, max_examples=60)
@given(rules=rules, after=moments, until=moments)
def test_counting_by_days_is_counting_one_by_one(
    rules: tuple[ScheduleRule, ...], after: datetime, until: datetime
) -> None:
    from cronplug.schedules import counting

    parts = [parse_rule(rule) for rule in rules]
    wanted = {at for part in parts for at in part.fire_times(after, until, 400_000)}

    assert counting._count_by_days(parts, *_seconds(after, max(after, until))) == len(wanted)


def test_counting_by_days_holds_over_a_year_of_several_zones() -> None:
    parts: list[Schedule] = [
        parse_schedule(cron_expression="*/7 1-3 * * *", timezone="Europe/Berlin"),
        parse_schedule(cron_expression="*/10 * L * *", timezone="America/St_Johns"),
        parse_schedule(cron_expression="30 */2 * * SUN", timezone="Pacific/Chatham"),
        parse_schedule(cron_expression="*/30 15 12 * 2-6 * 2026", timezone="UTC"),
        IntervalSchedule(every_seconds=5400, anchor_at=START),
        IntervalSchedule(every_seconds=90_000, anchor_at=START - timedelta(days=200)),
        OnceSchedule(at=START + timedelta(minutes=1)),
    ]
    assert_days_agree(parts)


def assert_days_agree(parts: list[Schedule]) -> None:
    from cronplug.schedules import counting

    after, until = START - timedelta(days=180, hours=5), START + timedelta(days=200, hours=3)
    wanted = {at for part in parts for at in part.fire_times(after, until, 100_000)}

    assert counting._count_by_days(parts, *_seconds(after, until)) == count_together(parts, after, until) == len(wanted)


@pytest.mark.parametrize("gap", [None, "shift", "skip"])
@pytest.mark.parametrize("repeat", [None, "once", "twice"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Antarctica/Troll", "Australia/Lord_Howe", "America/Havana"])
def test_counting_by_days_holds_with_every_choice_for_clock_changes(
    gap: str | None, repeat: str | None, zone: str
) -> None:
    for text in ("*/30 0-4 * * *", "0,30 0-3 * * *", "59 59 1 * * *"):
        assert_days_agree([
            parse_schedule(cron_expression=text, timezone=zone, on_dst_gap=gap, on_dst_repeat=repeat),
            OnceSchedule(at=START),
        ])  # fmt: skip


def _seconds(after: datetime, until: datetime) -> tuple[int, int]:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return (after - epoch) // timedelta(seconds=1) + 1, (until - epoch) // timedelta(seconds=1) + 1


def test_two_rules_of_every_second_are_counted_over_years_at_once() -> None:
    schedule = union(
        CronRule(cron_expression="* * * * * *", timezone="Europe/Berlin"),
        CronRule(cron_expression="*/2 * * * * *", timezone="Asia/Kolkata"),
        IntervalRule(every_seconds=3, anchor_at=START, timezone="UTC"),
    )
    began = time.process_time()

    assert schedule.count_fire_times(START, START + timedelta(days=730)) == 730 * 86_400
    assert time.process_time() - began < 5


@pytest.mark.parametrize("every", [1, 60, 86_400, 31_622_400])
def test_an_interval_keeps_its_grid_from_the_first_instant_to_the_last(every: int) -> None:
    schedule = IntervalSchedule(every_seconds=every, anchor_at=START)

    assert schedule.next_fire_time(EARLY) == START
    assert schedule.next_fire_time(START) == START + timedelta(seconds=every)
    assert schedule.latest_fire_time(START - timedelta(microseconds=1)) is None
    assert schedule.next_fire_time(FAR) is None
    last = schedule.latest_fire_time(FAR)
    assert last is not None
    assert last <= LAST_INSTANT
    assert (last - START) % timedelta(seconds=every) == timedelta(0)
    assert schedule.next_fire_time(last) is None
    assert schedule.fire_times(last - timedelta(microseconds=1), FAR, 5) == [last]
    assert schedule.count_fire_times(EARLY, FAR) == (last - START) // timedelta(seconds=every) + 1
    assert schedule.shortest_interval_seconds == every


def test_an_interval_from_beyond_the_last_instant_never_fires() -> None:
    schedule = IntervalSchedule(every_seconds=60, anchor_at=LAST_INSTANT + timedelta(days=1))

    assert schedule.next_fire_time(START) is None
    assert schedule.latest_fire_time(FAR) is None
    assert schedule.fire_times(EARLY, FAR, 3) == schedule.latest_fire_times(EARLY, FAR, 3) == []
    assert schedule.count_fire_times(EARLY, FAR) == 0


def test_once_fires_once() -> None:
    schedule = OnceSchedule(at=START)

    assert schedule.next_fire_time(START - timedelta(microseconds=1)) == START
    assert schedule.next_fire_time(START) is None
    assert schedule.latest_fire_time(START) == START
    assert schedule.latest_fire_time(START - timedelta(microseconds=1)) is None
    assert schedule.fire_times(EARLY, FAR, 2) == schedule.latest_fire_times(EARLY, FAR, 2) == [START]
    assert schedule.fire_times(EARLY, FAR, 0) == []
    assert schedule.shortest_interval_seconds is None


def test_an_instant_of_two_rules_belongs_to_the_first() -> None:
    nine = CronRule(cron_expression="0 9 * * *", timezone="UTC", payload={"who": "first"})
    hourly = CronRule(cron_expression="0 * * * *", timezone="UTC", payload={"who": "second"})
    schedule = union(nine, hourly)

    assert schedule.rule_at(START.replace(hour=9)) is nine
    assert schedule.rule_at(START.replace(hour=10)) is hourly
    assert schedule.index_at(START.replace(hour=10)) == 1
    with pytest.raises(ValueError, match="no fire time"):
        schedule.rule_at(START.replace(minute=30))


def test_both_bounds_are_included() -> None:
    hourly = CronRule(cron_expression="0 * * * *", timezone="UTC")
    schedule = union(hourly, start=START, end=START + timedelta(hours=1))

    assert schedule.fire_times(EARLY, FAR, 9) == [START, START + timedelta(hours=1)]
    assert schedule.next_fire_time(EARLY) == START
    assert schedule.latest_fire_time(FAR) == START + timedelta(hours=1)
    assert schedule.latest_fire_time(START - timedelta(seconds=1)) is None
    assert schedule.next_fire_time(START + timedelta(hours=1)) is None


def test_a_window_that_ends_before_it_begins_has_no_fire_time() -> None:
    schedule = union(CronRule(cron_expression="* * * * *", timezone="UTC"), start=END, end=START)

    assert schedule.next_fire_time(EARLY) is None
    assert schedule.latest_fire_time(FAR) is None
    assert schedule.fire_times(EARLY, FAR, 3) == schedule.latest_fire_times(EARLY, FAR, 3) == []
    assert schedule.count_fire_times(EARLY, FAR) == 0


def test_the_fire_times_of_every_kind_are_utc() -> None:
    east = timezone(timedelta(hours=2))
    local = START.astimezone(east)
    schedule = union(
        OnceRule(at=local, timezone="UTC"), IntervalRule(every_seconds=60, anchor_at=local, timezone="Europe/Berlin")
    )

    assert {at.tzinfo for at in schedule.fire_times(START - timedelta(days=1), FAR, 3)} == {UTC}


def test_a_rule_s_choice_for_clock_changes_and_its_seed_reach_the_expression() -> None:
    from cronplug.model import DstGap, DstRepeat

    rule = CronRule(
        cron_expression="30 2 H * *", timezone="Europe/Berlin", on_dst_gap=DstGap.SKIP, on_dst_repeat=DstRepeat.TWICE
    )

    assert parse_rule(rule, seed="a") == parse_schedule(
        cron_expression="30 2 H * *", timezone="Europe/Berlin", on_dst_gap="skip", on_dst_repeat="twice", seed="a"
    )
    assert parse_rule(rule, seed="a") != parse_rule(rule, seed="b")


@pytest.mark.parametrize(
    ("rule", "field", "code"),
    [
        (CronRule(cron_expression="61 * * * *", timezone="UTC"), "cronExpression", "cron.range"),
        (CronRule(cron_expression="* * * * *", timezone="Mars"), "timezone", "timezone.unknown"),
        (IntervalRule(every_seconds=5, anchor_at=START, timezone="Mars"), "timezone", "timezone.unknown"),
        (OnceRule(at=START, timezone="Mars"), "timezone", "timezone.unknown"),
        (IntervalRule(every_seconds=5, timezone="UTC"), "anchorAt", "interval.anchor"),
    ],
)
def test_a_rule_that_cannot_be_read_names_the_field(rule: ScheduleRule, field: str, code: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_rule(rule)

    assert (caught.value.field, caught.value.fault_code) == (field, code)


def test_a_manual_task_has_no_schedule_and_can_be_shown() -> None:
    assert task_schedule(definition()) is None
    shown = shown_schedule(definition())
    assert (shown.rules, shown.parts) == ((), ())
    assert shown.next_fire_time(EARLY) is None
    assert shown.latest_fire_time(FAR) is None
    assert shown.fire_times(EARLY, FAR, 3) == shown.latest_fire_times(EARLY, FAR, 3) == []
    assert shown.count_fire_times(EARLY, FAR) == 0
    assert shown.shortest_interval_seconds is None


def test_after_the_end_fires_when_it_is_known_when() -> None:
    task = definition(IntervalRule(every_seconds=60, after_end=True, timezone="UTC"))

    assert task_schedule(task) is None
    assert shown_schedule(task).rules == task.schedules
    waiting = task_schedule(task, pending=START)
    assert waiting is not None
    assert waiting.fire_times(EARLY, FAR, 5) == [START]
    assert waiting.rule_at(START) is task.schedules[0]
    assert waiting != task_schedule(task, pending=END)


def test_counting_nothing_is_nothing() -> None:
    empty: list[Schedule] = []
    assert count_together(empty, START, END) == 0
    assert count_together([OnceSchedule(at=START)], END, START) == 0
