"""The registry of functions and the plugins behind it: found, understood, tried out, and looked at before they change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.acceptance.server import Server
from tests.e2e.acting import choose
from tests.e2e.stage import install_later, remove_later

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
    how = page.get_by_role("region", name="How it runs")
    await expect(how.get_by_text("In a worker process")).to_be_visible()
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

    found = page.get_by_role("status").filter(has=page.get_by_role("heading", name="Looked again"))
    await expect(found.get_by_text("acme-later")).to_be_visible()
    await expect(page.get_by_role("heading", name="acme-later")).to_be_visible()
    await found.get_by_role("link", name="later.hello").click()
    await page.get_by_role("button", name="Invoke", exact=True).click()
    await expect(page.get_by_role("region", name="Result")).to_contain_text("hello")


async def test_what_became_of_the_runs_of_a_function_is_told(page: Page, server: Server) -> None:
    done, failed = server.invoke("acme.count", {"lines": 1}), server.invoke("acme.fail", {})
    server.until_status(done, "success")
    server.until_status(failed, "failed")

    await page.goto("functions")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="acme.fail", exact=True))
    await expect(row.get_by_text("100% failed")).to_be_visible()
    await row.get_by_role("link", name="acme.fail", exact=True).click()

    figures = page.get_by_role("navigation", name="Last 7 days")
    await figures.get_by_role("link").filter(has_text="Failed, 7 days").click()
    await expect(page).to_have_url(re.compile(r"/executions\?.*function=acme\.fail"))
    await expect(page.get_by_role("row").filter(has_text="acme.fail").get_by_text("Failed")).to_be_visible()


async def test_a_long_run_is_followed_and_can_be_cancelled_where_it_was_started(page: Page) -> None:
    await page.goto("functions/acme.wait")
    panel = page.get_by_role("region", name="Invoke now")
    await panel.get_by_label("Seconds").fill("600")
    await panel.get_by_role("button", name="Invoke").click()
    await expect(panel.get_by_text("Running", exact=True)).to_be_visible()
    await expect(panel.get_by_role("group", name="Log")).to_contain_text("waiting")

    await panel.get_by_role("button", name="Cancel").click()

    await expect(panel.get_by_text("Cancelled", exact=True)).to_be_visible()


async def test_looking_again_says_when_nothing_has_changed(page: Page) -> None:
    await page.goto("plugins")
    await page.get_by_role("button", name="Look again").click()

    found = page.get_by_role("status").filter(has=page.get_by_role("heading", name="Looked again"))
    await expect(found.get_by_text("Nothing has changed.")).to_be_visible()
    await found.get_by_role("button", name="Close").click()
    await expect(found).to_have_count(0)


async def test_the_impact_of_a_plugin_that_is_gone_names_the_tasks_that_would_break(
    page: Page, server: Server, site: Path
) -> None:
    if not (site / "acme_later.py").exists():
        install_later(site)
    server.client.post("/plugins/rescan").raise_for_status()
    task = server.create_task(name="Says hello", type="function", functionName="later.hello")
    remove_later(site)
    await page.goto("plugins")

    opener = page.get_by_role("button", name="Check impact of acme-later")
    await opener.click()

    impact = page.get_by_role("dialog", name="Impact of acme-later")
    await expect(impact.get_by_text("1 task would not run")).to_be_visible()
    await expect(impact.get_by_text("There is no later.hello in it.")).to_be_visible()
    await expect(impact.get_by_role("link", name="Says hello")).to_have_attribute("href", re.compile(task["id"]))
    await page.keyboard.press("Escape")
    await expect(impact).to_have_count(0)
    await expect(opener).to_be_focused()


async def test_the_impact_of_a_version_that_is_not_installed_is_asked_for_with_its_functions(
    page: Page, server: Server
) -> None:
    server.create_task(
        name="Greets briefly", type="function", functionName="acme.greet", functionPayload={"name": "Ada"}
    )
    await page.goto("plugins")
    await page.get_by_role("button", name="Check impact of acme-contract").click()
    impact = page.get_by_role("dialog", name="Impact of acme-contract")
    await expect(impact.get_by_text("No task would break.")).to_be_visible()

    await choose(impact, "Another version")
    pasted = impact.get_by_label("Functions of the new version")
    await pasted.fill("[1]")
    await impact.get_by_role("button", name="Check", exact=True).click()
    await expect(pasted).to_have_accessible_description(re.compile("not what"))
    await pasted.fill(
        '[{"name": "acme.greet", "plugin": "acme-contract", "version": "3.0", "payloadSchema": '
        '{"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}}}}]'
    )
    await impact.get_by_role("button", name="Check", exact=True).click()

    await expect(impact.get_by_text("2.5 → 3.0")).to_be_visible()
    await expect(impact.get_by_role("link", name="Greets briefly")).to_be_visible()
    await expect(impact.get_by_text("The payload does not fit acme.greet.")).to_be_visible()
    await expect(impact.get_by_text("Functions that go")).to_be_visible()
