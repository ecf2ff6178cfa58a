"""Tasks over REST: every field, default, bound, status and header the contract promises."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.acceptance.answers import is_instant, json_of, problem
from tests.acceptance.server import Server
from tests.acceptance.strangers import FUNCTIONS, Target

pytestmark = pytest.mark.acceptance

DAILY = "30 4 * * *"
LONGEST_EXPRESSION = "0" + ",0" * 122 + ",10 * * * *"  # 256 characters
GREET: dict[str, Any] = {"name": "Greet", "type": "function", "functionName": "acme.greet", "cronExpression": DAILY}
GREET["functionPayload"] = {"name": "Ada"}
CALL: dict[str, Any] = {"name": "Call", "type": "http", "httpUrl": "https://example.com/", "cronExpression": DAILY}
STRANGE_IDS = ["1", "0", "-1", "no", "a b", "%00", "%2F", "é", "x" * 500, "../tasks", "null", "'; DROP TABLE tasks;--"]


def created(api: httpx.Client, **fields: Any) -> Any:
    """A task made from CALL and these fields."""
    return json_of(api.post("/tasks", json=CALL | fields), 201)


# -- creating ---------------------------------------------------------------------------------------------------------


def test_a_created_task_is_answered_with_201_location_and_etag(api: httpx.Client) -> None:
    answer = api.post("/tasks", json=GREET)
    task = json_of(answer, 201)
    assert answer.headers["location"] == f"/api/scheduler/tasks/{task['id']}"
    assert answer.headers["etag"] == f'"{task["revision"]}"'
    got = api.get(answer.headers["location"].removeprefix("/api/scheduler"))
    assert json_of(got)["task"] == task
    assert got.headers["etag"] == answer.headers["etag"]
    assert isinstance(task["id"], str)


def test_a_task_has_every_field_of_the_contract_and_its_defaults(api: httpx.Client) -> None:
    task = json_of(api.post("/tasks", json={"name": "Plain", "type": "http", "httpUrl": "http://example.com"}), 201)
    expected: dict[str, Any] = {
        "name": "Plain",
        "tags": [],
        "type": "http",
        "cronExpression": None,
        "functionName": None,
        "functionPayload": {},
        "httpMethod": "GET",
        "httpHeaders": {},
        "httpBody": None,
        "timezone": "UTC",
        "catchUp": "none",
        "enabled": True,
        "maxRetries": 0,
        "retryDelaySeconds": 60,
        "timeoutSeconds": 300,
        "nextRunAt": None,
        "lastExecution": None,
        "overlap": "skip",
        "delivery": "at_least_once",
        "revision": 1,
    }
    assert {name: task[name] for name in expected} == expected
    assert {"id", "description", "httpUrl", "createdAt", "updatedAt", "state"} <= set(task)
    assert is_instant(task["createdAt"])
    assert task["updatedAt"] == task["createdAt"]


ACCEPTED = [
    ("name", "x", "x"),
    ("name", "x" * 200, "x" * 200),
    ("name", "Ünïcode 🎉 名前", "Ünïcode 🎉 名前"),
    ("name", "</script><b>", "</script><b>"),
    ("description", "two\nlines", "two\nlines"),
    ("tags", ["a", "b"], ["a", "b"]),
    ("cronExpression", "* * * * *", "* * * * *"),
    ("cronExpression", "*/10 * * * * *", "*/10 * * * * *"),
    ("cronExpression", "@daily", "@daily"),
    ("cronExpression", "0 9 * * MON-FRI", "0 9 * * MON-FRI"),
    ("cronExpression", "0 0 29 2 *", "0 0 29 2 *"),
    ("cronExpression", LONGEST_EXPRESSION, LONGEST_EXPRESSION),
    ("timezone", "Europe/Berlin", "Europe/Berlin"),
    ("timezone", "Asia/Kathmandu", "Asia/Kathmandu"),
    ("timezone", None, "UTC"),
    ("httpMethod", "GET", "GET"),
    ("httpMethod", "POST", "POST"),
    ("httpMethod", "PUT", "PUT"),
    ("httpMethod", "DELETE", "DELETE"),
    ("httpMethod", "PATCH", "PATCH"),
    ("httpMethod", "HEAD", "HEAD"),
    ("httpUrl", "http://example.com:8080/a?b=c&d=%C3%A9#e", "http://example.com:8080/a?b=c&d=%C3%A9#e"),
    ("httpUrl", "HTTPS://Example.com/", "HTTPS://Example.com/"),
    ("httpUrl", "http://[2001:db8::1]/", "http://[2001:db8::1]/"),
    ("httpHeaders", {"X-One": "1"}, {"X-One": "1"}),
    ("httpHeaders", '{"X-One": "1"}', {"X-One": "1"}),
    ("httpHeaders", None, {}),
    ("httpBody", "text", "text"),
    ("httpBody", "", ""),
    ("httpBody", None, None),
    ("functionPayload", {}, {}),
    ("functionPayload", "{}", {}),
    ("functionPayload", None, {}),
    ("catchUp", "none", "none"),
    ("catchUp", "last", "last"),
    ("catchUp", "all", "all"),
    ("catchUp", True, "last"),
    ("catchUp", False, "none"),
    ("catchUp", 1, "last"),
    ("catchUp", 0, "none"),
    ("enabled", True, True),
    ("enabled", False, False),
    ("enabled", 1, True),
    ("enabled", 0, False),
    ("maxRetries", 0, 0),
    ("maxRetries", 100, 100),
    ("retryDelaySeconds", 1, 1),
    ("retryDelaySeconds", 86400, 86400),
    ("timeoutSeconds", 1, 1),
    ("timeoutSeconds", 604800, 604800),
    ("overlap", "allow", "allow"),
    ("delivery", "at_most_once", "at_most_once"),
]
REFUSED: list[tuple[str, Any]] = [
    ("name", ""),
    ("name", "x" * 201),
    ("name", None),
    ("name", 5),
    ("name", ["x"]),
    ("tags", "a"),
    ("tags", [1]),
    ("cronExpression", ""),
    ("cronExpression", " " * 3),
    ("cronExpression", "00" + LONGEST_EXPRESSION[1:]),
    ("cronExpression", "0" * 257),
    ("cronExpression", "* * * *"),
    ("cronExpression", "* * * * * * * *"),
    ("cronExpression", "60 * * * *"),
    ("cronExpression", "* 24 * * *"),
    ("cronExpression", "* * 32 * *"),
    ("cronExpression", "* * * 13 *"),
    ("cronExpression", "*/0 * * * *"),
    ("cronExpression", "nonsense"),
    ("cronExpression", "@never"),
    ("cronExpression", "0 0 30 2 *"),
    ("cronExpression", "0 0 31 4,6,9,11 *"),
    ("cronExpression", 5),
    ("cronExpression", ["* * * * *"]),
    ("timezone", "Mars/Phobos"),
    ("timezone", "../../etc/passwd"),
    ("timezone", "/etc/localtime"),
    ("timezone", ""),
    ("timezone", "Europe"),
    ("timezone", 1),
    ("type", "shell"),
    ("type", None),
    ("type", 1),
    ("httpMethod", "TRACE"),
    ("httpMethod", "OPTIONS"),
    ("httpMethod", ""),
    ("httpMethod", 1),
    ("httpUrl", ""),
    ("httpUrl", None),
    ("httpUrl", "/relative"),
    ("httpUrl", "example.com"),
    ("httpUrl", "ftp://example.com/"),
    ("httpUrl", "file:///etc/passwd"),
    ("httpUrl", "javascript:alert(1)"),
    ("httpUrl", "http://"),
    ("httpUrl", "http:///path"),
    ("httpUrl", "http://example.com:99999/"),
    ("httpUrl", "http://exa mple.com/"),
    ("httpUrl", "http://example.com/\r\nX-Evil: 1"),
    ("httpUrl", "http://[::1/"),
    ("httpUrl", 1),
    ("httpHeaders", {"X-One": 1}),
    ("httpHeaders", {"X-One": None}),
    ("httpHeaders", {"X One": "1"}),
    ("httpHeaders", {"": "1"}),
    ("httpHeaders", {"X-One": "a\r\nX-Two: b"}),
    ("httpHeaders", ["X-One"]),
    ("httpHeaders", "[]"),
    ("httpHeaders", "not json"),
    ("httpHeaders", '{"X-One": 1}'),
    ("httpBody", {"a": 1}),
    ("httpBody", 1),
    ("functionPayload", []),
    ("functionPayload", 1),
    ("functionPayload", True),
    ("functionPayload", "[]"),
    ("functionPayload", '"text"'),
    ("functionPayload", "null"),
    ("functionPayload", "{broken"),
    ("functionPayload", '{"a": NaN}'),
    ("catchUp", "maybe"),
    ("catchUp", 2),
    ("catchUp", "true"),
    ("catchUp", 0.5),
    ("enabled", "yes"),
    ("enabled", "true"),
    ("enabled", 2),
    ("enabled", -1),
    ("enabled", []),
    ("maxRetries", -1),
    ("maxRetries", 101),
    ("maxRetries", 1.5),
    ("maxRetries", "3"),
    ("maxRetries", True),
    ("maxRetries", 10**15),
    ("retryDelaySeconds", 0),
    ("retryDelaySeconds", 86401),
    ("retryDelaySeconds", 0.5),
    ("retryDelaySeconds", False),
    ("timeoutSeconds", 0),
    ("timeoutSeconds", 604801),
    ("timeoutSeconds", "300"),
    ("timeoutSeconds", True),
    ("timeoutSeconds", -(10**15)),
    ("overlap", "sometimes"),
    ("delivery", "exactly_once"),
    ("surprise", 1),
    ("cron_expression", "* * * * *"),
]


def shown(value: object) -> str:
    """A test's name for a value."""
    return repr(value)[:40].encode("ascii", "backslashreplace").decode()


@pytest.mark.parametrize(("field", "value", "answered"), ACCEPTED, ids=shown)
def test_a_value_inside_the_bounds_is_kept_by_create_and_update(
    api: httpx.Client, field: str, value: object, answered: object
) -> None:
    task = created(api, **{field: value})
    assert task[field] == answered
    assert json_of(api.get(f"/tasks/{task['id']}"))["task"][field] == answered
    other = created(api)
    assert json_of(api.put(f"/tasks/{other['id']}", json={field: value}))[field] == answered


@pytest.mark.parametrize(("field", "value"), REFUSED, ids=shown)
def test_a_value_outside_the_bounds_is_refused_by_create_and_update_naming_the_field(
    live: Server, api: httpx.Client, field: str, value: object
) -> None:
    before = json_of(api.get("/tasks"))["total"]
    answer = problem(api.post("/tasks", json=CALL | {field: value}), 422)
    assert answer["errors"][0]["field"].partition(".")[0] == field, answer
    assert json_of(api.get("/tasks"))["total"] == before

    task = created(api)
    answer = problem(api.put(f"/tasks/{task['id']}", json={field: value, "description": "half"}), 422)
    assert answer["errors"][0]["field"].partition(".")[0] == field, answer
    assert json_of(api.get(f"/tasks/{task['id']}"))["task"] == task
    assert " ERROR " not in live.output()


@pytest.mark.parametrize("missing", ["name", "type", "httpUrl"])
def test_a_required_field_is_missed_by_name(api: httpx.Client, missing: str) -> None:
    body = {name: value for name, value in CALL.items() if name != missing}
    problem(api.post("/tasks", json=body), 422, field=missing)


def test_a_function_task_needs_a_function_and_a_payload_of_its_schema(api: httpx.Client) -> None:
    without = {name: value for name, value in GREET.items() if name != "functionName"}
    problem(api.post("/tasks", json=without), 422, field="functionName")
    problem(api.post("/tasks", json=GREET | {"functionName": None}), 422, field="functionName")
    problem(api.post("/tasks", json=GREET | {"functionName": "acme.nobody"}), 422, field="functionName")
    problem(api.post("/tasks", json=GREET | {"functionName": "x" * 101}), 422, field="functionName")
    for payload, field in [
        ({"name": "Ada", "days": 0}, "functionPayload.days"),
        ({"name": "Ada", "days": 91}, "functionPayload.days"),
        ({"name": "Ada", "days": "many"}, "functionPayload.days"),
        ({}, "functionPayload.name"),
        ({"name": ""}, "functionPayload.name"),
        ('{"name": "Ada", "days": 91}', "functionPayload.days"),
    ]:
        problem(api.post("/tasks", json=GREET | {"functionPayload": payload}), 422, field=field)
    for payload in ({"name": "Ada", "days": 90}, '{"name": "Ada", "days": 1}'):
        assert json_of(api.post("/tasks", json=GREET | {"functionPayload": payload}), 201)["type"] == "function"


def test_a_payload_is_judged_as_its_schema_says_and_kept_as_it_was_given(api: httpx.Client) -> None:
    task = json_of(api.post("/tasks", json=GREET | {"functionPayload": '{"name": "Ünï"}'}), 201)
    assert task["functionPayload"] == {"name": "Ünï"}


def test_several_faults_are_told_at_once(api: httpx.Client) -> None:
    answer = problem(api.post("/tasks", json={"name": "", "type": "http", "maxRetries": -1, "surprise": 1}), 422)
    assert {"name", "maxRetries", "surprise"} <= {error["field"] for error in answer["errors"]}


def test_the_next_run_follows_from_the_expression_and_the_zone(api: httpx.Client) -> None:
    task = created(api, cronExpression="0 12 * * *", timezone="Asia/Kolkata")  # +05:30 all year
    assert is_instant(task["nextRunAt"])
    assert task["nextRunAt"].endswith("T06:30:00.000Z")
    assert created(api, cronExpression=DAILY, enabled=False)["nextRunAt"] is None


# -- reading ----------------------------------------------------------------------------------------------------------


def test_a_task_is_answered_with_its_newest_twenty_executions(api: httpx.Client, live: Server, target: Target) -> None:
    task = created(api, httpUrl=f"{target.url}/echo", cronExpression=None, overlap="allow")
    asked = [live.trigger(task["id"]) for _ in range(22)]
    for execution_id in asked:
        live.until_status(execution_id, "success")
    answer = json_of(api.get(f"/tasks/{task['id']}"))
    assert set(answer) >= {"task", "recentExecutions"}
    assert [e["id"] for e in answer["recentExecutions"]] == asked[:1:-1]
    assert answer["task"]["lastExecution"]["id"] == asked[-1]


@pytest.mark.parametrize("strange", STRANGE_IDS, ids=shown)
def test_an_unknown_id_is_404_whatever_its_form_and_whatever_the_body(api: httpx.Client, strange: str) -> None:
    path = f"/tasks/{strange if strange.startswith('%') else quote(strange, safe='')}"
    for method, tail in [
        ("GET", ""),
        ("PUT", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/trigger"),
        ("POST", "/toggle"),
        ("GET", "/forecast"),
    ]:
        problem(api.request(method, path + tail), 404)
        if method in ("PUT", "PATCH", "POST"):
            problem(api.request(method, path + tail, json={"surprise": 1}), 404)
            problem(api.request(method, path + tail, content=b"{broken"), 404)


def test_the_list_has_the_contract_s_fields_and_is_newest_first(api: httpx.Client) -> None:
    ids = [created(api, name=f"Listed {n}", tags=["listed"])["id"] for n in range(3)]
    answer = json_of(api.get("/tasks"))
    assert set(answer) >= {"list", "total", "page", "pageSize", "registeredFunctions"}
    assert (answer["page"], answer["pageSize"]) == (1, 20)
    assert set(FUNCTIONS) <= set(answer["registeredFunctions"])
    assert len(answer["list"]) <= 20
    assert [t["id"] for t in answer["list"]][:3] == ids[::-1]
    times = [t["createdAt"] for t in answer["list"]]
    assert times == sorted(times, reverse=True)


def test_pages_together_are_the_list(api: httpx.Client) -> None:
    ids = [created(api, name=f"Paged {n}", tags=["paged"])["id"] for n in range(5)]
    pages = [json_of(api.get("/tasks", params={"tag": "paged", "page": page, "pageSize": 2})) for page in (1, 2, 3, 4)]
    assert [t["id"] for page in pages for t in page["list"]] == ids[::-1]
    assert [len(page["list"]) for page in pages] == [2, 2, 1, 0]
    assert [(page["total"], page["page"], page["pageSize"]) for page in pages] == [(5, n, 2) for n in (1, 2, 3, 4)]
    assert json_of(api.get("/tasks", params={"pageSize": 100}))["pageSize"] == 100


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=x",
        "page=1.5",
        "page=",
        f"page={10**30}",
        "pageSize=0",
        "pageSize=101",
        "pageSize=many",
        "type=shell",
        "enabled=maybe",
        "enabled=2",
        "sort=colour",
        "sort=name;drop",
        "surprise=1",
        "pagesize=5",
        "q=%00",
        "tag=%00",
        "page=1&page=2",
    ],
)
def test_a_bad_query_is_422_and_names_the_parameter(api: httpx.Client, query: str) -> None:
    problem(api.get(f"/tasks?{query}"), 422, field=query.partition("=")[0])


def test_the_list_is_filtered_and_sorted_as_asked(api: httpx.Client) -> None:
    one = created(api, name="Filter Zebra", tags=["filter"], enabled=False)["id"]
    two = json_of(api.post("/tasks", json=GREET | {"name": "Filter apple", "tags": ["filter", "more"]}), 201)["id"]
    percent = created(api, name="Filter 100%_", tags=["filter"])["id"]

    def found(**query: Any) -> list[str]:
        return [t["id"] for t in json_of(api.get("/tasks", params={"tag": "filter", **query}))["list"]]

    assert found() == [percent, two, one]
    assert found(type="function") == [two]
    assert found(type="http") == [percent, one]
    for no in ("false", "0"):
        assert found(enabled=no) == [one]
    for yes in ("true", "1"):
        assert found(enabled=yes) == [percent, two]
    assert found(q="zebra") == [one]
    assert found(q="ZEBRA") == [one]
    assert found(q="%") == [percent]
    assert found(q="100%_") == [percent]
    assert found(q="no such thing") == []
    assert found(tag="more") == [two]
    assert found(tag="mor") == []
    assert found(sort="createdAt") == [one, two, percent]
    assert found(sort="-createdAt") == [percent, two, one]
    assert found(sort="name") == [percent, two, one]
    assert found(sort="-name") == [one, two, percent]


# -- changing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_update_changes_what_it_names_and_nothing_else(api: httpx.Client, method: str) -> None:
    task = created(api, description="before", tags=["kept"], httpHeaders={"A": "b"}, maxRetries=3)
    answer = api.request(method, f"/tasks/{task['id']}", json={"description": "after"})
    changed = json_of(answer)
    assert answer.headers["etag"] == f'"{changed["revision"]}"'
    assert changed["revision"] == task["revision"] + 1
    moved = {"description", "updatedAt", "revision"}
    assert {k: v for k, v in changed.items() if k not in moved} == {k: v for k, v in task.items() if k not in moved}
    assert changed["description"] == "after"
    assert changed["updatedAt"] > task["updatedAt"]


def test_null_clears_an_optional_field(api: httpx.Client) -> None:
    task = created(
        api, description="d", tags=["t"], httpHeaders={"A": "b"}, httpBody="b", timezone="Europe/Berlin", catchUp="last"
    )
    cleared = json_of(
        api.put(
            f"/tasks/{task['id']}",
            json=dict.fromkeys(["description", "tags", "httpHeaders", "httpBody", "timezone", "cronExpression"]),
        )
    )
    assert cleared["tags"] == []
    assert cleared["httpHeaders"] == {}
    assert cleared["httpBody"] is None
    assert not cleared["description"]
    assert cleared["timezone"] == "UTC"
    assert (cleared["cronExpression"], cleared["nextRunAt"]) == (None, None)
    assert cleared["catchUp"] == "last"


def test_null_clears_no_required_field(api: httpx.Client) -> None:
    task = created(api)
    for field in ("name", "type", "httpUrl"):
        problem(api.put(f"/tasks/{task['id']}", json={field: None}), 422, field=field)


def test_null_is_no_value_of_a_policy(api: httpx.Client) -> None:
    task = created(api)
    for field in ("httpMethod", "catchUp", "enabled", "maxRetries", "retryDelaySeconds", "timeoutSeconds", "overlap"):
        problem(api.put(f"/tasks/{task['id']}", json={field: None}), 422, field=field)
        problem(api.post("/tasks", json=CALL | {field: None}), 422, field=field)


def test_an_update_is_checked_as_the_merged_task(api: httpx.Client) -> None:
    task = json_of(api.post("/tasks", json=GREET), 201)
    path = f"/tasks/{task['id']}"
    problem(api.put(path, json={"functionName": "acme.nobody"}), 422, field="functionName")
    problem(api.put(path, json={"functionPayload": {"days": 3}}), 422, field="functionPayload.name")
    problem(api.put(path, json={"functionName": "acme.count"}), 422)  # the stored payload is not of its schema
    problem(api.put(path, json={"type": "http"}), 422, field="httpUrl")
    problem(api.put(path, json={"functionName": None}), 422, field="functionName")
    assert json_of(api.get(path))["task"] == task
    moved = json_of(api.put(path, json={"functionName": "acme.count", "functionPayload": {"lines": 2}}))
    assert (moved["functionName"], moved["functionPayload"]) == ("acme.count", {"lines": 2})
    moved = json_of(api.put(path, json={"type": "http", "httpUrl": "https://example.com/"}))
    assert moved["type"] == "http"


def test_an_empty_update_is_answered_with_the_task(api: httpx.Client) -> None:
    task = created(api)
    answer = json_of(api.put(f"/tasks/{task['id']}", json={}))
    assert {**answer, "updatedAt": 0, "revision": 0} == {**task, "updatedAt": 0, "revision": 0}


def test_an_id_cannot_be_changed(api: httpx.Client) -> None:
    task = created(api)
    problem(api.put(f"/tasks/{task['id']}", json={"id": "other"}), 422, field="id")
    problem(api.post("/tasks", json=CALL | {"id": "mine"}), 422, field="id")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_stale_if_match_is_412_and_changes_nothing(api: httpx.Client, method: str) -> None:
    task = created(api)
    path, etag = f"/tasks/{task['id']}", f'"{task["revision"]}"'
    answer = api.request(method, path, json={"description": "one"}, headers={"If-Match": etag})
    assert json_of(answer)["description"] == "one"
    problem(api.request(method, path, json={"description": "two"}, headers={"If-Match": etag}), 412)
    problem(api.request(method, path, json={"description": "two"}, headers={"If-Match": "nonsense"}), 412)
    assert json_of(api.get(path))["task"]["description"] == "one"
    several = f'"999", {answer.headers["etag"]}'
    assert json_of(api.request(method, path, json={"description": "3"}, headers={"If-Match": several}))
    assert json_of(api.request(method, path, json={"description": "4"}, headers={"If-Match": "*"}))
    json_of(api.request(method, path, json={"description": "5"}))


def test_toggle_switches_and_answers_the_task(api: httpx.Client) -> None:
    task = created(api)
    path = f"/tasks/{task['id']}/toggle"
    for value, enabled in [(False, False), (True, True), (0, False), (1, True), (True, True)]:
        answer = api.post(path, json={"enabled": value})
        toggled = json_of(answer)
        assert toggled["enabled"] is enabled
        assert (toggled["nextRunAt"] is not None) is enabled
        assert answer.headers["etag"] == f'"{toggled["revision"]}"'
    problem(api.post(path, json={"enabled": False}, headers={"If-Match": '"0"'}), 412)
    for bad in ({}, {"enabled": None}, {"enabled": "no"}, {"enabled": 2}):
        problem(api.post(path, json=bad), 422, field="enabled")
    problem(api.post(path, json={"enabled": True, "surprise": 1}), 422, field="surprise")
    assert api.post(path).status_code in (400, 415)


def test_enabling_and_editing_fires_nothing_at_once(api: httpx.Client, live: Server) -> None:
    task = created(api, enabled=False, catchUp="last")
    api.post(f"/tasks/{task['id']}/toggle", json={"enabled": True}).raise_for_status()
    api.put(f"/tasks/{task['id']}", json={"cronExpression": "0 5 * * *"}).raise_for_status()
    assert live.executions(taskId=task["id"]) == []


# -- deleting ---------------------------------------------------------------------------------------------------------


def test_a_deleted_task_is_gone_and_its_executions_stay(api: httpx.Client, live: Server, target: Target) -> None:
    task = created(api, name="Short-lived", httpUrl=f"{target.url}/echo", cronExpression=None)
    execution_id = live.trigger(task["id"])
    live.until_status(execution_id, "success")
    answer = api.delete(f"/tasks/{task['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    problem(api.get(f"/tasks/{task['id']}"), 404)
    problem(api.delete(f"/tasks/{task['id']}"), 404)
    execution = live.execution(execution_id)
    assert (execution["taskId"], execution["taskName"]) == (task["id"], "Short-lived")
    assert [e["id"] for e in live.executions(taskId=task["id"])] == [execution_id]
    answer = api.post(f"/executions/{execution_id}/retry")
    assert answer.status_code in (202, 409), answer.text


def test_a_task_with_a_running_execution_is_deleted_by_force_only(
    api: httpx.Client, live: Server, target: Target
) -> None:
    task = created(api, httpUrl=f"{target.url}/hold", cronExpression=None)
    running = live.trigger(task["id"])
    live.until_status(running, "running")
    problem(api.delete(f"/tasks/{task['id']}"), 409)
    problem(api.delete(f"/tasks/{task['id']}?force=false"), 409)
    problem(api.delete(f"/tasks/{task['id']}?force=maybe"), 422, field="force")
    assert json_of(api.get(f"/tasks/{task['id']}"))["task"]["id"] == task["id"]
    assert api.delete(f"/tasks/{task['id']}?force=true").status_code == 204
    ended = live.until_status(running, "cancelled")
    assert ended["taskId"] == task["id"]
    problem(api.get(f"/tasks/{task['id']}"), 404)


# -- triggering -------------------------------------------------------------------------------------------------------


def test_a_trigger_is_answered_with_202_and_the_execution(api: httpx.Client, live: Server, target: Target) -> None:
    task = created(api, httpUrl=f"{target.url}/echo", enabled=False)
    contents: list[dict[str, Any]] = [{"json": {}}, {}, {"json": {"payload": None}}]
    for content in contents:
        answer = api.post(f"/tasks/{task['id']}/trigger", **content)
        body = json_of(answer, 202)
        assert body["triggered"] is True
        assert answer.headers["location"] == f"/api/scheduler/executions/{body['executionId']}"
        execution = live.until_status(body["executionId"], "success")
        assert (execution["trigger"], execution["taskId"]) == ("manual", task["id"])
    assert json_of(api.get(f"/tasks/{task['id']}"))["task"]["enabled"] is False


def test_a_trigger_s_payload_replaces_the_stored_one_this_once(api: httpx.Client, live: Server) -> None:
    task = json_of(api.post("/tasks", json=GREET), 201)
    path = f"/tasks/{task['id']}/trigger"
    execution_id = json_of(api.post(path, json={"payload": {"name": "Grace", "days": 3}}), 202)["executionId"]
    assert live.execution(execution_id)["payload"] == {"name": "Grace", "days": 3}
    assert live.until_status(execution_id, "success")["resultSummary"] == "Hello Grace (3)"
    assert json_of(api.get(f"/tasks/{task['id']}"))["task"]["functionPayload"] == {"name": "Ada"}
    problem(api.post(path, json={"payload": {"days": 3}}), 422, field="payload.name")
    problem(api.post(path, json={"payload": []}), 422, field="payload")
    problem(api.post(path, json={"surprise": 1}), 422, field="surprise")


def test_a_forecast_names_the_coming_fire_times(api: httpx.Client) -> None:
    task = created(api, cronExpression="0 12 * * *", timezone="Asia/Kolkata")
    answer = json_of(api.get(f"/tasks/{task['id']}/forecast?count=3"))
    assert len(answer["nextRuns"]) == 3
    assert answer["nextRuns"][0] == task["nextRunAt"]
    assert all(is_instant(at) and at.endswith("T06:30:00.000Z") for at in answer["nextRuns"])
    assert len(json_of(api.get(f"/tasks/{task['id']}/forecast"))["nextRuns"]) == 5
    assert len(json_of(api.get(f"/tasks/{task['id']}/forecast?count=100"))["nextRuns"]) == 100
    for bad in ("0", "101", "x"):
        problem(api.get(f"/tasks/{task['id']}/forecast?count={bad}"), 422, field="count")
    manual = created(api, cronExpression=None)
    assert json_of(api.get(f"/tasks/{manual['id']}/forecast"))["nextRuns"] == []
