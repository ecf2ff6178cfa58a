"""Failures are put together by what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cronplug.planning.fingerprints import Failure, group_failures, normalise

AT = datetime(2026, 3, 1, tzinfo=UTC)


def failure(number: int, message: str | None, reason: str = "error") -> Failure:
    return Failure(f"e{number}", reason, message, AT - timedelta(minutes=number))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("row 7 of 12 is broken", "row 8 of 4711 is broken"),
        ("took 1.5 s", "took 30 s"),
        ("no user 0f8fad5b-d9cb-469f-a165-70867728950e", "no user 7C9E6679-7425-40DE-944B-E07FC1F90AE7"),
        ("object at 0x7fb01922ec20", "object at 0x1f"),
        ("digest 9fceb02d0ae5", "digest 00aa11bb22cc"),
        ("at 2026-03-01T12:00:00Z", "at 2025-12-24T18:30:01Z"),
        (
            "Traceback (most recent call last):\n  a\nKeyError: 'x1'",
            "Traceback (most recent call last):\n b\nKeyError: 'x2'",
        ),
    ],
)
def test_what_differs_each_time_does_not_count(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"), [("no disk", "no memory"), ("deadbeef is food", "facade is a front"), ("", "x")]
)
def test_words_count(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


def test_the_most_frequent_come_first_then_the_newest() -> None:
    newest_first = [
        failure(1, "once, but new"),
        failure(2, "disk 3 is full"),
        failure(3, "timeout", "timeout"),
        failure(4, "disk 4 is full"),
        failure(5, None),
        failure(6, "timeout", "error"),
    ]

    groups = group_failures(newest_first, most=4)

    assert [(group.message, group.reason, group.count) for group in groups] == [
        ("disk <n> is full", "error", 2),
        ("once, but new", "error", 1),
        ("timeout", "timeout", 1),
        ("", "error", 1),
    ]
    disk = groups[0]
    assert (disk.last_message, disk.last_execution_id) == ("disk 3 is full", "e2")
    assert (disk.first_at, disk.last_at) == (AT - timedelta(minutes=4), AT - timedelta(minutes=2))
    assert len({group.fingerprint for group in groups}) == 4
