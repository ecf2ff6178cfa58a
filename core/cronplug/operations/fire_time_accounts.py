"""Why did it run, or not: an account of every fire time of a task, past and coming. Pure.

An account is honest: what follows from a row, a revision or the present schedule is said, and what does not is said to
be unknown. The fire times are those of the present schedule over the whole stretch, of each earlier revision over the
time it was in force, and of the rows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cronplug.clock import rfc3339
from cronplug.errors import InvalidInput
from cronplug.model import Execution, Pause, Reason, Task, TaskDefinition
from cronplug.planning.bars import Barred, find_bars, missing_function_bar
from cronplug.planning.next_run import is_used_up
from cronplug.schedules import TaskSchedule, task_schedule
from cronplug.schedules.calendars import Calendar

MOST_ACCOUNTS = 1_000
"""Fire times accounted for at once."""

_MOST_WALKED = 5_000
_MOMENT = timedelta(milliseconds=1)


class Account(StrEnum):
    """What is known of a fire time. `execution`: there is a row, which tells the rest."""

    EXECUTION = "execution"
    PLANNED = "planned"
    DUE = "due"
    CALENDAR = "calendar"
    PAUSED = "paused"
    FUNCTION_MISSING = "function_missing"
    DISABLED = "disabled"
    LIMIT_REACHED = "limit_reached"
    SCHEDULE_ERROR = "schedule_error"
    BEFORE_TASK = "before_task"
    SCHEDULE_CHANGED = "schedule_changed"
    NOT_KEPT = "not_kept"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What a task was from `since` on, up to the next revision."""

    number: int
    since: datetime
    definition: TaskDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is stored of a task and its fire times.

    `revisions` rise; any may be missing. `rows` are its executions that a schedule or a catch-up made, by fire time,
    as far as they matter to the stretch looked at: also one that stands for several missed fire times and begins
    earlier. `newest_row_at` is the newest fire time of all that has a row. Rows are kept for `kept_days` at least.
    """

    task: Task
    now: datetime
    revisions: Sequence[Revision]
    rows: Sequence[Execution]
    kept_days: int
    newest_row_at: datetime | None = None
    pause: Pause | None = None
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    function_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FireTimeAccount:
    """One fire time. `message` is None when its execution has no sentence. `rule` is the place of the present schedule
    that names it, None when none does. `coming`: it is later than now.
    """

    fire_time: datetime
    coming: bool
    account: Account
    message: str | None
    rule: int | None
    timezone: str
    execution: Execution | None = None


def account_for(facts: Facts, *, after: datetime, until: datetime, limit: int) -> tuple[list[FireTimeAccount], bool]:
    """The oldest `limit` fire times in (after, until] with what is known of each; and whether there are more."""
    history = _History(facts)
    found = history.fire_times(after, until, limit + 1)
    return [history.account(at) for at in found[:limit]], len(found) > limit


class _History:
    """The facts, ready to be asked of single fire times."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._present = _readable(facts.task.definition, facts.task)
        self._starts = [revision.since for revision in facts.revisions]
        self._schedules = [_readable(revision.definition, facts.task) for revision in facts.revisions]
        self._rows = {row.scheduled_for: row for row in facts.rows}
        self._stretches = [row for row in facts.rows if row.missed_until is not None]
        self._barred: Barred | None = None
        if self._present is not None:
            self._barred = find_bars(facts.task.definition, self._present, pause=facts.pause, calendars=facts.calendars)
        self._last_planned = self._limit_ends_at()

    def fire_times(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """The oldest `limit` fire times that any source names in (after, until], rising."""
        found = {row.scheduled_for for row in self._facts.rows if after < row.scheduled_for <= until}
        if self._present is not None:
            found.update(self._present.fire_times(after, until, limit))
        for place, schedule in enumerate(self._schedules):
            if schedule is not None and schedule is not self._present:
                start, end = self._in_force(place)
                found.update(schedule.fire_times(max(after, start), min(until, end), limit))
        pending = self._facts.task.next_run_at
        if pending is not None and after < pending <= until:
            found.add(pending)
        return sorted(found)[:limit]

    def account(self, at: datetime) -> FireTimeAccount:
        """What is known of a fire time."""
        row = self._row(at)
        if row is not None:
            account, message = Account.EXECUTION, row.error_message
        elif at > self._facts.now:
            account, message = self._coming(at)
        else:
            account, message = self._past(at)
        rule = self._rule(at)
        definition = self._facts.task.definition
        return FireTimeAccount(
            fire_time=at,
            coming=at > self._facts.now,
            account=account,
            message=message,
            rule=rule,
            timezone=definition.timezone if rule is None else definition.schedules[rule].timezone,
            execution=row,
        )

    # -- what is to come ---------------------------------------------------------------------------------------------

    def _coming(self, at: datetime) -> tuple[Account, str]:
        task = self._facts.task
        if task.schedule_error is not None:
            return Account.SCHEDULE_ERROR, f"The task is set aside: {task.schedule_error}"
        if not task.definition.enabled:
            return Account.DISABLED, "The task is disabled."
        if task.next_run_at is None or (self._last_planned is not None and at > self._last_planned):
            return self._at_the_limit()
        bar = self._barred(at) if self._barred is not None else None
        if bar is not None:
            return (
                Account.CALENDAR if bar.reason is Reason.CALENDAR else Account.PAUSED
            ), f"Will be skipped. {bar.sentence}"
        if self._facts.function_missing:
            bar = missing_function_bar(task.definition.function_name or "")
            return Account.FUNCTION_MISSING, f"Will be skipped unless that changes. {bar.sentence}"
        return Account.PLANNED, "Planned."

    def _at_the_limit(self) -> tuple[Account, str]:
        most = self._facts.task.definition.max_executions
        return Account.LIMIT_REACHED, f"The schedules may start {most} executions in all, and will have done so."

    def _limit_ends_at(self) -> datetime | None:
        """The last coming fire time that `max_executions` allows; None when it bounds nothing near."""
        task, schedule = self._facts.task, self._present
        most = task.definition.max_executions
        if most is None or task.next_run_at is None or schedule is None:
            return None
        left = most - task.fired_count
        at: datetime | None = task.next_run_at
        for _ in range(_MOST_WALKED):
            if at is None:
                return None
            if self._barred is None or self._barred(at) is None:
                left -= 1
                if left <= 0:
                    return at
            at = schedule.next_fire_time(at)
        return None

    # -- what has passed ---------------------------------------------------------------------------------------------

    def _past(self, at: datetime) -> tuple[Account, str]:
        task, now = self._facts.task, self._facts.now
        if at <= task.created_at:
            return Account.BEFORE_TASK, f"The task did not exist yet: it was made at {rfc3339(task.created_at)}."
        if task.next_run_at is not None and task.next_run_at <= at:
            return Account.DUE, "Due: its execution is about to be made."
        place = self._place_in_force(at)
        if place is not None:
            revision, schedule = self._facts.revisions[place], self._schedules[place]
            if not revision.definition.enabled:
                return Account.DISABLED, f"The task was disabled then (revision {revision.number})."
            if schedule is None or schedule.latest_fire_time(at) != at:
                return (
                    Account.SCHEDULE_CHANGED,
                    f"The schedule was another one then (revision {revision.number}); the present one came later.",
                )
            if task.schedule_error is not None and place == len(self._facts.revisions) - 1:
                return Account.SCHEDULE_ERROR, f"The task is set aside: {task.schedule_error}"
            newest = self._facts.newest_row_at
            if is_used_up(revision.definition, task.fired_count) and (newest is None or at > newest):
                return Account.LIMIT_REACHED, self._at_the_limit()[1].replace("will have", "had")
        if at < now - timedelta(days=self._facts.kept_days):
            return (
                Account.NOT_KEPT,
                f"Nothing is known of it any more: executions are deleted after {self._facts.kept_days} days.",
            )
        return Account.UNKNOWN, "Not known: there is no execution for it; it may have been deleted."

    def _place_in_force(self, at: datetime) -> int | None:
        """The revision that was in force when a fire time came; None when that one is not kept."""
        place = bisect_left(self._starts, at) - 1
        if place < 0 or not self._is_whole(place):
            return None
        return place

    def _in_force(self, place: int) -> tuple[datetime, datetime]:
        """(from, up to and including) which a revision was in force, as far as that is known."""
        end = self._starts[place + 1] if place + 1 < len(self._starts) else self._facts.now
        return self._starts[place], end if self._is_whole(place) else self._starts[place]

    def _is_whole(self, place: int) -> bool:
        """Whether it is known how long a revision was in force: the one after it is kept, or it is the present one."""
        revisions = self._facts.revisions
        if place + 1 < len(revisions):
            return revisions[place + 1].number == revisions[place].number + 1
        return revisions[place].number == self._facts.task.revision

    # -- both --------------------------------------------------------------------------------------------------------

    def _row(self, at: datetime) -> Execution | None:
        """The execution that tells of a fire time: its own, or one that stands for several."""
        own = self._rows.get(at)
        if own is not None:
            return own
        for row in self._stretches:
            if row.missed_until is not None and row.scheduled_for <= at <= row.missed_until:
                return row
        return None

    def _rule(self, at: datetime) -> int | None:
        if self._present is None:
            return None
        try:
            return self._present.index_at(at)
        except ValueError:
            return None


def _readable(definition: TaskDefinition, task: Task) -> TaskSchedule | None:
    """A definition's schedule, None when it has none with fire times of its own, or cannot be read any more."""
    try:
        return task_schedule(definition, seed=task.id)
    except InvalidInput:
        return None
