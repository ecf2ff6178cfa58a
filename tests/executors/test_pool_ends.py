"""How attempts are ended: limits, cancels, deaths, and what becomes of neighbours and of processes left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from cronplug.executors.base import Stop
from cronplug.executors.child import WorkerLost, WorkerProcess
from cronplug.executors.pool import WorkerPool
from cronplug.model import Reason
from tests.executors.conftest import Bench, Recorder, is_running, wait_until

DEAF = {"strange.grandchild": {"wait": True, "deaf": True}, "strange.deserter": {"then": "wait"}}
"""Payloads of functions that start processes which only SIGKILL ends."""


@pytest.fixture
async def pool(bench: Bench) -> WorkerPool:
    """A pool with a worker that has imported the plugin: short limits are not used up by that."""
    pool = await bench.pool()
    await bench.run(pool, "strange.pid")
    return pool


class TestTimeLimit:
    @pytest.mark.parametrize(
        ("name", "last"), [("strange.wait", "cancelled"), ("strange.sleep", "tidied up"), ("strange.watch", "saw it")]
    )
    async def test_ends_what_can_be_asked_and_lets_it_tidy_up(
        self, bench: Bench, pool: WorkerPool, name: str, last: str
    ) -> None:
        outcome, output = await bench.run(pool, name, timeout=0.3)

        assert (outcome.verdict, outcome.reason) == ("timed_out", Reason.TIMEOUT)
        assert outcome.error_message == "The function did not end within its time limit of 0.3 s."
        assert output.texts()[-1] == last

    @pytest.mark.parametrize(
        ("name", "payload"), [("strange.wait", {"swallow": True}), ("strange.block", {}), ("strange.spin", {})]
    )
    async def test_kills_what_cannot_be_asked(
        self, bench: Bench, pool: WorkerPool, name: str, payload: dict[str, bool]
    ) -> None:
        outcome, output = await bench.run(pool, name, payload, timeout=0.3, grace=0.3)

        assert (outcome.verdict, outcome.reason) == ("timed_out", Reason.TIMEOUT)
        assert output.texts()
        assert pool.stats()["busy"] == 0

    async def test_an_answer_that_comes_after_it_does_not_count(self, bench: Bench, pool: WorkerPool) -> None:
        outcome, _ = await bench.run(pool, "strange.stop-gently", timeout=0.3)

        assert (outcome.verdict, outcome.result) == ("timed_out", None)

    async def test_an_obedient_neighbour_leaves_the_worker_to_the_others(self, bench: Bench) -> None:
        pool = await bench.pool(max_workers=1)
        neighbour = bench.begin(pool, "strange.stop-gently")
        await neighbour.output.wait_for("waiting")

        slow, _ = await bench.run(pool, "strange.wait", timeout=0.2)

        assert slow.verdict == "timed_out"
        assert not neighbour.outcome.done()
        neighbour.stop.request("cancelled")
        assert (await neighbour.outcome).worker == slow.worker

    async def test_neighbours_of_what_had_to_be_killed_lose_no_attempt(self, bench: Bench) -> None:
        pool = await bench.pool(max_workers=1)
        neighbour = bench.begin(pool, "strange.wait")
        await neighbour.output.wait_for("waiting")

        blocking, _ = await bench.run(pool, "strange.block", timeout=0.5, grace=1.0)
        outcome = await neighbour.outcome

        assert blocking.verdict == "timed_out"
        assert (outcome.verdict, outcome.reason) == ("cut_off", Reason.CUT_OFF)
        assert (await bench.run(pool, "strange.echo", {"value": 1}))[0].result == 1

    async def test_reaches_processes_the_function_started(self, bench: Bench, pool: WorkerPool) -> None:
        attempt = bench.begin(pool, "strange.grandchild", {"wait": True, "deaf": True}, timeout=2, grace=0.3)
        grandchild = int(await attempt.output.wait_for_line())
        assert is_running(grandchild)

        assert (await attempt.outcome).verdict == "timed_out"

        await wait_until(lambda: not is_running(grandchild))


class TestStop:
    @pytest.mark.parametrize("name", ["strange.wait", "strange.sleep"])
    async def test_a_cancel_ends_the_code(self, bench: Bench, pool: WorkerPool, name: str) -> None:
        attempt = bench.begin(pool, name)
        await attempt.output.wait_for("waiting" if name == "strange.wait" else "sleeping")

        attempt.stop.request("cancelled")
        outcome = await attempt.outcome

        assert (outcome.verdict, outcome.reason) == ("cancelled", Reason.CANCELLED_BY_REQUEST)

    async def test_a_shutdown_hands_the_work_back(self, bench: Bench, pool: WorkerPool) -> None:
        attempt = bench.begin(pool, "strange.sleep")
        await attempt.output.wait_for("sleeping")

        attempt.stop.request("shutdown")
        outcome = await attempt.outcome

        assert (outcome.verdict, outcome.reason) == ("cut_off", Reason.SHUTDOWN)

    @pytest.mark.parametrize(("why", "verdict"), [("cancelled", "cancelled"), ("shutdown", "cut_off")])
    async def test_before_the_start_nothing_runs(self, bench: Bench, pool: WorkerPool, why: str, verdict: str) -> None:
        stop, output = Stop(), Recorder()
        stop.request(why)  # type: ignore[arg-type]

        outcome = await pool.run(bench.spec("strange.outputs"), output, stop)

        assert (outcome.verdict, outcome.worker, output.lines) == (verdict, None, [])

    async def test_while_it_waits_for_a_worker_it_returns_at_once(self, bench: Bench) -> None:
        pool = await bench.pool(max_workers=1)
        first = bench.begin(pool, "strange.sleep")
        await first.output.wait_for("sleeping")
        second = bench.begin(pool, "strange.pid-sync")
        await asyncio.sleep(0)

        second.stop.request("cancelled")

        assert (await second.outcome).verdict == "cancelled"
        assert not first.outcome.done()
        first.stop.request("cancelled")
        await first.outcome

    async def test_a_cancelled_caller_still_waits_for_the_code_to_end(self, bench: Bench, pool: WorkerPool) -> None:
        attempt = bench.begin(pool, "strange.sleep")
        await attempt.output.wait_for("sleeping")

        attempt.outcome.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt.outcome

        assert attempt.output.texts()[-1] == "tidied up"

    async def test_the_first_request_counts(self) -> None:
        stop = Stop()
        stop.request("cancelled")
        stop.request("shutdown")

        assert await stop.wait() == "cancelled"


class TestDeath:
    @pytest.mark.parametrize(
        ("name", "how", "told"),
        [
            ("strange.die", "segfault", "was killed by SIGSEGV"),
            ("strange.die", "abort", "was killed by SIGABRT"),
            ("strange.die", "exit", "exited with code 5"),
            ("strange.die", "close", "exited with code 5"),
            ("strange.die", "forge", "broke the protocol"),
            ("strange.die-async", "segfault", "was killed by SIGSEGV"),
            ("strange.die-async", "kill", "was killed by SIGKILL"),
        ],
    )
    async def test_is_one_failed_attempt_with_its_reason(
        self, bench: Bench, pool: WorkerPool, name: str, how: str, told: str
    ) -> None:
        outcome, _ = await bench.run(pool, name, {"how": how})

        assert (outcome.verdict, outcome.reason, outcome.permanent) == ("failed", Reason.WORKER_DIED, False)
        assert told in str(outcome.error_message)
        assert (await bench.run(pool, "strange.echo", {"value": 1}))[0].result == 1

    async def test_of_a_shared_worker_is_pinned_on_the_culprit_at_the_next_attempt(self, bench: Bench) -> None:
        pool = await bench.pool(max_workers=1)
        both = {"culprit": {"dies": True}, "innocent": {"dies": False}}
        first = [bench.begin(pool, "strange.die-together", payload, execution_id=id) for id, payload in both.items()]

        assert [(await attempt.outcome).verdict for attempt in first] == ["cut_off", "cut_off"]
        second = [bench.begin(pool, "strange.die-together", payload, execution_id=id) for id, payload in both.items()]
        culprit, innocent = [await attempt.outcome for attempt in second]

        assert (culprit.verdict, culprit.reason) == ("failed", Reason.WORKER_DIED)
        assert (innocent.verdict, innocent.result) == ("success", "alone")

    async def test_from_outside_is_seen_at_once(self, others: set[int], bench: Bench, pool: WorkerPool) -> None:
        attempt = bench.begin(pool, "strange.sleep")
        await attempt.output.wait_for("sleeping")
        pid = (await bench.run(pool, "strange.pid"))[0].result

        attempt_pid = next(p for p in _children() if p != pid and p not in others and b"cronplug.worker" in _command(p))
        os.kill(attempt_pid, signal.SIGKILL)
        outcome = await attempt.outcome

        assert (outcome.verdict, outcome.reason) == ("failed", Reason.WORKER_DIED)
        assert "SIGKILL" in str(outcome.error_message)

    async def test_a_forked_child_that_comes_back_does_not_answer(self, bench: Bench, pool: WorkerPool) -> None:
        outcome, output = await bench.run(pool, "strange.fork")

        assert outcome.result == "parent"
        assert "from the forked child" in output.texts("stdout")
        assert (await bench.run(pool, "strange.echo", {"value": 1}))[0].result == 1

    async def test_a_term_signal_that_is_not_ours_changes_nothing(self, bench: Bench, pool: WorkerPool) -> None:
        outcome, _ = await bench.run(pool, "strange.signals")

        assert outcome.result == "went on"

    async def test_a_worker_that_cannot_start_fails_the_attempt(self, bench: Bench, tmp_path: Path) -> None:
        broken = tmp_path / "python"
        broken.write_text("#!/bin/sh\nexit 3\n")
        broken.chmod(0o755)
        pool = await bench.pool(python=str(broken))

        outcome, _ = await bench.run(pool, "strange.pid")

        assert (outcome.verdict, outcome.reason) == ("failed", Reason.WORKER_DIED)
        assert "exited with code 3" in str(outcome.error_message)


class TestLeftovers:
    async def test_processes_left_behind_by_a_function_are_ended(self, bench: Bench, pool: WorkerPool) -> None:
        outcome, output = await bench.run(pool, "strange.grandchild", {"wait": False})

        assert outcome.verdict == "success"
        assert output.lines[-1] == ("log", "warning", "the function left processes behind; they were ended")
        await wait_until(lambda: not is_running(int(output.texts()[0])))

    @pytest.mark.parametrize(
        ("payload", "verdict"),
        [
            ({"then": "return"}, "success"),
            ({"then": "return", "bare": True}, "success"),
            ({"then": "wait"}, "timed_out"),
            ({"then": "wait", "bare": True}, "timed_out"),
            ({"then": "die"}, "failed"),
        ],
    )
    async def test_processes_that_left_the_group_are_ended_too(
        self, bench: Bench, pool: WorkerPool, payload: dict[str, Any], verdict: str
    ) -> None:
        attempt = bench.begin(pool, "strange.deserter", payload, timeout=3, grace=0.3)
        pids = [int(word) for word in (await attempt.output.wait_for_line()).split()]

        assert (await attempt.outcome).verdict == verdict

        await wait_until(lambda: not any(map(is_running, pids)))

    async def test_close_ends_every_process(self, others: set[int], bench: Bench) -> None:
        pool = await bench.pool()
        idle = (await bench.run(pool, "strange.pid"))[0].result
        running = bench.begin(pool, "strange.sleep")
        await running.output.wait_for("sleeping")

        await pool.close()

        await running.outcome
        assert not is_running(idle)
        assert pool.stats() == {"workers": 0, "busy": 0}
        assert not [pid for pid in _children() if pid not in others and b"cronplug" in _command(pid)]

    async def test_after_close_nothing_starts_any_more(self, bench: Bench) -> None:
        pool = await bench.pool(max_workers=1)
        running = bench.begin(pool, "strange.sleep")
        await running.output.wait_for("sleeping")
        waiting = bench.begin(pool, "strange.pid-sync")
        await asyncio.sleep(0)

        await pool.close()
        late, _ = await bench.run(pool, "strange.pid")

        assert [(await waiting.outcome).verdict, late.verdict] == ["cut_off", "cut_off"]
        await running.outcome

    @pytest.mark.parametrize("name", ["strange.grandchild", "strange.spin", "strange.deserter"])
    def test_nothing_survives_the_core_being_killed(self, strange_registry: object, tmp_path: Path, name: str) -> None:
        program = textwrap.dedent(
            f"""
            import asyncio, os
            from cronplug.registry import Registry
            from tests.executors.conftest import Bench
            from tests.registry.installing import FIRST_PARTY

            async def main():
                registry = Registry(blocked=FIRST_PARTY)
                await registry.rescan()
                bench = Bench(registry)
                pool = await bench.pool(max_workers=1)
                payload = {DEAF.get(name, {})!r}
                worker = (await bench.run(pool, "strange.pid"))[0].result
                attempt = bench.begin(pool, {name!r}, payload, timeout=600)
                line = await attempt.output.wait_for_line()
                print(worker, line if line[0].isdigit() else worker, flush=True)
                await attempt.outcome

            asyncio.run(main())
            """
        )
        core = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        assert core.stdout is not None
        pids = [int(word) for word in core.stdout.readline().split()]
        assert all(map(is_running, pids))

        core.kill()
        core.wait()
        core.stdout.close()

        asyncio.run(wait_until(lambda: not any(map(is_running, pids))))


@pytest.fixture
def others() -> set[int]:
    """The processes that other tests' fixtures hold; asked for before `bench`."""
    return set(_children())


def _children() -> list[int]:
    listing = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=False
    )
    return [int(word) for word in listing.stdout.split()]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


async def test_a_call_to_a_worker_that_died_since_it_was_lent_is_lost_at_once() -> None:
    worker = await WorkerProcess.start(1, python=sys.executable, generation=0, warden=None)
    worker.kill()
    await worker.ended.wait()

    run = worker.begin({"kind": "call"}, Recorder())

    with pytest.raises(WorkerLost, match="SIGKILL"):
        async with asyncio.timeout(5):
            await run.wait()
