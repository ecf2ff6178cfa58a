"""A cron expression in a time zone: the schedule that gives fire times."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cronplug.schedules.errors import ScheduleError
from cronplug.schedules.instants import count_instants, latest_instant, next_instant
from cronplug.schedules.schedule import Schedule
from cronplug.schedules.spec import CronSpec, compile_cron, shortest_interval_seconds, with_clock_rule
from cronplug.schedules.zones import ZoneTable, load_zone

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class CronSchedule:
    """Fire times of a cron expression in an IANA time zone, made by `parse_schedule`.

    Fire times are aware UTC datetimes on whole seconds, in the local years 1970 to 2199. All instants given must be
    aware. Equal arguments make equal schedules.
    """

    cron_expression: str
    timezone: str
    on_dst_gap: str | None = None
    on_dst_repeat: str | None = None
    seed: str = ""
    spec: CronSpec = field(repr=False, compare=False)
    zone: ZoneTable = field(repr=False, compare=False)

    def next_fire_time(self, after: datetime) -> datetime | None:
        """The first fire time strictly after `after`, None when there is none.

        >>> schedule = parse_schedule(cron_expression="0 9 * * MON", timezone="Europe/Berlin")
        >>> schedule.next_fire_time(datetime(2026, 1, 1, tzinfo=UTC)).isoformat()
        '2026-01-05T08:00:00+00:00'
        """
        since = after - _EPOCH
        found = next_instant(self.spec, self.zone, since.days * 86_400 + since.seconds)
        return None if found is None else datetime.fromtimestamp(found, UTC)

    def latest_fire_time(self, at: datetime) -> datetime | None:
        """The last fire time at or before `at`, None when there is none."""
        since = at - _EPOCH
        found = latest_instant(self.spec, self.zone, since.days * 86_400 + since.seconds)
        return None if found is None else datetime.fromtimestamp(found, UTC)

    def fire_times(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """The oldest `limit` fire times in (after, until], rising."""
        found: list[datetime] = []
        at, end = _to_seconds(after), _to_seconds(until)
        while len(found) < limit:
            following = next_instant(self.spec, self.zone, at)
            if following is None or following > end:
                break
            found.append(datetime.fromtimestamp(following, UTC))
            at = following
        return found

    def latest_fire_times(self, after: datetime, until: datetime, limit: int) -> list[datetime]:
        """The newest `limit` fire times in (after, until], rising."""
        found: list[datetime] = []
        at, start = _to_seconds(until), _to_seconds(after)
        while len(found) < limit:
            latest = latest_instant(self.spec, self.zone, at)
            if latest is None or latest <= start:
                break
            found.append(datetime.fromtimestamp(latest, UTC))
            at = latest - 1
        found.reverse()
        return found

    def count_fire_times(self, after: datetime, until: datetime) -> int:
        """How many fire times lie in (after, until]; quick over any number of years."""
        return count_instants(self.spec, self.zone, _to_seconds(after), _to_seconds(until))

    @property
    def shortest_interval_seconds(self) -> int:
        """The least time between two fire times by the fields alone; a clock change may bring two nearer."""
        return shortest_interval_seconds(self.spec)


def parse_schedule(
    *,
    cron_expression: str,
    timezone: str,
    on_dst_gap: str | None = None,
    on_dst_repeat: str | None = None,
    seed: str = "",
) -> CronSchedule:
    """Read a schedule, or raise ScheduleError (which names the field, the place and what is allowed).

    `on_dst_gap` is "shift" (what a clock change skips runs once, right after it) or "skip", `on_dst_repeat` is "once"
    (what it repeats runs the first time only) or "twice"; None is Debian cron(8)'s rule. `seed`, the task's identifier,
    gives `H` its values. An expression that never fires is refused; one whose years are over is not, see
    `check_schedule`. Nothing else is raised, whatever the text.
    """
    if not isinstance(cron_expression, str):
        raise ScheduleError("cron.type", "A cron expression is text.")
    if not isinstance(timezone, str):
        raise ScheduleError("timezone.unknown", "A time zone is text.", field="timezone")
    spec = compile_cron(cron_expression, seed)
    if on_dst_gap is not None or on_dst_repeat is not None:
        runs_after_gap = _chosen(on_dst_gap, "shift", "skip", spec.runs_after_gap, field="onDstGap")
        runs_once = _chosen(on_dst_repeat, "once", "twice", spec.runs_once_in_repeat, field="onDstRepeat")
        spec = with_clock_rule(spec, runs_after_gap=runs_after_gap, runs_once_in_repeat=runs_once)
    return CronSchedule(
        cron_expression=cron_expression,
        timezone=timezone,
        on_dst_gap=on_dst_gap,
        on_dst_repeat=on_dst_repeat,
        seed=seed,
        spec=spec,
        zone=load_zone(timezone),
    )


def check_schedule(schedule: Schedule, *, min_interval_seconds: int, now: datetime | None = None) -> None:
    """Refuse (ScheduleError) a new schedule that an old one may be.

    `cron.too_often`: it fires more often than every `min_interval_seconds`. `cron.never`: it does not fire after `now`,
    because its years are over, or because a clock change skips the only times it names.
    """
    shortest = schedule.shortest_interval_seconds
    if shortest is not None and shortest < min_interval_seconds:
        raise ScheduleError(
            "cron.too_often",
            f"The schedule fires every {shortest} s at its most frequent.",
            position=0,
            hint=f"The least interval allowed here is {min_interval_seconds} s.",
        )
    if now is not None and schedule.next_fire_time(now) is None:
        last = schedule.latest_fire_time(now)
        when = f"its last fire time was {last:%Y-%m-%d %H:%M:%S} UTC" if last else "a clock change skips what it names"
        raise ScheduleError("cron.never", f"The schedule never fires again: {when}.")


def _chosen(value: str | None, yes: str, no: str, default: bool, *, field: str) -> bool:
    if value is None:
        return default
    if value not in (yes, no):
        raise ScheduleError("dst.value", f"{value!r} is not a choice.", field=field, hint=f"Allowed: {yes}, {no}.")
    return value == yes


def _to_seconds(at: datetime) -> int:
    since = at - _EPOCH
    return since.days * 86_400 + since.seconds
