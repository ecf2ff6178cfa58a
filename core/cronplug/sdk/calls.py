"""What one call of a function came to, judged alike in workers, inline and in tests.

The rules of results: returning is success; `{"success": bool, "message": ...}` says it explicitly; raising is failure,
steered by PermanentError and RetryLater; what is not JSON, or too much of it, is kept as its repr.
"""

from __future__ import annotations

import json
import re
import traceback
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic

from cronplug.sdk.functions import InvalidPayload
from cronplug.sdk.steering import PermanentError, RetryLater

MAX_RESULT_BYTES = 256 * 1024
MAX_RESULT_DEPTH = 100
MAX_SUMMARY_LENGTH = 500
MAX_MESSAGE_LENGTH = 2_000
_MAX_TRACEBACK_LENGTH = 16_000
_PACKAGE = str(Path(__file__).parents[1]) + "/"
_LONG_NUMBER = re.compile(r"\d{19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The verdict on a call that ended by itself; `reason` is a value of `model.Reason`.

    `warnings` and `trace` (a traceback) belong into the execution's log.
    """

    success: bool
    reason: str
    error_message: str | None = None
    result: Any = None
    result_summary: str | None = None
    permanent: bool = False
    retry_after_seconds: float | None = None
    warnings: tuple[str, ...] = ()
    trace: str | None = None


def judge_result(value: Any) -> Ended:
    """The verdict on a returned value."""
    kept, text, complaint = _as_json(value)
    if complaint is not None:
        return Ended(
            success=True,
            reason="completed",
            result_summary=_cut(safe_repr(value), MAX_SUMMARY_LENGTH),
            warnings=(f"{complaint}; only its summary is kept",),
        )
    if isinstance(kept, dict) and isinstance(kept.get("success"), bool):
        return _judge_statement(kept, text)
    summary = None if kept is None else kept if isinstance(kept, str) else text
    return Ended(
        success=True,
        reason="completed",
        result=kept,
        result_summary=None if summary is None else _cut(summary, MAX_SUMMARY_LENGTH),
    )


def _judge_statement(statement: dict[str, Any], text: str) -> Ended:
    message = statement.get("message")
    said = message if isinstance(message, str) and message else None
    if statement["success"]:
        return Ended(
            success=True,
            reason="completed",
            result=statement,
            result_summary=_cut(said or text, MAX_SUMMARY_LENGTH),
        )
    return Ended(
        success=False,
        reason="reported_failure",
        result=statement,
        result_summary=_cut(text, MAX_SUMMARY_LENGTH),
        error_message=_cut(said or "The function reported that it failed.", MAX_MESSAGE_LENGTH),
    )


def judge_error(error: BaseException) -> Ended:
    """The verdict on a raised exception."""
    if isinstance(error, InvalidPayload):
        message = _cut(f"The payload does not fit the function: {error}", MAX_MESSAGE_LENGTH)
        return Ended(success=False, reason="invalid_payload", error_message=message, permanent=True)
    if isinstance(error, RetryLater):
        return Ended(
            success=False,
            reason="error",
            error_message=_describe(error),
            retry_after_seconds=error.seconds,
        )
    permanent = isinstance(error, PermanentError)
    return Ended(
        success=False,
        reason="permanent_error" if permanent else "error",
        error_message=_describe(error),
        permanent=permanent,
        trace=_trace(error),
    )


def _describe(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the exception is the plugin's class, its text may fail in any way
        text = "<its text cannot be made>"
    kind = type(error).__name__
    if isinstance(error, PermanentError | RetryLater) and text:
        return _cut(text, MAX_MESSAGE_LENGTH)
    return _cut(f"{kind}: {text}" if text else kind, MAX_MESSAGE_LENGTH)


def _trace(error: BaseException) -> str:
    """The traceback as lines, beginning where the plugin's code does."""
    try:
        text = "".join(traceback.format_exception(type(error), error, _own_part(error), limit=-30))
    except Exception:  # noqa: BLE001 - formatting calls the plugin's own __str__ and __repr__
        text = _describe(error)
    return text.rstrip() if len(text) <= _MAX_TRACEBACK_LENGTH else "..." + text[-_MAX_TRACEBACK_LENGTH:].rstrip()


def _own_part(error: BaseException) -> types.TracebackType | None:
    """The traceback without cronplug's own frames before the plugin's; all of it when there are no others."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        trace = trace.tb_next
    return trace or error.__traceback__


def _as_json(value: Any) -> tuple[Any, str, str | None]:
    """(the plain JSON value, its compact text, None), or (None, "", why it is not kept)."""
    try:
        if isinstance(value, pydantic.BaseModel):
            value = value.model_dump(mode="json")
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        return None, "", f"the result is not JSON ({_cut(str(error), 200)})"
    size = len(text.encode(errors="replace"))
    if size > MAX_RESULT_BYTES:
        return None, "", f"the result is {size} bytes of JSON, more than {MAX_RESULT_BYTES}"
    text = make_storable(text)
    try:
        kept = json.loads(text)
    except RecursionError:
        return None, "", f"the result is nested deeper than {MAX_RESULT_DEPTH} levels"
    if _LONG_NUMBER.search(text) and _has_huge_integer(kept):
        return None, "", "the result has an integer of more than 64 bits"
    if text.count("[") + text.count("{") > MAX_RESULT_DEPTH and _is_deeper(kept, MAX_RESULT_DEPTH):
        return None, "", f"the result is nested deeper than {MAX_RESULT_DEPTH} levels"
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


def _cut(text: str, length: int) -> str:
    return make_storable(text if len(text) <= length else text[: length - 1] + "…")
