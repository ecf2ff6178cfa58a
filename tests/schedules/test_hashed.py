"""`H`: a value that follows from the seed of a schedule, the task's identifier. The meaning is Jenkins'."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cronplug.schedules import ScheduleError, describe, parse_schedule
from cronplug.schedules.spec import compile_cron
from cronplug.schedules.tokens import resolve_hash

SEEDS = [f"task {number}" for number in range(2_000)]


def resolved(text: str, seed: str) -> list[str]:
    return resolve_hash(text, seed).split()


@pytest.mark.parametrize(
    ("text", "place", "values"),
    [
        ("H * * * *", 0, range(60)),
        ("0 H * * *", 1, range(24)),
        ("0 0 H * *", 2, range(1, 29)),
        ("0 0 1 H *", 3, range(1, 13)),
        ("0 0 * * H", 4, range(7)),
        ("H 0 0 * * *", 0, range(60)),
        ("H(10-19) * * * *", 0, range(10, 20)),
        ("0 0 H(25-31) * *", 2, range(25, 32)),
        ("0 0 * * H(MON-FRI)", 4, range(1, 6)),
        ("0 0 * * H(5-7)", 4, (5, 6, 0)),
        ("0 0 1 h(jan-mar) *", 3, range(1, 4)),
        ("H/1 * * * *", 0, range(60)),
        ("H(7-7) * * * *", 0, (7,)),
    ],
)
def test_h_is_one_value_and_all_of_the_range_come_up_about_equally_often(
    text: str, place: int, values: list[int]
) -> None:
    counted = Counter(int(resolved(text, seed)[place]) for seed in SEEDS)

    assert set(counted) == set(values)
    mean = len(SEEDS) / len(values)
    assert max(counted.values()) < 2 * mean


@pytest.mark.parametrize(
    ("text", "place", "low", "high", "step"),
    [
        ("H/15 * * * *", 0, 0, 59, 15),
        ("0 H/7 * * *", 1, 0, 23, 7),
        ("0 0 H/10 * *", 2, 1, 28, 10),
        ("H(5-50)/20 * * * *", 0, 5, 50, 20),
        ("H(0-9)/10 * * * *", 0, 0, 9, 10),
    ],
)
def test_h_with_a_step_is_every_nth_from_one_of_the_first_n(
    text: str, place: int, low: int, high: int, step: int
) -> None:
    possible = {frozenset(range(start, high + 1, step)) for start in range(low, low + step)}
    found = set()
    for seed in SEEDS:
        spec = compile_cron(text, seed)
        masks = (spec.minutes, spec.hours, spec.days[3])  # a month of 31 days
        found.add(frozenset(value for value in range(60) if masks[place] >> value & 1))

    assert found == possible


def test_the_fields_are_independent_of_each_other() -> None:
    slots = Counter((compile_cron("H H * * *", seed).first_time) for seed in SEEDS)

    assert len(slots) > 1_000  # of 1,440 slots for 2,000 tasks, 1,081 are expected
    assert max(slots.values()) < 12


def test_the_value_depends_on_nothing_but_the_seed_and_the_field() -> None:
    assert resolved("H 3 * * *", "a task") == ["43", "3", "*", "*", "*"]
    assert resolved("H 3 * * *", "") == resolved("H 3 * * *", "")
    assert resolved("0 H H * * *", "x")[1] == resolved("H 5 1 * *", "x")[0]
    assert resolved("H,H(0-29) * * * *", "a task") == ["43,13", "*", "*", "*", "*"]


def test_a_schedule_keeps_the_seed_and_tells_the_value() -> None:
    schedule = parse_schedule(cron_expression="H 3 * * *", timezone="UTC", seed="a task")

    assert schedule.seed == "a task"
    assert describe(schedule) == "At 03:43, every day"


def test_h_names_a_fixed_time_and_restricts_a_day_field() -> None:
    assert not compile_cron("H H * * *", "a task").is_wild
    assert compile_cron("H * * * *", "a task").is_wild
    either = compile_cron("0 0 H * 1", "a task")
    assert either.days[3].bit_count() > compile_cron("0 0 * * 1", "a task").days[3].bit_count()


@given(st.text(max_size=20), st.text(alphabet="H0123456789()-/,*", max_size=12))
def test_any_seed_and_any_text_get_an_answer_or_a_schedule_error(seed: str, column: str) -> None:
    with suppress(ScheduleError):
        parse_schedule(cron_expression=f"{column} H H * H", timezone="UTC", seed=seed)
