"""What must never happen in the admin, whatever is shown: broken content policy, foreign requests, running hostile strings."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from cronplug.api.pages import STATIC_FOLDER
from tests.acceptance.server import Server
from tests.e2e.acting import choose, settle
from tests.e2e.conftest import NewContext
from tests.e2e.places import place_of, places
from tests.e2e.stage import HOSTILE, Furniture, furnish
from tests.e2e.watching import Watch

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


UNTOLD = re.compile(
    r"\b(?:calendars|common|executions|functions|help|nav|palette|plugins|session|settings|status|task(?:Form|Page|s)"
    r"|timeline|welcome)\.[a-z]+[A-Z.]\w*"
)
"""What stands in the place of a text that was not loaded: its key."""


@pytest.fixture(scope="module")
def furniture(server: Server) -> Furniture:
    return furnish(server)


async def test_every_route_opens_by_its_address(page: Page, furniture: Furniture) -> None:
    for place in places(furniture):
        await page.goto(place.path)

        await expect(place.landmark(page), place.path).to_be_visible()
        assert page.url.endswith(f"/{place.path}"), place.path
        await settle(page)
        assert UNTOLD.findall(await page.inner_text("body")) == [], place.path


async def test_a_reload_shows_the_same_page(page: Page, furniture: Furniture) -> None:
    for path in (f"tasks/{furniture.report}?tab=configuration", f"executions/{furniture.talked}#L2"):
        await page.goto(path)
        shown = place_of(furniture, path.partition("#")[0])
        await expect(shown.landmark(page)).to_be_visible()

        await page.reload()

        await expect(shown.landmark(page)).to_be_visible()
        assert page.url.endswith(path)


async def test_the_base_address_leads_to_the_tasks(page: Page, server: Server, furniture: Furniture) -> None:
    await page.goto(server.url)

    await expect(page).to_have_url(f"{server.url}/admin/scheduler/tasks")


async def test_a_missing_asset_is_not_found_rather_than_a_page(page: Page, server: Server) -> None:
    for path in ("assets/index-00000000.js", "assets/none.css", "favicon.png"):
        answer = await page.request.get(f"{server.url}/admin/scheduler/{path}")
        assert answer.status == 404, path
        assert "<html" not in await answer.text()


async def test_files_are_compressed_and_kept_for_ever_but_the_page_is_not(page: Page, server: Server) -> None:
    headers: dict[str, dict[str, str]] = {}
    page.on("response", lambda answer: headers.update({answer.url.removeprefix(server.url): answer.headers}))
    await page.goto("tasks")
    await expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()

    assert headers["/admin/scheduler/tasks"]["cache-control"] == "no-cache"
    scripts = {path: got for path, got in headers.items() if path.endswith(".js") and "/assets/" in path}
    assert scripts
    assert {got["cache-control"] for got in scripts.values()} == {"public, max-age=31536000, immutable"}
    assert {got["content-encoding"] for got in scripts.values() if int(got["content-length"]) > 1000} <= {"br", "gzip"}


async def test_what_is_loaded_keeps_to_its_budget(new_context: NewContext, watch: Watch, server: Server) -> None:
    """In bytes as compressed by gzip, on the first visit to the tasks."""
    page = await watch.open(await new_context())
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(f"{server.url}/admin/scheduler/")))
    await page.goto("tasks")
    await expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
    await settle(page)
    loaded = [path for path in asked if path.startswith("assets/")]
    shell = re.findall(r'"/admin/scheduler/(assets/[^"]+\.js)"', (STATIC_FOLDER / "index.html").read_text("utf-8"))
    lazy = [f"assets/{file.name}" for file in (STATIC_FOLDER / "assets").glob("*.js")]

    assert sum(map(compressed, shell)) <= 150_000
    assert sum(compressed(path) for path in loaded if path.endswith(".js")) <= 185_000
    assert sum(compressed(path) for path in loaded if path.endswith(".css")) <= 22_000
    assert sum(compressed(path) for path in loaded if path.endswith(".woff2")) <= 90_000
    assert max(compressed(path) for path in lazy if path not in shell and "/CodeEditor-" not in path) <= 40_000
    assert sum(compressed(path) for path in lazy if "/CodeEditor-" in path) <= 115_000
    assert len(asked) <= 25


async def test_every_colour_of_the_kit_that_is_drawn_with_is_defined() -> None:
    """They are kept by hand in `webui/src/styles/kit-colors.css`; one that lacks would be drawn as nothing."""
    styles = "".join(file.read_text("utf-8") for file in (STATIC_FOLDER / "assets").glob("*.css"))
    used = set(re.findall(r"var\((--ui-color-[\w-]+)\)", styles))

    assert used
    assert used - set(re.findall(r"(--ui-color-[\w-]+):", styles)) == set()


def compressed(path: str) -> int:
    """Bytes of a built file as it is sent; fonts are compressed in themselves, and small files are not at all."""
    file = STATIC_FOLDER / path
    beside = file.with_name(f"{file.name}.gz")
    return (beside if beside.exists() else file).stat().st_size


async def test_menus_forms_and_dialogs_keep_the_content_policy(
    new_context: NewContext, watch: Watch, furniture: Furniture
) -> None:
    """In either theme; `watch` fails the test when one of them breaks the policy or asks another origin for anything."""
    page = await watch.open(await new_context(color_scheme="light"))
    await page.goto("tasks")
    await expect(page.locator("html")).to_have_class("light")
    await page.get_by_role("button", name="Actions for Sales report").click()
    await page.get_by_role("menuitem", name="Delete…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Actions for Sales report").click()
    await page.get_by_role("menuitem", name="Run with payload…").click()
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Actions for Sales report").click()
    await page.get_by_role("menuitem", name="Edit").click()
    form = page.get_by_role("dialog")
    await choose(form, "JSON")
    await form.get_by_role("button", name="Time zone").click()
    await page.get_by_placeholder("Search time zones").fill("tokyo")
    await page.get_by_role("option", name="Asia/Tokyo").click()
    await choose(form, "HTTP request")
    await form.get_by_role("button", name="Add header").click()
    await form.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Leave").click()
    await page.get_by_role("button", name="Switch to the dark theme").click()
    await page.keyboard.press("Control+k")
    await page.keyboard.type("sales")
    await expect(page.get_by_role("dialog").get_by_role("option").first).to_contain_text("Sales report")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Keys", exact=True).click()
    await page.get_by_role("dialog", name="Keys").get_by_role("button", name="Close").click()

    await page.goto("executions")
    await page.get_by_role("button", name="Status: Any status").click()
    await page.get_by_role("checkbox", name="Failed").check()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Task: Any task").click()
    await page.get_by_role("searchbox", name="Search tasks").fill("sales")
    await page.keyboard.press("Escape")
    await page.get_by_role("combobox", name="Time").select_option("custom")
    await page.goto(f"executions/{furniture.talked}")
    await page.get_by_role("searchbox", name="Find in log").fill("words")
    await page.get_by_role("button", name="Next match").click()
    await page.get_by_role("button", name="Wrap long lines").click()
    await page.get_by_role("button", name="Run again").click()
    await expect(page.get_by_text("Running again", exact=True)).to_be_visible()
    await settle(page)


async def test_hostile_names_and_errors_are_shown_as_text(page: Page, watch: Watch, furniture: Furniture) -> None:
    watch.note_dialogs(page)
    for path in (
        "tasks",
        f"tasks/{furniture.hostile}",
        f"tasks/{furniture.hostile}?tab=configuration",
        f"tasks/{furniture.hostile}/edit",
        f"executions?task={furniture.hostile}",
        f"executions/{furniture.failed}",
        "functions/stage.say",
    ):
        await page.goto(path)
        await settle(page)

        await expect(page.get_by_text(HOSTILE).first, path).to_be_attached()
        await expect_unhurt(page)


async def test_hostile_log_lines_are_shown_as_text(page: Page, watch: Watch, furniture: Furniture) -> None:
    watch.note_dialogs(page)
    await page.goto(f"executions/{furniture.talked}")
    log = page.get_by_role("group", name="Log")

    await expect(log.get_by_text(HOSTILE)).to_have_count(2)
    await expect(log.get_by_text("a link of a terminal")).to_be_visible()
    await expect(log.get_by_text("cursor moved")).to_be_visible()
    assert "\x1b" not in await log.inner_text()
    await log.get_by_text("a link of a terminal").click()
    await expect(page.locator("a[href^='javascript' i]")).to_have_count(0)
    await expect_unhurt(page)


async def test_colours_of_a_terminal_are_shown(page: Page, furniture: Furniture) -> None:
    await page.goto(f"executions/{furniture.talked}")
    log = page.get_by_role("group", name="Log")
    plain = await colour_of(log.get_by_text("plain words"))

    assert await colour_of(log.get_by_text("red words")) != plain
    assert await colour_of(log.get_by_text("true colour")) == await colour_of(log.get_by_text("red words"))
    assert await colour_of(log.get_by_text("green ones")) not in (plain, await colour_of(log.get_by_text("red words")))


async def expect_unhurt(page: Page) -> None:
    """Nothing of the hostile strings was parsed as markup or run."""
    await expect(page.locator("img, body script")).to_have_count(0)
    assert await page.evaluate("() => document.body.dataset.hurt") is None


async def colour_of(part: Locator) -> str:
    return str(await part.evaluate("(element) => getComputedStyle(element).color"))
