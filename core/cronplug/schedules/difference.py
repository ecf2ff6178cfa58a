"""What changes when one schedule takes the place of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cronplug.schedules.calendars import Calendar
from cronplug.schedules.exclusions import find_next_run
from cronplug.schedules.shown_times import instant_text
from cronplug.schedules.task_schedule import TaskSchedule

_NO_CALENDARS: Mapping[str, Calendar] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The next instants at which either of two schedules runs, by which of them do.

    `same`: none that was looked at is in one only. `old_next` and `new_next` are the next run of each.
    """

    only_old: tuple[datetime, ...]
    only_new: tuple[datetime, ...]
    both: tuple[datetime, ...]
    old_next: datetime | None
    new_next: datetime | None
    next_run_changes: bool
    same: bool
    sentence: str


def compare(
    old: TaskSchedule,
    new: TaskSchedule,
    *,
    after: datetime,
    count: int,
    calendars: Mapping[str, Calendar] = _NO_CALENDARS,
) -> Comparison:
    """The next `count` instants strictly after `after` at which `old` or `new` runs; calendars are heeded."""
    only_old: list[datetime] = []
    only_new: list[datetime] = []
    both: list[datetime] = []
    old_at = old_next = find_next_run(old, after=after, calendars=calendars)
    new_at = new_next = find_next_run(new, after=after, calendars=calendars)
    for _ in range(count):
        at = min((found for found in (old_at, new_at) if found is not None), default=None)
        if at is None:
            break
        in_old, in_new = at == old_at, at == new_at
        (both if in_old and in_new else only_old if in_old else only_new).append(at)
        if in_old:
            old_at = find_next_run(old, after=at, calendars=calendars)
        if in_new:
            new_at = find_next_run(new, after=at, calendars=calendars)
    return Comparison(
        only_old=tuple(only_old),
        only_new=tuple(only_new),
        both=tuple(both),
        old_next=old_next,
        new_next=new_next,
        next_run_changes=old_next != new_next,
        same=not only_old and not only_new,
        sentence=_sentence(new, len(only_old), len(only_new), len(both), old_next, new_next),
    )


def _sentence(
    new: TaskSchedule,
    gone: int,
    added: int,
    kept: int,
    old_next: datetime | None,
    new_next: datetime | None,
) -> str:
    looked_at = gone + added + kept
    if not looked_at:
        return "Neither runs any more."
    if not gone and not added:
        return f"The next {looked_at} runs stay as they are." if looked_at > 1 else "The next run stays as it is."
    changes = [text for number, text in ((gone, f"{gone} no longer run"), (added, f"{added} are new")) if number]
    sentence = f"Of the next {looked_at} runs {' and '.join(changes)}"
    if old_next == new_next:
        return f"{sentence}; the next run stays the same."
    if new_next is None:
        return f"{sentence}; there is no next run any more."
    timezone = new.rules[new.index_at(new_next)].timezone
    return f"{sentence}; the next run is {instant_text(new_next, timezone)} ({timezone})."
