"""Functions and plugins: looked at, and called without a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cronplug.errors import NotFound
from cronplug.model import Execution, FunctionInfo, Json, PluginRecord, Status, TaskType, Trigger
from cronplug.operations.definitions import payload_faults
from cronplug.operations.means import Room, refuse
from cronplug.operations.views import Idempotency, Replayed

_DEFAULT_INVOKE_TIMEOUT_SECONDS = 300


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

    async def invoke_function(
        self,
        name: str,
        payload: Mapping[str, Json],
        *,
        timeout_seconds: int | None = None,
        idempotency: Idempotency | None = None,
    ) -> Execution | Replayed:
        """Queue one execution of a function without a task; it is not retried. Raises NotFound, InvalidInput."""
        if (kept := await self._means.kept(idempotency)) is not None:
            return kept
        function = self.get_function(name)
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
        """Look for new, changed and removed plugins."""
        records = await self._means.registry.rescan()
        self._means.bus.publish("plugin", "*", "updated")
        return records
