"""Reading what callers send: strict JSON, strict query strings, preconditions, idempotency keys."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, get_origin

import pydantic_core
from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError
from quart import request
from werkzeug.exceptions import UnsupportedMediaType

from cronplug.api.fields import check_json_value
from cronplug.api.problems import invalid
from cronplug.errors import FieldError, InvalidInput, MalformedRequest
from cronplug.model import Json
from cronplug.operations import Idempotency

ModelType = TypeVar("ModelType", bound=BaseModel)

MAX_BODY_BYTES = 1 << 20


async def read_body(model: type[ModelType], *, optional: bool = False) -> ModelType:
    """The request's JSON as `model`. With `optional`, no body is the same as `{}`.

    Refused: another content type (415), broken JSON, NaN, more than 200 levels, lone surrogates, NUL characters and
    numbers that other programs cannot hold (400), what the model does not take (422), over 1 MiB (413, by Quart).
    """
    raw = await _raw_body()
    if optional and not raw.strip():
        return model.model_validate({})
    if not request.is_json:
        raise UnsupportedMediaType("The body must be sent as Content-Type: application/json.")
    try:
        value = pydantic_core.from_json(raw, allow_inf_nan=False)
        check_json_value(value)
    except (ValueError, PydanticCustomError) as error:
        message = error.message() if isinstance(error, PydanticCustomError) else str(error)
        raise MalformedRequest(f"The body cannot be read as JSON: {message}.") from None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(error) from None


def read_query(model: type[ModelType]) -> ModelType:
    """The query string as `model`; unknown parameters are refused, and repeated ones but where they make a list."""
    if not request.query_string:
        return model.model_validate({})
    lists = _lists_in(model)
    repeated = [name for name, values in request.args.lists() if len(values) > 1 and name not in lists]
    if repeated:
        raise InvalidInput([FieldError(name, "is given more than once", "repeated") for name in repeated])
    try:
        return model.model_validate(
            {name: values if name in lists else values[0] for name, values in request.args.lists()}
        )
    except ValidationError as error:
        raise invalid(error, in_body=False) from None


@cache
def _lists_in(model: type[BaseModel]) -> frozenset[str]:
    """The parameters that may be repeated."""
    fields = model.model_fields.items()
    return frozenset(field.alias or name for name, field in fields if get_origin(field.annotation) is tuple)


async def read_upload(media_type: str) -> bytes:
    """The file that a request brings: its body, or the part `file` of a form.

    Refused: another content type (415), a form without such a part (422), over 1 MiB (413, by Quart).
    """
    if request.mimetype == media_type:
        return await _raw_body()
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(f"The body must be sent as Content-Type: {media_type}, or as a form with `file`.")
    try:
        files = await request.files
    except ValueError as error:
        raise MalformedRequest(f"The form cannot be read: {error}.") from None
    if "file" not in files:
        raise InvalidInput([FieldError("file", "is required", "missing")])
    data: bytes = files["file"].read()
    return data


async def _raw_body() -> bytes:
    body = await request.get_data(cache=True)
    return body if isinstance(body, bytes) else body.encode()


_ENTITY_TAG = re.compile(r'\s*(?P<weak>W/)?"(?P<revision>[^"]*)"\s*(?:,|$)')


def expected_revision(current: int) -> int | None:
    """The revision that `If-Match` asks for: None without the header or with `*`.

    When several are named, `current` if it is among them. A header that names no revision gives -1, which never
    matches (RFC 9110, 13.1.1: weak tags never match).
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    named = {m["revision"] for m in _ENTITY_TAG.finditer(header) if not m["weak"]}
    return current if str(current) in named else -1


def entity_tag(revision: int) -> str:
    """The `ETag` of a revision."""
    return f'"{revision}"'


async def idempotency(scope: str, render: Callable[[Any], Json]) -> Idempotency | None:
    """What the caller's `Idempotency-Key` asks for; None without the header.

    `scope` names the route and its path; `render` makes the part of the answer that a repeat needs. The fingerprint
    is that of the body, so that the same key with another body is noticed.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise InvalidInput([FieldError("Idempotency-Key", "must have 1 to 200 printable characters", "length")])
    body = await _raw_body()
    return Idempotency(key=key, scope=scope, request_hash=hashlib.sha256(body).hexdigest(), render=render)
