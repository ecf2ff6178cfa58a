"""`Idempotency-Key` on the three doors that make something."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.acceptance.answers import json_of, problem
from tests.acceptance.server import Server

pytestmark = pytest.mark.acceptance

TASK = {"name": "Once", "type": "function", "functionName": "acme.whatever"}
DOORS = ["tasks", "trigger", "invoke"]


@pytest.fixture
def door(live: Server, request: pytest.FixtureRequest) -> tuple[str, dict[str, Any], dict[str, Any], int]:
    """Path, a body, another body, and the status of success."""
    if request.param == "tasks":
        return "/tasks", TASK, TASK | {"name": "Other"}, 201
    body: dict[str, Any] = {"payload": {"a": 1}}
    other: dict[str, Any] = {"payload": {"a": 2}}
    if request.param == "trigger":
        task_id = live.create_task(**TASK, overlap="allow")["id"]
        return f"/tasks/{task_id}/trigger", body, other, 202
    return "/functions/acme.whatever/invoke", body, other, 202


Door = tuple[str, dict[str, Any], dict[str, Any], int]
every_door = pytest.mark.parametrize("door", DOORS, indirect=True)


def made(live: Server, path: str) -> int:
    """How many of what the door makes there are."""
    kind = "/tasks" if path == "/tasks" else "/executions"
    total: int = json_of(live.client.get(kind))["total"]
    return total


@every_door
def test_the_same_key_and_body_give_the_same_answer_once(live: Server, api: httpx.Client, door: Door) -> None:
    path, body, _, status = door
    headers = {"Idempotency-Key": f"same {path}"}
    before = made(live, path)
    first = api.post(path, json=body, headers=headers)
    second = api.post(path, json=body, headers=headers)
    assert json_of(second, status) == json_of(first, status)
    assert second.headers["location"] == first.headers["location"]
    assert second.headers.get("etag") == first.headers.get("etag")
    assert made(live, path) == before + 1


@every_door
def test_the_same_key_with_another_body_is_409(live: Server, api: httpx.Client, door: Door) -> None:
    path, body, other, status = door
    headers = {"Idempotency-Key": f"other {path}"}
    json_of(api.post(path, json=body, headers=headers), status)
    before = made(live, path)
    problem(api.post(path, json=other, headers=headers), 409)
    assert made(live, path) == before


@every_door
def test_no_key_or_another_key_makes_another(live: Server, api: httpx.Client, door: Door) -> None:
    path, body, _, status = door
    before = made(live, path)
    for headers in ({}, {}, {"Idempotency-Key": f"a {path}"}, {"Idempotency-Key": f"b {path}"}):
        json_of(api.post(path, json=body, headers=headers), status)
    assert made(live, path) == before + 4


@every_door
def test_a_key_has_1_to_200_characters(api: httpx.Client, door: Door) -> None:
    path, body, _, status = door
    json_of(api.post(path, json=body, headers={"Idempotency-Key": path[-9:].rjust(200, "x")}), status)
    for bad in ("", "x" * 201):
        problem(api.post(path, json=body, headers={"Idempotency-Key": bad}), 422)


@every_door
def test_a_refused_request_does_not_use_up_its_key(api: httpx.Client, door: Door) -> None:
    path, body, _, status = door
    headers = {"Idempotency-Key": f"refused {path}"}
    problem(api.post(path, json={"surprise": 1}, headers=headers), 422)
    json_of(api.post(path, json=body, headers=headers), status)


@every_door
def test_the_same_key_at_the_same_moment_makes_one(live: Server, api: httpx.Client, door: Door) -> None:
    path, body, _, status = door
    headers = {"Idempotency-Key": f"at once {path}"}
    before = made(live, path)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: api.post(path, json=body, headers=headers), range(8)))
    assert {answer.status_code for answer in answers} == {status}, [answer.text for answer in answers]
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert made(live, path) == before + 1


def test_keys_outlive_a_restart(live: Server, api: httpx.Client) -> None:
    headers = {"Idempotency-Key": "before and after"}
    first = json_of(api.post("/tasks", json=TASK, headers=headers), 201)
    live.kill()
    live.start()
    assert json_of(api.post("/tasks", json=TASK, headers=headers), 201)["id"] == first["id"]
    problem(api.post("/tasks", json=TASK | {"name": "x"}, headers=headers), 409)


def test_a_waited_invocation_is_answered_again(api: httpx.Client) -> None:
    headers = {"Idempotency-Key": "waited"}
    path, body = "/functions/acme.whatever/invoke?wait=30", {"payload": {"a": 1}}
    first = json_of(api.post(path, json=body, headers=headers))
    assert json_of(api.post(path, json=body, headers=headers)) == first
