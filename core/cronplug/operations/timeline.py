"""What ran, runs and will run within a stretch of time, in lanes."""

from __future__ import annotations

import asyncio
import heapq
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cronplug.clock import from_millis, to_millis
from cronplug.errors import FieldError, InvalidInput
from cronplug.model import Task
from cronplug.operations.bars import WhatBars, select_what_bars
from cronplug.operations.means import Room
from cronplug.operations.previews import coming_after
from cronplug.schedules import find_occurrences, shown_schedule, terms_of
from cronplug.store import Conn, tasks
from cronplug.store.tasks import TaskFilter
from cronplug.store.timeline import (
    Bunch,
    Counted,
    GroupBy,
    Mark,
    Window,
    count_by_lane,
    select_bunches,
    select_marks,
    select_spans,
)

LONGEST = timedelta(days=8)
MOST_MARKS = 500
"""A lane with more executions tells them by buckets of time."""

MOST_MARKS_IN_ALL = 6_000
"""Once the lanes so far have so many, the others tell theirs by buckets too: an answer stays quick to make and to read."""

MOST_PLANNED = 200
MOST_READ = 200
"""The coming fire times of at most so many tasks are told; a lane that leaves out others says that there are more."""

_MOST_SPANS = 50_000
_MOST_DUE = 20_000
_BUCKETS = 96
_STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200)
_MOMENT = timedelta(milliseconds=1)
WITHOUT: Mapping[GroupBy, str] = {"task": "Without a task", "function": "HTTP requests", "tag": "Without a tag"}
"""How the lane of those that have no task, function or tag is called."""


@dataclass(slots=True, kw_only=True)
class Lane:
    """A task, function or tag (`key`) with its executions, as marks or in bunches, and its coming fire times that will run."""

    key: str
    title: str
    task_id: str | None = None
    enabled: bool = True
    count: int = 0
    failed: int = 0
    marks: list[Mark] = field(default_factory=list)
    bunches: list[Bunch] = field(default_factory=list)
    planned: list[datetime] = field(default_factory=list)
    planned_more: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """How much began in a bucket of time, how many ran side by side at most (None: too many to tell), how many will begin."""

    start: datetime
    started: int
    peak: int | None
    planned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Lanes in the order in which they matter, the load of all of them together, and how many lanes were left out."""

    since: datetime
    until: datetime
    now: datetime
    group_by: GroupBy
    seconds: int
    lanes: Sequence[Lane]
    load: Sequence[Load]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a timeline is to show; None of the last four does not matter."""

    since: datetime
    until: datetime
    group_by: GroupBy = "task"
    limit: int = 60
    planned: bool = True
    q: str | None = None
    tags: tuple[str, ...] = ()
    function_name: str | None = None
    task_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Due:
    task_id: str
    name: str
    function_name: str | None
    at: datetime


class TimelineOperations(Room):
    """Looking back and ahead at once."""

    async def timeline(self, asked: Asked) -> Timeline:
        """The lanes of [since, until): those with failures first, then those with executions, then those to come.

        Raises InvalidInput for more than eight days.
        """
        now = self._means.clock.now()
        if asked.until <= asked.since:
            raise InvalidInput([FieldError("to", "must be after from", "order")])
        if asked.until - asked.since > LONGEST:
            raise InvalidInput([FieldError("from", "is too long before to: a timeline has at most 8 days", "too_long")])
        found, spans, planned = await self._means.store.read(lambda conn: self._lay_out(conn, asked, now))
        load = await asyncio.to_thread(_load, asked, found.seconds, spans, planned, now)  # 50 ms for many
        return replace(found, load=load)

    async def _lay_out(
        self, conn: Conn, asked: Asked, now: datetime
    ) -> tuple[Timeline, Sequence[tuple[int, int | None]], Sequence[datetime]]:
        """The timeline but for its load, and what that is made of: the spans of executions, coming fire times."""
        has_filter = asked.q is not None or bool(asked.tags)
        of_tasks = TaskFilter(q=asked.q, tags=asked.tags)
        window = Window(
            since=asked.since,
            until=asked.until,
            now=now,
            group_by=asked.group_by,
            filter=of_tasks if has_filter else None,
            task_id=asked.task_id,
            function_name=asked.function_name,
        )
        due = await self._select_due_lanes(conn, asked, of_tasks, now) if asked.planned else []
        lanes = _lanes(asked.group_by, await count_by_lane(conn, window), await _keys_of_due(conn, asked.group_by, due))
        shown = lanes[: asked.limit]
        seconds = _step(asked.until - asked.since)
        by_key = {lane.key: lane for lane in shown}
        marked, crowded = _share_out(shown)
        for mark in await select_marks(conn, window, marked):
            by_key[mark.key].marks.append(mark)
        for bunch in await select_bunches(conn, window, crowded, seconds=seconds):
            by_key[bunch.key].bunches.append(bunch)
        if asked.group_by == "task":
            await _name_tasks(conn, shown)
        told = await self._plan_lanes(conn, asked, by_key, due, now)
        spans = await select_spans(conn, window, limit=_MOST_SPANS + 1)
        rest = [it.at for it in due if it.task_id not in told]
        planned = [*rest, *(at for times in told.values() for at in times)]
        timeline = Timeline(
            since=asked.since,
            until=asked.until,
            now=now,
            group_by=asked.group_by,
            seconds=seconds,
            lanes=shown,
            load=(),
            more=len(lanes) - len(shown),
        )
        return timeline, spans, planned

    async def _select_due_lanes(self, conn: Conn, asked: Asked, of_tasks: TaskFilter, now: datetime) -> list[_Due]:
        rows = await tasks.select_due_within(conn, of_tasks, since=asked.since, until=asked.until, limit=_MOST_DUE)
        return [
            _Due(*row)
            for row in rows
            if (asked.task_id is None or row[0] == asked.task_id)
            and (asked.function_name is None or row[2] == asked.function_name)
        ]

    async def _plan_lanes(
        self, conn: Conn, asked: Asked, by_key: Mapping[str, Lane], due: Sequence[_Due], now: datetime
    ) -> dict[str, list[datetime]]:
        """Put the coming fire times into the lanes; those that were found, by task."""
        keys = await _keys_of_due(conn, asked.group_by, due)
        wanted = [it.task_id for it in due if any(key in by_key for key, _ in keys[it.task_id])]
        found = await tasks.select_tasks_by_id(conn, wanted[:MOST_READ])
        what_bars = await select_what_bars(conn, [task.definition for task in found], cache=self._means.calendars)
        told: dict[str, list[datetime]] = {}
        for task in found:
            told[task.id] = coming = coming_runs(task, what_bars, now=now, until=asked.until, limit=MOST_PLANNED + 1)
            for key, _ in keys[task.id]:
                if key in by_key:
                    by_key[key].planned += coming
        left_out = {key for task_id in wanted[MOST_READ:] for key, _ in keys[task_id]}
        for lane in by_key.values():
            lane.planned = heapq.nsmallest(MOST_PLANNED + 1, lane.planned)
            lane.planned_more = len(lane.planned) > MOST_PLANNED or lane.key in left_out
            del lane.planned[MOST_PLANNED:]
        return told


def coming_runs(task: Task, what_bars: WhatBars, *, now: datetime, until: datetime, limit: int) -> list[datetime]:
    """The coming fire times of a task before `until` that will run, as its forecast tells them; at most `limit`."""
    definition = task.definition
    if not definition.enabled or task.schedule_error is not None:
        return []
    schedule = shown_schedule(definition, seed=task.id, pending=task.next_run_at)
    terms = terms_of(definition, fired_count=task.fired_count, pause=what_bars.pause)
    coming = find_occurrences(
        schedule,
        after=coming_after(task, now),
        until=until - _MOMENT,
        count=limit,
        calendars=what_bars.calendars,
        terms=terms,
        task_id=task.id,
    )
    return [occurrence.at for occurrence in coming if occurrence.runs]


def _lanes(group_by: GroupBy, counted: Iterable[Counted], due: Mapping[str, Sequence[tuple[str, str]]]) -> list[Lane]:
    lanes = {
        it.key: Lane(key=it.key, title=it.title or WITHOUT[group_by], count=it.count, failed=it.failed)
        for it in counted
    }
    for keys in due.values():
        for key, title in keys:
            if key not in lanes:
                lanes[key] = Lane(key=key, title=title or WITHOUT[group_by])
    for lane in lanes.values():
        lane.task_id = (lane.key or None) if group_by == "task" else None
    return sorted(lanes.values(), key=lambda it: (not it.failed, not it.count, it.title.casefold(), it.key))


def _share_out(lanes: Sequence[Lane]) -> tuple[list[str], list[str]]:
    """The lanes that tell their executions as marks, and those that tell them by buckets."""
    marked, crowded, marks = [], [], 0
    for lane in lanes:
        if lane.count > MOST_MARKS or marks + lane.count > MOST_MARKS_IN_ALL:
            crowded.append(lane.key)
        elif lane.count:
            marked.append(lane.key)
            marks += lane.count
    return marked, crowded


async def _keys_of_due(conn: Conn, group_by: GroupBy, due: Sequence[_Due]) -> dict[str, list[tuple[str, str]]]:
    """(key, title) of the lanes that a task with coming fire times is in, by task."""
    if group_by == "task":
        return {it.task_id: [(it.task_id, it.name)] for it in due}
    if group_by == "function":
        return {it.task_id: [(it.function_name or "", it.function_name or "")] for it in due}
    tags = await tasks.select_tags(conn, [it.task_id for it in due])
    return {it.task_id: [(tag, tag) for tag in tags.get(it.task_id, ("",))] for it in due}


async def _name_tasks(conn: Conn, lanes: Sequence[Lane]) -> None:
    """Name tasks as they are called now; those that were deleted are not enabled."""
    present = {task.id: task for task in await tasks.select_tasks_by_id(conn, [lane.key for lane in lanes if lane.key])}
    for lane in lanes:
        task = present.get(lane.key)
        lane.enabled = task is not None and task.definition.enabled
        if task is not None:
            lane.title = task.definition.name


def _step(stretch: timedelta) -> int:
    wanted = stretch.total_seconds() / _BUCKETS
    return next((step for step in _STEPS if step >= wanted), _STEPS[-1])


def _load(
    asked: Asked,
    seconds: int,
    spans: Sequence[tuple[int, int | None]],
    planned: Iterable[datetime],
    now: datetime,
) -> list[Load]:
    since, until, step = to_millis(asked.since), to_millis(asked.until), seconds * 1000
    starts = range(since, until, step)
    started = Counter((start - since) // step for start, _ in spans if start >= since)
    coming = Counter((to_millis(at) - since) // step for at in planned if since <= to_millis(at) < until)
    peaks: Sequence[int | None] = [None] * len(starts)
    if len(spans) <= _MOST_SPANS:
        peaks = _peaks(starts, spans, to_millis(now))
    return [Load(from_millis(at), started[place], peaks[place], coming[place]) for place, at in enumerate(starts)]


def _peaks(starts: range, spans: Sequence[tuple[int, int | None]], now: int) -> list[int]:
    """The most executions at one moment of each bucket.

    >>> _peaks(range(0, 30, 10), [(1, 25), (2, 3), (3, 4), (12, None)], 14)
    [2, 2, 1]
    """
    begins = sorted(begin for begin, _ in spans)
    ends = sorted(max(now if end is None else end, begin) for begin, end in spans)
    # What runs when a bucket begins, and after each start within it: in between it only becomes less.
    peaks = [bisect_left(begins, at) - bisect_right(ends, at) for at in starts]
    ended = 0
    for begun, at in enumerate(begins, start=1):
        while ended < len(ends) and ends[ended] <= at:
            ended += 1
        place = (at - starts.start) // starts.step
        if 0 <= place < len(peaks):
            peaks[place] = max(peaks[place], begun - ended)
    return peaks
