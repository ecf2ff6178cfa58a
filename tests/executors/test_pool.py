"""Functions in worker processes: results, output, sharing, and what they can see."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from cronplug.executors.pool import WorkerPool
from cronplug.executors.watch import WorkerLimits
from cronplug.model import Reason
from cronplug.registry import Registry
from tests.executors.conftest import Bench


class TestResults:
    async def test_the_functions_of_the_contract_work_to_the_letter(self, bench: Bench, pool: WorkerPool) -> None:
        outcome, output = await bench.run(pool, "acme.nightly-report", {"region": "north"})

        assert (outcome.verdict, outcome.reason) == ("success", Reason.COMPLETED)
        assert (outcome.result, outcome.result_summary) == ("42 rows", "42 rows")
        assert ("log", "info", "building north") in output.lines
        assert output.progress_seen == [(0.5, "half way")]
        assert str(outcome.worker).startswith("worker 1, pid ")

    async def test_the_context_tells_the_facts(self, bench: Bench, pool: WorkerPool) -> None:
        outcome, _ = await bench.run(pool, "strange.facts", execution_id="e1")

        assert outcome.result == {
            "execution_id": "e1",
            "attempt": 1,
            "task_id": "task",
            "task_name": "Strange",
            "scheduled_for": "2026-01-01T03:00:00+00:00",
            "idempotency_key": "key",
            "cancelled": False,
        }

    async def test_values_travel_unchanged(self, bench: Bench, pool: WorkerPool) -> None:
        values: list[Any] = [None, True, 2**63 - 1, 0.1, "ünïcödé 🎉\u2028", [{"a": [None]}], {}, "x" * 200_000]
        for value in values:
            outcome, _ = await bench.run(pool, "strange.echo", {"value": value})
            assert outcome.result == value

    @pytest.mark.parametrize(
        ("kind", "summary", "warning"),
        [
            ("set", "{1}", "not JSON"),
            ("nan", "nan", "not JSON"),
            ("bytes", "b'x'", "not JSON"),
            ("huge", "'" + "x" * 498 + "…", "more than 262144"),
        ],
    )
    async def test_a_result_that_cannot_be_kept_is_a_success_with_a_warning(
        self, bench: Bench, pool: WorkerPool, kind: str, summary: str, warning: str
    ) -> None:
        outcome, output = await bench.run(pool, "strange.result", {"kind": kind})

        assert (outcome.verdict, outcome.result, outcome.result_summary) == ("success", None, summary)
        assert [(stream, level) for stream, level, _ in output.lines] == [("log", "warning")]
        assert warning in output.lines[0][2]

    async def test_a_function_can_say_how_it_went(self, bench: Bench, pool: WorkerPool) -> None:
        failed, _ = await bench.run(pool, "strange.result", {"kind": "failure"})
        worked, _ = await bench.run(pool, "strange.result", {"kind": "success"})
        odd, _ = await bench.run(pool, "strange.result", {"kind": "surrogate"})

        assert (failed.verdict, failed.reason, failed.error_message) == (
            "failed",
            Reason.REPORTED_FAILURE,
            "no rows",
        )
        assert (worked.verdict, worked.result_summary) == ("success", "all rows")
        assert odd.result_summary == "\ufffd\ufffd"

    async def test_exceptions_fail_the_attempt_alone(self, bench: Bench, pool: WorkerPool) -> None:
        expected = {
            "error": (Reason.ERROR, "ValueError: wrong", False, None),
            "permanent": (Reason.PERMANENT_ERROR, "for good", True, None),
            "later": (Reason.ERROR, "busy", False, 30.0),
            "exit": (Reason.ERROR, "SystemExit: 3", False, None),
            "interrupt": (Reason.ERROR, "KeyboardInterrupt", False, None),
            "cancelled": (Reason.ERROR, "CancelledError", False, None),
        }
        workers = set()
        for kind, told in expected.items():
            outcome, _ = await bench.run(pool, "strange.raise", {"kind": kind})
            assert outcome.verdict == "failed"
            assert (
                outcome.reason,
                outcome.error_message,
                outcome.permanent,
                outcome.retry_after_seconds,
            ) == told
            workers.add(outcome.worker)
        assert len(workers) == 1

    async def test_the_traceback_is_in_the_log(self, bench: Bench, pool: WorkerPool) -> None:
        _, output = await bench.run(pool, "strange.raise", {"kind": "error"})

        assert {(stream, level) for stream, level, _ in output.lines} == {("log", "error")}
        assert output.texts()[0] == "Traceback (most recent call last):"
        assert "strange_functions.py" in output.texts()[1]
        assert output.texts()[-1] == "ValueError: wrong"

    async def test_a_payload_that_does_not_fit_is_not_tried_again(self, bench: Bench, pool: WorkerPool) -> None:
        outcome, _ = await bench.run(pool, "acme.nightly-report", {"region": "north", "days": 0})

        assert (outcome.verdict, outcome.reason, outcome.permanent) == ("failed", Reason.INVALID_PAYLOAD, True)
        assert "days" in str(outcome.error_message)

    async def test_a_plugin_that_cannot_be_imported_any_more_fails_the_attempt(
        self, bench: Bench, pool: WorkerPool
    ) -> None:
        spec = bench.spec("strange.pid")
        gone = bench.begin(pool, "strange.pid")
        await gone.outcome
        object.__setattr__(spec, "entry_point", ("gone", "gone", "no_such_module"))
        object.__setattr__(spec, "function_name", "gone.function")

        outcome = await pool.run(spec, gone.output, gone.stop)

        assert (outcome.verdict, outcome.reason) == ("failed", Reason.ERROR)
        assert "The plugin gone cannot be imported" in str(outcome.error_message)


class TestOutput:
    async def test_everything_a_sync_function_writes_is_kept_with_its_stream(
        self, bench: Bench, pool: WorkerPool
    ) -> None:
        _, output = await bench.run(pool, "strange.outputs")

        assert sorted(output.texts("stdout")) == sorted(
            [
                *("printed", "bytes", "written", "child", "from a thread", "no line end"),
                *("from C", "raw without end"),
            ]
        ) or "raw without endfrom C" in output.texts("stdout")
        assert sorted(output.texts("stderr")) == ["child error", "to stderr"]
        assert output.lines[0] == ("log", "info", "acme.lib: from a library")

    async def test_output_is_live(self, bench: Bench, pool: WorkerPool, tmp_path: Path) -> None:
        path = tmp_path / "pipe"
        os.mkfifo(path)
        attempt = bench.begin(pool, "strange.hold", {"path": str(path)})

        await attempt.output.wait_for("first line")
        await attempt.output.wait_for("raw error")
        assert not attempt.outcome.done()
        with open(path) as pipe:
            assert await asyncio.to_thread(pipe.read) == "go"

        assert (await attempt.outcome).result == "held"

    async def test_output_belongs_to_the_run_that_wrote_it_where_many_share_a_worker(self, bench: Bench) -> None:
        pool = await bench.pool(max_workers=1)
        attempts = [bench.begin(pool, "strange.meet", {"number": n, "of": 50}) for n in range(50)]

        outcomes = await asyncio.gather(*(attempt.outcome for attempt in attempts))

        assert len({outcome.result for outcome in outcomes}) == 1
        for number, attempt in enumerate(attempts):
            assert attempt.output.lines == [
                ("stdout", None, f"{number} comes"),
                ("log", "warning", f"acme.meeting: {number} logs"),
                ("stdout", None, f"{number} goes"),
            ]

    async def test_a_childs_output_belongs_to_the_only_run(self, bench: Bench, pool: WorkerPool) -> None:
        _, output = await bench.run(pool, "strange.child")

        assert output.lines == [("stdout", None, "child of an async function")]

    async def test_what_nobody_can_attribute_is_in_the_servers_log_and_every_run_says_so(
        self, bench: Bench, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO", "cronplug.executors.child")
        pool = await bench.pool(max_workers=1)
        neighbour = bench.begin(pool, "strange.wait")
        await neighbour.output.wait_for("waiting")
        writer = bench.begin(pool, "strange.raw-wait", {"lines": 3})

        name = next(iter(pool._workers)).name
        link = f"lines were written that may be of several executions; the server's log has them under {name!r}"
        for attempt in (writer, neighbour):
            await attempt.output.wait_for(link)
            attempt.stop.request("cancelled")
            await attempt.outcome
            assert attempt.output.texts().count(link) == 1

        assert f"{name} wrote to stdout outside of any execution: raw 0" in caplog.messages

    async def test_long_lines_are_cut_and_none_is_lost(self, bench: Bench, pool: WorkerPool) -> None:
        _, output = await bench.run(pool, "strange.lines", {"count": 3, "length": 20_000})
        assert [len(text) for text in output.texts()] == [8192, 8192, 3616] * 3

        _, output = await bench.run(pool, "strange.lines", {"count": 20_000, "length": 10})
        assert output.texts() == ["x" * 10] * 20_000

    async def test_a_flood_is_drained_and_not_kept_without_bound(self, bench: Bench, pool: WorkerPool) -> None:
        outcome, output = await bench.run(pool, "strange.flood", {"mebibytes": 70})

        assert outcome.verdict == "success"
        assert 64 * 1024 <= len(output.lines) < 66 * 1024

    async def test_a_function_that_closes_its_outputs_harms_nobody(self, bench: Bench) -> None:
        pool = await bench.pool(max_workers=1)
        for name in ("strange.close-outputs", "strange.redirect"):
            outcome, _ = await bench.run(pool, name)
            assert outcome.verdict == "success"

            after, output = await bench.run(pool, "strange.outputs")
            assert after.worker == outcome.worker
            assert {"printed", "written", "child"} <= set(output.texts("stdout"))

    async def test_a_log_record_that_cannot_be_formatted_harms_nobody(self, bench: Bench, pool: WorkerPool) -> None:
        outcome, _ = await bench.run(pool, "strange.deaf-log")

        assert outcome.verdict == "success"


class TestSharing:
    async def test_sync_functions_have_a_worker_each(self, bench: Bench, tmp_path: Path) -> None:
        pool = await bench.pool(max_workers=2)
        path = tmp_path / "pipe"
        os.mkfifo(path)
        both = [bench.begin(pool, "strange.rendezvous", {"path": str(path), "write": write}) for write in (True, False)]

        pids = {(await attempt.outcome).result for attempt in both}

        assert len(pids) == 2
        assert pool.stats() == {"workers": 2, "busy": 0}

    async def test_a_sync_function_waits_for_a_worker_and_gets_its_turn(self, bench: Bench) -> None:
        pool = await bench.pool(max_workers=1)
        shared = bench.begin(pool, "strange.wait")
        await shared.output.wait_for("waiting")
        alone = bench.begin(pool, "strange.pid-sync")
        late = bench.begin(pool, "strange.pid")
        await asyncio.sleep(0)
        assert pool.stats() == {"workers": 1, "busy": 1}

        shared.stop.request("cancelled")

        assert (await shared.outcome).verdict == "cancelled"
        assert (await alone.outcome).result == (await late.outcome).result

    async def test_start_warms_a_worker_up_without_waiting_for_it(self, bench: Bench) -> None:
        pool = await bench.pool(max_workers=3)
        assert pool.stats() == {"workers": 0, "busy": 0}

        await bench.run(pool, "strange.pid")

        assert pool.stats() == {"workers": 1, "busy": 0}

    async def test_a_worker_is_replaced_after_its_share_of_calls(self, bench: Bench) -> None:
        pool = await bench.pool(max_workers=1, limits=WorkerLimits(calls=2))

        pids = [(await bench.run(pool, "strange.pid"))[0].result for _ in range(4)]

        assert pids[0] == pids[1] != pids[2] == pids[3]

    async def test_a_new_generation_of_plugins_gets_new_workers_while_old_work_goes_on(self, bench: Bench) -> None:
        class Counted:
            generation = 1

        registry = Counted()
        pool = WorkerPool(registry, max_workers=1)
        await pool.start()
        bench.pools.append(pool)
        old = bench.begin(pool, "strange.stop-gently")
        await old.output.wait_for("waiting")

        registry.generation = 2
        new, _ = await bench.run(pool, "strange.pid")

        assert not old.outcome.done()
        assert new.worker is not None
        assert new.worker.startswith("worker 2")
        old.stop.request("cancelled")
        assert str((await old.outcome).worker).startswith("worker 1")


class TestSurroundings:
    async def test_workers_do_not_see_the_keys_to_the_platform(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hidden = ["SCHEDULER_ADMIN_TOKEN", "SCHEDULER_ADMIN_TOKEN_FILE", "SCHEDULER_DATABASE_URL"]
        hidden.append("SCHEDULER_DATABASE_URL_FILE")
        for name in [*hidden, "ACME_SETTING"]:
            monkeypatch.setenv(name, "x")
        reading, writing = os.pipe()
        os.set_inheritable(reading, True)
        pool = await bench.pool()

        outcome, _ = await bench.run(
            pool,
            "strange.environment",
            {"names": [*hidden, "ACME_SETTING"], "descriptors": [reading + 60, writing + 60]},
        )

        os.close(reading)
        os.close(writing)
        assert outcome.result["names"] == ["ACME_SETTING"]
        assert os.getcwd() not in outcome.result["path"]
        assert "" not in outcome.result["path"]

    async def test_workers_inherit_no_descriptor_but_their_own(self, bench: Bench, tmp_path: Path) -> None:
        lock = os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR)
        kept = os.dup2(lock, 150, inheritable=True)
        pool = await bench.pool()

        outcome, _ = await bench.run(pool, "strange.environment", {"names": [], "descriptors": [kept]})

        os.close(kept)
        os.close(lock)
        assert outcome.result["descriptors"] == []


def test_everything_works_on_uvloop_as_well(strange_registry: Registry) -> None:
    async def main() -> list[Any]:
        bench = Bench(strange_registry)
        pool = await bench.pool()
        try:
            outcomes = [
                (await bench.run(pool, "acme.nightly-report", {"region": "north"}))[0].result,
                (await bench.run(pool, "strange.pid-sync"))[0].verdict,
                (await bench.run(pool, "strange.sleep", timeout=0.2))[1].texts("stdout"),  # asked to end, not killed
                (await bench.run(pool, "strange.wait", timeout=0.2))[0].verdict,
                (await bench.run(pool, "strange.die", {"how": "segfault"}))[0].error_message,
            ]
        finally:
            await pool.close()
        return outcomes

    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        outcomes = runner.run(main())

    assert outcomes == [
        "42 rows",
        "success",
        ["sleeping", "tidied up"],
        "timed_out",
        "The worker process was killed by SIGSEGV while it ran the function.",
    ]
