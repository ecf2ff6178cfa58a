"""The first step of a coroutine, up to where it waits for something: many a call never does.

As with the eager tasks of Python 3.12, but within the task that asks, so that whatever the coroutine finds out about
its task stays true when it goes on.
"""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finished(Generic[T]):
    """It has returned without waiting for anything."""

    result: T


@dataclass(frozen=True, slots=True)
class Waits(Generic[T]):
    """It waits for something. To be awaited once, by the same task, before that task waits for anything else."""

    coroutine: Coroutine[Any, Any, T]
    waits_for: Any

    def __await__(self) -> Generator[Any, Any, T]:
        """Go on to its end, passing on what it waits for, beginning with what it waits for already."""
        waits_for = self.waits_for
        while True:
            try:
                try:
                    sent = yield waits_for
                except GeneratorExit:
                    self.coroutine.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - on its way into the coroutine, which decides
                    waits_for = self.coroutine.throw(error)
                else:
                    waits_for = self.coroutine.send(sent)
            except StopIteration as end:
                result: T = end.value
                return result


def take_first_step(coroutine: Coroutine[Any, Any, T]) -> Finished[T] | Waits[T]:
    """Run a coroutine in the present task until it returns or waits. Raises what it raises."""
    try:
        waits_for = coroutine.send(None)
    except StopIteration as end:
        return Finished(end.value)
    return Waits(coroutine, waits_for)
