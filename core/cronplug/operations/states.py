"""The state of a task: computed from what is stored and what is registered now, never stored itself."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from cronplug.model import Task, TaskType
from cronplug.operations.views import TaskState
from cronplug.planning.next_run import awaits_end
from cronplug.registry import Registry

_REMEMBERED = 10_000


class TaskStates:
    """Tells states; whether a payload fits is looked at once for each revision and each look at the plugins."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._fits: OrderedDict[tuple[str, int, int], bool] = OrderedDict()

    def of(self, task: Task, now: datetime) -> TaskState:
        """What a reader should know of a task at a glance; what needs a person comes first."""
        definition = task.definition
        if task.schedule_error is not None:
            return "schedule_error"
        if definition.type is TaskType.FUNCTION:
            if self._registry.function(definition.function_name or "") is None:
                return "function_missing"
            if not self._payload_fits(task):
                return "payload_invalid"
        if not definition.enabled:
            return "disabled"
        if not definition.schedules:
            return "manual"
        return "active" if task.next_run_at is not None or awaits_end(task, now) else "done"

    def is_payload_invalid(self, task: Task) -> bool:
        """Whether its function is there, and one of its payloads does not fit it."""
        definition = task.definition
        if definition.type is not TaskType.FUNCTION or self._registry.function(definition.function_name or "") is None:
            return False
        return not self._payload_fits(task)

    def _payload_fits(self, task: Task) -> bool:
        key = (task.id, task.revision, self._registry.generation)
        fits = self._fits.get(key)
        if fits is None:
            definition = task.definition
            name = definition.function_name or ""
            payloads = [definition.function_payload, *(rule.payload for rule in definition.schedules)]
            fits = not any(
                self._registry.validate_payload(name, payload) for payload in payloads if payload is not None
            )
            self._fits[key] = fits
            if len(self._fits) > _REMEMBERED:
                self._fits.popitem(last=False)
        return fits
