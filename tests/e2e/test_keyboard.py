"""The admin without a mouse: the whole way of a task, where the focus goes, and that it can be seen there."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from playwright.async_api import Locator, Page, ViewportSize, expect

from tests.acceptance.server import TOKEN, Server
from tests.e2e.acting import settle
from tests.e2e.conftest import NewContext
from tests.e2e.places import place_of
from tests.e2e.stage import Furniture, furnish
from tests.e2e.watching import Watch

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

LOW: ViewportSize = {"width": 1280, "height": 480}
PHONE: ViewportSize = {"width": 390, "height": 640}


@pytest.fixture(scope="module")
def furniture(server: Server) -> Furniture:
    return furnish(server)


async def test_the_first_tab_leads_past_the_navigation(page: Page, furniture: Furniture) -> None:
    await page.goto("tasks")
    await expect(page.get_by_role("link", name="Sales report")).to_be_visible()

    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("main")).to_be_focused()


async def test_tab_reaches_the_actions_of_the_list(page: Page, furniture: Furniture) -> None:
    await page.goto("tasks?q=Sales report")
    await expect(page.get_by_role("link", name="Sales report")).to_be_visible()

    reached = await tab_through(page, 40)

    for name in (
        "New task",
        "Search tasks",
        "Sort by task|Task",
        "Sales report",
        "Sales report: on",
        "Actions for Sales report",
    ):
        assert any(re.fullmatch(name, each) for each in reached), f"{name} is not among {reached}"


async def test_tab_reaches_the_actions_of_an_execution(page: Page, furniture: Furniture) -> None:
    await page.goto(f"executions/{furniture.talked}")
    await expect(page.get_by_role("group", name="Log")).to_be_visible()

    reached = await tab_through(page, 40)

    for name in ("Run again", "Find in log", "stderr", "Download the log", "Log", "Copy the id"):
        assert name in reached, f"{name} is not among {reached}"


async def test_a_task_goes_its_whole_way_by_keyboard_alone(
    new_context: NewContext, watch: Watch, furniture: Furniture, server: Server
) -> None:
    """From the sign-in over its log and a change to its deletion, which is taken back."""
    page = await watch.open(await new_context(signed_in=False))
    keys = page.keyboard
    await page.goto("tasks")
    await expect(page.get_by_label("Admin token")).to_be_focused()
    await keys.type(TOKEN)
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()

    await keys.press("c")
    form = page.get_by_role("dialog", name="New task")
    function = form.get_by_role("button", name="Function", exact=True)
    await expect(form.get_by_role("textbox", name="Name", exact=True)).to_be_focused()
    await keys.type("By keyboard")
    await tab_to(page, function)
    await keys.press("Enter")
    await expect(page.get_by_placeholder("Search functions")).to_be_focused()
    await keys.type("crunch")
    await expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(1)
    await keys.press("ArrowDown")
    await keys.press("Enter")
    await expect(function).to_contain_text("example.crunch")
    await expect(function).to_be_focused()
    await tab_to(page, form.get_by_role("spinbutton", name="Limit", exact=True))
    await keys.type("500")
    await tab_to(page, form.get_by_label("Cron expression"))
    await keys.type("0 3 * * *")
    await expect(form.get_by_text("1 run a day")).to_be_visible()
    await keys.press("Control+Enter")
    await expect(page.get_by_role("heading", name="By keyboard", exact=True)).to_be_visible()
    [task] = server.client.get("/tasks", params={"q": "By keyboard"}).json()["list"]
    assert (task["functionPayload"], task["cronExpression"]) == ({"limit": 500}, "0 3 * * *")

    await tab_to(page, page.get_by_role("button", name="Run now"), presses=40)
    await keys.press("Enter")
    ran = page.get_by_role("table", name="Executions").get_by_role("row").filter(has_text="Success")
    await expect(ran).to_have_count(1)
    await tab_to(page, ran.get_by_role("link"), presses=40)
    await keys.press("Enter")
    log = page.get_by_role("group", name="Log")
    await expect(log).to_contain_text("the largest is 499")
    await keys.press("/")
    await expect(page.get_by_role("searchbox", name="Find in log")).to_be_focused()
    await keys.type("below")
    await expect(page.get_by_text("1 of 1", exact=True)).to_be_visible()

    await keys.press("Escape")
    await page.get_by_role("main").focus()
    await keys.press("g")
    await keys.press("t")
    await expect(page.get_by_role("link", name="By keyboard")).to_be_visible()
    await keys.press("/")
    await keys.type("By keyboard")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="By keyboard"))
    await expect(page.get_by_role("status").filter(has_text="1 task")).to_be_visible()
    await tab_to(page, row.get_by_role("link", name="By keyboard"), presses=20)
    await keys.press("e")
    edit = page.get_by_role("dialog", name="Edit task: By keyboard")
    await expect(edit.get_by_role("textbox", name="Name", exact=True)).to_be_focused()
    await tab_to(page, edit.get_by_label("Description"), presses=20)
    await keys.type("Without a mouse")
    await keys.press("Control+Enter")
    await expect(page.get_by_role("dialog")).to_have_count(0)

    await expect(row.get_by_role("link", name="By keyboard")).to_be_focused()
    await keys.press("x")
    selected = page.get_by_role("region", name="Selected tasks")
    await tab_to(page, selected.get_by_role("button", name="Switch off"), presses=20)
    await keys.press("Enter")
    await expect(row.get_by_role("switch")).not_to_be_checked()
    stored = server.client.get(f"/tasks/{task['id']}").json()["task"]
    assert (stored["description"], stored["enabled"]) == ("Without a mouse", False)

    await keys.press("j")
    await expect(row.get_by_role("link", name="By keyboard")).to_be_focused()
    await keys.press("Delete")
    await expect(page.get_by_role("dialog", name="Delete “By keyboard”?")).to_be_visible()
    await tab_to(page, page.get_by_role("dialog").get_by_role("button", name="Delete task"))
    await keys.press("Enter")
    await expect(row).to_have_count(0)
    # The key of the kit that leads to the messages.
    await keys.press("F8")
    await tab_to(page, page.get_by_role("button", name="Undo"))
    await keys.press("Enter")
    await expect(row).to_be_visible()
    assert server.client.get(f"/tasks/{task['id']}").status_code == 200


async def test_the_focus_returns_from_the_menu_and_its_question(page: Page, furniture: Furniture) -> None:
    await page.goto("tasks")
    opener = page.get_by_role("button", name="Actions for Sales report")
    await opener.focus()

    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menu")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("menuitem", name="Run now")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(opener).to_be_focused()

    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menu")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("menuitem", name="Run now")).to_be_focused()
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog", name="Delete “Sales report”?")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(opener).to_be_focused()


async def test_the_focus_returns_from_the_payload_dialog(page: Page, furniture: Furniture) -> None:
    await page.goto("tasks")
    opener = page.get_by_role("button", name="Actions for Sales report")
    await opener.click()
    await page.get_by_role("menuitem", name="Run with payload…").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Days")).to_be_visible()
    assert await dialog.evaluate("(it) => it.contains(document.activeElement)")

    await page.keyboard.press("Escape")

    await expect(dialog).to_have_count(0)
    await expect(opener).to_be_focused()


async def test_every_other_overlay_gives_the_focus_back(page: Page, furniture: Furniture) -> None:
    """To what opened it, when it is closed by the Escape key."""
    main = page.get_by_role("main")
    report = f"tasks/{furniture.report}"
    overlays: list[tuple[str, Locator, str]] = [
        ("tasks", main.get_by_role("link", name="New task").first, "dialog"),
        ("executions", page.get_by_role("button", name="Status: Any status"), "dialog"),
        ("executions", page.get_by_role("button", name="Task: Any task"), "dialog"),
        (report, page.get_by_role("button", name="Edit"), "dialog"),
        (report, page.get_by_role("button", name="Actions for Sales report"), "menu"),
        (f"{report}/edit", page.get_by_role("button", name="Function", exact=True), "listbox"),
        (f"{report}/edit", page.get_by_role("button", name="Time zone"), "listbox"),
        (f"calendars/{furniture.calendar}", main.get_by_role("button", name="Delete"), "dialog"),
        ("plugins", page.get_by_role("button", name="Check impact of acme-stage"), "dialog"),
        ("settings", page.get_by_role("button", name="Show all keys"), "dialog"),
    ]
    lost: list[str] = []
    for path, opener, role in overlays:
        if not page.url.endswith(f"/{path}"):
            await page.goto(path)
            await expect(place_of(furniture, path).landmark(page)).to_be_visible()
        await opener.focus()
        await page.keyboard.press("Enter")
        overlay = page.get_by_role(role)  # type: ignore[arg-type]  # one of ARIA's roles
        await expect(overlay.first, f"{opener}").to_be_visible()
        await expect_focus_in(page, overlay.last)
        opened = await overlay.count()
        await page.keyboard.press("Escape")
        await expect(overlay, f"{opener}").to_have_count(opened - 1)
        if not await comes_true(page, partial(is_focused, opener)):
            lost.append(
                f"{path}, {opener}: {await page.evaluate('() => document.activeElement.outerHTML.slice(0, 60)')}"
            )

    assert not lost, "\n".join(lost)


async def test_the_palette_opens_over_a_form_and_gives_its_field_the_focus_back(
    page: Page, furniture: Furniture
) -> None:
    await page.goto(f"tasks/{furniture.report}/edit")
    # Under the palette the form is hidden from assistive technology, and so from a search by role.
    name = page.locator("#task-form input").first
    await expect(name).to_be_focused()

    await page.keyboard.press("Control+k")
    await page.keyboard.type("plug")
    palette = page.get_by_role("combobox", name="Search or jump to…")
    await expect(palette).to_have_value("plug")
    await expect(name).to_have_value("Sales report")
    await page.keyboard.press("Escape")
    await expect(palette).to_have_count(0)
    await expect(name).to_be_focused()

    await page.keyboard.press("Control+k")
    await expect(palette).to_be_focused()
    await page.keyboard.type("plugins")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Plugins", exact=True)).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_the_palette_leads_away_from_under_the_keys_but_not_from_a_question(
    page: Page, furniture: Furniture
) -> None:
    await page.goto(f"calendars/{furniture.calendar}")
    await page.get_by_role("main").get_by_role("button", name="Delete").click()
    question = page.get_by_role("dialog", name="Delete “Holidays”?")
    await expect(question).to_be_visible()
    await page.keyboard.press("Control+k")
    await page.keyboard.press("Escape")
    await expect(question).to_have_count(0)
    await expect(page.get_by_role("dialog")).to_have_count(0)

    await page.get_by_role("main").focus()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("combobox", name="Search or jump to…")).to_be_focused()
    await page.keyboard.type("plugins")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Plugins", exact=True)).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_what_has_the_focus_is_never_hidden_by_a_bar(page: Page, furniture: Furniture) -> None:
    hidden: list[str] = []
    for path, size, presses in (
        ("tasks", LOW, 60),
        ("tasks", PHONE, 40),
        (f"executions/{furniture.talked}", LOW, 50),
        (f"tasks/{furniture.report}/edit", PHONE, 50),
        ("settings", PHONE, 40),
    ):
        await page.set_viewport_size(size)
        await page.goto(path)
        await expect(place_of(furniture, path).landmark(page)).to_be_attached()
        await settle(page)
        for _ in range(presses):
            await page.keyboard.press("Tab")
            found = await page.evaluate(HIDDEN_FOCUS)
            if found:
                hidden.append(f"{path} at {size['width']}: {found}")

    assert not hidden, "\n".join(hidden)


HIDDEN_FOCUS = """() => {
  const focused = document.activeElement
  if (!focused || focused === document.body) return null
  // A control without a size of its own stands for its label.
  const box = focused.getBoundingClientRect()
  const it = box.width > 4 && box.height > 4 ? focused : (focused.closest('label') ?? focused)
  const { left, top, width, height } = it.getBoundingClientRect()
  if (width < 4) return null
  for (const x of [0.1, 0.5, 0.9]) for (const y of [0.15, 0.5, 0.85]) {
    const hit = document.elementFromPoint(left + width * x, top + height * y)
    if (hit && (it.contains(hit) || hit.contains(it) || it.parentElement.contains(hit))) return null
  }
  return it.outerHTML.slice(0, 160)
}"""
"""The element that has the focus, when nothing of it can be seen (WCAG 2.2, 2.4.11)."""


async def expect_focus_in(page: Page, part: Locator) -> None:
    async def is_inside() -> bool:
        return bool(await part.evaluate("(it) => it.contains(document.activeElement)"))

    assert await comes_true(page, is_inside), f"{part} did not take the focus"


async def is_focused(part: Locator) -> bool:
    return bool(await part.evaluate("(it) => it === document.activeElement"))


async def comes_true(page: Page, ask: Callable[[], Awaitable[bool]], frames: int = 120) -> bool:
    """Whether it holds within so many frames of the page."""
    for _ in range(frames):
        if await ask():
            return True
        await page.evaluate("() => new Promise((resolve) => requestAnimationFrame(() => resolve(null)))")
    return False


async def tab_to(page: Page, part: Locator, presses: int = 8) -> None:
    """Press Tab until the focus is there; a few times at most."""
    await expect(part).to_be_attached()
    for _ in range(presses):
        await page.keyboard.press("Tab")
        if await is_focused(part):
            return
    raise AssertionError(f"Tab does not lead to {part}")


async def tab_through(page: Page, times: int) -> list[str]:
    """The names of what the Tab key leads to, in order."""
    reached: list[str] = []
    for _ in range(times):
        await page.keyboard.press("Tab")
        name = await page.evaluate(
            """() => { const it = document.activeElement
                 return it.getAttribute('aria-label') || it.labels?.[0]?.innerText || it.innerText?.trim() || '' }"""
        )
        reached.append(str(name))
    return reached
