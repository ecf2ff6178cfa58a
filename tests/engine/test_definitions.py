from __future__ import annotations

from cronplug.engine import Definitions
from cronplug.model import TaskDefinition, TaskType


def definition(name: str) -> TaskDefinition:
    return TaskDefinition(name=name, type=TaskType.FUNCTION)


def test_what_was_not_used_for_longest_is_forgotten_first() -> None:
    definitions = Definitions(kept=2)
    definitions.remember("old", 1, definition("old"))
    definitions.remember("new", 1, definition("new"))
    assert definitions.recall("old", 1) == definition("old")
    definitions.remember("newest", 1, definition("newest"))
    assert definitions.recall("new", 1) is None
    assert definitions.recall("old", 1) == definition("old")


def test_another_revision_is_another_definition() -> None:
    definitions = Definitions()
    definitions.remember("task", 1, definition("before"))
    assert definitions.recall("task", 2) is None
