"""Databases too large to be filled through the store: a few rows by it, then SQL makes many of them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.ours import definition_of, insert_tasks, settings_for
from cronplug.clock import SteeredClock, SystemClock, from_millis, to_millis
from cronplug.engine.rollups import Roller
from cronplug.ids import first_id_at
from cronplug.model import CronRule
from cronplug.store import Store, migrate, rollups, upkeep

NEVER_SOON = datetime(2100, 1, 1, tzinfo=UTC)
QUEUED_AT_ONCE = 20_000
SEED_TASKS = 1_000
HISTORY_DAYS = 90
ROLLED_UP = timedelta(hours=48)
_MILLISECOND_OF_IDS = 1 << 22
_INSERT_AT_ONCE = 500_000
_NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :until)"

# A hundredth is not fired by a schedule; of the ended ones 3 % are no successes. Tasks come in no order.
_HISTORY = f"""
{_NUMBERS}
INSERT INTO executions (
    id, "trigger", status, scheduled_for, queued_at, available_at, task_id, task_name, task_revision, type,
    function_name, timeout_seconds, reason, attempt, cut_offs, cancel_requested, started_at, attempt_started_at,
    finished_at, error_message, log_lines, log_truncated
)
SELECT
    :first_id + n * :step * {_MILLISECOND_OF_IDS},
    CASE n % 200 WHEN 0 THEN 'manual' WHEN 1 THEN 'api' ELSE 'schedule' END,
    CASE WHEN ended < 970 THEN 'success' WHEN ended < 985 THEN 'failed' WHEN ended < 990 THEN 'timed_out'
        WHEN ended < 993 THEN 'cancelled' WHEN ended < 994 THEN 'lost' WHEN ended < 997 THEN 'skipped' ELSE 'missed' END,
    at, at + 3, at + 3, task_id, name, 1, 'function', function_name, 60,
    CASE WHEN ended < 970 THEN 'completed' WHEN ended < 985 THEN 'error' ELSE 'timeout' END,
    1, 0, 0,
    CASE WHEN ended < 994 THEN at + 5 END, CASE WHEN ended < 994 THEN at + 5 END, at + 5 + ended,
    CASE WHEN ended >= 970 THEN 'connection to warehouse refused' END, 0, 0
FROM (
    SELECT n, :begin + n * :step AS at, (n * 2654435761 >> 9) % 1000 AS ended, (n * 40503 >> 3) % {SEED_TASKS} AS task
    FROM numbers
) JOIN seeds ON seeds.number = task
"""


async def _seed(folder: Path, count: int) -> None:
    """A migrated database with a few tasks that are not due for very long."""
    settings = settings_for(folder, slots=5)
    await migrate(settings.database_url)
    store = await Store.open(settings.database_url, sqlite_synchronous="normal", readers=1)
    try:
        rule = CronRule(cron_expression="0 0 * * *", timezone="UTC")
        await insert_tasks(
            store, ((definition_of(number, rule, start_at=NEVER_SOON), NEVER_SOON) for number in range(count))
        )
    finally:
        await store.close()


def fill_tasks(folder: Path, count: int) -> None:
    """A database with `count` tasks that are not due for very long."""
    asyncio.run(_seed(folder, min(count, SEED_TASKS)))
    copies = count // SEED_TASKS
    with closing(_unsafely(folder)) as there:
        for table, key in (("tasks", "id"), ("task_revisions", "task_id")):
            there.execute(f"CREATE TEMP TABLE seed AS SELECT * FROM {table}")
            names = [f'"{name}"' for _, name, *_ in there.execute(f"PRAGMA table_info({table})")]
            values = [f"{name} + n * {_MILLISECOND_OF_IDS << 8}" if name == f'"{key}"' else name for name in names]
            there.execute(
                f"{_NUMBERS} INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} FROM numbers, seed",
                {"first": 1, "until": copies},
            )
            there.execute("DROP TABLE seed")
        there.commit()


def fill_history(folder: Path, count: int) -> None:
    """A database with `count` executions of 90 days up to now, of a thousand tasks; the last two days are rolled up."""
    asyncio.run(_seed(folder, SEED_TASKS))
    now = to_millis(SystemClock().now())
    step = HISTORY_DAYS * 86_400_000 // count
    begin = now - count * step
    given = {"begin": begin, "step": step, "first_id": first_id_at(from_millis(begin + 3))}
    with closing(_unsafely(folder)) as there:
        there.execute(
            "CREATE TEMP TABLE seeds AS SELECT row_number() OVER (ORDER BY id) - 1 AS number, id AS task_id, name, "
            "function_name FROM tasks"
        )
        there.execute("CREATE UNIQUE INDEX temp.by_number ON seeds (number)")
        indexes = list(
            there.execute("SELECT name, sql FROM sqlite_master WHERE tbl_name = 'executions' AND type = 'index'")
        )
        for name, _ in indexes:
            there.execute(f"DROP INDEX {name}")
        for first in range(0, count, _INSERT_AT_ONCE):
            there.execute(_HISTORY, given | {"first": first, "until": min(first + _INSERT_AT_ONCE, count)})
            there.commit()
        for _, sql in indexes:  # made at once they are made in order, which takes a tenth of the time
            there.execute(sql)
        there.commit()
    asyncio.run(_roll_up(folder, now))


async def _roll_up(folder: Path, now: int) -> None:
    store = await Store.open(settings_for(folder, slots=5).database_url, sqlite_synchronous="normal", readers=1)
    try:
        at = from_millis(now)
        await store.write(upkeep.refresh_statistics)
        await store.write(
            lambda conn: rollups.begin_at(conn, (at - ROLLED_UP).replace(minute=0, second=0, microsecond=0))
        )
        roller = Roller(store=store, clock=clock_at(at), default_timezone="UTC", pause_seconds=0)
        while await roller.step_once():
            pass
    finally:
        await store.close()


def clock_at(at: datetime) -> SteeredClock:
    """A clock that goes on from `at`: for it a kept database is always of now."""
    clock, now = SteeredClock(SystemClock()), SystemClock().now()
    clock.steer(at, asked_at=now, answered_at=now)
    return clock


def put_queued(database: sqlite3.Connection, count: int, function: str) -> None:
    """Queue executions of a function beside a running server, which finds them when it next looks."""
    now = time.time_ns() // 1_000_000
    database.execute(
        f"""{_NUMBERS} INSERT INTO executions (
            id, "trigger", status, scheduled_for, queued_at, available_at, type, function_name, payload,
            timeout_seconds, attempt, cut_offs, cancel_requested, log_lines, log_truncated
        ) SELECT :id + n, 'api', 'queued', :now, :now, :now, 'function', :function, '{{}}', 60, 0, 0, 0, 0, 0 FROM numbers""",
        {"first": 0, "until": count, "id": first_id_at(from_millis(now)), "now": now, "function": function},
    )
    database.commit()


def _unsafely(folder: Path) -> sqlite3.Connection:
    there = sqlite3.connect(folder / "cronplug.db")
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY"):
        there.execute(f"PRAGMA {pragma}")
    return there


def main() -> None:
    what, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    fill: dict[str, Callable[[Path, int], None]] = {"tasks": fill_tasks, "history": fill_history}
    began = time.perf_counter()
    fill[what](folder, count)
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
