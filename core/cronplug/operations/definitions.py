"""Is a task's definition acceptable? Every fault is found at once and named by its JSON field."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from cronplug.errors import FieldError, InvalidInput
from cronplug.model import Json, TaskDefinition, TaskType
from cronplug.registry import Registry
from cronplug.schedules import CronSchedule, TaskSchedule, check_schedule, parse_rule, parse_schedule, task_schedule

_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""A token of RFC 9110, section 5.6.2."""


def schedule_of(definition: TaskDefinition, *, task_id: str) -> TaskSchedule | None:
    """The definition's schedule, None when it runs only when triggered. Raises InvalidInput."""
    return task_schedule(definition, seed=task_id)


def same_json(one: object, other: object) -> bool:
    """Whether two values are equal as JSON (instants as text); for Python 1, 1.0 and true are equal too.

    >>> same_json({"a": 1}, {"a": True}), same_json((1, "a"), (1, "a"))
    (False, True)
    """
    return json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)


def check_definition(
    definition: TaskDefinition, *, registry: Registry, min_interval_seconds: int, before: TaskDefinition | None = None
) -> None:
    """Raise InvalidInput when `definition` cannot be stored.

    `before` is the definition it replaces: a function that has gone missing meanwhile is no reason to refuse a change
    that leaves function and payload alone.
    """
    errors: list[FieldError] = []
    errors += _schedule_faults(definition, min_interval_seconds)
    if definition.type is TaskType.FUNCTION:
        changed = before is None or not same_json(
            (before.type, before.function_name, before.function_payload),
            (definition.type, definition.function_name, definition.function_payload),
        )
        if changed:
            errors += _function_faults(definition, registry)
    else:
        errors += _http_faults(definition)
    if errors:
        raise InvalidInput(errors)


def payload_faults(
    name: str, payload: Mapping[str, Json], registry: Registry, *, field: str = "functionPayload"
) -> list[FieldError]:
    """What is wrong with `payload` for the registered function `name`; fields begin with `field`."""
    faults = registry.validate_payload(name, payload)
    if field == "functionPayload":
        return faults
    return [
        FieldError(field + fault.field.removeprefix("functionPayload"), fault.message, fault.code, fault.position)
        for fault in faults
    ]


def unknown_function(name: str, registry: Registry) -> FieldError:
    """The fault of naming a function that is not registered, with near names."""
    names = [function.name for function in registry.functions()]
    near = difflib.get_close_matches(name, names, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else "GET /api/scheduler/functions lists the registered ones."
    return FieldError("functionName", f"No function {name!r} is registered. {hint}", "unknown_function")


def _schedule_faults(definition: TaskDefinition, min_interval_seconds: int) -> Sequence[FieldError]:
    try:
        # The zone of a task without a schedule is checked as well.
        parse_schedule(cron_expression="@daily", timezone=definition.timezone)
        for rule in definition.schedules:
            schedule = parse_rule(rule)
            if isinstance(schedule, CronSchedule):
                check_schedule(schedule, min_interval_seconds=min_interval_seconds)
    except InvalidInput as error:
        return error.errors
    return ()


def _function_faults(definition: TaskDefinition, registry: Registry) -> Sequence[FieldError]:
    if not definition.function_name:
        return [FieldError("functionName", "A function task needs the name of a function.", "required")]
    if registry.function(definition.function_name) is None:
        return [unknown_function(definition.function_name, registry)]
    return payload_faults(definition.function_name, definition.function_payload, registry)


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
