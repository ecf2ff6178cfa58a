"""The peer: Procrastinate on PostgreSQL, its worker woken by notifications."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time

from procrastinate import App, PsycopgConnector

from bench.figures import GaveUp

CONCURRENCY = 20
BATCH = 1_000


async def throughput(url: str, count: int) -> dict[str, float]:
    """A backlog of jobs, to the end of a worker that leaves when there is nothing more to do."""
    app = App(connector=PsycopgConnector(conninfo=url, max_size=CONCURRENCY + 5))
    ran = 0

    @app.task(name="bench.noop")
    async def noop() -> None:
        nonlocal ran
        ran += 1

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for _ in range(0, count, BATCH):
            await noop.configure().batch_defer_async(*[{} for _ in range(min(BATCH, count))])
        began = time.perf_counter()
        await app.run_worker_async(concurrency=CONCURRENCY, wait=False, install_signal_handlers=False)
        elapsed = time.perf_counter() - began
        done = len(list(await app.job_manager.list_jobs_async(status="succeeded")))
    if (ran, done) != (count, count):
        raise GaveUp(f"Procrastinate: {ran} runs and {done} successes of {count}")
    return {"per_second": count / elapsed}


def main() -> None:
    logging.disable(logging.WARNING)
    print(json.dumps(asyncio.run(throughput(os.environ["CRONPLUG_BENCH_POSTGRES"], int(sys.argv[3])))))


if __name__ == "__main__":
    main()
