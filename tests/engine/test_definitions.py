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


def large(name: str) -> TaskDefinition:
    return TaskDefinition(name=name, type=TaskType.FUNCTION, function_payload={"rows": [{"text": "x" * 400}] * 2})


def test_large_ones_are_bounded_by_what_they_take_together() -> None:
    definitions = Definitions(kept_bytes=3_000)
    for name in ("first", "second", "third"):
        definitions.remember(name, 1, large(name))
    assert definitions.recall("first", 1) is None
    assert definitions.recall("second", 1) == large("second")
    assert definitions.recall("third", 1) == large("third")


def test_one_that_is_too_large_takes_no_other_place() -> None:
    definitions = Definitions(kept_bytes=500)
    definitions.remember("small", 1, definition("small"))
    definitions.remember("large", 1, large("large"))
    assert definitions.recall("large", 1) is None
    assert definitions.recall("small", 1) == definition("small")


def test_one_that_is_remembered_again_counts_once() -> None:
    definitions = Definitions(kept_bytes=3_000)
    for _ in range(10):
        definitions.remember("first", 1, large("first"))
        definitions.remember("second", 1, large("second"))
    assert definitions.recall("first", 1) == large("first")
    assert definitions.recall("second", 1) == large("second")
