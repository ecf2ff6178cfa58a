"""How a task went and what it was: its calendar, its course, its errors, its history."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.acceptance.server import Server
from tests.e2e.acting import settle, stay, stayed

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def ran(server: Server) -> dict[str, str]:
    """A task with three successes and two failures, all of this moment, and its newest failed execution."""
    task = server.create_task(
        name="Ups and downs",
        type="function",
        functionName="stage.say",
        functionPayload={"lines": ["fine"]},
        cronExpression="0 3 * * *",
        timezone="Europe/Helsinki",
    )
    for _ in range(3):
        server.until_status(server.trigger(task["id"]), "success")
    server.client.put(
        f"/tasks/{task['id']}", json={"functionName": "acme.fail", "functionPayload": {"text": "row 17 is bad"}}
    ).raise_for_status()
    failed = ""
    for row in (17, 4711):
        failed = server.trigger(task["id"], payload={"text": f"row {row} is bad"})
        server.until_status(failed, "failed")
    return {"task": task["id"], "failed": failed}


def panel(page: Page, name: str) -> Locator:
    """A part of the page by its title."""
    return page.get_by_role("region", name=name, exact=True)


async def test_the_calendar_tells_each_day_and_leads_to_its_executions(page: Page, ran: dict[str, str]) -> None:
    await page.goto(f"tasks/{ran['task']}")
    year = panel(page, "The last 11 months and the next 4 weeks")
    await expect(year).to_contain_text("Failures on 1 of 1 days")
    assert await year.locator(".heat-fail3").count() == 2, "the day, and the colour in the legend"
    await expect(year.locator("svg .heat-day.heat-planned").nth(25)).to_be_attached()  # at least 26

    await year.get_by_role("group", name=re.compile("The last 11 months")).focus()

    await expect(year.get_by_role("status")).to_contain_text("5 executions, 2 failed (40%)")
    await page.keyboard.press("ArrowLeft")
    await expect(year.get_by_role("status")).to_contain_text("nothing ran")
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/executions\?task=.*from="))
    await expect(page.get_by_text("5 executions", exact=True)).to_be_visible()


async def test_the_calendar_has_a_table_with_the_same_numbers(page: Page, ran: dict[str, str]) -> None:
    await page.goto(f"tasks/{ran['task']}")
    year = panel(page, "The last 11 months and the next 4 weeks")

    await year.get_by_role("button", name=re.compile("as a table")).click()

    await expect(year.get_by_role("row")).to_have_count(2)
    for text in ("5", "2", "40%"):
        await expect(year.get_by_role("cell", name=text, exact=True)).to_be_visible()
    await year.get_by_role("rowheader").get_by_role("link").click()
    await expect(page.get_by_text("5 executions", exact=True)).to_be_visible()


async def test_the_course_is_told_in_words_drawn_and_listed(page: Page, ran: dict[str, str]) -> None:
    await page.goto(f"tasks/{ran['task']}")
    course = panel(page, "Duration and failures")

    await expect(course.get_by_role("status")).to_contain_text("5 executions, 60% of them successful: 2 failures.")
    await expect(course.get_by_role("img", name="2 failures over the same time")).to_be_visible()
    await expect(course.locator("canvas")).to_have_count(2)
    await course.get_by_role("combobox", name="Stretch of time").select_option("24 hours")
    await expect(page).to_have_url(re.compile(r"chart=day"))
    await course.get_by_role("button", name=re.compile("as a table")).click()
    await expect(course.get_by_role("columnheader", name="Hour")).to_be_visible()


async def test_errors_that_differ_by_a_number_are_one_and_lead_to_the_last(page: Page, ran: dict[str, str]) -> None:
    await page.goto(f"tasks/{ran['task']}")
    errors = panel(page, "Errors of the last 30 days").get_by_role("listitem")

    await expect(errors).to_have_count(1)
    await expect(errors).to_contain_text("2×")
    await errors.get_by_role("link").click()

    await expect(page).to_have_url(re.compile(ran["failed"]))


async def test_executions_come_in_by_themselves_and_can_be_filtered(page: Page, server: Server) -> None:
    task = server.create_task(name="Grows", type="function", functionName="stage.say", functionPayload={"lines": []})
    server.until_status(server.trigger(task["id"]), "success")
    await page.goto(f"tasks/{task['id']}?tab=executions")
    rows = page.get_by_role("table", name="Executions").get_by_role("row").filter(has=page.get_by_role("link"))
    await expect(rows).to_have_count(1)
    await stay(page)

    server.trigger(task["id"])

    await expect(rows).to_have_count(2)
    assert await stayed(page)
    await page.get_by_role("button", name="Status: Any status").click()
    await page.get_by_role("checkbox", name="Failed").check()
    await expect(page.get_by_text("No execution matches")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"status=failed"))


async def test_a_revision_shows_what_changed_and_is_restored(page: Page, server: Server) -> None:
    task = server.create_task(
        name="Often changed", type="function", functionName="stage.count", functionPayload={"lines": 3}
    )
    server.client.put(f"/tasks/{task['id']}", json={"functionPayload": {"lines": 7}, "maxRetries": 2})
    await page.goto(f"tasks/{task['id']}")
    await page.get_by_role("navigation", name="Parts of this task").get_by_role("button", name="History").click()
    revisions = page.get_by_role("list", name="Revisions, newest first").get_by_role("listitem")
    await expect(revisions).to_have_count(2)
    await expect(revisions.first.get_by_role("region", name="functionPayload")).to_contain_text('"lines": 3')
    await expect(revisions.first.get_by_role("region", name="functionPayload")).to_contain_text('"lines": 7')

    await page.get_by_role("button", name="Restore revision 1").click()
    question = page.get_by_role("dialog", name="Restore revision 1?")
    await question.get_by_role("button", name="Restore it").click()

    await expect(page.get_by_role("heading", name="Revision 3")).to_be_visible()
    assert server.client.get(f"/tasks/{task['id']}").json()["task"]["functionPayload"] == {"lines": 3}


async def test_a_task_that_never_ran_says_so_quietly(page: Page, server: Server) -> None:
    task = server.create_task(name="Still young", type="function", functionName="acme.huge")

    await page.goto(f"tasks/{task['id']}")

    await settle(page)
    await expect(panel(page, "The last 11 months and the next 4 weeks")).to_contain_text("Nothing has run yet.")
    await expect(panel(page, "Duration and failures")).to_contain_text("Nothing ran in this time.")
