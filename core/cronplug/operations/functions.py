"""Functions and plugins: looked at, and called without a task."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from cronplug.errors import NotFound
from cronplug.model import Execution, FunctionInfo, Json, PluginRecord, Status, Task, TaskType, Trigger
from cronplug.operations.definitions import payload_faults
from cronplug.operations.impact import Impact, plan_impact
from cronplug.operations.means import Room, refuse
from cronplug.operations.secrets import fill_payload
from cronplug.operations.views import Idempotency, Replayed
from cronplug.registry.installed import canonical
from cronplug.registry.upgrades import NewVersion
from cronplug.store import Conn, tasks

_DEFAULT_INVOKE_TIMEOUT_SECONDS = 300
_TASKS_AT_ONCE = 200


class FunctionOperations(Room):
    """What is done with functions and plugins."""

    def list_functions(self) -> Sequence[FunctionInfo]:
        """Every registered function, by name."""
        return self._means.registry.functions()

    def get_function(self, name: str) -> FunctionInfo:
        """A registered function. Raises NotFound."""
        function = self._means.registry.function(name)
        if function is None:
            raise NotFound("function", name)
        return function

    def find_function(self, name: str | None) -> FunctionInfo | None:
        """The registered function of that name, if there is one."""
        return self._means.registry.function(name) if name else None

    async def invoke_function(
        self,
        name: str,
        payload: Mapping[str, Json],
        *,
        timeout_seconds: int | None = None,
        as_in: str | None = None,
        idempotency: Idempotency | None = None,
    ) -> Execution | Replayed:
        """Queue one execution of a function without a task; it is not retried.

        Masks stand for the secrets of the task whose id is `as_in`, if it runs this function. Raises NotFound,
        InvalidInput.
        """
        if (kept := await self._means.kept(idempotency)) is not None:
            return kept
        function = self.get_function(name)
        behind = await self._means.definition_behind(as_in)
        stored = behind.function_payload if behind is not None and behind.function_name == name else None
        payload = fill_payload(name, payload, self._means.registry, stored=stored, field="payload")
        refuse(payload_faults(name, payload, self._means.registry, field="payload"))
        now = self._means.clock.now()
        execution = Execution(
            id=self._means.ids.new(now),
            trigger=Trigger.API,
            status=Status.QUEUED,
            scheduled_for=now,
            queued_at=now,
            available_at=now,
            type=TaskType.FUNCTION,
            function_name=name,
            payload=payload,
            timeout_seconds=timeout_seconds or function.timeout_seconds or _DEFAULT_INVOKE_TIMEOUT_SECONDS,
        )
        return await self._means.queue(execution, idempotency)

    def list_plugins(self) -> Sequence[PluginRecord]:
        """What became of every installed plugin."""
        return self._means.registry.plugins()

    async def rescan_plugins(self) -> Sequence[PluginRecord]:
        """Look for new, changed and removed plugins; other nodes follow in a few seconds. Raises PluginsUnreadable."""
        await self._means.rescans.look()
        return self._means.registry.plugins()

    async def look_at_impact(self, name: str, new: NewVersion | None = None) -> Impact:
        """What taking `new` as the plugin `name` would mean for tasks, or what is installed now and not yet looked at.

        Nothing is changed. Raises NotFound when there is no such plugin.
        """
        registry = self._means.registry
        record = next((r for r in registry.plugins() if canonical(r.name) == canonical(name)), None)
        if new is None:
            new = await registry.look_at(name)
            if new is None and record is None:
                raise NotFound("plugin", name)
        present = [f for f in registry.functions() if record is not None and f.plugin == record.name]
        shown = record.name if record is not None else new.name if new is not None else name
        impact = plan_impact(shown, present=present, version=None if record is None else record.version, new=new)
        for function in sorted(impact.functions):
            await self._judge_tasks(impact, function)
        return impact

    async def _judge_tasks(self, impact: Impact, function: str) -> None:
        filter = tasks.TaskFilter(type=TaskType.FUNCTION, function_name=function)
        judged = 0
        while True:

            async def select(conn: Conn, offset: int = judged) -> list[Task]:
                return await tasks.select_tasks(conn, filter, sort="createdAt", limit=_TASKS_AT_ONCE, offset=offset)

            found = await self._means.store.read(select)
            impact.look_at(found)
            judged += len(found)
            if len(found) < _TASKS_AT_ONCE:
                return
            await asyncio.sleep(0)  # schemas may be slow to check: others get a turn
