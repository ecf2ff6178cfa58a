"""Who gets in: tokens, sessions, the cross-site rule, names of the server."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio

from cronplug.api import create_api
from cronplug.app import App
from tests.api.conftest import API, BASE_URL, TOKEN, Api, held, settings_for, started, transport

pytestmark = pytest.mark.asyncio(loop_scope="session")

PUBLIC = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")}  # the last: on a loopback bind
SESSION_DOORS = {("POST", f"{API}/session"), ("DELETE", f"{API}/session")}


async def test_every_route_but_the_doors_needs_sign_in(core: App, stranger: Api) -> None:
    asked = set()
    for rule in core.api.url_map.iter_rules():
        path = rule.rule.replace("<", "").replace(">", "")
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if (method, path) in PUBLIC | SESSION_DOORS:
                continue
            response = await stranger.client.request(method, path, content=b"{broken")
            assert response.status_code == 401, (method, path)
            assert response.headers["www-authenticate"] == "Bearer"
            assert response.json()["code"] == "unauthorized"
            asked.add((method, path))
    assert ("GET", f"{API}/openapi.json") in asked
    assert len(asked) >= 40


@pytest.mark.parametrize(
    "path",
    [
        "//api/scheduler/stats",
        "///api//scheduler/stats",
        "/api//scheduler/tasks",
        "/%61pi/scheduler/stats",
        "/./api/scheduler/stats",
        "/healthz/../api/scheduler/stats",
        "/API/scheduler/stats",
        "//metrics/../api/scheduler/plugins/",
    ],
)
async def test_other_spellings_of_a_path_open_nothing(core: App, stranger: Api, path: str) -> None:
    request = stranger.client.build_request("GET", BASE_URL)
    request.url = request.url.copy_with(raw_path=path.encode())
    response = await stranger.client.send(request)
    assert response.status_code in (401, 404)


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/scheduler", "/api/nonsense", "/api/scheduler/nonsense"])
async def test_unknown_paths_tell_a_stranger_nothing(stranger: Api, api: Api, path: str) -> None:
    assert (await stranger.client.get(path)).status_code == 401
    assert (await api.client.get(path)).status_code == 404


@pytest.mark.parametrize(
    "authorization",
    [
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer ",
        "Bearer",
        f"Basic {TOKEN}",
        TOKEN,
        "",
        "Bearer sch_0123456789_" + "x" * 43 + "00000000",
        b"Bearer \xff\xfe",
    ],
)
async def test_other_tokens_are_refused(stranger: Api, authorization: str | bytes) -> None:
    response = await stranger("GET", "/stats", headers={b"Authorization": authorization})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


async def test_the_scheme_is_read_in_any_case(stranger: Api) -> None:
    assert (await stranger("GET", "/stats", headers={"Authorization": f"bearer {TOKEN}"})).status_code == 200


async def test_a_made_token_works(core: App, stranger: Api) -> None:
    token = await core.access.create_token()
    good = await stranger("GET", "/session", headers={"Authorization": f"Bearer {token}"})
    assert good.status_code == 200
    assert good.json() == {"authMode": "token", "signedInBy": "token", "expiresAt": None}


async def test_a_token_becomes_a_session(stranger: Api) -> None:
    response = await stranger("POST", "/session", json={"token": TOKEN})
    assert (response.status_code, response.content) == (204, b"")
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("cronplug_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie
    assert "Max-Age=604800" in cookie
    assert TOKEN not in cookie
    session = await stranger.get("/session")
    assert (session["authMode"], session["signedInBy"]) == ("token", "session")
    assert session["expiresAt"].endswith("Z")
    assert (await stranger("DELETE", "/session", headers={"Origin": BASE_URL})).status_code == 204
    assert (await stranger("GET", "/session")).status_code == 401


async def test_a_wrong_token_makes_no_session(stranger: Api) -> None:
    response = await stranger("POST", "/session", json={"token": "wrong"})
    assert response.status_code == 401
    assert "set-cookie" not in response.headers


async def test_an_ended_session_cannot_be_used_again(stranger: Api) -> None:
    await stranger("POST", "/session", json={"token": TOKEN})
    cookie = stranger.client.cookies["cronplug_session"]
    await stranger("DELETE", "/session", headers={"Sec-Fetch-Site": "same-origin"})
    response = await stranger("GET", "/stats", headers={"Cookie": f"cronplug_session={cookie}"})
    assert response.status_code == 401


async def test_signing_out_twice_is_fine(stranger: Api) -> None:
    assert (await stranger("DELETE", "/session")).status_code == 204


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "same-origin", "Origin": BASE_URL}, 201),
        ({"Origin": BASE_URL}, 201),
        ({}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": BASE_URL}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:3400"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": f"{BASE_URL}.evil.example"}, 403),
    ],
)
async def test_a_write_with_a_cookie_must_be_same_origin(stranger: Api, headers: dict[str, str], status: int) -> None:
    await stranger("POST", "/session", json={"token": TOKEN})
    body = {"name": "from a page", "type": "http", "httpUrl": "http://a.example", "enabled": False}
    response = await stranger("POST", "/tasks", json=body, headers=headers)
    assert response.status_code == status
    if status == 403:
        assert response.json()["code"] == "csrf"
    assert (await stranger("GET", "/tasks", headers=headers)).status_code == 200


async def test_a_write_with_a_token_may_come_from_anywhere(api: Api) -> None:
    body = {"name": "from a script", "type": "http", "httpUrl": "http://a.example", "enabled": False}
    response = await api("POST", "/tasks", json=body, headers={"Origin": "http://elsewhere.example"})
    assert response.status_code == 201


async def test_another_sites_page_cannot_sign_a_browser_in(stranger: Api) -> None:
    response = await stranger("POST", "/session", json={"token": TOKEN}, headers={"Sec-Fetch-Site": "cross-site"})
    assert (response.status_code, response.json()["code"]) == (403, "csrf")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:3399", "localhost.evil.example", "127.0.0.1.nip.io", ""]
)
async def test_a_loopback_server_answers_to_no_other_name(api: Api, host: str) -> None:
    response = await api("GET", "/stats", headers={"Host": host})
    assert (response.status_code, response.json()["code"]) == (403, "host")


@asynccontextmanager
async def reached_as(core: App, **changes: Any) -> AsyncIterator[Api]:
    """The API for a stranger, as if the core had been started with other settings."""
    settings = dataclasses.replace(core.settings, **changes)

    async def health() -> dict[str, Any]:
        return {"status": "stopping", "checks": {"store": {"ok": True}}}

    app = create_api(
        core.operations,
        settings=settings,
        access=core.access,
        bus=core.bus,
        health=health,
        metrics=core.metrics,
        facts=dict,
    )
    inside = httpx.ASGITransport(app=app)  # type: ignore[arg-type]  # Quart types its scopes more narrowly
    async with httpx.AsyncClient(transport=inside, base_url="http://cron.example") as client:
        yield Api(client, core.bus)


async def test_an_exposed_server_answers_to_any_name(core: App) -> None:
    async with reached_as(core, host="0.0.0.0") as api:
        assert (await api("GET", "/stats")).status_code == 401


async def test_a_server_on_loopback_answers_to_its_public_name(core: App) -> None:
    async with reached_as(core, base_url="https://cron.example") as api:
        assert (await api("GET", "/stats")).status_code == 401


async def test_metrics_of_an_exposed_server_need_sign_in(core: App) -> None:
    async with reached_as(core, host="0.0.0.0") as api:
        refused = await api.client.get("/metrics")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        signed = await api.client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert signed.status_code == 200


async def test_behind_https_the_cookie_is_secure_and_the_public_origin_ours(core: App) -> None:
    async with reached_as(core, base_url="https://cron.example") as api:
        headers = {"Origin": "https://cron.example"}
        response = await api("POST", "/session", json={"token": TOKEN}, headers=headers)
        assert response.status_code == 204
        assert "Secure" in response.headers["set-cookie"]
        cookie = response.headers["set-cookie"].partition(";")[0]
        rescan = await api("POST", "/executions/none/cancel", headers=headers | {"Cookie": cookie})
        assert rescan.status_code == 404


async def test_a_stopping_server_is_up_but_not_ready(core: App) -> None:
    async with reached_as(core, host="0.0.0.0") as api:
        ready = await api.client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "stopping")
        assert (await api.client.get("/healthz")).status_code == 200


@pytest.mark.parametrize("host", ["localhost:3399", "127.0.0.1", "[::1]:3399", "cron.localhost"])
async def test_a_loopback_server_answers_to_this_machines_names(api: Api, host: str) -> None:
    assert (await api("GET", "/stats", headers={"Host": host})).status_code == 200


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def open_api(sample_plugin: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """The API of a server with SCHEDULER_AUTH=none."""
    app, end = await held(started(settings_for(tmp_path_factory.mktemp("open"), auth="none")))
    async with httpx.AsyncClient(transport=transport(app), base_url=BASE_URL) as client:
        yield Api(client, app.bus)
    await end()


async def test_without_sign_in_nobody_is_asked(open_api: Api) -> None:
    assert (await open_api.get("/session"))["authMode"] == "none"
    await open_api.make_task()


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}])
async def test_without_sign_in_other_sites_pages_are_refused_all_the_same(
    open_api: Api, headers: dict[str, str]
) -> None:
    response = await open_api("POST", "/plugins/rescan", headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "csrf")
