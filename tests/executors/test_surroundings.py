"""A plain function finds its worker as if it were the first one in it, whatever those before it have done."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cronplug.executors.pool import WorkerPool
from cronplug.registry import Registry
from cronplug.worker.surroundings import Surroundings, signal_handlers
from tests.executors.conftest import Bench
from tests.registry.installing import FIRST_PARTY, Site


@pytest.fixture(scope="module")
def strange_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with the disturbing functions instead."""
    site = Site(tmp_path_factory.mktemp("disturbing"))
    site.install("disturbing-functions", Path(__file__).with_name("disturbing_functions.py"))
    with pytest.MonkeyPatch.context() as patch:
        site.put_on_path(patch)
        registry = Registry(blocked=FIRST_PARTY)
        asyncio.run(registry.rescan())
        yield registry


@pytest.fixture
async def pool(bench: Bench) -> WorkerPool:
    """A pool of one worker."""
    return await bench.pool(max_workers=1)


async def test_what_a_function_changes_is_put_back_for_the_next_one_in_the_worker(
    bench: Bench, pool: WorkerPool
) -> None:
    before, _ = await bench.run(pool, "disturbing.look")
    changed, _ = await bench.run(pool, "disturbing.change")
    after, _ = await bench.run(pool, "disturbing.look")

    assert changed.result == before.result["pid"]
    assert after.result == before.result
    assert after.result["environ"]["SET_AT_IMPORT"] == "yes"


async def test_a_function_that_made_its_worker_deaf_to_signals_and_logs_does_so_for_itself_only(
    bench: Bench, pool: WorkerPool
) -> None:
    await bench.run(pool, "disturbing.change")
    attempt = bench.begin(pool, "disturbing.wait", timeout=600, grace=600)
    await attempt.output.wait_for("acme: waiting")
    attempt.stop.request("cancelled")

    assert (await attempt.outcome).verdict == "cancelled"


async def test_a_thread_that_a_function_leaves_ends_with_its_worker(bench: Bench, pool: WorkerPool) -> None:
    left, output = await bench.run(pool, "disturbing.thread", {"daemon": False})
    after, _ = await bench.run(pool, "disturbing.look")

    assert left.verdict == "success"
    assert "left threads running (acme-loop)" in output.texts("log")[-1]
    assert after.result["pid"] != left.result


async def test_a_daemon_thread_may_stay_as_long_as_the_worker(bench: Bench, pool: WorkerPool) -> None:
    left, output = await bench.run(pool, "disturbing.thread", {"daemon": True})
    after, _ = await bench.run(pool, "disturbing.look")

    assert (output.texts(), after.result["pid"]) == ([], left.result)


@pytest.mark.parametrize("name", ["disturbing.dead-child", "disturbing.share-memory"])
async def test_nobody_is_blamed_for_processes_that_have_ended_or_are_multiprocessings_own(
    bench: Bench, pool: WorkerPool, name: str
) -> None:
    ran, output = await bench.run(pool, name)
    after, _ = await bench.run(pool, "disturbing.look")

    assert (ran.error_message, output.texts(), after.result["pid"]) == (None, [], ran.result)


async def test_nobody_is_blamed_for_processes_that_an_earlier_function_left(bench: Bench, pool: WorkerPool) -> None:
    left, output = await bench.run(pool, "disturbing.async-child")
    after, clean = await bench.run(pool, "disturbing.look")
    os.kill(int(output.texts()[0]), signal.SIGKILL)

    assert (after.result["pid"], clean.texts()) == (left.result, [])


def test_a_folder_that_is_gone_spoils_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    surroundings = Surroundings(signal_handlers())
    monkeypatch.chdir(tmp_path)
    home.rmdir()

    assert "cannot be gone back to" in str(surroundings.put_back().spoils)
