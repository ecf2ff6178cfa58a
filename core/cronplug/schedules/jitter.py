"""Spreads the starts of executions whose fire times fall together, the same way each time it is asked."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b

from cronplug.clock import to_millis

_MILLISECOND = timedelta(milliseconds=1)


def jitter_of(
    task_id: str, fire_time: datetime, jitter_seconds: int, next_fire_time: datetime | None = None
) -> timedelta:
    """How long after its fire time an execution starts: from 0 up to, not including, `jitter_seconds`.

    It follows from the task and the fire time alone, so each node and each restart find the same, in whole
    milliseconds. An interval to `next_fire_time` that is shorter than the jitter takes its place: the execution starts
    before the next fire time, and the starts are still spread evenly. `next_fire_time` None: there is none.

    >>> from datetime import UTC
    >>> jitter_of("a task", datetime(2026, 1, 1, tzinfo=UTC), 30)
    datetime.timedelta(seconds=25, microseconds=319000)
    """
    width = jitter_seconds * 1000
    if next_fire_time is not None:
        width = min(width, (next_fire_time - fire_time) // _MILLISECOND)
    if width <= 0:
        return timedelta(0)
    text = f"{task_id}\0{to_millis(fire_time)}".encode("utf-8", "surrogatepass")
    number = int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
    return timedelta(milliseconds=number % width)
