"""A mixed load for a long time, with nothing harmed: memory and open files do not grow, and every run ends as it should."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from bench.soak.stage import Stage, Watch, end_calmly
from tests.acceptance.audit import Database, find_faults
from tests.acceptance.server import Server

MIX: dict[str, dict[str, Any]] = {
    # what each should come to: its tasks
    "success": {
        "light": {"functionName": "soak.linger", "functionPayload": {"file": "/nowhere"}},
        "inside": {"functionName": "maintenance.heartbeat"},
        "talkative": {"functionName": "soak.talk", "cronExpression": "*/5 * * * * *"},
        "second try": {
            "functionName": "soak.fail", "maxRetries": 1, "retryDelaySeconds": 1, "cronExpression": "*/5 * * * * *",
        },
    },
    "failed": {"deadly": {"functionName": "soak.die", "cronExpression": "*/15 * * * * *"}},
    "timed_out": {
        "too long": {"functionName": "soak.late", "timeoutSeconds": 1, "cronExpression": "*/15 * * * * *"},
    },
}  # fmt: skip
WARM_AFTER_MINUTES = 20
"""A shorter run shows caches that fill and the first housekeeping, ten minutes after the start: its growth tells nothing."""

LIGHT = 20
"""Tasks of the kinds that are due every second."""


def steady(stage: Stage, *, minutes: float = 30) -> list[str]:
    """Keep it at work, ask it something every second; what has grown or failed."""
    with stage.server(SCHEDULER_MAX_CONCURRENCY="50") as (server, database):
        made = create_mix(server)
        answers: Counter[int] = Counter()
        with Watch(server.pid) as watch:
            end = time.monotonic() + 60 * minutes
            while time.monotonic() < end:
                ask(server, made, answers)
                time.sleep(1.0)
        grown = watch.grown() if minutes >= WARM_AFTER_MINUTES else watch.tell()
        print(f"  asked meanwhile: {dict(answers)}")
        faults = [f"{count} were answered with {status}" for status, count in answers.items() if status >= 300]
        faults += end_calmly(server, made)
        return grown + faults + find_faults(database) + find_strange(database)


def create_mix(server: Server) -> list[str]:
    """The tasks; their names begin with what their runs should come to."""
    made = []
    for status, kinds in MIX.items():
        for kind, task in kinds.items():
            for number in range(1 if "cronExpression" in task else LIGHT):
                body = {"cronExpression": "* * * * * *"} | task
                name = f"{status}: {kind} {number}"
                made.append(server.create_task(name=name, type="function", overlap="allow", **body)["id"])
    return made


def ask(server: Server, made: list[str], answers: Counter[int]) -> None:
    """What a page of the admin asks."""
    for path in ("/tasks?pageSize=50", "/executions?pageSize=50", "/stats", f"/tasks/{made[0]}"):
        answers[server.client.get(path).status_code] += 1
    answers[server.client.patch(f"/tasks/{made[-1]}", json={"description": str(time.time())}).status_code] += 1
    newest = server.client.get("/executions", params={"pageSize": 1}).json()["list"]
    for execution in newest:
        answers[server.client.get(f"/executions/{execution['id']}/log").status_code] += 1


def find_strange(database: Database) -> list[str]:
    """Ends that are not what the task's name says."""
    rows = database.select("SELECT task_name, status, count(*) FROM executions WHERE task_id IS NOT NULL GROUP BY 1, 2")
    ends = Counter(dict.fromkeys(MIX, 0))
    for _, status, count in rows:
        ends[status] += count
    print(f"  {dict(ends)}")
    return [
        f"{count} executions of {name} are {status}"
        for name, status, count in rows
        if name.partition(":")[0] in MIX and not name.startswith(f"{status}:")
    ]
