"""What becomes of each fire time: the decision table of catch-up, then its bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cronplug.model import CatchUp, Reason, Status, Trigger
from cronplug.planning import Bar, Barred, CatchUpPolicy, FirePlan, Outage, PlannedFire, plan_fire_times
from cronplug.schedules import Schedule, parse_schedule

DAY = datetime(2026, 3, 2, tzinfo=UTC)
EVERY_TEN_MINUTES = parse_schedule(cron_expression="*/10 * * * *", timezone="UTC")
EVERY_MINUTE = parse_schedule(cron_expression="* * * * *", timezone="UTC")
EVERY_SECOND = parse_schedule(cron_expression="* * * * * *", timezone="UTC")
SECOND = timedelta(seconds=1)


def at(text: str) -> datetime:
    """Today at HH:MM or HH:MM:SS(.fff), or on another day as `+1 HH:MM`."""
    day, _, time = text.rpartition(" ")
    hours, minutes, *rest = time.split(":")
    since = timedelta(days=int(day or 0), hours=int(hours), minutes=int(minutes), seconds=float(rest[0]) if rest else 0)
    return DAY + since


def plan(
    catch_up: str,
    outages: list[Outage],
    *,
    next_run_at: datetime,
    now: datetime,
    schedule: Schedule = EVERY_TEN_MINUTES,
    window_seconds: int = 86_400,
    max_runs: int = 100,
    max_rows: int = 500,
    barred: Barred | None = None,
) -> FirePlan:
    policy = CatchUpPolicy(catch_up=CatchUp(catch_up), window_seconds=window_seconds, max_runs=max_runs)
    return plan_fire_times(
        schedule, next_run_at=next_run_at, now=now, policy=policy, outages=outages, max_rows=max_rows, barred=barred
    )


def short(fire: PlannedFire) -> str:
    verdict = {
        (Trigger.SCHEDULE, Status.QUEUED): "run",
        (Trigger.CATCH_UP, Status.QUEUED): "catch_up",
        (Trigger.SCHEDULE, Status.MISSED): "missed",
    }[fire.trigger, fire.status]
    return f"{fire.scheduled_for:%H:%M} {verdict}"


# The task fires every ten minutes and its next_run_at is 12:00. (down from, down until), now, catch-up -> decisions.
DECISIONS = [
    # no outage: a live node runs everything, however late
    ("nothing due", None, "11:59", "none", []),
    ("due now", None, "12:00", "none", ["12:00 run"]),
    ("late by a second", None, "12:00:01", "none", ["12:00 run"]),
    ("late by half an hour, none", None, "12:35", "none", ["12:00 run", "12:10 run", "12:20 run", "12:30 run"]),
    ("late by half an hour, last", None, "12:35", "last", ["12:00 run", "12:10 run", "12:20 run", "12:30 run"]),
    # an outage that passes no fire time changes nothing
    ("outage before", ("11:40", "11:58"), "12:00", "last", ["12:00 run"]),
    ("outage between", ("12:01", "12:09"), "12:10", "none", ["12:00 run", "12:10 run"]),
    # one fire time missed
    ("one missed in grace, none", ("11:58", "12:05"), "12:05", "none", ["12:00 catch_up"]),
    ("one missed past grace, none", ("11:58", "12:05:01"), "12:05:01", "none", ["12:00 missed"]),
    ("one missed, last", ("11:58", "12:09"), "12:09", "last", ["12:00 catch_up"]),
    ("one missed, all", ("11:58", "12:09"), "12:09", "all", ["12:00 catch_up"]),
    # grace counts to the end of the outage, not to the moment of planning
    ("in grace, planned late", ("11:58", "12:05"), "12:09", "none", ["12:00 catch_up"]),
    # several missed
    ("three missed, none, in grace", ("11:58", "12:24"), "12:24", "none", ["12:00 missed", "12:10 missed", "12:20 catch_up"]),
    ("three missed, none, too late", ("11:58", "12:26"), "12:26", "none", ["12:00 missed", "12:10 missed", "12:20 missed"]),
    ("three missed, last", ("11:58", "12:26"), "12:26", "last", ["12:00 missed", "12:10 missed", "12:20 catch_up"]),
    ("three missed, all", ("11:58", "12:26"), "12:26", "all", ["12:00 catch_up", "12:10 catch_up", "12:20 catch_up"]),
    # the edges of an outage belong to the living
    ("died on the fire time", ("12:00", "12:09"), "12:09", "none", ["12:00 run"]),
    ("back on the fire time", ("11:58", "12:00"), "12:00", "none", ["12:00 run"]),
    ("died just before", ("11:59:59.999", "12:09"), "12:09", "none", ["12:00 missed"]),
    ("died just after, unplanned", ("12:00:00.001", "12:09"), "12:09", "none", ["12:00 run"]),
    ("back just after", ("11:58", "12:00:00.001"), "12:00:00.001", "none", ["12:00 catch_up"]),
    # live time before and after the outage
    ("live, missed, live", ("12:05", "12:26"), "12:30", "last", ["12:00 run", "12:10 missed", "12:20 catch_up", "12:30 run"]),
    ("live, missed, live, none", ("12:05", "12:29"), "12:30", "none", ["12:00 run", "12:10 missed", "12:20 missed", "12:30 run"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("outage", "now", "catch_up", "expected"), [row[1:] for row in DECISIONS], ids=[r[0] for r in DECISIONS]
)
def test_decision_table(outage: tuple[str, str] | None, now: str, catch_up: str, expected: list[str]) -> None:
    outages = [(at(outage[0]), at(outage[1]))] if outage else []

    planned = plan(catch_up, outages, next_run_at=at("12:00"), now=at(now))

    assert [short(fire) for fire in planned.fires] == expected
    assert planned.next_run_at == EVERY_TEN_MINUTES.next_fire_time(max(at(now), at("11:59")))


def test_of_two_outages_only_the_latest_missed_fire_time_is_caught_up() -> None:
    outages = [(at("12:25"), at("12:44")), (at("11:58"), at("12:24"))]

    planned = plan("last", outages, next_run_at=at("12:00"), now=at("12:44"))

    assert [short(fire) for fire in planned.fires] == [
        "12:00 missed", "12:10 missed", "12:20 missed", "12:30 missed", "12:40 catch_up",
    ]  # fmt: skip


def test_an_outage_that_passed_nothing_leaves_catch_up_to_the_one_before() -> None:
    outages = [(at("11:58"), at("12:04")), (at("12:05"), at("12:06"))]

    planned = plan("last", outages, next_run_at=at("12:00"), now=at("12:06"))

    assert [short(fire) for fire in planned.fires] == ["12:00 catch_up"]


def test_all_leaves_out_what_is_beyond_its_window() -> None:
    planned = plan("all", [(at("11:58"), at("12:26"))], next_run_at=at("12:00"), now=at("12:26"), window_seconds=960)

    assert [short(fire) for fire in planned.fires] == ["12:00 missed", "12:10 catch_up", "12:20 catch_up"]
    assert planned.fires[0].reason is Reason.OUTSIDE_WINDOW


def test_all_runs_the_newest_up_to_its_limit() -> None:
    planned = plan("all", [(at("11:58"), at("12:26"))], next_run_at=at("12:00"), now=at("12:26"), max_runs=2)

    assert [short(fire) for fire in planned.fires] == ["12:00 missed", "12:10 catch_up", "12:20 catch_up"]
    assert planned.fires[0].reason is Reason.OVER_LIMIT


def test_a_missed_row_says_why_in_code_and_sentence() -> None:
    planned = plan("none", [(at("11:58"), at("12:09"))], next_run_at=at("12:00"), now=at("12:09"))

    fire = planned.fires[0]
    assert fire.reason is Reason.SCHEDULER_DOWN
    assert fire.sentence == (
        "No node was running from 2026-03-02T11:58:00.000Z to 2026-03-02T12:09:00.000Z; "
        "catch-up is none, which runs only the latest one if it is at most 300 s late."
    )


def test_beyond_the_newest_thousand_one_row_tells_the_missed_ones() -> None:
    outage = (at("12:00:30"), at("+1 12:00:30"))

    planned = plan("last", [outage], next_run_at=at("12:01"), now=outage[1], schedule=EVERY_MINUTE, max_rows=2_000)

    first, *rest = planned.fires
    assert (first.status, first.missed_count) == (Status.MISSED, 440)
    assert (first.scheduled_for, first.missed_until) == (at("12:01"), at("19:20"))
    assert len(rest) == 1_000
    assert rest[0].scheduled_for == at("19:21")
    assert rest[-1].trigger is Trigger.CATCH_UP
    assert planned.next_run_at == at("+1 12:01")


def test_exactly_a_thousand_missed_need_no_common_row() -> None:
    outage = (at("00:00"), at("00:00") + 1_000 * SECOND + SECOND / 2)

    planned = plan("none", [outage], next_run_at=at("00:00:01"), now=outage[1], schedule=EVERY_SECOND, max_rows=2_000)

    assert len(planned.fires) == 1_000
    assert all(fire.missed_count is None for fire in planned.fires)


def test_a_year_of_missed_seconds_is_one_thousand_and_one_rows() -> None:
    outage = (at("00:00"), at("365 00:00"))

    planned = plan("all", [outage], next_run_at=at("00:00:01"), now=outage[1], schedule=EVERY_SECOND, max_rows=2_000)

    missed = sum(fire.missed_count or 1 for fire in planned.fires if fire.status is Status.MISSED)
    caught_up = [fire for fire in planned.fires if fire.trigger is Trigger.CATCH_UP]
    live = [fire for fire in planned.fires if short(fire).endswith("run")]
    assert (missed, len(caught_up), len(live)) == (365 * 86_400 - 1 - 100, 100, 1)


def test_a_live_backlog_is_planned_in_bounded_steps_without_a_hole() -> None:
    now = at("00:59:59")
    rows: list[datetime] = []
    due: datetime | None = at("00:00")
    steps = 0
    while due is not None and due <= now:
        planned = plan("none", [], next_run_at=due, now=now, schedule=EVERY_SECOND, max_rows=500)
        assert len(planned.fires) <= 500
        rows += [fire.scheduled_for for fire in planned.fires]
        due = planned.next_run_at
        steps += 1

    assert rows == [at("00:00") + n * SECOND for n in range(3_600)]
    assert (due, steps) == (at("01:00"), 8)


def test_the_next_fire_time_follows_from_the_planned_one_and_not_from_now() -> None:
    hourly = parse_schedule(cron_expression="0 * * * *", timezone="UTC")

    planned = plan("none", [], next_run_at=at("12:00"), now=at("12:00:07.250"), schedule=hourly)

    assert planned.next_run_at == at("13:00")


def test_a_clock_that_went_back_plans_nothing_twice() -> None:
    planned = plan("all", [(at("11:00"), at("11:30"))], next_run_at=at("12:00"), now=at("11:20"))

    assert planned == FirePlan(fires=(), next_run_at=at("12:00"))


def test_a_promised_fire_time_that_the_schedule_no_longer_names_is_kept() -> None:
    planned = plan("none", [], next_run_at=at("12:03"), now=at("12:11"))

    assert [short(fire) for fire in planned.fires] == ["12:03 run", "12:10 run"]
    assert planned.next_run_at == at("12:20")


def test_a_promised_fire_time_can_be_missed_like_any_other() -> None:
    planned = plan("all", [(at("12:00"), at("12:35"))], next_run_at=at("12:03"), now=at("12:35"), max_runs=3)

    assert [short(fire) for fire in planned.fires] == [
        "12:03 missed", "12:10 catch_up", "12:20 catch_up", "12:30 catch_up",
    ]  # fmt: skip


def test_a_promised_fire_time_that_is_to_come_waits() -> None:
    planned = plan("none", [], next_run_at=at("12:03"), now=at("12:02"))

    assert planned == FirePlan(fires=(), next_run_at=at("12:03"))


def test_a_schedule_without_a_further_fire_time_ends() -> None:
    last_day = parse_schedule(cron_expression="59 59 23 31 12 *", timezone="UTC")
    final = datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC)

    planned = plan("none", [], next_run_at=final, now=final, schedule=last_day)

    assert [fire.scheduled_for for fire in planned.fires] == [final]
    assert planned.next_run_at is None


@st.composite
def situations(draw: st.DrawFn) -> tuple[datetime, datetime, list[Outage]]:
    """A task's next fire time, now, and outages in between, in seconds of one hour."""
    edges = draw(st.lists(st.integers(0, 3_600_000), min_size=2, max_size=8, unique=True).map(sorted))
    instants = [DAY + timedelta(milliseconds=edge) for edge in edges]
    outages = list(zip(instants[::2], instants[1::2], strict=False))
    now = DAY + timedelta(milliseconds=draw(st.integers(edges[-1], 3_700_000)))
    first = EVERY_SECOND.next_fire_time(DAY + timedelta(seconds=draw(st.integers(0, 1_800))))
    assert first is not None
    return first, now, outages


def every_third_minute_off(at: datetime) -> Bar | None:
    """A calendar of its own kind."""
    return Bar(Reason.CALENDAR, "Off.") if at.minute % 3 == 0 else None


@settings(deadline=None, max_examples=40)
@given(
    situations(),
    st.sampled_from(["none", "last", "all"]),
    st.integers(100, 700),
    st.sampled_from([EVERY_MINUTE, EVERY_SECOND]),
    st.sampled_from([None, every_third_minute_off]),
)
def test_steps_of_any_size_tell_every_fire_time_once_and_decide_alike(
    situation: tuple[datetime, datetime, list[Outage]],
    catch_up: str,
    max_rows: int,
    schedule: Schedule,
    barred: Barred | None,
) -> None:
    start, now, outages = situation
    first = schedule.next_fire_time(start - SECOND)
    assert first is not None
    if first > now:
        return
    whole = plan(catch_up, outages, next_run_at=first, now=now, schedule=schedule, max_rows=10_000, barred=barred)

    stepped: list[PlannedFire] = []
    due: datetime | None = first
    while due is not None and due <= now:
        planned = plan(catch_up, outages, next_run_at=due, now=now, schedule=schedule, max_rows=max_rows, barred=barred)
        stepped += planned.fires
        due = planned.next_run_at

    assert tuple(stepped) == whole.fires
    assert due == whole.next_run_at == schedule.next_fire_time(now)
    assert sum(fire.missed_count or 1 for fire in stepped) == schedule.count_fire_times(first - SECOND, now)
    for fire in stepped:
        was_down = any(down < fire.scheduled_for < up for down, up in outages)
        if fire.missed_count is None and barred is not None and barred(fire.scheduled_for):
            assert fire.status is Status.SKIPPED
            continue
        assert was_down == (fire.status is Status.MISSED or fire.trigger is Trigger.CATCH_UP)
