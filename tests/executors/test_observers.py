"""Observing hooks: told in order, in a process of their own, and never in anyone's way."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from cronplug.executors.observers import Observers
from cronplug.executors.warden import Warden
from cronplug.registry import Registry
from tests.executors.conftest import WAIT_SECONDS, is_running, wait_until
from tests.registry.installing import FIRST_PARTY, Site


class Told(logging.Handler):
    """What the server's log got from hooks."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []
        self._changed = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
        self._changed.set()

    async def wait_for(self, part: str) -> str:
        async with asyncio.timeout(WAIT_SECONDS):
            while not (found := [message for message in self.messages if part in message]):
                self._changed.clear()
                await self._changed.wait()
        return found[0]


@pytest.fixture
async def told() -> AsyncIterator[Told]:
    log, handler = logging.getLogger("cronplug.executors.observers"), Told()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler
    log.removeHandler(handler)
    log.setLevel(logging.NOTSET)


@pytest.fixture
async def make(strange_registry: Registry) -> AsyncIterator[Callable[..., Observers]]:
    made: list[Observers] = []

    def make(limit_seconds: float = 5.0) -> Observers:
        made.append(Observers(strange_registry, limit_seconds=limit_seconds))
        return made[-1]

    yield make
    for observers in made:
        await observers.close()


async def test_hooks_are_called_in_order_in_another_process(make: Callable[..., Observers], told: Told) -> None:
    observers = make()

    observers.notify("scheduler_startup", node={"id": "n1"})
    observers.notify("scheduler_after_execution", execution={"id": "e1"}, outcome={"verdict": "success"})
    observers.notify("scheduler_shutdown", node={"id": "n1"})

    await told.wait_for("node n1 stops")
    texts = [message.partition(": ")[2] for message in told.messages]
    assert texts[0].startswith("node n1 is up in ")
    assert int(texts[0].split()[-1]) != os.getpid()
    assert texts[1:] == ["e1 ended: success", "acme: node n1 stops"]


async def test_one_that_raises_or_hangs_is_told_and_the_next_are_called(
    make: Callable[..., Observers], told: Told, strange_registry: Registry
) -> None:
    observers = make(limit_seconds=2.0)

    observers.notify("scheduler_before_execution", execution={"id": "e1"})
    observers.notify("scheduler_before_execution", execution={"id": "hang"})
    observers.notify("scheduler_startup", node={"id": "n2"})

    await told.wait_for("node n2 is up")
    assert await told.wait_for("failed: RuntimeError: no liking for e1")
    assert "took longer than 2 s" in await told.wait_for("and was killed")
    kept = {
        (record.name, fault.hook): (fault.message, fault.count)
        for record in strange_registry.plugins()
        for fault in record.hook_faults
    }
    [((_, hook), (message, count))] = kept.items()
    assert (hook, count) == ("scheduler_before_execution", 2)
    assert "took longer" in message


async def test_of_several_in_one_plugin_each_is_called_whatever_the_others_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Told
) -> None:
    source = """
        from cronplug import hookimpl

        class Hooks:
            def __init__(self, name):
                self.name = name

            @hookimpl
            def scheduler_startup(self):
                print(self.name, "is called")
                raise SystemExit(self.name)

        first, second = Hooks("first"), Hooks("second")
    """
    site = Site(tmp_path)
    site.put_on_path(monkeypatch)
    site.install("pair", source, entry_points={"a": "pair:first", "b": "pair:second"})
    registry = Registry(blocked=FIRST_PARTY)
    await registry.rescan()
    observers = Observers(registry)

    observers.notify("scheduler_startup", node={})

    await told.wait_for("hook scheduler_startup of plugin pair failed")
    await observers.close()
    assert sorted(message for message in told.messages if "is called" in message) == [
        "plugin pair: first is called",
        "plugin pair: second is called",
    ]
    [record] = [record for record in registry.plugins() if record.name == "pair"]
    assert [fault.count for fault in record.hook_faults] == [1]


async def test_a_daemon_that_a_hook_started_ends_with_the_hooks_process(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
        import subprocess
        from cronplug import hookimpl

        @hookimpl
        def scheduler_startup():
            print(subprocess.Popen(["sleep", "600"], start_new_session=True).pid)
    """
    site = Site(tmp_path)
    site.put_on_path(monkeypatch)
    site.install("leaving", source)
    registry = Registry(blocked=FIRST_PARTY)
    await registry.rescan()
    warden = Warden()
    await warden.start(python=sys.executable)
    observers = Observers(registry, warden=warden)

    observers.notify("scheduler_startup", node={})
    daemon = int((await told.wait_for("plugin leaving: ")).rpartition(" ")[2])
    assert is_running(daemon)
    await observers.close()

    await wait_until(lambda: not is_running(daemon))
    await warden.close()


async def test_a_hook_that_nobody_has_costs_nothing(make: Callable[..., Observers]) -> None:
    observers = make()

    observers.notify("scheduler_unheard_of", node={})

    assert observers._delivery is None


async def test_close_delivers_what_waits_and_may_be_called_twice(make: Callable[..., Observers], told: Told) -> None:
    observers = make()
    observers.notify("scheduler_startup", node={"id": "n3"})
    await told.wait_for("node n3 is up")
    observers.notify("scheduler_shutdown", node={"id": "n3"})

    await observers.close()
    await observers.close()
    observers.notify("scheduler_startup", node={"id": "late"})

    assert [message for message in told.messages if "node n3 stops" in message]
    assert not [message for message in told.messages if "late" in message]
