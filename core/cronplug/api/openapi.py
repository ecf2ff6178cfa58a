"""The OpenAPI 3.1 description, made from the declared operations and their models."""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode
from quart_schema.openapi import OpenAPIProvider
from werkzeug.routing.rules import Rule

from cronplug.api.operation import ATTRIBUTE, Operation
from cronplug.api.problems import PROBLEM_TYPE, Problem

Schema = dict[str, Any]

TAGS = {
    "tasks": "Stored work: what is run, when, and by which policies.",
    "executions": "Runs: their state, attempts, results and logs.",
    "functions": "What plugins registered, and calling it without a task.",
    "plugins": "The installed plugins and what became of them.",
    "schedules": "What a schedule means, before it is saved.",
    "calendars": "Named sets of days and hours that schedules fire only in, or never in.",
    "server": "Figures, changes, health.",
    "session": "Signing in with a browser.",
}
_PATH_PARAMETERS = {
    "task_id": "A task's id.",
    "execution_id": "An execution's id.",
    "revision": "A revision's number.",
    "name": "A function's name.",
    "calendar_id": "A calendar's id.",
}
_REQUEST_HEADERS: dict[str, Schema] = {
    "If-Match": {
        "description": "The ETag that the change was made from; 412 when the thing has changed since.",
        "schema": {"type": "string"},
    },
    "Idempotency-Key": {
        "description": "Sent again with the same request within 24 hours, the answer is the first one.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    },
    "Last-Event-ID": {"description": "The last event seen; the stream goes on after it.", "schema": {"type": "string"}},
}
_ANSWER_HEADERS = {
    "ETag": "The revision of the task or calendar, quoted.",
    "Location": "Where the new thing is.",
    "Set-Cookie": "The session.",
}
_PROBLEMS = {
    400: "The request cannot be read (broken JSON, a NUL character).",
    401: "No valid token or session.",
    403: "A cookie-authenticated write from another origin.",
    404: "What the path names does not exist.",
    409: "The state of the thing does not allow this.",
    412: "The task, or calendar, was changed meanwhile.",
    413: "The body is larger than 1 MiB.",
    415: "The body is of another type than the operation takes.",
    422: "Fields or parameters are not acceptable; `errors` names them.",
    502: "The server's Python environment cannot tell which plugins are installed; nothing has changed.",
    503: "The server is stopping, or its database does not answer.",
}


class Document(OpenAPIProvider):
    """Describes the routes that carry an `Operation`."""

    _made: Schema | None = None
    _making = threading.Lock()

    def generate_rules(self) -> list[Rule]:
        """The declared routes, in a stable order."""
        rules = [r for r in self._app.url_map.iter_rules() if self._operation(r) is not None]
        return sorted(rules, key=lambda r: (r.rule, sorted(r.methods or ())))

    def _operation(self, rule: Rule) -> Operation | None:
        return getattr(self._app.view_functions[rule.endpoint], ATTRIBUTE, None)

    def schema(self) -> Schema:
        """The whole document, in a stable order; made once, since the routes do not change, which takes a second."""
        with self._making:
            if self._made is None:
                self._made = self._make()
        return self._made

    def _make(self) -> Schema:
        document = super().schema()
        document["paths"] = {path: dict(methods) for path, methods in document["paths"].items()}
        document["components"]["schemas"] = dict(sorted(document["components"]["schemas"].items()))
        return document

    def build_paths(self, rule: Rule) -> tuple[Schema, Schema]:
        """The path of one route and the component schemas it needs."""
        declared = self._operation(rule)
        assert declared is not None
        view = self._app.view_functions[rule.endpoint]
        components: Schema = {}
        methods = sorted(self.generate_methods(rule))
        described: Schema = {"tags": [declared.tag], **_words(view)}
        if declared.public:
            described["security"] = []
        elif declared.maybe_public:
            described["security"] = [{}, *(self._extension.security or [])]
        described["parameters"] = [
            *(_path_parameter(name) for name in sorted(rule.arguments)),
            *_query_parameters(declared, components),
            *({"name": name, "in": "header", "required": False} | _REQUEST_HEADERS[name] for name in declared.headers),
        ]
        if declared.body is not None:
            content = {"application/json": {"schema": _component(declared.body, "validation", components)}}
            described["requestBody"] = {"required": not declared.body_optional, "content": content}
        if declared.upload is not None:
            described["requestBody"] = {"required": True, "content": _upload(declared.upload)}
        described["responses"] = {
            str(status): _answer(status, model, declared, components) for status, model in declared.answers.items()
        }
        for status in sorted(_problem_statuses(declared, methods, rule.rule)):
            described["responses"].setdefault(str(status), _problem(status, components))
        path = re.sub(r"<(?:[^:]*:)?([^>]+)>", lambda m: "{" + _camel(m[1]) + "}", rule.rule)
        return {
            path: {m.lower(): {"operationId": _operation_id(declared, m, methods)} | described for m in methods}
        }, components


def _operation_id(declared: Operation, method: str, methods: list[str]) -> str:
    return (
        declared.id
        if len(methods) == 1 or method == methods[-1]
        else f"{method.lower()}{declared.id[0].upper()}{declared.id[1:]}"
    )


def _words(view: Callable[..., Any]) -> Schema:
    summary, _, rest = (inspect.getdoc(view) or "").partition("\n")
    return {"summary": summary.strip().rstrip(".")} | ({"description": rest.strip()} if rest.strip() else {})


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)


def _path_parameter(name: str) -> Schema:
    description = _PATH_PARAMETERS[name]
    return {
        "name": _camel(name),
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
    }


def _query_parameters(declared: Operation, components: Schema) -> list[Schema]:
    schema = _schema(declared.query, "validation", components)
    required = schema.get("required", [])
    parameters = []
    for name, field in schema.get("properties", {}).items():
        field.pop("title", None)
        parameter = {"name": name, "in": "query", "required": name in required}
        if "description" in field:
            parameter["description"] = field.pop("description")
        parameters.append(parameter | {"schema": _without_null(field)})
    return parameters


def _without_null(field: Schema) -> Schema:
    """A parameter that is not given has no value; null cannot be sent."""
    if field.get("default", ...) is None:
        field.pop("default")
    options = [option for option in field.get("anyOf", []) if option != {"type": "null"}]
    if not options:
        return field
    rest = {key: value for key, value in field.items() if key != "anyOf"}
    return rest | (options[0] if len(options) == 1 else {"anyOf": options})


def _schema(model: type[BaseModel], mode: JsonSchemaMode, components: Schema) -> Schema:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}", mode=mode)
    for name, definition in schema.pop("$defs", {}).items():
        components[name] = _tidy(definition)
    return _tidy(schema)


def _tidy(schema: Schema) -> Schema:
    for field in schema.get("properties", {}).values():
        field.pop("title", None)
    schema.pop("title", None)
    return schema


def _component(model: type[BaseModel], mode: JsonSchemaMode, components: Schema) -> Schema:
    components[model.__name__] = _schema(model, mode, components)
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _answer(status: int, model: type[BaseModel] | str | None, declared: Operation, components: Schema) -> Schema:
    described: Schema = {"description": "Done."}
    if isinstance(model, str):
        described = {
            "description": "A stream of events." if "event" in model else "Text.",
            "content": {model: {"schema": {"type": "string"}}},
        }
    elif model is not None:
        described = {
            "description": (inspect.getdoc(model) or "").splitlines()[0],
            "content": {"application/json": {"schema": _component(model, "serialization", components)}},
        }
    headers = [name for name in declared.answer_headers if status < 400 and (name != "Location" or status != 200)]
    if headers:
        described["headers"] = {
            name: {"description": _ANSWER_HEADERS[name], "required": True, "schema": {"type": "string"}}
            for name in headers
        }
    return described


def _upload(media_type: str) -> Schema:
    """A file as the body, or as a part of a form."""
    part: Schema = {"type": "string", "contentMediaType": media_type}
    form = {"type": "object", "properties": {"file": part}, "required": ["file"], "additionalProperties": False}
    return {media_type: {"schema": {"type": "string"}}, "multipart/form-data": {"schema": form}}


def _problem_statuses(declared: Operation, methods: list[str], path: str) -> set[int]:
    statuses = {422, *declared.problems}
    if path.startswith("/api/"):
        statuses.add(503)
        if not declared.public:
            statuses.add(401)
        if methods != ["GET"]:
            statuses.add(403)
        if declared.body is not None or declared.upload is not None:
            statuses |= {400, 413, 415}
    return statuses


def _problem(status: int, components: Schema) -> Schema:
    content = {PROBLEM_TYPE: {"schema": _component(Problem, "serialization", components)}}
    described: Schema = {"description": _PROBLEMS[status], "content": content}
    if status == 401:
        described["headers"] = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}
    return described
