"""Every page for everybody: narrow screens, larger text, both themes, the system's colours, and assistive technology.

axe finds only a part of what can be wrong; a screen reader needs a person.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import BrowserContext, Page, Route, ViewportSize, expect

from tests.acceptance.server import Server
from tests.e2e.acting import settle
from tests.e2e.conftest import NewContext
from tests.e2e.places import kinds_of_places, places, rich_places
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


async def test_text_twice_as_large_cuts_nothing_off(page: Page, furniture: Furniture) -> None:
    """As the browser's own setting for the size of text makes it, which the points where a page changes its layout heed too."""
    session = await page.context.new_cdp_session(page)
    await session.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 32}})
    cut: list[str] = []
    for place in rich_places(furniture):
        await page.goto(place.path)
        await expect(place.landmark(page), place.path).to_be_attached()
        await settle(page)
        cut += [f"{place.path}: {each}" for each in await page.evaluate(CUT_TEXTS)]

    assert not cut, "\n".join(cut)


async def test_text_that_a_style_sheet_of_the_readers_makes_twice_as_large_fits(
    new_context: NewContext, watch: Watch, furniture: Furniture
) -> None:
    """The points where a page changes its layout do not heed it: what is wide must share the room there is."""
    page = await watch.open(await new_context())
    await page.add_init_script(TWICE_AS_LARGE)
    wrong: list[str] = []
    for place in rich_places(furniture):
        await page.goto(place.path)
        await expect(place.landmark(page), place.path).to_be_attached()
        await settle(page)
        wrong += [f"{place.path}: {each}" for each in await page.evaluate(OVERLAPS)]

    assert not wrong, "\n".join(wrong)


async def test_pages_read_in_order(page: Page, furniture: Furniture) -> None:
    """One heading of the first level, none that skips a level, tables that are whole, and words that do not run together."""
    found: list[str] = []
    for place in kinds_of_places(furniture):
        await page.goto(place.path)
        await expect(place.landmark(page), place.path).to_be_attached()
        await settle(page)
        found += [f"{place.path}: {each}" for each in await page.evaluate(READING_FAULTS)]

    assert not found, "\n".join(found)


async def test_nothing_moves_where_motion_is_not_wanted(page: Page, server: Server, furniture: Furniture) -> None:
    """On pages with a run under way, and while dialogs open and close."""
    execution = server.invoke("stage.count", {"lines": 500, "pause_seconds": 0.2})
    server.until_status(execution, "running")
    await page.add_init_script(NOTE_MOTION)
    moved: list[str] = []
    for path in (f"executions/{execution}", "executions", "tasks"):
        await page.goto(path)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await settle(page)
        await page.keyboard.press("Control+k")
        await expect(page.get_by_role("combobox", name="Search or jump to…")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        moved += [f"{path}: {each}" for each in await page.evaluate("() => [...window.moved]")]
    assert server.client.post(f"/executions/{execution}/cancel").is_success

    assert not moved, "\n".join(moved)


async def test_the_systems_own_colours_leave_everything_to_be_seen(
    new_context: NewContext, watch: Watch, furniture: Furniture
) -> None:
    """Where backgrounds are taken away, what they told is told by borders and the colours of the system."""
    page = await watch.open(await new_context(forced_colors="active"))
    await page.goto("tasks")
    await expect(page.get_by_role("link", name="Sales report")).to_be_visible()
    look = (
        "(it) => { const s = getComputedStyle(it); return [s.backgroundColor, s.color, s.borderColor, s.outlineStyle] }"
    )

    on = await page.get_by_role("switch", name="Sales report: on").evaluate(look)
    off = await page.get_by_role("switch", name="Order hook: on").evaluate(look)
    assert on[0] != off[0]
    chosen = page.get_by_role("radio", name="All", exact=True).locator("..")
    other = page.get_by_role("radio", name="Failing", exact=True).locator("..")
    assert (await chosen.evaluate(look))[0] != (await other.evaluate(look))[0]
    search = page.get_by_role("searchbox", name="Search tasks")
    await search.focus()
    assert (await search.evaluate(look))[3] != "none"
    ground = await page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    pulse = page.get_by_role("img", name="Last 1 execution").locator("path").first
    assert await pulse.evaluate("(it) => getComputedStyle(it).fill") != ground
    await page.get_by_role("checkbox", name="Select Sales report").check()
    await expect(page.get_by_role("region", name="Selected tasks")).to_be_visible()
    assert await page.get_by_role("checkbox", name="Select Sales report").is_checked()

    await page.goto("timeline")
    shapes = page.get_by_role("list", name="What the shapes mean").locator("[aria-hidden=true]")
    await expect(shapes.nth(3)).to_be_attached()
    drawn = await shapes.evaluate_all("(all) => all.slice(0, 4).map((it) => getComputedStyle(it).backgroundColor)")
    system = await page.evaluate(SYSTEM_COLOURS, ["GrayText", "CanvasText", "Highlight", "CanvasText"])
    assert drawn == system


SYSTEM_COLOURS = """(names) => names.map((name) => {
  const it = document.body.appendChild(document.createElement('i'))
  it.style.cssText = `forced-color-adjust: none; background: ${name}`
  const colour = getComputedStyle(it).backgroundColor
  it.remove()
  return colour
})"""

CUT_TEXTS = """() => {
  const found = []
  const over = document.documentElement.scrollWidth - window.innerWidth
  if (over > 0) found.push(`${over} px too wide`)
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const text = walker.currentNode
    if (!text.data.trim() || text.parentElement.closest('script, style, option, svg, [hidden]')) continue
    const range = document.createRange()
    range.selectNodeContents(text)
    const { left, right, width, height } = range.getBoundingClientRect()
    if (!width || !height) continue
    for (let around = text.parentElement; around && around !== document.body; around = around.parentElement) {
      const style = getComputedStyle(around)
      const box = around.getBoundingClientRect()
      // What is only read out, scrolls, or says with dots that there is more is not cut off.
      if (box.width <= 1 || style.clipPath !== 'none' || style.textOverflow === 'ellipsis' || style.webkitLineClamp !== 'none') break
      if (style.overflowX === 'auto' || style.overflowX === 'scroll') break
      if (style.overflowX !== 'visible' && (right > box.right + 1 || left < box.left - 1)) {
        found.push(`cut off: ${text.data.trim()}`)
        break
      }
    }
  }
  return found
}"""

TWICE_AS_LARGE = """
new MutationObserver((_, watched) => {
  if (!document.documentElement) return
  document.documentElement.style.fontSize = '200%'
  watched.disconnect()
}).observe(document, { childList: true })
"""

OVERLAPS = """() => {
  const found = []
  const over = document.documentElement.scrollWidth - window.innerWidth
  if (over > 0) found.push(`${over} px too wide`)
  for (const row of document.querySelectorAll('[data-head-bar]:not([role]), [role=row]')) {
    const parts = [...row.children].filter((it) => it.checkVisibility() && it.textContent.trim())
    const boxes = parts.map((it) => {
      const range = document.createRange()
      range.selectNodeContents(it)
      const text = range.getBoundingClientRect()
      const box = it.getBoundingClientRect()
      return getComputedStyle(it).overflowX === 'visible' && !it.querySelector('.truncate') ? text : box
    })
    boxes.forEach((box, at) => {
      const next = boxes[at + 1]
      if (!next || box.width <= 1 || next.width <= 1) return
      const across = Math.min(box.right, next.right) - Math.max(box.left, next.left)
      const down = Math.min(box.bottom, next.bottom) - Math.max(box.top, next.top)
      if (across > 1 && down > 1) found.push(`“${parts[at].textContent.trim().slice(0, 20)}” lies over “${parts[at + 1].textContent.trim().slice(0, 20)}”`)
    })
  }
  return found
}"""

READING_FAULTS = r"""() => {
  const found = []
  const dialog = [...document.querySelectorAll('[role=dialog]')].at(-1)
  const scope = dialog ?? document.body
  const isRead = (it) => it.checkVisibility({ visibilityProperty: true }) && !it.closest('[aria-hidden=true]')
  const levels = [...scope.querySelectorAll('h1, h2, h3, h4, h5, h6')].filter(isRead).map((it) => Number(it.tagName[1]))
  if (!dialog && levels.filter((level) => level === 1).length !== 1) found.push(`headings of the first level: ${levels}`)
  levels.forEach((level, at) => { if (at > 0 && level > levels[at - 1] + 1) found.push(`heading levels jump: ${levels}`) })
  for (const table of [...scope.querySelectorAll('[role=table], table')].filter(isRead)) {
    const rows = [...table.querySelectorAll('[role=row], tr')]
    const cells = (row) => row.querySelectorAll('[role=cell], [role=columnheader], [role=rowheader], td, th').length
    const heads = cells(rows[0])
    for (const row of rows) {
      const spans = row.querySelector('[colspan]') !== null || row.querySelector('[aria-busy]') !== null
      if (!spans && cells(row) !== heads) found.push(`a row of ${cells(row)} cells under ${heads} heads: ${row.textContent.slice(0, 60)}`)
    }
    const count = Number(table.getAttribute('aria-rowcount') ?? 0)
    const places = rows.map((row) => Number(row.getAttribute('aria-rowindex')))
    if (count && (places.some((place, at) => place < 1 || place > count || (at > 0 && place <= places[at - 1])))) found.push(`rows ${places} of ${count}`)
  }
  // Words of two elements in one line without a space between them are read as one.
  const walker = document.createTreeWalker(scope, NodeFilter.SHOW_TEXT)
  let last = null
  while (walker.nextNode()) {
    const text = walker.currentNode
    const around = text.parentElement
    if (!text.data || around.closest('script, style, option, svg, pre, .cm-editor') || !isRead(around)) continue
    if (last && last.parentElement !== around && /[\p{L}\p{N}]$/u.test(last.data) && /^[\p{L}\p{N}]/u.test(text.data)) {
      let common = last.parentElement
      while (!common.contains(around)) common = common.parentElement
      const isInline = (it) => {
        for (; it !== common; it = it.parentElement) {
          if (getComputedStyle(it).display !== 'inline' || getComputedStyle(it).position === 'absolute') return false
        }
        return true
      }
      const between = document.createRange()
      between.setStartAfter(last)
      between.setEndBefore(text)
      if (isInline(last.parentElement) && isInline(around) && !between.cloneContents().querySelector('br')) found.push(`“${last.data.slice(-20)}” runs into “${text.data.slice(0, 20)}”`)
    }
    last = text
  }
  for (const time of scope.querySelectorAll('[aria-live] time[title], [role=status] time[title]')) found.push(`told aloud as it changes: ${time.textContent}`)
  return found
}"""

NOTE_MOTION = """
window.moved = new Set()
const look = () => {
  for (const each of document.getAnimations()) {
    // A pause before it begins is no motion.
    if (Number(each.effect.getComputedTiming().activeDuration) > 20) window.moved.add(`${each.animationName ?? each.transitionProperty} of ${each.effect.target.outerHTML.slice(0, 80)}`)
  }
  requestAnimationFrame(look)
}
requestAnimationFrame(look)
"""


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
    await expect(page.get_by_role("paragraph").get_by_text("Give the task a name.", exact=True)).to_be_visible()
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


async def test_axe_finds_nothing_while_loading_empty_failing_or_selecting(
    new_context: NewContext, watch: Watch, furniture: Furniture
) -> None:
    page = await watch.open(await with_axe(new_context))
    found: dict[str, list[str]] = {}

    await page.goto("tasks")
    await page.get_by_role("checkbox", name="Select Sales report").check()
    await expect(page.get_by_role("region", name="Selected tasks")).to_be_visible()
    found["selection"] = await violations_in_both_themes(page)
    await page.get_by_role("region", name="Selected tasks").get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("dialog", name="Delete 1 task?")).to_be_visible()
    found["bulk"] = await violations_in_both_themes(page)
    await page.goto("tasks?q=there is no such task")
    await expect(page.get_by_text("No task matches")).to_be_visible()
    found["nothing found"] = await violations_in_both_themes(page)
    await page.goto("executions?task=0000000000000")
    await expect(page.get_by_text("No execution matches")).to_be_visible()
    found["no execution"] = await violations_in_both_themes(page)
    await page.goto("plugins")
    await page.get_by_role("button", name="Check impact of acme-stage").click()
    await expect(page.get_by_role("dialog", name="Impact of acme-stage")).to_be_visible()
    found["impact"] = await violations_in_both_themes(page)

    released = asyncio.Event()

    async def fail(route: Route) -> None:
        await released.wait()
        await route.fulfill(
            status=500, json={"code": "internal_error", "title": "Broken", "detail": "It broke.", "errors": []}
        )

    for path, address in (
        ("tasks", "**/api/scheduler/tasks?*"),
        ("executions", "**/api/scheduler/executions?*"),
        ("functions", "**/api/scheduler/functions*"),
        (f"tasks/{furniture.report}", f"**/api/scheduler/tasks/{furniture.report}"),
        (f"executions/{furniture.failed}", f"**/api/scheduler/executions/{furniture.failed}"),
    ):
        released.clear()
        await page.route(address, fail)
        await page.goto(path)
        await expect(page.locator("[aria-busy=true]").first).to_be_attached()
        found[f"{path} loading"] = await violations(page, waiting=False)
        released.set()
        await expect(page.get_by_role("alert").filter(has_text="It broke.").first).to_be_visible()
        found[f"{path} failing"] = await violations_in_both_themes(page)
        await page.unroute(address)

    assert {name: each for name, each in found.items() if each} == {}


async def with_axe(new_context: NewContext, **options: Any) -> BrowserContext:
    """A browser profile whose pages hold axe. It evaluates code, so the policy is off here; other tests hold it."""
    context = await new_context(bypass_csp=True, **options)
    await context.add_init_script(path=AXE)
    return context


async def violations(
    page: Page, *, rule: str | None = None, besides: tuple[str, ...] = (), waiting: bool = True
) -> list[str]:
    """What axe holds against the page as it is, each with the element it is about; by one rule or by all of WCAG A and AA."""
    if waiting:
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
