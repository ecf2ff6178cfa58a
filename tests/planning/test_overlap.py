"""What overlap does: the decision table, then several fires of one plan, and the limit of executions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cronplug.model import Overlap, Status, Trigger, Unfinished
from cronplug.planning import PlannedFire, Settled, settle_overlap

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RUNNING = Unfinished(execution_id="0running", is_running=True, since=NOW - timedelta(minutes=5))
WAITING = Unfinished(execution_id="0waiting", is_running=False, since=NOW - timedelta(minutes=3))
FULL = Unfinished(execution_id="0running", is_running=True, since=NOW - timedelta(minutes=5), held=2)


def fire(minute: int, trigger: Trigger = Trigger.SCHEDULE, status: Status = Status.QUEUED) -> PlannedFire:
    return PlannedFire(scheduled_for=NOW + timedelta(minutes=minute), trigger=trigger, status=status)


def caught_up(minute: int) -> PlannedFire:
    return fire(minute, Trigger.CATCH_UP)


def settle(overlap: str, *fires: PlannedFire, unfinished: Unfinished | None = None, room: int | None = None) -> Settled:
    return settle_overlap(fires, overlap=Overlap(overlap), unfinished=unfinished, queue_max=2, room=room)


def short(settled: Settled) -> list[str]:
    return ["held" if it.held else it.reason or it.status.value for it in settled.fires]


@pytest.mark.parametrize("trigger", [Trigger.SCHEDULE, Trigger.MANUAL])
@pytest.mark.parametrize(
    ("overlap", "unfinished", "expected", "replaces"),
    [
        ("skip", None, "queued", False),
        ("skip", RUNNING, "overlap", False),
        ("skip", WAITING, "overlap", False),
        ("queue", None, "queued", False),
        ("queue", RUNNING, "held", False),
        ("queue", WAITING, "held", False),
        ("queue", FULL, "queue_full", False),
        ("allow", None, "queued", False),
        ("allow", RUNNING, "queued", False),
        ("allow", FULL, "queued", False),
        ("replace", None, "queued", False),
        ("replace", RUNNING, "held", True),
        ("replace", WAITING, "queued", True),
        ("replace", FULL, "held", True),
    ],
)
def test_overlap_table(
    trigger: Trigger, overlap: str, unfinished: Unfinished | None, expected: str, replaces: bool
) -> None:
    settled = settle(overlap, fire(0, trigger), unfinished=unfinished)

    assert short(settled) == [expected]
    assert settled.replaces == replaces
    assert settled.started == (expected in ("queued", "held"))


@pytest.mark.parametrize("overlap", ["skip", "queue", "replace"])
@pytest.mark.parametrize("unfinished", [RUNNING, WAITING, FULL])
def test_what_is_caught_up_waits_its_turn_and_is_never_skipped(overlap: str, unfinished: Unfinished) -> None:
    settled = settle(overlap, caught_up(0), caught_up(1), caught_up(2), unfinished=unfinished)

    assert short(settled) == ["held", "held", "held"]
    assert not settled.replaces


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        ("skip", ["missed", "queued", "overlap", "overlap", "overlap"]),
        ("queue", ["missed", "queued", "held", "held", "queue_full"]),
        ("allow", ["missed", "queued", "queued", "queued", "queued"]),
        ("replace", ["missed", "replaced", "replaced", "replaced", "queued"]),
    ],
)
def test_each_fire_of_a_plan_is_unfinished_for_those_after_it(overlap: str, expected: list[str]) -> None:
    missed = fire(0, status=Status.MISSED)

    assert short(settle(overlap, missed, fire(1), fire(2), fire(3), fire(4))) == expected


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        ("skip", ["queued", "held", "overlap"]),
        ("queue", ["queued", "held", "held"]),
        ("allow", ["queued", "queued", "queued"]),
        ("replace", ["replaced", "replaced", "queued"]),
    ],
)
def test_caught_up_runs_come_one_by_one_before_the_scheduled_one(overlap: str, expected: list[str]) -> None:
    assert short(settle(overlap, caught_up(0), caught_up(1), fire(2))) == expected


def test_what_is_replaced_within_a_plan_is_cancelled_and_says_by_what() -> None:
    settled = settle("replace", fire(0), fire(1))

    assert settled.fires[0].status is Status.CANCELLED
    assert "2026-03-02T12:01:00.000Z" in (settled.fires[0].sentence or "")


def test_a_skipped_run_names_the_execution_and_since_when_it_runs() -> None:
    [skipped] = settle("skip", fire(0), unfinished=RUNNING).fires

    assert skipped.sentence == "Still running since 2026-03-02T11:55:00.000Z (execution 0running), and overlap is skip."


def test_a_full_queue_says_how_many_wait() -> None:
    [skipped] = settle("queue", fire(0), unfinished=FULL).fires

    assert skipped.sentence == (
        "Still running since 2026-03-02T11:55:00.000Z (execution 0running), and 2 wait behind it, "
        "which is the most that may."
    )


class TestTheLimitOfExecutions:
    def test_ends_the_plan_with_the_last_one_that_may_start(self) -> None:
        settled = settle("allow", fire(0), fire(1), fire(2), room=2)

        assert (short(settled), settled.started, settled.is_used_up) == (["queued", "queued"], 2, True)

    def test_counts_neither_missed_nor_skipped_ones(self) -> None:
        missed = fire(0, status=Status.MISSED)
        settled = settle("skip", missed, fire(1), fire(2), fire(3), room=2)

        assert (settled.started, settled.is_used_up, len(settled.fires)) == (1, False, 4)

    def test_lets_nothing_start_once_it_is_reached(self) -> None:
        assert settle("allow", fire(0), room=0) == Settled(fires=(), is_used_up=True)

    def test_counts_what_another_one_replaced(self) -> None:
        settled = settle("replace", fire(0), fire(1), fire(2), room=2)

        assert (short(settled), settled.started, settled.is_used_up) == (["replaced", "queued"], 2, True)
