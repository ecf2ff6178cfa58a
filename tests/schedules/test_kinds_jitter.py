"""Jitter: the same each time, spread evenly, and never past the next fire time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cronplug.schedules import jitter_of

FIRE_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@given(
    task_id=st.text(max_size=20),
    jitter_seconds=st.integers(0, 86_400),
    interval_seconds=st.one_of(st.none(), st.integers(1, 200_000)),
)
def test_jitter_is_within_its_bound_and_before_the_next_fire_time(
    task_id: str, jitter_seconds: int, interval_seconds: int | None
) -> None:
    following = None if interval_seconds is None else FIRE_TIME + timedelta(seconds=interval_seconds)

    jitter = jitter_of(task_id, FIRE_TIME, jitter_seconds, following)

    assert jitter == jitter_of(task_id, FIRE_TIME, jitter_seconds, following)
    assert timedelta(0) <= jitter < timedelta(seconds=max(jitter_seconds, 1))
    assert following is None or FIRE_TIME + jitter < following


def test_no_jitter_is_none_at_all() -> None:
    assert jitter_of("a", FIRE_TIME, 0) == timedelta(0)


def test_tasks_and_fire_times_are_spread_over_the_whole_width() -> None:
    tasks = [jitter_of(f"task {n}", FIRE_TIME, 60) for n in range(2000)]
    times = [jitter_of("a", FIRE_TIME + timedelta(minutes=n), 3600, FIRE_TIME + timedelta(minutes=n + 1)) for n in range(2000)]  # fmt: skip

    for found in (tasks, times):
        by_tenth = [sum(1 for at in found if at // timedelta(seconds=6) == tenth) for tenth in range(10)]
        assert min(by_tenth) > 140, by_tenth
