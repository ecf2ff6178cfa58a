"""New code comes in new workers, which are ready before the old ones go."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from cronplug.registry import Registry
from tests.executors.conftest import Bench
from tests.registry.installing import FIRST_PARTY, Site

OLD = """
    import os
    from cronplug import function

    @function("acme.version")
    def version(started: str = "", go_on: str = "") -> list:
        if started:
            open(started, "w").close()
            open(go_on).close()
        return ["1.0", os.getpid()]
"""
NEW = OLD.replace('"1.0"', '"2.0 "')


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    site = Site(tmp_path / "site")
    site.put_on_path(monkeypatch)
    site.install("acme", OLD)
    return site


@pytest.fixture
async def strange_registry(site: Site) -> Registry:
    registry = Registry(blocked=FIRST_PARTY)
    await registry.rescan()
    return registry


async def test_a_rescan_has_new_workers_ready_when_it_ends_and_lets_old_ones_finish(
    bench: Bench, site: Site, strange_registry: Registry, tmp_path: Path
) -> None:
    pool = await bench.pool(max_workers=2)
    strange_registry.around_change = pool.change_of_generation
    for pipe in ("started", "go-on"):
        os.mkfifo(tmp_path / pipe)
    running = bench.begin(
        pool, "acme.version", {"started": str(tmp_path / "started"), "go_on": str(tmp_path / "go-on")}
    )
    await asyncio.to_thread((tmp_path / "started").read_bytes)

    site.install("acme", NEW)
    await strange_registry.rescan()
    ready = pool.stats()
    after, _ = await bench.run(pool, "acme.version")
    (tmp_path / "go-on").write_bytes(b"")
    before = await running.outcome

    assert ready == {"workers": 2, "busy": 1}
    assert (before.result[0], after.result[0]) == ("1.0", "2.0 ")
    assert pool.stats()["busy"] == 0


async def test_workers_that_cannot_be_started_ahead_hold_up_nothing(
    bench: Bench, site: Site, strange_registry: Registry
) -> None:
    pool = await bench.pool(max_workers=2)
    await bench.run(pool, "acme.version")
    strange_registry.around_change = pool.change_of_generation
    pool._python = "/bin/false"

    site.install("acme", NEW)
    await strange_registry.rescan()
    pool._python = sys.executable

    assert (await bench.run(pool, "acme.version"))[0].result[0] == "2.0 "
