"""Which fire times become executions, and which are told as missed or skipped.

A fire time is *missed* when it passed while no node was alive. How late a live node comes to it never makes it missed,
so every rule about lateness counts to the moment the outage ended, not to the moment of planning: the decision is the
same however long the planner takes, and however many steps a backlog needs.

A fire time that is barred (`planning.bars`) is skipped, in an outage too. `docs/policies.md` has the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cronplug.clock import rfc3339
from cronplug.model import CatchUp, Reason, Status, TaskDefinition, Trigger
from cronplug.planning.bars import Bar, Barred
from cronplug.schedules import Schedule

MAX_MISSED_ROWS = 1_000
"""The newest so many missed fire times of an outage are rows of their own; the older ones share one."""

MAX_ROWS_PER_STEP = 500
"""What one call of `plan_fire_times` makes at most; the rest is left for the next step."""

_MOMENT = timedelta(microseconds=1)

Outage = tuple[datetime, datetime]
"""(down_from, down_until): the last sign of life of the last node, and the start of the first one after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchUpPolicy:
    """What a task wants done about missed fire times.

    `window_seconds` and `max_runs` bound `all`; `misfire_grace_seconds` is how late `none` may still run the latest.
    """

    catch_up: CatchUp
    window_seconds: int = 86_400
    max_runs: int = 100
    misfire_grace_seconds: int = 300


def catch_up_policy(definition: TaskDefinition) -> CatchUpPolicy:
    """The policy of a task."""
    return CatchUpPolicy(
        catch_up=definition.catch_up,
        window_seconds=definition.catch_up_window_seconds,
        max_runs=definition.catch_up_max,
        misfire_grace_seconds=definition.misfire_grace_seconds,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFire:
    """An execution to insert for a fire time.

    `status` is QUEUED, MISSED or SKIPPED, or CANCELLED where overlap replaced it within one plan; all but QUEUED have
    a `reason` and a `sentence`. `missed_count` and `missed_until` are set on the one row that stands for all fire times
    from `scheduled_for` up to and including `missed_until`. A queued one is `held` while an earlier execution of its
    task is not ended, and else starts `not_before` (None: at once).
    """

    scheduled_for: datetime
    trigger: Trigger
    status: Status
    reason: Reason | None = None
    sentence: str | None = None
    missed_count: int | None = None
    missed_until: datetime | None = None
    held: bool = False
    not_before: datetime | None = None

    def skipped(self, bar: Bar) -> PlannedFire:
        """The same, not to run."""
        return replace(self, status=Status.SKIPPED, reason=bar.reason, sentence=bar.sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirePlan:
    """Executions to insert, oldest first, and the task's next `next_run_at`, in one transaction.

    `next_run_at` is the first fire time without a row: at or before `now` when there is more to plan, None when the
    schedule has no further fire time.
    """

    fires: tuple[PlannedFire, ...]
    next_run_at: datetime | None


def plan_fire_times(
    schedule: Schedule,
    *,
    next_run_at: datetime,
    now: datetime,
    policy: CatchUpPolicy,
    outages: Sequence[Outage] = (),
    barred: Barred | None = None,
    max_rows: int = MAX_ROWS_PER_STEP,
) -> FirePlan:
    """Decide about every fire time from `next_run_at` to `now`, in order, at most `max_rows` (from 1) at once.

    `outages` are those that end after `next_run_at`, in any order. A fire time strictly inside one is missed. Of the
    missed ones catch-up `all` runs the newest `max_runs` that were at most `window_seconds` late when the outage
    ended, `last` the latest, `none` the latest if it was at most `misfire_grace_seconds` late; those are `catch_up`
    runs, the others `missed` rows. Every other fire time is queued with trigger `schedule`, however late. A `barred`
    one is skipped instead, and is not counted among the missed ones.

    `next_run_at` is a promise: it is decided about even if the schedule, read anew, no longer names it (which newer
    zone data can do).

    May be called again with the `next_run_at` it answered: the same outages give the same decisions.
    """
    if next_run_at > now:
        return FirePlan(fires=(), next_run_at=next_run_at)
    plan = _plan(schedule, next_run_at, now, policy, outages, barred, max_rows)
    if not plan.fires or plan.fires[0].scheduled_for != next_run_at:
        return _plan(_Promised(schedule, next_run_at), next_run_at, now, policy, outages, barred, max_rows)
    return plan


def _plan(
    schedule: Schedule,
    next_run_at: datetime,
    now: datetime,
    policy: CatchUpPolicy,
    outages: Sequence[Outage],
    barred: Barred | None,
    max_rows: int,
) -> FirePlan:
    fires: list[PlannedFire] = []
    after = next_run_at - _MOMENT
    stretches = _merge(outages, after=after, now=now)
    chosen = _choose_catch_ups(schedule, stretches, after=after, policy=policy, barred=barred)
    for outage in stretches:
        down_from, down_until = outage
        fires += _plan_live(schedule, after=after, until=down_from, limit=max_rows - len(fires), barred=barred)
        after = max(after, down_from)
        fires += _plan_outage(schedule, outage, after=after, policy=policy, chosen=chosen, barred=barred)
        after = max(after, down_until - _MOMENT)
        if len(fires) >= max_rows:
            break
    else:
        fires += _plan_live(schedule, after=after, until=now, limit=max_rows - len(fires), barred=barred)
    if not fires:
        return FirePlan(fires=(), next_run_at=schedule.next_fire_time(now))
    del fires[max_rows:]
    last = fires[-1].missed_until or fires[-1].scheduled_for
    return FirePlan(fires=tuple(fires), next_run_at=schedule.next_fire_time(last))


def plan_enable_catch_up(
    schedule: Schedule | None,
    *,
    disabled_at: datetime,
    now: datetime,
    policy: CatchUpPolicy,
    barred: Barred | None = None,
) -> tuple[PlannedFire, ...]:
    """The fire times to run of those that passed while a task was disabled, for who enables it and asks for that.

    As after an outage from `disabled_at` to `now`: catch-up `all` runs the newest `max_runs` of the last
    `window_seconds`, `last` the latest. `none` runs nothing, since enabling by itself never fires. The others are told
    by no row: nobody expected them.
    """
    if schedule is None or policy.catch_up is CatchUp.NONE or disabled_at >= now:
        return ()
    chosen = _choose_catch_ups(
        schedule, [(disabled_at, now + _MOMENT)], after=disabled_at, policy=policy, barred=barred
    )
    return tuple(PlannedFire(scheduled_for=at, trigger=Trigger.CATCH_UP, status=Status.QUEUED) for at in sorted(chosen))


def _merge(outages: Sequence[Outage], *, after: datetime, now: datetime) -> list[Outage]:
    """The outages that matter, in order and apart, none beyond `now`."""
    merged: list[Outage] = []
    for down_from, down_until in sorted(outages):
        if down_until <= after or down_from >= now or down_until <= down_from:
            continue
        down_until = min(down_until, now)
        if merged and down_from < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], down_until))
        else:
            merged.append((down_from, down_until))
    return merged


def _choose_catch_ups(
    schedule: Schedule, outages: Sequence[Outage], *, after: datetime, policy: CatchUpPolicy, barred: Barred | None
) -> frozenset[datetime]:
    """The missed fire times that run after all."""
    chosen: list[datetime] = []
    for down_from, down_until in reversed(outages):
        start, end = max(after, down_from), down_until - _MOMENT
        if policy.catch_up is CatchUp.ALL:
            start = max(start, down_until - timedelta(seconds=policy.window_seconds) - _MOMENT)
            chosen += _latest_free(schedule, start, end, policy.max_runs - len(chosen), barred)
            continue
        latest = _latest_free(schedule, start, end, 1, barred)
        if not latest:
            continue
        late = down_until - latest[0]
        if policy.catch_up is CatchUp.LAST or late <= timedelta(seconds=policy.misfire_grace_seconds):
            chosen += latest
        break
    return frozenset(chosen)


def _latest_free(
    schedule: Schedule, start: datetime, end: datetime, limit: int, barred: Barred | None
) -> list[datetime]:
    """The newest `limit` fire times in (start, end] that are not barred, of those that get rows of their own."""
    if limit <= 0 or end <= start:
        return []
    if barred is None:
        return schedule.latest_fire_times(start, end, limit)
    free = [at for at in schedule.latest_fire_times(start, end, MAX_MISSED_ROWS) if barred(at) is None]
    return free[-limit:]


def _plan_live(
    schedule: Schedule, *, after: datetime, until: datetime, limit: int, barred: Barred | None
) -> list[PlannedFire]:
    fires = [
        PlannedFire(scheduled_for=at, trigger=Trigger.SCHEDULE, status=Status.QUEUED)
        for at in schedule.fire_times(after, until, max(limit, 0))
    ]
    return fires if barred is None else [_unless_barred(fire, barred) for fire in fires]


def _unless_barred(fire: PlannedFire, barred: Barred) -> PlannedFire:
    bar = barred(fire.scheduled_for)
    return fire if bar is None else fire.skipped(bar)


def _plan_outage(
    schedule: Schedule,
    outage: Outage,
    *,
    after: datetime,
    policy: CatchUpPolicy,
    chosen: frozenset[datetime],
    barred: Barred | None,
) -> list[PlannedFire]:
    end = outage[1] - _MOMENT
    newest = schedule.latest_fire_times(after, end, MAX_MISSED_ROWS)
    planned = []
    if len(newest) == MAX_MISSED_ROWS:
        older = schedule.count_fire_times(after, newest[0] - _MOMENT)
        if older:
            planned.append(
                _missed_together(schedule, outage, after=after, before=newest[0], count=older, policy=policy)
            )
    for at in newest:
        if at in chosen:
            planned.append(PlannedFire(scheduled_for=at, trigger=Trigger.CATCH_UP, status=Status.QUEUED))
            continue
        fire = _missed(at, outage, policy)
        planned.append(fire if barred is None else _unless_barred(fire, barred))
    return planned


def _missed(at: datetime, outage: Outage, policy: CatchUpPolicy) -> PlannedFire:
    reason, why = _why_missed(at, outage, policy)
    sentence = f"No node was running from {rfc3339(outage[0])} to {rfc3339(outage[1])}; {why}."
    return PlannedFire(
        scheduled_for=at, trigger=Trigger.SCHEDULE, status=Status.MISSED, reason=reason, sentence=sentence
    )


def _why_missed(at: datetime, outage: Outage, policy: CatchUpPolicy) -> tuple[Reason, str]:
    if policy.catch_up is CatchUp.LAST:
        return Reason.SCHEDULER_DOWN, "only the latest missed fire time is caught up"
    if policy.catch_up is CatchUp.ALL:
        if outage[1] - at > timedelta(seconds=policy.window_seconds):
            return Reason.OUTSIDE_WINDOW, f"it was more than the {policy.window_seconds} s late that are caught up"
        return Reason.OVER_LIMIT, f"only the newest {policy.max_runs} missed fire times are caught up"
    return (
        Reason.SCHEDULER_DOWN,
        f"catch-up is none, which runs only the latest one if it is at most {policy.misfire_grace_seconds} s late",
    )


def _missed_together(
    schedule: Schedule, outage: Outage, *, after: datetime, before: datetime, count: int, policy: CatchUpPolicy
) -> PlannedFire:
    """One row for the `count` missed fire times after `after` and before `before`."""
    first, last = schedule.next_fire_time(after), schedule.latest_fire_time(before - _MOMENT)
    if first is None or last is None:
        raise ValueError(f"there are no {count} fire times between {after} and {before}")
    row = _missed(last, outage, policy)
    many = f"{count} fire times from {rfc3339(first)} to {rfc3339(last)} were missed. "
    return replace(
        row, scheduled_for=first, sentence=many + (row.sentence or ""), missed_count=count, missed_until=last
    )


@dataclass(frozen=True, slots=True)
class _Promised:
    """A schedule from a fire time on that was promised and that it does not name itself."""

    schedule: Schedule
    promised: datetime

    def next_fire_time(self, after: datetime) -> datetime | None:
        return self.promised if after < self.promised else self.schedule.next_fire_time(after)

    def latest_fire_time(self, at: datetime) -> datetime | None:
        if at < self.promised:
            return None
        latest = self.schedule.latest_fire_time(at)
        return self.promised if latest is None else max(latest, self.promised)

    def fire_times(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        if not after < self.promised <= until or limit <= 0:
            return self.schedule.fire_times(max(after, self.promised), until, limit)
        return [self.promised, *self.schedule.fire_times(self.promised, until, limit - 1)]

    def latest_fire_times(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        later = self.schedule.latest_fire_times(max(after, self.promised), until, limit)
        return [self.promised, *later] if after < self.promised <= until and len(later) < limit else later

    def count_fire_times(self, after: datetime, until: datetime) -> int:
        later = self.schedule.count_fire_times(max(after, self.promised), until)
        return later + (after < self.promised <= until)

    @property
    def shortest_interval_seconds(self) -> int | None:
        return self.schedule.shortest_interval_seconds
