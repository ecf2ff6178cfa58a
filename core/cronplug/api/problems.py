"""Every error as RFC 9457 problem details: `application/problem+json` with a stable `code` and the fields at fault."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Self

from pydantic import Field, ValidationError
from quart import Quart, Response, g, has_request_context, request
from werkzeug.exceptions import HTTPException

from cronplug.api.fields import Answer
from cronplug.errors import CronplugError, FieldError, InvalidInput, json_pointer

logger = logging.getLogger(__name__)

KIND_TAGS = frozenset({"<cron>", "<interval>", "<once>"})
"""What pydantic puts into the place of a fault to tell which kind of schedule it took; no part of the JSON."""

PROBLEM_TYPE = "application/problem+json"
CODES = {
    400: "malformed",
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "too_large",
    415: "unsupported_media_type",
    503: "unavailable",
}


class ProblemField(Answer):
    """A fault in one field."""

    field: str = Field(description="Dotted JSON name, like functionPayload.days; empty for the whole input.")
    message: str
    code: str | None = None
    position: int | None = Field(None, description="Characters from the start of the field's text, from 0.")
    pointer: str | None = Field(
        None, description="JSON Pointer (RFC 6901) of the field in the body, like /functionPayload/days."
    )

    @classmethod
    def of(cls, error: FieldError) -> Self:
        """The fault as it is answered."""
        return cls(
            field=error.field,
            message=error.message,
            code=error.code,
            position=error.position,
            pointer=_pointer(error) if error.pointer is None else error.pointer,
        )


_PLAIN_NAME = re.compile(r"(?!httpHeaders\.)[a-z][A-Za-z0-9]*(\.[A-Za-z0-9]+)*")
"""A dotted name that can be nothing but a place in a body; header names may have dots of their own."""


def _pointer(error: FieldError) -> str | None:
    if not _PLAIN_NAME.fullmatch(error.field):
        return None
    if has_request_context() and (request.method in ("GET", "HEAD") or error.field in request.args):
        return None
    return json_pointer(error.field.split("."))


class Problem(Answer):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable; made for programs.")
    errors: list[ProblemField]


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[FieldError] = (),
    headers: Iterable[tuple[str, str]] = (),
) -> Response:
    """The answer for an error."""
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        errors=[ProblemField.of(error) for error in errors],
    )
    response = Response(body.model_dump_json(by_alias=True), status, content_type=PROBLEM_TYPE)
    response.headers.extend(list(headers))
    return response


def invalid(error: ValidationError, *, within: str = "", in_body: bool = True) -> InvalidInput:
    """Pydantic's findings as ours: dotted JSON names, one sentence each; with JSON Pointers for a body.

    Of a parameter that is given several times only the name is told.
    """
    found = error.errors(include_url=False, include_input=False)
    return InvalidInput([_field_error(fault, within, in_body) for fault in found])


def _field_error(found: Any, within: str, in_body: bool) -> FieldError:
    names = [str(part) for part in found["loc"] if part not in KIND_TAGS and (in_body or isinstance(part, str))]
    context = found.get("ctx") or {}
    code = context.get("code") if found["type"] == "cronplug" else found["type"]
    message = {"extra_forbidden": "is not a known field", "missing": "is required"}.get(found["type"], found["msg"])
    path = [*([within] if within else []), *names]
    return FieldError(".".join(path), message, code, pointer=json_pointer(path) if in_body else None)


def install_error_answers(app: Quart) -> None:
    """Make every error of `app` a problem; what nobody foresaw is logged and told only by its request id."""

    @app.errorhandler(CronplugError)
    async def known(error: CronplugError) -> Response:
        if error.status >= 500:
            logger.error("request %s failed: %s", g.get("request_id", "-"), error)
        errors = error.errors if isinstance(error, InvalidInput) else ()
        headers = [("WWW-Authenticate", "Bearer")] if error.status == 401 else []
        if error.status == 503:
            headers.append(("Retry-After", "1"))
        return problem(error.status, error.code, str(error), errors=errors, headers=headers)

    @app.errorhandler(HTTPException)
    async def from_http(error: HTTPException) -> Response:
        status = error.code or 500
        headers = [(n, v) for n, v in error.get_headers() if n.lower() not in ("content-type", "content-length")]
        detail = error.description or HTTPStatus(status).description
        return problem(status, CODES.get(status, "internal" if status >= 500 else "malformed"), detail, headers=headers)

    @app.errorhandler(Exception)
    async def unforeseen(error: Exception) -> Response:
        request_id = g.get("request_id", "-")
        logger.error("request %s failed", request_id, exc_info=error)
        return problem(500, "internal", f"The server could not answer; its log has the cause under {request_id}.")
