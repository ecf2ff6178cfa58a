"""Functions, plugins and settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.acceptance.server import Server
from tests.e2e.acting import choose
from tests.e2e.conftest import NewContext
from tests.e2e.stage import install_later
from tests.e2e.watching import Watch

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_functions_are_found_by_their_words(page: Page) -> None:
    await page.goto("functions")
    await expect(page.get_by_role("link", name="maintenance.heartbeat", exact=True)).to_be_visible()

    await page.get_by_role("searchbox", name="Search functions").fill("primes")

    await expect(page.get_by_role("link", name="example.crunch", exact=True)).to_be_visible()
    await expect(page.get_by_role("link", name="maintenance.heartbeat", exact=True)).to_have_count(0)
    await expect(page).to_have_url(re.compile(r"\?q=primes$"))


async def test_a_function_tells_what_it_wants(page: Page) -> None:
    await page.goto("functions")
    await page.get_by_role("link", name="example.report", exact=True).click()

    payload = page.get_by_role("region", name="Payload").first
    await expect(payload.get_by_text("layout.decimals")).to_be_visible()
    await expect(payload.get_by_text("Digits after the point")).to_be_visible()
    await expect(page.get_by_text("No task runs this function yet.")).to_be_visible()


async def test_a_function_is_invoked_and_answers_in_place(page: Page) -> None:
    await page.goto("functions/example.crunch")
    panel = page.get_by_role("region", name="Invoke now")
    await panel.get_by_label("Limit").fill("1000")

    await panel.get_by_role("button", name="Invoke").click()

    await expect(panel.get_by_text("Success", exact=True)).to_be_visible()
    await expect(panel.get_by_role("region", name="Result")).to_contain_text("168 primes below 1,000")
    await expect(panel.get_by_role("group", name="Log")).to_contain_text("sieving the numbers below 1,000")
    await panel.get_by_role("link", name="Open the execution").click()
    await expect(page).to_have_url(re.compile(r"/executions/\w+$"))


async def test_a_payload_that_does_not_fit_is_told_at_its_field(page: Page) -> None:
    await page.goto("functions/example.crunch")
    panel = page.get_by_role("region", name="Invoke now")
    await panel.get_by_label("Limit").fill("5")

    await panel.get_by_role("button", name="Invoke").click()

    await expect(panel.get_by_label("Limit")).to_have_accessible_description(re.compile("10"))
    await expect(panel.get_by_label("Limit")).to_have_attribute("aria-invalid", "true")


async def test_a_function_begins_a_task(page: Page) -> None:
    await page.goto("functions/example.greet")

    await page.get_by_role("link", name="New task with this").click()

    form = page.get_by_role("dialog", name="New task")
    await expect(form.get_by_role("button", name="Function", exact=True)).to_contain_text("example.greet")
    await expect(form.get_by_label("Greeting")).to_be_visible()


async def test_an_unknown_function_is_said_to_be_none(page: Page) -> None:
    await page.goto("functions/no.such-thing")

    await expect(page.get_by_text("There is no function no.such-thing")).to_be_visible()


async def test_a_broken_plugin_comes_first_and_says_where_it_broke(page: Page) -> None:
    await page.goto("plugins")

    broken = page.get_by_role("main").get_by_role("listitem").filter(has=page.get_by_role("heading")).first
    await expect(broken.get_by_role("heading", name="acme-broken")).to_be_visible()
    await expect(broken.get_by_text("the wind blew it away").first).to_be_visible()
    await broken.get_by_text("Where it happened").click()
    await expect(broken.get_by_role("region", name="What went wrong in acme-broken")).to_contain_text("acme_broken.py")


async def test_a_plugin_installed_meanwhile_is_found_by_looking_again(page: Page, site: Path) -> None:
    await page.goto("plugins")
    await expect(page.get_by_role("heading", name="cronplug-example")).to_be_visible()
    install_later(site)

    await page.get_by_role("button", name="Look again").click()

    await expect(page.get_by_role("heading", name="acme-later")).to_be_visible()
    await page.get_by_role("link", name="later.hello").click()
    await page.get_by_role("button", name="Invoke").click()
    await expect(page.get_by_role("region", name="Result")).to_contain_text("hello")


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
    await expect(server.get_by_text("SQLite")).to_be_visible()
    await expect(server.get_by_text("UTC", exact=True)).to_be_visible()
