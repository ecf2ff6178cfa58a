"""The definitions of tasks that were in use lately: what the planner has just read, the attempts need not read again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from cronplug.model import TaskDefinition

_KEPT = 4_096
_KEPT_BYTES = 8_000_000
_BYTES_EACH = 64
"""About what a value takes in memory beside its text."""


class Definitions:
    """Definitions by task and revision, which never change; those that were not used for longest are forgotten.

    They are bounded in number and, since a payload may be large, in size; what is larger than all may be is not kept.
    """

    def __init__(self, *, kept: int = _KEPT, kept_bytes: int = _KEPT_BYTES) -> None:
        self._kept = kept
        self._kept_bytes = kept_bytes
        self._bytes = 0
        self._definitions: OrderedDict[tuple[str, int], tuple[TaskDefinition, int]] = OrderedDict()

    def remember(self, task_id: str, revision: int, definition: TaskDefinition) -> None:
        """Keep what a task is at a revision."""
        key = (task_id, revision)
        if key in self._definitions:
            self._definitions.move_to_end(key)
            return
        size = _size_of(definition)
        if size > self._kept_bytes:
            return
        self._definitions[key] = definition, size
        self._bytes += size
        while len(self._definitions) > self._kept or self._bytes > self._kept_bytes:
            _, (_, forgotten) = self._definitions.popitem(last=False)
            self._bytes -= forgotten

    def recall(self, task_id: str, revision: int) -> TaskDefinition | None:
        """What a task is at a revision, None when it has to be read."""
        found = self._definitions.get((task_id, revision))
        if found is None:
            return None
        self._definitions.move_to_end((task_id, revision))
        return found[0]


def _size_of(definition: TaskDefinition) -> int:
    """About how many bytes its parts of any length take."""
    return (
        len(definition.description)
        + len(definition.http_url or "")
        + len(definition.http_body or "")
        + len(definition.http_expect_body or "")
        + _size_of_json(definition.function_payload)
        + _size_of_json(definition.http_headers)
    )


def _size_of_json(value: object) -> int:
    if isinstance(value, str):
        return _BYTES_EACH + len(value)
    if isinstance(value, Mapping):
        return _BYTES_EACH + sum(_BYTES_EACH + len(name) + _size_of_json(part) for name, part in value.items())
    if isinstance(value, (list, tuple)):
        return _BYTES_EACH + sum(map(_size_of_json, value))
    return _BYTES_EACH
