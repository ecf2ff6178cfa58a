"""What answers of the REST API must look like, in the words of the contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx

INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")


def json_of(answer: httpx.Response, status: int = 200) -> Any:
    """The JSON of an answer that has the status."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {_told(answer)}"
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def problem(answer: httpx.Response, status: int, *, field: str | None = None, code: str | None = None) -> Any:
    """The problem details of a refusal; `field` must be one of those it names."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {_told(answer)}"
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "detail", "code", "errors"} <= set(body), body
    assert body["status"] == status
    assert body["title"]
    assert body["code"]
    assert "Traceback" not in answer.text
    assert all(set(error) >= {"field", "message"} and error["message"] for error in body["errors"]), body
    if field is not None:
        assert field in [error["field"] for error in body["errors"]], body
    if code is not None:
        assert body["code"] == code, body
    return body


def is_instant(value: object) -> bool:
    """Whether it is RFC 3339 in UTC with `Z` and milliseconds."""
    return isinstance(value, str) and INSTANT.fullmatch(value) is not None


def events(answer: httpx.Response) -> Iterator[dict[str, str]]:
    """The events of a stream, each as its fields; as in a browser, what has no data is no event.

    Comment lines come as `{"comment": text}`.
    """
    event: dict[str, str] = {}
    for line in answer.iter_lines():
        if not line:
            if "data" in event:
                yield event
            event = {}
        elif line.startswith(":"):
            yield {"comment": line[1:].strip()}
        else:
            name, _, value = line.partition(":")
            event[name] = value.removeprefix(" ")


def _told(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.text[:1000]}"
