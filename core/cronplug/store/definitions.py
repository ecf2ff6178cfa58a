"""Task definitions as JSON: one format for `tasks` and `task_revisions`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from cronplug.clock import from_millis, to_millis
from cronplug.model import (
    CalendarMode,
    CalendarUse,
    CatchUp,
    CronRule,
    Delivery,
    DstGap,
    DstRepeat,
    IntervalRule,
    Json,
    OnceRule,
    Overlap,
    RetryBackoff,
    ScheduleRule,
    TaskDefinition,
    TaskType,
)

_NAMES = tuple(field.name for field in fields(TaskDefinition))
_ENUMS: Mapping[str, type[StrEnum]] = {
    "type": TaskType,
    "catch_up": CatchUp,
    "overlap": Overlap,
    "delivery": Delivery,
    "retry_backoff": RetryBackoff,
}
_TUPLES = ("tags", "retry_on", "no_retry_on", "http_expect_status", "http_retry_status")
_INSTANTS = ("start_at", "end_at", "paused_until")

_RULES: Mapping[str, type[CronRule | IntervalRule | OnceRule]] = {
    "cron": CronRule,
    "interval": IntervalRule,
    "once": OnceRule,
}
_RULE_FIELDS = {name: frozenset(field.name for field in fields(rule)) for name, rule in _RULES.items()}
_KINDS = {kind: name for name, kind in _RULES.items()}
_RULE_ENUMS: Mapping[str, type[StrEnum]] = {"on_dst_gap": DstGap, "on_dst_repeat": DstRepeat}
_RULE_INSTANTS = ("anchor_at", "at")
_LONGEST_KEPT = 8_000


def definition_to_json(definition: TaskDefinition) -> dict[str, Json]:
    """All fields by name; instants as epoch milliseconds."""
    values = {name: getattr(definition, name) for name in _NAMES}
    return values | {
        **{name: list(values[name]) for name in _TUPLES},
        "function_payload": dict(definition.function_payload),
        "http_headers": dict(definition.http_headers),
        "schedules": [_rule_to_json(rule) for rule in definition.schedules],
        **{name: _millis(values[name]) for name in _INSTANTS},
    }


def definition_from_text(text: str) -> tuple[TaskDefinition, str | None]:
    """As `definition_from_json`, of JSON's text. Those read often are kept, so nobody must change what is in them."""
    return _kept(text) if len(text) <= _LONGEST_KEPT else definition_from_json(json.loads(text))


@lru_cache(maxsize=512)
def _kept(text: str) -> tuple[TaskDefinition, str | None]:
    return definition_from_json(json.loads(text))


def definition_from_json(stored: dict[str, Json]) -> tuple[TaskDefinition, str | None]:
    """The definition, and what of it cannot be understood: a newer version may have written it.

    A field the row does not have (it is older) gets its default, an unknown one is left out. A value that this
    version does not know is replaced by the default, so that one row never keeps the others from being read.
    """
    values: dict[str, Any] = {name: stored[name] for name in _NAMES if name in stored}
    faults: list[str] = []
    _read_enums(values, _ENUMS, faults)
    for name in _INSTANTS:
        values[name] = _instant(values.get(name))
    for name in _TUPLES:
        if name in values:
            values[name] = tuple(values[name])
    values["schedules"] = _rules_from_json(stored, faults)
    fault = f"This version of cronplug does not know what it means that {', '.join(faults)}." if faults else None
    return TaskDefinition(**{"name": "", "type": TaskType.FUNCTION} | values), fault


def _rule_to_json(rule: ScheduleRule) -> dict[str, Json]:
    values: dict[str, Any] = {field.name: getattr(rule, field.name) for field in fields(rule)}
    values["calendars"] = [{"calendar_id": use.calendar_id, "mode": use.mode} for use in rule.calendars]
    values |= {name: _millis(values[name]) for name in _RULE_INSTANTS if name in values}
    return {"kind": _KINDS[type(rule)], **values}


def _rules_from_json(stored: Mapping[str, Json], faults: list[str]) -> tuple[ScheduleRule, ...]:
    if "schedules" not in stored:  # as the first version wrote it
        expression = stored.get("cron_expression")
        zone = stored.get("timezone", "UTC")
        return () if expression is None else (CronRule(cron_expression=expression, timezone=zone),)
    rules = []
    for place, given in enumerate(stored["schedules"]):
        make: Callable[..., ScheduleRule] | None = _RULES.get(given.get("kind"))
        if make is None:
            faults.append(f"schedules.{place}.kind is {given.get('kind')!r}")
            continue
        known = _RULE_FIELDS[given["kind"]]
        values = {name: value for name, value in given.items() if name in known}
        _read_enums(values, _RULE_ENUMS, faults)
        values |= {name: _instant(values[name]) for name in _RULE_INSTANTS if name in values}
        values["calendars"] = tuple(
            CalendarUse(calendar_id=use["calendar_id"], mode=CalendarMode(use["mode"])) for use in given["calendars"]
        )
        rules.append(make(**values))
    return tuple(rules)


def _read_enums(values: dict[str, Any], enums: Mapping[str, type[StrEnum]], faults: list[str]) -> None:
    for name, enum in enums.items():
        value = values.get(name)
        if value is None:
            continue
        try:
            values[name] = enum(value)
        except ValueError:
            faults.append(f"{name} is {values.pop(name)!r}")


def _millis(at: datetime | None) -> int | None:
    return None if at is None else to_millis(at)


def _instant(millis: int | None) -> datetime | None:
    return None if millis is None else from_millis(millis)
