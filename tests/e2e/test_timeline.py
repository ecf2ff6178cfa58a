"""What ran, runs and will run, side by side: drawn, told in words, listed, and moved by keys, mouse and address."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.async_api import Locator, Page, expect

from tests.acceptance.server import Server
from tests.e2e.acting import stay, stayed
from tests.e2e.conftest import NewContext
from tests.e2e.watching import Watch

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def lanes(server: Server) -> dict[str, str]:
    """A task that succeeded twice, one that failed, and one that is planned each minute; ids by name."""
    good = server.create_task(
        name="Good one", tags=["calm"], type="function", functionName="stage.say", functionPayload={"lines": []}
    )
    bad = server.create_task(
        name="Bad one", tags=["rough"], type="function", functionName="acme.fail", functionPayload={"text": "no"}
    )
    hourly = server.create_task(
        name="Hourly one",
        type="function",
        functionName="stage.say",
        functionPayload={"lines": []},
        cronExpression="59 * * * *",
        timezone="Europe/Helsinki",
    )
    for _ in range(2):
        server.until_status(server.trigger(good["id"]), "success")
    failed = server.trigger(bad["id"])
    server.until_status(failed, "failed")
    return {"good": good["id"], "bad": bad["id"], "hourly": hourly["id"], "failed": failed}


def chart(page: Page) -> Locator:
    """The lanes under their clock; they take the keys."""
    return page.get_by_role("group", name="Timeline", exact=True)


def lane(page: Page, title: str) -> Locator:
    """A lane by its name."""
    return chart(page).get_by_role("listitem").filter(has_text=title)


async def test_lanes_tell_what_ran_and_what_comes_with_failures_first(page: Page, lanes: dict[str, str]) -> None:
    await page.goto("timeline?zoom=720")

    await expect(lane(page, "Good one")).to_contain_text("2 executions")
    await expect(lane(page, "Bad one")).to_contain_text("1 execution, 1 failed")
    await expect(lane(page, "Hourly one")).to_contain_text(re.compile(r"[45] planned"))
    await expect(chart(page).get_by_role("listitem").first).to_contain_text("Bad one")
    await lane(page, "Good one").get_by_role("link", name="Good one").click()
    await expect(page).to_have_url(re.compile(f"/tasks/{lanes['good']}$"))


async def test_the_table_has_the_same_numbers_and_each_execution(page: Page, lanes: dict[str, str]) -> None:
    await page.goto("timeline?zoom=720")
    await expect(lane(page, "Bad one")).to_contain_text("1 execution, 1 failed")
    summary = await page.locator("[data-summary]").inner_text()

    await page.get_by_role("button", name="Table").click()

    await expect(page).to_have_url(re.compile("view=table"))
    rows = page.get_by_role("row").filter(has=page.get_by_role("rowheader"))
    numbers = [
        [int(text) for text in (await row.get_by_role("cell").all_inner_texts())[:4]] for row in await rows.all()
    ]
    executions, failed, _, planned = (sum(column) for column in zip(*numbers, strict=True))
    assert f"{executions} executions · {failed} failed" in summary
    assert f"{planned} planned" in summary
    await page.get_by_role("button", name="Executions of Bad one").click()
    link = page.get_by_role("listitem").filter(has_text="Failed").get_by_role("link")
    await expect(link).to_have_attribute("href", re.compile(lanes["failed"]))


async def test_keys_move_zoom_and_walk_and_the_address_tells_where_one_is(page: Page, lanes: dict[str, str]) -> None:
    await page.goto("timeline")
    await expect(lane(page, "Bad one")).to_be_visible()

    await page.keyboard.press("+")
    await expect(page).to_have_url(re.compile("zoom=120$"))
    await page.keyboard.press("ArrowLeft")
    await expect(page).to_have_url(re.compile("at=2"))
    await page.reload()
    await expect(page.get_by_role("button", name="Now", exact=True)).to_have_attribute("aria-pressed", "false")
    await page.keyboard.press("t")
    await expect(page.get_by_role("button", name="Now", exact=True)).to_have_attribute("aria-pressed", "true")
    await expect(page).not_to_have_url(re.compile("at="))

    await expect(lane(page, "Bad one")).to_be_visible()
    await chart(page).focus()
    await page.keyboard.press("ArrowDown")
    await expect(chart(page).get_by_role("status")).to_have_text(re.compile("Bad one: 1 execution, 1 failed"))
    await page.keyboard.press("]")
    await expect(chart(page).get_by_role("status")).to_have_text(re.compile("Bad one: Failed, "))
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(lanes["failed"]))


async def test_what_is_under_the_pointer_is_told_and_a_click_opens_it(page: Page, lanes: dict[str, str]) -> None:
    started = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    await page.goto(f"timeline?zoom=15&at={started}")
    canvas = lane(page, "Bad one").locator("canvas")
    await expect(canvas).to_be_visible()
    box = await canvas.bounding_box()
    assert box is not None
    card = page.locator("[data-card]").filter(has=page.get_by_role("link", name="Open the execution"))

    for x in range(int(box["width"] / 2) + 4, 0, -3):
        await page.mouse.move(box["x"] + x, box["y"] + box["height"] / 2)
        if await card.count():
            break

    await expect(card.first).to_contain_text("Bad one")
    await expect(card.first).to_contain_text("Failed")
    await page.mouse.down()
    await page.mouse.up()
    await expect(page).to_have_url(re.compile(lanes["failed"]))


async def test_dragging_and_the_wheel_move_and_zoom_it(page: Page, lanes: dict[str, str]) -> None:
    await page.goto("timeline?zoom=240")
    canvas = lane(page, "Bad one").locator("canvas")
    await expect(canvas).to_be_visible()
    box = await canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 5

    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + 60, y, steps=4)
    await page.mouse.move(x + 200, y, steps=4)
    await page.mouse.up()
    await expect(page).to_have_url(re.compile("at="))
    await page.keyboard.down("Control")
    await page.mouse.wheel(0, -120)
    await page.keyboard.up("Control")

    await expect(page).to_have_url(re.compile(r"zoom=1\d\d\b"))


async def test_lanes_are_grouped_and_searched(page: Page, lanes: dict[str, str]) -> None:
    await page.goto("timeline")
    await page.get_by_role("group", name="Group by").get_by_text("Tag", exact=True).click()
    await expect(lane(page, "rough")).to_contain_text("1 execution, 1 failed")
    await expect(lane(page, "calm").get_by_role("link")).to_have_attribute("href", re.compile("tag=calm"))
    await page.get_by_role("group", name="Group by").get_by_text("Function", exact=True).click()
    await expect(lane(page, "acme.fail")).to_contain_text("1 failed")

    await page.get_by_role("searchbox", name="Search tasks").fill("Good")

    await expect(chart(page).get_by_role("listitem")).to_have_count(1)
    await expect(page).to_have_url(re.compile("group=function&q=Good"))
    await page.get_by_role("searchbox", name="Search tasks").fill("nothing like it")
    await expect(page.get_by_text("No lane matches")).to_be_visible()


async def test_lanes_are_narrowed_by_function_and_tag_and_the_address_tells(page: Page, lanes: dict[str, str]) -> None:
    await page.goto("timeline?tag=rough&zoom=720")
    await expect(chart(page).get_by_role("listitem")).to_have_count(1)
    await expect(lane(page, "Bad one")).to_contain_text("1 failed")
    await page.get_by_role("button", name="Remove the filter Tag: rough").click()
    await expect(lane(page, "Good one")).to_be_visible()

    await page.get_by_role("button", name="Filter by function or tag").click()
    await page.get_by_role("combobox", name="Function").select_option("acme.fail")

    await expect(page).to_have_url(re.compile("function=acme.fail"))
    await expect(lane(page, "Good one")).to_have_count(0)
    await page.go_back()
    await expect(lane(page, "Good one")).to_be_visible()

    field = page.get_by_role("textbox", name="Tag")
    for tag in ("rough", "unknown"):
        await field.fill(tag)
        await field.press("Enter")
    await expect(page).to_have_url(re.compile("tag=rough&tag=unknown"))
    await expect(page.get_by_text("No lane matches")).to_be_visible()
    await page.get_by_role("button", name="Remove the filter Tag: unknown").click()
    await expect(chart(page).get_by_role("listitem")).to_have_count(1)


async def test_what_runs_at_once_lies_one_below_the_other(page: Page, server: Server, lanes: dict[str, str]) -> None:
    task = server.create_task(
        name="Crowded one",
        type="function",
        functionName="stage.count",
        functionPayload={"lines": 1, "pause_seconds": 60},
        overlap="allow",
    )
    running = [server.trigger(task["id"]) for _ in range(3)]
    for execution in running:
        server.until_status(execution, "running")
    await page.goto("timeline?q=one&zoom=60")
    await expect(lane(page, "Crowded one")).to_contain_text("3 running")

    crowded = await lane(page, "Crowded one").bounding_box()
    plain = await lane(page, "Good one").bounding_box()

    assert crowded is not None
    assert plain is not None
    assert crowded["height"] > plain["height"]
    for execution in running:
        server.client.post(f"/executions/{execution}/cancel").raise_for_status()


async def test_a_run_appears_by_itself(page: Page, server: Server) -> None:
    task = server.create_task(
        name="Fresh one", type="function", functionName="stage.say", functionPayload={"lines": []}
    )
    server.until_status(server.trigger(task["id"]), "success")
    await page.goto("timeline?q=Fresh")
    await expect(lane(page, "Fresh one")).to_contain_text("1 execution")
    await stay(page)

    server.trigger(task["id"])

    await expect(lane(page, "Fresh one")).to_contain_text("2 executions")
    assert await stayed(page)


async def test_on_the_night_the_clock_changes_midnight_and_the_new_offset_are_named(
    page: Page, lanes: dict[str, str]
) -> None:
    await page.goto("timeline?at=2026-10-24T23:00:00Z&zoom=720")

    await expect(page.get_by_text("Sun, 25 Oct", exact=True)).to_be_visible()
    await expect(page.get_by_title("The clock changes: +02:00 from here")).to_be_visible()


async def test_it_fits_narrow_screens(new_context: NewContext, watch: Watch, lanes: dict[str, str]) -> None:
    page = await watch.open(await new_context(viewport={"width": 320, "height": 800}, has_touch=True))
    await page.goto("timeline")

    for width in (320, 390, 768):
        await page.set_viewport_size({"width": width, "height": 800})
        await expect(lane(page, "Bad one").locator("canvas")).to_be_visible()
        beyond = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(beyond) <= 0
