"""The list of tasks and a task's page: finding, switching, running and deleting, live."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Error, Locator, Page, Route, expect

from tests.acceptance.server import Server
from tests.e2e.acting import choose, stay, stayed
from tests.e2e.conftest import NewContext
from tests.e2e.stage import install_later, remove_later
from tests.e2e.watching import Watch

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


def a_task(server: Server, name: str, **fields: Any) -> dict[str, Any]:
    """A stored task that greets, by hand unless told otherwise."""
    function = {"type": "function", "functionName": "acme.greet", "functionPayload": {"name": "Ada"}}
    return server.create_task(name=name, **{**function, **fields})


def row_of(page: Page, name: str) -> Locator:
    """The row of a task in the list."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


async def open_menu(page: Page, name: str) -> Locator:
    """The menu of a task, open."""
    await page.get_by_role("button", name=f"Actions for {name}").click()
    menu = page.get_by_role("menu")
    await expect(menu).to_be_visible()
    return menu


async def test_an_empty_list_says_what_a_task_is_and_offers_the_first(page: Page, server: Server) -> None:
    for task in server.client.get("/tasks").json()["list"]:
        server.client.delete(f"/tasks/{task['id']}").raise_for_status()
    await page.goto("tasks")

    await expect(page.get_by_text("No tasks yet")).to_be_visible()
    await page.get_by_role("main").get_by_role("link", name="New task").last.click()

    await expect(page.get_by_role("dialog", name="New task")).to_be_visible()
    assert page.url.endswith("/tasks/new")


async def test_the_list_tells_what_when_and_the_last_result(page: Page, server: Server) -> None:
    task = a_task(server, "Weekday greeting", cronExpression="30 6 * * 1-5", timezone="Europe/Helsinki", tags=["hello"])
    server.until_status(server.trigger(task["id"]), "success")
    await page.goto("tasks")

    row = row_of(page, "Weekday greeting")
    await expect(row.get_by_text("acme.greet")).to_be_visible()
    await expect(row.get_by_text("Weekdays 06:30", exact=True)).to_have_attribute("title", re.compile("Monday"))
    await expect(row.get_by_text("30 6 * * 1-5")).to_be_visible()
    await expect(row.get_by_text("Success", exact=True)).to_be_visible()
    await expect(row.get_by_role("img", name="Last 1 execution: 1 success")).to_be_visible()
    await expect(row.get_by_text(re.compile(r"^in \d+"))).to_be_visible()


async def test_search_stands_in_the_address_and_survives_a_reload(page: Page, server: Server) -> None:
    a_task(server, "Findable needle")
    a_task(server, "Some hay")
    await page.goto("tasks")

    await page.get_by_role("searchbox", name="Search tasks").fill("needle")

    await expect(row_of(page, "Some hay")).to_have_count(0)
    await expect(row_of(page, "Findable needle")).to_be_visible()
    await expect(page).to_have_url(re.compile(r"\?q=needle$"))
    await page.reload()
    await expect(row_of(page, "Findable needle")).to_be_visible()
    await expect(page.get_by_role("searchbox", name="Search tasks")).to_have_value("needle")
    await expect(row_of(page, "Some hay")).to_have_count(0)


async def test_each_filter_is_a_step_that_back_takes_back(page: Page, server: Server) -> None:
    a_task(server, "Filter on")
    a_task(server, "Filter off", enabled=False)
    server.create_task(name="Filter http", type="http", httpUrl="https://example.com/", enabled=False)
    await page.goto("tasks?q=Filter")

    await choose(page, "Off")
    await expect(page.get_by_text("2 tasks", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Filters", exact=True).click()
    await page.get_by_role("combobox", name="Kind").select_option("http")
    await expect(page.get_by_text("1 task", exact=True)).to_be_visible()
    await expect(page).to_have_url(re.compile(r"\?q=Filter&state=off&type=http$"))
    await page.go_back()
    await expect(page.get_by_text("2 tasks", exact=True)).to_be_visible()
    await page.go_back()

    await expect(page.get_by_text("3 tasks", exact=True)).to_be_visible()
    await expect(page.get_by_role("radio", name="All", exact=True)).to_be_checked()


async def test_a_column_sorts_and_the_order_stands_in_the_address(page: Page, server: Server) -> None:
    for name in ("Sorted b", "Sorted c", "Sorted a"):
        a_task(server, name)
    await page.goto("tasks?q=Sorted")
    names = page.get_by_role("link", name=re.compile("^Sorted"))
    await expect(names).to_have_text(["Sorted a", "Sorted c", "Sorted b"])

    await page.get_by_role("button", name="Task", exact=True).click()

    await expect(names).to_have_text(["Sorted a", "Sorted b", "Sorted c"])
    await expect(page.get_by_role("columnheader", name="Task", exact=True)).to_have_attribute("aria-sort", "ascending")
    await page.get_by_role("button", name="Task", exact=True).click()
    await expect(names).to_have_text(["Sorted c", "Sorted b", "Sorted a"])
    assert "sort=-name" in page.url


async def test_a_tag_filters_and_can_be_taken_off(page: Page, server: Server) -> None:
    a_task(server, "Tagged task", tags=["blue moon"])
    await page.goto("tasks")

    await row_of(page, "Tagged task").get_by_role("button", name="Tasks with tag blue moon").click()

    await expect(page.get_by_text("1 task", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Remove the filter on tag blue moon").click()
    await expect(page.get_by_text("1 task", exact=True)).to_have_count(0)


async def test_several_tags_leave_the_tasks_that_have_all_of_them(page: Page, server: Server) -> None:
    a_task(server, "Of both", tags=["red", "round"])
    a_task(server, "Of one", tags=["red"])
    await page.goto("tasks?tag=red")
    await expect(page.get_by_text("2 tasks", exact=True)).to_be_visible()

    await row_of(page, "Of both").get_by_role("button", name="Tasks with tag round").click()

    await expect(page.get_by_text("1 task", exact=True)).to_be_visible()
    await expect(page).to_have_url(re.compile(r"\?tag=red&tag=round$"))
    await page.reload()
    await expect(row_of(page, "Of both")).to_be_visible()
    await page.get_by_role("button", name="Remove the filter on tag round").click()
    await expect(row_of(page, "Of one")).to_be_visible()


async def test_filters_that_leave_nothing_can_be_cleared(page: Page, server: Server) -> None:
    a_task(server, "Still there")
    await page.goto("tasks?q=nothing-is-called-this&state=off")

    await page.get_by_role("button", name="Clear filters").click()

    await expect(row_of(page, "Still there")).to_be_visible()
    assert page.url.endswith("/tasks")


async def test_a_task_is_switched_off_and_on(page: Page, server: Server) -> None:
    task = a_task(server, "Switchable", cronExpression="0 3 * * *")
    await page.goto("tasks?q=Switchable")
    switch = page.get_by_role("switch", name="Switchable: on")
    await expect(switch).to_be_checked()

    await switch.click()

    await expect(switch).not_to_be_checked()
    await expect(row_of(page, "Switchable").get_by_text("switched off")).to_be_visible()
    assert stored(server, task)["enabled"] is False
    await switch.click()
    await expect(row_of(page, "Switchable").get_by_text(re.compile(r"^in \d+"))).to_be_visible()
    assert stored(server, task)["enabled"] is True


async def test_a_switch_goes_back_when_the_server_refuses(page: Page, server: Server) -> None:
    a_task(server, "Refused")
    await page.route("**/toggle", lambda route: route.fulfill(status=500, body="broken"))
    await page.goto("tasks?q=Refused")

    await page.get_by_role("switch", name="Refused: on").click()

    await expect(page.get_by_text("Refused could not be switched", exact=True)).to_be_visible()
    await expect(page.get_by_role("switch", name="Refused: on")).to_be_checked()


async def test_run_now_starts_it_and_the_result_appears_by_itself(page: Page, server: Server) -> None:
    a_task(server, "Run me")
    await page.goto("tasks?q=Run me")
    await expect(row_of(page, "Run me").get_by_text("Never ran")).to_be_visible()
    await stay(page)

    menu = await open_menu(page, "Run me")
    await menu.get_by_role("menuitem", name="Run now").click()

    await expect(page.get_by_text("Run me was started", exact=True)).to_be_visible()
    await expect(row_of(page, "Run me").get_by_text("Success", exact=True)).to_be_visible()
    assert await stayed(page)
    await page.get_by_role("link", name="View").or_(page.get_by_role("button", name="View")).click()
    await expect(page.get_by_text("Hello Ada (7)").first).to_be_visible()


async def test_a_run_with_another_payload_leaves_the_tasks_own(page: Page, server: Server) -> None:
    task = a_task(server, "Run otherwise")
    await page.goto(f"tasks/{task['id']}")

    menu = await open_menu(page, "Run otherwise")
    await menu.get_by_role("menuitem", name="Run with payload…").click()
    dialog = page.get_by_role("dialog", name="Run “Run otherwise” with a payload")
    await dialog.get_by_role("textbox", name="Name").fill("Eve")
    await dialog.get_by_label("Days").fill("0")
    await dialog.get_by_role("button", name="Run now").click()
    await expect(dialog.get_by_label("Days")).to_have_accessible_description(re.compile("1"))
    await dialog.get_by_label("Days").fill("3")
    await dialog.get_by_role("button", name="Run now").click()

    await expect(dialog).to_have_count(0)
    await expect(page.get_by_role("table", name="Executions").get_by_text("Success", exact=True)).to_be_visible()
    [execution] = server.executions(taskId=task["id"])
    assert execution["resultSummary"] == "Hello Eve (3)"
    assert stored(server, task)["functionPayload"] == {"name": "Ada"}


async def test_deleting_asks_names_the_task_and_can_be_undone(page: Page, server: Server) -> None:
    task = a_task(server, "Deleted one")
    await page.goto("tasks?q=Deleted")

    await (await open_menu(page, "Deleted one")).get_by_role("menuitem", name="Delete…").click()
    question = page.get_by_role("dialog", name="Delete “Deleted one”?")
    await question.get_by_role("button", name="Cancel").click()
    await expect(question).to_have_count(0)
    assert stored(server, task)["name"] == "Deleted one"
    await (await open_menu(page, "Deleted one")).get_by_role("menuitem", name="Delete…").click()
    await question.get_by_role("button", name="Delete task").click()

    await expect(page.get_by_text("Deleted one was deleted", exact=True)).to_be_visible()
    await expect(row_of(page, "Deleted one")).to_have_count(0)
    assert server.client.get(f"/tasks/{task['id']}").status_code == 404
    undo = page.get_by_role("button", name="Undo")
    await undo.hover()  # A message that is pointed at stays.
    await page.evaluate("() => window.dispatchEvent(new Event('offline'))")
    await expect(undo).to_be_disabled()
    await page.evaluate("() => window.dispatchEvent(new Event('online'))")
    await undo.click()

    await expect(row_of(page, "Deleted one")).to_be_visible()
    assert stored(server, task)["name"] == "Deleted one"


async def test_deleting_a_running_task_asks_again_and_cancels_its_execution(page: Page, server: Server) -> None:
    task = a_task(server, "Busy one", functionName="acme.wait", functionPayload={"seconds": 600})
    execution = server.trigger(task["id"])
    server.until_status(execution, "running")
    await page.goto(f"tasks/{task['id']}")

    await (await open_menu(page, "Busy one")).get_by_role("menuitem", name="Delete…").click()
    await page.get_by_role("button", name="Delete task").click()
    await (
        page.get_by_role("dialog", name="“Busy one” is running")
        .get_by_role("button", name="Cancel it and delete")
        .click()
    )

    await expect(page).to_have_url(re.compile(r"/tasks$"))
    server.until_status(execution, "cancelled")


async def test_a_task_deleted_meanwhile_is_said_to_be_gone(page: Page, server: Server) -> None:
    task = a_task(server, "Goes away")
    await page.goto(f"tasks/{task['id']}")
    await expect(page.get_by_role("heading", name="Goes away")).to_be_visible()

    server.client.delete(f"/tasks/{task['id']}").raise_for_status()

    await expect(page.get_by_text("It was deleted, or the address is mistyped.")).to_be_visible()


async def test_the_parts_of_a_task_have_addresses(page: Page, server: Server) -> None:
    task = a_task(server, "Of parts", cronExpression="0 3 * * *", timezone="America/New_York", maxRetries=2)
    server.until_status(server.trigger(task["id"]), "success")
    await page.goto(f"tasks/{task['id']}")
    parts = page.get_by_role("navigation", name="Parts of this task")
    await expect(page.get_by_role("heading", name="Next runs")).to_be_visible()
    await expect(page.get_by_text("1 a day")).to_be_visible()

    await parts.get_by_role("button", name="Executions").click()
    await expect(page.get_by_role("table", name="Executions").get_by_text("Hello Ada (7)")).to_be_visible()
    assert page.url.endswith("?tab=executions")
    await parts.get_by_role("button", name="Configuration").click()
    await expect(page.get_by_text("America/New_York").last).to_be_visible()
    await expect(page.get_by_text("2, 1 m apart")).to_be_visible()
    await page.go_back()

    await expect(page.get_by_role("columnheader", name="Note")).to_be_visible()


async def test_a_task_whose_function_went_away_says_so(page: Page, server: Server, site: Path) -> None:
    install_later(site)
    server.client.post("/plugins/rescan").raise_for_status()
    task = server.create_task(name="Orphan", type="function", functionName="later.hello")
    await page.goto(f"tasks/{task['id']}")
    await expect(page.get_by_role("heading", name="Orphan")).to_be_visible()

    remove_later(site)
    server.client.post("/plugins/rescan").raise_for_status()
    await page.reload()

    await expect(page.get_by_text("No installed plugin offers later.hello.")).to_be_visible()
    await page.goto("tasks?q=Orphan")
    await expect(row_of(page, "Orphan").get_by_text("Function missing").first).to_be_visible()


async def test_figures_lead_to_the_tasks_behind_them(page: Page, server: Server) -> None:
    broken = a_task(server, "Always fails", functionName="acme.fail", functionPayload={"text": "no luck"})
    server.until_status(server.trigger(broken["id"]), "failed")
    await page.goto("tasks")

    await page.get_by_role("navigation", name="Figures").get_by_role("link", name="Failing").click()

    await expect(page).to_have_url(re.compile(r"\?state=failing$"))
    await expect(row_of(page, "Always fails").get_by_text(re.compile(r"^failing for \d"))).to_be_visible()
    await expect(page.get_by_role("radio", name="Failing")).to_be_checked()
    server.client.delete(f"/tasks/{broken['id']}").raise_for_status()
    await expect(page.get_by_text("No task matches")).to_be_visible()


async def test_a_late_answer_never_replaces_a_newer_one(page: Page, server: Server) -> None:
    a_task(server, "Race early")
    a_task(server, "Race early too")
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        await held.wait()
        with suppress(Error):  # The page has given this request up.
            await route.continue_()

    await page.goto("tasks?q=Race")
    await expect(row_of(page, "Race early too")).to_be_visible()
    await page.route(re.compile(r"/tasks\?.*q=Race(\+|%20)early(&|$)"), hold)
    search = page.get_by_role("searchbox", name="Search tasks")

    async with page.expect_request(re.compile(r"q=Race(\+|%20)early(&|$)")):
        await search.fill("Race early")
    await search.fill("Race early too")
    await expect(page.get_by_text("1 task", exact=True)).to_be_visible()
    held.set()
    await search.fill("Race")

    await expect(page.get_by_text("2 tasks", exact=True)).to_be_visible()


async def test_ten_screens_of_tasks_are_a_few_rows_of_the_document(page: Page, many: list[str]) -> None:
    await page.goto("tasks?q=Many&sort=name")
    table = page.get_by_role("table", name="Tasks")
    await expect(row_of(page, many[0])).to_be_visible()
    await expect(table).to_have_attribute("aria-rowcount", str(len(many) + 1))

    seen: set[str] = set()
    for top in range(0, 56 * len(many) + 800, 500):
        await page.evaluate("(top) => window.scrollTo(0, top)", top)
        await expect(table.locator("[aria-busy]")).to_have_count(0)
        names = await table.get_by_role("link").all_inner_texts()
        assert len(names) == len(set(names)) <= 60
        seen |= set(names)

    assert seen == set(many)
    await expect(row_of(page, many[-1])).to_have_attribute("aria-rowindex", str(len(many) + 1))


async def test_going_back_finds_the_list_where_it_was_left(page: Page, many: list[str]) -> None:
    await page.goto("tasks?q=Many&sort=name")
    await expect(row_of(page, many[0])).to_be_visible()
    await page.evaluate("() => window.scrollTo(0, 6000)")
    await row_of(page, many[105]).get_by_role("link").click()
    await expect(page.get_by_role("heading", name=many[105])).to_be_visible()

    await page.go_back()

    await expect(row_of(page, many[105])).to_be_in_viewport()
    await expect(row_of(page, many[0])).to_have_count(0)


async def test_keys_walk_over_rows_that_are_not_loaded_yet_and_act_on_them(page: Page, many: list[str]) -> None:
    keys = page.keyboard
    await page.goto("tasks?q=Many&sort=name")
    await expect(row_of(page, many[0])).to_be_visible()

    await keys.press("j")
    await expect(row_of(page, many[0]).get_by_role("link")).to_be_focused()
    await keys.press("End")
    last = row_of(page, many[-1])
    await expect(last.get_by_role("link")).to_be_focused()
    await keys.press("k")
    await expect(row_of(page, many[-2]).get_by_role("link")).to_be_focused()
    await keys.press("x")
    await keys.press("Shift+J")
    await expect(last.get_by_role("checkbox")).to_be_checked()
    await expect(page.get_by_text("2 selected", exact=True)).to_be_visible()
    await keys.press("Escape")
    await expect(page.get_by_text("2 selected", exact=True)).to_have_count(0)
    await keys.press("p")
    await expect(last.get_by_role("switch")).to_be_checked()
    await keys.press("p")
    await expect(last.get_by_role("switch")).not_to_be_checked()
    await keys.press("e")
    form = page.get_by_role("dialog")
    await expect(form.get_by_role("textbox", name="Name", exact=True).first).to_have_value(many[-1])
    await keys.press("Escape")
    await expect(form).to_have_count(0)
    await expect(last).to_be_in_viewport()
    await keys.press("Home")
    await expect(row_of(page, many[0]).get_by_role("link")).to_be_focused()
    await keys.press("Enter")

    await expect(page.get_by_role("heading", name=many[0])).to_be_visible()


async def test_pages_stand_in_for_the_long_list_where_preferred(page: Page, many: list[str]) -> None:
    await page.add_init_script("localStorage.setItem('cronplug.lists', 'pages')")
    await page.goto("tasks?q=Many&sort=name")
    await expect(page.get_by_text(f"1–50 of {len(many)}")).to_be_visible()

    await page.get_by_role("button", name="Next page").click()

    await expect(row_of(page, many[50])).to_have_attribute("aria-rowindex", "52")
    await expect(row_of(page, many[0])).to_have_count(0)
    assert "page=2" in page.url
    await page.evaluate("() => localStorage.removeItem('cronplug.lists')")


async def test_rows_stay_where_they_are_while_somebody_points_at_them(page: Page, server: Server) -> None:
    first = a_task(server, "Pinned a")
    a_task(server, "Pinned b")
    await page.goto("tasks?q=Pinned&sort=-name")
    names = page.get_by_role("link", name=re.compile("^Pinned"))
    await expect(names).to_have_text(["Pinned b", "Pinned a"])
    await row_of(page, "Pinned a").hover()

    server.client.patch(f"/tasks/{first['id']}", json={"name": "Pinned c"}).raise_for_status()

    await expect(page.get_by_role("button", name="Show: The order has changed")).to_be_visible()
    await expect(names).to_have_text(["Pinned b", "Pinned c"])
    await page.get_by_role("heading", name="Tasks", exact=True).hover()
    await expect(names).to_have_text(["Pinned c", "Pinned b"])


async def test_a_stretch_of_rows_is_switched_on_and_tagged(page: Page, server: Server, many: list[str]) -> None:
    await page.goto("tasks?q=Many&sort=name")
    await page.get_by_role("checkbox", name=f"Select {many[0]}").click()
    await page.get_by_role("checkbox", name=f"Select {many[4]}").click(modifiers=["Shift"])
    bar = page.get_by_role("region", name="Selected tasks")
    await expect(bar.get_by_text("5 selected", exact=True)).to_be_visible()

    await bar.get_by_role("button", name="Switch on").click()
    await expect(page.get_by_text("5 tasks were switched on", exact=True)).to_be_visible()
    await expect(row_of(page, many[4]).get_by_role("switch")).to_be_checked()
    await expect(bar).to_have_count(0)
    await page.get_by_role("checkbox", name=f"Select {many[1]}").click()
    await bar.get_by_role("button", name="Add tag").click()
    question = page.get_by_role("dialog", name="Add tags to 1 task")
    await question.get_by_label("Tags, separated by commas").fill("new moon, tide")
    await question.get_by_role("button", name="Add to 1").click()

    await expect(row_of(page, many[1]).get_by_role("button", name="Tasks with tag new moon")).to_be_visible()
    assert server.client.get("/tasks", params={"tag": "tide"}).json()["total"] == 1


async def test_the_list_stays_where_it_is_while_the_focus_is_in_the_bars_above_and_below(
    page: Page, many: list[str]
) -> None:
    await page.goto("tasks?q=Many&sort=name")
    await page.get_by_role("checkbox", name=f"Select {many[6]}").click()
    bar = page.get_by_role("region", name="Selected tasks")
    await bar.get_by_role("button", name="Switch on").click()
    await expect(page.get_by_text("1 task was switched on", exact=True)).to_be_visible()
    await page.get_by_role("checkbox", name=f"Select {many[7]}").click()
    await page.evaluate("() => window.scrollTo(0, 1500)")

    await bar.get_by_role("button", name="Run now").focus()
    for name in ("Switch on", "Switch off", "Add tag"):
        await page.keyboard.press("Tab")
        await expect(bar.get_by_role("button", name=name)).to_be_focused()
    await page.get_by_role("link", name="New task").focus()

    assert await page.evaluate("() => window.scrollY") == 1500
    acts = await bar.bounding_box()
    messages = await page.get_by_role("region", name=re.compile("^Notifications")).get_by_role("list").bounding_box()
    assert acts is not None
    assert messages is not None
    assert messages["y"] + messages["height"] <= acts["y"]


async def test_all_that_match_are_changed_after_the_number_was_typed(
    page: Page, server: Server, many: list[str]
) -> None:
    await page.goto("tasks?q=Many&sort=name")
    await page.get_by_role("checkbox", name="Select the tasks loaded here").click()
    bar = page.get_by_role("region", name="Selected tasks")
    await bar.get_by_role("button", name=f"Select all {len(many)}").click()
    await bar.get_by_role("button", name="Switch off").click()
    question = page.get_by_role("dialog", name=f"Switch off {len(many)} tasks?")
    yes = question.get_by_role("button", name=f"Switch off {len(many)}")
    await expect(yes).to_be_disabled()

    await question.get_by_label(f"Type {len(many)} to go on").fill(str(len(many)))
    await yes.click()

    await expect(page.get_by_text(re.compile("were? switched off|Nothing had to be changed")).first).to_be_visible()
    assert server.client.get("/tasks", params={"q": "Many", "enabled": True}).json()["total"] == 0


async def test_what_could_not_be_deleted_is_listed_and_the_rest_can_be_brought_back(page: Page, server: Server) -> None:
    busy = a_task(server, "Bulk busy", functionName="acme.wait", functionPayload={"seconds": 600})
    a_task(server, "Bulk idle")
    execution = server.trigger(busy["id"])
    server.until_status(execution, "running")
    await page.goto("tasks?q=Bulk")
    await page.get_by_role("checkbox", name="Select the tasks loaded here").click()

    await page.keyboard.press("Delete")
    await page.get_by_role("dialog", name="Delete 2 tasks?").get_by_role("button", name="Delete 2").click()
    outcome = page.get_by_role("dialog", name="1 of 2 could not be changed")
    await expect(outcome.get_by_role("link", name="Bulk busy")).to_be_visible()
    server.client.post(f"/executions/{execution}/cancel").raise_for_status()
    server.until_status(execution, "cancelled")
    await outcome.get_by_role("button", name="Try these again").click()
    await expect(page.get_by_text("No task matches")).to_be_visible()
    await page.get_by_role("button", name="Undo").first.click()

    await expect(page.get_by_role("link", name=re.compile("^Bulk"))).to_have_count(1)


async def test_cards_of_a_phone_are_selected_when_asked_for(
    new_context: NewContext, watch: Watch, many: list[str]
) -> None:
    page = await watch.open(await new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True))
    await page.goto("tasks?q=Many&sort=name")
    await expect(row_of(page, many[0])).to_be_visible()
    await expect(page.get_by_role("checkbox", name=f"Select {many[0]}")).to_have_count(0)

    await page.get_by_role("button", name="Select", exact=True).tap()
    await page.get_by_role("checkbox", name=f"Select {many[0]}").tap()

    bar = page.get_by_role("region", name="Selected tasks")
    await expect(bar.get_by_text("1 selected", exact=True)).to_be_in_viewport()
    await page.set_viewport_size({"width": 320, "height": 640})
    cut = "(all) => all.filter((it) => it.scrollWidth > it.clientWidth || it.scrollHeight > it.clientHeight).map((it) => it.textContent)"
    for name in ("Run now", "Switch on", "Switch off", "Add tag", "Remove tag", "Delete"):
        await expect(bar.get_by_role("button", name=name).get_by_text(name, exact=True)).to_be_in_viewport(ratio=1)
    assert await bar.get_by_role("button").evaluate_all(cut) == []
    await bar.get_by_role("button", name="Clear the selection").tap()
    await expect(page.get_by_role("checkbox")).to_have_count(0)


@pytest.fixture(scope="module")
def many(server: Server) -> list[str]:
    """The names, sorted, of so many tasks that not all of them are on the screen; all switched off."""
    names = [f"Many {number:03}" for number in range(120)]
    for name in names:
        a_task(server, name, enabled=False)
    return names


def stored(server: Server, task: dict[str, Any]) -> dict[str, Any]:
    """The task as the server has it now."""
    found: dict[str, Any] = server.client.get(f"/tasks/{task['id']}").json()["task"]
    return found
