"""Tasks and executions for the store's tests."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from cronplug.ids import encode_id, first_id_at
from cronplug.model import Execution, Status, Task, TaskDefinition, TaskType, Trigger

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NODE = "node-a"


def after(seconds: float) -> datetime:
    """An instant so many seconds from NOW."""
    return NOW + timedelta(seconds=seconds)


class Maker:
    """Makes values; what is not said is unremarkable."""

    def __init__(self) -> None:
        self._numbers = itertools.count()

    def id(self, at: datetime = NOW) -> str:
        """A new identifier, made at any instant, also before that of the last one."""
        return encode_id(first_id_at(at) + next(self._numbers))

    def task(self, *, at: datetime = NOW, next_run_at: datetime | None = None, **definition: Any) -> Task:
        given = {"name": "A task", "type": TaskType.FUNCTION, "function_name": "acme.report"} | definition
        return Task(
            id=self.id(at),
            definition=TaskDefinition(**given),
            revision=1,
            created_at=at,
            updated_at=at,
            next_run_at=next_run_at,
        )

    def execution(self, *, at: datetime = NOW, **given: Any) -> Execution:
        values: dict[str, Any] = {
            "id": self.id(at),
            "trigger": Trigger.MANUAL,
            "status": Status.QUEUED,
            "scheduled_for": at,
            "queued_at": at,
            "available_at": at,
        }
        return Execution(**(values | given))
