"""Checks payloads against a function's JSON Schema, without any code of the plugin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cronplug.errors import FieldError

ROOT = "functionPayload"
_MAX_ERRORS = 20


def make_validator(schema: Mapping[str, Any]) -> Any:
    """A validator to be kept and passed to `check_payload`; raises SchemaError for what is not a JSON Schema."""
    # Worker processes import this package and never validate here: they should not pay for these imports.
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
    from referencing import Registry

    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, registry=Registry())  # an empty registry: no reference is ever fetched


def check_payload(validator: Any, payload: Mapping[str, Any]) -> list[FieldError]:
    """The faults, at most 20, fields named from the task's point of view (`functionPayload.days`)."""
    errors: list[FieldError] = []
    for fault in validator.iter_errors(dict(payload)):
        errors += _explain(fault)
        if len(errors) >= _MAX_ERRORS:
            break
    return sorted(errors[:_MAX_ERRORS], key=lambda error: error.field)


def _explain(fault: Any) -> list[FieldError]:
    path = [str(part) for part in fault.absolute_path]
    if fault.validator == "required":
        missing = [name for name in fault.validator_value if name not in fault.instance]
        return [FieldError(_field([*path, name]), "This field is required.", "required") for name in missing]
    if fault.validator == "additionalProperties" and fault.validator_value is False:
        known = fault.schema.get("properties", {})
        extra = [name for name in fault.instance if name not in known]
        return [FieldError(_field([*path, name]), "There is no such field.", "unknown_field") for name in extra]
    if fault.validator in ("anyOf", "oneOf") and fault.context:
        return _explain_choice(fault, path)
    return [FieldError(_field(path), _sentence(fault), str(fault.validator))]


def _explain_choice(fault: Any, path: list[str]) -> list[FieldError]:
    """The faults of the one alternative that was meant, where that can be told: an optional value has one besides null."""
    real = [alternative for alternative in fault.validator_value if alternative.get("type") != "null"]
    if len(real) == 1:
        index = fault.validator_value.index(real[0])
        return [error for inner in fault.context if inner.schema_path[0] == index for error in _explain(inner)]
    return [FieldError(_field(path), "None of the allowed forms fits this value.", str(fault.validator))]


def _field(path: Iterable[str]) -> str:
    return ".".join([ROOT, *path])


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
        case _:
            return str(fault.message)[:300]
