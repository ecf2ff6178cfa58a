"""What functions leave, on its way from a worker to whoever runs the attempt; and the guarded HTTP clients."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from cronplug.executors.addresses import AddressPolicy
from cronplug.executors.base import Stop
from cronplug.executors.child import WorkerLost, WorkerProcess
from cronplug.executors.frames import encode_frame
from cronplug.executors.pool import WorkerPool
from cronplug.model import Json
from cronplug.sdk.keeping import Kept
from tests.executors.conftest import Bench, Recorder


class TestArtifacts:
    async def test_arrive_whole_in_any_size(self, bench: Bench, pool: WorkerPool) -> None:
        outcome, output = await bench.run(pool, "strange.leave", {"count": 2, "size": 3_000_001})

        assert outcome.result == "left"
        assert {name: len(artifact.data) for name, artifact in output.artifacts.items()} == {
            "0.bin": 3_000_001,
            "1.bin": 3_000_001,
            "thread.txt": 2,
        }
        assert output.artifacts["thread.txt"].data == "ü".encode()
        assert output.artifacts["thread.txt"].media_type == "text/plain; charset=utf-8"

    async def test_too_much_is_an_error_in_the_function(self, bench: Bench, pool: WorkerPool) -> None:
        outcome, output = await bench.run(pool, "strange.leave-too-much")

        assert outcome.verdict == "failed"
        assert "the artifact 'big' has 11,534,336 bytes; one may have 10,485,760" in str(outcome.error_message)
        assert output.artifacts == {}


class TestOnce:
    async def test_is_kept_before_the_function_goes_on(self, bench: Bench, pool: WorkerPool) -> None:
        for name in ("strange.once", "strange.once-async"):
            outcome, output = await bench.run(pool, name)

            assert outcome.verdict == "success", outcome.error_message
            assert {"by": 1} in outcome.result
            assert output.remembered["thread"] == "t"
            assert {"by": 1} in output.remembered.values()

    async def test_a_later_attempt_gets_the_result_without_the_work(self, bench: Bench, pool: WorkerPool) -> None:
        spec = dataclasses.replace(
            bench.spec("strange.once"), attempt=2, kept=Kept(once={"k": {"by": 1}, "thread": "t", "loop": "l"})
        )
        output = Recorder()

        outcome = await pool.run(spec, output, Stop())

        assert outcome.result == ["l", "t", {"by": 1}]
        assert (output.lines, output.remembered) == ([], {})

    async def test_what_cannot_be_kept_is_an_error_in_the_function(self, bench: Bench, pool: WorkerPool) -> None:
        attempt = bench.begin(pool, "strange.once-slow")
        attempt.output.refusal = "the attempt has lost its lease"

        outcome = await attempt.outcome

        assert outcome.verdict == "failed"
        assert "could not be kept: the attempt has lost its lease" in str(outcome.error_message)

    async def test_a_plain_function_that_waits_for_the_answer_can_be_ended(
        self, bench: Bench, pool: WorkerPool
    ) -> None:
        class Slow(Recorder):
            asked = asyncio.Event()

            async def remember(self, key: str, value: Json) -> str | None:
                self.asked.set()
                await asyncio.Event().wait()
                return None

        output, stop = Slow(), Stop()
        attempt = asyncio.create_task(pool.run(bench.spec("strange.once-slow"), output, stop))
        async with asyncio.timeout(20):
            await output.asked.wait()
            stop.request("cancelled")
            outcome = await attempt

        assert outcome.verdict == "cancelled"


@pytest.mark.parametrize(
    "frame",
    [
        {"kind": "once", "run": 1, "number": 1, "key": "k" * 201, "value": 1},
        {"kind": "once", "run": 1, "number": "1", "key": "k", "value": 1},
        {"kind": "once", "run": 1, "number": 1, "key": "k", "value": "x" * 300_000},
        {"kind": "artifact", "run": 1, "name": "../a", "media_type": "a/b", "piece": "", "last": True},
        {"kind": "artifact", "run": 1, "name": "a", "media_type": "a/b\r\nX: y", "piece": "", "last": True},
        {"kind": "artifact", "run": 1, "name": "a", "media_type": "a/b", "piece": "no base64", "last": True},
    ],
)
async def test_who_forges_what_no_function_can_leave_loses_the_worker(frame: dict[str, Any]) -> None:
    worker = await WorkerProcess.start(1, python=sys.executable, generation=0, warden=None)
    run = worker.begin(
        {"kind": "observe", "distribution": "none", "entry_points": [], "hook": "x", "facts": {}}, Recorder()
    )

    worker.socket_received(encode_frame(json.dumps(frame).encode()))

    with pytest.raises(WorkerLost, match="broke the protocol"):
        async with asyncio.timeout(20):
            await run.wait()
    await worker.ended.wait()


@pytest.fixture
def target() -> Iterator[str]:
    """The URL of a server on loopback."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://localhost:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


class TestHttp:
    async def test_reaches_what_the_policy_allows(self, bench: Bench, target: str) -> None:
        pool = await bench.pool(policy=AddressPolicy(loopback_allowed=True))

        for name in ("strange.get", "strange.get-sync"):
            outcome, output = await bench.run(pool, name, {"url": target})
            assert outcome.result == [200, "ok", True], output.texts()

    async def test_reaches_nothing_else(self, bench: Bench, pool: WorkerPool, target: str) -> None:
        for name in ("strange.get", "strange.get-sync"):
            for host in ("localhost", "2130706433", "[::ffff:127.0.0.1]", "169.254.169.254"):
                outcome, _ = await bench.run(pool, name, {"url": target.replace("localhost", host)})

                assert (outcome.verdict, outcome.reason, outcome.permanent) == ("failed", "http_refused", True)
                assert str(outcome.error_message).startswith("ConnectError: cronplug may not connect to"), host
