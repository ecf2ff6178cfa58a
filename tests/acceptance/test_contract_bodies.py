"""Nonsense bodies: always 4xx problem details, never a 500, never a change."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.acceptance.answers import json_of, problem
from tests.acceptance.server import Server

pytestmark = pytest.mark.acceptance

TASK = {"name": "Base", "type": "http", "httpUrl": "https://example.com/"}
JSON = {"Content-Type": "application/json"}
DEEP = 100_000
BODIES: dict[str, tuple[bytes, int | tuple[int, ...]]] = {
    "empty": (b"", 400),
    "broken": (b"{broken", 400),
    "cut off": (b'{"name": "x', 400),
    "two values": (b"{} {}", 400),
    "trailing comma": (b'{"name": "x",}', 400),
    "single quotes": (b"{'name': 'x'}", 400),
    "comment": (b"{/* */}", 400),
    "NaN": (b'{"maxRetries": NaN}', 400),
    "Infinity": (b'{"maxRetries": Infinity}', 400),
    "-Infinity": (b'{"maxRetries": -Infinity}', 400),
    "beyond a double": (b'{"maxRetries": 1e999}', (400, 422)),
    "a huge integer": (b'{"maxRetries": %s}' % (b"9" * 5000), (400, 422)),
    "invalid UTF-8": (b'{"name": "\xff\xfe"}', 400),
    "UTF-16": ('{"name": "x"}'.encode("utf-16"), 400),
    "overlong UTF-8": (b'{"name": "\xc0\x80"}', 400),
    "a raw NUL": (b'{"name": "a\0b"}', 400),
    "an escaped NUL": (b'{"name": "a\\u0000b"}', (400, 422)),
    "a NUL in a name": (b'{"a\\u0000b": 1}', (400, 422)),
    "a lone surrogate": (b'{"name": "\\ud800"}', (400, 422)),
    "a lone surrogate in a payload": (b'{"functionPayload": {"a": "\\udfff"}}', (400, 422)),
    "an array": (b"[]", (400, 422)),
    "an array of objects": (b"[{}]", (400, 422)),
    "a text": (b'"text"', (400, 422)),
    "a number": (b"5", (400, 422)),
    "null": (b"null", (400, 422)),
    "true": (b"true", (400, 422)),
    "deep arrays": (b"[" * DEEP + b"]" * DEEP, (400, 422)),
    "deep objects": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, (400, 422)),
    "a deep payload": (b'{"functionPayload": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}", (400, 422)),
    "a repeated name": (b'{"name": "", "name": ""}', (400, 422)),
    "an unknown field": (b'{"surprise": 1}', 422),
    "__proto__": (b'{"__proto__": {"a": 1}}', 422),
    "over 1 MiB": (json.dumps({"name": "x" * (1 << 20)}).encode(), 413),
}
DOORS = [
    ("POST", "/tasks"),
    ("PUT", "/tasks/{task}"),
    ("PATCH", "/tasks/{task}"),
    ("POST", "/tasks/{task}/toggle"),
    ("POST", "/tasks/{task}/trigger"),
    ("POST", "/functions/acme.greet/invoke"),
    ("POST", "/schedules/preview"),
    ("POST", "/session"),
]


@pytest.fixture(scope="module")
def task_id(live: Server) -> Iterator[str]:
    """A task that must not change."""
    task = live.create_task(**TASK)
    yield task["id"]
    assert json_of(live.client.get(f"/tasks/{task['id']}"))["task"] == task
    assert live.executions() == []
    assert json_of(live.client.get("/tasks"))["list"][0]["id"] == task["id"]


@pytest.mark.parametrize(("method", "path"), DOORS, ids=str)
@pytest.mark.parametrize("kind", BODIES)
def test_a_nonsense_body_is_refused_at_every_door(
    live: Server, api: httpx.Client, task_id: str, method: str, path: str, kind: str
) -> None:
    content, statuses = BODIES[kind]
    if path.endswith(("/trigger", "/invoke")) and kind in ("empty", "null"):
        return  # nothing at all is a request without a payload there
    answer = api.request(method, path.format(task=task_id), content=content, headers=JSON)
    assert answer.status_code in ((statuses,) if isinstance(statuses, int) else statuses), answer.text[:500]
    problem(answer, answer.status_code)
    assert len(answer.text) < 10_000
    assert " ERROR " not in live.output()


@pytest.mark.parametrize(("method", "path"), DOORS, ids=str)
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "nonsense"]
)
def test_another_content_type_is_415(
    api: httpx.Client, task_id: str, method: str, path: str, content_type: str
) -> None:
    body = b'{"enabled": true, "name": "changed", "token": "x", "cronExpression": "* * * * *"}'
    path = path.format(task=task_id)
    problem(api.request(method, path, content=body, headers={"Content-Type": content_type}), 415)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json;"])
def test_json_s_content_type_may_be_written_otherwise(api: httpx.Client, content_type: str) -> None:
    body = b'{"cronExpression": "0 5 * * *"}'
    json_of(api.post("/schedules/preview", content=body, headers={"Content-Type": content_type}))


def test_a_body_just_inside_one_mebibyte_is_read(api: httpx.Client) -> None:
    frame = len(json.dumps({"cronExpression": ""}))
    body = json.dumps({"cronExpression": "x" * ((1 << 20) - frame)}).encode()
    assert len(body) == 1 << 20
    problem(api.post("/schedules/preview", content=body, headers=JSON), 422, field="cronExpression")
    problem(api.post("/schedules/preview", content=body + b" ", headers=JSON), 413)


def test_a_large_body_without_a_length_is_413(api: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 65536

    problem(api.post("/schedules/preview", content=chunks(), headers=JSON), 413)


def test_texts_of_every_script_come_back_unchanged(api: httpx.Client) -> None:
    text = "Ünï 🎉 \u202e‮ \ufeff \x01 \x7f \u2028 ' \" \\ 名前 %s {0} <script>"
    made = json_of(api.post("/tasks", json=TASK | {"description": text, "httpBody": text}), 201)
    stored = json_of(api.get(f"/tasks/{made['id']}"))["task"]
    assert (stored["description"], stored["httpBody"]) == (text, text)
    assert api.delete(f"/tasks/{made['id']}").status_code == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/executions/{x}/cancel"),
        ("POST", "/executions/{x}/retry"),
        ("DELETE", "/tasks/{x}"),
        ("GET", "/executions/{x}/log"),
        ("GET", "/executions/{x}/log/stream"),
        ("GET", "/functions/{x}"),
        ("POST", "/functions/{x}/invoke"),
    ],
)
def test_an_unknown_name_is_404_whatever_the_body(api: httpx.Client, method: str, path: str) -> None:
    for content in (None, b"{broken", b"\xff", b"[]"):
        problem(api.request(method, path.format(x="nobody"), content=content, headers=JSON), 404)


def test_unknown_paths_and_methods_are_problems_too(api: httpx.Client, live: Server) -> None:
    for path in ("/nope", "/tasks/", "/tasks/a/b/c", "/executions/a/b", "/functions//invoke"):
        for method in ("GET", "POST", "PUT", "DELETE"):
            problem(api.request(method, path), 404)
    for method, path in [("DELETE", "/tasks"), ("PUT", "/executions"), ("PATCH", "/stats"), ("GET", "/tasks/x/toggle")]:
        answer = api.request(method, path)
        problem(answer, 405)
        assert answer.headers["allow"]
    problem(api.get(f"{live.url}/nope"), 404)
