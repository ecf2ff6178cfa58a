"""Signing in and out, and what becomes of a session that ends."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.acceptance.server import TOKEN, Server
from tests.e2e.conftest import NewContext
from tests.e2e.watching import Watch

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

COOKIE = "cronplug_session"
FIRST_PAGE = "Your first task, in a minute"
"""Of a server without tasks."""


async def stranger(new_context: NewContext, watch: Watch) -> Page:
    """A page of somebody who has not signed in."""
    return await watch.open(await new_context(signed_in=False))


async def paste_token(page: Page, token: str) -> None:
    await page.get_by_label("Admin token").fill(token)
    await page.get_by_role("button", name="Sign in").click()


async def test_the_printed_link_signs_in_and_leaves_no_token_behind(new_context: NewContext, watch: Watch) -> None:
    page = await stranger(new_context, watch)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.headers.get('referer', '')}"))

    await page.goto(f"#token={TOKEN}")

    await expect(page.get_by_role("heading", name=FIRST_PAGE)).to_be_visible()
    assert TOKEN not in page.url
    assert not [each for each in asked if TOKEN in each.partition("#")[0]]
    cookies = {cookie["name"]: cookie for cookie in await page.context.cookies()}
    assert cookies[COOKIE]["httpOnly"]
    assert cookies[COOKIE]["sameSite"] == "Lax"
    assert TOKEN not in cookies[COOKIE]["value"]
    assert await page.evaluate("() => document.cookie + JSON.stringify({...localStorage, ...sessionStorage})") == "{}"


async def test_a_pasted_token_leads_to_the_page_that_was_asked_for(new_context: NewContext, watch: Watch) -> None:
    page = await stranger(new_context, watch)

    await page.goto("functions?q=greet")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await expect(page.get_by_label("Admin token")).to_be_focused()
    await paste_token(page, TOKEN)

    await expect(page).to_have_url(re.compile(r"/admin/scheduler/functions\?q=greet$"))
    await expect(page.get_by_role("link", name="example.greet", exact=True)).to_be_visible()


async def test_a_wrong_token_is_refused_beside_its_field(new_context: NewContext, watch: Watch) -> None:
    page = await stranger(new_context, watch)

    await page.goto("tasks")
    await paste_token(page, "not-the-token-not-the-token-not-the-token")

    await expect(page.get_by_role("alert")).to_have_text("The server does not know this token.")
    await expect(page.get_by_label("Admin token")).to_be_focused()
    assert not await page.context.cookies()


async def test_a_link_with_a_wrong_token_leads_to_the_sign_in_page(new_context: NewContext, watch: Watch) -> None:
    page = await stranger(new_context, watch)

    await page.goto("#token=not-the-token-not-the-token-not-the-token")

    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "token=" not in page.url


async def test_sign_in_leads_to_no_other_site(new_context: NewContext, watch: Watch) -> None:
    page = await stranger(new_context, watch)

    await page.goto("sign-in?next=//example.com/")
    await paste_token(page, TOKEN)

    await expect(page.get_by_role("heading", name=FIRST_PAGE)).to_be_visible()


async def test_a_session_that_ends_leads_back_to_the_same_address(
    new_context: NewContext, watch: Watch, server: Server
) -> None:
    page = await watch.open(await new_context())
    await page.goto("executions?status=failed&trigger=manual")
    await expect(page.get_by_text("No execution matches")).to_be_visible()
    cookies = {str(cookie["name"]): str(cookie["value"]) for cookie in await page.context.cookies()}
    async with httpx.AsyncClient(cookies={COOKIE: cookies[COOKIE]}) as elsewhere:
        same_site = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
        answer = await elsewhere.delete(f"{server.url}/api/scheduler/session", headers=same_site)
    assert answer.status_code == 204

    await page.get_by_role("combobox", name="Trigger").select_option("schedule")

    await expect(page.get_by_text("Your session has ended.")).to_be_visible()
    await paste_token(page, TOKEN)
    await expect(page).to_have_url(re.compile(r"/executions\?status=failed&trigger=schedule$"))
    await expect(page.get_by_text("No execution matches")).to_be_visible()


async def test_signing_out_ends_the_session(new_context: NewContext, watch: Watch, server: Server) -> None:
    page = await watch.open(await new_context())
    await page.goto("settings")

    await page.get_by_role("button", name="Sign out").click()

    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    answer = await page.context.request.get(f"{server.url}/api/scheduler/tasks")
    assert answer.status == 401
