"""Ten times more work than slots: it waits, can be seen, is done in its order; and then everything is as before."""

from __future__ import annotations

import time
from typing import Any

from bench.soak.stage import Stage, Watch, end_calmly
from tests.acceptance.audit import Database, find_faults, statuses
from tests.acceptance.server import Server

SLOTS = 10
TASKS = 100
"""Each wants a slot for a second, every second."""
MAY_GROW_MEGABYTES = 40
OVERTAKING_SECONDS = 1.0


def overload(stage: Stage, *, seconds: float = 60) -> list[str]:
    """Have it for some `seconds`, then let the work be light again; the broken promises."""
    busy = stage.folder / "busy"
    busy.touch()
    with stage.server(SCHEDULER_MAX_CONCURRENCY=str(SLOTS)) as (server, database):
        every_second = [create(server, f"work {number}", "allow", str(busy)) for number in range(TASKS)]
        policies = {it: create(server, it, it, str(busy)) for it in ("skip", "queue", "replace")}
        faults, queued = [], []
        with Watch(server.pid) as watch:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                began = time.monotonic()
                stats = server.client.get("/stats").json()
                queued.append(stats["queuedExecutions"])
                if stats["activeExecutions"] > SLOTS:
                    faults.append(f"{stats['activeExecutions']} executions ran in {SLOTS} slots")
                if not server.is_ready():
                    faults.append("it was not ready")
                time.sleep(max(0.0, 1.0 - (time.monotonic() - began)))
        grown = max(it.megabytes for it in watch.samples) - watch.samples[0].megabytes
        print(f"  {queued[-1]} executions waited for {SLOTS} slots after {seconds:.0f} s; {watch} ({grown:+.0f} MB)")
        if grown > MAY_GROW_MEGABYTES:
            faults.append(f"memory grew by {grown:.0f} MB")
        if queued[-1] < 0.5 * seconds * TASKS:
            faults.append(f"only {queued[-1]} were seen to wait")
        busy.unlink()
        began = time.monotonic()
        faults += [f"{overlap}: no run was told to wait" for overlap in find_unheeded(server, policies)]
        for task in (*every_second, *policies.values()):
            server.client.post(f"/tasks/{task}/toggle", json={"enabled": False}).raise_for_status()
        server.until_idle(seconds=300)
        print(f"  all done {time.monotonic() - began:.1f} s after the work became light")
        began = time.monotonic()
        server.until_status(server.invoke("soak.linger", {"file": str(busy)}), "success", seconds=10)
        print(f"  a run then takes {1000 * (time.monotonic() - began):.0f} ms")
        faults += end_calmly(server, [])
        print(f"  {dict(statuses(database).most_common())}")
        return faults + find_faults(database) + find_overtaken(database) + find_overlaps(database, policies)


def create(server: Server, name: str, overlap: str, busy: str) -> str:
    """A task that is due every second."""
    made: dict[str, Any] = server.create_task(
        name=name,
        type="function",
        functionName="soak.linger",
        functionPayload={"file": busy, "seconds": 1.0},
        cronExpression="* * * * * *",
        overlap=overlap,
        catchUp="all",
    )
    return str(made["id"])


def find_unheeded(server: Server, policies: dict[str, str]) -> list[str]:
    """The overlap policies that had nothing to do: skip skips, queue lets wait, replace cancels."""
    status = {"skip": "skipped", "queue": "queued,skipped", "replace": "cancelled"}
    return [
        overlap
        for overlap, task in policies.items()
        if not any(server.executions(taskId=task, status=one) for one in status[overlap].split(","))
    ]


def find_overtaken(database: Database) -> list[str]:
    """Runs that began clearly before others that were free to begin earlier."""
    rows = database.select(
        "SELECT e.available_at, e.started_at FROM executions e JOIN tasks t ON t.id = e.task_id"
        ' WHERE t.definition LIKE \'%"overlap":"allow"%\' AND e.started_at IS NOT NULL AND e.attempt = 1'
        " ORDER BY e.available_at, e.id"
    )
    faults, latest = [], 0
    for available_at, started_at in rows:
        if started_at < latest - 1000 * OVERTAKING_SECONDS:
            faults.append(f"what was free at {available_at} began {latest - started_at} ms after later ones")
        latest = max(latest, started_at)
    print(f"  {len(rows)} runs in their order")
    return faults


def find_overlaps(database: Database, policies: dict[str, str]) -> list[str]:
    """Two runs at once of a task that allows none."""
    rows = database.select(
        "SELECT task_name, started_at, finished_at FROM executions WHERE started_at IS NOT NULL ORDER BY 1, 2"
    )
    faults, ends = [], dict.fromkeys(policies, 0)
    for name, started_at, finished_at in rows:
        if name in ends:
            if started_at < ends[name]:
                faults.append(f"{name}: two at once at {started_at}")
            ends[name] = max(ends[name], finished_at)
    return faults
