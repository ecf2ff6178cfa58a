"""The admin's files."""

from __future__ import annotations

import gzip
import os
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from cronplug.api.pages import AdminPages
from tests.api.conftest import BASE_URL, Api

pytestmark = pytest.mark.asyncio(loop_scope="session")

INDEX = b"<!doctype html><title>built</title>"
SCRIPT = b"console.log('built')" * 50


async def elsewhere(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"elsewhere"})


@pytest_asyncio.fixture(loop_scope="session")
async def pages(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "index.html").write_bytes(INDEX)
    (folder / "theme.js").write_bytes(b"1")
    (folder / "assets" / "index-abc123.js").write_bytes(SCRIPT)
    (folder / "assets" / "index-abc123.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "assets" / "index-abc123.js.br").write_bytes(b"brotli")
    transport = httpx.ASGITransport(app=AdminPages(elsewhere, folder))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield client


@pytest.mark.parametrize(
    "path",
    [
        "/admin/scheduler/",
        "/admin/scheduler/tasks",
        "/admin/scheduler/tasks/abc/edit",
        "/admin/scheduler/functions/acme.report",
    ],
)
async def test_every_page_is_the_index(pages: httpx.AsyncClient, path: str) -> None:
    response = await pages.get(path)
    assert (response.status_code, response.content) == (200, INDEX)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/", "/admin/scheduler/"),
        ("/admin/scheduler", "/admin/scheduler/"),
        ("/admin/scheduler?a=1", "/admin/scheduler/?a=1"),
    ],
)
async def test_the_way_in_redirects(pages: httpx.AsyncClient, path: str, location: str) -> None:
    response = await pages.get(path)
    assert (response.status_code, response.headers["location"]) == (307, location)


async def test_hashed_assets_are_kept_for_ever(pages: httpx.AsyncClient) -> None:
    response = await pages.get("/admin/scheduler/assets/index-abc123.js", headers={"Accept-Encoding": "identity"})
    assert response.content == SCRIPT
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("identity", None), ("", None)],
)
async def test_assets_come_compressed(pages: httpx.AsyncClient, accept: str, encoding: str | None) -> None:
    request = pages.build_request("GET", "/admin/scheduler/assets/index-abc123.js", headers={"Accept-Encoding": accept})
    response = await pages.send(request, stream=True)
    assert response.headers.get("content-encoding") == encoding
    await response.aclose()


@pytest.mark.parametrize(
    "path",
    [
        "/admin/scheduler/assets/missing.js",
        "/admin/scheduler/missing.png",
        "/admin/scheduler/%2e%2e/secret.txt",
        "/admin/scheduler/..%2fsecret.txt",
        "/admin/scheduler//etc/passwd.txt",
        "/admin/scheduler/assets/index-abc123.js.gz",
    ],
)
async def test_a_missing_file_is_404(pages: httpx.AsyncClient, path: str) -> None:
    request = pages.build_request("GET", BASE_URL)
    request.url = request.url.copy_with(raw_path=path.encode())
    response = await pages.send(request)
    assert response.status_code == 404
    assert b"secret" not in response.content


async def test_an_unchanged_file_is_not_sent_again(pages: httpx.AsyncClient) -> None:
    first = await pages.get("/admin/scheduler/")
    again = await pages.get("/admin/scheduler/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_head_has_no_body(pages: httpx.AsyncClient) -> None:
    response = await pages.head("/admin/scheduler/")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == str(len(INDEX))


async def test_files_are_only_read(pages: httpx.AsyncClient) -> None:
    response = await pages.post("/admin/scheduler/")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/api/scheduler/tasks", "/healthz", "/administrator", "/admin", "/admin/schedulers"])
async def test_other_paths_are_handed_on(pages: httpx.AsyncClient, path: str) -> None:
    assert (await pages.get(path)).status_code == 299


async def test_a_clone_without_built_pages_says_so(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(app=AdminPages(elsewhere, tmp_path / "none"))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        response = await client.get("/admin/scheduler/")
    assert response.status_code == 200
    assert "not built" in response.text


async def test_a_new_build_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "static"
    transport = httpx.ASGITransport(app=AdminPages(elsewhere, folder))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        assert "not built" in (await client.get("/admin/scheduler/")).text
        folder.mkdir()
        (folder / "index.html").write_bytes(INDEX)
        assert (await client.get("/admin/scheduler/")).content == INDEX
        (folder / "index.html").write_bytes(b"newer")
        os.utime(folder / "index.html", ns=(1, 1))
        assert (await client.get("/admin/scheduler/")).content == b"newer"


async def test_pages_need_no_sign_in(stranger: Api) -> None:
    assert (await stranger.client.get("/admin/scheduler/")).status_code == 200
    assert (await stranger.client.get("/")).status_code == 307
