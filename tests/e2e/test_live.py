"""What changes elsewhere is seen here, and a server that went away is waited for."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.acceptance.server import Server
from tests.e2e.acting import stay, stayed
from tests.e2e.conftest import NewContext
from tests.e2e.watching import Watch

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


def by_hand(server: Server, name: str) -> str:
    """The id of a new task without a schedule."""
    task_id: str = server.create_task(name=name, type="function", functionName="maintenance.heartbeat")["id"]
    return task_id


async def test_two_browsers_see_one_change(page: Page, new_context: NewContext, watch: Watch, server: Server) -> None:
    by_hand(server, "Seen twice")
    other = await watch.open(await new_context())
    for each in (page, other):
        await each.goto("tasks")
        await expect(each.get_by_role("switch", name="Seen twice: on")).to_be_checked()
        await stay(each)

    await other.get_by_role("switch", name="Seen twice: on").click()

    await expect(page.get_by_role("switch", name="Seen twice: on")).not_to_be_checked()
    assert await stayed(page)


async def test_two_tabs_share_one_stream_and_both_see_a_change(
    context: BrowserContext, page: Page, watch: Watch, server: Server
) -> None:
    streams: list[str] = []
    context.on("request", lambda request: streams.append(request.url) if request.url.endswith("/events") else None)
    other = await watch.open(context)
    for each in (page, other):
        await each.goto("tasks")
        await expect(each.get_by_text("Live", exact=True)).to_be_attached()

    by_hand(server, "Seen in tabs")

    await expect(page.get_by_role("link", name="Seen in tabs")).to_be_visible()
    await expect(other.get_by_role("link", name="Seen in tabs")).to_be_visible()
    assert len(streams) == 1


async def test_the_other_tab_takes_over_when_the_one_that_reads_is_closed(
    context: BrowserContext, page: Page, watch: Watch, server: Server
) -> None:
    reader = await watch.open(context)
    await reader.goto("tasks")
    await expect(reader.get_by_text("Live", exact=True)).to_be_attached()
    await page.goto("tasks")
    await expect(page.get_by_text("Live", exact=True)).to_be_attached()

    await reader.close()
    by_hand(server, "After the handover")

    await expect(page.get_by_role("link", name="After the handover")).to_be_visible()


async def test_a_restart_of_the_server_is_told_and_recovered_from_unaided(page: Page, server: Server) -> None:
    by_hand(server, "Outlives restarts")
    await page.goto("tasks")
    await expect(page.get_by_role("link", name="Outlives restarts")).to_be_visible()
    await stay(page)

    server.terminate()

    await expect(page.get_by_role("status").filter(has_text="Reconnecting")).to_be_visible()
    await expect(page.get_by_text(re.compile(r"as of \d\d:\d\d"))).to_be_visible()
    await expect(page.get_by_role("link", name="Outlives restarts")).to_be_visible()
    server.start()
    by_hand(server, "Made after the restart")
    await expect(page.get_by_role("link", name="Made after the restart")).to_be_visible(timeout=30_000)
    await expect(page.get_by_text("Live", exact=True)).to_be_attached()
    assert await stayed(page)


async def test_a_log_goes_on_after_a_restart_without_loss(page: Page, server: Server) -> None:
    execution = server.invoke("stage.count", {"lines": 40, "pause_seconds": 0.1})
    await page.goto(f"executions/{execution}")
    await expect(page.get_by_text("line 3 of 40")).to_be_attached()
    await stay(page)

    server.kill()
    server.start()

    ended = server.until_status(execution, "success", "failed", "lost")
    total = server.client.get(f"/executions/{execution}/log", params={"limit": 1}).json()["total"]
    log = page.get_by_role("region", name="Log")
    await expect(log.get_by_text(f"{total} lines", exact=True)).to_be_visible(timeout=30_000)
    word = {"success": "Success", "failed": "Failed", "lost": "Lost"}[ended["status"]]
    await expect(page.get_by_text(word, exact=True)).to_be_visible()
    assert await stayed(page)
