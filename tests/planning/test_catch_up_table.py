"""The decision table of catch-up: what becomes of fire times that passed, by policy, lateness, number and liveness.

`docs/policies.md` shows the same table in words.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from cronplug.model import CatchUp, CronRule, Reason, Status, TaskDefinition, TaskType, Trigger
from cronplug.planning import Bar, CatchUpPolicy, plan_enable_catch_up, plan_fire_times
from cronplug.schedules import task_schedule

NEWEST = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RULE = CronRule(cron_expression="*/10 * * * *", timezone="UTC")
EVERY_TEN_MINUTES = task_schedule(TaskDefinition(name="-", type=TaskType.HTTP, schedules=(RULE,), end_at=NEWEST))
POLICY = {"misfire_grace_seconds": 300, "window_seconds": 3_600, "max_runs": 3}
"""Ten minutes lie between two fire times: five of them are 40 minutes."""

LATENESS = {"in grace": 200, "at grace": 300, "late": 301, "half out of window": 2_000, "out of window": 4_000}
"""How many seconds the newest fire time is late when the outage ends."""

COUNTS = {"one": 1, "as many as may": 3, "more than may": 5}

# One letter a fire time, the oldest first: R runs as planned, C is caught up; missed, because the scheduler was
# [d]own, it was [w] outside the window, or [l] beyond the limit.
AFTER_AN_OUTAGE = {
    ("none", "in grace", "one"): "C",
    ("none", "in grace", "as many as may"): "ddC",
    ("none", "in grace", "more than may"): "ddddC",
    ("none", "at grace", "one"): "C",
    ("none", "at grace", "as many as may"): "ddC",
    ("none", "at grace", "more than may"): "ddddC",
    ("none", "late", "one"): "d",
    ("none", "late", "as many as may"): "ddd",
    ("none", "late", "more than may"): "ddddd",
    ("none", "half out of window", "one"): "d",
    ("none", "half out of window", "as many as may"): "ddd",
    ("none", "half out of window", "more than may"): "ddddd",
    ("none", "out of window", "one"): "d",
    ("none", "out of window", "as many as may"): "ddd",
    ("none", "out of window", "more than may"): "ddddd",
    ("last", "in grace", "one"): "C",
    ("last", "in grace", "as many as may"): "ddC",
    ("last", "in grace", "more than may"): "ddddC",
    ("last", "at grace", "one"): "C",
    ("last", "at grace", "as many as may"): "ddC",
    ("last", "at grace", "more than may"): "ddddC",
    ("last", "late", "one"): "C",
    ("last", "late", "as many as may"): "ddC",
    ("last", "late", "more than may"): "ddddC",
    ("last", "half out of window", "one"): "C",
    ("last", "half out of window", "as many as may"): "ddC",
    ("last", "half out of window", "more than may"): "ddddC",
    ("last", "out of window", "one"): "C",
    ("last", "out of window", "as many as may"): "ddC",
    ("last", "out of window", "more than may"): "ddddC",
    ("all", "in grace", "one"): "C",
    ("all", "in grace", "as many as may"): "CCC",
    ("all", "in grace", "more than may"): "llCCC",
    ("all", "at grace", "one"): "C",
    ("all", "at grace", "as many as may"): "CCC",
    ("all", "at grace", "more than may"): "llCCC",
    ("all", "late", "one"): "C",
    ("all", "late", "as many as may"): "CCC",
    ("all", "late", "more than may"): "llCCC",
    ("all", "half out of window", "one"): "C",
    ("all", "half out of window", "as many as may"): "CCC",
    ("all", "half out of window", "more than may"): "wwCCC",
    ("all", "out of window", "one"): "w",
    ("all", "out of window", "as many as may"): "www",
    ("all", "out of window", "more than may"): "wwwww",
}
LETTERS = {
    (Trigger.SCHEDULE, Status.QUEUED, None): "R",
    (Trigger.CATCH_UP, Status.QUEUED, None): "C",
    (Trigger.SCHEDULE, Status.MISSED, Reason.SCHEDULER_DOWN): "d",
    (Trigger.SCHEDULE, Status.MISSED, Reason.OUTSIDE_WINDOW): "w",
    (Trigger.SCHEDULE, Status.MISSED, Reason.OVER_LIMIT): "l",
    (Trigger.SCHEDULE, Status.SKIPPED, Reason.CALENDAR): "x",
}


def policy(catch_up: str) -> CatchUpPolicy:
    return CatchUpPolicy(catch_up=CatchUp(catch_up), **POLICY)


def oldest(count: int) -> datetime:
    return NEWEST - timedelta(minutes=10 * (count - 1))


def planned(catch_up: str, late: int, count: int, *, live: bool, excluded: str = "") -> str:
    """The table's letters; `excluded` marks by x the fire times that a calendar excludes."""
    now = NEWEST + timedelta(seconds=late)
    marked = {oldest(count) + timedelta(minutes=10 * place) for place, mark in enumerate(excluded) if mark == "x"}
    assert EVERY_TEN_MINUTES is not None
    plan = plan_fire_times(
        EVERY_TEN_MINUTES,
        next_run_at=oldest(count),
        now=now,
        policy=policy(catch_up),
        outages=[] if live else [(oldest(count) - timedelta(seconds=1), now)],
        barred=(lambda at: Bar(Reason.CALENDAR, "Holiday.") if at in marked else None) if excluded else None,
    )
    assert [fire.scheduled_for for fire in plan.fires] == [
        oldest(count) + timedelta(minutes=10 * n) for n in range(count)
    ]
    assert all(fire.sentence for fire in plan.fires if fire.status is not Status.QUEUED)
    return "".join(LETTERS[fire.trigger, fire.status, fire.reason] for fire in plan.fires)


def test_the_table_is_complete() -> None:
    assert set(AFTER_AN_OUTAGE) == set(product((it.value for it in CatchUp), LATENESS, COUNTS))


@pytest.mark.parametrize(("catch_up", "late", "count"), AFTER_AN_OUTAGE, ids="-".join)
def test_after_an_outage(catch_up: str, late: str, count: str) -> None:
    expected = AFTER_AN_OUTAGE[catch_up, late, count]

    assert planned(catch_up, LATENESS[late], COUNTS[count], live=False) == expected


@pytest.mark.parametrize(("catch_up", "late", "count"), AFTER_AN_OUTAGE, ids="-".join)
def test_a_live_node_runs_everything_however_late(catch_up: str, late: str, count: str) -> None:
    assert planned(catch_up, LATENESS[late], COUNTS[count], live=True) == "R" * COUNTS[count]


@pytest.mark.parametrize(
    ("catch_up", "late", "excluded", "expected"),
    [
        ("none", 200, "x....", "xdddC"),
        ("none", 200, "....x", "ddddx"),  # the newest that may run is 800 s late, more than the grace
        ("last", 200, "....x", "dddCx"),
        ("last", 200, "..xxx", "dCxxx"),
        ("last", 200, "xxxxx", "xxxxx"),
        ("all", 200, "....x", "lCCCx"),
        ("all", 200, "x.x.x", "xCxCx"),
        ("all", 4_000, "x....", "xwwww"),
    ],
)
def test_an_excluded_fire_time_is_skipped_and_not_missed_and_never_caught_up(
    catch_up: str, late: int, excluded: str, expected: str
) -> None:
    assert planned(catch_up, late, 5, live=False, excluded=excluded) == expected


@pytest.mark.parametrize("catch_up", list(CatchUp))
def test_an_excluded_fire_time_of_a_live_node_is_skipped(catch_up: str) -> None:
    assert planned(catch_up, 200, 5, live=True, excluded=".x..x") == "RxRRx"


class TestEnabling:
    """A task was disabled over five fire times, the newest of them `late` seconds ago."""

    @pytest.mark.parametrize(
        ("catch_up", "late", "excluded", "runs"),
        [
            ("none", 0, "", []),
            ("none", 200, "", []),
            ("last", 0, "", [0]),
            ("last", 200, "", [0]),
            ("last", 100_000, "", [0]),
            ("last", 200, "....x", [10]),
            ("all", 200, "", [20, 10, 0]),
            ("all", 2_500, "", [10, 0]),
            ("all", 100_000, "", []),
            ("all", 200, "...xx", [40, 30, 20]),
            ("all", 200, "xxxxx", []),
        ],
    )
    def test_runs_what_is_asked_for(self, catch_up: str, late: int, excluded: str, runs: list[int]) -> None:
        marked = {oldest(5) + timedelta(minutes=10 * place) for place, mark in enumerate(excluded) if mark == "x"}

        fires = plan_enable_catch_up(
            EVERY_TEN_MINUTES,
            disabled_at=oldest(5) - timedelta(seconds=1),
            now=NEWEST + timedelta(seconds=late),
            policy=policy(catch_up),
            barred=lambda at: Bar(Reason.CALENDAR, "Holiday.") if at in marked else None,
        )

        assert [NEWEST - fire.scheduled_for for fire in fires] == [timedelta(minutes=ago) for ago in runs]
        assert {fire.trigger for fire in fires} <= {Trigger.CATCH_UP}

    def test_the_fire_time_at_which_it_was_disabled_had_its_run(self) -> None:
        fires = plan_enable_catch_up(EVERY_TEN_MINUTES, disabled_at=NEWEST, now=NEWEST, policy=policy("all"))

        assert fires == ()

    def test_a_task_without_a_schedule_has_nothing_to_catch_up(self) -> None:
        assert plan_enable_catch_up(None, disabled_at=oldest(5), now=NEWEST, policy=policy("all")) == ()
