"""Commands for the calendars of a running server."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from cronplug.cli.client import Client, ServerError, with_client
from cronplug.cli.text import plain, show_facts, show_json, show_table

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def calendars() -> None:
    """List, show and import the calendars of a running server.

    CALENDAR is an id or a name.
    """


@calendars.command("list")
@click.option("--page", type=click.IntRange(1), default=1, show_default=True)
@click.option("--page-size", type=click.IntRange(1, 100), default=50, show_default=True)
@_JSON
@with_client
def list_calendars(client: Client, page: int, page_size: int, as_json: bool) -> None:
    """List calendars by name."""
    found = client.get("calendars", page=page, pageSize=page_size)
    if as_json:
        show_json(found)
        return
    show_table(
        ("id", "name", "zone", "entries", "tasks"),
        [(one["id"], one["name"], one["timezone"], one["entryCount"], one["taskCount"]) for one in found["list"]],
    )
    shown = (page - 1) * page_size + len(found["list"])
    if shown < found["total"]:
        click.echo(f"{shown} of {found['total']}; more with --page {page + 1}", err=True)


@calendars.command()
@click.argument("calendar")
@_JSON
@with_client
def show(client: Client, calendar: str, as_json: bool) -> None:
    """Show a calendar and the days it covers in the coming year."""
    calendar_id = _calendar_id(client, calendar)
    told = client.get(f"calendars/{calendar_id}")
    if as_json:
        show_json(told)
        return
    show_facts(
        [
            ("name", told["name"]),
            ("id", told["id"]),
            ("description", told["description"]),
            ("zone", told["timezone"]),
            ("entries", told["entryCount"]),
            ("tasks", told["taskCount"]),
        ]
    )
    days = client.get(f"calendars/{calendar_id}/preview")["days"]
    if days:
        click.echo()
        show_table(
            ("day", "covered", "by"),
            [(day["date"], "whole" if day["whole"] else "in part", ", ".join(day["entries"])) for day in days],
        )


@calendars.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--into", metavar="CALENDAR", help="Replace the dates and windows of this calendar.")
@click.option("--name", help="What to call it.  [default: as the file says]")
@click.option("--tz", "timezone", metavar="ZONE", help="Its time zone.  [default: the file's, or the server's]")
@with_client
def import_calendar(client: Client, file: Path, into: str | None, name: str | None, timezone: str | None) -> None:
    """Make a calendar of an iCalendar (.ics) file; - is standard input."""
    with click.open_file(str(file), "rb") as opened:
        data = opened.read()
    path = "calendars/import" if into is None else f"calendars/{_calendar_id(client, into)}/import"
    told = client.upload(path, data, "text/calendar", name=name, timezone=timezone)
    made = told["calendar"]
    passed_over = f", {told['passedOver']} passed over" if told["passedOver"] else ""
    click.echo(
        f"{plain(made['name'])} ({made['id']}): {made['entryCount']} entries of {told['eventCount']} events"
        f"{passed_over}; recurrences until {told['until'][:10]}"
    )


def _calendar_id(client: Client, text: str) -> str:
    try:
        return str(client.get(f"calendars/{quote(text, safe='')}")["id"])
    except ServerError as error:
        if error.status != 404:
            raise
    page = 1
    while True:
        found: dict[str, Any] = client.get("calendars", page=page, pageSize=100)
        for one in found["list"]:
            if one["name"].casefold() == text.casefold():
                return str(one["id"])
        if page * 100 >= found["total"]:
            raise ServerError(f"There is no calendar with the id or name {text!r}.", status=404)
        page += 1
