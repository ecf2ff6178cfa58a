"""The one schedule of a task: all its rules together, within its bounds."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from cronplug.model import CronRule, OnceRule, ScheduleRule, TaskDefinition
from cronplug.schedules.counting import count_together
from cronplug.schedules.cron import parse_schedule
from cronplug.schedules.errors import ScheduleError
from cronplug.schedules.kinds import IntervalSchedule, OnceSchedule
from cronplug.schedules.schedule import Schedule
from cronplug.schedules.zones import load_zone

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSchedule:
    """The union of several schedules from `start_at` to `end_at`, both included; None bounds nothing.

    An instant that several of them name is one fire time, and belongs to the first of them.
    """

    rules: tuple[ScheduleRule, ...]
    parts: tuple[Schedule, ...] = field(repr=False)
    start_at: datetime | None = None
    end_at: datetime | None = None

    def next_fire_time(self, after: datetime) -> datetime | None:
        """The first fire time strictly after `after`, None when there is none."""
        if self.start_at is not None:
            after = max(after, self.start_at - _MOMENT)
        first = None
        for part in self.parts:
            at = part.next_fire_time(after)
            if at is not None and (first is None or at < first):
                first = at
        if first is None or (self.end_at is not None and first > self.end_at):
            return None
        return first

    def latest_fire_time(self, at: datetime) -> datetime | None:
        """The last fire time at or before `at`, None when there is none."""
        if self.end_at is not None:
            at = min(at, self.end_at)
        last = None
        for part in self.parts:
            latest = part.latest_fire_time(at)
            if latest is not None and (last is None or latest > last):
                last = latest
        if last is None or (self.start_at is not None and last < self.start_at):
            return None
        return last

    def fire_times(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """The oldest `limit` fire times in (after, until], rising."""
        after, until = self._within(after, until)
        if len(self.parts) == 1:
            return self.parts[0].fire_times(after, until, limit)
        found = (part.fire_times(after, until, limit) for part in self.parts)
        return list(islice(_distinct(heapq.merge(*found)), max(limit, 0)))

    def latest_fire_times(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """The newest `limit` fire times in (after, until], rising."""
        after, until = self._within(after, until)
        if len(self.parts) == 1:
            return self.parts[0].latest_fire_times(after, until, limit)
        found = list(_distinct(heapq.merge(*(part.latest_fire_times(after, until, limit) for part in self.parts))))
        return found[-limit:] if limit > 0 else []

    def count_fire_times(self, after: datetime, until: datetime) -> int:
        """How many fire times lie in (after, until]; an instant that two rules name counts once."""
        return count_together(self.parts, *self._within(after, until))

    @property
    def shortest_interval_seconds(self) -> int | None:
        """The least interval of any one rule; two rules may name instants that are nearer."""
        return min(filter(None, (part.shortest_interval_seconds for part in self.parts)), default=None)

    def rule_at(self, fire_time: datetime) -> ScheduleRule:
        """The first rule that names `fire_time`. Raises ValueError when none does."""
        return self.rules[self.index_at(fire_time)]

    def index_at(self, fire_time: datetime) -> int:
        """The place in `rules` of the first one that names `fire_time`. Raises ValueError when none does."""
        for index, part in enumerate(self.parts):
            if part.latest_fire_time(fire_time) == fire_time:
                return index
        raise ValueError(f"{fire_time} is no fire time of this schedule")

    def _within(self, after: datetime, until: datetime) -> tuple[datetime, datetime]:
        if self.start_at is not None:
            after = max(after, self.start_at - _MOMENT)
        return after, until if self.end_at is None else min(until, self.end_at)


def parse_rule(rule: ScheduleRule, *, seed: str = "") -> Schedule:
    """One rule as a schedule; `seed` (the task's id) places `H`. Raises ScheduleError.

    A rule that counts from the end of the last execution has no fire times of its own: ScheduleError `interval.anchor`.
    """
    if isinstance(rule, CronRule):
        return parse_schedule(
            cron_expression=rule.cron_expression,
            timezone=rule.timezone,
            on_dst_gap=rule.on_dst_gap,
            on_dst_repeat=rule.on_dst_repeat,
            seed=seed,
        )
    load_zone(rule.timezone)
    if isinstance(rule, OnceRule):
        return OnceSchedule(at=rule.at.astimezone(UTC))
    if rule.anchor_at is None:
        raise ScheduleError("interval.anchor", "An interval needs an instant to count from.", field="anchorAt")
    return IntervalSchedule(every_seconds=rule.every_seconds, anchor_at=rule.anchor_at.astimezone(UTC))


def task_schedule(
    definition: TaskDefinition, *, seed: str = "", pending: datetime | None = None
) -> TaskSchedule | None:
    """The schedule of a task, None when it has none. Raises ScheduleError.

    A task that runs so long after the end of its last execution has one fire time at most, `pending`: the next one is
    known when its execution has ended.
    """
    rules = definition.schedules
    if definition.after_end:
        parts: tuple[Schedule, ...] = (OnceSchedule(at=pending),) if pending is not None else ()
        rules = rules[:1] if parts else ()
    else:
        parts = tuple(parse_rule(rule, seed=seed) for rule in rules)
    if not parts:
        return None
    return TaskSchedule(rules=rules, parts=parts, start_at=definition.start_at, end_at=definition.end_at)


def shown_schedule(definition: TaskDefinition, *, seed: str = "", pending: datetime | None = None) -> TaskSchedule:
    """The schedule of a task to show to people: as `task_schedule`, but without fire times where that has none."""
    schedule = task_schedule(definition, seed=seed, pending=pending)
    if schedule is not None:
        return schedule
    for rule in definition.schedules:
        load_zone(rule.timezone)
    return TaskSchedule(rules=definition.schedules, parts=(), start_at=definition.start_at, end_at=definition.end_at)


def _distinct(rising: Iterable[datetime]) -> Iterator[datetime]:
    last = None
    for at in rising:
        if at != last:
            yield at
            last = at
