"""Shows what a schedule will do before anybody relies on it: sentence, coming fire times, warnings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cronplug.clock import EPOCH
from cronplug.schedules.cron import CronSchedule
from cronplug.schedules.describe import describe
from cronplug.schedules.instants import gap_seconds, runs_after_gap, runs_once_in_repeat
from cronplug.schedules.spec import CronSpec, runs_per_day
from cronplug.schedules.tokens import HOUR, MINUTE, MONTH, SECOND, read_cron_text
from cronplug.schedules.walls import count_walls, latest_wall, next_wall
from cronplug.schedules.zones import ZoneTable, changes_between, tzdata_version

_LOOK_AHEAD_SECONDS = 2 * 366 * 86400
_ALL_HOURS = (1 << 24) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One coming fire time. `local` is the time on the wall (`2026-03-29T03:00:00`), `offset` is from UTC (`+02:00`).

    `note` is None, or says what a clock change does to this one.
    """

    at: datetime
    local: str
    offset: str
    note: str | None


@dataclass(frozen=True, slots=True)
class ScheduleWarning:
    """Something about a schedule that may not be what was meant. `code` is stable."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Part:
    """One field of an expression, as it was typed."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a schedule does. `runs_per_day` is a mean over many years; clock changes are not in it."""

    description: str
    occurrences: tuple[Occurrence, ...]
    runs_per_day: float
    warnings: tuple[ScheduleWarning, ...]
    parts: tuple[Part, ...]
    timezone: str
    tzdata_version: str


def preview(schedule: CronSchedule, *, after: datetime, count: int) -> Preview:
    """The next `count` fire times strictly after `after`, and what to know about the schedule, judged from there."""
    occurrences: list[Occurrence] = []
    at: datetime | None = after
    while len(occurrences) < count:
        at = schedule.next_fire_time(at) if at is not None else None
        if at is None:
            break
        occurrences.append(_occurrence(schedule, at))
    typed = read_cron_text(schedule.cron_expression).typed
    return Preview(
        description=describe(schedule),
        occurrences=tuple(occurrences),
        runs_per_day=runs_per_day(schedule.spec),
        warnings=tuple(find_warnings(schedule, after=after)),
        parts=tuple(Part(name, text) for name, text in typed),
        timezone=schedule.timezone,
        tzdata_version=tzdata_version(),
    )


def find_warnings(schedule: CronSchedule, *, after: datetime) -> list[ScheduleWarning]:
    """What may not be meant: codes `either_day`, `every_minute_of_hour`, `skips_months`, `uneven_step`, `clock_gap`, `clock_repeat`."""
    found = [*_text_warnings(schedule), *_month_warnings(schedule.spec)]
    return [*found, *_clock_warnings(schedule, (after - EPOCH) // timedelta(seconds=1))]


def _occurrence(schedule: CronSchedule, at: datetime) -> Occurrence:
    seconds = (at - EPOCH) // timedelta(seconds=1)
    offset = schedule.zone.offset_at(seconds)
    return Occurrence(
        at=at,
        local=_local_text(seconds + offset),
        offset=_offset_text(offset),
        note=_clock_note(schedule.spec, schedule.zone, seconds),
    )


def _clock_note(spec: CronSpec, zone: ZoneTable, at: int) -> str | None:
    segment = zone.segment_at(at)
    wall = at + zone.offsets[segment]
    start = zone.starts[segment]
    gap = gap_seconds(zone, segment)
    if gap > 0 and at == start and runs_after_gap(spec, zone, segment):
        skipped = latest_wall(spec, wall - 1)
        if skipped is not None and skipped >= wall - gap:
            return f"{_time_text(skipped)} does not exist that day: the clock goes forward. Runs right after the gap."
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


def _text_warnings(schedule: CronSchedule) -> list[ScheduleWarning]:
    read = read_cron_text(schedule.cron_expression)
    found = []
    if read.restricts_day and read.restricts_weekday:
        message = "Both day fields are restricted: it fires on days that match either of them, not only on days that match both."
        found.append(ScheduleWarning("either_day", message))
    for kind in (SECOND, MINUTE, HOUR, MONTH):
        text = dict(read.typed).get(kind.name, "")
        values = kind.high - kind.low + 1
        if not text.startswith("*/") or "," in text or values % int(text[2:]) == 0:
            continue
        if int(text[2:]) > values:
            message = f"{text} in the {kind.name} field is a step beyond the field: it means {kind.low} only."
        else:
            message = (
                f"{text} in the {kind.name} field does not divide {values}: the last step of each round is shorter."
            )
        found.append(ScheduleWarning("uneven_step", message))
    second, minute, hour = read.plain[:3]
    if minute == "*" and second == "0" and hour.isdigit():
        message = f"It fires every minute from {int(hour):02}:00 to {int(hour):02}:59. Did you mean minute 0?"
        found.append(ScheduleWarning("every_minute_of_hour", message))
    return found


def _month_warnings(spec: CronSpec) -> list[ScheduleWarning]:
    """Months that are chosen, but in some year have no such day."""
    names = (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    )
    lengths = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    chosen = [month for month in range(12) if spec.months >> month & 1]
    short = [month for month in chosen if not any(spec.days[weekday * 4 + lengths[month] - 28] for weekday in range(7))]
    if not short:
        return []
    if short == [1] and any(spec.days[weekday * 4 + 1] for weekday in range(7)):
        message = "It fires in February in leap years only."
    else:
        message = f"It never fires in {_listed([names[month] for month in short])}: there is no such day."
    return [ScheduleWarning("skips_months", message)]


def _clock_warnings(schedule: CronSchedule, after: int) -> list[ScheduleWarning]:
    spec, zone = schedule.spec, schedule.zone
    if spec.is_wild and spec.hours == _ALL_HOURS:
        return []
    gap_warning = repeat_warning = None
    for segment in changes_between(zone, after, after + _LOOK_AHEAD_SECONDS):
        start = zone.starts[segment]
        walls = sorted((start + zone.offsets[segment - 1], start + zone.offsets[segment]))
        if not count_walls(spec, walls[0], walls[1]):
            continue
        wall = next_wall(spec, walls[0])
        assert wall is not None
        when = f"On {_local_text(wall)[:10]}"
        if gap_seconds(zone, segment) > 0 and gap_warning is None:
            then = (
                f"the run is at {_time_text(walls[1])}"
                if runs_after_gap(spec, zone, segment)
                else "there is no run for it"
            )
            gap_warning = ScheduleWarning("clock_gap", f"{when} the clock skips {_time_text(wall)}: {then}.")
        elif gap_seconds(zone, segment) < 0 and repeat_warning is None:
            then = "it runs the first time only" if runs_once_in_repeat(spec, zone, segment) else "it runs both times"
            repeat_warning = ScheduleWarning("clock_repeat", f"{when} {_time_text(wall)} comes twice: {then}.")
    return [warning for warning in (gap_warning, repeat_warning) if warning is not None]


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _local_text(wall: int) -> str:
    return (EPOCH + timedelta(seconds=wall)).strftime("%Y-%m-%dT%H:%M:%S")


def _time_text(wall: int) -> str:
    text = _local_text(wall)[11:]
    return text[:-3] if text.endswith(":00") else text


def _offset_text(seconds: int) -> str:
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{sign}{hours:02}:{minutes:02}" + (f":{left:02}" if left else "")
