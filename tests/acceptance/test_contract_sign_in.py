"""Signing in: tokens, the cookie exchange, cross-site requests, and a server without sign-in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance.answers import json_of, problem
from tests.acceptance.server import TOKEN, Server, free_port

pytestmark = pytest.mark.acceptance

PREVIEW = {"cronExpression": "0 9 * * *"}


@pytest.fixture
def stranger(live: Server) -> Iterator[httpx.Client]:
    """A client that has not signed in."""
    with httpx.Client(base_url=live.client.base_url, timeout=30) as client:
        yield client


@pytest.fixture
def browser(live: Server) -> Iterator[httpx.Client]:
    """The admin's page, signed in by cookie."""
    with httpx.Client(
        base_url=live.client.base_url, timeout=30, headers={"Sec-Fetch-Site": "same-origin", "Origin": live.url}
    ) as client:
        answer = client.post("/session", json={"token": TOKEN})
        assert (answer.status_code, answer.content) == (204, b"")
        yield client


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tasks"),
        ("POST", "/tasks"),
        ("GET", "/tasks/x"),
        ("PUT", "/tasks/x"),
        ("PATCH", "/tasks/x"),
        ("DELETE", "/tasks/x"),
        ("POST", "/tasks/x/trigger"),
        ("POST", "/tasks/x/toggle"),
        ("GET", "/tasks/x/forecast"),
        ("GET", "/executions"),
        ("GET", "/executions/x"),
        ("POST", "/executions/x/cancel"),
        ("POST", "/executions/x/retry"),
        ("GET", "/executions/x/log"),
        ("GET", "/executions/x/log/stream"),
        ("GET", "/functions"),
        ("GET", "/functions/acme.greet"),
        ("POST", "/functions/acme.greet/invoke"),
        ("GET", "/plugins"),
        ("POST", "/plugins/rescan"),
        ("POST", "/schedules/preview"),
        ("GET", "/stats"),
        ("GET", "/events"),
        ("GET", "/session"),
        ("GET", "/openapi.json"),
    ],
)
def test_every_route_needs_a_sign_in(stranger: httpx.Client, method: str, path: str) -> None:
    answer = stranger.request(method, path)
    problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    for wrong in ("Bearer wrong", "Bearer", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"):
        problem(stranger.request(method, path, headers={"Authorization": wrong}), 401)


def test_the_bearer_scheme_is_read_in_any_case(stranger: httpx.Client) -> None:
    json_of(stranger.get("/stats", headers={"Authorization": f"bearer {TOKEN}"}))


def test_a_token_in_the_query_is_no_sign_in(stranger: httpx.Client) -> None:
    for name in ("token", "access_token"):
        problem(stranger.get("/stats", params={name: TOKEN}), 401)


def test_the_cookie_cannot_be_read_by_scripts_nor_sent_from_elsewhere(live: Server, stranger: httpx.Client) -> None:
    answer = stranger.post("/session", json={"token": TOKEN}, headers={"Origin": live.url})
    assert (answer.status_code, answer.content) == (204, b"")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("cronplug_session=")
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax"} <= attributes
    assert "secure" not in attributes  # the server's own URL is http
    assert TOKEN not in cookie
    ages = [int(part.partition("=")[2]) for part in attributes if part.startswith("max-age=")]
    assert all(age <= 7 * 24 * 3600 for age in ages)


def test_a_session_reads_and_writes_until_it_is_ended(browser: httpx.Client) -> None:
    json_of(browser.get("/stats"))
    assert json_of(browser.get("/session"))
    json_of(browser.post("/schedules/preview", json=PREVIEW))
    kept = browser.cookies["cronplug_session"]
    assert browser.delete("/session").status_code == 204
    problem(browser.get("/session"), 401)
    browser.cookies.set("cronplug_session", kept)
    problem(browser.get("/stats"), 401)  # the server has forgotten it too


def test_a_wrong_token_makes_no_session(stranger: httpx.Client) -> None:
    for token in ("wrong", "", "x" * 300, TOKEN.upper(), "ü"):
        answer = stranger.post("/session", json={"token": token}, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status_code in (401, 422), answer.text
        problem(answer, answer.status_code)
        assert "set-cookie" not in answer.headers
    for body in ({}, {"token": None}, {"token": 5}, {"token": TOKEN, "surprise": 1}):
        problem(stranger.post("/session", json=body, headers={"Sec-Fetch-Site": "same-origin"}), 422)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {},
    ],
    ids=str,
)
def test_a_cookie_s_write_from_elsewhere_is_403_csrf(
    live: Server, browser: httpx.Client, headers: dict[str, str]
) -> None:
    with httpx.Client(base_url=live.client.base_url, cookies=browser.cookies) as elsewhere:
        for method, path in [
            ("POST", "/schedules/preview"),
            ("POST", "/tasks"),
            ("PUT", "/tasks/x"),
            ("DELETE", "/tasks/x"),
            ("POST", "/plugins/rescan"),
        ]:
            problem(elsewhere.request(method, path, json=PREVIEW, headers=headers), 403, code="csrf")
        if headers:  # signing out is refused to what is known to come from elsewhere
            problem(elsewhere.delete("/session", headers=headers), 403, code="csrf")
        json_of(elsewhere.get("/stats", headers=headers))  # reading answers no one who may not read it


def test_a_cookie_s_write_from_the_same_origin_is_done(live: Server, browser: httpx.Client) -> None:
    with httpx.Client(base_url=live.client.base_url, cookies=browser.cookies) as page:
        for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": live.url}):
            json_of(page.post("/schedules/preview", json=PREVIEW, headers=headers))


def test_a_token_s_write_needs_no_origin(live: Server) -> None:
    headers = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    json_of(live.client.post("/schedules/preview", json=PREVIEW, headers=headers))


def test_no_other_site_is_let_in_by_cors(live: Server) -> None:
    answer = live.client.get("/stats", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    preflight = live.client.options(
        "/tasks", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    )
    assert "access-control-allow-origin" not in preflight.headers


def test_what_needs_no_sign_in(live: Server) -> None:
    with httpx.Client(base_url=live.url) as anyone:
        assert anyone.get("/healthz").status_code == 200
        assert anyone.get("/readyz").status_code == 200
        assert anyone.get("/metrics").status_code == 200  # the bind is loopback
        assert anyone.get("/admin/scheduler/").status_code == 200


def test_on_a_public_bind_metrics_need_a_sign_in(make_server: Callable[..., Server]) -> None:
    server = make_server(SCHEDULER_HOST="0.0.0.0").start()
    with httpx.Client(base_url=server.url) as anyone:
        assert anyone.get("/metrics").status_code == 401
        assert anyone.get("/healthz").status_code == 200
        assert anyone.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_behind_https_the_cookie_is_secure(make_server: Callable[..., Server]) -> None:
    server = make_server(SCHEDULER_BASE_URL="https://cron.example").start()
    answer = server.client.post("/session", json={"token": TOKEN}, headers={"Origin": "https://cron.example"})
    assert answer.status_code == 204
    assert "secure" in {part.strip().lower() for part in answer.headers["set-cookie"].split(";")}


def test_without_sign_in_everything_is_open_on_loopback(make_server: Callable[..., Server]) -> None:
    server = make_server(SCHEDULER_AUTH="none", SCHEDULER_ADMIN_TOKEN="").start()
    with httpx.Client(base_url=f"{server.url}/api/scheduler") as anyone:
        json_of(anyone.get("/stats"))
        json_of(anyone.get("/session"))
        json_of(anyone.post("/schedules/preview", json=PREVIEW))
        elsewhere = anyone.post("/schedules/preview", json=PREVIEW, headers={"Sec-Fetch-Site": "cross-site"})
        problem(elsewhere, 403, code="csrf")
        rebound = anyone.get("/stats", headers={"Host": "evil.example"})
        assert rebound.status_code in (400, 403, 421), "a page of another site could read through a rebound name"


def start_fails(tmp_path: Path, **environ: str) -> str:
    """The one line of a server that refuses to start."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SCHEDULER_")}
    settings = {"SCHEDULER_DATA_DIR": str(tmp_path / "data"), "SCHEDULER_PORT": str(free_port()), **environ}
    done = subprocess.run(
        [sys.executable, "-m", "cronplug", "serve"],
        env=clean | settings,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode not in (0, None), done.stdout
    lines = (done.stdout + done.stderr).strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_without_sign_in_a_public_bind_refuses_to_start(tmp_path: Path, host: str) -> None:
    assert "SCHEDULER_AUTH" in start_fails(tmp_path, SCHEDULER_AUTH="none", SCHEDULER_HOST=host)


@pytest.mark.parametrize("token", ["x" * 31, "x" * 257, "ü" * 40])
def test_a_weak_or_odd_token_refuses_to_start(tmp_path: Path, token: str) -> None:
    line = start_fails(tmp_path, SCHEDULER_ADMIN_TOKEN=token)
    assert "SCHEDULER_ADMIN_TOKEN" in line
    assert token not in line


def test_a_made_token_is_printed_once_and_never_stored_plainly(make_server: Callable[..., Server]) -> None:
    server = make_server(SCHEDULER_ADMIN_TOKEN="").start()
    found = re.findall(r"(\S+)/admin/scheduler/#token=(\S+)", server.output())
    assert len(found) == 1
    base, token = found[0]
    assert base == server.url
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{server.url}/api/scheduler/stats", headers=headers).status_code == 200
    assert server.terminate() == 0
    for file in server.data_dir.iterdir():
        if file.is_file() and file != server.log:
            assert token.encode() not in file.read_bytes()


def test_a_token_file_is_read(make_server: Callable[..., Server], tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("file-token-0123456789-0123456789-0123\n", encoding="utf-8")
    server = make_server(SCHEDULER_ADMIN_TOKEN_FILE=str(file), SCHEDULER_ADMIN_TOKEN="").start()
    headers = {"Authorization": "Bearer file-token-0123456789-0123456789-0123"}
    assert httpx.get(f"{server.url}/api/scheduler/stats", headers=headers).status_code == 200
