"""GET /tasks/{id}/fire-times, the forecast and previews of whole tasks over REST."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Api, fields_at_fault

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOURLY = {"kind": "interval", "everySeconds": 3600, "anchorAt": "2026-01-01T00:00:00Z"}
BERLIN = {"kind": "cron", "cronExpression": "0 9 * * *", "timezone": "Europe/Berlin"}
RANGE = "from=2150-01-01T00:00:00Z&to=2150-01-01T04:00:00Z"


async def test_coming_fire_times_are_listed(api: Api) -> None:
    task = await api.make_task(enabled=True, schedules=[HOURLY, BERLIN])

    answer = await api.get(f"/tasks/{task['id']}/fire-times?from=2150-01-01T07:30:00Z&to=2150-01-01T08:00:00Z")

    assert answer == {
        "list": [
            {"fireTime": "2150-01-01T08:00:00.000Z", "coming": True, "account": "planned", "message": "Planned.",
             "rule": 0, "timezone": "UTC", "executionId": None, "status": None, "reason": None},
        ],
        "from": "2150-01-01T07:30:00.000Z",
        "to": "2150-01-01T08:00:00.000Z",
        "nextCursor": None,
    }  # fmt: skip


async def test_pages_lead_on(api: Api) -> None:
    task = await api.make_task(enabled=True, schedules=[HOURLY])
    path = f"/tasks/{task['id']}/fire-times?{RANGE}"

    first = await api.get(f"{path}&limit=3")
    second = await api.get(f"{path}&limit=3&cursor={first['nextCursor']}")

    whole = await api.get(path)
    assert first["list"] + second["list"] == whole["list"]
    assert [it["fireTime"][11:16] for it in whole["list"]] == ["00:00", "01:00", "02:00", "03:00", "04:00"]
    assert (second["nextCursor"], whole["nextCursor"]) == (None, None)


async def test_what_has_run_and_what_was_before_the_task(api: Api) -> None:
    task = await api.make_task(
        type="function", httpUrl=None, functionName="sample.echo", enabled=True, overlap="allow",
        schedules=[{"kind": "interval", "everySeconds": 1, "anchorAt": "2026-01-01T00:00:00Z"}],
    )  # fmt: skip
    async with api.bus.subscribe(lambda event: event.kind == "execution") as inbox:
        while not (found := (await api.get(f"/executions?taskId={task['id']}"))["list"]):
            await inbox.next(timeout_seconds=1.0)
    await api("POST", f"/tasks/{task['id']}/toggle", json={"enabled": False})
    ran = await api.ended(found[-1]["id"])
    start = datetime.fromisoformat(task["createdAt"]) - timedelta(seconds=3)

    answer = await api.get(f"/tasks/{task['id']}/fire-times", params={"from": start.isoformat(), "limit": 8})

    by_time = {it["fireTime"]: it for it in answer["list"]}
    assert by_time[ran["scheduledFor"]]["executionId"] == ran["id"]
    assert (by_time[ran["scheduledFor"]]["account"], by_time[ran["scheduledFor"]]["status"]) == ("execution", "success")
    assert answer["list"][0]["account"] == "before_task"
    await api("DELETE", f"/tasks/{task['id']}?force=true")


async def test_by_default_it_looks_a_day_back_and_a_day_ahead(api: Api) -> None:
    task = await api.make_task(schedules=[HOURLY])

    answer = await api.get(f"/tasks/{task['id']}/fire-times")

    now = datetime.now(UTC)
    assert abs(datetime.fromisoformat(answer["from"]) - (now - timedelta(days=1))) < timedelta(minutes=1)
    assert abs(datetime.fromisoformat(answer["to"]) - (now + timedelta(days=1))) < timedelta(minutes=1)
    assert len(answer["list"]) == 48
    assert {it["account"] for it in answer["list"]} == {"before_task", "disabled"}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("from=yesterday", "from"),
        ("from=2150-01-02T00:00:00Z&to=2150-01-01T00:00:00Z", "to"),
        ("cursor=x", "cursor"),
        ("cursor=%D9%A3", "cursor"),
        ("page=1", "page"),
    ],
)
async def test_bad_queries_are_refused(api: Api, query: str, field: str) -> None:
    task = await api.make_task()
    response = await api("GET", f"/tasks/{task['id']}/fire-times?{query}")
    assert response.status_code == 422, response.text
    assert fields_at_fault(response) == [field]


@pytest.mark.parametrize(
    "query",
    ["from=0001-01-01T00:00:00Z", "to=1970-01-01T00:00:00Z", "from=9999-12-31T23:59:59Z", "cursor=999999999999999"],
)
async def test_the_ends_of_time_are_no_error(api: Api, query: str) -> None:
    task = await api.make_task(enabled=True, schedules=[HOURLY, BERLIN])
    assert (await api("GET", f"/tasks/{task['id']}/fire-times?{query}")).status_code == 200


async def test_of_an_unknown_task(api: Api) -> None:
    for path in ("fire-times", "forecast"):
        assert (await api("GET", f"/tasks/{'0' * 13}/{path}")).status_code == 404


# -- previews --------------------------------------------------------------------------------------------------------


async def preview(api: Api, **body: Any) -> dict[str, Any]:
    """The preview of some schedules."""
    response = await api("POST", "/schedules/preview", json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_a_preview_of_several_schedules_within_bounds(api: Api) -> None:
    told = await preview(
        api, schedules=[BERLIN, HOURLY | {"timezone": "Asia/Tokyo"}], startAt="2150-01-01T07:30:00Z",
        endAt="2150-01-01T09:00:00Z", count=10,
    )  # fmt: skip

    assert [(it["at"][11:16], it["rule"], it["timezone"]) for it in told["occurrences"]] == [
        ("08:00", 0, "Europe/Berlin"),
        ("09:00", 1, "Asia/Tokyo"),
    ]
    assert [rule["kind"] for rule in told["rules"]] == ["cron", "interval"]
    assert told["lastFireAt"] == "2150-01-01T09:00:00.000Z"
    assert "same_instants" in [it["code"] for it in told["warningDetails"]]
    assert [it["message"] for it in told["warningDetails"]] == told["warnings"]
    assert (told["difference"], told["enabling"]) == (None, None)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ({"kind": "once", "at": "2150-01-01T07:30:00Z"}, "Once at 2150-01-01"),
        ({"kind": "interval", "everySeconds": 90}, "Every 90 seconds"),
        ({"kind": "interval", "everySeconds": 60, "afterEnd": True}, "after each execution has ended"),
    ],
)
async def test_a_preview_of_every_kind_has_a_sentence(api: Api, schedule: dict[str, Any], words: str) -> None:
    assert words in (await preview(api, schedules=[schedule]))["description"]


async def test_the_choice_for_clock_changes_goes_with_the_expression(api: Api) -> None:
    body = {"cronExpression": "30 2 * * *", "timezone": "Europe/Berlin", "after": "2026-03-28T12:00:00Z", "count": 1}

    assert (await preview(api, **body))["nextRuns"] == ["2026-03-29T01:00:00.000Z"]
    told = await preview(api, **body, onDstGap="skip")
    assert told["nextRuns"] == ["2026-03-30T00:30:00.000Z"]
    assert told["clockChanges"][0]["kind"] == "gap"


async def test_the_difference_from_a_stored_task(api: Api) -> None:
    task = await api.make_task(cronExpression="0 9 * * *", timezone="Europe/Berlin", enabled=True)

    same = await preview(api, schedules=[BERLIN], taskId=task["id"])
    other = await preview(api, cronExpression="0 10 * * *", timezone="Europe/Berlin", taskId=task["id"])

    assert same["difference"]["same"]
    assert not other["difference"]["same"]
    assert other["difference"]["nextRunChanges"]
    assert other["difference"]["oldNext"] == task["nextRunAt"]
    assert other["difference"]["onlyNew"]
    assert other["enabling"] is None


async def test_what_enabling_a_disabled_task_would_do(api: Api) -> None:
    task = await api.make_task(schedules=[BERLIN])

    told = await api.get(f"/tasks/{task['id']}/forecast?catchUp=all")
    changed = await preview(api, schedules=[HOURLY], taskId=task["id"], catchUp=True)

    assert (told["nextRuns"], told["nextRunAt"], told["difference"]) == ([], None, None)
    assert told["enabling"]["nextRunAt"] is not None
    assert told["enabling"]["catchUp"] == []
    assert changed["enabling"]["nextRunAt"] == changed["nextRunAt"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"schedules": [BERLIN | {"cronExpression": "x"}]}, ["schedules.0.cronExpression"]),
        ({"schedules": [BERLIN, {"kind": "once"}]}, ["schedules.1.at"]),
        ({"schedules": [BERLIN], "cronExpression": "@daily"}, ["cronExpression"]),
        ({"cronExpression": "@daily", "onDstGap": "maybe"}, ["onDstGap"]),
        ({"cronExpression": "@daily", "taskId": "unknown"}, ["taskId"]),
        ({"cronExpression": "@daily", "startAt": "2030-01-02T00:00:00Z", "endAt": "2030-01-01T00:00:00Z"}, ["endAt"]),
        ({"schedules": [BERLIN | {"calendars": [{"calendarId": "x", "mode": "include"}]}]},
         ["schedules.0.calendars.0.calendarId"]),
        ({"schedules": None}, ["cronExpression"]),
    ],
)  # fmt: skip
async def test_a_preview_refuses_and_names_the_place(api: Api, body: dict[str, Any], fields: list[str]) -> None:
    response = await api("POST", "/schedules/preview", json=body)
    assert response.status_code == 422, response.text
    assert fields_at_fault(response) == fields


async def test_an_empty_list_of_schedules_is_a_task_by_hand(api: Api) -> None:
    told = await preview(api, schedules=[])
    assert (told["nextRuns"], told["runsPerDay"]) == ([], 0)
