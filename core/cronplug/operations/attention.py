"""Which tasks need a person although the database cannot see it: no function of that name, a payload that does not fit."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import datetime, timedelta

from cronplug.model import Task
from cronplug.operations.states import TaskStates
from cronplug.registry import Registry
from cronplug.store import Conn, Store, tasks

_AT_ONCE = 200
_MARGIN = timedelta(minutes=5)
"""By so much the clocks of nodes that write `updated_at` may differ, or a transaction be late."""


class UnfitTasks:
    """Knows the tasks whose payload does not fit their function: all are looked at once, then those that change.

    A rescan that finds other functions makes it look at all again.
    """

    def __init__(self, store: Store, registry: Registry, states: TaskStates) -> None:
        self._store = store
        self._registry = registry
        self._states = states
        self._invalid: frozenset[str] = frozenset()
        self._known: tuple[int, datetime] | None = None

    async def complete(self, filter: tasks.TaskFilter, now: datetime) -> tasks.TaskFilter:
        """The filter, with what it needs for the state `attention`."""
        if filter.state != "attention" or filter.unfit is not None:
            return filter
        return dataclasses.replace(filter, unfit=await self.find(now))

    async def find(self, now: datetime) -> tasks.Unfit:
        """The functions there are, and the tasks whose payload does not fit, as they are now."""
        generation = self._registry.generation
        since: datetime | None = None
        invalid: set[str] = set()
        known = self._known
        if known is not None and known[0] == generation and known[1] <= now:  # else the clock was set back
            since, invalid = known[1] - _MARGIN, set(self._invalid)
        after_id = ""
        more = True
        while more:

            async def select(conn: Conn, after_id: str = after_id) -> list[Task]:
                return await tasks.select_changed_since(conn, since, after_id=after_id, limit=_AT_ONCE)

            changed = await self._store.read(select)
            for task in changed:
                if self._states.is_payload_invalid(task):
                    invalid.add(task.id)
                else:
                    invalid.discard(task.id)
            more = len(changed) == _AT_ONCE
            if more:
                after_id = changed[-1].id
                await asyncio.sleep(0)  # schemas may be slow to check: others get a turn
        self._invalid, self._known = frozenset(invalid), (generation, now)
        names = frozenset(function.name for function in self._registry.functions())
        return tasks.Unfit(functions=names, payload_invalid=self._invalid)
