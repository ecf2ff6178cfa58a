"""Schedules: the rules that give fire times. Pure: no clock (`now` is an argument), no I/O but the zone data.

Four ideas, one module each:

* `tokens` reads the text of an expression and finds the place of a fault; `spec` lets croniter read what is plain
  and keeps bit masks, one of wanted days for each of the 28 shapes a month can have (`months`).
* `walls` searches local time on those masks: next, latest, how many. It knows no time zone.
* `zones` holds the offsets of a zone, from the pinned `tzdata` package only.
* `instants` maps local time to UTC through clock changes by Debian cron(8)'s rule.

`cron` puts them together, `describe` and `preview` tell people about it. Both directions are answered without walking
through time: an expression that fires once in 28 years costs a few microseconds more than one that fires each minute.
"""

from __future__ import annotations

from cronplug.schedules.cron import CronSchedule, check_schedule, parse_schedule
from cronplug.schedules.describe import describe
from cronplug.schedules.errors import ScheduleError
from cronplug.schedules.preview import Occurrence, Part, Preview, ScheduleWarning, preview
from cronplug.schedules.zones import known_zones, tzdata_version

Schedule = CronSchedule
"""Any kind of schedule. A task without one (run only when triggered) has None."""

__all__ = [
    "CronSchedule",
    "Occurrence",
    "Part",
    "Preview",
    "Schedule",
    "ScheduleError",
    "ScheduleWarning",
    "check_schedule",
    "describe",
    "known_zones",
    "parse_schedule",
    "preview",
    "tzdata_version",
]
