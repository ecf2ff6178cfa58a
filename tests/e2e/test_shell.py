"""What lies round every page: the palette, the keys, languages, preferences, the first run, and a server that is gone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, ViewportSize, expect

from tests.acceptance.server import Server
from tests.e2e.acting import choose, settle, stay, stayed
from tests.e2e.conftest import NewContext
from tests.e2e.places import place_of, rich_places
from tests.e2e.stage import Furniture, furnish
from tests.e2e.watching import Watch

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

ENGLISH = Path(__file__).resolve().parents[2] / "webui" / "src" / "locales" / "en"
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def furniture(server: Server) -> Furniture:
    return furnish(server)


# The first test of the module, for it needs a server without tasks.
async def test_a_newcomer_sees_their_first_task_run(page: Page, server: Server) -> None:
    await page.goto(f"{server.url}/")
    await expect(page.get_by_role("heading", name="Your first task, in a minute")).to_be_visible()

    await page.get_by_text("Say hello").click()
    await expect(page.get_by_label("What is it called?")).to_have_value("Say hello")
    await page.get_by_text("Every day at 06:00").click()
    await page.get_by_role("button", name="Create and run it").click()

    await expect(page.get_by_role("heading", name="It ran. That was all.")).to_be_visible()
    await expect(page.get_by_text("Hello, world!")).to_be_visible()
    [task] = server.client.get("/tasks", params={"q": "Say hello"}).json()["list"]
    assert (task["functionName"], task["cronExpression"], task["timezone"]) == (
        "example.greet",
        "0 6 * * *",
        "Europe/Helsinki",
    )
    await page.get_by_role("link", name="Open the task").click()
    await expect(page.get_by_role("heading", name="Say hello", exact=True)).to_be_visible()


async def test_the_first_run_names_what_is_missing(page: Page) -> None:
    await page.goto("welcome")
    await page.get_by_text("Ping a web address").click()
    await page.get_by_label("What is it called?").fill("")

    await page.get_by_role("button", name="Create and run it").click()

    await expect(page.get_by_text("Give an address that starts with http:// or https://")).to_be_visible()
    await expect(page.get_by_text("Give the task a name.")).to_be_visible()
    await expect(page.get_by_role("textbox", name="Address")).to_be_focused()


async def test_the_palette_leads_anywhere_and_gives_the_focus_back(page: Page, furniture: Furniture) -> None:
    await page.goto("executions")
    opener = page.get_by_role("button", name="Search or jump to…")
    await opener.focus()
    await page.keyboard.press("Enter")
    box = page.get_by_role("combobox", name="Search or jump to…")
    await expect(box).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(opener).to_be_focused()

    await page.keyboard.press("Control+k")
    await page.keyboard.type("sales rep")
    first = page.get_by_role("group", name="Tasks").get_by_role("option").first
    await expect(first).to_contain_text("Sales report")
    await expect(first).to_have_attribute("aria-selected", "true")
    await expect(box).to_have_attribute("aria-activedescendant", str(await first.get_attribute("id")))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Sales report", exact=True)).to_be_visible()

    await page.keyboard.press("Control+k")
    await page.keyboard.type("example.rep")
    await expect(page.get_by_role("group", name="Functions").get_by_role("option")).to_have_count(1)
    await page.get_by_role("group", name="Functions").get_by_role("option").click()
    await expect(page).to_have_url(re.compile(r"/functions/example\.report$"))


async def test_the_palette_runs_a_task(page: Page, furniture: Furniture, server: Server) -> None:
    before = len(server.executions(taskId=furniture.report))
    await page.goto("calendars")
    await expect(page.get_by_role("link", name="Holidays")).to_be_visible()
    await page.keyboard.press("Control+k")
    await page.keyboard.type("run a")
    await expect(page.get_by_role("option", selected=True)).to_contain_text("Run a task…")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("combobox", name="Which task is to run?")).to_be_focused()
    await page.keyboard.type("sales")
    await expect(page.get_by_role("option")).to_have_count(1)
    await expect(page.get_by_role("option", selected=True)).to_contain_text("Run Sales report")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("dialog")).to_have_count(0)
    server.until(lambda: len(server.executions(taskId=furniture.report)) > before, what="the run")


async def test_keys_lead_to_places_but_not_while_typing_or_switched_off(page: Page, furniture: Furniture) -> None:
    await page.goto("tasks")
    await expect(page.get_by_role("link", name="Sales report")).to_be_visible()
    for key, heading in (("e", "Executions"), ("f", "Functions"), ("p", "Plugins"), ("c", "Calendars"), ("t", "Tasks")):
        await page.keyboard.press("g")
        await page.keyboard.press(key)
        await expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()

    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await page.keyboard.press("g")
    await page.keyboard.press("s")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("/")
    await page.keyboard.type("ge?")
    await expect(page.get_by_role("searchbox", name="Search tasks")).to_have_value("ge?")

    await page.goto("settings")
    await page.get_by_role("switch", name="Single-key shortcuts").click()
    try:
        await page.get_by_role("main").focus()
        await page.keyboard.press("?")
        await page.keyboard.press("g")
        await page.keyboard.press("t")
        await page.keyboard.press("Control+k")
        await expect(page.get_by_role("combobox", name="Search or jump to…")).to_be_focused()
        await expect(page.get_by_role("dialog")).to_have_count(1)
        await page.keyboard.press("Escape")
        assert page.url.endswith("/settings")
    finally:
        await page.get_by_role("switch", name="Single-key shortcuts").click()


async def test_a_language_is_spoken_everywhere_at_once_and_remembered(new_context: NewContext, watch: Watch) -> None:
    page = await watch.open(await new_context())
    await page.goto("settings")
    await stay(page)

    await page.get_by_role("combobox", name="Language").select_option("Deutsch")

    await expect(page.get_by_role("heading", name="Einstellungen", exact=True)).to_be_visible()
    await expect(page.locator("html")).to_have_attribute("lang", "de")
    await expect(page.get_by_role("link", name="Aufgaben", exact=True)).to_be_visible()
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("group", name="Gehe zu")).to_be_visible()
    await page.keyboard.press("Escape")
    assert await stayed(page)
    await page.reload()
    await expect(page.get_by_role("heading", name="Einstellungen", exact=True)).to_be_visible()
    await page.get_by_role("combobox", name="Sprache").select_option("English")
    await expect(page.get_by_role("heading", name="Settings", exact=True)).to_be_visible()


async def test_a_browser_of_another_language_is_answered_in_it(new_context: NewContext, watch: Watch) -> None:
    page = await watch.open(await new_context(signed_in=False, locale="de-AT"))
    await page.goto("tasks")
    await expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()


async def test_every_text_is_translated_and_longer_ones_fit(
    new_context: NewContext, watch: Watch, furniture: Furniture
) -> None:
    """In the pseudo-language each text is accented and two fifths longer: what is plain English was not translated."""
    context = await new_context()
    await context.add_init_script("localStorage.setItem('cronplug.language', 'en-XA')")
    page = await watch.open(context)
    known = set(english_texts())
    wide, untranslated = [], []
    for place in rich_places(furniture):
        await page.goto(place.path)
        await expect(page.locator("h1, [role=dialog]").first, place.path).to_be_attached()
        await settle(page)
        shown = set(await page.evaluate(TEXTS_OF_THE_PAGE))
        untranslated += [f"{place.path}: {text}" for text in shown & known]
        for width in (320, 1440):
            await page.set_viewport_size({"width": width, "height": 800})
            over = await page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
            if over > 0:
                wide.append(f"{place.path} at {width}: {over} px")
    assert (wide, untranslated) == ([], [])


async def test_a_page_written_from_right_to_left_is_mirrored(page: Page, furniture: Furniture) -> None:
    await page.goto("tasks")
    await expect(page.get_by_role("link", name="Sales report")).to_be_visible()
    middles = "() => ['nav', 'h1', 'main input[type=search]', '[role=switch]'].map((each) => { const box = document.querySelector(each).getBoundingClientRect(); return (box.left + box.right) / 2 / window.innerWidth })"
    before = await page.evaluate(middles)

    await page.evaluate("() => { document.documentElement.dir = 'rtl' }")

    after = await page.evaluate(middles)
    assert [round(there, 1) for there in after] == [round(1 - here, 1) for here in before]
    knobs = "async (it) => { await Promise.all(it.firstElementChild.getAnimations().map((each) => each.finished)); const box = it.getBoundingClientRect(), knob = it.firstElementChild.getBoundingClientRect(); return [knob.left >= box.left - 1, knob.right <= box.right + 1] }"
    for name in ("Sales report: on", "Order hook: on"):
        assert await page.get_by_role("switch", name=name).evaluate(knobs) == [True, True], name
    expression = page.get_by_text("30 6 * * 1-5", exact=True)
    assert await expression.evaluate("(it) => [getComputedStyle(it).direction, getComputedStyle(it).unicodeBidi]") == [
        "ltr",
        "isolate",
    ]
    # On a chart time goes from left to right all the same.
    await page.goto("timeline")
    await page.evaluate("() => { document.documentElement.dir = 'rtl' }")
    await expect(page.get_by_role("group", name="Timeline", exact=True)).to_have_attribute("aria-busy", "false")
    apart = "() => { const middle = (it) => { const box = it.getBoundingClientRect(); return (box.left + box.right) / 2 }; return Math.abs(middle(document.querySelector('[data-axis] [data-now]')) - middle(document.querySelector('[data-now-line]'))) }"
    assert await page.evaluate(apart) < 2


async def test_what_the_server_says_is_marked_as_english(
    new_context: NewContext, watch: Watch, furniture: Furniture, server: Server
) -> None:
    context = await new_context()
    await context.add_init_script("localStorage.setItem('cronplug.language', 'de')")
    page = await watch.open(context)
    task = server.client.get(f"/tasks/{furniture.report}").json()["task"]
    whole = [f"tasks/{furniture.report}{part}" for part in ("", "?tab=configuration", "/edit")]
    for path, sentence in (("tasks", task["scheduleShort"]), *((path, task["scheduleDescription"]) for path in whole)):
        await page.goto(path)
        await expect(page.locator("[lang=en]").get_by_text(sentence).first, path).to_be_visible()
        await settle(page)
        assert sentence not in await page.evaluate(TEXTS_OF_THE_PAGE), path

    await page.goto(f"tasks/{furniture.report}/edit")
    await page.get_by_label("Days").fill("91")
    await page.get_by_role("button", name="Speichern", exact=True).click()
    fault = page.get_by_label("Days")
    await expect(fault).to_have_accessible_description(re.compile("at most 90"))
    assert not [text for text in await page.evaluate(TEXTS_OF_THE_PAGE) if "at most 90" in text]
    await expect(page.get_by_role("alert").locator("[lang=en]")).to_contain_text("at most 90")


TEXTS_OF_THE_PAGE = """() => {
  const found = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const { data, parentElement } = walker.currentNode
    if (!parentElement.closest('script, style, [lang=en], time, code, pre, option')) found.push(data.trim())
  }
  return found
}"""


def english_texts() -> Iterator[str]:
    """Every English text of two words or more and nothing to fill in, which data would hardly hold by chance."""

    def texts(group: dict[str, Any]) -> Iterator[str]:
        for value in group.values():
            if isinstance(value, dict):
                yield from texts(value)
            else:
                yield value

    for file in ENGLISH.glob("*.json"):
        for text in texts(json.loads(file.read_text("utf-8"))):
            if " " in text and "{" not in text:
                yield text


async def test_preferences_hold_on_every_page_and_stay(new_context: NewContext, watch: Watch, server: Server) -> None:
    page = await watch.open(await new_context())
    await page.goto("settings")
    await choose(page, "Compact")
    await choose(page, "UTC")
    await choose(page, "Pages")
    await page.goto("tasks")
    await expect(page.locator("html")).to_have_attribute("data-density", "compact")
    await page.goto("settings")
    await expect(page.get_by_role("radio", name="Pages", exact=True)).to_be_checked()
    await expect(page.locator("time").filter(has_text="+00:00").first).to_be_visible()


async def test_settings_in_force_are_told_without_their_secrets(page: Page, server: Server) -> None:
    await page.goto("settings")
    region = page.get_by_role("region", name="Settings in force")

    await expect(region.get_by_text("SCHEDULER_PORT", exact=True)).to_be_visible()
    await expect(region.get_by_text(str(server.port), exact=True)).to_be_visible()
    await expect(region.get_by_text("secret, hidden")).to_be_visible()
    assert "acceptance-token" not in await page.inner_text("body")
    await region.get_by_text("All", exact=True).click()
    await region.get_by_role("searchbox", name="Search settings").fill("drain")
    await expect(region.get_by_text("SCHEDULER_DRAIN_SECONDS", exact=True)).to_be_visible()
    await expect(region.get_by_role("status")).to_have_text("1 setting")


async def test_a_phone_reaches_every_place(new_context: NewContext, watch: Watch) -> None:
    page = await watch.open(await new_context(viewport=PHONE))
    await page.goto("settings")
    more = page.get_by_role("button", name="More", exact=True)

    await more.click()
    await expect(page.get_by_role("dialog", name="More")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(more).to_be_focused()
    await more.click()
    await page.get_by_role("dialog").get_by_role("link", name="Plugins").click()

    await expect(page.get_by_role("heading", name="Plugins", exact=True)).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_without_the_permission_to_write_acts_say_so(
    new_context: NewContext, watch: Watch, furniture: Furniture, server: Server
) -> None:
    page = await watch.open(await new_context())

    async def read_only(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, json={**await answer.json(), "permissions": ["read"]})

    await page.route("**/api/scheduler/me", read_only)
    await page.goto("settings")

    await expect(page.get_by_text("You may look at everything, and change nothing.")).to_be_visible()
    button = page.get_by_role("button", name="Pause all schedules")
    await expect(button).to_have_attribute("aria-disabled", "true")
    await expect(button).to_have_attribute("aria-description", re.compile("needs the permission"))
    await button.click(force=True)
    await expect(page.get_by_text("All schedules are paused")).to_have_count(0)
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("option", name="New task")).to_have_attribute("aria-disabled", "true")

    for path, role, name in (
        ("tasks/new", "button", "Create task"),
        ("functions/example.report", "button", "Invoke"),
        ("plugins", "button", "Look again"),
        ("calendars", "link", "New calendar"),
        (f"calendars/{furniture.calendar}", "button", "Delete"),
        (f"tasks/{furniture.report}", "button", "Run now"),
        ("tasks", "switch", "Sales report: on"),
    ):
        await page.goto(path)
        control = page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]  # one of ARIA's roles
        await expect(control, f"{name} on {path}").to_have_attribute("aria-disabled", "true")
    await control.click(force=True)
    await page.get_by_role("link", name="Sales report").focus()
    await page.keyboard.press("p")
    await page.get_by_role("button", name="Actions for Sales report").click()
    await expect(page.get_by_role("menuitem", name="Delete…")).to_have_attribute("aria-disabled", "true")
    await expect(page.get_by_role("menu")).to_contain_text("needs the permission")
    await expect(page.get_by_role("switch", name="Sales report: on")).to_be_checked()
    assert server.client.get(f"/tasks/{furniture.report}").json()["task"]["enabled"] is True


async def test_an_upgrade_of_the_server_is_noticed_where_a_part_is_gone(page: Page) -> None:
    await page.goto("settings")
    await expect(page.get_by_role("heading", name="Settings in force")).to_be_visible()
    await page.route("**/assets/CalendarsPage-*", lambda route: route.fulfill(status=404))
    await page.route(re.compile(r"/admin/scheduler/$"), lambda route: route.fulfill(body="<html></html>"))

    await page.get_by_role("link", name="Calendars").click()

    await expect(page.get_by_role("alert").get_by_text("cronplug was upgraded")).to_be_visible()
    await expect(page.get_by_role("heading", name="Settings in force")).to_be_visible()
    await page.unroute_all()
    await page.get_by_role("button", name="Load anew").click()
    await expect(page.get_by_role("heading", name="Calendars", exact=True)).to_be_visible()


# Last, for it takes the server away for a moment.
async def test_a_server_that_is_gone_is_told_and_nothing_can_be_changed_till_it_is_back(
    page: Page, server: Server
) -> None:
    await page.goto("settings")
    await expect(page.get_by_text("Live", exact=True)).to_be_attached()
    button = page.get_by_role("button", name="Pause all schedules")
    await expect(button).not_to_have_attribute("aria-disabled", "true")
    await stay(page)

    server.terminate()

    banner = page.get_by_role("region", name="The server does not answer")
    await expect(banner).to_contain_text(re.compile(r"What you see is from \d\d:\d\d:\d\d"))
    await expect(button).to_have_attribute("aria-disabled", "true")
    await expect(page.get_by_text("Live", exact=True)).to_have_count(0)
    await banner.get_by_role("button", name="Try now").click()
    await expect(banner).to_be_visible()
    server.start()
    await expect(banner).to_have_count(0)
    await expect(page.get_by_text("Live", exact=True)).to_be_attached()
    await expect(button).not_to_have_attribute("aria-disabled", "true")
    assert await stayed(page)


async def test_whatever_is_pressed_by_one_who_may_only_look_nothing_is_changed(
    new_context: NewContext, watch: Watch, furniture: Furniture
) -> None:
    page = await watch.open(await new_context())
    asked: list[str] = []

    async def read_only(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, json={**await answer.json(), "permissions": ["read"]})

    async def note(route: Route) -> None:
        request = route.request
        path = request.url.partition("/api/scheduler")[2]
        # These read, though their questions are too long for an address.
        if request.method == "GET" or path.startswith("/schedules/preview") or path.endswith("/impact"):
            await route.fallback()
        else:
            asked.append(f"{request.method} {path} on {page.url}")
            await route.abort()

    await page.route("**/api/scheduler/**", note)
    await page.route("**/api/scheduler/me", read_only)
    report = f"tasks/{furniture.report}"
    for path in (
        "tasks",
        f"{report}?tab=history",
        f"{report}/edit",
        f"executions/{furniture.failed}",
        f"calendars/{furniture.calendar}",
        "functions/example.report",
        "plugins",
        "settings",
        "welcome",
    ):
        place = place_of(furniture, path)
        await page.goto(place.path)
        await expect(place.landmark(page), place.path).to_be_attached()
        await settle(page)
        # Once the page, then what has opened over it.
        for _ in range(2):
            await page.evaluate(PRESS_ALL)
            await settle(page)

    assert asked == []


PRESS_ALL = """() => {
  const over = [...document.querySelectorAll('[role=dialog], [role=menu]')].at(-1)
  const parts = [...(over ?? document).querySelectorAll('button, [role=switch], [role=menuitem], input[type=submit]')]
  for (const part of parts) if (part.isConnected && part.dataset.slot !== 'close' && !/^Sign out$/.test(part.textContent.trim())) part.click()
}"""
