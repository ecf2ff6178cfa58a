"""The peer: Celery with two prefork worker processes, Redis as broker and for results, all else as it comes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import redis
from celery import Celery

from bench.figures import GaveUp
from bench.peers.redis_server import running_redis

SOCKET = "CRONPLUG_BENCH_REDIS"
PROCESSES = 2
LONGEST_SECONDS = 120.0

address = os.environ.get(SOCKET, "")
app = Celery("bench", broker=f"redis+socket://{address}", backend=f"redis+socket://{address}?virtual_host=1")


@app.task(name="bench.noop")
def noop() -> None: ...


def throughput(folder: Path, count: int) -> dict[str, float]:
    """A backlog of calls; from the first stored result to the last, so that the start of the workers does not count."""
    with running_redis(folder) as socket:
        environ = os.environ | {SOCKET: str(socket)}
        subprocess.run([sys.executable, "-m", "bench.peers.celery_redis", "call", str(folder), str(count)],
                       env=environ, check=True)  # fmt: skip
        command = ["-m", "celery", "-A", "bench.peers.celery_redis", "--workdir", str(Path.cwd()), "worker"]
        command += ["--pool", "prefork", "--concurrency", str(PROCESSES), "--loglevel", "error"]
        worker = subprocess.Popen([sys.executable, *command], env=environ, stdout=sys.stderr, start_new_session=True)
        try:
            return _watch_results(redis.Redis(unix_socket_path=str(socket), db=1), worker, count)
        finally:
            worker.terminate()
            try:
                worker.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()


def _watch_results(results: redis.Redis, worker: subprocess.Popen[bytes], count: int) -> dict[str, float]:
    first = (0, 0.0)
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline and worker.poll() is None:
        stored, now = int(results.dbsize()), time.perf_counter()
        if stored and not first[0]:
            first = (stored, now)
        if stored >= count:
            return {"per_second": (stored - first[0]) / (now - first[1])}
        time.sleep(0.005)
    raise GaveUp(f"Celery: {results.dbsize()} of {count} results, exit status {worker.poll()}")


def main() -> None:
    what, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if what == "call":
        for _ in range(count):
            noop.delay()
    else:
        print(json.dumps(throughput(folder, count)))


if __name__ == "__main__":
    main()
