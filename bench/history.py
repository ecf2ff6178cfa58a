"""Lists of executions in a very long history, through the API, beside the first page of an empty table."""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import uvloop

from bench.figures import quantile
from bench.filling import HISTORY_DAYS, clock_at
from bench.ours import api_client
from cronplug.clock import from_millis, rfc3339
from cronplug.ids import encode_id, first_id_at, time_of_id

REQUESTS = 200
DAY = 86_400_000


def lists(newest: int, tasks: list[int]) -> dict[str, Callable[[random.Random], str]]:
    """Each kind of list as a maker of queries: another task, another place in the history each time."""

    def deep(draw: random.Random) -> str:
        return encode_id(first_id_at(from_millis(newest - draw.randrange(DAY, (HISTORY_DAYS - 1) * DAY))))

    def day(draw: random.Random) -> str:
        begin = newest - draw.randrange(DAY, (HISTORY_DAYS - 1) * DAY)
        return f"from={rfc3339(from_millis(begin))}&to={rfc3339(from_millis(begin + DAY))}"

    def task(draw: random.Random) -> str:
        return f"taskId={encode_id(draw.choice(tasks))}"

    failed, mostly = "status=failed,timed_out,lost", "status=success"
    return {
        "newest": lambda draw: "",
        "deep": lambda draw: f"cursor={deep(draw)}",
        "task": task,
        "task_deep": lambda draw: f"{task(draw)}&cursor={deep(draw)}",
        "failed": lambda draw: failed,
        "failed_deep": lambda draw: f"{failed}&cursor={deep(draw)}",
        "lost_deep": lambda draw: f"status=lost&cursor={deep(draw)}",
        "success_deep": lambda draw: f"{mostly}&cursor={deep(draw)}",
        "manual_deep": lambda draw: f"trigger=manual&cursor={deep(draw)}",
        "function_deep": lambda draw: f"functionName=bench.timed&cursor={deep(draw)}",
        "task_failed": lambda draw: f"{task(draw)}&{failed}",
        "task_failed_deep": lambda draw: f"{task(draw)}&{failed}&cursor={deep(draw)}",
        "task_success_deep": lambda draw: f"{task(draw)}&{mostly}&cursor={deep(draw)}",
        "day": day,
        "day_failed": lambda draw: f"{day(draw)}&{failed}",
        "day_task": lambda draw: f"{day(draw)}&{task(draw)}",
        "page_100": lambda draw: "page=100",
    }


async def measure(folder: Path, queries: dict[str, Callable[[random.Random], str]], at: int) -> dict[str, float]:
    """Milliseconds: p99 on the clock, and the median of the processor's time, of the kinds of list and of /stats."""
    taken: dict[str, float] = {}
    draw = random.Random(1)
    async with api_client(folder, clock=clock_at(from_millis(at))) as client:

        async def take(name: str, path: str, query: Callable[[random.Random], str]) -> None:
            times, used = [], []
            await client.get(path + query(draw))
            for _ in range(REQUESTS):
                asked = path + query(draw)
                began, cpu = time.perf_counter(), time.process_time()
                await client.get(asked)
                times.append(1000 * (time.perf_counter() - began))
                used.append(1000 * (time.process_time() - cpu))
            taken[name] = quantile(times, 0.99)
            taken[f"{name}_cpu"] = quantile(used, 0.5)

        for name, query in queries.items():
            await take(name, "/executions?", query)
        await take("stats", "/stats", lambda draw: "")
    return taken


async def empty(folder: Path) -> dict[str, float]:
    return await measure(folder, {"empty": lambda draw: ""}, time.time_ns() // 1_000_000)


async def full(folder: Path) -> dict[str, float]:
    with closing(sqlite3.connect(folder / "cronplug.db")) as there:
        ((newest,),) = there.execute("SELECT max(id) FROM executions")
        tasks = [id for (id,) in there.execute("SELECT id FROM tasks ORDER BY id")]
    at = int(time_of_id(encode_id(newest)).timestamp() * 1000)
    return await measure(folder, lists(at, tasks), at)


def main() -> None:
    what, folder = sys.argv[1], Path(sys.argv[2])
    print(json.dumps(uvloop.run(empty(folder) if what == "empty" else full(folder))))


if __name__ == "__main__":
    main()
