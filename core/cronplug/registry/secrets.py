"""The parts of payloads that are written and never shown: those that a function's schema calls `writeOnly`.

pydantic's `SecretStr` and `SecretBytes` have such a schema. In answers `MASK` stands for each of them. Whoever sends the
mask back means the value that is stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MASK = "********"

Schema = Mapping[str, Any]
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class _Place:
    """A schema that a value has to fit, and the document that its references are in."""

    schema: Any
    root: Schema


def has_secrets(schema: Any) -> bool:
    """Whether some part of a schema is `writeOnly`.

    >>> has_secrets({"properties": {"token": {"type": "string", "writeOnly": True}}}), has_secrets({"type": "object"})
    (True, False)
    """
    if isinstance(schema, Mapping):
        return schema.get("writeOnly") is True or any(has_secrets(part) for part in schema.values())
    return isinstance(schema, list) and any(has_secrets(part) for part in schema)


def without_secret_defaults(schema: Schema) -> Schema:
    """The schema without defaults and examples of secrets: they would be shown, and a form would send them back."""
    stripped: Schema = _strip(schema, schema) if has_secrets(schema) else schema
    return stripped


def _strip(schema: Any, root: Schema) -> Any:
    if isinstance(schema, list):
        return [_strip(part, root) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    place = _Place(schema, root)
    shown = {name: part for name, part in schema.items() if name != "default" or _mask(part, [place]) == part}
    if isinstance(examples := shown.get("examples"), list):
        shown["examples"] = [example for example in examples if _mask(example, [place]) == example]
    return {name: _strip(part, root) for name, part in shown.items()}


def mask_secrets(payload: Mapping[str, Any], schemas: Sequence[Schema]) -> dict[str, Any]:
    """The payload with `MASK` for what is secret by any of the schemas; null stays null.

    >>> mask_secrets({"a": 1, "b": "x"}, [{"properties": {"b": {"writeOnly": True}}}])
    {'a': 1, 'b': '********'}
    """
    masked: dict[str, Any] = _mask(dict(payload), [_Place(schema, schema) for schema in schemas])
    return masked


def fill_secrets(
    payload: Mapping[str, Any], stored: Mapping[str, Any] | None, schemas: Sequence[Schema]
) -> tuple[dict[str, Any], list[tuple[str, ...]]]:
    """The payload with the stored secrets where it has `MASK`, and the places of masks that stand for nothing stored.

    An item of a list stands for the stored one that looks the same when masked, or else, in a list of the same length,
    for the one in its place: no secret moves to another item.

    >>> fill_secrets({"b": "********"}, {"b": "x"}, [{"properties": {"b": {"writeOnly": True}}}])
    ({'b': 'x'}, [])
    """
    unknown: list[tuple[str, ...]] = []
    places = [_Place(schema, schema) for schema in schemas]
    filled: dict[str, Any] = _fill(dict(payload), _ABSENT if stored is None else stored, places, (), unknown)
    return filled, unknown


def secret_at(path: Sequence[str], schemas: Sequence[Schema]) -> bool:
    """Whether the value at `path` of a payload is secret, or part of what is."""
    places = [_Place(schema, schema) for schema in schemas]
    for step in path:
        if _is_secret(places):
            return True
        places = [*_of_key(places, step), *(_of_item(places, int(step)) if step.isdecimal() else [])]
    return _is_secret(places)


def _mask(value: Any, places: list[_Place]) -> Any:
    if value is None or not places:
        return value
    if _is_secret(places):
        return MASK
    if isinstance(value, Mapping):
        return {key: _mask(part, _of_key(places, key)) for key, part in value.items()}
    if isinstance(value, list):
        return [_mask(part, _of_item(places, index)) for index, part in enumerate(value)]
    return value


def _fill(value: Any, stored: Any, places: list[_Place], path: tuple[str, ...], unknown: list[tuple[str, ...]]) -> Any:
    if not places:
        return value
    if _is_secret(places):
        if value != MASK:
            return value
        if stored is _ABSENT or stored is None:
            unknown.append(path)
            return value
        return stored
    if isinstance(value, Mapping):
        old = stored if isinstance(stored, Mapping) else {}
        return {
            key: _fill(part, old.get(key, _ABSENT), _of_key(places, key), (*path, key), unknown)
            for key, part in value.items()
        }
    if isinstance(value, list):
        matches = _matching_items(value, stored if isinstance(stored, list) else [], places)
        return [
            _fill(part, matches[index], _of_item(places, index), (*path, str(index)), unknown)
            for index, part in enumerate(value)
        ]
    return value


def _matching_items(given: list[Any], stored: list[Any], places: list[_Place]) -> list[Any]:
    """For each given item the stored one that it stands for, or `_ABSENT`."""
    masked = [_mask(item, _of_item(places, index)) for index, item in enumerate(stored)]
    matches: list[Any] = [_ABSENT] * len(given)
    free = set(range(len(stored)))
    by_place = [index for index in range(min(len(given), len(stored))) if given[index] == masked[index]]
    for index in by_place:
        matches[index] = stored[index]
        free.discard(index)
    for index, item in enumerate(given):
        if matches[index] is not _ABSENT:
            continue
        same = [other for other in sorted(free) if masked[other] == item]
        if same and all(stored[other] == stored[same[0]] for other in same):
            matches[index] = stored[same[0]]
            free.discard(same[0])
    if len(given) == len(stored):
        for index in sorted(free):
            if matches[index] is _ABSENT:
                matches[index] = stored[index]
    return matches


def _is_secret(places: list[_Place]) -> bool:
    return any(schema.get("writeOnly") is True for schema, _ in _alternatives(places))


def _of_key(places: list[_Place], key: str) -> list[_Place]:
    """What the value of `key` has to fit, by any of the schemas."""
    found = []
    for schema, root in _alternatives(places):
        properties, patterns = schema.get("properties"), schema.get("patternProperties")
        if isinstance(properties, Mapping) and key in properties:
            found.append(_Place(properties[key], root))
            continue
        named = (
            [part for pattern, part in patterns.items() if _matches(pattern, key)]
            if isinstance(patterns, Mapping)
            else []
        )
        found += [_Place(part, root) for part in named or [schema.get("additionalProperties")]]
    return found


def _of_item(places: list[_Place], index: int) -> list[_Place]:
    """What the item at `index` has to fit, by any of the schemas."""
    found = []
    for schema, root in _alternatives(places):
        first = schema.get("prefixItems")
        if isinstance(first, list) and index < len(first):
            found.append(_Place(first[index], root))
        else:
            found.append(_Place(schema.get("items"), root))
    return found


def _matches(pattern: str, key: str) -> bool:
    try:
        return re.search(pattern, key) is not None
    except (re.error, OverflowError, RecursionError):
        return True  # only pydantic's engine reads it: rather too much is secret than too little


def _alternatives(places: list[_Place]) -> Iterator[tuple[Schema, Schema]]:
    """The schemas themselves, what they refer to, and all of which some have to fit; each once, with its document."""
    waiting = list(places)
    seen: set[int] = set()
    while waiting:
        place = waiting.pop()
        schema = place.schema
        if not isinstance(schema, Mapping) or id(schema) in seen:
            continue
        seen.add(id(schema))
        yield schema, place.root
        for word in ("anyOf", "oneOf", "allOf"):
            parts = schema.get(word)
            waiting += [_Place(part, place.root) for part in parts] if isinstance(parts, list) else []
        for word in ("if", "then", "else", "not"):
            waiting.append(_Place(schema.get(word), place.root))
        waiting.append(_Place(_referred(schema.get("$ref"), place.root), place.root))


def _referred(reference: object, root: Schema) -> Any:
    """What a reference within the document names (RFC 6901); None for any other."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        if not isinstance(found, Mapping):
            return None
        found = found.get(step.replace("~1", "/").replace("~0", "~"))
    return found
