"""What the coming clock changes do to a task's fire times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from cronplug.schedules.cron import CronSchedule
from cronplug.schedules.instants import gap_seconds, runs_after_gap, runs_once_in_repeat
from cronplug.schedules.shown_times import epoch_seconds, offset_text, time_text, wall_text
from cronplug.schedules.task_schedule import TaskSchedule
from cronplug.schedules.walls import count_walls, latest_wall, next_wall
from cronplug.schedules.zones import ZoneTable, changes_between

LOOK_AHEAD_SECONDS = 2 * 366 * 86_400
_MOST_SHOWN = 20
_ALL_HOURS = (1 << 24) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockChange:
    """A change of the clock in a zone, by `seconds` (more than 0): a `gap` is skipped, a `repeat` comes twice.

    `local_before` is what the clock would show at that instant, `local_after` what it does show. `effect` is a
    sentence; `affects` is False when no fire time is touched. `fires_at`: the fire time that stands for skipped ones,
    or all in both passes of what comes twice, at most 20.
    """

    at: datetime
    timezone: str
    kind: Literal["gap", "repeat"]
    seconds: int
    local_before: str
    local_after: str
    offset_before: str
    offset_after: str
    effect: str
    affects: bool
    fires_at: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Touch:
    """What one clock change does to one schedule: `named` wall times from `first` to `last` are skipped or repeated.

    `runs` says whether skipped ones run after the gap, or repeated ones run both times.
    """

    zone: ZoneTable
    segment: int
    named: int
    first: int
    last: int
    runs: bool


def clock_changes(schedule: TaskSchedule, *, after: datetime) -> tuple[ClockChange, ...]:
    """The clock changes of the two years after `after` in the zones of cron rules, within the schedule's bounds."""
    by_zone: dict[str, list[CronSchedule]] = {}
    for part in schedule.parts:
        if isinstance(part, CronSchedule):
            by_zone.setdefault(part.timezone, []).append(part)
    start = after if schedule.start_at is None else max(after, schedule.start_at)
    until = epoch_seconds(after) + LOOK_AHEAD_SECONDS
    if schedule.end_at is not None:
        until = min(until, epoch_seconds(schedule.end_at))
    found = []
    for parts in by_zone.values():
        zone = parts[0].zone
        found += [_change(zone, segment, parts) for segment in changes_between(zone, epoch_seconds(start), until)]
    return tuple(sorted(found, key=lambda change: (change.at, change.timezone)))


def find_touch(part: CronSchedule, segment: int) -> Touch | None:
    """What the change at a segment's start does to a schedule; None when it names no time that is touched.

    A schedule that goes by the wall clock in all hours is not touched either: it goes on without a break.
    """
    spec, zone = part.spec, part.zone
    if not (spec.runs_after_gap or spec.runs_once_in_repeat) and spec.hours == _ALL_HOURS:
        return None
    start = zone.starts[segment]
    low, high = sorted((start + zone.offsets[segment - 1], start + zone.offsets[segment]))
    named = count_walls(spec, low, high)
    first, last = next_wall(spec, low), latest_wall(spec, high - 1)
    if not named or first is None or last is None:
        return None
    is_gap = gap_seconds(zone, segment) > 0
    runs = runs_after_gap(spec, zone, segment) if is_gap else not runs_once_in_repeat(spec, zone, segment)
    return Touch(zone, segment, named, first, last, runs)


def clock_note(part: CronSchedule, at: datetime) -> str | None:
    """What a clock change does to one fire time, None for nothing."""
    spec, zone = part.spec, part.zone
    seconds = epoch_seconds(at)
    segment = zone.segment_at(seconds)
    wall = seconds + zone.offsets[segment]
    start = zone.starts[segment]
    gap = gap_seconds(zone, segment)
    if gap > 0 and seconds == start and runs_after_gap(spec, zone, segment):
        skipped = latest_wall(spec, wall - 1)
        if skipped is not None and skipped >= wall - gap:
            return f"{time_text(skipped)} does not exist that day: the clock goes forward. Runs right after the gap."
    if gap < 0 and wall < start + zone.offsets[segment - 1]:
        return "Second pass of a repeated hour: the clock has gone back."
    if segment + 1 < len(zone.starts):
        back = -gap_seconds(zone, segment + 1)
        if back > 0 and wall >= zone.starts[segment + 1] + zone.offsets[segment + 1]:
            once = runs_once_in_repeat(spec, zone, segment + 1)
            return "This time comes twice that day: the clock goes back. " + (
                "Runs the first time only." if once else "Runs both times."
            )
    return None


def _change(zone: ZoneTable, segment: int, parts: list[CronSchedule]) -> ClockChange:
    start = zone.starts[segment]
    before, now = zone.offsets[segment - 1], zone.offsets[segment]
    touched = [(part, touch) for part in parts if (touch := find_touch(part, segment)) is not None]
    fires_at: set[datetime] = set()
    sentences = []
    for part, touch in touched:
        fires_at.update(_fires_at(part, touch))
        named = "" if len(parts) == 1 else f"{part.cron_expression}: "
        sentences.append(named + _effect(touch))
    return ClockChange(
        at=datetime.fromtimestamp(start, UTC),
        timezone=zone.name,
        kind="gap" if now > before else "repeat",
        seconds=abs(now - before),
        local_before=wall_text(start + before),
        local_after=wall_text(start + now),
        offset_before=offset_text(before),
        offset_after=offset_text(now),
        effect=" ".join(sentences) or "No fire time is touched.",
        affects=bool(touched),
        fires_at=tuple(sorted(fires_at)[:_MOST_SHOWN]),
    )


def _effect(touch: Touch) -> str:
    times = time_text(touch.first)
    if touch.named > 1:
        times = f"{touch.named} times from {times} to {time_text(touch.last)}"
    one = touch.named == 1
    if gap_seconds(touch.zone, touch.segment) > 0:
        if touch.runs:
            shown = time_text(touch.zone.starts[touch.segment] + touch.zone.offsets[touch.segment])
            return f"The clock skips {times}: it runs once, at {shown}."
        return f"The clock skips {times}: there is no run for {'it' if one else 'them'}."
    return f"{times[0].upper()}{times[1:]} {'comes' if one else 'come'} twice: it runs {_passes(touch)}."


def _passes(touch: Touch) -> str:
    return "both times" if touch.runs else "the first time only"


def _fires_at(part: CronSchedule, touch: Touch) -> list[datetime]:
    zone, segment = touch.zone, touch.segment
    start = zone.starts[segment]
    change = zone.changes[segment]
    if change > 0:
        return [datetime.fromtimestamp(start, UTC)] if touch.runs else []
    before, until = (datetime.fromtimestamp(start + by - 1, UTC) for by in (change, -change))
    return part.fire_times(before, until, _MOST_SHOWN)


def warn_of_clock(part: CronSchedule, *, after: datetime, until: datetime | None) -> list[tuple[str, str]]:
    """(`clock_gap` or `clock_repeat`, message) for the first change of each kind that touches a schedule."""
    found: dict[str, str] = {}
    end = epoch_seconds(after) + LOOK_AHEAD_SECONDS
    if until is not None:
        end = min(end, epoch_seconds(until))
    for segment in changes_between(part.zone, epoch_seconds(after), end):
        is_gap = gap_seconds(part.zone, segment) > 0
        code = "clock_gap" if is_gap else "clock_repeat"
        if code in found or (touch := find_touch(part, segment)) is None:
            continue
        when = f"On {wall_text(touch.first)[:10]}"
        time = time_text(touch.first)
        if not is_gap:
            found[code] = f"{when} {time} comes twice: it runs {_passes(touch)}."
        elif touch.runs:
            run_at = part.zone.starts[segment] + part.zone.offsets[segment]
            found[code] = f"{when} the clock skips {time}: the run is at {time_text(run_at)}."
        else:
            found[code] = f"{when} the clock skips {time}: there is no run for it."
    return list(found.items())
