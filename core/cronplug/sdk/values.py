"""Values that cross the border from functions to the platform: JSON, and text that every database can keep."""

from __future__ import annotations

import json
import re
from typing import Any

import pydantic

MAX_RESULT_BYTES = 256 * 1024
MAX_RESULT_DEPTH = 100
_LONG_NUMBER = re.compile(r"\d{19}")


def as_json(value: Any) -> tuple[Any, str, str | None]:
    """(the plain JSON value, its compact text, None), or (None, "", why it is not kept, as a verb)."""
    try:
        if isinstance(value, pydantic.BaseModel):
            value = value.model_dump(mode="json")
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        return None, "", f"is not JSON ({cut(str(error), 200)})"
    size = len(text.encode(errors="replace"))
    if size > MAX_RESULT_BYTES:
        return None, "", f"is {size} bytes of JSON, more than {MAX_RESULT_BYTES}"
    text = make_storable(text)
    try:
        kept = json.loads(text)
    except RecursionError:
        return None, "", f"is nested deeper than {MAX_RESULT_DEPTH} levels"
    if _LONG_NUMBER.search(text) and _has_huge_integer(kept):
        return None, "", "has an integer of more than 64 bits"
    if text.count("[") + text.count("{") > MAX_RESULT_DEPTH and _is_deeper(kept, MAX_RESULT_DEPTH):
        return None, "", f"is nested deeper than {MAX_RESULT_DEPTH} levels"
    return kept, text, None


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    return any(_is_deeper(item, levels - 1) for item in (value.values() if isinstance(value, dict) else value))


def _has_huge_integer(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_huge_integer(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_huge_integer(item) for item in value)
    return isinstance(value, int) and not -(1 << 63) <= value < 1 << 63


def safe_repr(value: object) -> str:
    """`repr(value)`, or the name of its class where that fails."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - the value is the plugin's class, its repr may fail in any way
        return f"<{type(value).__name__} whose repr fails>"


def make_storable(text: str) -> str:
    """`text` without what databases refuse: lone surrogates and NUL become the replacement character.

    >>> make_storable("a" + chr(0) + chr(0xD800)) == "a\ufffd\ufffd"
    True
    """
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def cut(text: str, length: int) -> str:
    """`text` made storable, at most `length` characters of it."""
    return make_storable(text if len(text) <= length else text[: length - 1] + "…")
