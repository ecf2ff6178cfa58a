"""What a person chooses for themself, and what the settings tell."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.acceptance.server import Server
from tests.e2e.acting import choose
from tests.e2e.conftest import NewContext
from tests.e2e.watching import Watch

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_a_chosen_theme_is_there_from_the_first_paint_on(new_context: NewContext, watch: Watch) -> None:
    page = await watch.open(await new_context(color_scheme="light"))
    await page.goto("settings")
    await expect(page.locator("html")).to_have_class("light")
    await choose(page, "Dark")
    await expect(page.locator("html")).to_have_class("dark")

    # The app's own code runs after this event, the theme must not wait for it.
    await page.add_init_script(
        "document.addEventListener('readystatechange', () => window.early ??= document.documentElement.className)"
    )
    await page.reload()

    await expect(page.get_by_role("radio", name="Dark")).to_be_checked()
    assert await page.evaluate("() => window.early") == "dark"


async def test_the_theme_button_switches_back_and_forth(new_context: NewContext, watch: Watch) -> None:
    page = await watch.open(await new_context(color_scheme="light"))
    await page.goto("tasks")

    await page.get_by_role("button", name="Switch to the dark theme").click()
    await expect(page.locator("html")).to_have_class("dark")
    await page.get_by_role("button", name="Switch to the light theme").click()

    await expect(page.locator("html")).to_have_class("light")


async def test_times_are_shown_on_the_chosen_clock(new_context: NewContext, watch: Watch, server: Server) -> None:
    task = server.create_task(
        name="In New York",
        type="function",
        functionName="maintenance.heartbeat",
        cronExpression="0 3 * * *",
        timezone="America/New_York",
    )
    page = await watch.open(await new_context())
    await page.goto("settings")
    await choose(page, "The task’s")

    await page.goto(f"tasks/{task['id']}")
    await expect(page.get_by_text(re.compile(r"03:00 -0[45]:00")).first).to_be_visible()
    await page.goto("settings")
    await choose(page, "UTC")
    await page.goto(f"tasks/{task['id']}")

    await expect(page.get_by_text(re.compile(r"0[78]:00 (\+00:00|UTC)")).first).to_be_visible()


async def test_single_key_shortcuts_can_be_switched_off(new_context: NewContext, watch: Watch) -> None:
    page = await watch.open(await new_context())
    await page.goto("functions")
    search = page.get_by_role("searchbox", name="Search functions")
    await expect(search).to_be_visible()
    await page.keyboard.press("/")
    await expect(search).to_be_focused()
    await page.goto("settings")
    await page.get_by_role("switch", name="Single-key shortcuts").click()

    await page.goto("functions")
    await expect(search).to_be_visible()
    await page.keyboard.press("/")

    await expect(search).not_to_be_focused()


async def test_settings_tell_about_the_server(page: Page) -> None:
    await page.goto("settings")

    server = page.get_by_role("region", name="Server")
    await expect(server.get_by_text("SQLite", exact=True)).to_be_visible()
    await expect(server.get_by_text("UTC", exact=True)).to_be_visible()
