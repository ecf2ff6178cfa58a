"""`cronExpression` and `timezone` as a short way to say and to change what `schedules` says.

A task answers both, so that a caller who knows only the short way needs no other, and one who reads a task, changes
either of them and sends everything back is understood.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cronplug.errors import FieldError, InvalidInput
from cronplug.model import CronRule, IntervalRule, ScheduleRule
from cronplug.operations.definitions import same_json

_IN_SCHEDULES = re.compile(r"schedules\.\d+\.(cronExpression|timezone|onDstGap|onDstRepeat)")

Rules = tuple[ScheduleRule, ...]


@dataclass(frozen=True, slots=True)
class Schedules:
    """A task's schedules and its own zone, the one for schedules that name none.

    `shown` is how the schedules were answered, when that differs: with masks for secrets in payloads.
    """

    timezone: str
    rules: Rules = ()
    shown: Rules | None = None

    @property
    def cron_rule(self) -> CronRule | None:
        """What the short way speaks of: the first schedule that is a cron expression."""
        return next((rule for rule in self.rules if isinstance(rule, CronRule)), None)

    @property
    def short_expression(self) -> str | None:
        """What is answered as `cronExpression`."""
        return None if self.cron_rule is None else self.cron_rule.cron_expression

    @property
    def short_timezone(self) -> str:
        """What is answered as `timezone`."""
        return self.timezone if self.cron_rule is None else self.cron_rule.timezone


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body says of schedules. `has_expression` tells null from nothing; None elsewhere is nothing."""

    has_expression: bool = False
    expression: str | None = None
    timezone: str | None = None
    rules: Rules | None = None


def merge_schedules(before: Schedules, asked: Asked, *, is_new: bool = False) -> Schedules:
    """The schedules that are asked for, given those that are stored (`is_new`: none, and the default zone).

    The short way alone changes, makes or (null) removes the first cron expression and leaves all else. `rules` alone
    replaces all. With both, what differs from what is stored is what was meant. Raises InvalidInput when both differ
    and contradict each other.
    """
    if asked.rules is None:
        return _by_short_way(before, asked)
    rules = keep_anchors(asked.rules, before.rules)
    if same_rules(rules, before.rules if before.shown is None else before.shown):
        return _by_short_way(before, asked)
    after = Schedules(before.timezone, rules)
    if (
        asked.has_expression
        and asked.expression != before.short_expression
        and asked.expression != after.short_expression
    ):
        raise _contradiction("cronExpression")
    if asked.timezone is None or (asked.timezone == before.short_timezone and not is_new):
        return after
    if after.cron_rule is not None and after.cron_rule.timezone != asked.timezone and not is_new:
        raise _contradiction("timezone")
    return Schedules(asked.timezone, rules)


def keep_anchors(rules: Sequence[ScheduleRule], before: Sequence[ScheduleRule]) -> Rules:
    """`rules`, where an interval that names no anchor has that of the equal interval in `before`: edits shift no grid."""
    left = [rule for rule in before if isinstance(rule, IntervalRule) and not rule.after_end]
    kept: list[ScheduleRule] = []
    for rule in rules:
        if isinstance(rule, IntervalRule) and rule.anchor_at is None and not rule.after_end:
            same = next((old for old in left if old.every_seconds == rule.every_seconds), None)
            if same is not None:
                left.remove(same)
                rule = dataclasses.replace(rule, anchor_at=same.anchor_at)
        kept.append(rule)
    return tuple(kept)


def same_rules(one: Rules, other: Rules) -> bool:
    """Whether two lists of schedules are the same, payloads compared as JSON."""
    kinds = [type(rule) for rule in one] == [type(rule) for rule in other]
    return kinds and same_json(list(map(dataclasses.asdict, one)), list(map(dataclasses.asdict, other)))


def in_short(fault: FieldError) -> FieldError:
    """A fault in a schedule's expression or zone, named by the short way.

    >>> in_short(FieldError("schedules.0.cronExpression", "No.")).field
    'cronExpression'
    """
    return dataclasses.replace(fault, field=_IN_SCHEDULES.sub(r"\1", fault.field))


def _by_short_way(before: Schedules, asked: Asked) -> Schedules:
    expression = asked.expression if asked.has_expression else before.short_expression
    zone = before.short_timezone if asked.timezone is None else asked.timezone
    if (expression, zone) == (before.short_expression, before.short_timezone):
        return before
    own_zone = before.timezone if zone == before.short_timezone else zone
    old = before.cron_rule
    if old is None:
        made = () if expression is None else (CronRule(cron_expression=expression, timezone=zone),)
        return Schedules(own_zone, (*before.rules, *made))
    new = () if expression is None else (dataclasses.replace(old, cron_expression=expression, timezone=zone),)
    place = next(place for place, rule in enumerate(before.rules) if rule is old)
    return Schedules(own_zone, (*before.rules[:place], *new, *before.rules[place + 1 :]))


def _contradiction(field: str) -> InvalidInput:
    message = f"schedules says another {field}: change one of them, or both alike."
    return InvalidInput([FieldError(field, message, "contradiction")])
