"""Executions: the list with its filters, and the page of one with its live log."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

import pytest
from playwright.async_api import Locator, Page, expect

from cronplug.ids import decode_id
from tests.acceptance.server import Server
from tests.e2e.acting import pick_task, stay, stayed, until
from tests.e2e.stage import HOSTILE

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

STREAM = re.compile(r"/log/stream")
AT_END = "it.scrollHeight - it.scrollTop - it.clientHeight < 24"
"""Whether an element is scrolled to its end, within a line."""


@pytest.fixture(scope="module")
def history(server: Server) -> dict[str, str]:
    """Ids of executions, one of each kind: a success by hand, a failure by hand, and two invocations."""
    good = server.create_task(
        name="Good task", type="function", functionName="acme.greet", functionPayload={"name": "Ada"}
    )
    bad = server.create_task(name="Bad task", type="function", functionName="acme.fail")
    made = {
        "good": server.trigger(good["id"]),
        "bad": server.trigger(bad["id"]),
        "counted": server.invoke("acme.count", {"lines": 3}),
        "primes": server.invoke("example.crunch", {"limit": 1000}),
    }
    for name, execution in made.items():
        server.until_status(execution, "failed" if name == "bad" else "success")
    return made


def rows(page: Page) -> Locator:
    """The rows of the list, without its head."""
    return page.get_by_role("table", name="Executions").get_by_role("row").filter(has=page.get_by_role("link"))


def log_of(page: Page) -> Locator:
    """The scrolling part of the log."""
    return page.get_by_role("group", name="Log")


async def test_the_list_tells_what_ran_how_and_what_came_of_it(page: Page, history: dict[str, str]) -> None:
    await page.goto("executions")

    await expect(rows(page)).to_have_count(len(history))
    bad = rows(page).filter(has_text="Bad task")
    await expect(bad.get_by_text("Failed")).to_be_visible()
    await expect(bad.get_by_text("By hand")).to_be_visible()
    await expect(bad.get_by_text("no luck")).to_be_visible()
    primes = rows(page).filter(has_text="example.crunch")
    await expect(primes.get_by_text("Called without a task")).to_be_visible()
    await expect(primes.get_by_text("168 primes below 1,000")).to_be_visible()


async def test_statuses_filter_the_list_and_stand_in_the_address(page: Page, history: dict[str, str]) -> None:
    await page.goto("executions")
    await expect(rows(page)).to_have_count(len(history))

    await page.get_by_role("button", name="Status: Any status").click()
    await page.get_by_role("checkbox", name="Failed").check()

    await expect(rows(page)).to_have_count(1)
    await expect(page).to_have_url(re.compile(r"\?status=failed$"))
    await page.reload()
    await expect(rows(page)).to_have_count(1)
    await expect(page.get_by_role("button", name="Status: Failed")).to_be_visible()
    await page.go_back()
    await expect(rows(page)).to_have_count(len(history))


async def test_filters_by_task_function_trigger_and_time_go_together(page: Page, history: dict[str, str]) -> None:
    await page.goto("executions")
    await expect(rows(page)).to_have_count(len(history))

    await page.get_by_role("combobox", name="Trigger").select_option("API")
    await expect(rows(page)).to_have_count(2)
    await page.get_by_role("combobox", name="Function").select_option("acme.count")
    await expect(rows(page)).to_have_count(1)
    await page.get_by_role("combobox", name="Time").select_option("Last hour")
    await expect(rows(page)).to_have_count(1)
    await page.get_by_role("combobox", name="Trigger").select_option("By hand")
    await expect(page.get_by_text("No execution matches")).to_be_visible()
    await page.get_by_role("button", name="Clear filters").first.click()
    await expect(rows(page)).to_have_count(len(history))
    await pick_task(page, "Good task")

    await expect(rows(page)).to_have_count(1)
    await expect(page.get_by_role("button", name="Task: Good task")).to_be_visible()


async def test_a_figure_leads_to_the_list_behind_it(page: Page, history: dict[str, str]) -> None:
    await page.goto("tasks")

    await page.get_by_role("navigation", name="Figures").get_by_role("link", name="Success 24 h").click()

    await expect(page).to_have_url(re.compile(r"executions\?time=day$"))
    await expect(rows(page).filter(has_text="Good task").first).to_be_visible()


async def test_a_new_execution_comes_into_the_list_by_itself(page: Page, server: Server) -> None:
    await page.goto("executions?function=stage.count")
    await expect(page.get_by_text("No execution matches")).to_be_visible()
    await stay(page)

    server.invoke("stage.count", {"lines": 1})

    await expect(rows(page).filter(has_text="Success")).to_have_count(1)
    assert await stayed(page)


async def test_a_long_list_is_read_on_by_keys_and_found_again_where_it_was_left(page: Page, server: Server) -> None:
    for _ in range(70):
        last = server.invoke("stage.say", {"lines": []})
    server.until_status(last, "success")
    await page.goto("executions?function=stage.say")
    table = page.get_by_role("table", name="Executions")
    await expect(table).to_be_visible()

    await page.keyboard.press("j")
    await expect(page.locator('[data-index="0"] .row-link')).to_be_focused()
    await page.keyboard.press("End")
    await expect(table).to_have_attribute("aria-rowcount", "71")
    await page.keyboard.press("End")
    oldest = page.locator('[data-index="69"]')
    await expect(oldest.get_by_role("link")).to_be_focused()
    assert await rows(page).count() < 50
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Payload")).to_be_visible()

    await page.go_back()

    await expect(oldest).to_be_in_viewport()
    await expect(page).to_have_url(re.compile("function=stage.say$"))


async def test_an_execution_tells_its_result_payload_and_details(page: Page, history: dict[str, str]) -> None:
    await page.goto(f"executions/{history['counted']}")

    await expect(page.get_by_role("region", name="Result")).to_contain_text('"lines": 3')
    await expect(page.get_by_role("region", name="Payload")).to_contain_text('"lines": 3')
    await expect(page.get_by_role("region", name="Details").get_by_role("link", name="acme.count")).to_be_visible()
    await expect(log_of(page).get_by_text("out 2")).to_be_visible()


async def test_files_are_listed_with_their_sizes_and_downloaded(page: Page, server: Server) -> None:
    execution = server.invoke("stage.keep", {})
    server.until_status(execution, "success")
    await page.goto(f"executions/{execution}")
    files = page.get_by_role("region", name="Files")

    await expect(files).to_contain_text("2 files, 2.9 kB")
    await expect(files).to_contain_text(HOSTILE)
    async with page.expect_download() as download:
        await files.get_by_role("link", name="Download sums.csv, 8 byte").click()
    assert (await (await download.value).path()).read_bytes() == b"a,b\n1,2\n"


async def test_standard_error_can_be_shown_alone(page: Page, history: dict[str, str]) -> None:
    await page.goto(f"executions/{history['counted']}")
    await expect(log_of(page).get_by_text("out 2")).to_be_visible()

    await page.get_by_role("button", name="stderr").click()

    await expect(log_of(page).get_by_text("err", exact=True)).to_be_visible()
    await expect(log_of(page).get_by_text("out 2")).to_have_count(0)


async def test_a_line_of_the_log_has_an_address(page: Page, server: Server) -> None:
    execution = server.invoke("stage.count", {"lines": 400})
    server.until_status(execution, "success")

    await page.goto(f"executions/{execution}#L350")

    await expect(log_of(page).get_by_text("line 350 of 400")).to_be_in_viewport()
    await page.get_by_role("link", name="Line 351, link to it").click()
    await expect(page).to_have_url(re.compile(r"#L351$"))


async def test_words_are_found_in_the_log(page: Page, server: Server) -> None:
    execution = server.invoke("stage.count", {"lines": 400})
    server.until_status(execution, "success")
    await page.goto(f"executions/{execution}")
    await expect(log_of(page).get_by_text("line 1 of 400")).to_be_visible()

    await page.keyboard.press("/")
    await page.keyboard.type("LINE 39")

    await expect(page.get_by_text("1 of 11")).to_be_visible()
    await page.get_by_role("button", name="Previous match").click()
    await expect(page.get_by_text("11 of 11")).to_be_visible()
    await expect(log_of(page).get_by_text("line 399 of 400")).to_be_in_viewport()


async def test_a_long_log_keeps_the_page_light(page: Page, server: Server) -> None:
    execution = server.invoke("stage.count", {"lines": 3000})
    server.until_status(execution, "success")

    await page.goto(f"executions/{execution}")

    await expect(page.get_by_text("3,000 lines", exact=True)).to_be_visible()
    assert await log_of(page).locator(".log-row").count() < 100


async def test_of_a_very_long_log_the_oldest_lines_are_loaded_when_asked_for(page: Page, server: Server) -> None:
    execution = server.invoke("stage.say", {"lines": ["line 1"]})
    server.until_status(execution, "success")
    with closing(sqlite3.connect(server.data_dir / "cronplug.db", timeout=30)) as database, database:
        database.execute("update executions set log_lines = 55001 where id = ?", (decode_id(execution),))
        for first in range(2, 51_002, 5_000):
            numbers = range(first, first + 5_000)
            lines = [[number, 1_700_000_000_000, "stdout", None, 1, f"line {number}"] for number in numbers]
            row = (decode_id(execution), first, numbers[-1], json.dumps(lines))
            database.execute(
                "insert into log_chunks (execution_id, first_seq, last_seq, lines) values (?, ?, ?, ?)", row
            )

    await page.goto(f"executions/{execution}")

    await expect(page.get_by_text("The oldest 5,001 lines are not shown here.")).to_be_visible()
    await expect(page.get_by_text("50,000 lines", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Load earlier lines").click()
    await expect(page.get_by_text("The oldest line is not shown here.")).to_be_visible()
    await expect(log_of(page).get_by_text("line 5002", exact=True)).to_be_in_viewport()
    await page.get_by_role("button", name="Load earlier lines").click()
    await expect(page.get_by_text("55,001 lines", exact=True)).to_be_visible()
    await expect(page.get_by_role("button", name="Load earlier lines")).to_have_count(0)


async def test_lines_that_are_kept_no_more_are_not_told_as_none(page: Page, server: Server) -> None:
    execution = server.invoke("stage.say", {"lines": ["one", "two"]})
    server.until_status(execution, "success")
    with closing(sqlite3.connect(server.data_dir / "cronplug.db", timeout=30)) as database, database:
        database.execute("delete from log_chunks where execution_id = ?", (decode_id(execution),))

    await page.goto(f"executions/{execution}")

    await expect(page.get_by_text("The output was cleaned up")).to_be_visible()
    await expect(page.get_by_text("2 lines were written and are no longer kept.")).to_be_visible()


async def test_a_running_execution_is_followed_line_by_line_to_its_end(page: Page, server: Server) -> None:
    task = server.create_task(
        name="Watched report",
        type="function",
        functionName="example.report",
        functionPayload={"days": 90, "seconds": 3, "region": "north"},
    )
    execution = server.trigger(task["id"])
    await page.goto(f"executions/{execution}")
    await stay(page)

    await expect(log_of(page).get_by_text("day 90 of 90")).to_be_in_viewport()
    await expect(page.get_by_text("Success", exact=True)).to_be_visible()
    await expect(page.get_by_role("region", name="Result")).to_contain_text('"days": 90')
    await expect(page.get_by_text("91 lines", exact=True)).to_be_visible()
    assert await stayed(page)


async def test_a_running_execution_tells_how_far_it_is(page: Page, server: Server) -> None:
    execution = server.invoke("stage.linger", {}, timeoutSeconds=900)

    await page.goto(f"executions/{execution}")

    await expect(page.get_by_text("Running", exact=True)).to_be_visible()
    await expect(page.get_by_role("img", name="Progress: 40%")).to_be_visible()
    await expect(page.get_by_text("counting sheep")).to_be_visible()
    await expect(page.get_by_text(re.compile(r"about .+ left|about to end"))).to_be_visible()
    server.client.post(f"/executions/{execution}/cancel").raise_for_status()


async def test_scrolling_up_stops_following_until_asked_again(page: Page, server: Server) -> None:
    execution = server.invoke("stage.count", {"lines": 3000, "pause_seconds": 0.02}, timeoutSeconds=60)
    await page.goto(f"executions/{execution}")
    await until(log_of(page), f"it.scrollTop > 100 && {AT_END}")

    await log_of(page).hover()
    await page.mouse.wheel(0, -100_000)

    await expect(log_of(page).get_by_text("line 1 of 3000")).to_be_in_viewport()
    await page.get_by_role("button", name=re.compile(r"\d+ new lines?")).click()
    await until(log_of(page), f"it.scrollTop > 100 && {AT_END}")
    await expect(page.get_by_role("button", name=re.compile("new line|Follow"))).to_have_count(0)
    server.client.post(f"/executions/{execution}/cancel").raise_for_status()


async def test_a_running_execution_is_cancelled_after_a_question(page: Page, server: Server) -> None:
    execution = server.invoke("acme.wait", {"seconds": 600}, timeoutSeconds=900)
    await page.goto(f"executions/{execution}")
    await expect(log_of(page).get_by_text("waiting")).to_be_visible()

    await page.get_by_role("button", name="Cancel", exact=True).click()
    question = page.get_by_role("dialog", name="Cancel this execution?")
    await question.get_by_role("button").last.click()

    await expect(page.get_by_text("Cancelled", exact=True)).to_be_visible()
    await expect(page.get_by_role("button", name="Run again")).to_be_visible()
    server.until_status(execution, "cancelled")


async def test_run_again_leads_to_the_new_execution(page: Page, history: dict[str, str]) -> None:
    await page.goto(f"executions/{history['good']}")

    await page.get_by_role("button", name="Run again").click()

    await expect(page).not_to_have_url(re.compile(history["good"]))
    await expect(page.get_by_text("Hello Ada (7)").first).to_be_visible()
    await page.get_by_role("link", name="an earlier execution").click()
    await expect(page).to_have_url(re.compile(history["good"]))


async def test_retries_are_told_attempt_by_attempt(page: Page, server: Server) -> None:
    task = server.create_task(
        name="Flaky one", type="function", functionName="acme.flaky", maxRetries=2, retryDelaySeconds=1
    )
    execution = server.trigger(task["id"])
    await page.goto(f"executions/{execution}")

    times = page.get_by_role("region", name="Where the time went")
    await expect(times.get_by_role("listitem").filter(has_text=re.compile(r"^\s*Attempt 1\b"))).to_contain_text(
        "first time"
    )
    await expect(times.get_by_role("listitem").filter(has_text=re.compile(r"^\s*Attempt 2\b"))).to_be_visible()
    await expect(times.get_by_role("listitem").filter(has_text="Pause")).to_be_visible()
    await expect(page.get_by_text("attempt 2 of 3")).to_be_visible()


async def test_attempts_are_listed_in_a_table_too(page: Page, server: Server) -> None:
    task = server.create_task(
        name="Flaky two", type="function", functionName="acme.flaky", maxRetries=2, retryDelaySeconds=1
    )
    execution = server.trigger(task["id"])
    server.until_status(execution, "success")
    await page.goto(f"executions/{execution}")

    await page.get_by_role("button", name="Every attempt as a table").click()

    row = page.get_by_role("row").filter(has_text="Attempt 1")
    await expect(row).to_contain_text("Failed")
    await expect(row).to_contain_text("first time")
    await expect(page.get_by_role("row").filter(has_text="Attempt 2")).to_contain_text("Success")


async def test_the_log_is_copied_and_saved_without_its_colours(page: Page, server: Server) -> None:
    execution = server.invoke("stage.say", {"lines": ["\x1b[31mred\x1b[0m", "plain"]})
    server.until_status(execution, "success")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(f"executions/{execution}")
    await expect(log_of(page).get_by_text("plain")).to_be_visible()

    await page.get_by_role("button", name="Copy what is shown").click()

    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.evaluate("() => navigator.clipboard.readText()") == "red\nplain"
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download the log").click()
    text = (await (await download.value).path()).read_text(encoding="utf-8")
    assert [line.split(" ", 1)[1] for line in text.splitlines()] == ["stdout red", "stdout plain"]


async def test_an_ended_execution_opens_no_stream_of_its_log(page: Page, history: dict[str, str]) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    await page.goto(f"executions/{history['counted']}")

    await expect(log_of(page).get_by_text("out 2")).to_be_visible()
    await expect(page.get_by_text("Live", exact=True)).to_be_attached()
    assert [url for url in asked if STREAM.search(url)] == []


async def test_an_unknown_execution_is_said_to_be_gone(page: Page) -> None:
    await page.goto("executions/none-such")

    await expect(page.get_by_text("There is no such execution")).to_be_visible()
