"""Functions and plugins over REST: the registry, its schemas, and calling a function without a task."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.acceptance.answers import json_of, problem
from tests.acceptance.server import Server
from tests.acceptance.strangers import DISTRIBUTION, FUNCTIONS

pytestmark = pytest.mark.acceptance

GREET = "/functions/acme.greet/invoke"


def test_every_function_of_every_plugin_is_listed(api: httpx.Client) -> None:
    listed = json_of(api.get("/functions"))["list"]
    assert set(FUNCTIONS) <= {function["name"] for function in listed}
    for function in listed:
        assert {"name", "plugin", "version", "description", "payloadSchema", "isolation", "timeoutSeconds"} <= set(
            function
        )
        assert json_of(api.get(f"/functions/{function['name']}")) == function


def test_a_function_tells_what_its_author_wrote(api: httpx.Client) -> None:
    function = json_of(api.get("/functions/acme.greet"))
    assert (function["plugin"], function["version"]) == (DISTRIBUTION, "2.5")
    assert (function["description"], function["timeoutSeconds"]) == ("Greet someone.", 600)
    assert function["isolation"] == "worker"
    schema = function["payloadSchema"]
    assert schema["type"] == "object"
    assert schema["required"] == ["name"]
    assert schema["properties"]["name"]["description"] == "Whom to greet"
    days = schema["properties"]["days"]
    assert (days["default"], days["minimum"], days["maximum"]) == (7, 1, 90)
    parameters = json_of(api.get("/functions/acme.count"))["payloadSchema"]
    assert list(parameters["properties"]) == ["lines"]
    assert parameters["properties"]["lines"]["default"] == 5


def test_plugins_are_listed_with_their_state(api: httpx.Client) -> None:
    listed = {plugin["name"]: plugin for plugin in json_of(api.get("/plugins"))["list"]}
    good, broken = listed[DISTRIBUTION], listed["acme-broken"]
    assert (good["version"], good["status"], good["error"]) == ("2.5", "ok", None)
    assert sorted(good["functions"]) == FUNCTIONS
    assert (broken["version"], broken["status"], broken["functions"]) == ("0.1", "broken", [])
    assert "the wind blew it away" in broken["error"]


def test_a_rescan_answers_the_same_list(api: httpx.Client) -> None:
    answer = json_of(api.post("/plugins/rescan"))
    names = [(plugin["name"], plugin["status"]) for plugin in answer["list"]]
    assert names == [(plugin["name"], plugin["status"]) for plugin in json_of(api.get("/plugins"))["list"]]
    assert set(FUNCTIONS) <= set(json_of(api.get("/tasks"))["registeredFunctions"])


@pytest.mark.parametrize("name", ["acme.nobody", "acme", "ACME.GREET", "%00", "%2F", "a%20b", "x" * 500])
def test_an_unknown_function_is_404(api: httpx.Client, name: str) -> None:
    problem(api.get(f"/functions/{name}"), 404)
    problem(api.post(f"/functions/{name}/invoke", json={"payload": {}}), 404)
    problem(api.post(f"/functions/{name}/invoke", content=b"{broken"), 404)


# -- invoking ---------------------------------------------------------------------------------------------------------


def test_an_invocation_is_answered_with_202_and_the_execution(live: Server, api: httpx.Client) -> None:
    answer = api.post(GREET, json={"payload": {"name": "Ada"}})
    execution_id = json_of(answer, 202)["executionId"]
    assert answer.headers["location"] == f"/api/scheduler/executions/{execution_id}"
    execution = live.until_status(execution_id, "success")
    assert (execution["trigger"], execution["taskId"], execution["functionName"]) == ("api", None, "acme.greet")
    assert execution["result"] == "Hello Ada (7)"
    assert execution["payload"]["name"] == "Ada"


def test_a_wait_is_answered_with_the_ended_execution(live: Server, api: httpx.Client) -> None:
    execution = json_of(api.post(f"{GREET}?wait=30", json={"payload": {"name": "Ada"}}))
    assert (execution["status"], execution["result"]) == ("success", "Hello Ada (7)")
    assert live.execution(execution["id"]) == execution


def test_a_failure_waited_for_is_answered_with_200_too(api: httpx.Client) -> None:
    execution = json_of(api.post("/functions/acme.fail/invoke?wait=30", json={"payload": {"text": "oh"}}))
    assert (execution["status"], execution["attempt"]) == ("failed", 1)
    assert "oh" in execution["errorMessage"]


def test_a_wait_that_is_too_short_is_answered_with_202(live: Server, api: httpx.Client) -> None:
    began = time.monotonic()
    answer = api.post("/functions/acme.wait/invoke?wait=1", json={"payload": {"seconds": 60}})
    assert 0.9 <= time.monotonic() - began < 5
    execution_id = json_of(answer, 202)["executionId"]
    assert answer.headers["location"] == f"/api/scheduler/executions/{execution_id}"
    json_of(api.post(f"/executions/{execution_id}/cancel"), 202)
    live.until_status(execution_id, "cancelled")


def test_an_invocation_s_time_limit_ends_it(api: httpx.Client) -> None:
    body = {"payload": {"seconds": 60}, "timeoutSeconds": 1}
    execution = json_of(api.post("/functions/acme.wait/invoke?wait=30", json=body))
    assert (execution["status"], execution["reason"]) == ("timed_out", "timeout")


def test_an_invocation_is_not_retried(api: httpx.Client) -> None:
    execution = json_of(api.post("/functions/acme.flaky/invoke?wait=30", json={"payload": {}}))
    assert (execution["status"], execution["attempt"]) == ("failed", 1)


def test_defaults_need_no_payload_and_no_body(api: httpx.Client) -> None:
    contents: list[dict[str, Any]] = [{}, {"json": {}}, {"json": {"payload": {}}}, {"json": {"payload": None}}]
    for content in contents:
        assert json_of(api.post("/functions/acme.count/invoke?wait=30", **content))["result"] == {"lines": 5}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"payload": {}}, "payload.name"),
        ({"payload": {"name": "Ada", "days": 0}}, "payload.days"),
        ({"payload": {"name": "Ada", "days": 91}}, "payload.days"),
        ({"payload": {"name": "Ada", "days": "seven"}}, "payload.days"),
        ({"payload": {"name": 5}}, "payload.name"),
        ({}, "payload.name"),
        ({"payload": []}, "payload"),
        ({"payload": 5}, "payload"),
        ({"payload": {"name": "Ada"}, "timeoutSeconds": 0}, "timeoutSeconds"),
        ({"payload": {"name": "Ada"}, "timeoutSeconds": 604801}, "timeoutSeconds"),
        ({"payload": {"name": "Ada"}, "timeoutSeconds": "5"}, "timeoutSeconds"),
        ({"payload": {"name": "Ada"}, "timeoutSeconds": True}, "timeoutSeconds"),
        ({"payload": {"name": "Ada"}, "surprise": 1}, "surprise"),
    ],
    ids=str,
)
def test_a_bad_invocation_names_the_field_and_runs_nothing(
    live: Server, api: httpx.Client, body: dict[str, Any], field: str
) -> None:
    before = len(live.executions())
    problem(api.post(GREET, json=body), 422, field=field)
    assert len(live.executions()) == before


@pytest.mark.parametrize("query", ["wait=-1", "wait=61", "wait=x", "wait=", "surprise=1"])
def test_a_bad_query_is_422(api: httpx.Client, query: str) -> None:
    problem(api.post(f"{GREET}?{query}", json={"payload": {"name": "Ada"}}), 422, field=query.partition("=")[0])


def test_the_bounds_of_wait_are_accepted(api: httpx.Client) -> None:
    json_of(api.post(f"{GREET}?wait=60", json={"payload": {"name": "Ada"}}))
    json_of(api.post(f"{GREET}?wait=0", json={"payload": {"name": "Ada"}}), 202)
