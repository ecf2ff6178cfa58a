"""Histograms that add up, and percentiles that are near enough."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from cronplug.model import Status
from cronplug.planning.tallies import Tally, merged, pack_histogram, read_histogram, read_histograms

SECONDS = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=50)


def tally_of(seconds: list[float]) -> Tally:
    tally = Tally()
    for value in seconds:
        tally.add(Status.SUCCESS, seconds=value, delay=value)
    return tally


@given(SECONDS, st.sampled_from([0.5, 0.95, 1.0]))
def test_a_percentile_is_told_to_within_ten_percent(seconds: list[float], fraction: float) -> None:
    exact = sorted(seconds)[math.ceil(len(seconds) * fraction) - 1]

    told = tally_of(seconds).duration(fraction)

    assert told is not None
    assert abs(told - exact) <= max(0.1 * exact, 0.0006)  # written in whole milliseconds
    assert told <= max(seconds)


@given(SECONDS, SECONDS)
def test_tallies_add_up(some: list[float], more: list[float]) -> None:
    assert merged([tally_of(some), tally_of(more)]) == tally_of(some + more)


@given(SECONDS)
def test_a_histogram_is_read_as_it_was_written(seconds: list[float]) -> None:
    histogram = tally_of(seconds).durations

    assert read_histogram(pack_histogram(histogram)) == histogram


def test_many_histograms_add_up_as_often_as_they_are_read() -> None:
    texts = ["-2:1 3:7", "3:1"] * 200

    read_histograms(texts)[3] = 0  # what was read belongs to the caller

    assert read_histograms(texts) == {-2: 200, 3: 1600}


def test_only_decisive_ends_have_durations() -> None:
    tally = Tally()
    tally.add(Status.CANCELLED, seconds=5)
    tally.add(Status.LOST, seconds=5)
    tally.add(Status.TIMED_OUT, seconds=7)

    assert (tally.ended, tally.failures, tally.max_seconds) == (3, 2, 7)
    assert sum(tally.durations.values()) == 1
    assert Tally().duration(0.5) is None
