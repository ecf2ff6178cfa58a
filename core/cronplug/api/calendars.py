"""Calendars: list, create, change, delete, import, look at."""

from __future__ import annotations

from quart import Blueprint, Response

from cronplug.api.calendar_json import (
    Calendar,
    CalendarChange,
    CalendarCoverage,
    CalendarList,
    CalendarPreviewQuery,
    CalendarQuery,
    CalendarSummary,
    ImportedCalendar,
    ImportQuery,
    NewCalendar,
)
from cronplug.api.operation import answer, no_content, operation
from cronplug.api.parts import parts
from cronplug.api.requests import entity_tag, expected_revision, read_body, read_upload
from cronplug.operations.calendars import CalendarView

# Paths name the length of ids, so that /calendars/import is no calendar.
calendars = Blueprint("calendars", __name__, url_prefix="/api/scheduler/calendars")

ICS = "text/calendar"


@calendars.get("")
@operation("listCalendars", shared=True, tag="calendars", query=CalendarQuery, answers={200: CalendarList})
async def list_calendars(query: CalendarQuery) -> Response:
    """List calendars by name, without their entries."""
    found = await parts().operations.list_calendars(page=query.page, page_size=query.page_size)
    return answer(
        CalendarList(
            items=[CalendarSummary.of(view) for view in found.items],
            total=found.total,
            page=found.page,
            page_size=found.page_size,
        )
    )


@calendars.post("")
@operation(
    "createCalendar", tag="calendars", body=NewCalendar, answers={201: Calendar}, answer_headers=("Location", "ETag")
)
async def create_calendar() -> Response:
    """Create a calendar."""
    body = await read_body(NewCalendar)
    definition = body.definition(default_timezone=parts().settings.default_timezone)
    view = await parts().operations.create_calendar(definition)
    return answer(Calendar.of(view), 201, headers=_place(view) | _tag(view))


@calendars.post("/import")
@operation(
    "importCalendar",
    tag="calendars",
    query=ImportQuery,
    upload=ICS,
    answers={201: ImportedCalendar},
    answer_headers=("Location", "ETag"),
)
async def import_calendar(query: ImportQuery) -> Response:
    """Create a calendar from an iCalendar (.ics) file.

    The file is the body, or the part `file` of a form. Recurrences are written out from a year ago to ten years ahead.
    """
    data = await read_upload(ICS)
    made = await parts().operations.import_calendar(data, name=query.name, timezone=query.timezone)
    return answer(ImportedCalendar.of(made), 201, headers=_place(made.view) | _tag(made.view))


@calendars.get("/<string(length=13):calendar_id>")
@operation("getCalendar", tag="calendars", answers={200: Calendar}, problems=(404,), answer_headers=("ETag",))
async def get_calendar(calendar_id: str) -> Response:
    """Show a calendar with its entries."""
    view = await parts().operations.get_calendar(calendar_id)
    return answer(Calendar.of(view), headers=_tag(view))


@calendars.route("/<string(length=13):calendar_id>", methods=["PUT", "PATCH"])
@operation(
    "updateCalendar",
    tag="calendars",
    body=CalendarChange,
    answers={200: Calendar},
    problems=(404, 409, 412),
    headers=("If-Match",),
    answer_headers=("ETag",),
)
async def update_calendar(calendar_id: str) -> Response:
    """Change the given fields of a calendar.

    PUT and PATCH are the same. The change is checked as the merged calendar, and holds from the next fire time on.
    """
    operations = parts().operations
    current = (await operations.get_calendar(calendar_id)).calendar.revision
    change = await read_body(CalendarChange)
    view = await operations.change_calendar(
        calendar_id,
        change.changes(default_timezone=parts().settings.default_timezone),
        expected_revision=expected_revision(current),
    )
    return answer(Calendar.of(view), headers=_tag(view))


@calendars.delete("/<string(length=13):calendar_id>")
@operation("deleteCalendar", tag="calendars", answers={204: None}, problems=(404, 409))
async def delete_calendar(calendar_id: str) -> Response:
    """Delete a calendar.

    While tasks heed it the answer is 409 and names them.
    """
    await parts().operations.delete_calendar(calendar_id)
    return no_content()


@calendars.post("/<string(length=13):calendar_id>/import")
@operation(
    "reimportCalendar",
    tag="calendars",
    query=ImportQuery,
    upload=ICS,
    answers={200: ImportedCalendar},
    problems=(404, 409, 412),
    headers=("If-Match",),
    answer_headers=("ETag",),
)
async def reimport_calendar(calendar_id: str, query: ImportQuery) -> Response:
    """Replace the dates and windows of a calendar by those of an iCalendar (.ics) file.

    Its name, zone, yearly dates, weekdays and weekly windows stay, unless name or zone are given.
    """
    operations = parts().operations
    current = (await operations.get_calendar(calendar_id)).calendar.revision
    data = await read_upload(ICS)
    made = await operations.import_calendar(
        data,
        calendar_id=calendar_id,
        name=query.name,
        timezone=query.timezone,
        expected_revision=expected_revision(current),
    )
    return answer(ImportedCalendar.of(made), headers=_tag(made.view))


@calendars.get("/<string(length=13):calendar_id>/preview")
@operation(
    "previewCalendar", tag="calendars", query=CalendarPreviewQuery, answers={200: CalendarCoverage}, problems=(404,)
)
async def preview_calendar(calendar_id: str, query: CalendarPreviewQuery) -> Response:
    """Show which days and hours a calendar covers."""
    preview = await parts().operations.preview_calendar(calendar_id, first=query.first, last=query.last)
    return answer(CalendarCoverage.of(preview))


def _place(view: CalendarView) -> dict[str, str]:
    return {"Location": f"/api/scheduler/calendars/{view.calendar.id}"}


def _tag(view: CalendarView) -> dict[str, str]:
    return {"ETag": entity_tag(view.calendar.revision)}
