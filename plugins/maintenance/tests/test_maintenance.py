"""The maintenance functions, run as a worker would run them."""

from __future__ import annotations

from typing import Any

import pytest
from cronplug_maintenance import cleanup_logs, heartbeat

from cronplug.errors import PluginError
from cronplug.testing import FunctionRunner, InvalidPayload


class RecordingPlatform:
    """Stands for the platform: answers a number and remembers what it was asked."""

    def __init__(self, *, deletes: int) -> None:
        self.deletes = deletes
        self.asked: list[tuple[int | None, int | None, int]] = []

    async def delete_ended_executions(
        self, *, success_older_than_days: int | None, failed_older_than_days: int | None, batch_size: int = 500
    ) -> int:
        self.asked.append((success_older_than_days, failed_older_than_days, batch_size))
        return self.deletes


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
