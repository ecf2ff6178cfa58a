"""The definitions of tasks that were in use lately: what the planner has just read, the attempts need not read again."""

from __future__ import annotations

from collections import OrderedDict

from cronplug.model import TaskDefinition

_KEPT = 4_096


class Definitions:
    """Definitions by task and revision, which never change; those that were not used for longest are forgotten."""

    def __init__(self, *, kept: int = _KEPT) -> None:
        self._kept = kept
        self._definitions: OrderedDict[tuple[str, int], TaskDefinition] = OrderedDict()

    def remember(self, task_id: str, revision: int, definition: TaskDefinition) -> None:
        """Keep what a task is at a revision."""
        self._definitions[task_id, revision] = definition
        self._definitions.move_to_end((task_id, revision))
        if len(self._definitions) > self._kept:
            self._definitions.popitem(last=False)

    def recall(self, task_id: str, revision: int) -> TaskDefinition | None:
        """What a task is at a revision, None when it has to be read."""
        definition = self._definitions.get((task_id, revision))
        if definition is not None:
            self._definitions.move_to_end((task_id, revision))
        return definition
