"""The peer: Huey on SQLite, with its results stored and every commit on disk (`fsync=True`) as ours are."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from huey import SqliteHuey

from bench.figures import GaveUp, lateness_of, wait_until

PER_SECOND = 500
WORKERS = 2
huey = SqliteHuey(filename=str(Path(sys.argv[2]) / "huey.db"), fsync=True, utc=False)
starts: list[float] = []


@huey.task()
def noop() -> bool:
    starts.append(time.time())
    return True  # of a task that returns None Huey keeps no record


@contextmanager
def consuming() -> Iterator[None]:
    """The consumer as `huey_consumer` runs it, with threads as its documentation advises for short tasks."""
    consumer = huey.create_consumer(workers=WORKERS, worker_type="thread", periodic=False, scheduler_interval=1)
    consumer.start()
    try:
        yield
    finally:
        consumer.stop(graceful=True)


def throughput(count: int) -> dict[str, float]:
    """A backlog of calls, to the last stored result."""
    for _ in range(count):
        noop()
    began = time.perf_counter()
    with consuming():
        wait_until(lambda: len(starts) >= count and huey.result_count() >= count, f"{count} results", every=0.005)
        elapsed = time.perf_counter() - began
    return {"per_second": count / elapsed}


def steady(count: int, *, scheduled: bool) -> dict[str, float]:
    """500 calls a second, planned beforehand for their instants; or made by a thread when their instants come."""
    began = time.time() + (1.0 + 2 * count * _seconds_to_plan() if scheduled else 1.0)
    due = [began + number / PER_SECOND for number in range(count)]
    if scheduled:
        for at in due:
            noop.schedule(eta=datetime.fromtimestamp(at))  # noqa: DTZ006 - Huey takes local times
        if time.time() > began:
            raise GaveUp("planning the calls took too long for this measurement")

    def call() -> None:
        for at in due:
            if (wait := at - time.time()) > 0:
                time.sleep(wait)
            noop()

    caller = threading.Thread(target=(lambda: None) if scheduled else call)
    with consuming():
        caller.start()
        wait_until(lambda: len(starts) >= count, f"{count} starts", seconds=count / PER_SECOND + 120)
        caller.join()
    return lateness_of(starts, due)


def _seconds_to_plan() -> float:
    began = time.perf_counter()
    for _ in range(100):
        noop.schedule(delay=86_400)
    return (time.perf_counter() - began) / 100


def main() -> None:
    logging.disable(logging.INFO)
    what, count = sys.argv[1], int(sys.argv[3])
    measured = {
        "throughput": lambda: throughput(count),
        "steady": lambda: steady(count, scheduled=True),
        "steady-called": lambda: steady(count, scheduled=False),
    }[what]()
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
