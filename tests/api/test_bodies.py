"""Bodies that are no JSON, hostile JSON, or too much: a 4xx problem, never a 500, whatever the route."""

from __future__ import annotations

import pytest

from tests.api.conftest import Api, fields_at_fault

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROUTES = ["POST /tasks", "POST /schedules/preview", "POST /functions/sample.echo/invoke", "POST /session"]

NONSENSE: list[tuple[str, bytes, int]] = [
    ("nothing", b"", 400),
    ("broken", b"{", 400),
    ("cut off", b'{"name": "x', 400),
    ("words", b"hello", 400),
    ("not a number", b'{"name": NaN}', 400),
    ("infinite", b'{"name": Infinity}', 400),
    ("infinite by exponent", b'{"name": 1e999}', 400),
    ("deep array", b"[" * 100_000, 400),
    ("deep object", b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400),
    ("NUL escaped", b'{"name": "a\\u0000b"}', 400),
    ("NUL in a name", b'{"a\\u0000": 1}', 400),
    ("NUL raw", b'{"name": "a\x00b"}', 400),
    ("lone surrogate", b'{"name": "\\ud800"}', 400),
    ("no UTF-8", b'{"name": "\xff\xfe"}', 400),
    ("UTF-16", '{"name": "x"}'.encode("utf-16"), 400),
    ("huge integer", b'{"name": 1' + b"0" * 5000 + b"}", 400),
    ("integer over 64 bits", b'{"name": 123456789012345678901234567890}', 400),
    ("two documents", b"{} {}", 400),
    ("comment", b"{/* x */}", 400),
    ("array", b"[]", 422),
    ("text", b'"text"', 422),
    ("number", b"5", 422),
    ("null", b"null", 422),
    ("unknown field", b'{"colour": "red"}', 422),
    ("prototype", b'{"__proto__": {"a": 1}}', 422),
    ("too large", b'{"name": "' + b"x" * (1 << 20) + b'"}', 413),
]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(("content", "status"), [pytest.param(c, s, id=n) for n, c, s in NONSENSE])
async def test_nonsense_is_refused(api: Api, route: str, content: bytes, status: int) -> None:
    method, path = route.split()
    if path.endswith("/invoke") and not content:
        status = 202  # its body is optional
    response = await api(method, path, content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == status, response.text
    if status >= 400:
        fields_at_fault(response)
        assert response.json()["code"] == {400: "malformed", 413: "too_large", 422: "invalid"}[status]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded", "nonsense"])
async def test_another_media_type_is_415(api: Api, route: str, media_type: str | None) -> None:
    method, path = route.split()
    headers = {"Content-Type": media_type} if media_type else {}
    response = await api(method, path, content=b'{"name": "x"}', headers=headers)
    assert response.status_code == 415
    fields_at_fault(response)


async def test_a_json_media_type_may_have_parameters(api: Api) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    response = await api("POST", "/schedules/preview", content=b'{"cronExpression": "@daily"}', headers=headers)
    assert response.status_code == 200


async def test_an_escaped_backslash_before_u0000_is_plain_text(api: Api) -> None:
    content = b'{"name": "a\\\\u0000b", "type": "http", "httpUrl": "http://a.example", "enabled": false}'
    response = await api("POST", "/tasks", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 201
    assert response.json()["name"] == "a\\u0000b"


async def test_every_json_value_comes_back_as_it_was(api: Api) -> None:
    payload = {
        "nested": {"a": [1, 2.5, -3e-7, True, None, "x"], "": {}},
        "text": 'tab\t newline\n quote" \u2028 \U0001f600 \x7f',
        "large": 9223372036854775807,
        "small": -9223372036854775808,
    }
    task = await api.make_task(type="function", httpUrl=None, functionName="sample.echo", functionPayload=payload)
    assert task["functionPayload"] == payload
    assert (await api.get(f"/tasks/{task['id']}"))["task"]["functionPayload"] == payload
    assert (await api.invoke("sample.echo", payload))["result"] == payload
