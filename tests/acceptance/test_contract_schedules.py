"""Schedules of every kind, pauses, overlap and why, as a program sees them on one running server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.acceptance.answers import is_instant, json_of, problem
from tests.acceptance.server import Server

pytestmark = pytest.mark.acceptance

CALL = {"name": "Call", "type": "http", "httpUrl": "https://example.com/", "enabled": False}
NINE = {"kind": "cron", "cronExpression": "0 9 * * *", "timezone": "Europe/Berlin"}
EACH = {"kind": "interval", "everySeconds": 90, "anchorAt": "2026-01-01T00:00:00Z"}
ONCE = {"kind": "once", "at": "2190-01-01T00:00:00Z"}


def created(api: httpx.Client, **fields: Any) -> Any:
    """A task that was made."""
    return json_of(api.post("/tasks", json=CALL | fields), 201)


def changed(api: httpx.Client, task: dict[str, Any], **fields: Any) -> Any:
    """The task after a change."""
    return json_of(api.put(f"/tasks/{task['id']}", json=fields))


def test_a_task_answers_its_schedules_and_the_short_way(api: httpx.Client) -> None:
    simple = created(api, cronExpression="0 9 * * *", timezone="Europe/Berlin")
    assert simple["schedules"] == [
        NINE | {"onDstGap": None, "onDstRepeat": None, "calendars": [], "payload": None},
    ]
    several = created(api, schedules=[EACH, NINE, ONCE])
    assert (several["cronExpression"], several["timezone"]) == ("0 9 * * *", "Europe/Berlin")
    assert [rule["kind"] for rule in several["schedules"]] == ["interval", "cron", "once"]
    by_hand = created(api)
    assert (by_hand["schedules"], by_hand["cronExpression"], by_hand["timezone"]) == ([], None, "UTC")


def test_a_client_that_knows_only_the_expression_is_understood(api: httpx.Client) -> None:
    task = created(api, schedules=[EACH, NINE | {"onDstGap": "skip"}])
    after = changed(api, task, cronExpression="30 9 * * *")
    assert [rule.get("cronExpression") for rule in after["schedules"]] == [None, "30 9 * * *"]
    assert after["schedules"][1]["onDstGap"] == "skip"
    cleared = changed(api, task, cronExpression=None)
    assert [rule["kind"] for rule in cleared["schedules"]] == ["interval"]
    assert cleared["cronExpression"] is None


def test_a_client_that_sends_everything_back_changes_what_it_changed(api: httpx.Client) -> None:
    task = created(api, schedules=[NINE])
    whole = {name: task[name] for name in ("name", "type", "httpUrl", "schedules", "cronExpression", "timezone")}
    assert changed(api, task, **whole) == task
    by_expression = changed(api, task, **(whole | {"cronExpression": "@daily"}))
    assert by_expression["schedules"][0]["cronExpression"] == by_expression["cronExpression"] == "@daily"
    whole = {name: by_expression[name] for name in whole}
    by_schedules = changed(api, task, **(whole | {"schedules": [EACH]}))
    assert (by_schedules["cronExpression"], by_schedules["schedules"][0]["everySeconds"]) == (None, 90)
    refused = api.put(f"/tasks/{task['id']}", json={"schedules": [NINE], "cronExpression": "@hourly"})
    problem(refused, 422, field="cronExpression")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"schedules": [NINE, NINE | {"cronExpression": "61 * * * *"}]}, "schedules.1.cronExpression"),
        ({"cronExpression": "61 * * * *"}, "cronExpression"),
        ({"schedules": [NINE | {"timezone": "Mars/Phobos"}]}, "schedules.0.timezone"),
        ({"schedules": [{"kind": "interval", "everySeconds": 0}]}, "schedules.0.everySeconds"),
        ({"schedules": [{"kind": "once", "at": "2001-01-01T00:00:00Z"}]}, "schedules.0.at"),
        ({"schedules": [{"kind": "sometimes"}]}, "schedules.0.kind"),
        ({"schedules": [{"kind": "interval", "everySeconds": 60, "afterEnd": True}, NINE]}, "schedules"),
        ({"startAt": "2030-01-01T00:00:00Z", "endAt": "2029-01-01T00:00:00Z"}, "endAt"),
        ({"jitterSeconds": 86401}, "jitterSeconds"),
        ({"maxExecutions": 0}, "maxExecutions"),
        ({"catchUpMax": 1001}, "catchUpMax"),
        ({"overlapQueueMax": 0}, "overlapQueueMax"),
    ],
)
def test_a_fault_is_named_as_the_caller_said_it(api: httpx.Client, fields: dict[str, Any], field: str) -> None:
    problem(api.post("/tasks", json=CALL | fields), 422, field=field)


def test_an_instant_makes_one_run_and_the_task_is_done(live: Server, api: httpx.Client) -> None:
    at = (datetime.now(UTC) + timedelta(seconds=3)).replace(microsecond=0)
    task = created(
        api, type="function", functionName="acme.greet", functionPayload={"name": "once"}, enabled=True,
        schedules=[{"kind": "once", "at": at.isoformat(), "payload": {"name": "twice"}}],
    )  # fmt: skip
    execution = live.until(lambda: json_of(api.get(f"/executions?taskId={task['id']}&status=success"))["list"])[0]
    assert datetime.fromisoformat(execution["scheduledFor"]) == at
    assert execution["resultSummary"].startswith("Hello twice")
    assert execution["taskRevision"] == 1
    done = json_of(api.get(f"/tasks/{task['id']}"))["task"]
    assert (done["state"], done["nextRunAt"], done["firedCount"]) == ("done", None, 1)


def test_a_limit_ends_the_schedule(live: Server, api: httpx.Client) -> None:
    task = created(
        api, type="function", functionName="acme.whatever", enabled=True, maxExecutions=2, overlap="allow",
        schedules=[{"kind": "interval", "everySeconds": 1}],
    )  # fmt: skip
    live.until(lambda: json_of(api.get(f"/tasks/{task['id']}"))["task"]["state"] == "done")
    assert json_of(api.get(f"/executions?taskId={task['id']}"))["total"] == 2


def test_after_the_end_of_the_last_run(live: Server, api: httpx.Client) -> None:
    task = created(
        api, type="function", functionName="acme.whatever", enabled=True,
        schedules=[{"kind": "interval", "everySeconds": 1, "afterEnd": True}],
    )  # fmt: skip
    found = live.until(
        lambda: len(ended := json_of(api.get(f"/executions?taskId={task['id']}&status=success"))["list"]) >= 2 and ended
    )
    json_of(api.post(f"/tasks/{task['id']}/toggle", json={"enabled": False}))
    later, earlier = found[:2]
    gap = datetime.fromisoformat(later["scheduledFor"]) - datetime.fromisoformat(earlier["finishedAt"])
    assert gap >= timedelta(seconds=1)


@pytest.fixture
def busy(live: Server) -> Iterator[dict[str, Any]]:
    """A task that runs and goes on running."""
    task = live.create_task(name="busy", type="function", functionName="acme.wait")
    first = json_of(live.client.post(f"/tasks/{task['id']}/trigger"), 202)
    assert first["triggered"] is True
    live.until_status(first["executionId"], "running")
    yield task
    live.client.delete(f"/tasks/{task['id']}?force=true")


def test_a_run_by_hand_heeds_overlap_unless_forced(api: httpx.Client, busy: dict[str, Any]) -> None:
    path = f"/tasks/{busy['id']}/trigger"
    skipped = api.post(path)
    told = json_of(skipped, 202)
    assert (told["triggered"], told["status"], told["reason"]) == (False, "skipped", "overlap")
    assert skipped.headers["location"].endswith(f"/executions/{told['executionId']}")
    row = json_of(api.get(f"/executions/{told['executionId']}"))
    assert (row["status"], row["reason"], row["trigger"]) == ("skipped", "overlap", "manual")
    assert json_of(api.post(f"{path}?force=true"), 202)["triggered"] is True
    again = json_of(api.post(f"/executions/{row['id']}/retry"), 202)
    assert (again["triggered"], again["status"], again["reason"]) == (False, "skipped", "overlap")

    json_of(api.put(f"/tasks/{busy['id']}", json={"overlap": "queue", "overlapQueueMax": 1}))
    waiting = json_of(api.post(path), 202)
    assert (waiting["triggered"], waiting["status"]) == (True, "queued")
    assert json_of(api.get(f"/executions/{waiting['executionId']}"))["waitReason"]
    assert json_of(api.post(path), 202)["reason"] == "queue_full"


def test_a_pause_skips_fire_times_until_it_is_lifted(live: Server, api: httpx.Client) -> None:
    none = {"paused": False, "since": None, "until": None, "reason": None}
    assert json_of(api.get("/pause")) == none
    task = created(
        api, type="function", functionName="acme.whatever", overlap="allow", enabled=False,
        schedules=[{"kind": "interval", "everySeconds": 1}],
    )  # fmt: skip
    paused = json_of(api.put("/pause", json={"reason": "Moving house", "until": "2190-01-01T00:00:00Z"}))
    try:
        assert (paused["paused"], paused["reason"], paused["until"]) == (
            True,
            "Moving house",
            "2190-01-01T00:00:00.000Z",
        )
        assert is_instant(paused["since"])
        assert json_of(api.get("/stats"))["pause"] == paused
        json_of(api.post(f"/tasks/{task['id']}/toggle", json={"enabled": True}))
        skipped = live.until(lambda: json_of(api.get(f"/executions?taskId={task['id']}"))["list"])[-1]
        assert (skipped["status"], skipped["reason"]) == ("skipped", "paused")
        assert "Moving house" in skipped["errorMessage"]
    finally:
        assert api.delete("/pause").status_code == 204
    assert json_of(api.get("/pause")) == none
    live.until(lambda: json_of(api.get(f"/executions?taskId={task['id']}&status=success"))["list"])
    json_of(api.post(f"/tasks/{task['id']}/toggle", json={"enabled": False}))
    problem(api.put("/pause", json={"until": "2001-01-01T00:00:00Z"}), 422, field="until")


def test_enabling_catches_up_only_when_asked(live: Server, api: httpx.Client) -> None:
    task = created(
        api, type="function", functionName="acme.whatever", overlap="allow",
        schedules=[{"kind": "interval", "everySeconds": 1, "anchorAt": "2026-01-01T00:00:00Z"}],
    )  # fmt: skip
    forecast = f"/tasks/{task['id']}/forecast?catchUp=all"
    live.until(lambda: len(json_of(api.get(forecast))["enabling"]["catchUp"]) >= 2)
    assert json_of(api.get(forecast))["nextRuns"] == []
    enabled = json_of(api.post(f"/tasks/{task['id']}/toggle", json={"enabled": True, "catchUp": "last"}))
    assert (enabled["enabled"], enabled["catchUp"]) == (True, "none")
    json_of(api.post(f"/tasks/{task['id']}/toggle", json={"enabled": False}))
    found = json_of(api.get(f"/executions?taskId={task['id']}&trigger=catch_up"))["list"]
    assert len(found) == 1
    problem(api.post(f"/tasks/{task['id']}/toggle", json={"enabled": False, "catchUp": "all"}), 422, field="catchUp")


def test_every_fire_time_is_accounted_for(api: httpx.Client) -> None:
    task = created(api, schedules=[{"kind": "interval", "everySeconds": 3600, "anchorAt": "2026-01-01T00:00:00Z"}])
    path = f"/tasks/{task['id']}/fire-times"
    past = json_of(api.get(f"{path}?from=2026-01-01T00:00:00Z&to=2026-01-01T02:00:00Z"))
    assert [it["account"] for it in past["list"]] == ["before_task"] * 3
    assert {"fireTime", "coming", "account", "message", "rule", "timezone", "executionId", "status", "reason"} == set(
        past["list"][0]
    )
    coming = f"{path}?from=2190-01-01T00:00:00Z&to=2190-01-01T02:00:00Z"
    assert [it["account"] for it in json_of(api.get(coming))["list"]] == ["disabled"] * 3
    json_of(api.put(f"/tasks/{task['id']}", json={"enabled": True, "pausedUntil": "2190-01-01T00:30:00Z"}))
    assert [it["account"] for it in json_of(api.get(coming))["list"]] == ["paused", "planned", "planned"]
    first = json_of(api.get(f"{coming}&limit=2"))
    rest = json_of(api.get(f"{coming}&limit=2&cursor={first['nextCursor']}"))
    assert [it["fireTime"] for it in first["list"] + rest["list"]] == [
        f"2190-01-01T0{hour}:00:00.000Z" for hour in range(3)
    ]
    assert rest["nextCursor"] is None
    problem(api.get(f"{path}?limit=1001"), 422, field="limit")
    problem(api.get("/tasks/unknown/fire-times"), 404)


def test_a_preview_of_whole_schedules_and_of_a_change(api: httpx.Client) -> None:
    task = created(api, schedules=[NINE], enabled=True)
    told = json_of(
        api.post(
            "/schedules/preview",
            json={"schedules": [NINE, EACH], "taskId": task["id"], "endAt": "2190-01-01T00:00:00Z"},
        )
    )
    assert [rule["kind"] for rule in told["rules"]] == ["cron", "interval"]
    assert all(isinstance(text, str) for text in told["warnings"])
    assert [detail["message"] for detail in told["warningDetails"]] == told["warnings"]
    assert told["difference"]["same"] is False
    assert told["difference"]["onlyNew"]
    assert told["lastFireAt"] <= "2190-01-01T00:00:00.000Z"
    same = json_of(api.post("/schedules/preview", json={"schedules": task["schedules"], "taskId": task["id"]}))
    assert same["difference"]["same"] is True
    problem(
        api.post("/schedules/preview", json={"schedules": [NINE | {"timezone": "Mars/Phobos"}]}),
        422,
        field="schedules.0.timezone",
    )
    problem(api.post("/schedules/preview", json={"cronExpression": "@daily", "taskId": "unknown"}), 422, field="taskId")
