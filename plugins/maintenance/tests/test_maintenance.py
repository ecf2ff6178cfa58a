"""The maintenance functions, run as a worker would run them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from cronplug_maintenance import backup, cleanup_logs, heartbeat, optimize

from cronplug.errors import PluginError
from cronplug.sdk.context import BackupMade, Optimized
from cronplug.testing import FunctionRunner, InvalidPayload


class RecordingPlatform:
    """Stands for the platform: answers a number and remembers what it was asked."""

    def __init__(self, *, deletes: int = 0) -> None:
        self.deletes = deletes
        self.free = 0
        self.reclaimed: bool | None = None
        self.asked: list[tuple[int | None, int | None, int]] = []

    async def delete_ended_executions(
        self, *, success_older_than_days: int | None, failed_older_than_days: int | None, batch_size: int = 500
    ) -> int:
        self.asked.append((success_older_than_days, failed_older_than_days, batch_size))
        return self.deletes

    async def optimize(self, *, reclaim: bool = False) -> Optimized:
        self.reclaimed = reclaim
        return Optimized(database="sqlite", bytes_before=5_000_000, bytes_after=3_000_000, free_bytes=self.free)

    async def backup(
        self, *, folder: str = "", keep: int = 7, report: Callable[[float], object] | None = None
    ) -> BackupMade:
        assert report is not None
        report(1.0)
        return BackupMade(path=f"/backups/{folder}/new.db", bytes=123_456, removed=tuple(f"old-{keep}.db" for _ in "1"))


@pytest.mark.parametrize(
    ("payload", "asked"),
    [
        ({}, (None, None, 500)),
        ({"days": 10}, (10, 30, 500)),
        ({"days": 3000}, (3000, 3650, 500)),
        ({"days": 10, "failedDays": 20, "batchSize": 50}, (10, 20, 50)),
        ({"failedDays": 20}, (None, 20, 500)),
        ({"days": None}, (None, None, 500)),
    ],
)
def test_cleanup_asks_the_platform_with_the_given_ages(
    run_function: FunctionRunner, payload: dict[str, Any], asked: tuple[int | None, int | None, int]
) -> None:
    platform = RecordingPlatform(deletes=0)

    ran = run_function(cleanup_logs, payload, platform=platform)

    assert ran.success
    assert platform.asked == [asked]


@pytest.mark.parametrize(
    ("deletes", "summary"),
    [(0, "Nothing was old enough to delete."), (1, "Deleted 1 execution."), (12345, "Deleted 12,345 executions.")],
)
def test_cleanup_says_what_it_deleted(run_function: FunctionRunner, deletes: int, summary: str) -> None:
    ran = run_function(cleanup_logs, platform=RecordingPlatform(deletes=deletes))

    assert ran.result_summary == summary
    assert ran.result["deleted"] == deletes
    assert ran.log[-1] == ("info", summary)


@pytest.mark.parametrize("payload", [{"days": 0}, {"days": 3651}, {"failedDays": 0}, {"batchSize": 0}, {"day": 1}])
def test_cleanup_refuses_what_makes_no_sense(run_function: FunctionRunner, payload: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload, match=next(iter(payload))):
        run_function(cleanup_logs, payload, platform=RecordingPlatform(deletes=0))


def test_cleanup_fails_clearly_where_it_is_not_trusted(run_function: FunctionRunner) -> None:
    ran = run_function(cleanup_logs)

    assert isinstance(ran.error, PluginError)
    assert "SCHEDULER_PLUGINS_TRUSTED" in str(ran.error_message)


def test_heartbeat_proves_life(run_function: FunctionRunner) -> None:
    ran = run_function(heartbeat)

    assert ran.success
    assert ran.result["alive"] is True
    assert ran.result["at"].endswith("Z")
    assert "status" not in ran.result


@pytest.fixture
def switch() -> Iterator[tuple[str, list[str]]]:
    """A dead man's switch: its address, and the paths that were asked for. It refuses `/gone`."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404 if self.path == "/gone" else 200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on the terminal."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_heartbeat_tells_a_dead_mans_switch(run_function: FunctionRunner, switch: tuple[str, list[str]]) -> None:
    address, asked = switch

    ran = run_function(heartbeat, {"url": f"{address}/ping/SECRET"})

    assert ran.success
    assert (ran.result["alive"], ran.result["status"], asked) == (True, 200, ["/ping/SECRET"])
    assert "SECRET" not in str(ran.log)


def test_heartbeat_fails_when_the_switch_does_not_take_it(
    run_function: FunctionRunner, switch: tuple[str, list[str]]
) -> None:
    ran = run_function(heartbeat, {"url": f"{switch[0]}/gone"})

    assert not ran.success
    assert "127.0.0.1 answered 404" in str(ran.error_message)


@pytest.mark.parametrize("payload", [{"url": "ftp://example.com"}, {"url": ""}, {"address": "http://example.com"}])
def test_heartbeat_refuses_what_is_no_address(run_function: FunctionRunner, payload: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload):
        run_function(heartbeat, payload)


@pytest.mark.parametrize("reclaim", [True, False])
def test_optimize_tells_what_it_gained(run_function: FunctionRunner, reclaim: bool) -> None:
    platform = RecordingPlatform()
    platform.free = 7_000

    ran = run_function(optimize, {"reclaim": reclaim}, platform=platform)

    assert ran.result_summary == "The database has 3.0 MB, 2.0 MB less than before."
    assert (ran.result["bytesAfter"], ran.result["freeBytes"]) == (3_000_000, 7_000)
    assert any("7.0 kB of it are free" in text for _, text in ran.log)
    assert platform.reclaimed is reclaim


def test_backup_tells_where_it_is_and_what_went(run_function: FunctionRunner) -> None:
    ran = run_function(backup, {"folder": "weekly", "keep": 3}, platform=RecordingPlatform())

    assert ran.result_summary == "Backed up 123.5 kB to /backups/weekly/new.db."
    assert ran.result["removed"] == ["old-3.db"]
    assert ran.progress == ((1.0, ""),)
    assert ran.log[-1] == ("info", "removed old-3.db")


@pytest.mark.parametrize("payload", [{"keep": 0}, {"keep": 1001}, {"folder": None}, {"path": "/etc"}])
def test_backup_refuses_what_makes_no_sense(run_function: FunctionRunner, payload: dict[str, Any]) -> None:
    with pytest.raises(InvalidPayload):
        run_function(backup, payload, platform=RecordingPlatform())
