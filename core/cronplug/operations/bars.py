"""What keeps fire times from running, as it is stored now: the pause and the calendars that schedules heed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cronplug.model import Pause, Status, TaskDefinition, TaskType
from cronplug.operations.definitions import calendars_of
from cronplug.planning import PlannedFire, missing_function_bar
from cronplug.registry import Registry
from cronplug.schedules.calendars import Calendar
from cronplug.store import Conn, pauses
from cronplug.store.calendars import CalendarCache, select_calendars


@dataclass(frozen=True, slots=True)
class WhatBars:
    """The newest pause, in force or over, and calendars by their id."""

    pause: Pause | None = None
    calendars: Mapping[str, Calendar] = field(default_factory=dict)


async def select_what_bars(conn: Conn, definitions: Iterable[TaskDefinition], *, cache: CalendarCache) -> WhatBars:
    """The pause, and the calendars that any of the definitions names (those that exist and can be read)."""
    wanted: set[str] = set()
    wanted.update(*map(calendars_of, definitions))
    return WhatBars(await pauses.select_pause(conn), await select_calendars(conn, wanted, cache=cache))


def lacks_function(definition: TaskDefinition, registry: Registry) -> bool:
    """Whether it is to run a function that no plugin has, as far as this node knows."""
    return definition.type is TaskType.FUNCTION and registry.function(definition.function_name or "") is None


def skip_without_function(
    fires: Sequence[PlannedFire], definition: TaskDefinition, registry: Registry
) -> Sequence[PlannedFire]:
    """The fires as they are, or skipped while no plugin has the function of the task."""
    if not lacks_function(definition, registry):
        return fires
    bar = missing_function_bar(definition.function_name or "")
    return tuple(fire.skipped(bar) if fire.status is Status.QUEUED else fire for fire in fires)
