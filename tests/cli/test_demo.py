"""`cronplug demo` makes a database that looks as if a server had worked for months."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from cronplug.cli import FAILED, main
from cronplug.clock import SystemClock
from cronplug.model import Execution, Status, Task
from cronplug.planning.tallies import unpack
from cronplug.store import Conn, Store, executions, logs, rollups, tasks
from cronplug.store.executions import ExecutionFilter
from cronplug.store.health import DECISIVE
from cronplug.store.tasks import TaskFilter

SMALL = ("--tasks", "30", "--executions", "600", "--days", "50")


def demo(url: str, *more: str) -> int:
    return main(["demo", "--database", url, *SMALL, *more])


async def look(url: str) -> tuple[list[Task], list[Execution], int, datetime]:
    """(tasks, executions, how many are in the figures, up to when those go)."""
    store = await Store.open(url)

    async def read(conn: Conn) -> tuple[list[Task], list[Execution], int, datetime]:
        position = await rollups.select_position(conn)
        assert position is not None
        began = position - timedelta(days=100)
        rows = await rollups.select_series(conn, "all", "", since=began, until=position)
        return (
            await tasks.select_tasks(conn, TaskFilter(), limit=100),
            await executions.select_executions(conn, ExecutionFilter(), limit=10_000),
            unpack([packed for _, packed in rows]).ended,
            position,
        )

    try:
        return await store.read(read)
    finally:
        await store.close()


def test_a_demo_has_tasks_executions_and_figures_that_agree(
    empty_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert demo(empty_url) == 0
    found, history, counted, position = asyncio.run(look(empty_url))

    assert len(found) == 30
    assert 500 <= len(history) <= 700
    assert "Made 30 tasks and" in capsys.readouterr().out
    assert {Status.SUCCESS, Status.FAILED} <= {it.status for it in history}
    assert counted == sum(it.queued_at < position for it in history)
    for task in found:
        last = next((it for it in history if it.task_id == task.id and it.status in DECISIVE), None)
        assert (task.failing_since is not None) == (last is not None and last.status is not Status.SUCCESS)
        assert task.schedule_error is None
    assert any(it.log_lines for it in history)

    assert demo(empty_url) == FAILED
    assert "--force" in capsys.readouterr().err
    assert demo(empty_url, "--force", "--seed", "2") == 0
    assert len(asyncio.run(look(empty_url))[0]) == 60


async def test_quiet_schedules_fire_late_and_logs_are_there(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'demo.db'}"
    assert await asyncio.to_thread(demo, url, "--quiet-schedules", "--executions", "6000") == 0

    found, history, _, _ = await look(url)

    due = [task.next_run_at for task in found if task.next_run_at is not None]
    assert due
    assert min(due) > SystemClock().now() + timedelta(hours=23)
    told = next(it for it in history if it.log_lines)
    store = await Store.open(url)
    lines = await store.read(lambda conn: logs.select_lines(conn, told.id, after_seq=0, limit=100))
    retried = [it for it in history if it.attempt > 1]
    earlier = [await store.read(partial(executions.select_attempts, execution_id=it.id)) for it in retried]
    await store.close()
    assert len(lines) == told.log_lines
    assert retried
    assert [len(tries) for tries in earlier] == [it.attempt - 1 for it in retried]
