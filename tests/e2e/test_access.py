"""Every page for everybody: narrow screens, both themes, by keyboard alone, and with assistive technology.

axe finds only a part of what can be wrong; a screen reader needs a person.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import BrowserContext, Locator, Page, ViewportSize, expect

from tests.acceptance.server import Server
from tests.e2e.acting import settle
from tests.e2e.conftest import NewContext
from tests.e2e.places import kinds_of_places, places
from tests.e2e.stage import Furniture, furnish
from tests.e2e.watching import Watch

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

AXE = Path(__file__).resolve().parents[2] / "webui" / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
WIDTHS = (320, 390, 768, 1440)
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}

LOOKS: list[tuple[ViewportSize, Literal["light", "dark"], str | None]] = [
    (DESKTOP, "light", None),
    (PHONE, "light", None),
    (DESKTOP, "dark", "color-contrast"),
]
"""Sizes and themes, with the one rule of axe to ask there, or None for all. A theme changes colours alone."""


@pytest.fixture(scope="module")
def furniture(server: Server) -> Furniture:
    return furnish(server)


async def test_no_page_scrolls_sideways(page: Page, furniture: Furniture) -> None:
    wide: list[str] = []
    for place in kinds_of_places(furniture):
        await page.goto(place.path)
        await expect(place.landmark(page), place.path).to_be_attached()
        await settle(page)
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 800})
            over = await page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
            if over > 0:
                wide.append(f"{place.path} at {width}: {over} px")

    assert wide == []


@pytest.mark.timeout(300)  # three looks at each page
async def test_axe_finds_nothing_on_any_page_in_either_theme_on_either_device(
    new_context: NewContext, watch: Watch, furniture: Furniture
) -> None:
    page = await watch.open(await with_axe(new_context))
    found: list[str] = []
    for place in places(furniture):
        await page.goto(place.path)
        await expect(place.landmark(page), place.path).to_be_attached()
        for size, theme, rule in LOOKS:
            await page.set_viewport_size(size)
            await page.emulate_media(color_scheme=theme)
            await expect(page.locator("html")).to_have_class(theme)
            found += [f"{place.path} {size['width']} {theme}: {each}" for each in await violations(page, rule=rule)]
        await page.emulate_media(color_scheme="light")

    assert not found, "\n".join(found)


async def test_axe_finds_nothing_in_menus_dialogs_and_faults(
    new_context: NewContext, watch: Watch, furniture: Furniture
) -> None:
    page = await watch.open(await with_axe(new_context))
    found: dict[str, list[str]] = {}

    await page.goto("tasks")
    await page.get_by_role("button", name="Actions for Sales report").click()
    await expect(page.get_by_role("menu")).to_be_visible()
    found["menu"] = await violations_in_both_themes(page)
    await page.get_by_role("menuitem", name="Run with payload…").click()
    await expect(page.get_by_role("dialog").get_by_label("Days")).to_be_visible()
    found["run with payload"] = await violations_in_both_themes(page)
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Actions for Sales report").click()
    await page.get_by_role("menuitem", name="Delete…").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    found["question"] = await violations_in_both_themes(page)

    await page.goto("tasks/new")
    await page.get_by_role("button", name="Create task").click()
    await expect(page.get_by_text("Give the task a name.", exact=True)).to_be_visible()
    await page.get_by_label("Cron expression").fill("99 * * * *")
    await expect(page.locator("mark")).to_be_visible()
    found["faults"] = await violations_in_both_themes(page)
    await page.get_by_label("Cron expression").fill("0 3 * * *")
    await expect(page.get_by_text("1 run a day")).to_be_visible()
    await page.get_by_role("button", name="Function", exact=True).click()
    await expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()
    # The kit puts the search box of a picker inside its listbox; screen readers read both.
    found["picker and preview"] = await violations_in_both_themes(page, besides=("aria-required-children",))

    await page.goto("executions")
    await page.get_by_role("button", name="Status: Any status").click()
    await expect(page.get_by_role("checkbox", name="Failed")).to_be_visible()
    found["status filter"] = await violations_in_both_themes(page)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("checkbox", name="Failed")).to_have_count(0)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("sales")
    await expect(page.get_by_role("dialog").get_by_role("option").first).to_contain_text("Sales report")
    found["palette"] = await violations_in_both_themes(page)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Keys", exact=True).click()
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    found["keys"] = await violations_in_both_themes(page)
    await page.keyboard.press("Escape")
    await page.set_viewport_size(PHONE)
    await page.get_by_role("button", name="More", exact=True).click()
    await expect(page.get_by_role("dialog", name="More")).to_be_visible()
    found["more"] = await violations_in_both_themes(page)
    await page.set_viewport_size(DESKTOP)
    await page.goto("sign-in")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("Paste the token first.")).to_be_visible()
    found["refused sign-in"] = await violations_in_both_themes(page)

    assert {name: each for name, each in found.items() if each} == {}


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


async def test_a_task_is_created_by_keyboard_alone(page: Page, server: Server) -> None:
    keys = page.keyboard
    await page.goto("tasks")
    await page.get_by_role("main").get_by_role("link", name="New task").first.focus()
    await keys.press("Enter")
    form = page.get_by_role("dialog", name="New task")
    await expect(form.get_by_role("textbox", name="Name", exact=True)).to_be_focused()
    await keys.type("By keyboard")
    await tab_to(page, form.get_by_role("button", name="Function", exact=True))
    await keys.press("Enter")
    await expect(page.get_by_placeholder("Search functions")).to_be_focused()
    await keys.type("crunch")
    await expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(1)
    await keys.press("ArrowDown")
    await keys.press("Enter")
    await expect(form.get_by_role("button", name="Function", exact=True)).to_contain_text("example.crunch")
    await expect(form.get_by_role("button", name="Function", exact=True)).to_be_focused()
    await tab_to(page, form.get_by_role("spinbutton", name="Limit", exact=True))
    await keys.type("500")
    await tab_to(page, form.get_by_label("Cron expression"))
    await keys.type("0 3 * * *")
    await expect(form.get_by_text("1 run a day")).to_be_visible()

    await keys.press("Control+Enter")

    await expect(page.get_by_role("heading", name="By keyboard", exact=True)).to_be_visible()
    [task] = server.client.get("/tasks", params={"q": "By keyboard"}).json()["list"]
    assert (task["functionPayload"], task["cronExpression"]) == ({"limit": 500}, "0 3 * * *")


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


async def test_the_focus_returns_from_the_form(page: Page, furniture: Furniture) -> None:
    await page.goto("tasks")
    opener = page.get_by_role("main").get_by_role("link", name="New task").first
    await opener.click()
    await expect(page.get_by_role("dialog", name="New task")).to_be_visible()

    await page.keyboard.press("Escape")

    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(opener).to_be_focused()


async def with_axe(new_context: NewContext, **options: Any) -> BrowserContext:
    """A browser profile whose pages hold axe. It evaluates code, so the policy is off here; other tests hold it."""
    context = await new_context(bypass_csp=True, **options)
    await context.add_init_script(path=AXE)
    return context


async def violations(page: Page, *, rule: str | None = None, besides: tuple[str, ...] = ()) -> list[str]:
    """What axe holds against the page as it is, each with the element it is about; by one rule or by all of WCAG A and AA."""
    await settle(page)
    run_only = {"type": "rule", "values": [rule]} if rule else {"type": "tag", "values": WCAG}
    answer: dict[str, Any] = await page.evaluate(
        "(options) => axe.run(document, options)",
        {
            "runOnly": run_only,
            "rules": {name: {"enabled": False} for name in besides},
            "resultTypes": ["violations"],
            "iframes": False,
        },
    )
    return [
        f"{each['id']}: {node['html'][:160]} ({' '.join(node.get('failureSummary', '').split())[:200]})"
        for each in answer["violations"]
        for node in each["nodes"][:3]
    ]


async def violations_in_both_themes(page: Page, *, besides: tuple[str, ...] = ()) -> list[str]:
    """The same in the light theme, and what the dark one adds."""
    found = await violations(page, besides=besides)
    await page.emulate_media(color_scheme="dark")
    await expect(page.locator("html")).to_have_class("dark")
    found += await violations(page, rule="color-contrast")
    await page.emulate_media(color_scheme="light")
    return found


async def tab_to(page: Page, part: Locator) -> None:
    """Press Tab until the focus is there; a few times at most."""
    for _ in range(8):
        await page.keyboard.press("Tab")
        if await part.evaluate("(it) => it === document.activeElement"):
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
