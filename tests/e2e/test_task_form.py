"""The form for a task: what is typed becomes a task that runs, and what is wrong is said where it is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Request, expect

from tests.acceptance.server import Server
from tests.acceptance.strangers import Target
from tests.e2e.acting import choose, pick, stay, stayed

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def open_new(page: Page) -> Locator:
    """The form for a new task, open."""
    await page.goto("tasks/new")
    form = page.get_by_role("dialog", name="New task")
    await expect(form.get_by_role("textbox", name="Name", exact=True).first).to_be_focused()
    return form


async def open_edit(page: Page, task: dict[str, Any]) -> Locator:
    """The form for a stored task, open."""
    await page.goto(f"tasks/{task['id']}/edit")
    form = page.get_by_role("dialog", name=f"Edit task: {task['name']}")
    await expect(form.get_by_role("textbox", name="Name", exact=True).first).to_have_value(task["name"])
    return form


def greeting(**fields: Any) -> dict[str, Any]:
    """A task that greets, by hand."""
    return {"type": "function", "functionName": "acme.greet", "functionPayload": {"name": "Ada"}, **fields}


async def test_a_function_task_is_created_and_seen_running_every_second(page: Page, server: Server) -> None:
    form = await open_new(page)
    await form.get_by_role("textbox", name="Name", exact=True).fill("Tick")
    await pick(page, form.get_by_role("button", name="Function", exact=True), "Search functions", "example.greet")
    await form.get_by_role("textbox", name="Name", exact=True).nth(1).fill("Grace")
    await form.get_by_label("Times").fill("2")
    await form.get_by_label("Cron expression").fill("* * * * * *")
    await stay(page)

    await form.get_by_role("button", name="Create task").click()

    await expect(page.get_by_role("heading", name="Tick", exact=True)).to_be_visible()
    rows = page.get_by_role("table", name="Executions").get_by_role("row").filter(has_text="Success")
    await expect(rows.nth(2)).to_be_visible()  # it goes on by the second
    assert await stayed(page)
    task = find_task(server, "Tick")
    assert task["functionPayload"] == {"name": "Grace", "times": 2}
    assert task["timeoutSeconds"] == 30  # the author's suggestion
    assert task["timezone"] == "UTC"
    done = server.executions(taskId=task["id"], status="success")
    assert {each["resultSummary"] for each in done} == {"Hello, Grace! Hello, Grace!"}
    assert {each["trigger"] for each in done} == {"schedule"}
    server.client.delete(f"/tasks/{task['id']}", params={"force": "true"}).raise_for_status()


async def test_the_preview_follows_typing(page: Page) -> None:
    form = await open_new(page)
    preview = form.get_by_role("region", name="Preview")
    cron = form.get_by_label("Cron expression")

    await expect(preview).to_contain_text("Type an expression")
    await cron.fill("30 6 * * 1-5")
    await expect(preview).to_contain_text("06:30")
    await expect(preview.get_by_role("listitem").filter(has=page.get_by_role("time")).first).to_be_visible()
    await cron.fill("*/5 * * * *")
    await expect(preview).to_contain_text("288 runs a day")
    await form.get_by_role("button", name="Hourly").click()
    await expect(preview).to_contain_text("24 runs a day")
    await expect(cron).to_have_value("0 * * * *")


async def test_the_preview_tells_local_times_of_the_chosen_zone(page: Page) -> None:
    form = await open_new(page)
    await form.get_by_label("Cron expression").fill("0 3 * * *")
    await pick(page, form.get_by_role("button", name="Time zone"), "Search time zones", "Asia/Tokyo")

    preview = form.get_by_role("region", name="Preview")
    await expect(preview.get_by_text("+09:00").first).to_be_visible()
    await expect(preview.get_by_text("your time").first).to_be_visible()


async def test_a_wrong_expression_is_marked_where_it_is_wrong_and_cannot_be_saved(page: Page) -> None:
    form = await open_new(page)
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.url.endswith("/tasks") else None)
    await form.get_by_role("textbox", name="Name", exact=True).fill("Never saved")
    await pick(
        page, form.get_by_role("button", name="Function", exact=True), "Search functions", "maintenance.heartbeat"
    )
    await form.get_by_label("Cron expression").fill("0 12 * * 1-9")

    preview = form.get_by_role("region", name="Preview")
    await expect(preview.locator("mark")).to_have_text("9")
    await form.get_by_role("button", name="Create task").click()

    await expect(form.get_by_label("Cron expression")).to_be_focused()
    assert [request for request in sent if request.method == "POST"] == []


async def test_what_is_missing_is_said_beside_each_field(page: Page) -> None:
    form = await open_new(page)

    await form.get_by_role("button", name="Create task").click()

    beside = form.get_by_role("paragraph")
    await expect(beside.get_by_text("Give the task a name.", exact=True)).to_be_visible()
    await expect(beside.get_by_text("Choose what to run.", exact=True)).to_be_visible()
    await expect(beside.get_by_text("Give an expression, or choose “Only by hand”.", exact=True)).to_be_visible()
    await expect(form.get_by_role("textbox", name="Name", exact=True)).to_have_attribute("aria-invalid", "true")
    summary = form.get_by_role("alert", name="3 fields need a change")
    await expect(summary).to_be_focused()
    await expect(form.get_by_role("textbox", name="Name", exact=True)).to_be_in_viewport()
    await summary.get_by_role("button", name="Cron expression: Give an expression").click()
    await expect(form.get_by_label("Cron expression")).to_be_focused()


async def test_a_fault_that_the_server_finds_lands_on_its_field_and_takes_the_focus(page: Page, server: Server) -> None:
    form = await open_new(page)
    await form.get_by_role("textbox", name="Name", exact=True).fill("Too far back")
    await pick(page, form.get_by_role("button", name="Function", exact=True), "Search functions", "example.report")
    await choose(form, "Only by hand")
    days = form.get_by_label("Days")
    await days.fill("91")

    await form.get_by_role("button", name="Create task").click()

    await expect(days).to_be_focused()
    await expect(days).to_have_attribute("aria-invalid", "true")
    await expect(days).to_have_accessible_description(re.compile("90"))
    await days.fill("90")
    await expect(days).not_to_have_attribute("aria-invalid", "true")
    await form.get_by_role("button", name="Create task").click()
    await expect(page.get_by_role("heading", name="Too far back", exact=True)).to_be_visible()
    assert find_task(server, "Too far back")["functionPayload"] == {"days": 90}


async def test_the_form_and_the_json_show_one_payload_and_keep_unknown_keys(page: Page, server: Server) -> None:
    task = server.create_task(name="Keeper", **greeting(functionPayload={"name": "Ada", "colour": {"of": "sky"}}))
    form = await open_edit(page, task)
    await expect(form.get_by_text("Also kept: colour")).to_be_visible()
    await form.get_by_label("Days").fill("8")

    await choose(form, "JSON")
    text = await editor(form, "Payload")
    await expect(text).to_contain_text('"days": 8')
    await rewrite(text, '{"name": "Bob", "days": 9, "colour": {"of": "sea"}, "more": [1]}')
    await choose(form, "Form")
    await expect(form.get_by_role("textbox", name="Name", exact=True).nth(1)).to_have_value("Bob")
    await form.get_by_label("Days").fill("10")
    await form.get_by_role("button", name="Save changes").click()

    await expect(page.get_by_text("Keeper was saved", exact=True)).to_be_visible()
    stored = server.client.get(f"/tasks/{task['id']}").json()["task"]["functionPayload"]
    assert stored == {"name": "Bob", "days": 10, "colour": {"of": "sea"}, "more": [1]}


async def test_broken_json_is_explained_and_cannot_be_saved(page: Page, server: Server) -> None:
    task = server.create_task(name="Whole", **greeting())
    form = await open_edit(page, task)
    await choose(form, "JSON")

    text = await editor(form, "Payload")
    await rewrite(text, '{"name": "Ada",')
    await form.get_by_role("button", name="Save changes").click()

    await expect(form.get_by_text("Not valid JSON").first).to_be_visible()
    await expect(text).to_be_focused()
    assert server.client.get(f"/tasks/{task['id']}").json()["task"]["revision"] == task["revision"]


async def test_what_does_not_fit_the_schema_is_marked_while_json_is_typed(page: Page, server: Server) -> None:
    task = server.create_task(name="Strict", **greeting())
    form = await open_edit(page, task)
    await choose(form, "JSON")
    text = await editor(form, "Payload")

    await rewrite(text, '{"name": 3, "days": 91}')

    problems = form.get_by_role("list", name="2 parts do not fit")
    await expect(problems.get_by_role("button", name="Line 1 name This must be: text")).to_be_visible()
    await problems.get_by_role("button", name="Line 1 days At most 90").click()
    await expect(text).to_be_focused()
    await expect(text).to_have_text('{"name": 3, "days": 91}')
    await page.keyboard.press("Control+Enter")
    await expect(form.get_by_role("alert", name="2 fields need a change")).to_be_focused()


async def test_a_stored_secret_is_kept_or_replaced_and_asked_for_again_by_a_duplicate(
    page: Page, server: Server
) -> None:
    stored = greeting(functionName="stage.sign", functionPayload={"token": "first", "words": "Dear all"})
    task = server.create_task(name="Signs", **stored)
    form = await open_edit(page, task)
    await expect(form.get_by_text("Stored, not shown")).to_be_visible()
    await form.get_by_label("Words").fill("Dear Ada")
    await form.get_by_role("button", name="Save changes").click()
    await expect(page.get_by_text("Signs was saved", exact=True)).to_be_visible()
    assert told_by(server, task["id"]) == "first: Dear Ada"

    form = await open_edit(page, task)
    await form.get_by_role("button", name="Replace Token").click()
    await expect(form.locator("input[type=password]")).to_be_focused()
    await page.keyboard.type("second")
    await page.keyboard.press("Control+Enter")
    await expect(form).to_have_count(0)
    assert told_by(server, task["id"]) == "second: Dear Ada"

    await page.goto(f"tasks/{task['id']}/copy")
    form = page.get_by_role("dialog", name="Duplicate task")
    token = form.locator("input[type=password]")
    await expect(token).to_have_accessible_description(re.compile("Give it again"))
    await form.get_by_role("button", name="Create task").click()
    await expect(token).to_be_focused()
    await token.fill("third")
    await form.get_by_role("button", name="Create task").click()
    await expect(page.get_by_role("heading", name="Signs (copy)", exact=True)).to_be_visible()
    assert told_by(server, find_task(server, "Signs (copy)")["id"]) == "third: Dear Ada"


async def test_what_is_typed_is_tried_before_it_is_saved(page: Page, server: Server, target: Target) -> None:
    form = await open_new(page)
    trial = form.get_by_role("region", name="Try it out")
    await expect(trial.get_by_role("button", name="Test run")).to_be_disabled()
    await pick(page, form.get_by_role("button", name="Function", exact=True), "Search functions", "acme.greet")

    await trial.get_by_role("button", name="Test run").click()
    name = form.get_by_role("textbox", name="Name", exact=True).nth(1)
    await expect(name).to_be_focused()
    await name.fill("Grace")
    await trial.get_by_role("button", name="Test run").click()

    await expect(trial.get_by_text("Success", exact=True)).to_be_visible()
    await expect(trial.get_by_role("group", name="Log")).to_contain_text("greeting Grace")
    await choose(form, "HTTP request")
    await form.get_by_label("URL").fill(f"{target.url}/status/503")
    await trial.get_by_role("button", name="Test run").click()
    await expect(trial.get_by_text("Failed", exact=True)).to_be_visible()
    await form.get_by_text("What counts as success").click()
    await form.get_by_label("Status is one of").fill("503")
    await trial.get_by_role("button", name="Test again").click()
    await expect(trial.get_by_text("Success", exact=True)).to_be_visible()
    assert server.client.get("/tasks", params={"q": "Grace"}).json()["total"] == 0


async def test_a_stored_task_is_tried_with_its_secrets_as_stored(page: Page, server: Server, target: Target) -> None:
    stored = greeting(functionName="stage.sign", functionPayload={"token": "first", "words": "Dear all"})
    signs = server.create_task(name="Tried", **stored)
    request = {"type": "http", "httpUrl": f"{target.url}/tried", "httpHeaders": {"Authorization": "Bearer first"}}
    calls = server.create_task(name="Called", **request)
    form = await open_edit(page, signs)
    trial = form.get_by_role("region", name="Try it out")
    await form.get_by_label("Words").fill("Dear Ada")
    await trial.get_by_role("button", name="Test run").click()
    await expect(trial).to_contain_text("first: Dear Ada")

    form = await open_edit(page, calls)
    trial = form.get_by_role("region", name="Try it out")
    await trial.get_by_role("button", name="Test run").click()
    await expect(trial.get_by_text("Success", exact=True)).to_be_visible()
    [asked] = [each for each in target.requests if each["path"] == "/tried"]
    assert "'authorization': 'Bearer first'" in str(asked["headers"])
    assert server.executions(taskId=signs["id"]) == server.executions(taskId=calls["id"]) == []


async def test_what_the_author_suggests_is_filled_in_and_said_to_be_so(page: Page) -> None:
    await page.goto("tasks/new?function=stage.sign")
    form = page.get_by_role("dialog", name="New task")

    await form.get_by_text("Failures", exact=True).click()

    retries = form.get_by_label("Retries", exact=True)
    await expect(retries).to_have_value("2")
    await expect(retries).to_have_accessible_description(re.compile("from the function"))
    await retries.fill("5")
    await expect(retries).not_to_have_accessible_description(re.compile("from the function"))
    await pick(page, form.get_by_role("button", name="Function", exact=True), "Search functions", "acme.greet")
    await expect(retries).to_have_value("5")
    await expect(form.get_by_label("Time limit per try", exact=True)).to_have_value("10")


async def test_nested_and_optional_fields_of_a_payload_reach_the_task(page: Page, server: Server) -> None:
    form = await open_new(page)
    await form.get_by_role("textbox", name="Name", exact=True).fill("Nested")
    await pick(page, form.get_by_role("button", name="Function", exact=True), "Search functions", "example.report")
    await choose(form, "Only by hand")
    await form.get_by_label("Region").select_option("south")
    await form.get_by_label("Seconds").fill("0.5")
    layout = form.get_by_role("group", name="Layout")
    await layout.get_by_label("Title").fill("Fruit & <vegetables>")
    await layout.get_by_label("Decimals").fill("0")
    await form.get_by_label("Tags").fill("fruit")
    await form.get_by_label("Tags").press("Enter")

    await form.get_by_role("button", name="Create task").click()

    await expect(page.get_by_role("heading", name="Nested", exact=True)).to_be_visible()
    task = find_task(server, "Nested")
    assert task["functionPayload"] == {
        "region": "south",
        "seconds": 0.5,
        "layout": {"title": "Fruit & <vegetables>", "decimals": 0},
    }
    assert task["tags"] == ["fruit"]
    assert task["cronExpression"] is None


async def test_an_http_task_is_created_and_its_request_arrives(page: Page, server: Server, target: Target) -> None:
    form = await open_new(page)
    await form.get_by_role("textbox", name="Name", exact=True).fill("Order hook")
    await choose(form, "HTTP request")
    await form.get_by_label("Method").select_option("POST")
    await form.get_by_label("URL").fill(f"{target.url}/echo?a=1")
    await form.get_by_role("button", name="Add header").click()
    await form.get_by_label("Name of header 1").fill("X-Order")
    await form.get_by_label("Value of header 1").fill("42")
    await rewrite(await editor(form, "Body"), '{"since": "yesterday"}')
    await form.get_by_text("What counts as success").click()
    await form.get_by_label("Answer contains").fill("yesterday")
    await form.get_by_label("Try again on status").fill("429, 5xx")
    await choose(form, "Only by hand")
    await form.get_by_role("button", name="Create task").click()
    await page.get_by_role("button", name="Run now").click()

    row = page.get_by_role("table", name="Executions").get_by_role("row").filter(has_text="By hand")
    await expect(row.get_by_text("Success")).to_be_visible()
    [request] = [each for each in target.requests if each["path"] == "/echo?a=1"]
    assert (request["method"], request["body"]) == ("POST", '{"since": "yesterday"}')
    headers = request["headers"]
    assert isinstance(headers, dict)
    assert headers["x-order"] == "42"
    task = find_task(server, "Order hook")
    assert (task["httpExpectStatus"], task["httpExpectBody"]) == (["2xx"], "yesterday")
    assert task["httpRetryStatus"] == ["429", "5xx"]


async def test_somebody_elses_change_meanwhile_is_shown_beside_mine(page: Page, server: Server) -> None:
    task = server.create_task(name="Shared", description="old", **greeting())
    form = await open_edit(page, task)
    await form.get_by_label("Description").fill("mine")
    changed = server.client.patch(f"/tasks/{task['id']}", json={"description": "theirs", "tags": ["new"]})
    assert changed.status_code == 200

    await form.get_by_role("button", name="Save changes").click()

    conflict = form.get_by_role("alert").filter(has_text="The task has changed since you opened it")
    await expect(conflict.get_by_role("row", name="description mine theirs")).to_be_visible()
    await expect(conflict.get_by_role("row")).to_have_count(2)
    await conflict.get_by_role("button", name="Save mine over theirs").click()
    await expect(page.get_by_text("Shared was saved", exact=True)).to_be_visible()
    stored = server.client.get(f"/tasks/{task['id']}").json()["task"]
    assert (stored["description"], stored["tags"]) == ("mine", ["new"])


async def test_of_two_changes_theirs_can_be_taken(page: Page, server: Server) -> None:
    task = server.create_task(name="Taken", description="old", **greeting())
    form = await open_edit(page, task)
    await form.get_by_label("Description").fill("mine")
    server.client.patch(f"/tasks/{task['id']}", json={"description": "theirs"}).raise_for_status()
    await form.get_by_role("button", name="Save changes").click()

    await form.get_by_role("button", name="Take theirs").click()

    await expect(form.get_by_label("Description")).to_have_value("theirs")
    await expect(form.get_by_text("The task has changed since you opened it")).to_have_count(0)


async def test_what_is_unsaved_is_not_lost_without_asking(page: Page) -> None:
    form = await open_new(page)
    await form.get_by_role("textbox", name="Name", exact=True).fill("Half done")

    await page.keyboard.press("Escape")
    question = page.get_by_role("dialog", name="Leave without saving?")
    await question.get_by_role("button", name="Cancel").click()
    await expect(form.get_by_role("textbox", name="Name", exact=True)).to_have_value("Half done")
    await form.get_by_role("button", name="Cancel").click()
    await question.get_by_role("button", name="Leave").click()

    await expect(form).to_have_count(0)


async def test_a_double_click_creates_one_task(page: Page, server: Server) -> None:
    form = await open_new(page)
    await form.get_by_role("textbox", name="Name", exact=True).fill("Once")
    await pick(
        page, form.get_by_role("button", name="Function", exact=True), "Search functions", "maintenance.heartbeat"
    )
    await choose(form, "Only by hand")

    await form.get_by_role("button", name="Create task").dblclick()

    await expect(page.get_by_role("heading", name="Once", exact=True)).to_be_visible()
    assert server.client.get("/tasks", params={"q": "Once"}).json()["total"] == 1


async def test_a_duplicate_is_a_task_of_its_own(page: Page, server: Server) -> None:
    task = server.create_task(name="Original", **greeting(), tags=["kept"])
    await page.goto(f"tasks/{task['id']}/copy")
    form = page.get_by_role("dialog", name="Duplicate task")
    await expect(form.get_by_role("textbox", name="Name", exact=True).first).to_have_value("Original (copy)")

    await form.get_by_role("button", name="Create task").click()

    await expect(page.get_by_role("heading", name="Original (copy)", exact=True)).to_be_visible()
    copied = find_task(server, "Original (copy)")
    assert copied["id"] != task["id"]
    assert (copied["functionPayload"], copied["tags"]) == ({"name": "Ada"}, ["kept"])


async def editor(form: Locator, name: str) -> Locator:
    """The editor of a text, once it has taken over from the plain field."""
    found = form.locator(f'[contenteditable][aria-label="{name}"]')
    await expect(found).to_be_visible()
    return found


async def rewrite(text: Locator, words: str) -> None:
    """Type over all that stands in an editor, as a person does: what `fill` does to it, no person can."""
    await text.press("ControlOrMeta+a")
    await text.page.keyboard.insert_text(words)
    await expect(text).to_have_text(words)


def told_by(server: Server, task: str) -> str:
    """What a task answers when it runs now."""
    execution = server.trigger(task)
    server.until_status(execution, "success")
    return str(server.client.get(f"/executions/{execution}").json()["resultSummary"])


def find_task(server: Server, name: str) -> dict[str, Any]:
    """The one stored task of a name."""
    found = server.client.get("/tasks", params={"q": name}).json()["list"]
    [task] = [each for each in found if each["name"] == name]
    return dict(task)
