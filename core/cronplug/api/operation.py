"""One decorator that says what a route is called, takes and answers; OpenAPI is made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

import orjson
from pydantic import BaseModel
from quart import Response, request

from cronplug.api.fields import Query
from cronplug.api.parts import parts
from cronplug.api.requests import read_query
from cronplug.model import Json

ATTRIBUTE = "_cronplug_operation"
View = Callable[..., Awaitable[Response]]


class NoQuery(Query):
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The contract of one route.

    `answers` maps a status to the model of its JSON, to a media type for anything else, or to None for no content.
    `upload` is the media type of a file that the body is, instead of JSON; a form with a part `file` is taken as well.
    `problems` are the error statuses beyond those that follow from the rest (401, 422, and 400, 413, 415 with a body).
    `public` routes need no sign-in; `maybe_public` ones may, by the settings. `headers` are request headers, `answer_headers` those of successful answers.
    `shared`: the answer follows from path and query alone, so those who ask at the same time may share it.
    """

    id: str
    tag: str
    answers: Mapping[int, type[BaseModel] | str | None]
    body: type[BaseModel] | None = None
    body_optional: bool = False
    upload: str | None = None
    query: type[Query] = NoQuery
    problems: tuple[int, ...] = ()
    headers: tuple[str, ...] = ()
    answer_headers: tuple[str, ...] = ()
    public: bool = False
    maybe_public: bool = False
    shared: bool = False


def operation(
    id: str, *, tag: str, answers: Mapping[int, type[BaseModel] | str | None], **more: Any
) -> Callable[[View], View]:
    """Declare a route (fields as in Operation). Its query string is checked; the view gets it as `query` when it has one.

    Bodies are read by the views, after they have looked whether the thing named in the path exists.
    """
    declared = Operation(id=id, tag=tag, answers=answers, **more)

    def decorate(view: View) -> View:
        @wraps(view)
        async def checked(**arguments: Any) -> Response:
            query = read_query(declared.query)
            if declared.query is not NoQuery:
                arguments["query"] = query
            if declared.shared:
                key = (declared.id, request.path, request.query_string)
                return await parts().shared_reads.answer(key, lambda: view(**arguments))
            return await view(**arguments)

        setattr(checked, ATTRIBUTE, declared)
        return checked

    return decorate


def answer(model: BaseModel, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(
        model.model_dump_json(by_alias=True), status, headers=dict(headers or {}), content_type="application/json"
    )


def json_answer(value: Json, status: int = 200, *, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer from plain values."""
    return Response(orjson.dumps(value), status, headers=dict(headers or {}), content_type="application/json")


def no_content() -> Response:
    """204."""
    response = Response(b"", 204)
    response.headers.pop("Content-Type", None)
    return response
