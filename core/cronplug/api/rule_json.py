"""How the schedules of a task look from outside: one kind of object for each kind of schedule."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, StringConstraints, Tag

from cronplug import model
from cronplug.api.fields import WHOLE, Answer, Body, Instant, InstantIn, JsonObject, ObjectIn, fault
from cronplug.schedules.kinds import LONGEST_INTERVAL_SECONDS

DstGapName = Literal["shift", "skip"]
DstRepeatName = Literal["once", "twice"]
CalendarModeName = Literal["include", "exclude"]

MOST_SCHEDULES = 20
"""Schedules of one task."""

MOST_CALENDARS = 20
"""Calendars of one schedule."""

_GAP = "What happens to a local time that a clock change skips; null: by the rule of Debian's cron(8)."
_REPEAT = "How often a local time runs that a clock change repeats; null: by the rule of Debian's cron(8)."
_ANCHOR = (
    "An instant of the grid; null with afterEnd: the first fire time is everySeconds after the task is made or enabled."
)
_AFTER_END = "Count from the end of the last execution, not on a grid; such a schedule stands alone."
_PAYLOAD = "Replaces the task's payload at this schedule's fire times; null: the task's own."


# ------------------------------------------------------------------------------------------------ answers


class CalendarUse(Answer):
    """A calendar that a schedule heeds."""

    calendar_id: str
    mode: CalendarModeName = Field(description="include: fires only inside of it; exclude: only outside.")


class _Rule(Answer):
    timezone: str
    calendars: list[CalendarUse]
    payload: JsonObject | None = Field(description=_PAYLOAD)


class CronRule(_Rule):
    """Fire times by a cron expression in a time zone."""

    kind: Literal["cron"] = "cron"
    cron_expression: str
    on_dst_gap: DstGapName | None = Field(description=_GAP)
    on_dst_repeat: DstRepeatName | None = Field(description=_REPEAT)


class IntervalRule(_Rule):
    """A fire time every so many seconds. The zone is the one they are shown in."""

    kind: Literal["interval"] = "interval"
    every_seconds: int
    anchor_at: Instant | None = Field(description=_ANCHOR)
    after_end: bool = Field(description=_AFTER_END)


class OnceRule(_Rule):
    """One fire time. The zone is the one it is shown in."""

    kind: Literal["once"] = "once"
    at: Instant


Rule = CronRule | IntervalRule | OnceRule


def show_rule(rule: model.ScheduleRule) -> Rule:
    """A schedule as it is answered."""
    common: dict[str, Any] = {
        "timezone": rule.timezone,
        "calendars": [CalendarUse(calendar_id=use.calendar_id, mode=use.mode.value) for use in rule.calendars],
        "payload": None if rule.payload is None else dict(rule.payload),
    }
    if isinstance(rule, model.CronRule):
        return CronRule(
            cron_expression=rule.cron_expression,
            on_dst_gap=rule.on_dst_gap.value if rule.on_dst_gap else None,
            on_dst_repeat=rule.on_dst_repeat.value if rule.on_dst_repeat else None,
            **common,
        )
    if isinstance(rule, model.IntervalRule):
        return IntervalRule(
            every_seconds=rule.every_seconds, anchor_at=rule.anchor_at, after_end=rule.after_end, **common
        )
    return OnceRule(at=rule.at, **common)


# ------------------------------------------------------------------------------------------------ bodies


def _known_kind(value: object) -> object:
    if value not in ("cron", "interval", "once"):
        raise fault("enum", "must be cron, interval or once")
    return value


_KIND = BeforeValidator(_known_kind)
Zone = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Expression = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class CalendarUseIn(Body):
    """A calendar that a schedule is to heed."""

    calendar_id: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    mode: CalendarModeName = Field(description="include: fires only inside of it; exclude: only outside.")


class _RuleIn(Body):
    timezone: Zone | None = Field(None, description="An IANA zone; default the task's.")
    calendars: Annotated[list[CalendarUseIn], Field(max_length=MOST_CALENDARS)] | None = None
    payload: ObjectIn | None = Field(None, description=_PAYLOAD)

    def _common(self, default_timezone: str) -> dict[str, Any]:
        return {
            "timezone": self.timezone or default_timezone,
            "calendars": tuple(
                model.CalendarUse(calendar_id=use.calendar_id, mode=model.CalendarMode(use.mode))
                for use in self.calendars or ()
            ),
            "payload": self.payload,
        }


class CronRuleIn(_RuleIn):
    """Fire times by a cron expression in a time zone."""

    kind: Annotated[Literal["cron"], _KIND]
    cron_expression: Expression
    on_dst_gap: DstGapName | None = Field(None, description=_GAP)
    on_dst_repeat: DstRepeatName | None = Field(None, description=_REPEAT)

    def rule(self, default_timezone: str) -> model.ScheduleRule:
        """The schedule that is asked for."""
        return model.CronRule(
            cron_expression=self.cron_expression,
            on_dst_gap=model.DstGap(self.on_dst_gap) if self.on_dst_gap else None,
            on_dst_repeat=model.DstRepeat(self.on_dst_repeat) if self.on_dst_repeat else None,
            **self._common(default_timezone),
        )


class IntervalRuleIn(_RuleIn):
    """A fire time every so many seconds."""

    kind: Annotated[Literal["interval"], _KIND]
    every_seconds: Annotated[int, Field(ge=1, le=LONGEST_INTERVAL_SECONDS), WHOLE]
    anchor_at: InstantIn | None = Field(
        None, description=f"{_ANCHOR} Without afterEnd, null is startAt or else now. Cut to whole seconds."
    )
    after_end: bool = Field(False, description=_AFTER_END)

    def rule(self, default_timezone: str) -> model.ScheduleRule:
        """The schedule that is asked for."""
        return model.IntervalRule(
            every_seconds=self.every_seconds,
            anchor_at=None if self.anchor_at is None else self.anchor_at.replace(microsecond=0),
            after_end=self.after_end,
            **self._common(default_timezone),
        )


class OnceRuleIn(_RuleIn):
    """One fire time."""

    kind: Annotated[Literal["once"], _KIND]
    at: InstantIn = Field(description="In the future when it is new. Cut to whole seconds.")

    def rule(self, default_timezone: str) -> model.ScheduleRule:
        """The schedule that is asked for."""
        return model.OnceRule(at=self.at.replace(microsecond=0), **self._common(default_timezone))


def _tag(value: Any) -> str:
    """Which of the models reads a schedule; of an unknown kind the first, which says what is allowed."""
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return f"<{kind}>" if kind in ("interval", "once") else "<cron>"


RuleIn = Annotated[
    Annotated[CronRuleIn, Tag("<cron>")]
    | Annotated[IntervalRuleIn, Tag("<interval>")]
    | Annotated[OnceRuleIn, Tag("<once>")],
    Discriminator(_tag),
]
"""A schedule in a body, told apart by its `kind`."""

RulesIn = Annotated[list[RuleIn], Field(max_length=MOST_SCHEDULES)]


def read_rules(
    given: list[CronRuleIn | IntervalRuleIn | OnceRuleIn] | None, default_timezone: str
) -> tuple[model.ScheduleRule, ...]:
    """The schedules that are asked for; null is none."""
    return tuple(rule.rule(default_timezone) for rule in given or ())
