"""Executions over REST: what they tell, cancelling, retrying, their logs and the lists of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.acceptance.answers import events, is_instant, json_of, problem
from tests.acceptance.server import Server
from tests.acceptance.strangers import Target

pytestmark = pytest.mark.acceptance

FIELDS = {
    "id",
    "taskId",
    "taskName",
    "functionName",
    "trigger",
    "status",
    "reason",
    "attempt",
    "scheduledFor",
    "queuedAt",
    "startedAt",
    "finishedAt",
    "errorMessage",
    "resultSummary",
    "result",
}


def http_task(live: Server, url: str, **fields: Any) -> str:
    """A task without a schedule that asks for the URL; its id."""
    task_id: str = live.create_task(name="Ask", type="http", httpUrl=url, **fields)["id"]
    return task_id


def function_task(live: Server, name: str, payload: dict[str, Any] | None = None, **fields: Any) -> str:
    """A task without a schedule that runs the function; its id."""
    made = live.create_task(name=name, type="function", functionName=name, functionPayload=payload or {}, **fields)
    task_id: str = made["id"]
    return task_id


def ran(live: Server, task_id: str, **body: Any) -> Any:
    """The ended execution of a trigger."""
    return ended(live, live.trigger(task_id, **body))


def ended(live: Server, execution_id: str) -> Any:
    """The execution once it has ended."""
    return live.until_status(execution_id, "success", "failed", "timed_out", "cancelled", "lost")


# -- what an execution tells ------------------------------------------------------------------------------------------


def test_an_execution_has_the_contract_s_fields(live: Server, target: Target) -> None:
    execution = ran(live, http_task(live, f"{target.url}/echo"))
    assert set(execution) >= FIELDS
    assert (execution["status"], execution["trigger"], execution["attempt"]) == ("success", "manual", 1)
    assert execution["taskName"] == "Ask"
    assert execution["functionName"] is None
    assert execution["errorMessage"] is None
    assert all(is_instant(execution[at]) for at in ("scheduledFor", "queuedAt", "startedAt", "finishedAt"))
    assert execution["queuedAt"] <= execution["startedAt"] <= execution["finishedAt"]


def test_an_http_task_sends_what_it_was_told(live: Server, target: Target) -> None:
    task = http_task(
        live,
        f"{target.url}/echo?a=b%20c",
        httpMethod="POST",
        httpHeaders={"X-One": "eins", "Content-Type": "text/x-own"},
        httpBody="Körper",
    )
    execution = ran(live, task)
    assert execution["status"] == "success"
    asked: Any = target.requests[-1]
    assert (asked["method"], asked["path"], asked["body"]) == ("POST", "/echo?a=b%20c", "Körper")
    assert (asked["headers"]["x-one"], asked["headers"]["content-type"]) == ("eins", "text/x-own")
    assert asked["headers"]["idempotency-key"] == execution["idempotencyKey"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
def test_every_method_is_sent(live: Server, target: Target, method: str) -> None:
    assert ran(live, http_task(live, f"{target.url}/echo", httpMethod=method))["status"] == "success"
    assert target.requests[-1]["method"] == method


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_a_success(live: Server, target: Target, status: int) -> None:
    execution = ran(live, http_task(live, f"{target.url}/status/{status}"))
    assert execution["status"] == "success"
    assert execution["result"]["status"] == status


@pytest.mark.parametrize("status", [304, 400, 404, 500, 503])
def test_any_other_status_is_a_failure_that_tells_it(live: Server, target: Target, status: int) -> None:
    execution = ran(live, http_task(live, f"{target.url}/status/{status}"))
    assert execution["status"] == "failed"
    assert str(status) in execution["errorMessage"]
    assert execution["result"]["status"] == status


def test_a_large_answer_is_kept_in_part(live: Server, target: Target) -> None:
    execution = ran(live, http_task(live, f"{target.url}/big"))
    assert execution["status"] == "success"
    assert len(str(execution["result"])) < 300 * 1024


def test_an_unreachable_server_is_a_failure_told_in_a_sentence(live: Server) -> None:
    execution = ran(live, http_task(live, "http://127.0.0.1:1/"))
    assert execution["status"] == "failed"
    assert execution["errorMessage"]
    assert "Traceback" not in execution["errorMessage"]
    execution = ran(live, http_task(live, "http://nobody.invalid/"))
    assert (execution["status"], bool(execution["errorMessage"])) == ("failed", True)


def test_a_function_s_return_is_its_result(live: Server) -> None:
    execution = ran(live, function_task(live, "acme.greet", {"name": "Ada"}))
    assert (execution["status"], execution["result"]) == ("success", "Hello Ada (7)")
    assert execution["resultSummary"] == "Hello Ada (7)"
    assert execution["functionName"] == "acme.greet"
    given = {"a": [1, 2.5, None, True, "ü"], "b": {}}
    assert ran(live, function_task(live, "acme.whatever", given))["result"] == given


def test_a_raised_error_is_a_failure_with_its_message(live: Server) -> None:
    execution = ran(live, function_task(live, "acme.fail", {"text": "the disk is full"}))
    assert execution["status"] == "failed"
    assert "the disk is full" in execution["errorMessage"]
    assert execution["reason"]


def test_a_failure_may_be_returned(live: Server) -> None:
    execution = ran(live, function_task(live, "acme.say-no"))
    assert (execution["status"], execution["errorMessage"]) == ("failed", "not today")


def test_a_result_that_is_too_large_is_told_by_its_start(live: Server) -> None:
    execution = ran(live, function_task(live, "acme.huge"))
    assert (execution["status"], execution["result"]) == ("success", None)
    assert 400 <= len(execution["resultSummary"]) <= 500
    log = json_of(live.client.get(f"/executions/{execution['id']}/log"))
    assert any(line["level"] == "warning" for line in log["list"])


def test_a_failed_attempt_is_retried_after_its_delay(live: Server) -> None:
    execution = ran(live, function_task(live, "acme.flaky", maxRetries=2, retryDelaySeconds=1))
    assert (execution["status"], execution["attempt"], execution["result"]) == ("success", 2, "attempt 2")
    first, second = execution["attempts"]
    assert (first["status"], second["status"]) == ("failed", "success")
    waited = datetime.fromisoformat(second["startedAt"]) - datetime.fromisoformat(first["finishedAt"])
    assert timedelta(seconds=1) <= waited < timedelta(seconds=5)


def test_a_permanent_error_is_not_retried(live: Server) -> None:
    execution = ran(live, function_task(live, "acme.give-up", maxRetries=5, retryDelaySeconds=1))
    assert (execution["status"], execution["attempt"]) == ("failed", 1)


def test_without_retries_the_first_failure_is_the_end(live: Server) -> None:
    assert ran(live, function_task(live, "acme.flaky"))["attempt"] == 1


def test_a_time_limit_ends_the_attempt(live: Server, target: Target) -> None:
    for task in (
        function_task(live, "acme.wait", timeoutSeconds=1),
        http_task(live, f"{target.url}/hold", timeoutSeconds=1),
    ):
        execution = ran(live, task)
        assert (execution["status"], execution["reason"]) == ("timed_out", "timeout")
        assert execution["errorMessage"]


# -- cancelling and retrying ------------------------------------------------------------------------------------------


@contextmanager
def all_slots_taken(live: Server) -> Iterator[list[str]]:
    """As many running executions as the server has slots (5); their ids."""
    task = function_task(live, "acme.wait", overlap="allow")
    running = [live.trigger(task) for _ in range(5)]
    for execution_id in running:
        live.until_status(execution_id, "running")
    try:
        yield running
    finally:
        for execution_id in running:
            live.client.post(f"/executions/{execution_id}/cancel")
        for execution_id in running:
            ended(live, execution_id)


@pytest.mark.parametrize("kind", ["function", "http"])
def test_a_running_execution_is_cancelled(live: Server, api: httpx.Client, target: Target, kind: str) -> None:
    task = function_task(live, "acme.wait") if kind == "function" else http_task(live, f"{target.url}/hold")
    execution_id = live.trigger(task)
    live.until_status(execution_id, "running")
    answer = json_of(api.post(f"/executions/{execution_id}/cancel"), 202)
    assert answer["id"] == execution_id
    execution = live.until_status(execution_id, "cancelled")
    assert execution["finishedAt"]
    assert execution["reason"]
    problem(api.post(f"/executions/{execution_id}/cancel"), 409)
    assert live.execution(execution_id) == execution


def test_more_than_the_slots_wait_in_the_queue_and_can_be_cancelled_there(live: Server, api: httpx.Client) -> None:
    with all_slots_taken(live):
        waiting = live.trigger(function_task(live, "acme.count"))
        assert live.execution(waiting)["status"] == "queued"
        assert live.execution(waiting)["startedAt"] is None
        stats = json_of(api.get("/stats"))
        assert (stats["activeExecutions"], stats["queuedExecutions"]) == (5, 1)
        problem(api.post(f"/executions/{waiting}/retry"), 409)
        assert json_of(api.post(f"/executions/{waiting}/cancel"), 202)["status"] == "cancelled"
        cancelled = live.execution(waiting)
        assert (cancelled["status"], cancelled["startedAt"]) == ("cancelled", None)
        problem(api.post(f"/executions/{waiting}/cancel"), 409)


def test_deleting_a_task_cancels_what_is_queued(live: Server, api: httpx.Client) -> None:
    with all_slots_taken(live):
        task = function_task(live, "acme.count", overlap="allow")
        waiting = [live.trigger(task) for _ in range(2)]
        assert api.delete(f"/tasks/{task}").status_code == 204
        for execution_id in waiting:
            execution = live.execution(execution_id)
            assert (execution["status"], execution["reason"]) == ("cancelled", "task_deleted")
            assert (execution["taskId"], execution["taskName"]) == (task, "acme.count")


def test_an_ended_execution_is_retried_by_a_new_one(live: Server, api: httpx.Client) -> None:
    task = function_task(live, "acme.greet", {"name": "Ada"})
    first = ran(live, task, payload={"name": "Grace"})
    answer = api.post(f"/executions/{first['id']}/retry")
    second_id = json_of(answer, 202)["executionId"]
    assert second_id != first["id"]
    assert answer.headers["location"] == f"/api/scheduler/executions/{second_id}"
    second = ended(live, second_id)
    assert (second["trigger"], second["retryOf"], second["taskId"]) == ("retry", first["id"], task)
    assert second["result"] == "Hello Grace (7)"
    assert second["idempotencyKey"] != first["idempotencyKey"]
    assert live.execution(first["id"]) == first


def test_a_running_execution_is_not_retried(live: Server, api: httpx.Client) -> None:
    execution_id = live.trigger(function_task(live, "acme.wait"))
    live.until_status(execution_id, "running")
    problem(api.post(f"/executions/{execution_id}/retry"), 409)
    json_of(api.post(f"/executions/{execution_id}/cancel"), 202)
    ended(live, execution_id)


@pytest.mark.parametrize("strange", ["1", "-1", "nobody", "%00", "%2F", "a%20b", "x" * 500, "%C3%A9", "null"])
def test_an_unknown_execution_is_404_whatever_its_form(api: httpx.Client, strange: str) -> None:
    for method, tail in [("GET", ""), ("POST", "/cancel"), ("POST", "/retry"), ("GET", "/log"), ("GET", "/log/stream")]:
        problem(api.request(method, f"/executions/{strange}{tail}"), 404)
        problem(api.request(method, f"/executions/{strange}{tail}", content=b"{broken"), 404)


# -- lists ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(live: Server, target: Target) -> tuple[str, list[str]]:
    """A task and its seven executions, newest first."""
    task = http_task(live, f"{target.url}/echo")
    return task, [ran(live, task)["id"] for _ in range(7)][::-1]


def test_the_list_has_the_contract_s_fields_and_is_newest_first(api: httpx.Client, many: tuple[str, list[str]]) -> None:
    task, ids = many
    answer = json_of(api.get("/executions"))
    assert set(answer) >= {"list", "total", "totalCapped", "page", "pageSize", "nextCursor"}
    assert (answer["page"], answer["pageSize"], answer["totalCapped"]) == (1, 20, False)
    assert set(answer["list"][0]) >= FIELDS
    queued = [e["queuedAt"] for e in answer["list"]]
    assert queued == sorted(queued, reverse=True)
    answer = json_of(api.get("/executions", params={"taskId": task}))
    assert ([e["id"] for e in answer["list"]], answer["total"], answer["nextCursor"]) == (ids, 7, None)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_the_cursor_walks_what_the_pages_walk(api: httpx.Client, many: tuple[str, list[str]], size: int) -> None:
    task, ids = many
    query: dict[str, Any] = {"taskId": task, "pageSize": size}
    by_page: list[str] = []
    for page in range(1, 9):
        answer = json_of(api.get("/executions", params=query | {"page": page}))
        assert (answer["total"], answer["page"], answer["pageSize"]) == (7, page, size)
        by_page += [e["id"] for e in answer["list"]]
    by_cursor: list[str] = []
    cursor: str | None = None
    while True:
        answer = json_of(api.get("/executions", params=query | ({"cursor": cursor} if cursor else {})))
        by_cursor += [e["id"] for e in answer["list"]]
        cursor = answer["nextCursor"]
        if cursor is None:
            break
        assert answer["list"]
    assert by_page == by_cursor == ids


def test_the_list_is_filtered_as_asked(live: Server, api: httpx.Client, many: tuple[str, list[str]]) -> None:
    task, ids = many
    failed = ran(live, function_task(live, "acme.fail"))["id"]

    def found(**query: Any) -> list[str]:
        return [e["id"] for e in json_of(api.get("/executions", params={"pageSize": 100, **query}))["list"]]

    assert failed in found(status="failed")
    assert not set(ids) & set(found(status="failed"))
    assert found(taskId=task, status="success") == ids
    assert found(taskId="nobody") == []
    middle = live.execution(ids[3])["queuedAt"]
    assert found(taskId=task, **{"from": middle}) == ids[:4]
    assert found(taskId=task, to=middle) in (ids[4:], ids[3:])
    elsewhere = (datetime.fromisoformat(middle) + timedelta(hours=2)).isoformat().replace("+00:00", "+02:00")
    assert found(taskId=task, **{"from": elsewhere}) == ids[:4]
    assert found(taskId=task, **{"from": "2200-01-01T00:00:00Z"}) == []
    assert found(taskId=task, to="1999-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=x",
        "pageSize=0",
        "pageSize=101",
        "status=done",
        "status=",
        "from=yesterday",
        "from=2026-01-01",
        "to=2026-13-01T00:00:00Z",
        "to=",
        "cursor=nonsense",
        "cursor=%00",
        "taskId=%00",
        "trigger=magic",
        "surprise=1",
    ],
)
def test_a_bad_query_is_422_and_names_the_parameter(api: httpx.Client, query: str) -> None:
    problem(api.get(f"/executions?{query}"), 422, field=query.partition("=")[0])


# -- logs -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def counted(live: Server) -> str:
    """An ended execution that printed five lines, one error line and one log line."""
    execution_id: str = ran(live, function_task(live, "acme.count"))["id"]
    return execution_id


def test_the_log_has_every_line_once_the_execution_has_ended(api: httpx.Client, counted: str) -> None:
    log = json_of(api.get(f"/executions/{counted}/log"))
    assert set(log) >= {"list", "total", "nextOffset", "truncated"}
    assert (log["total"], log["truncated"]) == (7, False)
    assert all(set(line) >= {"seq", "at", "stream", "level", "attempt", "text"} for line in log["list"])
    assert all(is_instant(line["at"]) and line["attempt"] == 1 for line in log["list"])
    assert [line["text"] for line in log["list"] if line["stream"] == "stdout"] == [f"out {n}" for n in range(5)]
    assert [line["text"] for line in log["list"] if line["stream"] == "stderr"] == ["err"]
    assert [(line["text"], line["level"]) for line in log["list"] if line["stream"] == "log"] == [("log", "warning")]
    seqs = [line["seq"] for line in log["list"]]
    assert seqs == sorted(set(seqs))


def test_offset_and_limit_count_lines(api: httpx.Client, counted: str) -> None:
    path = f"/executions/{counted}/log"
    whole = json_of(api.get(path))["list"]
    found: list[Any] = []
    offset: int | None = 0
    while offset is not None and offset < 7:
        page = json_of(api.get(path, params={"offset": offset, "limit": 3}))
        assert len(page["list"]) <= 3
        assert page["total"] == 7
        found += page["list"]
        offset = page["nextOffset"]
    assert found == whole
    assert json_of(api.get(path, params={"offset": 5}))["list"] == whole[5:]
    assert json_of(api.get(path, params={"offset": 1000}))["list"] == []
    for bad in ("offset=-1", "offset=x", "limit=0", "limit=1000000", "limit=x", "surprise=1"):
        problem(api.get(f"{path}?{bad}"), 422, field=bad.partition("=")[0])


def test_the_stream_tells_the_lines_and_then_the_end(api: httpx.Client, counted: str) -> None:

    whole = json_of(api.get(f"/executions/{counted}/log"))["list"]
    with api.stream("GET", f"/executions/{counted}/log/stream") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == "text/event-stream"
        told = [event for event in events(answer) if "data" in event]
    assert [json.loads(event["data"]) for event in told[:-1]] == whole
    assert [event["id"] for event in told[:-1]] == [str(line["seq"]) for line in whole]
    assert {event["event"] for event in told[:-1]} == {"line"}
    assert told[-1]["event"] == "end"


def test_the_stream_resumes_after_the_last_event_id(api: httpx.Client, counted: str) -> None:
    whole = json_of(api.get(f"/executions/{counted}/log"))["list"]
    for index in (0, 3, 6):
        headers = {"Last-Event-ID": str(whole[index]["seq"])}
        with api.stream("GET", f"/executions/{counted}/log/stream", headers=headers) as answer:
            told = [event for event in events(answer) if "data" in event]
        assert [event.get("id") for event in told[:-1]] == [str(line["seq"]) for line in whole[index + 1 :]]
        assert told[-1]["event"] == "end"


def test_a_nonsense_last_event_id_is_no_server_error(api: httpx.Client, counted: str) -> None:
    for value in ("nonsense", "-5", "9" * 30, "1.5", ""):
        path = f"/executions/{counted}/log/stream"
        with api.stream("GET", path, headers={"Last-Event-ID": value}) as answer:
            assert answer.status_code in (200, 422)
            answer.read()


def test_the_stream_of_a_running_execution_is_live(live: Server, api: httpx.Client) -> None:
    execution_id = live.trigger(function_task(live, "acme.wait"))
    with api.stream("GET", f"/executions/{execution_id}/log/stream") as answer:
        told = (event for event in events(answer) if "data" in event)
        first = next(told)
        assert (first["event"], "waiting" in first["data"]) == ("line", True)
        assert live.execution(execution_id)["status"] == "running"
        with httpx.Client(base_url=api.base_url, headers=api.headers) as other:
            json_of(other.post(f"/executions/{execution_id}/cancel"), 202)
        assert list(told)[-1]["event"] == "end"
    assert live.execution(execution_id)["status"] == "cancelled"


# -- the schedule -----------------------------------------------------------------------------------------------------


def test_a_schedule_fires_on_its_instants_and_a_disabled_task_does_not(live: Server, target: Target) -> None:
    task = http_task(live, f"{target.url}/echo", cronExpression="* * * * * *")
    other = http_task(live, f"{target.url}/echo", cronExpression="* * * * * *", enabled=False)
    live.until(lambda: len(live.executions(taskId=task, status="success")) >= 2, what="two runs")
    live.client.post(f"/tasks/{task}/toggle", json={"enabled": False}).raise_for_status()
    runs = live.executions(taskId=task)
    assert {run["trigger"] for run in runs} == {"schedule"}
    assert all(run["scheduledFor"].endswith(".000Z") for run in runs)
    assert len({run["scheduledFor"] for run in runs}) == len(runs)
    assert live.executions(taskId=other) == []
