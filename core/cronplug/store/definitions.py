"""Task definitions as JSON: one format for `tasks` and `task_revisions`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from cronplug.model import CatchUp, Delivery, Json, Overlap, TaskDefinition, TaskType

_NAMES = tuple(field.name for field in fields(TaskDefinition))
_ENUMS = {"type": TaskType, "catch_up": CatchUp, "overlap": Overlap, "delivery": Delivery}


def definition_to_json(definition: TaskDefinition) -> dict[str, Json]:
    """All fields by name."""
    values = {name: getattr(definition, name) for name in _NAMES}
    return values | {
        "tags": list(definition.tags),
        "function_payload": dict(definition.function_payload),
        "http_headers": dict(definition.http_headers),
    }


def definition_from_json(stored: dict[str, Json]) -> tuple[TaskDefinition, str | None]:
    """The definition, and what of it cannot be understood: a newer version may have written it.

    A field the row does not have (it is older) gets its default, an unknown one is left out. A value that this
    version does not know is replaced by the default, so that one row never keeps the others from being read.
    """
    values: dict[str, Any] = {name: stored[name] for name in _NAMES if name in stored}
    faults = []
    for name, enum in _ENUMS.items():
        if name in values and values[name] not in enum.__members__.values():
            faults.append(f"{name} is {values.pop(name)!r}")
        elif name in values:
            values[name] = enum(values[name])
    values["tags"] = tuple(values.get("tags", ()))
    fault = f"This version of cronplug does not know what it means that {', '.join(faults)}." if faults else None
    return TaskDefinition(**{"name": "", "type": TaskType.FUNCTION} | values), fault
