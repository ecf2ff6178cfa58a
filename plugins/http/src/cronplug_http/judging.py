"""Whether an answer is as expected: pure rules."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

_EXCERPT = 120


class JsonExpectation(BaseModel):
    """One place of a JSON document, and the value that must be there."""

    model_config = ConfigDict(extra="forbid")

    pointer: str = Field(
        pattern="^(/.*)?$",
        max_length=1000,
        description="JSON Pointer (RFC 6901): `/items/0/state`; empty for the whole document",
        examples=["/status"],
    )
    equals: JsonValue = Field(description="The value that must be there")


class NothingThere(LookupError):
    """A pointer leads nowhere; `str` says where it stops."""


def status_fits(status: int, expected: Iterable[str]) -> bool:
    """Whether `status` is one of `expected`, where `2xx` stands for all that begin with 2.

    >>> status_fits(204, ["2xx"]), status_fits(301, ["2xx", "302"])
    (True, False)
    """
    return any(each == str(status) or each == f"{status // 100}xx" for each in expected)


def body_faults(
    body: str, *, complete: bool, contains: Iterable[str], json_expected: Iterable[JsonExpectation]
) -> list[str]:
    """What `body` lacks, each as a sentence. Only its beginning is there unless `complete`."""
    where = "the body" if complete else "the first megabyte of the body"
    faults = [f"{where} does not contain {_short(text)}" for text in contains if text not in body]
    expectations = list(json_expected)
    if not expectations:
        return faults
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        return [*faults, f"{where} is not JSON: {error}"]
    for expectation in expectations:
        place = expectation.pointer or "the document"
        try:
            value = value_at(document, expectation.pointer)
        except NothingThere as nothing:
            faults.append(f"{place}: {nothing}")
        else:
            if not _same(value, expectation.equals):
                faults.append(f"{place} is {_short(value)}, expected was {_short(expectation.equals)}")
    return faults


def value_at(document: Any, pointer: str) -> Any:
    """The value that a JSON Pointer (RFC 6901) leads to. Raises NothingThere.

    >>> value_at({"a/b": [10, 20]}, "/a~1b/1")
    20
    """
    value = document
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and _is_index(key) and int(key) < len(value):
            value = value[int(key)]
        else:
            raise NothingThere(f"there is no {key!r}")
    return value


def _is_index(text: str) -> bool:
    return text.isascii() and text.isdigit() and (text == "0" or text[0] != "0") and len(text) < 10


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1 is 1.0, but not true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"
