"""The types of JSON fields and query parameters: how they are read, answered and described in OpenAPI.

Bodies are strict (`"5"` is no integer, `1` is no boolean) save for the leniencies the contract names, each of which
is a type here. Names are camelCase outside and snake_case inside.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import pydantic_core
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from cronplug.clock import EPOCH, rfc3339
from cronplug.ids import decode_id


class Answer(BaseModel):
    """Base of everything the API answers: every field is always there."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        json_schema_serialization_defaults_required=True,
    )


class Body(BaseModel):
    """Base of JSON request bodies: strict types, unknown fields refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=False, strict=True, extra="forbid", frozen=True
    )


class Query(BaseModel):
    """Base of query strings: values come as text, unknown parameters are refused."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=False, extra="forbid", frozen=True)


def fault(code: str, message: str) -> PydanticCustomError:
    """An error with our own sentence, for validators."""
    return PydanticCustomError("cronplug", "{message}", {"message": message, "code": code})


# ------------------------------------------------------------------------------------------------ instants

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_LAST_INSTANT = datetime(9999, 12, 30, tzinfo=UTC)


def read_instant(value: object) -> datetime:
    """An RFC 3339 text with a zone as aware UTC, cut to milliseconds; raises PydanticCustomError.

    Instants before 1970 or after 9999-12-30 become those: nothing of ours lies outside.
    """
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise fault("instant", "must be an RFC 3339 instant with a zone, like 2026-01-31T08:00:00Z")
    try:
        at = datetime.fromisoformat(value.upper())
    except ValueError:
        raise fault("instant", "is not a date and time that exists") from None
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        at = EPOCH if at.year < 5000 else _LAST_INSTANT
    at = min(max(at, EPOCH), _LAST_INSTANT)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


_INSTANT_SCHEMA = {"type": "string", "format": "date-time", "examples": ["2026-01-31T08:00:00.000Z"]}
Instant = Annotated[datetime, PlainSerializer(rfc3339, return_type=str), WithJsonSchema(_INSTANT_SCHEMA)]
"""An instant in an answer: RFC 3339, UTC with `Z`, milliseconds."""

InstantText = Annotated[str, WithJsonSchema(_INSTANT_SCHEMA)]
"""The same, of an instant that is a text already: where a thousand of them are answered at once."""

InstantIn = Annotated[datetime, BeforeValidator(read_instant), WithJsonSchema(_INSTANT_SCHEMA)]
"""An instant in a body or a query string: RFC 3339 with any zone."""


# ------------------------------------------------------------------------------------------------ numbers


def _whole(value: object) -> object:
    """JSON has one kind of number: 5.0 is an integer, true is not."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


WHOLE = BeforeValidator(_whole)
"""Marks an integer in a body; stands after its bounds."""


def _query_whole(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,15}", value, re.ASCII):
        return int(value)
    if isinstance(value, int):
        return value
    raise fault("integer", "must be a whole number")


QUERY_WHOLE = BeforeValidator(_query_whole)
"""Marks an integer in a query string (digits only); stands after its bounds."""

_QUERY_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_BOOLEAN_OR_BIT: dict[str, Any] = {"anyOf": [{"type": "boolean"}, {"type": "integer", "enum": [0, 1]}]}


def _query_boolean(value: object) -> object:
    if isinstance(value, str) and value in _QUERY_BOOLEANS:
        return _QUERY_BOOLEANS[value]
    if isinstance(value, bool):
        return value
    raise fault("boolean", "must be true, false, 1 or 0")


QueryBoolean = Annotated[bool, BeforeValidator(_query_boolean), WithJsonSchema(_BOOLEAN_OR_BIT)]
"""true, false, 1 or 0 in a query string."""


def _switch(value: object) -> object:
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    raise fault("boolean", "must be true or false (1 and 0 are accepted)")


Switch = Annotated[bool, BeforeValidator(_switch), WithJsonSchema(_BOOLEAN_OR_BIT)]
"""A boolean in a body that may also come as 0 or 1."""


# ------------------------------------------------------------------------------------------------ catch-up

CatchUpName = Literal["none", "last", "all"]


def _catch_up(value: object) -> object:
    if isinstance(value, str) and value in ("none", "last", "all"):
        return value
    if isinstance(value, (int, float)) and value in (0, 1):
        return "last" if value else "none"
    raise fault("enum", "must be none, last or all (true and 1 mean last, false and 0 mean none)")


CatchUpIn = Annotated[
    CatchUpName,
    BeforeValidator(_catch_up),
    WithJsonSchema({"anyOf": [{"type": "string", "enum": ["none", "last", "all"]}, *_BOOLEAN_OR_BIT["anyOf"]]}),
]
"""A catch-up policy in a body."""


# ------------------------------------------------------------------------------------------------ objects

JsonObject = dict[str, Any]


def _object(value: object) -> object:
    if isinstance(value, str):
        try:
            value = pydantic_core.from_json(value, allow_inf_nan=False)
        except ValueError as error:
            raise fault("json", f"the text is not valid JSON: {error}") from None
        check_json_value(value)
    if not isinstance(value, dict):
        raise fault("object", "must be a JSON object")
    return value


def check_json_value(value: object) -> None:
    """Refuse what JSON readers let through but no database or other program takes: NUL, numbers beyond a double.

    The depth is bounded by the reader. Raises PydanticCustomError.
    """
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if "\0" in item:
                raise fault("nul", "holds a NUL character")
        elif isinstance(item, float):
            if item - item != 0.0:  # infinite: a literal like 1e999
                raise fault("number", "holds a number that is too large")
        elif isinstance(item, int):
            if not -(1 << 63) <= item < 1 << 64:
                raise fault("number", "holds an integer of more than 64 bits")
        elif isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


ObjectIn = Annotated[
    JsonObject,
    BeforeValidator(_object),
    WithJsonSchema({"anyOf": [{"type": "object", "additionalProperties": True}, {"type": "string"}]}),
]
"""A JSON object, or a text that holds one."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]{0,8192}")


def _headers(value: object) -> object:
    headers = _object(value)
    assert isinstance(headers, dict)
    if len(headers) > 100:
        raise fault("too_many", "must have at most 100 headers")
    for name, text in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise fault("header", f"{name[:60]!r} is not a header name (letters, digits, hyphens)")
        if not isinstance(text, str) or not _HEADER_VALUE.fullmatch(text):
            raise fault("header", f"the value of {name} must be a text of printable ASCII characters")
    return headers


HeadersIn = Annotated[
    dict[str, str],
    BeforeValidator(_headers),
    WithJsonSchema({"anyOf": [{"type": "object", "additionalProperties": {"type": "string"}}, {"type": "string"}]}),
]
"""HTTP headers as an object of texts, or a text that holds one."""


# ------------------------------------------------------------------------------------------------ texts


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        acceptable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        acceptable = False
    if not acceptable or not all("!" <= char <= "~" for char in text) or "\\" in text:
        raise fault("url", "must be an absolute http or https URL, like https://example.com/hook")
    return text


UrlIn = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2048),
    AfterValidator(_url),
    Field(json_schema_extra={"format": "uri"}),
]
"""An absolute http or https URL in ASCII form."""


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise fault("nul", "holds a NUL character")
    return text


QueryText = Annotated[str, StringConstraints(max_length=200), AfterValidator(_no_nul)]
"""A text in a query string."""

MOST_TEXTS = 20

QueryTexts = Annotated[tuple[QueryText, ...], Field(max_length=MOST_TEXTS)]
"""A parameter of a query string that may be given several times."""


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else [] if value is None else value


TextsIn = Annotated[
    tuple[QueryText, ...],
    Field(max_length=MOST_TEXTS, strict=False),
    BeforeValidator(_as_list),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "maxLength": 200},
                {"type": "array", "items": {"type": "string", "maxLength": 200}, "maxItems": MOST_TEXTS},
                {"type": "null"},
            ]
        }
    ),
]
"""A text, or a list of several."""


def _cursor(text: str) -> str:
    if decode_id(text) < 0:
        raise fault("cursor", "must be the nextCursor of an earlier page")
    return text


Cursor = Annotated[str, AfterValidator(_cursor), Field(json_schema_extra={"pattern": "^[0-7][0-9a-hjkmnp-tv-z]{12}$"})]
"""Where a list goes on."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"\S")]
"""A task's name: not blank."""

TagName = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=r"\S")]


def _distinct(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))


Tags = Annotated[list[TagName], Field(max_length=20), AfterValidator(_distinct)]
"""Up to 20 tags; a repeated one counts once."""
