"""The peer: APScheduler 3, set up as its documentation recommends."""

from __future__ import annotations

import json
import pickle
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from bench.figures import rss_megabytes, seconds_until

starts: list[float] = []
all_done = threading.Event()
wanted = 0


def noop() -> None:
    starts.append(time.time())
    if len(starts) == wanted:
        all_done.set()


def scheduler_on(store: Any) -> BackgroundScheduler:
    return BackgroundScheduler(
        jobstores={"default": store},
        executors={"default": ThreadPoolExecutor(20)},
        job_defaults={"misfire_grace_time": None},  # with its default of 1 s most of a backlog would be dropped
        timezone=UTC,
    )


def expect(count: int) -> None:
    global wanted
    wanted = count


def throughput(folder: Path, count: int) -> dict[str, float]:
    """Stored jobs that are due, run one after another as fast as it goes."""
    expect(count)
    scheduler = scheduler_on(SQLAlchemyJobStore(url=f"sqlite:///{folder / 'jobs.db'}"))
    scheduler.start(paused=True)
    due = datetime.now(UTC)
    for number in range(count):
        scheduler.add_job("bench.peers.apscheduler3:noop", "date", run_date=due, id=str(number))
    began = time.perf_counter()
    scheduler.resume()
    all_done.wait()
    while scheduler.get_jobs():  # a job is off the store only after its run was handed out
        time.sleep(0.005)
    elapsed = time.perf_counter() - began
    scheduler.shutdown()
    return {"per_second": count / elapsed}


def lateness(folder: Path, count: int, *, memory: bool) -> dict[str, float]:
    """Cron jobs that are all due on one second."""
    expect(count)
    store = MemoryJobStore() if memory else SQLAlchemyJobStore(url=f"sqlite:///{folder / 'jobs.db'}")
    scheduler = scheduler_on(store)
    scheduler.start(paused=True)
    at = (datetime.now(UTC) + timedelta(seconds=4 if memory else 12)).replace(microsecond=0)
    trigger = CronTrigger(hour=at.hour, minute=at.minute, second=at.second, timezone=UTC)
    for number in range(count):
        scheduler.add_job("bench.peers.apscheduler3:noop", trigger, id=str(number))
    if seconds_until(at) < 0.5:
        raise SystemExit("adding the jobs took too long for this measurement")
    scheduler.resume()
    all_done.wait()
    scheduler.shutdown()
    late = sorted((start - at.timestamp()) * 1000 for start in starts)
    return {"p50_ms": late[len(late) // 2], "p99_ms": late[int(len(late) * 0.99)], "ran": len(late)}


def start_up(folder: Path, count: int, *, memory: bool) -> dict[str, float]:
    """From the first line to a running scheduler that knows `count` cron jobs."""
    began = time.perf_counter()
    base = rss_megabytes()
    if memory:
        scheduler = scheduler_on(MemoryJobStore())
        for number in range(count):
            scheduler.add_job(
                "bench.peers.apscheduler3:noop", CronTrigger(hour=3, minute=number % 60, timezone=UTC), id=str(number)
            )
    else:
        scheduler = scheduler_on(SQLAlchemyJobStore(url=f"sqlite:///{folder / 'jobs.db'}"))
    scheduler.start()
    started = time.perf_counter() - began
    grown = rss_megabytes() - base
    began = time.perf_counter()
    listed = len(scheduler.get_jobs())
    listing = time.perf_counter() - began
    scheduler.shutdown(wait=False)
    assert listed == count, listed
    return {"start_seconds": started, "grown_megabytes": grown, "list_seconds": listing}


def fill(folder: Path, count: int) -> dict[str, float]:
    """Put `count` cron jobs into the store, in one go: adding them one by one takes minutes."""
    store = SQLAlchemyJobStore(url=f"sqlite:///{folder / 'jobs.db'}")
    scheduler = scheduler_on(store)
    scheduler.start(paused=True)
    rows = []
    for number in range(count):
        trigger = CronTrigger(hour=3, minute=number % 60, timezone=UTC)
        following = trigger.get_next_fire_time(None, datetime.now(UTC))
        job = Job(scheduler, id=str(number), func="bench.peers.apscheduler3:noop", args=(), kwargs={}, name="noop",
                  trigger=trigger, executor="default", misfire_grace_time=None, coalesce=True, max_instances=1,
                  next_run_time=following)  # fmt: skip
        state = pickle.dumps(job.__getstate__(), store.pickle_protocol)
        rows.append({"id": job.id, "next_run_time": following.timestamp(), "job_state": state})
    with store.engine.begin() as connection:
        connection.execute(store.jobs_t.insert(), rows)
    scheduler.shutdown()
    return {}


def main() -> None:
    what, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    measured = {
        "throughput": lambda: throughput(folder, count),
        "lateness": lambda: lateness(folder, count, memory=False),
        "lateness-memory": lambda: lateness(folder, count, memory=True),
        "fill": lambda: fill(folder, count),
        "start": lambda: start_up(folder, count, memory=False),
        "start-memory": lambda: start_up(folder, count, memory=True),
    }[what]()
    print(json.dumps(measured))


if __name__ == "__main__":
    from bench.peers import apscheduler3  # jobs name this module: their counters are there, not in __main__

    apscheduler3.main()
