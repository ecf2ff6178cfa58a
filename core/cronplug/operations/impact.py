"""Which tasks another version of a plugin would break, or heal; decided from facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cronplug.errors import FieldError
from cronplug.model import FunctionInfo, Json, Task, TaskDefinition
from cronplug.registry.payloads import below, check_payload, make_validator
from cronplug.registry.upgrades import NewVersion

MOST_TASKS = 1_000
"""How many tasks are named; the others are counted."""

Problem = Literal["function_missing", "payload_invalid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedTask:
    """A task that would not run as it is. `already`: it does not now either."""

    task_id: str
    name: str
    enabled: bool
    function_name: str
    problem: Problem
    already: bool
    errors: Sequence[FieldError]


@dataclass(slots=True, kw_only=True)
class Impact:
    """What taking `new_version` would mean. None for a version: not installed (`present`), or gone (`new`).

    `error` says why the new version offers nothing at all.
    """

    plugin: str
    present_version: str | None
    new_version: str | None
    error: str | None
    warnings: Sequence[str]
    added: Sequence[str]
    removed: Sequence[str]
    changed: Sequence[str]
    checked_tasks: int = 0
    broken_tasks: int = 0
    tasks: list[AffectedTask] = field(default_factory=list)
    healed: list[AffectedTask] = field(default_factory=list)
    _offered: Mapping[str, Any]
    _present: Mapping[str, Any]

    @property
    def functions(self) -> Iterator[str]:
        """Every function whose tasks have to be looked at."""
        return iter(self._offered.keys() | self._present.keys())

    def look_at(self, tasks: Iterable[Task]) -> None:
        """Judge tasks that run one of `functions`."""
        for task in tasks:
            self.checked_tasks += 1
            name = task.definition.function_name or ""
            problem, errors = _judge(task.definition, self._offered.get(name))
            problem_now, errors_now = _judge(task.definition, self._present.get(name))
            if problem is not None:
                self.broken_tasks += 1
                if len(self.tasks) < MOST_TASKS:
                    self.tasks.append(_affected(task, problem, errors, already=problem_now is not None))
            elif problem_now is not None and len(self.healed) < MOST_TASKS:
                self.healed.append(_affected(task, problem_now, errors_now, already=True))


def plan_impact(plugin: str, *, present: Sequence[FunctionInfo], version: str | None, new: NewVersion | None) -> Impact:
    """What `new` (None: the plugin is gone) means beside the functions of the `version` that is there now."""
    old = {function.name: function.payload_schema for function in present}
    offered: Mapping[str, Mapping[str, Json]] = {} if new is None else new.schemas
    return Impact(
        plugin=plugin,
        present_version=version,
        new_version=None if new is None else new.version,
        error=None if new is None else new.error,
        warnings=() if new is None else new.warnings,
        added=sorted(offered.keys() - old.keys()),
        removed=sorted(old.keys() - offered.keys()),
        changed=sorted(name for name in old.keys() & offered.keys() if old[name] != offered[name]),
        _offered={name: make_validator(schema) for name, schema in offered.items()},
        _present={name: make_validator(schema) for name, schema in old.items()},
    )


def definition_faults(definition: TaskDefinition, validator: Any) -> list[FieldError]:
    """What of a task's payloads does not fit: its own, and those of its schedules."""
    faults = check_payload(validator, definition.function_payload)
    for place, rule in enumerate(definition.schedules):
        if rule.payload is not None:
            faults += [below(fault, f"schedules.{place}.payload") for fault in check_payload(validator, rule.payload)]
    return faults


def _judge(definition: TaskDefinition, validator: Any) -> tuple[Problem | None, Sequence[FieldError]]:
    if validator is None:
        return "function_missing", ()
    faults = definition_faults(definition, validator)
    return ("payload_invalid" if faults else None), faults


def _affected(task: Task, problem: Problem, errors: Sequence[FieldError], *, already: bool) -> AffectedTask:
    return AffectedTask(
        task_id=task.id,
        name=task.definition.name,
        enabled=task.definition.enabled,
        function_name=task.definition.function_name or "",
        problem=problem,
        already=already,
        errors=tuple(errors),
    )
