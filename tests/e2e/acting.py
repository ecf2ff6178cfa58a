"""What a person does in the admin, in a few words."""

from __future__ import annotations

import asyncio

from playwright.async_api import Locator, Page, expect

PATIENCE_SECONDS = 30


async def choose(scope: Page | Locator, name: str) -> None:
    """Take one of the choices that stand side by side."""
    # The radio button itself is hidden; people press its label.
    await scope.get_by_role("radio", name=name, exact=True).locator("..").click()


async def pick(page: Page, field: Locator, search: str, name: str) -> None:
    """Find a choice in a long list by typing; `search` is the placeholder of the box to type into."""
    await field.click()
    await page.get_by_placeholder(search).fill(name)
    # The list moves while it shrinks to what fits, and a press on what moves away chooses nothing: so by the keyboard,
    # once the first that fits is marked.
    await expect(page.get_by_role("option").filter(has_text=name)).to_have_attribute("data-highlighted", "")
    await page.keyboard.press("Enter")
    await expect(field).to_contain_text(name)
    # The picker gives the focus back when it has closed; what is typed before that would go astray.
    await expect(page.get_by_role("listbox")).to_have_count(0)
    await expect(field).to_be_focused()


async def settle(page: Page) -> None:
    """Wait until nothing on the page is loading and no animation that ends is under way."""
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    # A finished one may set off another: colours are inherited, and each element fades for itself.
    await page.evaluate(
        """async () => {
             for (;;) {
               const running = document.getAnimations().filter((each) =>
                 each.playState === 'running' && Number.isFinite(each.effect?.getComputedTiming().endTime ?? 0))
               if (running.length === 0) return
               await Promise.allSettled(running.map((each) => each.finished))
             }
           }"""
    )


async def stay(page: Page) -> None:
    """Mark the page, so that `stayed` can tell whether it was ever loaded anew."""
    await page.evaluate("() => { window.stayed = true }")


async def stayed(page: Page) -> bool:
    """Whether the page is still the one that `stay` marked."""
    return bool(await page.evaluate("() => window.stayed === true"))


async def pick_task(page: Page, name: str) -> None:
    """Choose whose executions are listed."""
    await page.get_by_role("button", name="Task: Any task").click()
    choices = page.get_by_role("group", name="Task")
    await choices.get_by_role("searchbox", name="Search tasks").fill(name)
    await choices.get_by_role("button", name=name).click()


async def until(part: Locator, condition: str) -> None:
    """Wait until a JavaScript expression about an element, `it`, holds; it is looked at in each frame, so none is missed."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await part.evaluate(
            f"""(it) => new Promise((resolve) => {{
                  const look = () => ({condition}) ? resolve(true) : requestAnimationFrame(look)
                  look()
                }})"""
        )
