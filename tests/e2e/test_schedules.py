"""Schedules of every kind in the browser: typed, looked at before they are saved, read, paused, and accounted for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.acceptance.server import Server
from tests.e2e.acting import choose, pick
from tests.e2e.conftest import NewContext
from tests.e2e.watching import Watch

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

GREETS = {"type": "function", "functionName": "acme.greet", "functionPayload": {"name": "Ada"}}


async def open_new(page: Page, name: str) -> Locator:
    """The form for a new task that calls an address, with its name."""
    await page.goto("tasks/new")
    form = page.get_by_role("dialog", name="New task")
    await form.get_by_role("textbox", name="Name", exact=True).fill(name)
    await choose(form, "HTTP request")
    await form.get_by_label("URL").fill("https://example.com/")
    return form


async def create(page: Page, form: Locator, server: Server) -> dict[str, Any]:
    """Send the form; the task as it is stored."""
    await form.get_by_role("button", name="Create task").click()
    await expect(page).to_have_url(re.compile(r"/tasks/\w{13}$"))
    return task_of(server, page.url.rpartition("/")[2])


def task_of(server: Server, task_id: str) -> dict[str, Any]:
    """GET /tasks/{id}; the task."""
    return dict(server.client.get(f"/tasks/{task_id}").json()["task"])


async def unfold(form: Locator, title: str) -> None:
    """Open what is folded under a title."""
    await form.locator("summary").filter(has_text=title).click()


async def test_an_interval_with_limits_and_policies_reaches_the_task(page: Page, server: Server) -> None:
    form = await open_new(page, "Every so often")
    await choose(form, "Every")
    preview = form.get_by_role("region", name="Preview")
    await expect(preview).to_contain_text("Say how often")
    await form.get_by_role("textbox", name="Every", exact=True).fill("90")
    await expect(preview).to_contain_text("16 runs a day")
    await unfold(form, "Limits")
    await form.get_by_label("At most, in all").fill("500")
    await form.get_by_label("Spread starts over", exact=True).fill("30")
    await unfold(form, "Failures")
    await form.get_by_label("Retries", exact=True).fill("3")
    await form.get_by_label("Growth").select_option("exponential")
    await form.get_by_label("Retry only on").fill("timeout, OSError")
    await unfold(form, "Missed runs")
    await form.get_by_label("Catch up").select_option("all")
    await form.get_by_label("Not older than", exact=True).fill("2")
    await unfold(form, "Overlap and crashes")
    await form.get_by_label("When one is still running").select_option("queue")
    await form.get_by_label("Waiting at most").fill("4")

    task = await create(page, form, server)

    [rule] = task["schedules"]
    assert (rule["kind"], rule["everySeconds"], rule["afterEnd"]) == ("interval", 5400, False)
    assert (task["maxExecutions"], task["jitterSeconds"]) == (500, 30)
    assert (task["maxRetries"], task["retryBackoff"], task["retryOn"]) == (3, "exponential", ["timeout", "OSError"])
    assert (task["catchUp"], task["catchUpWindowSeconds"]) == ("all", 2 * 86_400)
    assert (task["overlap"], task["overlapQueueMax"]) == ("queue", 4)


async def test_a_single_run_is_planned_on_the_clock_of_its_zone(page: Page, server: Server) -> None:
    form = await open_new(page, "New year in Tokyo")
    await choose(form, "Once")
    await pick(page, form.get_by_role("button", name="Time zone"), "Search time zones", "Asia/Tokyo")
    await form.get_by_label("At", exact=False).and_(form.locator("[type=datetime-local]")).fill("2027-01-01T00:00")
    await expect(form.get_by_role("region", name="Preview").get_by_text("+09:00").first).to_be_visible()

    task = await create(page, form, server)

    assert [(rule["kind"], rule["at"]) for rule in task["schedules"]] == [("once", "2026-12-31T15:00:00.000Z")]


async def test_several_schedules_have_zones_and_payloads_of_their_own(page: Page, server: Server) -> None:
    task = server.create_task(name="Twofold", **GREETS, cronExpression="0 3 * * *", timezone="Europe/Helsinki")
    await page.goto(f"tasks/{task['id']}/edit")
    form = page.get_by_role("dialog", name="Edit task: Twofold")
    await form.get_by_role("button", name="Add another schedule").click()
    second = form.get_by_role("group", name="Schedule 2", exact=True)
    await second.get_by_label("Cron expression").fill("0 9 * * 8-9")

    preview = form.get_by_role("region", name="Preview")
    await expect(preview).to_contain_text("Schedule 2:")
    await form.get_by_role("button", name="Save changes").click()
    await expect(second.get_by_label("Cron expression")).to_be_focused()

    await second.get_by_label("Cron expression").fill("0 9 * * 1")
    await pick(page, second.get_by_role("button", name="Time zone"), "Search time zones", "Asia/Tokyo")
    await unfold(second, "Clock changes")
    await second.get_by_label("A time that is skipped").select_option("skip")
    await unfold(second, "Payload")
    await second.get_by_role("switch", name="A payload of its own for this schedule").click()
    await second.get_by_role("textbox", name="Name").fill("Grace")
    await expect(preview).to_contain_text("Asia/Tokyo")
    await form.get_by_role("button", name="Save changes").click()

    await expect(page.get_by_text("Twofold was saved", exact=True)).to_be_visible()
    first_rule, second_rule = task_of(server, task["id"])["schedules"]
    assert (first_rule["cronExpression"], first_rule["timezone"]) == ("0 3 * * *", "Europe/Helsinki")
    assert (second_rule["cronExpression"], second_rule["timezone"]) == ("0 9 * * 1", "Asia/Tokyo")
    assert (second_rule["onDstGap"], second_rule["payload"]) == ("skip", {"name": "Grace"})
    await page.goto(f"tasks/{task['id']}?tab=configuration")
    await expect(page.get_by_role("heading", name="Schedule 2")).to_be_visible()


async def test_what_a_change_would_stop_and_start_is_shown_before_it_is_saved(page: Page, server: Server) -> None:
    task = server.create_task(name="Moved", **GREETS, cronExpression="30 3 * * *", timezone="Europe/Helsinki")
    await page.goto(f"tasks/{task['id']}/edit")
    form = page.get_by_role("dialog", name="Edit task: Moved")
    preview = form.get_by_role("region", name="Preview")
    await expect(preview).to_contain_text("03:30")
    await expect(preview.get_by_text("Stops")).to_have_count(0)

    await form.get_by_label("Cron expression").fill("45 3 * * *")

    await expect(preview.locator("dl")).to_contain_text(re.compile(r"Stops.*03:30.*New.*03:45"))
    changes = preview.locator("summary").filter(has_text="clock changes in the next two years")
    await changes.click()
    await expect(changes.locator("..")).to_contain_text("03:45")


async def test_a_calendar_is_made_and_skips_what_it_covers(page: Page, server: Server) -> None:
    await page.goto("calendars")
    await page.get_by_role("link", name="New calendar").first.click()
    await page.get_by_role("textbox", name="Name", exact=True).fill("Quiet days")
    weekdays = page.get_by_role("region", name="Weekdays")
    await weekdays.get_by_role("button", name="Add weekdays").click()
    for day in ("Mon", "Tue", "Wed"):
        await weekdays.get_by_role("button", name=day).click()
    await page.get_by_role("button", name="Create calendar").click()
    await expect(page.get_by_role("heading", name="What it covers")).to_be_visible()

    form = await open_new(page, "Kept out")
    await form.get_by_label("Cron expression").fill("0 12 * * *")
    await unfold(form, "Calendars")
    await form.get_by_role("button", name="Add a calendar").click()
    await expect(form.get_by_label("Calendar 1", exact=True)).to_contain_text("Quiet days")
    await expect(form.get_by_role("region", name="Preview")).to_contain_text("Will be skipped: ")
    task = await create(page, form, server)
    [use] = task["schedules"][0]["calendars"]
    assert use["mode"] == "exclude"

    await page.goto(f"calendars/{use['calendarId']}")
    await expect(page.get_by_text("Used by 1 task.")).to_be_visible()
    await page.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete calendar").click()
    await expect(page.get_by_text("Quiet days was not deleted", exact=True)).to_be_visible()


async def test_a_calendar_comes_from_an_ics_file(page: Page, server: Server) -> None:
    year = datetime.now(UTC).year + 1
    file = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//acme//EN\r\nX-WR-CALNAME:Feasts\r\nBEGIN:VEVENT\r\nUID:1\r\n"
        f"DTSTAMP:20260101T000000Z\r\nDTSTART;VALUE=DATE:{year}0501\r\nSUMMARY:First of May\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    await page.goto("calendars")

    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Import .ics").click()
    await (await chooser.value).set_files({"name": "feasts.ics", "mimeType": "text/calendar", "buffer": file.encode()})

    await expect(page.get_by_role("region", name="Dates").get_by_label("Name of entry 1")).to_have_value("First of May")
    await expect(page.get_by_role("region", name="What it covers")).to_contain_text("First of May")
    await expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Feasts")


async def test_every_fire_time_is_accounted_for(page: Page, server: Server) -> None:
    task = server.create_task(name="Accounted", **GREETS, cronExpression="* * * * * *")
    server.until(lambda: server.executions(taskId=task["id"], status="success"), what="a success")
    await page.goto(f"tasks/{task['id']}?tab=fire-times")

    passed = page.get_by_role("list", name="Passed")
    await expect(passed.get_by_role("listitem").filter(has_text="Success").first).to_be_visible()
    await expect(page.get_by_text("The task was made")).to_be_visible()
    await expect(page.get_by_role("list", name="Coming").get_by_text("Planned").first).to_be_visible()

    await page.get_by_role("switch", name="Accounted: on").click()
    await expect(page.get_by_role("list", name="Coming").get_by_text("Switched off").first).to_be_visible()
    await passed.get_by_role("listitem").filter(has_text="Success").get_by_role("link").first.click()
    await expect(page).to_have_url(re.compile(r"/executions/\w+$"))


async def test_why_a_fire_time_did_not_run_is_told_in_the_language_of_the_page(
    server: Server, watch: Watch, new_context: NewContext
) -> None:
    task = server.create_task(
        name="Belegt", type="function", functionName="acme.wait", overlap="skip", cronExpression="* * * * * *"
    )
    [skipped, *_] = server.until(lambda: server.executions(taskId=task["id"], status="skipped"), what="a skipped one")
    server.client.post(f"/tasks/{task['id']}/toggle", json={"enabled": False}).raise_for_status()
    page = await watch.open(await new_context(locale="de-DE"))

    await page.goto(f"tasks/{task['id']}?tab=fire-times")

    busy = re.compile(r"Eine frühere Ausführung \(\w+\) lief noch, seit dem \d\d?\. ")
    await expect(page.get_by_role("list", name="Vergangen").get_by_text(busy).first).to_be_visible()
    coming = page.get_by_role("list", name="Kommend").get_by_text("Die Aufgabe ist ausgeschaltet.")
    await expect(coming.first).to_be_visible()
    assert await page.get_by_role("listitem").locator("[lang=en]").count() == 0
    await page.goto(f"executions/{skipped['id']}")
    await expect(page.get_by_text(busy)).to_be_visible()
    server.client.delete(f"/tasks/{task['id']}", params={"force": "true"}).raise_for_status()

    failing = server.create_task(
        name="Einmalig", type="function", functionName="acme.fail", maxRetries=2, retryOn=["TimeoutError"]
    )
    execution = server.trigger(failing["id"])
    server.until_status(execution, "failed")
    for path in (f"executions/{execution}", f"executions?task={failing['id']}", f"tasks/{failing['id']}"):
        await page.goto(path)
        told = page.get_by_text(
            re.compile(r".+ Kein weiterer Versuch: Die Aufgabe sieht ihn nur bei anderen Fehlern vor")
        )
        await expect(told.first, path).to_be_visible()


async def test_switching_on_asks_what_to_do_with_what_was_missed(page: Page, server: Server) -> None:
    task = server.create_task(name="Away", **GREETS, cronExpression="* * * * * *", overlap="allow")
    server.client.post(f"/tasks/{task['id']}/toggle", json={"enabled": False}).raise_for_status()
    server.until(lambda: enabling(server, task["id"])["catchUp"][1:], what="two missed fire times")
    await page.goto(f"tasks/{task['id']}")

    await page.get_by_role("switch", name="Away: on").click()
    question = page.get_by_role("dialog", name="Switch on “Away”")
    await question.get_by_label("Run the latest once").check()
    await question.get_by_role("button", name="Switch on").click()

    await expect(page.get_by_role("switch", name="Away: on")).to_be_checked()
    server.until(lambda: server.executions(taskId=task["id"], trigger="catch_up"), what="a catch-up")
    server.client.delete(f"/tasks/{task['id']}", params={"force": "true"}).raise_for_status()


def enabling(server: Server, task_id: str) -> dict[str, Any]:
    """What switching a task on would do."""
    answer = server.client.get(f"/tasks/{task_id}/forecast", params={"catchUp": "all"})
    return dict(answer.json()["enabling"])


async def test_a_run_that_overlap_skips_can_be_run_anyway(page: Page, server: Server) -> None:
    task = server.create_task(name="Busy", type="function", functionName="acme.wait", overlap="skip")
    server.until_status(server.trigger(task["id"]), "running")
    await page.goto(f"tasks/{task['id']}")
    await page.get_by_role("button", name="Run now").click()
    await expect(page.get_by_text("Busy was not started", exact=True)).to_be_visible()

    await page.get_by_role("button", name="Run anyway").click()

    await expect(page.get_by_text("Busy was started", exact=True)).to_be_visible()
    assert len(server.executions(taskId=task["id"], status="queued,running")) == 2
    server.client.delete(f"/tasks/{task['id']}", params={"force": "true"}).raise_for_status()


async def test_one_that_waits_for_an_earlier_one_says_so(page: Page, server: Server) -> None:
    task = server.create_task(name="In line", type="function", functionName="acme.wait", overlap="queue")
    server.until_status(server.trigger(task["id"]), "running")

    await page.goto(f"executions/{server.trigger(task['id'])}")

    await expect(page.get_by_text("It waits for an earlier execution of the task to end.")).to_be_visible()
    await expect(page.get_by_text("9999")).to_have_count(0)
    server.client.delete(f"/tasks/{task['id']}", params={"force": "true"}).raise_for_status()


async def test_a_paused_task_says_until_when_and_goes_on(page: Page, server: Server) -> None:
    task = server.create_task(name="Resting", **GREETS, cronExpression="0 3 * * *", pausedUntil="2199-01-01T00:00:00Z")
    await page.goto(f"tasks/{task['id']}")
    await expect(page.get_by_text(re.compile("Paused until"))).to_be_visible()
    await expect(page.get_by_text("Will be skipped: paused then").first).to_be_visible()

    await page.get_by_role("button", name="Resume now").click()

    await expect(page.get_by_text("Paused until")).to_have_count(0)
    assert task_of(server, task["id"])["pausedUntil"] is None


@pytest.fixture
def unpaused(server: Server) -> Iterator[None]:
    """Whatever happens in the test, schedules run after it."""
    yield
    server.client.delete("/pause").raise_for_status()


async def test_a_pause_of_all_schedules_is_said_on_every_page_until_it_ends(
    page: Page, server: Server, unpaused: None
) -> None:
    await page.goto("settings")
    panel = page.get_by_role("region", name="Pause of all schedules")
    await panel.get_by_label("Reason").fill("Moving house")
    await panel.get_by_role("button", name="Pause all schedules").click()

    banner = page.get_by_role("region", name="All schedules are paused")
    await expect(banner).to_contain_text("Moving house")
    await page.get_by_role("navigation", name="Main").get_by_role("link", name="Tasks", exact=True).click()
    await expect(banner).to_contain_text("Moving house")
    await banner.get_by_role("button", name="Resume").click()

    await expect(banner).to_have_count(0)
    assert server.client.get("/pause").json()["paused"] is False


async def test_a_task_whose_schedules_have_ended_is_done(page: Page, server: Server) -> None:
    task = server.create_task(name="Over", **GREETS, cronExpression="* * * * * *", maxExecutions=1)
    server.until(lambda: task_of(server, task["id"])["state"] == "done", what="done")

    await page.goto(f"tasks/{task['id']}")

    await expect(page.get_by_text("Its schedules have come to an end: nothing more will run.")).to_be_visible()
