"""Functions that block a loop which others share, or take memory; and when workers are replaced."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from pathlib import Path

import pytest

from cronplug.executors.base import Stop
from cronplug.executors.memory import resident_bytes
from cronplug.executors.pool import WorkerPool
from cronplug.executors.watch import SILENT_SECONDS, WorkerLimits
from cronplug.model import Reason
from tests.executors.conftest import Bench, Recorder, wait_until

LINUX = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is watched on Linux only")


class TestBlockedLoop:
    async def test_its_neighbours_are_freed_and_it_runs_alone_from_then_on(self, bench: Bench) -> None:
        pool = await bench.pool(max_workers=2, limits=WorkerLimits(stall_seconds=0.5))
        neighbour = bench.begin(pool, "strange.wait")
        await neighbour.output.wait_for("waiting")

        blocking = bench.begin(pool, "strange.block", timeout=600)
        async with asyncio.timeout(30):
            cut = [await attempt.outcome for attempt in (blocking, neighbour)]

        assert [(outcome.verdict, outcome.reason) for outcome in cut] == [("cut_off", Reason.CUT_OFF)] * 2
        assert "blocked the event loop" in str(cut[0].error_message)
        again = bench.begin(pool, "strange.block")
        await again.output.wait_for("blocking")
        value, _ = await bench.run(pool, "strange.echo", {"value": 1})
        assert value.result == 1
        assert value.worker != cut[0].worker
        again.stop.request("cancelled")

    async def test_no_more_runs_go_where_the_loop_does_not_answer(self, bench: Bench) -> None:
        pool = await bench.pool(max_workers=2)
        blocking = bench.begin(pool, "strange.block-for", {"seconds": 3.0})
        await blocking.output.wait_for("blocking")
        now = asyncio.get_running_loop().time
        (worker,) = pool._workers
        await wait_until(lambda: worker.silent_since is not None and now() - worker.silent_since > SILENT_SECONDS)

        other, _ = await bench.run(pool, "strange.pid")

        assert not blocking.outcome.done()
        outcome = await blocking.outcome
        assert (outcome.result, outcome.worker) == ("went on", worker.name)
        assert other.worker != worker.name

    async def test_alone_it_may_block_as_long_as_its_limit_allows(self, bench: Bench) -> None:
        pool = await bench.pool(max_workers=1, limits=WorkerLimits(stall_seconds=0.2))

        outcome, _ = await bench.run(pool, "strange.block-for", {"seconds": 2.5})

        assert outcome.result == "went on"

    async def test_who_was_kept_from_hearing_its_limit_is_not_blamed(self, bench: Bench) -> None:
        pool = await bench.pool(max_workers=1)
        patient = bench.begin(pool, "strange.wait", timeout=1.5, grace=1.0)
        await patient.output.wait_for("waiting")
        blocking = bench.begin(pool, "strange.block", timeout=600)
        await blocking.output.wait_for("blocking")

        async with asyncio.timeout(30):
            outcomes = [await patient.outcome, await blocking.outcome]

        assert [outcome.verdict for outcome in outcomes] == ["cut_off", "cut_off"]
        assert "another execution" in str(outcomes[0].error_message)

    async def test_what_must_not_be_cut_off_does_not_share(self, bench: Bench) -> None:
        pool = await bench.pool(max_workers=2)
        waiting = bench.begin(pool, "strange.wait")
        await waiting.output.wait_for("waiting")

        alone = await pool.run(dataclasses.replace(bench.spec("strange.pid"), alone=True), Recorder(), Stop())

        waiting.stop.request("cancelled")
        assert alone.worker != (await waiting.outcome).worker


@LINUX
class TestMemory:
    @pytest.mark.parametrize(
        ("name", "payload"),
        [("strange.hog", {}), ("strange.hog", {"in_child": True}), ("strange.hog-async", {})],
    )
    async def test_over_its_limit_a_function_is_killed(
        self, bench: Bench, pool: WorkerPool, name: str, payload: dict[str, bool]
    ) -> None:
        outcome, _ = await bench.run(pool, name, payload)

        assert (outcome.verdict, outcome.reason, outcome.permanent) == ("failed", Reason.OUT_OF_MEMORY, False)
        assert outcome.error_message == "The function used more than its 128 MB of memory and was killed."
        assert (await bench.run(pool, "strange.echo", {"value": 1}))[0].result == 1

    async def test_below_it_nothing_happens(self, bench: Bench, pool: WorkerPool) -> None:
        outcome, _ = await bench.run(pool, "strange.frugal")

        assert outcome.verdict == "success"

    def test_is_that_of_the_process_and_its_children(self) -> None:
        assert 1 << 20 < resident_bytes(os.getpid()) < 1 << 36
        assert resident_bytes(2**22 + 1) == 0


class TestReplacement:
    @pytest.mark.parametrize(
        "limits",
        [
            WorkerLimits(age_seconds=0.05),
            pytest.param(WorkerLimits(resident_bytes=1), marks=LINUX),
        ],
    )
    async def test_by_age_and_by_memory(self, bench: Bench, limits: WorkerLimits) -> None:
        pool = await bench.pool(max_workers=1, limits=limits)
        first, _ = await bench.run(pool, "strange.pid")

        await wait_until(lambda: pool.stats()["workers"] == 1 and not any(w.calls for w in pool._workers))

        assert (await bench.run(pool, "strange.pid"))[0].result != first.result

    async def test_idle_ones_end_and_one_stays_warm(self, bench: Bench, tmp_path: Path) -> None:
        pool = await bench.pool(max_workers=3, limits=WorkerLimits(idle_seconds=0.3))
        running = [bench.begin(pool, "strange.sleep") for _ in range(2)]
        for attempt in running:
            await attempt.output.wait_for("sleeping")
        value, _ = await bench.run(pool, "strange.pid")
        assert pool.stats()["workers"] == 3
        for attempt in running:
            attempt.stop.request("cancelled")
            await attempt.outcome

        await wait_until(lambda: pool.stats() == {"workers": 1, "busy": 0})

        assert value.verdict == "success"
