"""Fixtures of the browser tests: one browser for the run, a real server with real plugins for each module.

Every page is watched: a test in which a page broke its content security policy, asked another origin for anything, or threw an
error fails, whatever else it shows.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from cronplug.api.pages import STATIC_FOLDER
from tests.acceptance.server import TOKEN, Server
from tests.acceptance.strangers import Target, running_target
from tests.e2e.stage import install_stage
from tests.e2e.watching import Watch

PATIENCE_MILLIS = 60_000

NewContext = Callable[..., Awaitable[BrowserContext]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium_path: Path) -> AsyncIterator[Browser]:
    """One headless Chromium for the whole run."""
    if not (STATIC_FOLDER / "index.html").exists():
        pytest.fail("the admin is not built: `./dev test` builds it", pytrace=False)
    expect.set_options(timeout=PATIENCE_MILLIS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path)
        yield browser
        await browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the module's plugins; what is installed into it later is found by a rescan."""
    site = tmp_path_factory.mktemp("site")
    install_stage(site)
    return site


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, site: Path) -> Iterator[Server]:
    """A running server on an empty SQLite database, with the first-party plugins and those of `site`."""
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))
    server = Server(tmp_path_factory.mktemp("served") / "data", PYTHONPATH=path)
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """An HTTP server for HTTP tasks to call."""
    with running_target() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def _contexts(browser: Browser, server: Server) -> AsyncIterator[NewContext]:
    made: list[BrowserContext] = []

    async def make(*, signed_in: bool = True, **options: Any) -> BrowserContext:
        context = await browser.new_context(
            **{
                "base_url": f"{server.url}/admin/scheduler/",
                "viewport": {"width": 1280, "height": 800},
                "locale": "en-GB",
                "timezone_id": "Europe/Helsinki",
                "reduced_motion": "reduce",
                **options,
            }
        )
        made.append(context)
        context.set_default_timeout(PATIENCE_MILLIS)
        if signed_in:
            await sign_in(context, server)
        return context

    yield make
    for context in made:
        await context.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def context(_contexts: NewContext) -> BrowserContext:
    """The signed-in browser profile of the module; its pages share one cache of files, which makes them quick."""
    return await _contexts()


@pytest_asyncio.fixture(loop_scope="session")
async def watch(server: Server) -> AsyncIterator[Watch]:
    """Notes what goes wrong in pages; the test fails when something did."""
    watch = Watch(server.url)
    yield watch
    assert watch.faults == []


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext, watch: Watch) -> AsyncIterator[Page]:
    """A fresh watched tab in the module's browser profile."""
    page = await watch.open(context)
    yield page
    await page.close()


@pytest_asyncio.fixture(loop_scope="session")
async def new_context(_contexts: NewContext) -> AsyncIterator[NewContext]:
    """Makes browser profiles of the test's own, signed in unless told otherwise."""
    made: list[BrowserContext] = []

    async def make(**options: Any) -> BrowserContext:
        context = await _contexts(**options)
        made.append(context)
        return context

    yield make
    for context in made:
        await context.close()


async def sign_in(context: BrowserContext, server: Server) -> None:
    """Give a browser profile its session, past the sign-in page."""
    answer = await context.request.post(f"{server.url}/api/scheduler/session", data={"token": TOKEN})
    assert answer.status == 204, await answer.text()
