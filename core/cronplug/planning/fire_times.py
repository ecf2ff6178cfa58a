"""Which fire times become executions, and which are told as missed.

A fire time is *missed* when it passed while no node was alive. How late a live node comes to it never makes it missed,
so every rule about lateness counts to the moment the outage ended, not to the moment of planning: the decision is the
same however long the planner takes, and however many steps a backlog needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cronplug.clock import rfc3339
from cronplug.model import CatchUp, Reason, Status, Trigger
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFire:
    """An execution to insert for a fire time.

    `status` is QUEUED, MISSED or (after `settle_overlap`) SKIPPED; only the last two have a `reason` and a `sentence`.
    `missed_count` and `missed_until` are set on the one row that stands for all fire times from `scheduled_for` up to
    and including `missed_until`.
    """

    scheduled_for: datetime
    trigger: Trigger
    status: Status
    reason: Reason | None = None
    sentence: str | None = None
    missed_count: int | None = None
    missed_until: datetime | None = None


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
    max_rows: int = MAX_ROWS_PER_STEP,
) -> FirePlan:
    """Decide about every fire time from `next_run_at` to `now`, in order, at most `max_rows` (from 1) at once.

    `outages` are those that end after `next_run_at`, in any order. A fire time strictly inside one is missed. Of the
    missed ones catch-up `all` runs the newest `max_runs` that were at most `window_seconds` late when the outage
    ended, `last` the latest, `none` the latest if it was at most `misfire_grace_seconds` late; those are `catch_up`
    runs, the others `missed` rows. Every other fire time is queued with trigger `schedule`, however late.

    May be called again with the `next_run_at` it answered: the same outages give the same decisions.
    """
    fires: list[PlannedFire] = []
    after = next_run_at - _MOMENT
    stretches = _merge(outages, after=after, now=now)
    chosen = _choose_catch_ups(schedule, stretches, after=after, policy=policy)
    for outage in stretches:
        down_from, down_until = outage
        fires += _plan_live(schedule, after=after, until=down_from, limit=max_rows - len(fires))
        after = max(after, down_from)
        fires += _plan_outage(schedule, outage, after=after, policy=policy, chosen=chosen)
        after = max(after, down_until - _MOMENT)
        if len(fires) >= max_rows:
            break
    else:
        fires += _plan_live(schedule, after=after, until=now, limit=max_rows - len(fires))
    if not fires:
        return FirePlan(fires=(), next_run_at=schedule.next_fire_time(max(now, next_run_at - _MOMENT)))
    del fires[max_rows:]
    last = fires[-1].missed_until or fires[-1].scheduled_for
    return FirePlan(fires=tuple(fires), next_run_at=schedule.next_fire_time(last))


def plan_next_run_at(schedule: Schedule | None, *, now: datetime, pending: datetime | None = None) -> datetime | None:
    """The `next_run_at` of a task that was created, enabled or edited: never fires at once, never skips.

    `pending` is the `next_run_at` it had while enabled, None for a new or disabled task. One that is due and not yet
    planned is kept if the new schedule names it too. None (no schedule, or no further fire time) plans nothing.
    """
    if schedule is None:
        return None
    if pending is not None and pending <= now and schedule.latest_fire_time(pending) == pending:
        return pending
    return schedule.next_fire_time(now)


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
    schedule: Schedule, outages: Sequence[Outage], *, after: datetime, policy: CatchUpPolicy
) -> frozenset[datetime]:
    """The missed fire times that run after all."""
    chosen: list[datetime] = []
    for down_from, down_until in reversed(outages):
        start, end = max(after, down_from), down_until - _MOMENT
        if policy.catch_up is CatchUp.ALL:
            start = max(start, down_until - timedelta(seconds=policy.window_seconds) - _MOMENT)
            chosen += schedule.latest_fire_times(start, end, policy.max_runs - len(chosen))
            continue
        latest = schedule.latest_fire_time(end)
        if latest is None or latest <= start:
            continue
        if policy.catch_up is CatchUp.LAST or down_until - latest <= timedelta(seconds=policy.misfire_grace_seconds):
            chosen.append(latest)
        break
    return frozenset(chosen)


def _plan_live(schedule: Schedule, *, after: datetime, until: datetime, limit: int) -> list[PlannedFire]:
    return [
        PlannedFire(scheduled_for=at, trigger=Trigger.SCHEDULE, status=Status.QUEUED)
        for at in schedule.fire_times(after, until, max(limit, 0))
    ]


def _plan_outage(
    schedule: Schedule, outage: Outage, *, after: datetime, policy: CatchUpPolicy, chosen: frozenset[datetime]
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
        else:
            planned.append(_missed(at, outage, policy))
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
