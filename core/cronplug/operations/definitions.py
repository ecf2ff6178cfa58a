"""Is a task's definition acceptable? Every fault is found at once and named by its JSON field."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cronplug.errors import FieldError, InvalidInput
from cronplug.model import IntervalRule, Json, OnceRule, ScheduleRule, TaskDefinition, TaskType
from cronplug.registry import Registry
from cronplug.registry.payloads import ROOT, below
from cronplug.schedules import check_schedule, parse_rule
from cronplug.schedules.zones import load_zone

_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""A token of RFC 9110, section 5.6.2."""


def same_json(one: object, other: object) -> bool:
    """Whether two values are equal as JSON (instants as text); for Python 1, 1.0 and true are equal too.

    >>> same_json({"a": 1}, {"a": True}), same_json((1, "a"), (1, "a"))
    (False, True)
    """
    return json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)


def with_anchors(definition: TaskDefinition, *, now: datetime) -> TaskDefinition:
    """The definition, where intervals that name no anchor get one: `start_at`, or else `now`, on a whole second."""
    anchor_at = whole_second_after(definition.start_at or now)
    rules = tuple(
        dataclasses.replace(rule, anchor_at=anchor_at)
        if isinstance(rule, IntervalRule) and rule.anchor_at is None and not rule.after_end
        else rule
        for rule in definition.schedules
    )
    return dataclasses.replace(definition, schedules=rules)


def whole_second_after(at: datetime) -> datetime:
    """The first whole second at or after an instant."""
    whole = at.replace(microsecond=0)
    return whole if whole == at else whole + timedelta(seconds=1)


def check_definition(
    definition: TaskDefinition,
    *,
    registry: Registry,
    min_interval_seconds: int,
    now: datetime,
    before: TaskDefinition | None = None,
) -> None:
    """Raise InvalidInput when `definition` cannot be stored.

    `before` is the definition it replaces: a function that has gone missing meanwhile is no reason to refuse a change
    that leaves function and payload alone, nor is a schedule that has come to its end one that leaves it alone.
    """
    errors = schedule_faults(definition, min_interval_seconds=min_interval_seconds, now=now, before=before)
    if definition.type is TaskType.FUNCTION:
        changed = before is None or not same_json(
            (before.type, before.function_name, before.function_payload),
            (definition.type, definition.function_name, definition.function_payload),
        )
        if changed:
            errors += _function_faults(definition, registry)
        elif before is not None:
            errors += _rule_payload_faults(definition, registry, known=before.schedules)
    else:
        errors += _http_faults(definition)
        errors += [
            FieldError(
                f"schedules.{place}.payload", "An HTTP task takes no payload; its body is httpBody.", "not_allowed"
            )
            for place, rule in enumerate(definition.schedules)
            if rule.payload is not None
        ]
    if errors:
        raise InvalidInput(errors)


def schedule_faults(
    definition: TaskDefinition,
    *,
    min_interval_seconds: int,
    now: datetime | None = None,
    before: TaskDefinition | None = None,
) -> list[FieldError]:
    """What is wrong with the schedules and their bounds.

    Given `now`, also schedules that `before` does not have and that are over.
    """
    errors = _zone_faults(definition.timezone, "timezone")
    known = () if before is None else before.schedules
    told = {definition.timezone} if errors else set()
    for place, rule in enumerate(definition.schedules):
        faults = _rule_faults(
            rule, min_interval_seconds, None if rule in known else now, zone_is_told=rule.timezone in told
        )
        errors += [dataclasses.replace(fault, field=f"schedules.{place}.{fault.field}") for fault in faults]
    if definition.after_end and len(definition.schedules) > 1:
        message = "A schedule that counts from the end of the last execution stands alone."
        errors.append(FieldError("schedules", message, "stands_alone"))
    if definition.start_at is not None and definition.end_at is not None and definition.end_at < definition.start_at:
        errors.append(FieldError("endAt", "Must not be before startAt.", "order"))
    return errors


def _rule_faults(
    rule: ScheduleRule, min_interval_seconds: int, now: datetime | None, *, zone_is_told: bool
) -> Sequence[FieldError]:
    """What is wrong with one schedule, by field; `now` None: it may be over. A bad zone is told once."""
    faults = [] if zone_is_told else _zone_faults(rule.timezone, "timezone")
    if isinstance(rule, IntervalRule):
        if rule.every_seconds < min_interval_seconds:
            message = f"The least interval allowed here is {min_interval_seconds} s."
            faults.append(FieldError("everySeconds", message, "interval.too_often"))
        return faults
    if isinstance(rule, OnceRule):
        if now is not None and rule.at <= now:
            faults.append(FieldError("at", "Must be in the future.", "once.past"))
        return faults
    if faults or zone_is_told:
        return faults
    try:
        check_schedule(parse_rule(rule), min_interval_seconds=min_interval_seconds, now=now)
    except InvalidInput as error:
        return error.errors
    return ()


def _zone_faults(timezone: str, field: str) -> list[FieldError]:
    try:
        load_zone(timezone)
    except InvalidInput as error:
        return [dataclasses.replace(fault, field=field) for fault in error.errors]
    return []


def calendars_of(definition: TaskDefinition) -> set[str]:
    """The ids of the calendars that the schedules heed."""
    return {use.calendar_id for rule in definition.schedules for use in rule.calendars}


def calendar_faults(
    definition: TaskDefinition, *, missing: Collection[str], before: TaskDefinition | None = None
) -> list[FieldError]:
    """The places of calendars that do not exist; those that `before` names already are let be."""
    old = set() if before is None else calendars_of(before)
    return [
        FieldError(
            f"schedules.{place}.calendars.{number}.calendarId", f"There is no calendar {use.calendar_id!r}.", "unknown"
        )
        for place, rule in enumerate(definition.schedules)
        for number, use in enumerate(rule.calendars)
        if use.calendar_id in missing and use.calendar_id not in old
    ]


def payload_faults(
    name: str, payload: Mapping[str, Json], registry: Registry, *, field: str = ROOT
) -> list[FieldError]:
    """What is wrong with `payload` for the registered function `name`; fields begin with `field`."""
    faults = registry.validate_payload(name, payload)
    return faults if field == ROOT else [below(fault, field) for fault in faults]


def unknown_function(name: str, registry: Registry) -> FieldError:
    """The fault of naming a function that is not registered, with near names."""
    names = [function.name for function in registry.functions()]
    near = difflib.get_close_matches(name, names, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else "GET /api/scheduler/functions lists the registered ones."
    return FieldError("functionName", f"No function {name!r} is registered. {hint}", "unknown_function")


def _function_faults(definition: TaskDefinition, registry: Registry) -> Sequence[FieldError]:
    if not definition.function_name:
        return [FieldError("functionName", "A function task needs the name of a function.", "required")]
    if registry.function(definition.function_name) is None:
        return [unknown_function(definition.function_name, registry)]
    faults = payload_faults(definition.function_name, definition.function_payload, registry)
    return [*faults, *_rule_payload_faults(definition, registry)]


def _rule_payload_faults(
    definition: TaskDefinition, registry: Registry, known: Sequence[ScheduleRule] = ()
) -> list[FieldError]:
    """What is wrong with the payloads of single schedules, those of `known` aside."""
    name = definition.function_name or ""
    old = [rule.payload for rule in known]
    new = {
        place: rule.payload
        for place, rule in enumerate(definition.schedules)
        if rule.payload is not None and not any(same_json(rule.payload, payload) for payload in old)
    }
    if new and registry.function(name) is None:
        return [unknown_function(name, registry)]
    return [
        fault
        for place, payload in new.items()
        for fault in payload_faults(name, payload, registry, field=f"schedules.{place}.payload")
    ]


def _http_faults(definition: TaskDefinition) -> list[FieldError]:
    errors = []
    if not definition.http_url:
        errors.append(FieldError("httpUrl", "An HTTP task needs an absolute http or https URL.", "required"))
    elif not _is_absolute_http(definition.http_url):
        errors.append(FieldError("httpUrl", "Must be an absolute http or https URL.", "url"))
    for name, value in definition.http_headers.items():
        if not _HEADER_NAME.fullmatch(name):
            errors.append(FieldError(f"httpHeaders.{name}", "Not a valid header name (RFC 9110).", "header"))
        elif any(
            (ord(char) < 32 and char != "\t") or ord(char) in range(127, 160) or ord(char) > 255 for char in value
        ):
            errors.append(
                FieldError(f"httpHeaders.{name}", "A header value is one line of Latin-1 characters.", "header")
            )
    return errors


def _is_absolute_http(url: str) -> bool:
    if any(char.isspace() or ord(char) < 32 for char in url):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and port != 0
