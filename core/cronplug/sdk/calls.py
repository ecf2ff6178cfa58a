"""What one call of a function came to, judged alike in workers, inline and in tests.

The rules of results: returning is success; `{"success": bool, "message": ...}` says it explicitly; raising is failure,
steered by PermanentError and RetryLater; what is not JSON, or too much of it, is kept as its repr.
"""

from __future__ import annotations

import traceback
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cronplug.sdk.functions import InvalidPayload
from cronplug.sdk.steering import AddressRefused, PermanentError, RetryLater
from cronplug.sdk.values import MAX_RESULT_BYTES, MAX_RESULT_DEPTH, as_json, cut, make_storable, safe_repr

__all__ = [
    "MAX_RESULT_BYTES",
    "MAX_RESULT_DEPTH",
    "NOTHING_RETURNED",
    "Ended",
    "judge_error",
    "judge_result",
    "make_storable",
    "safe_repr",
]

MAX_SUMMARY_LENGTH = 500
MAX_MESSAGE_LENGTH = 2_000
_MAX_KINDS = 20
_MAX_TRACEBACK_LENGTH = 16_000
_PACKAGE = str(Path(__file__).parents[1]) + "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The verdict on a call that ended by itself; `reason` is a value of `model.Reason`.

    `error_kinds` are the names of the raised exception's class and its bases, but for those that every one has.
    `warnings` and `trace` (a traceback) belong into the execution's log.
    """

    success: bool
    reason: str
    error_message: str | None = None
    result: Any = None
    result_summary: str | None = None
    permanent: bool = False
    retry_after_seconds: float | None = None
    error_kinds: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    trace: str | None = None


NOTHING_RETURNED = Ended(success=True, reason="completed")
"""The verdict on None, the most frequent."""


def judge_result(value: Any) -> Ended:
    """The verdict on a returned value."""
    if value is None:
        return NOTHING_RETURNED
    kept, text, complaint = as_json(value)
    if complaint is not None:
        return Ended(
            success=True,
            reason="completed",
            result_summary=cut(safe_repr(value), MAX_SUMMARY_LENGTH),
            warnings=(f"the result {complaint}; only its summary is kept",),
        )
    if isinstance(kept, dict) and isinstance(kept.get("success"), bool):
        return _judge_statement(kept, text)
    summary = None if kept is None else kept if isinstance(kept, str) else text
    return Ended(
        success=True,
        reason="completed",
        result=kept,
        result_summary=None if summary is None else cut(summary, MAX_SUMMARY_LENGTH),
    )


def _judge_statement(statement: dict[str, Any], text: str) -> Ended:
    message = statement.get("message")
    said = message if isinstance(message, str) and message else None
    if statement["success"]:
        return Ended(
            success=True,
            reason="completed",
            result=statement,
            result_summary=cut(said or text, MAX_SUMMARY_LENGTH),
        )
    return Ended(
        success=False,
        reason="reported_failure",
        result=statement,
        result_summary=cut(text, MAX_SUMMARY_LENGTH),
        error_message=cut(said or "The function reported that it failed.", MAX_MESSAGE_LENGTH),
    )


def judge_error(error: BaseException) -> Ended:
    """The verdict on a raised exception."""
    if isinstance(error, InvalidPayload):
        message = cut(f"The payload does not fit the function: {error}", MAX_MESSAGE_LENGTH)
        return Ended(success=False, reason="invalid_payload", error_message=message, permanent=True)
    if isinstance(error, RetryLater):
        return Ended(
            success=False,
            reason="error",
            error_message=_describe(error),
            retry_after_seconds=error.seconds,
            error_kinds=_kinds(error),
        )
    refused = _comes_of_refusal(error)
    permanent = isinstance(error, PermanentError) or refused
    return Ended(
        success=False,
        reason="http_refused" if refused else "permanent_error" if permanent else "error",
        error_message=_describe(error),
        permanent=permanent,
        error_kinds=_kinds(error),
        trace=_trace(error),
    )


def _comes_of_refusal(error: BaseException) -> bool:
    """Whether a request to a refused address is the cause, by however many `raise ... from`."""
    cause: BaseException | None = error
    for _ in range(_MAX_KINDS):
        if cause is None or isinstance(cause, AddressRefused):
            break
        cause = cause.__cause__
    return isinstance(cause, AddressRefused)


def _kinds(error: BaseException) -> tuple[str, ...]:
    names = (cut(kind.__name__, 100) for kind in type(error).__mro__ if kind not in (BaseException, object))
    return tuple(names)[:_MAX_KINDS]


def _describe(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the exception is the plugin's class, its text may fail in any way
        text = "<its text cannot be made>"
    kind = type(error).__name__
    if isinstance(error, PermanentError | RetryLater) and text:
        return cut(text, MAX_MESSAGE_LENGTH)
    return cut(f"{kind}: {text}" if text else kind, MAX_MESSAGE_LENGTH)


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
