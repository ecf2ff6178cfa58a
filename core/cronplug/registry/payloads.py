"""Checks payloads against a function's JSON Schema, without any code of the plugin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cronplug.errors import FieldError, json_pointer

ROOT = "functionPayload"
_MAX_ERRORS = 20


def make_validator(schema: Mapping[str, Any]) -> Any:
    """A validator to be kept and passed to `check_payload`; of a schema that is none, one that says so."""
    # Worker processes import this package and never validate here: they should not pay for these imports.
    from jsonschema import Draft202012Validator, SchemaError  # type: ignore[import-untyped]
    from referencing import Registry

    schema = _without_foreign_patterns(schema)
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return _NoValidator(f"The function's own schema is not valid JSON Schema: {error.message[:300]}")
    return Draft202012Validator(schema, registry=Registry())  # an empty registry: no reference is ever fetched


class _NoValidator:
    """Stands for the validator of a schema that is none: whatever the payload, the fault is the function's."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence

    def iter_errors(self, _payload: object) -> Iterator[Any]:
        raise _FaultySchema(self.sentence)


class _FaultySchema(Exception):
    """Nothing can be checked; `str` says why."""


def _without_foreign_patterns(schema: Any) -> Any:
    """Leave out patterns that only pydantic's engine reads (such as `\\p{L}`): the worker checks those."""
    if isinstance(schema, list):
        return [_without_foreign_patterns(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        name: _without_foreign_patterns(value)
        for name, value in schema.items()
        if not (name == "pattern" and isinstance(value, str) and not _is_readable(value))
    }


def _is_readable(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def check_payload(validator: Any, payload: Mapping[str, Any]) -> list[FieldError]:
    """The faults, at most 20, fields named from the task's point of view (`functionPayload.days`)."""
    from referencing.exceptions import Unresolvable

    errors: list[FieldError] = []
    try:
        for fault in validator.iter_errors(dict(payload)):
            errors += _explain(fault)
            if len(errors) >= _MAX_ERRORS:
                break
    except _FaultySchema as error:
        return [FieldError(ROOT, str(error), "schema")]
    except Unresolvable as error:
        return [
            FieldError(ROOT, f"The function's own schema names {error.ref!r}, which it does not contain.", "schema")
        ]
    except RecursionError:
        return [FieldError(ROOT, "It is nested too deep to be checked.", "depth")]
    return sorted(errors[:_MAX_ERRORS], key=lambda error: error.field)


def _explain(fault: Any) -> list[FieldError]:
    path = [str(part) for part in fault.absolute_path]
    if fault.validator == "required":
        missing = [name for name in fault.validator_value if name not in fault.instance]
        return [_fault([*path, name], "This field is required.", "required") for name in missing]
    if fault.validator == "additionalProperties" and fault.validator_value is False:
        known = fault.schema.get("properties", {})
        extra = [name for name in fault.instance if name not in known]
        return [_fault([*path, name], "There is no such field.", "unknown_field") for name in extra]
    if fault.validator in ("anyOf", "oneOf") and fault.context:
        return _explain_choice(fault, path)
    return [_fault(path, _sentence(fault), str(fault.validator))]


def _explain_choice(fault: Any, path: list[str]) -> list[FieldError]:
    """The faults of the one alternative that was meant, where that can be told.

    An optional value has one besides null; of several models the value of the discriminating field tells.
    """
    alternatives = [part if isinstance(part, Mapping) else {} for part in fault.validator_value]
    meant = [index for index, part in enumerate(alternatives) if part.get("type") != "null"]
    discriminator = fault.schema.get("discriminator")
    if isinstance(discriminator, Mapping) and isinstance(fault.instance, Mapping):
        name, forms = str(discriminator.get("propertyName")), discriminator.get("mapping") or {}
        tag = fault.instance.get(name)
        if not isinstance(tag, str) or tag not in forms:
            known = ", ".join(str(form) for form in forms)[:300]
            return [_fault([*path, name], f"Must be one of {known}.", "discriminator")]
        meant = [index for index, part in enumerate(alternatives) if part.get("$ref") == forms[tag]]
    inner_faults = [inner for inner in fault.context if list(inner.schema_path)[:1] == meant]
    errors = [error for inner in inner_faults for error in _explain(inner)]
    return errors or [_fault(path, "None of the allowed forms fits this value.", str(fault.validator))]


def _fault(path: Sequence[str], message: str, code: str) -> FieldError:
    """A fault at a place of the payload."""
    whole = [ROOT, *path]
    return FieldError(".".join(whole), message, code, pointer=json_pointer(whole))


def masked_fault(path: Sequence[str]) -> FieldError:
    """The fault of sending the mask of a secret where none is stored."""
    return _fault(
        path, "This only stands for a stored value, and none is stored here: give the value itself.", "masked"
    )


def below(fault: FieldError, field: str) -> FieldError:
    """The same fault of a payload that is called `field` (dotted) and not `functionPayload`."""
    pointer = json_pointer(field.split(".")) + (fault.pointer or "").removeprefix(f"/{ROOT}")
    return replace(fault, field=field + fault.field.removeprefix(ROOT), pointer=pointer)


def _sentence(fault: Any) -> str:
    wanted = fault.validator_value
    match fault.validator:
        case "type":
            kinds = " or ".join(wanted) if isinstance(wanted, list) else wanted
            return f"Must be of type {kinds}."
        case "minimum":
            return f"Must be at least {wanted}."
        case "maximum":
            return f"Must be at most {wanted}."
        case "exclusiveMinimum":
            return f"Must be more than {wanted}."
        case "exclusiveMaximum":
            return f"Must be less than {wanted}."
        case "minLength":
            return f"Must have at least {wanted} characters."
        case "maxLength":
            return f"Must have at most {wanted} characters."
        case "minItems":
            return f"Must have at least {wanted} items."
        case "maxItems":
            return f"Must have at most {wanted} items."
        case "enum":
            return "Must be one of " + ", ".join(str(value) for value in wanted)[:300] + "."
        case "const":
            return f"Must be {wanted}."
        case "pattern":
            return f"Must match the pattern {wanted}."
        case "multipleOf":
            return f"Must be a multiple of {wanted}."
        case "uniqueItems":
            return "No two items may be the same."
        case "minProperties":
            return f"Must have at least {wanted} fields."
        case "maxProperties":
            return f"Must have at most {wanted} fields."
        case _:  # the library's own sentence shows the value, which may be secret
            return f"Does not fit the rule {str(fault.validator)!r} of the function's schema."
