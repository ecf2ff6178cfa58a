"""What the admin asks most, over the API, of a database with a long history (`cronplug demo`).

The database is made once a day and kept in the clone's cache: what is measured again is asked of the same history.
"""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from bench.ours import api_client
from bench.runs import KEPT, ROOT

MADE_BY = ("core/cronplug/cli/demo*.py", "core/cronplug/store/migrations/versions/*.py")
ROUNDS = 30
REQUESTS = {
    "list": "/tasks?pageSize=50",
    "failing": "/tasks?state=attention&pageSize=50",
    "stats": "/stats",
    "functions": "/functions",
    "series": "/tasks/{task}/series",
    "hours": "/tasks/{task}/series?bucket=hour",
    "all": "/series",
    "timeline": "/timeline?from={from}&to={to}",
    "errors": "/tasks/{failing}/errors",
    "executions": "/executions?pageSize=50",
    "failures": "/executions?pageSize=50&status=failed,timed_out,lost",
    "day": "/executions?pageSize=50&status=failed&from={from}&to={to}",
    "ran": "/executions?pageSize=50&taskId={task}&status=success",
    "failed": "/executions?pageSize=50&taskId={failing}&status=failed&from={month}",
    "by_hand": "/executions?pageSize=50&trigger=manual",
    "none": "/executions?pageSize=50&taskId=0000000000000",
}


def fill(folder: Path, executions: int) -> dict[str, float]:
    """A copy of a database of 90 days with a hundredth as many tasks; what making it took, perhaps earlier today.

    One of yesterday has nothing to tell of the last hours, nor one by an older demo of what is made now.
    """
    sources = sorted(path for pattern in MADE_BY for path in ROOT.glob(pattern))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:8]
    kept = KEPT / f"admin-{executions}-{datetime.now(UTC):%Y%m%d}-{digest}"
    told = kept / "made.json"
    if not told.exists():
        for old in KEPT.glob(f"admin-{executions}-*"):
            shutil.rmtree(old)
        told.write_text(json.dumps(_make(kept, executions)))
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    taken: dict[str, float] = json.loads(told.read_text())
    return taken


def _make(folder: Path, executions: int) -> dict[str, float]:
    """Seconds on the clock, and of the processor's time."""
    began = time.perf_counter()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["demo", "--data-dir", str(folder), "--tasks", str(executions // 100), "--executions", str(executions)]
    subprocess.run([sys.executable, "-m", "cronplug", *command, "--quiet-schedules"], check=True, stdout=sys.stderr)
    then = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = then.ru_utime + then.ru_stime - used.ru_utime - used.ru_stime
    return {"seconds": time.perf_counter() - began, "cpu_seconds": cpu}


async def measure(folder: Path) -> dict[str, float]:
    """Milliseconds of each request, one after the other, from the application's side of the socket.

    `<name>`: p95 on the clock. `<name>_cpu`: median of the time that all threads of the process had the processor for.
    """
    async with api_client(folder) as client:
        busy = (await client.get("/timeline?limit=1&planned=false")).json()["lanes"][0]["taskId"]
        failing = (await client.get("/tasks?state=failing&pageSize=1")).json()["list"][0]["id"]
        now = time.time()
        ends = {
            "from": _instant(now - 18 * 3600),
            "to": _instant(now + 6 * 3600),
            "month": _instant(now - 30 * 86_400),
        }
        taken: dict[str, float] = {}
        for name, path in REQUESTS.items():
            url = path.format(task=busy, failing=failing, **ends)
            await client.get(url)
            times, used = [], []
            for _ in range(ROUNDS):
                began, cpu = time.perf_counter(), time.process_time()
                await client.get(url)
                times.append(1000 * (time.perf_counter() - began))
                used.append(1000 * (time.process_time() - cpu))
            taken[name] = sorted(times)[int(0.95 * ROUNDS)]
            taken[f"{name}_cpu"] = statistics.median(used)
        return taken


def _instant(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def main() -> None:
    what, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(fill(folder, count) if what == "fill" else uvloop.run(measure(folder))))


if __name__ == "__main__":
    main()
