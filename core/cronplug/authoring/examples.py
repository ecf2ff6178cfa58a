"""A payload to try a function with, made from what its schema says; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Example:
    """`payload` as far as it can be made; `missing` are the dotted names of required fields that say no example."""

    payload: dict[str, Any]
    missing: tuple[str, ...] = ()


def make_example(schema: Mapping[str, Any]) -> Example:
    """A payload from the schema's examples, else from its fields' defaults and examples.

    >>> make_example({"properties": {"days": {"default": 7}, "region": {"examples": ["north"]}}, "required": ["region"]})
    Example(payload={'days': 7, 'region': 'north'}, missing=())
    >>> make_example({"properties": {"region": {"type": "string"}}, "required": ["region"]}).missing
    ('region',)
    """
    missing: list[str] = []
    made = _value(schema, schema, "", missing, _MAX_DEPTH)
    return Example(made if isinstance(made, dict) else {}, tuple(missing))


def _value(schema: Mapping[str, Any], root: Mapping[str, Any], path: str, missing: list[str], depth: int) -> Any:
    """An example of one (sub)schema; adds to `missing` what has none."""
    if "default" in schema:
        return schema["default"]
    if isinstance(examples := schema.get("examples"), list) and examples:
        return examples[0]
    for choice in ("const", "enum"):
        if choice in schema:
            return schema[choice] if choice == "const" else schema[choice][0]
    if depth and (target := resolve(schema, root)) is not schema:
        return _value(target, root, path, missing, depth - 1)
    properties = schema.get("properties")
    if depth and isinstance(properties, Mapping):
        return _object(schema, properties, root, path, missing, depth)
    if path or schema.get("type") != "object":
        missing.append(path)
    return {} if not path else None


def _object(
    schema: Mapping[str, Any],
    properties: Mapping[str, Any],
    root: Mapping[str, Any],
    path: str,
    missing: list[str],
    depth: int,
) -> dict[str, Any]:
    required = schema.get("required", ())
    made = {}
    for name, part in properties.items():
        lacking: list[str] = []
        value = _value(part, root, f"{path}.{name}".strip("."), lacking, depth - 1)
        if not lacking:
            made[name] = value
        elif name in required:
            missing += lacking
    return made


def resolve(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The definition that a reference, alone or as the only choice besides null, leads to; else `schema` itself."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    if len(choices) == 1:
        schema = choices[0]
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    found = root.get("$defs", {}).get(reference.removeprefix("#/$defs/"))
    return found if isinstance(found, Mapping) else schema
