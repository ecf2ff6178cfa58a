"""Commands for calendars, against a running server."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run

ICS = """\
BEGIN:VCALENDAR
X-WR-CALNAME:Days off
BEGIN:VEVENT
UID:1
SUMMARY:Christmas Day
DTSTART;VALUE=DATE:20101225
RRULE:FREQ=YEARLY
END:VEVENT
END:VCALENDAR
"""


def test_a_file_is_imported_listed_and_shown(remote: Run, tmp_path: Path) -> None:
    file = tmp_path / "days.ics"
    file.write_text(ICS)

    told = remote("calendars", "import", str(file), "--tz", "Europe/Berlin")
    again = remote("calendars", "import", str(file), "--into", "DAYS OFF", "--name", "Holidays")

    assert (told.code, again.code) == (0, 0)
    assert told.out.startswith("Days off (")
    assert "of 1 events; recurrences until 20" in told.out
    assert again.out.startswith("Holidays (")
    assert "Holidays  Europe/Berlin" in remote("calendars", "list").out
    assert json.loads(remote("calendars", "list", "--json").out)["total"] == 1
    shown = remote("calendars", "show", "holidays").out
    assert "12-25" in shown
    assert "Christmas Day" in shown
    assert json.loads(remote("calendars", "show", "Holidays", "--json").out)["timezone"] == "Europe/Berlin"


def test_what_the_server_refuses_is_one_line(remote: Run, tmp_path: Path) -> None:
    file = tmp_path / "days.ics"
    file.write_text(ICS.replace("YEARLY", "SECONDLY"))

    told = remote("calendars", "import", str(file))
    unknown = remote("calendars", "show", "nobody's")

    assert (told.code, unknown.code) == (1, 1)
    assert "is SECONDLY" in told.err
    assert "There is no calendar" in unknown.err
