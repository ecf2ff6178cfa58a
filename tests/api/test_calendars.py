"""Calendars over REST: made, changed, imported, looked at, and kept while tasks heed them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.api.conftest import Api, fields_at_fault

pytestmark = pytest.mark.asyncio(loop_scope="session")

_numbers = itertools.count(1)

ENTRIES: dict[str, Any] = {
    "dates": [{"name": "Move", "from": "2026-03-01", "to": "2026-03-04"}],
    "yearlyDates": [{"name": "Christmas Day", "date": "--12-25"}, {"name": "", "date": "--02-29"}],
    "weekdays": [
        {"name": "", "days": ["sat", "sun"], "from": None, "to": None},
        {"name": "Night", "days": ["mon"], "from": "22:00", "to": "06:30"},
    ],
    "weeklyWindows": [{"name": "Patches", "from": "mon 22:00", "to": "tue 02:00"}],
    "windows": [{"name": "Once", "from": "2026-05-01T10:00:00.000Z", "to": "2026-05-01T11:00:00.000Z"}],
}

ICS = """\
BEGIN:VCALENDAR
VERSION:2.0
X-WR-CALNAME:{name}
X-WR-TIMEZONE:Europe/Berlin
BEGIN:VEVENT
UID:1
SUMMARY:Christmas Day
DTSTART;VALUE=DATE:20101225
RRULE:FREQ=YEARLY
END:VEVENT
BEGIN:VEVENT
UID:2
SUMMARY:Long ago
DTSTART:20000101T000000Z
DTEND:20000102T000000Z
END:VEVENT
END:VCALENDAR
"""


def fresh(word: str = "Calendar") -> str:
    return f"{word} {next(_numbers)}"


async def make(api: Api, **fields: Any) -> dict[str, Any]:
    response = await api("POST", "/calendars", json={"name": fresh()} | fields)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def upload(api: Api, path: str, text: str, **arguments: Any) -> Any:
    headers = {"Content-Type": "text/calendar; charset=utf-8"} | arguments.pop("headers", {})
    return await api("POST", path, content=text.encode(), headers=headers, **arguments)


async def test_a_calendar_is_answered_as_it_was_sent(api: Api) -> None:
    body = {"name": fresh(), "description": "Ours", "timezone": "Europe/Berlin"} | ENTRIES

    response = await api("POST", "/calendars", json=body)

    made = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == f"/api/scheduler/calendars/{made['id']}"
    assert response.headers["ETag"] == '"1"'
    assert {name: made[name] for name in body} == body
    assert (made["entryCount"], made["taskCount"], made["revision"]) == (7, 0, 1)
    assert await api.get(f"/calendars/{made['id']}") == made


async def test_a_calendar_may_be_empty_and_gets_the_default_zone(api: Api) -> None:
    made = await make(api, description=None)

    assert (made["timezone"], made["description"], made["entryCount"], made["dates"]) == ("UTC", "", 0, [])


async def test_a_date_without_an_end_is_one_day(api: Api) -> None:
    made = await make(api, dates=[{"from": "2026-12-24"}])

    assert made["dates"] == [{"name": "", "from": "2026-12-24", "to": "2026-12-24"}]


async def test_the_list_is_by_name_and_without_entries(api: Api) -> None:
    names = [fresh("zz b"), fresh("zz A")]
    for name in names:
        await make(api, name=name, **ENTRIES)

    found = await api.get("/calendars", params={"pageSize": 100})

    listed = [one["name"] for one in found["list"] if one["name"] in names]
    assert listed == sorted(names, key=str.lower)
    assert found["total"] >= 2
    assert all("dates" not in one and one["entryCount"] >= 0 for one in found["list"])
    assert (await api.get("/calendars", params={"page": 1000}))["list"] == []


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_change_touches_only_what_is_sent(api: Api, method: str) -> None:
    made = await make(api, timezone="Europe/Berlin", **ENTRIES)

    response = await api(method, f"/calendars/{made['id']}", json={"weekdays": [], "description": "New"})

    changed = response.json()
    assert (response.status_code, response.headers["ETag"]) == (200, '"2"')
    assert changed["updatedAt"] >= made["updatedAt"]
    same = made | {"weekdays": [], "description": "New", "entryCount": 5, "revision": 2}
    assert changed == same | {"updatedAt": changed["updatedAt"]}


async def test_a_change_that_changes_nothing_makes_no_revision(api: Api) -> None:
    made = await make(api, **ENTRIES)

    response = await api("PUT", f"/calendars/{made['id']}", json={"name": made["name"]} | ENTRIES)

    assert response.json() == made


async def test_a_stale_change_is_refused(api: Api) -> None:
    made = await make(api)
    path = f"/calendars/{made['id']}"
    assert (await api("PUT", path, json={"description": "a"}, headers={"If-Match": '"1"'})).status_code == 200

    response = await api("PUT", path, json={"description": "b"}, headers={"If-Match": '"1"'})

    assert response.status_code == 412
    assert response.json()["code"] == "stale_revision"
    assert response.json()["detail"].startswith("The calendar was changed meanwhile")
    assert (await api.get(path))["description"] == "a"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"colour": "red"}, "colour"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"dates": [{"from": "2026-02-30"}]}, "dates.0.from"),
        ({"dates": [{"from": "20260201"}]}, "dates.0.from"),
        ({"dates": [{"from": "2026-02-02", "to": "2026-02-01"}]}, "dates.0.to"),
        ({"dates": [{"from": "1850-01-01"}]}, "dates.0.from"),
        ({"dates": [{"name": "x"}]}, "dates.0.from"),
        ({"dates": "2026-02-01"}, "dates"),
        ({"yearlyDates": [{"date": "12-25"}]}, "yearlyDates.0.date"),
        ({"yearlyDates": [{"date": "--02-30"}]}, "yearlyDates.0.date"),
        ({"weekdays": [{"days": []}]}, "weekdays.0.days"),
        ({"weekdays": [{"days": ["Monday"]}]}, "weekdays.0.days.0"),
        ({"weekdays": [{"days": ["mon"], "from": "24:00"}]}, "weekdays.0.from"),
        ({"weekdays": [{"days": ["mon"], "from": "10:00", "to": "10:00"}]}, "weekdays.0.to"),
        ({"weeklyWindows": [{"from": "mon 22", "to": "tue 02:00"}]}, "weeklyWindows.0.from"),
        ({"weeklyWindows": [{"from": "mon 22:00", "to": "mon 22:00"}]}, "weeklyWindows.0.to"),
        ({"windows": [{"from": "2026-05-01T10:00:00Z", "to": "2026-05-01T10:00:00Z"}]}, "windows.0.to"),
        ({"windows": [{"from": "2026-05-01", "to": "2026-05-02T10:00:00Z"}]}, "windows.0.from"),
    ],
)
async def test_each_fault_names_its_field(api: Api, fields: dict[str, Any], field: str) -> None:
    made = await make(api)

    for method, path in (("POST", "/calendars"), ("PATCH", f"/calendars/{made['id']}")):
        response = await api(method, path, json=({"name": fresh()} if method == "POST" else {}) | fields)
        assert response.status_code == 422, response.text
        assert field in fields_at_fault(response)
    assert await api.get(f"/calendars/{made['id']}") == made


async def test_too_many_entries_are_refused(api: Api) -> None:
    response = await api(
        "POST",
        "/calendars",
        json={
            "name": fresh(),
            "dates": [{"from": "2026-01-01"}] * 3000,
            "yearlyDates": [{"date": "--01-01"}] * 3000,
        },
    )

    assert response.status_code == 422
    assert "at most 5000 entries" in response.json()["detail"]


async def test_a_name_is_taken_whatever_the_case(api: Api) -> None:
    name = fresh("Holidays")
    await make(api, name=name)
    other = await make(api)

    for response in (
        await api("POST", "/calendars", json={"name": name.upper()}),
        await api("PUT", f"/calendars/{other['id']}", json={"name": name.lower()}),
        await upload(api, "/calendars/import", ICS.format(name=name.upper())),
    ):
        assert response.status_code == 422
        assert fields_at_fault(response) == ["name"]
        assert response.json()["errors"][0]["code"] == "taken"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/calendars/unknown"),
        ("PUT", "/calendars/unknown"),
        ("DELETE", "/calendars/unknown"),
        ("GET", "/calendars/unknown/preview"),
        ("POST", "/calendars/unknown/import"),
    ],
)
async def test_an_unknown_calendar_is_404_whatever_the_body(api: Api, method: str, path: str) -> None:
    assert (await api(method, path)).status_code == 404


async def test_a_calendar_that_tasks_heed_is_not_deleted(api: Api) -> None:
    made = await make(api, **ENTRIES)
    path = f"/calendars/{made['id']}"
    task = await api.make_task(
        schedules=[
            {
                "kind": "cron",
                "cronExpression": "0 9 * * *",
                "calendars": [{"calendarId": made["id"], "mode": "exclude"}],
            }
        ]
    )
    assert (await api.get(path))["taskCount"] == 1

    response = await api("DELETE", path)

    assert (response.status_code, response.json()["code"]) == (409, "calendar_in_use")
    assert task["name"] in response.json()["detail"]
    assert (await api("PUT", f"/tasks/{task['id']}", json={"schedules": []})).status_code == 200
    assert (await api("DELETE", path)).status_code == 204
    assert (await api("GET", path)).status_code == 404


async def test_a_file_becomes_a_calendar(api: Api) -> None:
    name = fresh("From a file")

    response = await upload(api, "/calendars/import", ICS.format(name=name))

    told = response.json()
    made = told["calendar"]
    assert response.status_code == 201, response.text
    assert response.headers["Location"] == f"/api/scheduler/calendars/{made['id']}"
    assert (made["name"], made["timezone"]) == (name, "Europe/Berlin")
    assert len(made["dates"]) in (10, 11)  # from a year ago to ten years ahead
    assert {entry["name"] for entry in made["dates"]} == {"Christmas Day"}
    assert (told["eventCount"], told["passedOver"]) == (2, 1)
    assert int(told["until"][:4]) - int(told["since"][:4]) in (10, 11)


async def test_a_file_may_come_in_a_form_and_be_called_otherwise(api: Api) -> None:
    name = fresh()

    response = await api(
        "POST",
        "/calendars/import",
        params={"name": name, "timezone": "Asia/Tokyo"},
        files={"file": ("holidays.ics", ICS.format(name="x").encode(), "text/calendar")},
    )

    assert response.status_code == 201, response.text
    made = response.json()["calendar"]
    assert (made["name"], made["timezone"]) == (name, "Asia/Tokyo")


async def test_an_import_replaces_dates_and_windows_of_a_calendar(api: Api) -> None:
    made = await make(api, timezone="America/New_York", **ENTRIES)
    path = f"/calendars/{made['id']}/import"

    stale = await upload(api, path, ICS.format(name="other"), headers={"If-Match": '"7"'})
    response = await upload(api, path, ICS.format(name="other"), headers={"If-Match": '"1"'})

    assert stale.status_code == 412
    assert (response.status_code, response.headers["ETag"]) == (200, '"2"')
    told = response.json()["calendar"]
    kept = ("id", "name", "timezone", "yearlyDates", "weekdays", "weeklyWindows")
    assert {key: told[key] for key in kept} == {key: made[key] for key in kept}
    assert {entry["name"] for entry in told["dates"]} == {"Christmas Day"}
    assert told["windows"] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "does not begin with BEGIN:VCALENDAR"),
        (ICS.format(name="x").replace("YEARLY", "SECONDLY"), "is SECONDLY"),
        (ICS.format(name="x").replace("RRULE:FREQ=YEARLY", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"), "never"),
        (ICS.format(name="x").replace("X-WR-TIMEZONE:Europe/Berlin\nBEGIN:VEVENT\nUID:1", "BEGIN:VEVENT\nDTSTART;TZID=No:20260101T000000\nUID:1"), "'No' is not known"),
    ],
)  # fmt: skip
async def test_a_file_that_cannot_be_taken_is_422(api: Api, text: str, says: str) -> None:
    before = (await api.get("/calendars"))["total"]

    response = await upload(api, "/calendars/import", text)

    assert response.status_code == 422
    assert says in response.json()["detail"]
    assert response.json()["errors"][0]["code"] == "ics"
    assert (await api.get("/calendars"))["total"] == before


async def test_an_import_says_what_else_is_wrong(api: Api) -> None:
    nameless = ICS.replace("X-WR-CALNAME:{name}\n", "")

    response = await upload(api, "/calendars/import", nameless)
    assert (response.status_code, fields_at_fault(response)) == (422, ["name"])
    response = await upload(api, "/calendars/import?timezone=Mars/Olympus", ICS)
    assert (response.status_code, fields_at_fault(response)) == (422, ["timezone"])
    response = await api("POST", "/calendars/import", json={})
    assert response.status_code == 415
    response = await api("POST", "/calendars/import", files={"other": b"x"})
    assert (response.status_code, fields_at_fault(response)) == (422, ["file"])
    response = await upload(api, "/calendars/import", ICS + " " * (1 << 20))
    assert response.status_code == 413


async def test_the_preview_tells_days_and_hours(api: Api) -> None:
    made = await make(api, timezone="Europe/Berlin", **ENTRIES)

    told = await api.get(f"/calendars/{made['id']}/preview", params={"from": "2026-12-21", "to": "2026-12-25"})

    assert (told["timezone"], told["from"], told["to"], told["spansTruncated"]) == (
        "Europe/Berlin",
        "2026-12-21",
        "2026-12-25",
        False,
    )
    assert told["days"] == [
        {"date": "2026-12-21", "whole": False, "entries": ["Night"]},
        {"date": "2026-12-22", "whole": False, "entries": ["Night"]},
        {"date": "2026-12-25", "whole": True, "entries": ["Christmas Day"]},
    ]
    assert told["spans"] == [
        {"from": "2026-12-21T21:00:00.000Z", "to": "2026-12-22T05:30:00.000Z", "entry": "Night"},
        {"from": "2026-12-24T23:00:00.000Z", "to": "2026-12-25T23:00:00.000Z", "entry": "Christmas Day"},
    ]


async def test_the_preview_is_of_a_year_unless_told_otherwise(api: Api) -> None:
    made = await make(api, weekdays=[{"days": ["mon"]}])

    told = await api.get(f"/calendars/{made['id']}/preview")

    assert 52 <= len(told["days"]) <= 53
    for query in ({"from": "2026-01-02", "to": "2026-01-01"}, {"from": "2026-01-01", "to": "2028-01-01"}):
        response = await api("GET", f"/calendars/{made['id']}/preview", params=query)
        assert (response.status_code, fields_at_fault(response)) == (422, ["to"])


async def test_the_preview_bounds_what_it_tells(api: Api) -> None:
    hours = [
        {"days": ["mon", "tue", "wed", "thu", "fri"], "from": f"{hour:02}:00", "to": f"{hour:02}:30"}
        for hour in range(0, 24, 4)
    ]
    made = await make(api, weekdays=hours)

    told = await api.get(f"/calendars/{made['id']}/preview", params={"from": "2026-01-01", "to": "2026-12-31"})

    assert (len(told["spans"]), told["spansTruncated"], len(told["days"])) == (1000, True, 261)


async def test_a_day_at_the_end_of_time_is_no_trouble(api: Api) -> None:
    made = await make(api)

    for day in ("0001-01-01", "9999-12-31"):
        response = await api("GET", f"/calendars/{made['id']}/preview", params={"from": day, "to": day})
        assert response.status_code == 422
        assert fields_at_fault(response) == ["from"]


async def test_changes_are_announced(api: Api) -> None:
    async with api.bus.subscribe(lambda event: event.kind == "calendar") as inbox:
        made = await make(api)
        await api("PUT", f"/calendars/{made['id']}", json={"description": "x"})
        await api("DELETE", f"/calendars/{made['id']}")

        told = [await inbox.next(timeout_seconds=10) for _ in range(3)]

    assert [getattr(event, "change", None) for event in told] == ["created", "updated", "deleted"]
