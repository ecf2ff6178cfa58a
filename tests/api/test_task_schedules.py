"""Schedules of every kind over REST: what is stored, answered and refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cronplug.app import App
from cronplug.clock import rfc3339
from cronplug.store.tasks import select_task
from tests.api.conftest import Api, fields_at_fault

pytestmark = pytest.mark.asyncio(loop_scope="session")

HTTP = {"name": "scheduled", "type": "http", "httpUrl": "https://example.com/hook", "enabled": False}
FUNCTION = {"name": "scheduled", "type": "function", "functionName": "sample.report", "enabled": False}
LATER = "2190-01-01T00:00:00.000Z"

CRON = {"kind": "cron", "cronExpression": "0 9 * * *", "timezone": "Europe/Berlin"}
EACH = {"kind": "interval", "everySeconds": 90, "anchorAt": "2026-01-01T00:00:00.000Z"}
ONCE = {"kind": "once", "at": LATER}
AFTER_END = {"kind": "interval", "everySeconds": 60, "afterEnd": True}


async def test_every_kind_is_answered_in_full(api: Api) -> None:
    task = await api.make_task(schedules=[CRON | {"onDstGap": "skip"}, EACH, ONCE], timezone="Asia/Tokyo")

    assert task["schedules"] == [
        {"kind": "cron", "cronExpression": "0 9 * * *", "timezone": "Europe/Berlin", "onDstGap": "skip",
         "onDstRepeat": None, "calendars": [], "payload": None},
        {"kind": "interval", "everySeconds": 90, "anchorAt": "2026-01-01T00:00:00.000Z", "afterEnd": False,
         "timezone": "Asia/Tokyo", "calendars": [], "payload": None},
        {"kind": "once", "at": LATER, "timezone": "Asia/Tokyo", "calendars": [], "payload": None},
    ]  # fmt: skip
    assert (task["cronExpression"], task["timezone"]) == ("0 9 * * *", "Europe/Berlin")
    assert (await api.get(f"/tasks/{task['id']}"))["task"] == task


async def test_an_interval_without_an_anchor_counts_from_the_start_or_from_now(api: Api) -> None:
    each = {"kind": "interval", "everySeconds": 60}
    before = datetime.now(UTC)

    from_start = await api.make_task(schedules=[each], startAt="2050-01-01T00:00:00.500Z")
    from_now = await api.make_task(schedules=[each], enabled=True)

    assert from_start["schedules"][0]["anchorAt"] == "2050-01-01T00:00:01.000Z"
    anchor = datetime.fromisoformat(from_now["schedules"][0]["anchorAt"])
    assert before <= anchor < before + timedelta(seconds=30)
    assert anchor.microsecond == 0
    same = await api("PUT", f"/tasks/{from_now['id']}", json={"schedules": [each], "enabled": False})
    assert same.json()["schedules"] == from_now["schedules"]


async def test_what_is_read_can_be_written_back_unchanged(api: Api) -> None:
    task = await api.make_task(schedules=[CRON, EACH], timezone="Asia/Tokyo", startAt=LATER)
    computed = {"id", "createdAt", "updatedAt", "revision", "state", "nextRunAt", "firedCount", "tzdataVersion",
                "scheduleDescription", "scheduleShort", "scheduleError", "failingSince", "lastExecution", "recentResults"}  # fmt: skip

    response = await api("PUT", f"/tasks/{task['id']}", json={k: v for k, v in task.items() if k not in computed})

    assert response.status_code == 200, response.text
    assert response.json() == task


@pytest.mark.parametrize(
    ("change", "schedules", "zone"),
    [
        ({"cronExpression": "@daily"}, [("@daily", "skip")], "Europe/Berlin"),
        ({"timezone": "UTC"}, [("0 9 * * *", "skip")], "UTC"),
        ({"cronExpression": None}, [], "Asia/Tokyo"),
        ({"schedules": []}, [], "Asia/Tokyo"),
        ({"schedules": None}, [], "Asia/Tokyo"),
    ],
)
async def test_the_short_way_changes_the_one_expression(
    api: Api, change: dict[str, Any], schedules: list[tuple[str, str]], zone: str
) -> None:
    task = await api.make_task(schedules=[CRON | {"onDstGap": "skip"}], timezone="Asia/Tokyo")

    changed = (await api("PATCH", f"/tasks/{task['id']}", json=change)).json()

    assert [(rule["cronExpression"], rule["onDstGap"]) for rule in changed["schedules"]] == schedules
    assert changed["timezone"] == zone


REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"schedules": [CRON | {"cronExpression": "61 * * * *"}]}, ["schedules.0.cronExpression"]),
    ({"schedules": [EACH, CRON | {"cronExpression": "x"}]}, ["schedules.1.cronExpression"]),
    ({"schedules": [CRON | {"timezone": "Nowhere"}]}, ["schedules.0.timezone"]),
    ({"schedules": [EACH | {"timezone": "Nowhere"}]}, ["schedules.0.timezone"]),
    ({"schedules": [CRON], "timezone": "Nowhere"}, ["timezone"]),
    ({"schedules": [EACH], "timezone": "Nowhere"}, ["timezone"]),
    ({"schedules": [CRON | {"onDstGap": "maybe"}]}, ["schedules.0.onDstGap"]),
    ({"schedules": [CRON | {"everySeconds": 5}]}, ["schedules.0.everySeconds"]),
    ({"schedules": [{"kind": "cron"}]}, ["schedules.0.cronExpression"]),
    ({"schedules": [{"kind": "interval"}]}, ["schedules.0.everySeconds"]),
    ({"schedules": [{"kind": "interval", "everySeconds": 0}]}, ["schedules.0.everySeconds"]),
    ({"schedules": [{"kind": "interval", "everySeconds": 31622401}]}, ["schedules.0.everySeconds"]),
    ({"schedules": [{"kind": "interval", "everySeconds": "60"}]}, ["schedules.0.everySeconds"]),
    ({"schedules": [EACH | {"anchorAt": "noon"}]}, ["schedules.0.anchorAt"]),
    ({"schedules": [{"kind": "once"}]}, ["schedules.0.at"]),
    ({"schedules": [{"kind": "once", "at": "2020-01-01T00:00:00Z"}]}, ["schedules.0.at"]),
    ({"schedules": [CRON | {"cronExpression": "0 0 0 1 1 * 2020"}]}, ["schedules.0.cronExpression"]),
    ({"schedules": [{"kind": "weekly", "cronExpression": "@daily"}]}, ["schedules.0.kind"]),
    ({"schedules": [{"cronExpression": "@daily"}]}, ["schedules.0.kind"]),
    ({"schedules": ["@daily"]}, ["schedules.0"]),
    ({"schedules": "@daily"}, ["schedules"]),
    ({"schedules": [ONCE] * 21}, ["schedules"]),
    ({"schedules": [AFTER_END, CRON]}, ["schedules"]),
    ({"schedules": [CRON | {"payload": {"a": 1}}]}, ["schedules.0.payload"]),
    ({"schedules": [CRON | {"payload": 5}]}, ["schedules.0.payload"]),
    ({"schedules": [CRON | {"calendars": [{"calendarId": "x"}]}]}, ["schedules.0.calendars.0.mode"]),
    ({"schedules": [ONCE, CRON | {"calendars": [{"calendarId": "x", "mode": "exclude"}]}]},
     ["schedules.1.calendars.0.calendarId"]),
    ({"schedules": [CRON], "cronExpression": "@daily"}, ["cronExpression"]),
    ({"cronExpression": "0 0 0 1 1 * 2020"}, ["cronExpression"]),
    ({"startAt": "2030-01-02T00:00:00Z", "endAt": "2030-01-01T00:00:00Z"}, ["endAt"]),
    ({"jitterSeconds": -1}, ["jitterSeconds"]),
    ({"jitterSeconds": 86401}, ["jitterSeconds"]),
    ({"jitterSeconds": None}, ["jitterSeconds"]),
    ({"maxExecutions": 0}, ["maxExecutions"]),
    ({"catchUpWindowSeconds": 0}, ["catchUpWindowSeconds"]),
    ({"catchUpWindowSeconds": 31622401}, ["catchUpWindowSeconds"]),
    ({"catchUpMax": 0}, ["catchUpMax"]),
    ({"catchUpMax": 1001}, ["catchUpMax"]),
    ({"misfireGraceSeconds": -1}, ["misfireGraceSeconds"]),
    ({"misfireGraceSeconds": 604801}, ["misfireGraceSeconds"]),
    ({"overlap": "wait"}, ["overlap"]),
    ({"overlapQueueMax": 0}, ["overlapQueueMax"]),
    ({"overlapQueueMax": 1001}, ["overlapQueueMax"]),
    ({"pausedUntil": "tomorrow"}, ["pausedUntil"]),
    ({"retryBackoff": "linear"}, ["retryBackoff"]),
    ({"retryJitterPercent": 101}, ["retryJitterPercent"]),
    ({"retryMaxDelaySeconds": 0}, ["retryMaxDelaySeconds"]),
    ({"retryOn": ["not a name"]}, ["retryOn.0"]),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "at_fault"), REFUSED, ids=lambda value: str(value)[:60])
async def test_a_fault_is_named_by_its_place(api: Api, fields: dict[str, Any], at_fault: list[str]) -> None:
    made = await api("POST", "/tasks", json=HTTP | fields)
    assert made.status_code == 422, made.text
    assert fields_at_fault(made)[:1] == at_fault

    task = await api.make_task()
    changed = await api("PATCH", f"/tasks/{task['id']}", json={"description": "half"} | fields)
    assert changed.status_code == 422, changed.text
    assert fields_at_fault(changed)[:1] == at_fault
    assert (await api.get(f"/tasks/{task['id']}"))["task"] == task


ACCEPTED: list[dict[str, Any]] = [
    {"jitterSeconds": 86400, "maxExecutions": 1, "pausedUntil": LATER, "startAt": LATER, "endAt": LATER},
    {"catchUpWindowSeconds": 31622400, "catchUpMax": 1000, "misfireGraceSeconds": 0, "overlapQueueMax": 1000},
    {"overlap": "queue"},
    {"overlap": "replace"},
    {"retryBackoff": "exponential", "retryMaxDelaySeconds": 604800, "retryJitterPercent": 50},
    {"retryOn": ["timeout", "OSError"], "noRetryOn": ["acme.NotFound"]},
    {"startAt": None, "endAt": None, "maxExecutions": None, "pausedUntil": None},
]


@pytest.mark.parametrize("fields", ACCEPTED, ids=lambda value: ", ".join(value)[:60])
async def test_what_is_within_bounds_is_kept(api: Api, fields: dict[str, Any]) -> None:
    task = await api.make_task(**fields)

    assert {name: task[name] for name in fields} == fields


async def test_a_schedule_may_bring_its_own_payload(api: Api) -> None:
    good = FUNCTION | {"functionPayload": {"region": "north"}, "schedules": [CRON | {"payload": {"region": "south"}}]}
    assert (await api("POST", "/tasks", json=good)).json()["schedules"][0]["payload"] == {"region": "south"}

    bad = await api(
        "POST", "/tasks", json=good | {"schedules": [CRON, CRON | {"payload": {"region": "x", "days": 91}}]}
    )
    assert fields_at_fault(bad) == ["schedules.1.payload.days"]


async def test_a_once_that_has_passed_stays_when_something_else_changes(api: Api) -> None:
    soon = rfc3339((datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0))
    task = await api.make_task(schedules=[{"kind": "once", "at": soon}], enabled=True, overlap="allow")
    async with api.bus.subscribe(lambda event: event.id == task["id"]) as inbox:
        while (await api.get(f"/tasks/{task['id']}"))["task"]["state"] != "done":
            await inbox.next(timeout_seconds=1.0)

    renamed = await api("PATCH", f"/tasks/{task['id']}", json={"name": "done with"})

    assert renamed.status_code == 200, renamed.text
    assert (renamed.json()["state"], renamed.json()["nextRunAt"], renamed.json()["firedCount"]) == ("done", None, 1)


@pytest.mark.parametrize(
    ("fields", "state", "sentence"),
    [
        ({"schedules": [EACH]}, "active", "Every 90 seconds"),
        ({"schedules": [ONCE]}, "active", "Once at 2190-01-01"),
        ({"schedules": [AFTER_END]}, "active", "after each execution has ended"),
        ({"schedules": [CRON], "endAt": "2020-01-01T00:00:00Z"}, "done", "At 09:00"),
        ({"schedules": []}, "manual", None),
    ],
)
async def test_state_and_sentence(api: Api, fields: dict[str, Any], state: str, sentence: str | None) -> None:
    task = await api.make_task(enabled=True, **fields)

    assert task["state"] == state
    assert (task["nextRunAt"] is not None) == (state == "active")
    assert (sentence is None) == (task["scheduleDescription"] is None)
    assert sentence is None or sentence in task["scheduleDescription"]


async def test_the_next_run_is_the_next_that_will_run(api: Api) -> None:
    task = await api.make_task(enabled=True, schedules=[{"kind": "interval", "everySeconds": 86400, "anchorAt": "2026-01-01T00:00:00Z"}], pausedUntil="2180-06-01T00:00:01Z")  # fmt: skip

    assert task["nextRunAt"] == "2180-06-02T00:00:00.000Z"
    assert (await api.get("/stats"))["activeJobs"] >= 1


async def test_secrets_of_schedules_stay_apart_when_everything_is_sent_back(api: Api, core: App) -> None:
    def sends(token: str, expression: str) -> dict[str, Any]:
        return CRON | {"cronExpression": expression, "payload": {"token": token, "channels": []}}

    task = await api.make_task(
        type="function", httpUrl=None, functionName="sample.send", functionPayload={"token": "task own", "channels": []},
        schedules=[sends("first", "0 9 * * *"), sends("second", "0 9 * * *")],
    )  # fmt: skip
    assert [rule["payload"]["token"] for rule in task["schedules"]] == ["********", "********"]

    body = {"schedules": task["schedules"], "cronExpression": "0 10 * * *", "timezone": task["timezone"]}
    changed = await api("PUT", f"/tasks/{task['id']}", json=body)

    assert changed.status_code == 200, changed.text
    stored = await core.store.read(lambda conn: select_task(conn, task["id"]))
    assert stored is not None
    rules = stored.definition.schedules
    assert [rule.payload["token"] for rule in rules if rule.payload] == ["first", "second"]
    assert [rule["cronExpression"] for rule in changed.json()["schedules"]] == ["0 10 * * *", "0 9 * * *"]
    without = await api("PATCH", f"/tasks/{task['id']}", json={"cronExpression": None})
    stored = await core.store.read(lambda conn: select_task(conn, task["id"]))
    assert without.status_code == 200
    assert stored is not None
    assert [rule.payload["token"] for rule in stored.definition.schedules if rule.payload] == ["second"]
