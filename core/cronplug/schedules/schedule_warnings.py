"""What about a task's schedules may not be what was meant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cronplug.model import IntervalRule
from cronplug.schedules.clock_changes import warn_of_clock
from cronplug.schedules.cron import CronSchedule
from cronplug.schedules.kinds import LAST_INSTANT
from cronplug.schedules.shown_times import duration_text, instant_text, listed
from cronplug.schedules.spec import CronSpec
from cronplug.schedules.task_schedule import TaskSchedule
from cronplug.schedules.terms import NO_TERMS, Terms
from cronplug.schedules.tokens import HOUR, MINUTE, MONTH, SECOND, CronText, read_cron_text

_COMPARED = 10
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class ScheduleWarning:
    """Something about a schedule that may not be what was meant. `code` is stable.

    `rule` is the place of the schedule it is about, None for all of them together. `suggestion` is a cron expression
    that may have been meant, None without one.
    """

    code: str
    message: str
    rule: int | None = None
    suggestion: str | None = None


def find_warnings(
    schedule: TaskSchedule, *, after: datetime, terms: Terms = NO_TERMS, next_run_at: datetime | None = None
) -> list[ScheduleWarning]:
    """What may not be meant, judged from `after`, those of each rule first.

    `next_run_at` is the first fire time that neither calendars nor pauses take out.
    """
    found: list[ScheduleWarning] = []
    for place, part in enumerate(schedule.parts):
        if isinstance(part, CronSchedule):
            found += _cron_warnings(part, place, schedule, after)
    return [
        *found,
        *_after_end_warnings(schedule),
        *_end_warnings(schedule, after),
        *_collisions(schedule, after),
        *_jitter_warnings(schedule, after, terms),
        *_run_warnings(schedule, after, terms, next_run_at),
    ]


def _cron_warnings(part: CronSchedule, place: int, schedule: TaskSchedule, after: datetime) -> list[ScheduleWarning]:
    read = read_cron_text(part.cron_expression, part.seed)
    found = [*_text_warnings(read, place), *_month_warnings(part.spec, place)]
    start = after if schedule.start_at is None else max(after, schedule.start_at)
    clock = warn_of_clock(part, after=start, until=schedule.end_at)
    return [*found, *(ScheduleWarning(code, message, place) for code, message in clock)]


def _text_warnings(read: CronText, place: int) -> list[ScheduleWarning]:
    found = []
    if read.restricts_day and read.restricts_weekday:
        message = "Both day fields are restricted: it fires on days that match either of them, not only on days that match both."
        found.append(ScheduleWarning("either_day", message, place))
    typed = dict(read.typed)
    for kind in (SECOND, MINUTE, HOUR, MONTH):
        text = typed.get(kind.name, "")
        values = kind.high - kind.low + 1
        if not text.startswith("*/") or "," in text or values % int(text[2:]) == 0:
            continue
        if int(text[2:]) > values:
            message = f"{text} in the {kind.name} field is a step beyond the field: it means {kind.low} only."
        else:
            message = (
                f"{text} in the {kind.name} field does not divide {values}: the last step of each round is shorter."
            )
        found.append(ScheduleWarning("uneven_step", message, place))
    second, minute, hour = read.plain[:3]
    hours = hour.split(",")
    if minute == "*" and second.isdigit() and all(text.isdigit() for text in hours):
        meant = _with_zero(read, MINUTE.name)
        when = listed([f"{int(text):02}:00 to {int(text):02}:59" for text in hours])
        message = f"It fires every minute from {when}, 60 times an hour. Did you mean minute 0, {meant}?"
        found.append(ScheduleWarning("every_minute_of_hour", message, place, meant))
    if second == "*" and minute.isdigit():
        meant = _with_zero(read, SECOND.name)
        message = f"It fires every second of minute {minute}, 60 times. Did you mean second 0, {meant}?"
        found.append(ScheduleWarning("every_second_of_minute", message, place, meant))
    return found


def _with_zero(read: CronText, column: str) -> str:
    return " ".join("0" if name == column else text for name, text in read.typed)


def _month_warnings(spec: CronSpec, place: int) -> list[ScheduleWarning]:
    """Months that are chosen, but in some year have no such day."""
    lengths = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    chosen = [month for month in range(12) if spec.months >> month & 1]
    short = [month for month in chosen if not any(spec.days[weekday * 4 + lengths[month] - 28] for weekday in range(7))]
    if not short:
        return []
    if short == [1] and any(spec.days[weekday * 4 + 1] for weekday in range(7)):
        message = "It fires in February in leap years only."
    else:
        message = f"It never fires in {listed([_MONTHS[month] for month in short])}: there is no such day."
    return [ScheduleWarning("skips_months", message, place)]


def _after_end_warnings(schedule: TaskSchedule) -> list[ScheduleWarning]:
    rule = schedule.rules[0] if schedule.rules else None
    if not isinstance(rule, IntervalRule) or not rule.after_end:
        return []
    most = 86_400 / rule.every_seconds
    often = f"at most {most:,.0f} times a day" if most >= 1 else f"at most once in {duration_text(rule.every_seconds)}"
    message = f"It runs {often}: how long each execution takes counts too. Only the next fire time is known."
    return [ScheduleWarning("after_end", message, 0)]


def _end_warnings(schedule: TaskSchedule, after: datetime) -> list[ScheduleWarning]:
    """Schedules that never fire after `after`, within their bounds."""
    if any(isinstance(rule, IntervalRule) and rule.after_end for rule in schedule.rules):
        return []
    ended = []
    for place, part in enumerate(schedule.parts):
        alone = TaskSchedule(
            rules=schedule.rules[place : place + 1],
            parts=(part,),
            start_at=schedule.start_at,
            end_at=schedule.end_at,
        )
        if alone.next_fire_time(after) is None:
            ended.append((place, alone.latest_fire_time(after)))
    if not ended:
        return []
    if len(ended) < len(schedule.parts):
        return [_ended(schedule, place, last, place) for place, last in ended]
    lasts = [last for _, last in ended if last is not None]
    return [_ended(schedule, 0, max(lasts, default=None), None if len(ended) > 1 else 0)]


def _ended(schedule: TaskSchedule, place: int, last: datetime | None, rule: int | None) -> ScheduleWarning:
    timezone = schedule.rules[place].timezone
    if last is None:
        bounded = schedule.start_at is not None or schedule.end_at is not None
        why = "no fire time lies within its bounds" if bounded else "what it names is over"
    else:
        why = f"its last fire time was {instant_text(last, timezone)} ({timezone})"
    return ScheduleWarning("never_fires_again", f"It never fires again: {why}.", rule)


def _collisions(schedule: TaskSchedule, after: datetime) -> list[ScheduleWarning]:
    """Rules that name an instant which an earlier rule names too; the next few fire times of each are looked at."""
    start = after if schedule.start_at is None else max(after, schedule.start_at)
    end = LAST_INSTANT if schedule.end_at is None else min(schedule.end_at, LAST_INSTANT)
    coming = [part.fire_times(start, end, _COMPARED) for part in schedule.parts]
    found = []
    for later in range(1, len(coming)):
        for earlier in range(later):
            shared = [at for at in coming[later] if schedule.parts[earlier].latest_fire_time(at) == at]
            shared += [at for at in coming[earlier] if schedule.parts[later].latest_fire_time(at) == at]
            if shared:
                timezone = schedule.rules[earlier].timezone
                when = instant_text(min(shared), timezone)
                message = (
                    f"Schedules {earlier + 1} and {later + 1} both name {when} ({timezone}): the task runs once then, "
                    f"as schedule {earlier + 1} has it."
                )
                found.append(ScheduleWarning("same_instants", message, later))
                break
    return found


def _jitter_warnings(schedule: TaskSchedule, after: datetime, terms: Terms) -> list[ScheduleWarning]:
    if not terms.jitter_seconds:
        return []
    coming = schedule.fire_times(after, LAST_INSTANT, _COMPARED)
    apart = [int((later - earlier).total_seconds()) for earlier, later in pairwise(coming)]
    if schedule.shortest_interval_seconds is not None:
        apart.append(schedule.shortest_interval_seconds)
    shortest = min(apart, default=None)
    if shortest is None or terms.jitter_seconds <= shortest:
        return []
    message = (
        f"The jitter of {duration_text(terms.jitter_seconds)} is longer than the shortest interval, "
        f"{duration_text(shortest)}: a start is put off only up to the next fire time."
    )
    return [ScheduleWarning("jitter_too_long", message)]


def _run_warnings(
    schedule: TaskSchedule, after: datetime, terms: Terms, next_run_at: datetime | None
) -> list[ScheduleWarning]:
    """Fire times that come, but none that runs."""
    if terms.executions_left == 0:
        message = f"The limit is reached: its schedules have started {terms.fired_count} of {terms.max_executions} executions."
        return [ScheduleWarning("limit_reached", message)]
    following = schedule.next_fire_time(after)
    if following is None or next_run_at is not None:
        return []
    paused = terms.is_paused(following)
    why = "all are skipped by calendars or pauses" if paused else "calendars exclude all that were looked at"
    return [ScheduleWarning("all_excluded", f"No coming fire time runs: {why}.")]
