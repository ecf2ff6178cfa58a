"""How schedules' previews look from outside."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from cronplug import model, operations, schedules
from cronplug.api.fields import QUERY_WHOLE, WHOLE, Answer, Body, CatchUpIn, CatchUpName, Instant, InstantIn, Query
from cronplug.api.rule_json import DstGapName, DstRepeatName, Expression, RulesIn, Zone, read_rules
from cronplug.api.shorthand import Asked, Schedules, merge_schedules
from cronplug.errors import FieldError, InvalidInput
from cronplug.planning import enabling
from cronplug.schedules import calendars

Count = Annotated[int, Field(ge=1, le=100), WHOLE]
Jitter = Annotated[int, Field(ge=0, le=86_400), WHOLE]
Most = Annotated[int, Field(ge=1, le=1_000_000_000), WHOLE]


class PreviewRequest(Body):
    """A schedule to look at: an expression, or the schedules and bounds of a task. One of the first two is required."""

    cron_expression: Expression | None = None
    schedules: RulesIn | None = None
    timezone: Zone | None = Field(None, description="An IANA zone; default SCHEDULER_DEFAULT_TIMEZONE.")
    on_dst_gap: DstGapName | None = Field(None, description="Goes with cronExpression.")
    on_dst_repeat: DstRepeatName | None = Field(None, description="Goes with cronExpression.")
    start_at: InstantIn | None = None
    end_at: InstantIn | None = None
    jitter_seconds: Jitter = 0
    max_executions: Most | None = None
    paused_until: InstantIn | None = None
    task_id: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = Field(
        None, description="A stored task to compare with; it also gives `H` its values."
    )
    catch_up: CatchUpIn = Field("none", description="With taskId of a disabled task: how it would be enabled.")
    count: Count = 5
    after: InstantIn | None = Field(None, description="Fire times strictly after this instant; default now.")

    def definition(self, *, default_timezone: str) -> model.TaskDefinition:
        """A task that has these schedules and nothing to run. Raises InvalidInput."""
        if self.cron_expression is None and self.schedules is None:
            raise InvalidInput([FieldError("cronExpression", "is required, or schedules", "missing")])
        zone = self.timezone or default_timezone
        asked = Asked(
            has_expression="cron_expression" in self.model_fields_set,
            expression=self.cron_expression,
            timezone=zone,
            rules=None if self.schedules is None else read_rules(self.schedules, zone),
        )
        found = merge_schedules(Schedules(default_timezone), asked, is_new=True)
        rules = tuple(self._with_clock_rule(rule) for rule in found.rules) if self.schedules is None else found.rules
        return model.TaskDefinition(
            name="-",
            type=model.TaskType.HTTP,
            timezone=found.timezone,
            schedules=rules,
            start_at=self.start_at,
            end_at=self.end_at,
            jitter_seconds=self.jitter_seconds,
            max_executions=self.max_executions,
            paused_until=self.paused_until,
        )

    def _with_clock_rule(self, rule: model.ScheduleRule) -> model.ScheduleRule:
        if not isinstance(rule, model.CronRule):
            return rule
        return model.CronRule(
            cron_expression=rule.cron_expression,
            timezone=rule.timezone,
            on_dst_gap=model.DstGap(self.on_dst_gap) if self.on_dst_gap else None,
            on_dst_repeat=model.DstRepeat(self.on_dst_repeat) if self.on_dst_repeat else None,
        )


class ForecastQuery(Query):
    """How many fire times."""

    count: Annotated[int, Field(ge=1, le=100), QUERY_WHOLE] = 5
    catch_up: CatchUpName = Field("none", description="Of a disabled task: how it would be enabled.")


class Exclusion(Answer):
    """The calendar by which a fire time is skipped."""

    calendar_id: str | None = Field(description="null: the schedule names a calendar that is not there.")
    name: str | None
    entry: str | None = Field(description="What of the calendar covers it; null: it is outside of what it must be in.")
    sentence: str

    @classmethod
    def of(cls, exclusion: calendars.Exclusion) -> Self:
        """The exclusion as it is answered."""
        calendar = exclusion.calendar
        return cls(
            calendar_id=None if calendar is None else calendar.id,
            name=None if calendar is None else calendar.name,
            entry=exclusion.entry,
            sentence=exclusion.sentence,
        )


class Occurrence(Answer):
    """One coming fire time."""

    at: Instant
    local: str = Field(description="The local time in the schedule's zone, without offset.")
    offset: str = Field(description="The zone's offset then, like +02:00.")
    timezone: str
    note: str | None = Field(description="What a clock change does to it.")
    rule: int = Field(description="The place in `rules` of the schedule that names it.")
    excluded_by: Exclusion | None = Field(description="It will be skipped for this calendar.")
    paused: bool = Field(description="It will be skipped: schedules, or the task, are paused then.")
    starts_at: Instant | None = Field(description="Given a stored task: when its execution starts, jitter included.")

    @classmethod
    def of(cls, found: schedules.Occurrence) -> Self:
        """The fire time as it is answered."""
        return cls(
            at=found.at,
            local=found.local,
            offset=found.offset,
            timezone=found.timezone,
            note=found.note,
            rule=found.rule,
            excluded_by=None if found.excluded_by is None else Exclusion.of(found.excluded_by),
            paused=found.paused,
            starts_at=found.starts_at,
        )


class SchedulePart(Answer):
    """One field of an expression in words."""

    name: str
    text: str
    meaning: str

    @classmethod
    def of(cls, part: schedules.Part) -> Self:
        """The field as it is answered."""
        return cls(name=part.name, text=part.text, meaning=part.meaning)


class RulePreview(Answer):
    """What one of several schedules means."""

    kind: Literal["cron", "interval", "once"]
    description: str
    timezone: str
    parts: list[SchedulePart]
    runs_per_day: float


class WarningDetail(Answer):
    """Something about a schedule that may not be what was meant."""

    code: str = Field(description="Stable; made for programs.")
    message: str
    rule: int | None = Field(description="The place of the schedule; null: all of them together.")
    suggestion: str | None = Field(description="A cron expression that may be meant.")


class ClockChange(Answer):
    """A change of the clocks in the coming two years, and what it does to the fire times."""

    at: Instant
    timezone: str
    kind: Literal["gap", "repeat"]
    seconds: int
    local_before: str
    local_after: str
    offset_before: str
    offset_after: str
    affects: bool = Field(description="false: no fire time is touched.")
    effect: str
    fires_at: list[Instant]


class CalendarHit(Answer):
    """A stretch of the coming year in which a calendar skips fire times."""

    starts_at: Instant
    ends_at: Instant
    fire_times: int
    first_at: Instant
    rule: int
    exclusion: Exclusion


class Difference(Answer):
    """The next fire times by the stored schedule of a task, and by this one."""

    same: bool
    sentence: str
    next_run_changes: bool
    old_next: Instant | None
    new_next: Instant | None
    only_old: list[Instant]
    only_new: list[Instant]
    both: list[Instant]


class Enabling(Answer):
    """What enabling the task now would do."""

    sentence: str
    next_run_at: Instant | None
    catch_up: list[Instant] = Field(description="Fire times that would run at once, by the catch-up asked about.")
    missed_count: int | None = Field(
        description="Fire times that passed while it was disabled and would not run; null: not known."
    )


class Preview(Answer):
    """What a schedule means. A schedule that ends gives fewer fire times than asked for."""

    description: str
    next_runs: list[Instant] = Field(description="Of `occurrences`, those that will run.")
    occurrences: list[Occurrence] = Field(description="The next fire times, those that will be skipped too.")
    next_run_at: Instant | None = Field(description="The next that will run.")
    last_fire_at: Instant | None = Field(description="The last one of all, of schedules that come to an end.")
    runs_per_day: float = Field(description="A mean over many years, without calendars and bounds.")
    runs_per_year: float
    runs_at_most: bool = Field(description="true: the two means are upper bounds.")
    runs_in_coming_year: int | None = Field(description="With calendars, pauses and bounds; null: not countable.")
    warnings: list[str]
    warning_details: list[WarningDetail]
    parts: list[SchedulePart] = Field(description="Of the first schedule.")
    rules: list[RulePreview]
    clock_changes: list[ClockChange]
    calendar_hits: list[CalendarHit]
    timezone: str = Field(description="Of the first schedule.")
    tzdata_version: str
    difference: Difference | None = Field(description="Given taskId, from that task's stored schedule.")
    enabling: Enabling | None = Field(description="Given a disabled task.")

    @classmethod
    def of(cls, looked: operations.LookedAhead) -> Self:
        """The preview as it is answered."""
        preview, difference, enabled = looked.preview, looked.difference, looked.enabling
        return cls(
            description=preview.description,
            next_runs=[found.at for found in preview.occurrences if found.excluded_by is None and not found.paused],
            occurrences=[Occurrence.of(found) for found in preview.occurrences],
            next_run_at=preview.next_run_at,
            last_fire_at=preview.last_fire_at,
            runs_per_day=preview.runs_per_day,
            runs_per_year=preview.runs_per_year,
            runs_at_most=preview.runs_at_most,
            runs_in_coming_year=preview.runs_in_coming_year,
            warnings=[warning.message for warning in preview.warnings],
            warning_details=[
                WarningDetail(code=it.code, message=it.message, rule=it.rule, suggestion=it.suggestion)
                for it in preview.warnings
            ],
            parts=[SchedulePart.of(part) for part in preview.parts],
            rules=[_rule(rule) for rule in preview.rules],
            clock_changes=[_clock_change(change) for change in preview.clock_changes],
            calendar_hits=[_calendar_hit(hit) for hit in preview.calendar_hits],
            timezone=preview.timezone,
            tzdata_version=preview.tzdata_version,
            difference=None if difference is None else _difference(difference),
            enabling=None if enabled is None else _enabling(enabled),
        )


def _rule(rule: schedules.RulePreview) -> RulePreview:
    return RulePreview(
        kind=rule.kind,
        description=rule.description,
        timezone=rule.timezone,
        parts=[SchedulePart.of(part) for part in rule.parts],
        runs_per_day=rule.runs_per_day,
    )


def _clock_change(change: schedules.ClockChange) -> ClockChange:
    return ClockChange(
        at=change.at,
        timezone=change.timezone,
        kind=change.kind,
        seconds=change.seconds,
        local_before=change.local_before,
        local_after=change.local_after,
        offset_before=change.offset_before,
        offset_after=change.offset_after,
        affects=change.affects,
        effect=change.effect,
        fires_at=list(change.fires_at),
    )


def _calendar_hit(hit: schedules.CalendarHit) -> CalendarHit:
    return CalendarHit(
        starts_at=hit.starts_at,
        ends_at=hit.ends_at,
        fire_times=hit.fire_times,
        first_at=hit.first_at,
        rule=hit.rule,
        exclusion=Exclusion.of(hit.exclusion),
    )


def _difference(found: schedules.Comparison) -> Difference:
    return Difference(
        same=found.same,
        sentence=found.sentence,
        next_run_changes=found.next_run_changes,
        old_next=found.old_next,
        new_next=found.new_next,
        only_old=list(found.only_old),
        only_new=list(found.only_new),
        both=list(found.both),
    )


def _enabling(found: enabling.Enabling) -> Enabling:
    return Enabling(
        sentence=found.sentence,
        next_run_at=found.next_run_at,
        catch_up=list(found.catch_up),
        missed_count=found.missed_count,
    )
