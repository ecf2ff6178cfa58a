"""Tasks whose payload does not fit their function are known without looking at all of them each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from cronplug.errors import FieldError
from cronplug.store import tasks
from cronplug.store.tasks import TaskFilter
from tests.engine.conftest import World


async def attention(world: World) -> list[str]:
    filter = TaskFilter(state="attention")
    page = await world.operations.list_tasks(filter, sort="createdAt", page=1, page_size=20)
    return [view.task.id for view in page.items]


async def test_a_clock_that_is_set_back_hides_no_change(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def validate(name: str, payload: Mapping[str, Any]) -> list[FieldError]:
        return [FieldError("days", "must not be 0", "value")] if payload.get("days") == 0 else []

    known = [world.registry.function("test.function")]
    monkeypatch.setattr(world.registry, "functions", lambda: known)
    monkeypatch.setattr(world.registry, "validate_payload", validate)
    task = await world.create()
    assert await attention(world) == []
    now = world.clock.now() - timedelta(hours=2)
    world.clock.set(now)
    definition = replace(task.definition, function_payload={"days": 0})  # by a node with another version of it
    unfit = replace(task, id=world.ids.new(now), definition=definition, updated_at=now)
    await world.store.write(partial(tasks.insert_task, task=unfit))

    assert await attention(world) == [unfit.id]
