"""Secrets of tasks: a mask in what is shown, and the stored value for a mask that comes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from cronplug.errors import FieldError, InvalidInput
from cronplug.model import Execution, Json, Task, TaskDefinition, TaskType
from cronplug.operations.request_secrets import fill_in_request, hide_in_request
from cronplug.registry import Registry
from cronplug.registry.payloads import below


def hide_in_task(task: Task, registry: Registry) -> Task:
    """The task as it may be shown."""
    definition = hide_in_definition(task.definition, registry)
    return task if definition is task.definition else dataclasses.replace(task, definition=definition)


def hide_in_definition(definition: TaskDefinition, registry: Registry) -> TaskDefinition:
    """The definition with a mask for each secret in its request, its payload and those of its schedules."""
    definition = hide_in_request(definition)
    name = definition.function_name
    if not name or not registry.has_secrets(name):
        return definition
    return dataclasses.replace(
        definition,
        function_payload=registry.mask_payload(name, definition.function_payload),
        schedules=tuple(
            rule
            if rule.payload is None
            else dataclasses.replace(rule, payload=registry.mask_payload(name, rule.payload))
            for rule in definition.schedules
        ),
    )


def hide_in_execution(execution: Execution, registry: Registry) -> Execution:
    """The execution as it may be shown."""
    name = execution.function_name
    if execution.payload is None or not name or not registry.has_secrets(name):
        return execution
    return dataclasses.replace(execution, payload=registry.mask_payload(name, execution.payload))


def fill_in_definition(
    definition: TaskDefinition, registry: Registry, *, before: TaskDefinition | None
) -> TaskDefinition:
    """The definition with the secrets of `before` in the place of masks.

    They are given to the same function, or server, only. A schedule's payload may stand for that of an old schedule, or for the
    task's own. Raises InvalidInput for a mask that stands for nothing stored.
    """
    definition, of_request = fill_in_request(definition, before=before)
    if of_request:
        raise InvalidInput(of_request)
    name = definition.function_name
    if definition.type is not TaskType.FUNCTION or not name or not registry.has_secrets(name):
        return definition
    if before is not None and before.function_name != name:
        before = None
    payload, faults = registry.fill_payload(
        name, definition.function_payload, before.function_payload if before else None
    )
    rules = []
    for place, rule in enumerate(definition.schedules):
        if rule.payload is not None:
            filled, wrong = _fill_rule(name, rule.payload, registry, before, place)
            faults += [below(fault, f"schedules.{place}.payload") for fault in wrong]
            rule = dataclasses.replace(rule, payload=filled)
        rules.append(rule)
    if faults:
        raise InvalidInput(faults)
    return dataclasses.replace(definition, function_payload=payload, schedules=tuple(rules))


def fill_payload(
    name: str, payload: Mapping[str, Json], registry: Registry, *, stored: Mapping[str, Json] | None, field: str
) -> dict[str, Json]:
    """A payload called `field` with the stored secrets in the place of masks. Raises InvalidInput as above."""
    filled, faults = registry.fill_payload(name, payload, stored)
    if faults:
        raise InvalidInput([below(fault, field) for fault in faults])
    return filled


def _fill_rule(
    name: str, payload: Mapping[str, Json], registry: Registry, before: TaskDefinition | None, place: int
) -> tuple[dict[str, Json], Sequence[FieldError]]:
    """The payload of a schedule, filled from what it most likely was before."""
    old: list[Mapping[str, Json]] = []
    if before is not None:
        rules = [rule.payload for rule in before.schedules]
        near = [rules[place], *rules] if place < len(rules) else rules  # two may differ in their secrets only
        old += [known for known in near if known is not None and registry.mask_payload(name, known) == payload]
        old += [known for known in rules[place : place + 1] if known is not None]
        old.append(before.function_payload)
    tries = [registry.fill_payload(name, payload, known) for known in (*old, None)]
    return next((found for found in tries if not found[1]), tries[0])
