"""Schedules: the rules that give fire times. Pure: no clock (`now` is an argument), no I/O but the zone data.

Four ideas, one module each:

* `tokens` reads the text of an expression and finds the place of a fault; `spec` lets croniter read what is plain
  and keeps bit masks, one of wanted days for each of the 28 shapes a month can have (`months`).
* `walls` searches local time on those masks: next, latest, how many. It knows no time zone.
* `zones` holds the offsets of a zone, from the pinned `tzdata` package only.
* `instants` maps local time to UTC through clock changes by Debian cron(8)'s rule.

`cron` puts them together; `kinds` are the other kinds, and `task_schedule` is all of a task's schedules as one.
`preview` and `difference` tell people about it, with the words of `describe`, `sentences` and `short_forms`. Both directions are
answered without walking through time: an expression that fires once in 28 years costs a few microseconds more than
one that fires each minute.
"""

from __future__ import annotations

from cronplug.schedules.clock_changes import ClockChange
from cronplug.schedules.cron import CronSchedule, check_schedule, parse_schedule
from cronplug.schedules.describe import describe
from cronplug.schedules.difference import Comparison, compare
from cronplug.schedules.errors import ScheduleError
from cronplug.schedules.exclusions import CalendarHit, find_next_run
from cronplug.schedules.jitter import jitter_of
from cronplug.schedules.kinds import IntervalSchedule, OnceSchedule
from cronplug.schedules.preview import Occurrence, Preview, RulePreview, find_occurrences, preview
from cronplug.schedules.schedule import Schedule
from cronplug.schedules.schedule_warnings import ScheduleWarning
from cronplug.schedules.sentences import Part, describe_task
from cronplug.schedules.short_forms import shorten_task
from cronplug.schedules.task_schedule import TaskSchedule, parse_rule, shown_schedule, task_schedule
from cronplug.schedules.terms import Terms, terms_of
from cronplug.schedules.zones import known_zones, tzdata_version

__all__ = [
    "CalendarHit",
    "ClockChange",
    "Comparison",
    "CronSchedule",
    "IntervalSchedule",
    "Occurrence",
    "OnceSchedule",
    "Part",
    "Preview",
    "RulePreview",
    "Schedule",
    "ScheduleError",
    "ScheduleWarning",
    "TaskSchedule",
    "Terms",
    "check_schedule",
    "compare",
    "describe",
    "describe_task",
    "find_next_run",
    "find_occurrences",
    "jitter_of",
    "known_zones",
    "parse_rule",
    "parse_schedule",
    "preview",
    "shorten_task",
    "shown_schedule",
    "task_schedule",
    "terms_of",
    "tzdata_version",
]
