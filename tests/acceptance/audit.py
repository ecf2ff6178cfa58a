"""The audit: broken promises of a database, found by SQL over whole tables. The server must have ended, or rest."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg

FIRED = "\"trigger\" IN ('schedule', 'catch_up')"
NEVER_STARTED = ("skipped", "missed")


class Database:
    """A database of cronplug, asked beside it: a SQLite file or the URL of a PostgreSQL database."""

    def __init__(self, place: Path | str) -> None:
        self._place = place

    def select(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        if isinstance(self._place, Path):
            with closing(sqlite3.connect(f"file:{self._place}?mode=ro", uri=True, timeout=30)) as connection:
                return connection.execute(sql).fetchall()
        with ThreadPoolExecutor(max_workers=1) as thread:  # a loop may run here already
            return thread.submit(asyncio.run, self._select_there(self._place, sql)).result()

    @staticmethod
    async def _select_there(url: str, sql: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()


def find_faults(database: Database, *, from_creation: bool = True) -> list[str]:
    """Every promise broken, in words.

    Of each task on `* * * * * *` every second has exactly one row, from its first one (with `from_creation`, the first
    after the task was made) to the last before the next that is planned. Nothing under at_most_once and without
    retries began twice; nothing waits or runs any more, and whatever ended says why.
    """
    return [
        *_fire_times(database, from_creation=from_creation),
        *(f"{name}: {count} attempts under at_most_once" for name, count in database.select(_BEGUN_TWICE)),
        *(f"{count} executions are {status}" for status, count in database.select(_UNENDED)),
        *(f"{count} executions are {status} without a reason" for status, count in database.select(_UNTOLD)),
        *(f"{count} rows of {table} belong to no execution" for table, count in _strays(database)),
    ]


def statuses(database: Database) -> Counter[str]:
    """How many executions of schedules have each status and reason."""
    rows = database.select(f"SELECT status, coalesce(reason, ''), count(*) FROM executions WHERE {FIRED} GROUP BY 1, 2")
    return Counter({f"{status} ({reason})": count for status, reason, count in rows})


_BEGUN_TWICE = """
    SELECT e.task_name, count(*) FROM executions e
    JOIN task_revisions r ON r.task_id = e.task_id AND r.revision = e.task_revision
    LEFT JOIN attempts a ON a.execution_id = e.id
    WHERE r.definition LIKE '%"delivery":"at_most_once"%' AND r.definition LIKE '%"max_retries":0%'
    GROUP BY e.id, e.task_name, e.attempt, e.cut_offs HAVING e.attempt > 1 OR e.cut_offs > 1 OR count(a.execution_id) > 1
"""
_UNENDED = "SELECT status, count(*) FROM executions WHERE status IN ('queued', 'running') GROUP BY 1"
_UNTOLD = "SELECT status, count(*) FROM executions WHERE reason IS NULL GROUP BY 1"


def _fire_times(database: Database, *, from_creation: bool) -> Sequence[str]:
    faults: list[str] = []
    every_second = database.select(
        "SELECT id, created_at, next_run_at FROM tasks WHERE definition LIKE '%\"* * * * * *\"%'"
    )
    expected = {task: (created_at // 1000 + 1) * 1000 for task, created_at, _ in every_second if from_creation}
    rows = database.select(
        f"SELECT task_id, scheduled_for, missed_count, missed_until FROM executions WHERE {FIRED}"
        " ORDER BY task_id, scheduled_for, id"
    )
    known = {task for task, *_ in every_second}
    for task, at, count, until in rows:
        if task not in known:
            continue
        due = expected.get(task, at)
        if at < due:
            faults.append(f"task {task}: the fire time {at} has more than one row")
        elif at > due:
            faults.append(f"task {task}: {(at - due) // 1000} fire time(s) from {due} on have no row")
        last = until or at
        if count is not None and (last - at) // 1000 + 1 != count:
            faults.append(f"task {task}: the row of {at} counts {count} missed fire times up to {last}")
        expected[task] = max(due, last + 1000)
    for task, _, next_run_at in every_second:
        if next_run_at is not None and next_run_at != expected.get(task, next_run_at):
            faults.append(f"task {task}: after {expected[task] - 1000} comes {next_run_at}")
    return faults


def _strays(database: Database) -> Sequence[tuple[str, int]]:
    """Rows of executions that are gone."""
    strays = []
    for table in ("attempts", "log_chunks", "artifacts", "once_results"):
        [(count,)] = database.select(
            f"SELECT count(*) FROM {table} WHERE execution_id NOT IN (SELECT id FROM executions)"
        )
        if count:
            strays.append((table, count))
    return strays
