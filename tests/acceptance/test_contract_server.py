"""What the server tells of itself: stats, events, health, metrics, OpenAPI, and the admin's files."""

from __future__ import annotations

import gzip
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.answers import events, json_of, problem
from tests.acceptance.server import Server

pytestmark = pytest.mark.acceptance

ROOT = Path(__file__).parents[2]
PLAIN = {"name": "Plain", "type": "http", "httpUrl": "https://example.com/"}


@pytest.fixture
def anyone(live: Server) -> Iterator[httpx.Client]:
    """A client at the root that has not signed in and follows no redirect."""
    with httpx.Client(base_url=live.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module", autouse=True)
def quiet_seconds(live: Server) -> Iterator[Future[float]]:
    """How long an events stream, opened before the first test, was silent before it said its first comment."""

    def listen() -> float:
        with (
            httpx.Client(base_url=live.client.base_url, headers=live.client.headers, timeout=30) as listener,
            listener.stream("GET", "/events") as answer,
        ):
            heard_at = time.monotonic()
            for event in events(answer):
                if "comment" in event:
                    break
                heard_at = time.monotonic()
            return time.monotonic() - heard_at

    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(listen)


# -- stats ------------------------------------------------------------------------------------------------------------


def test_stats_count_tasks_and_executions(live: Server, api: httpx.Client) -> None:
    before = json_of(api.get("/stats"))
    names = ["totalTasks", "enabledTasks", "activeJobs", "last24hExecutions", "activeExecutions", "queuedExecutions"]
    assert all(isinstance(before[name], int) for name in names)
    live.create_task(**PLAIN, cronExpression="0 4 1 1 *")  # enabled, with a next run
    live.create_task(**PLAIN)  # enabled, without
    live.create_task(**PLAIN, cronExpression="0 4 1 1 *", enabled=False)
    done = json_of(api.post("/functions/acme.count/invoke?wait=30", json={}))
    failed = json_of(api.post("/functions/acme.fail/invoke?wait=30", json={}))
    assert (done["status"], failed["status"]) == ("success", "failed")
    after = json_of(api.get("/stats"))
    moved = {name: after[name] - before[name] for name in names}
    assert moved == {
        "totalTasks": 3,
        "enabledTasks": 2,
        "activeJobs": 1,
        "last24hExecutions": 2,
        "activeExecutions": 0,
        "queuedExecutions": 0,
    }
    for status in ("success", "failed"):
        assert after["last24hByStatus"][status] == before["last24hByStatus"][status] + 1
    problem(api.get("/stats?surprise=1"), 422, field="surprise")


# -- events -----------------------------------------------------------------------------------------------------------


def heard(api: httpx.Client, act: Callable[[], str], kinds: list[tuple[str, str]]) -> None:
    """Listen, act, and hear each (event, change) for the id that `act` returns, in this order."""
    with (
        httpx.Client(base_url=api.base_url, headers=api.headers, timeout=30) as listener,
        listener.stream("GET", "/events") as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == "text/event-stream"
        assert "no-cache" in answer.headers["cache-control"] or "no-store" in answer.headers["cache-control"]
        told = events(answer)
        subject = act()
        waiting = list(kinds)
        while waiting:
            event = next(told)
            if "comment" in event:
                continue
            assert event["event"] in ("task", "execution", "plugin", "stats"), event
            data = json.loads(event["data"])
            assert set(data) == {"id", "change"}, data
            assert data["change"] in ("created", "updated", "deleted")
            if data["id"] == subject and (event["event"], data["change"]) == waiting[0]:
                waiting.pop(0)


def test_events_tell_what_changes(live: Server, api: httpx.Client) -> None:
    made: list[str] = []

    def create() -> str:
        made.append(live.create_task(**PLAIN)["id"])
        return made[0]

    heard(api, create, [("task", "created")])
    task_id = made[0]

    def change() -> str:
        api.put(f"/tasks/{task_id}", json={"name": "Changed"}).raise_for_status()
        return task_id

    heard(api, change, [("task", "updated")])

    def delete() -> str:
        api.delete(f"/tasks/{task_id}").raise_for_status()
        return task_id

    heard(api, delete, [("task", "deleted")])


def test_events_tell_an_execution_s_course(live: Server, api: httpx.Client) -> None:
    heard(
        api,
        lambda: live.invoke("acme.count", {}),
        [("execution", "created"), ("execution", "updated")],  # changes within a tenth of a second are told as one
    )


def test_many_listeners_do_not_keep_others_out(api: httpx.Client) -> None:
    limits = httpx.Limits(max_connections=None)
    with httpx.Client(base_url=api.base_url, headers=api.headers, timeout=20, limits=limits) as listener:
        open_streams = [listener.stream("GET", "/events") for _ in range(30)]
        answers = [stream.__enter__() for stream in open_streams]
        assert {answer.status_code for answer in answers} == {200}
        json_of(api.get("/stats"))
        for stream in open_streams:
            stream.__exit__(None, None, None)
    json_of(api.get("/stats"))


# -- health and metrics -----------------------------------------------------------------------------------------------


def test_health_and_readiness(anyone: httpx.Client) -> None:
    assert json_of(anyone.get("/healthz"))["status"]
    ready = json_of(anyone.get("/readyz"))
    assert ready["status"]
    assert ready["checks"]


def test_metrics_are_prometheus_text(anyone: httpx.Client) -> None:
    answer = anyone.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    names = set(re.findall(r"^# TYPE (\S+) ", answer.text, re.MULTILINE))
    assert names
    for line in answer.text.splitlines():
        assert line.startswith("#") or re.fullmatch(r"\w+(\{.*\})? \S+", line), line


# -- OpenAPI ----------------------------------------------------------------------------------------------------------


def test_the_description_is_the_committed_one(api: httpx.Client) -> None:
    answer = api.get("/openapi.json")
    document = json_of(answer)
    assert document["openapi"].startswith("3.1")
    assert document == json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))


def test_the_description_has_every_route_of_the_contract(api: httpx.Client) -> None:
    paths: dict[str, Any] = json_of(api.get("/openapi.json"))["paths"]
    described = {
        (method.upper(), re.sub(r"\{.*?\}", "{}", path)) for path, methods in paths.items() for method in methods
    }
    prefix = "/api/scheduler"
    expected = {
        ("GET", "/tasks"),
        ("POST", "/tasks"),
        ("GET", "/tasks/{}"),
        ("PUT", "/tasks/{}"),
        ("PATCH", "/tasks/{}"),
        ("DELETE", "/tasks/{}"),
        ("POST", "/tasks/{}/trigger"),
        ("POST", "/tasks/{}/toggle"),
        ("GET", "/tasks/{}/forecast"),
        ("GET", "/executions"),
        ("GET", "/executions/{}"),
        ("POST", "/executions/{}/cancel"),
        ("POST", "/executions/{}/retry"),
        ("GET", "/executions/{}/log"),
        ("GET", "/executions/{}/log/stream"),
        ("GET", "/functions"),
        ("GET", "/functions/{}"),
        ("POST", "/functions/{}/invoke"),
        ("GET", "/plugins"),
        ("POST", "/plugins/rescan"),
        ("POST", "/schedules/preview"),
        ("GET", "/stats"),
        ("GET", "/events"),
        ("GET", "/openapi.json"),
        ("GET", "/session"),
        ("POST", "/session"),
        ("DELETE", "/session"),
    }
    assert {(method, prefix + path) for method, path in expected} <= described
    assert {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")} <= described


# -- headers of every answer ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/healthz", "/admin/scheduler/", "/api/scheduler/stats", "/nope"])
def test_every_answer_has_the_security_headers(anyone: httpx.Client, path: str) -> None:
    headers = anyone.get(path).headers
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "referrer-policy" in headers


def test_answers_of_the_api_are_not_cached(api: httpx.Client) -> None:
    assert "no-store" in api.get("/tasks").headers["cache-control"]


# -- the admin's files ------------------------------------------------------------------------------------------------


def test_the_root_and_the_bare_path_redirect_to_the_admin(anyone: httpx.Client) -> None:
    for path in ("/", "/admin/scheduler"):
        answer = anyone.get(path)
        assert answer.status_code in (301, 302, 303, 307, 308)
        assert answer.headers["location"].endswith("/admin/scheduler/")


def test_the_page_has_no_inline_script_or_style(anyone: httpx.Client) -> None:
    answer = anyone.get("/admin/scheduler/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "no-cache" in answer.headers["cache-control"] or "no-store" in answer.headers["cache-control"]
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", answer.text)
    assert "<style" not in answer.text
    assert not re.search(r"\sstyle=|\son\w+=", answer.text)


def test_assets_are_immutable_compressed_and_typed(anyone: httpx.Client) -> None:
    page = anyone.get("/admin/scheduler/").text
    paths = re.findall(r'(?:src|href)="(/admin/scheduler/assets/[^"]+)"', page)
    assert paths
    for path in paths:
        answer = anyone.get(path, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert re.search(r"max-age=\d{7,}", answer.headers["cache-control"])
        expected = {"css": "text/css", "js": "javascript", "woff2": "font/woff2"}[path.rpartition(".")[2]]
        assert expected in answer.headers["content-type"]
        plain = anyone.get(path, headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == answer.content
        if len(plain.content) > 2000 and not path.endswith(".woff2"):
            assert answer.headers["content-encoding"] == "gzip"
            assert "accept-encoding" in answer.headers["vary"].lower()
            raw = b"".join(_raw(anyone, path))
            assert gzip.decompress(raw) == plain.content


def _raw(client: httpx.Client, path: str) -> Iterator[bytes]:
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        yield from answer.iter_raw()


@pytest.mark.parametrize("path", ["tasks", "tasks/0sah/edit", "executions/x", "functions/acme.greet", "settings"])
def test_a_page_s_address_answers_the_page(anyone: httpx.Client, path: str) -> None:
    answer = anyone.get(f"/admin/scheduler/{path}", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.text == anyone.get("/admin/scheduler/").text


@pytest.mark.parametrize(
    "path",
    [
        "assets/nope.js",
        "assets/../../app.py",
        "..%2f..%2fapp.py",
        "assets/%2e%2e/%2e%2e/app.py",
        "%2e%2e/%2e%2e/settings.py",
        "assets/..%5c..%5capp.py",
        "assets/%00",
        "assets/",
    ],
)
def test_no_file_outside_and_no_missing_asset_is_answered(anyone: httpx.Client, path: str) -> None:
    answer = anyone.get(f"/admin/scheduler/{path}")
    assert answer.status_code in (200, 400, 404)
    assert "import " not in answer.text
    if path.startswith("assets/n"):
        assert answer.status_code == 404


def test_the_page_may_not_be_written(anyone: httpx.Client) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert anyone.request(method, "/admin/scheduler/").status_code == 405
    assert anyone.head("/admin/scheduler/").status_code == 200


# -- many at once -----------------------------------------------------------------------------------------------------


def test_updates_at_the_same_moment_lose_nothing(live: Server, api: httpx.Client) -> None:
    task_id = live.create_task(**PLAIN)["id"]
    statuses: list[int] = []

    def change(number: int) -> None:
        statuses.append(api.put(f"/tasks/{task_id}", json={"description": str(number)}).status_code)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 10
    assert json_of(api.get(f"/tasks/{task_id}"))["task"]["revision"] == 11


def test_of_updates_that_name_the_same_revision_one_wins(live: Server, api: httpx.Client) -> None:
    task_id = live.create_task(**PLAIN)["id"]
    statuses: list[int] = []

    def change(number: int) -> None:
        answer = api.put(f"/tasks/{task_id}", json={"description": str(number)}, headers={"If-Match": '"1"'})
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [412] * 7


def test_a_stream_is_never_silent_for_more_than_fifteen_seconds(quiet_seconds: Future[float]) -> None:
    assert 0 < quiet_seconds.result(timeout=40) < 17
