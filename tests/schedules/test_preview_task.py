"""The preview of whole tasks: every kind, several schedules, bounds, calendars, pauses, limits, jitter."""

from __future__ import annotations

import time as clock
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cronplug.model import (
    CalendarDates,
    CalendarDefinition,
    CalendarMode,
    CalendarUse,
    CalendarWeekdays,
    CronRule,
    DstGap,
    DstRepeat,
    IntervalRule,
    OnceRule,
    Pause,
    ScheduleRule,
    TaskDefinition,
    TaskType,
)
from cronplug.schedules import (
    Part,
    Preview,
    Terms,
    compare,
    find_next_run,
    jitter_of,
    known_zones,
    preview,
    shown_schedule,
    terms_of,
)
from cronplug.schedules.calendars import Calendar, excluded_by, parse_calendar
from cronplug.schedules.exclusions import count_runs, find_hits

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)  # a Saturday
BERLIN = "Europe/Berlin"
NINE = CronRule(cron_expression="0 9 * * *", timezone=BERLIN)

OFFICE = parse_calendar(
    CalendarDefinition(
        name="Office hours",
        timezone=BERLIN,
        weekdays=(CalendarWeekdays(name="", days=(0, 1, 2, 3, 4), begins=time(9), ends=time(17)),),
    ),
    calendar_id="office",
)
HOLIDAYS = parse_calendar(
    CalendarDefinition(
        name="Holidays",
        timezone=BERLIN,
        dates=(
            CalendarDates(name="Long weekend", first=date(2026, 1, 11), last=date(2026, 1, 12)),
            CalendarDates(name="Christmas Day", first=date(2026, 12, 25), last=date(2026, 12, 25)),
        ),
    ),
    calendar_id="holidays",
)
CALENDARS = {"office": OFFICE, "holidays": HOLIDAYS}
IN_OFFICE = (CalendarUse(calendar_id="office", mode=CalendarMode.INCLUDE),)
NOT_ON_HOLIDAYS = (CalendarUse(calendar_id="holidays", mode=CalendarMode.EXCLUDE),)


def task(*schedules: ScheduleRule, **fields: Any) -> TaskDefinition:
    return TaskDefinition(name="x", type=TaskType.FUNCTION, schedules=schedules, **fields)


def shown(
    *schedules: ScheduleRule, after: datetime = NOW, count: int = 3, pending: datetime | None = None, **fields: Any
) -> Preview:
    definition = task(*schedules, **fields)
    schedule = shown_schedule(definition, pending=pending)
    return preview(schedule, after=after, count=count, calendars=CALENDARS, terms=terms_of(definition))


def codes(told: Preview) -> list[str]:
    return [warning.code for warning in told.warnings]


def cron(text: str, timezone: str = "UTC", **fields: Any) -> CronRule:
    return CronRule(cron_expression=text, timezone=timezone, **fields)


def every(seconds: int, anchor: datetime | None = NOW, timezone: str = "UTC", **fields: Any) -> IntervalRule:
    return IntervalRule(every_seconds=seconds, anchor_at=anchor, timezone=timezone, **fields)


@pytest.mark.parametrize(
    ("definition", "sentence"),
    [
        (task(), "Runs only when triggered"),
        (task(NINE), "At 09:00, every day"),
        (task(every(90)), "Every 90 seconds from 2026-01-10 12:00 (UTC)"),
        (task(every(60)), "Every minute from 2026-01-10 12:00 (UTC)"),
        (task(every(86_400, timezone=BERLIN)), "Every 24 hours from 2026-01-10 13:00 (Europe/Berlin)"),
        (task(every(172_800)), "Every 2 days from 2026-01-10 12:00 (UTC)"),
        (task(every(600, None, after_end=True)), "10 minutes after each execution has ended"),
        (
            task(every(3600, after_end=True)),
            "1 hour after each execution has ended, the first at 2026-01-10 12:00 (UTC)",
        ),
        (task(OnceRule(at=NOW, timezone=BERLIN)), "Once at 2026-01-10 13:00 (Europe/Berlin)"),
        (
            task(NINE, every(90)),
            "At 09:00, every day (Europe/Berlin); also every 90 seconds from 2026-01-10 12:00 (UTC)",
        ),
        (
            task(NINE, start_at=NOW, end_at=NOW + timedelta(days=2)),
            "At 09:00, every day, from 2026-01-10 13:00 until 2026-01-12 13:00 (Europe/Berlin)",
        ),
        (task(every(90), start_at=NOW), "Every 90 seconds from 2026-01-10 12:00 (UTC)"),
        (
            task(every(90), start_at=NOW + timedelta(seconds=5)),
            "Every 90 seconds from 2026-01-10 12:00 (UTC), from 2026-01-10 12:00:05 (UTC)",
        ),
        (
            task(NINE, max_executions=5, jitter_seconds=120),
            "At 09:00, every day, at most 5 times, each start up to 2 minutes later",
        ),
    ],
)
def test_a_task_is_one_sentence(definition: TaskDefinition, sentence: str) -> None:
    told = preview(shown_schedule(definition), after=NOW, count=1, terms=terms_of(definition))

    assert told.description == sentence


def test_the_fields_of_each_kind_are_labelled() -> None:
    told = shown(cron("*/15 22-2 1,15 */3 mon-fri"), every(90), OnceRule(at=NOW, timezone=BERLIN))

    assert [rule.kind for rule in told.rules] == ["cron", "interval", "once"]
    assert told.parts == told.rules[0].parts
    assert [part.meaning for part in told.parts] == [
        "minutes 0, 15, 30 and 45",
        "hours 0 to 2, 22 and 23",
        "day 1 or 15 of the month",
        "January, April, July and October",
        "Monday to Friday",
    ]
    assert told.rules[1].parts == (
        Part("interval", "90 s", "every 90 seconds, whatever clocks on walls do"),
        Part("anchor", "2026-01-10T12:00:00.000Z", "counted from 2026-01-10 12:00 in UTC"),
    )
    assert told.rules[2].parts == (Part("at", "2026-01-10T12:00:00.000Z", "2026-01-10 13:00 in Europe/Berlin"),)


@pytest.mark.parametrize(
    ("expression", "name", "meaning"),
    [
        ("*/5 * * * *", "minute", "every 5 minutes from 0 to 55"),
        ("0 9-17 * * *", "hour", "every hour from 9 to 17"),
        ("0 * * * *", "hour", "every hour"),
        ("*/10 * * * * *", "second", "seconds 0, 10, 20, 30, 40 and 50"),
        ("0 0 L,15W * *", "day of month", "the weekday nearest day 15 of the month or the last day of the month"),
        ("0 0 * * 1,5#3", "day of week", "Monday or the third Friday of the month"),
        ("0 0 1 6-8 *", "month", "June to August"),
        ("0 0 0 1 1 * 2030,2032-2035", "year", "2030 and 2032 to 2035"),
        ("0 0 0 1 1 * *", "year", "every year"),
    ],
)
def test_each_field_of_an_expression_is_told_in_words(expression: str, name: str, meaning: str) -> None:
    assert {part.name: part.meaning for part in shown(cron(expression)).parts}[name] == meaning


def test_h_is_told_as_the_value_it_has_for_the_task() -> None:
    told = preview(shown_schedule(task(cron("H 3 * * *")), seed="a task"), after=NOW, count=1)

    assert (told.parts[0].text, told.parts[0].meaning) == ("H", "minute 43")
    assert told.description == "At 03:43, every day"
    assert told.occurrences[0].local.endswith("T03:43:00")


def test_fire_times_of_several_schedules_name_theirs_and_its_zone() -> None:
    told = shown(NINE, cron("30 12 * * *", "Asia/Kolkata"), OnceRule(at=NOW + timedelta(hours=1), timezone="UTC"))

    assert [(o.rule, o.local, o.offset, o.timezone) for o in told.occurrences] == [
        (2, "2026-01-10T13:00:00", "+00:00", "UTC"),
        (1, "2026-01-11T12:30:00", "+05:30", "Asia/Kolkata"),
        (0, "2026-01-11T09:00:00", "+01:00", BERLIN),
    ]


def test_runs_are_counted_as_a_mean_and_over_the_coming_year() -> None:
    told = shown(NINE, start_at=NOW + timedelta(days=355))

    assert (told.runs_per_day, told.runs_at_most) == (1, False)
    assert told.runs_per_year == pytest.approx(365.2425)
    assert told.runs_in_coming_year == 10


def test_what_several_schedules_have_in_common_counts_once() -> None:
    told = shown(cron("0 * * * *"), cron("*/30 * * * *"))

    assert told.runs_per_day == pytest.approx(48)
    assert told.runs_in_coming_year == 365 * 48


def test_the_coming_year_heeds_calendars_pauses_and_limits() -> None:
    hourly = cron("0 * * * *", BERLIN, calendars=IN_OFFICE)
    schedule = shown_schedule(task(hourly))
    week = NOW + timedelta(days=7)
    pause = Pause(since=NOW, until=NOW + timedelta(days=3), reason="")

    def count(terms: Terms) -> int | None:
        return count_runs(schedule, after=NOW, until=week, calendars=CALENDARS, terms=terms)

    assert count(Terms()) == 40
    assert count(Terms(paused_until=NOW + timedelta(days=2, hours=12))) == 32
    assert count(Terms(pause=pause)) == 28  # up to Tuesday 13:00
    assert count(Terms(max_executions=30, fired_count=10)) == 20


def test_excluded_fire_times_are_marked_and_told() -> None:
    told = shown(cron("0 9 * * *", BERLIN, calendars=NOT_ON_HOLIDAYS))

    assert [(o.local[:10], o.runs) for o in told.occurrences] == [
        ("2026-01-11", False),
        ("2026-01-12", False),
        ("2026-01-13", True),
    ]
    exclusion = told.occurrences[0].excluded_by
    assert exclusion is not None
    assert exclusion.sentence == "Long weekend in the calendar Holidays."
    assert told.next_run_at == datetime(2026, 1, 13, 8, tzinfo=UTC)
    assert told.runs_in_coming_year == 365 - 3
    assert [(hit.exclusion.entry, hit.fire_times, hit.first_at.day) for hit in told.calendar_hits] == [
        ("Long weekend", 2, 11),
        ("Christmas Day", 1, 25),
    ]


def test_paused_fire_times_are_marked() -> None:
    told = shown(NINE, paused_until=NOW + timedelta(days=2))

    assert [o.paused for o in told.occurrences] == [True, True, False]
    assert told.next_run_at == told.occurrences[2].at


def test_a_pause_without_an_end_leaves_no_next_run() -> None:
    pause = Pause(since=NOW, until=None, reason="Moving")
    told = preview(shown_schedule(task(NINE)), after=NOW, count=2, terms=Terms(pause=pause))

    assert told.next_run_at is None
    assert told.runs_in_coming_year == 0
    assert codes(told) == ["all_excluded"]


def test_what_is_left_of_a_limit_bounds_the_fire_times_that_run() -> None:
    rule = cron("0 9 * * *", BERLIN, calendars=NOT_ON_HOLIDAYS)
    terms = Terms(max_executions=5, fired_count=3)
    told = preview(shown_schedule(task(rule)), after=NOW, count=10, calendars=CALENDARS, terms=terms)

    assert [o.runs for o in told.occurrences] == [False, False, True, True]
    assert told.runs_in_coming_year == 2


def test_jitter_is_told_once_the_task_is_known() -> None:
    definition = task(cron("* * * * *"), jitter_seconds=3600)
    schedule = shown_schedule(definition, seed="an id")

    unsaved = preview(schedule, after=NOW, count=2, terms=terms_of(definition))
    saved = preview(schedule, after=NOW, count=2, terms=terms_of(definition), task_id="an id")

    assert [o.starts_at for o in unsaved.occurrences] == [None, None]
    first, second = saved.occurrences
    assert first.starts_at == first.at + jitter_of("an id", first.at, 3600, second.at)
    assert first.starts_at < second.at
    assert codes(saved) == ["jitter_too_long"]
    assert [o.starts_at for o in shown(NINE).occurrences] == [o.at for o in shown(NINE).occurrences]


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (task(), []),
        (task(every(90)), []),
        (task(OnceRule(at=NOW + timedelta(days=1), timezone="UTC")), []),
        (task(OnceRule(at=NOW, timezone="UTC")), ["never_fires_again"]),
        (task(cron("0 0 0 1 1 * 2020")), ["never_fires_again"]),
        (task(NINE, end_at=NOW), ["never_fires_again"]),
        (task(NINE, start_at=NOW, end_at=NOW + timedelta(hours=1)), ["never_fires_again"]),
        (task(NINE, cron("0 0 0 1 1 * 2020")), ["never_fires_again"]),
        (task(every(600, None, after_end=True)), ["after_end"]),
        (task(cron("0 * * * *"), cron("0 0 1 1 *")), ["same_instants"]),
        (task(cron("0 * * * *"), cron("30 * * * *")), []),
        (task(cron("* * * * *"), jitter_seconds=60), []),
        (task(cron("* * * * *"), jitter_seconds=61), ["jitter_too_long"]),
        (task(cron("0 * * * *"), cron("1 * * * *"), jitter_seconds=61), ["jitter_too_long"]),
        (task(cron("* 9 * * * *")), ["every_second_of_minute"]),
        (task(cron("* 9,17 * * *")), ["every_minute_of_hour"]),
        (task(cron("* 9-17 * * *")), []),
        (task(cron("0 3 * * *", BERLIN, calendars=IN_OFFICE)), ["all_excluded"]),
    ],
)
def test_warnings_of_tasks(definition: TaskDefinition, expected: list[str]) -> None:
    told = preview(shown_schedule(definition), after=NOW, count=3, calendars=CALENDARS, terms=terms_of(definition))

    assert codes(told) == expected


def test_a_limit_that_is_reached_is_told() -> None:
    terms = Terms(max_executions=2, fired_count=2)
    told = preview(shown_schedule(task(NINE)), after=NOW, count=3, terms=terms)

    assert (told.occurrences, told.next_run_at, codes(told)) == ((), None, ["limit_reached"])


def test_what_may_have_been_meant_is_suggested() -> None:
    warning = shown(cron("* 9 * * mon")).warnings[0]

    assert warning.suggestion == "0 9 * * MON"
    assert warning.message == (
        "It fires every minute from 09:00 to 09:59, 60 times an hour. Did you mean minute 0, 0 9 * * MON?"
    )


def test_a_schedule_that_ends_tells_when() -> None:
    assert shown(NINE).last_fire_at is None
    assert shown(NINE, end_at=NOW).last_fire_at == NOW.replace(hour=8)
    assert shown(OnceRule(at=NOW, timezone="UTC")).last_fire_at == NOW
    assert shown(cron("0 0 0 1 1 * 2030")).last_fire_at == datetime(2030, 1, 1, tzinfo=UTC)
    assert shown(cron("0 0 0 1 1 * 2030"), NINE).last_fire_at is None
    assert shown(every(60, None, after_end=True), pending=NOW).last_fire_at is None


def test_after_an_end_only_the_pending_fire_time_is_known() -> None:
    waiting = shown(every(600, None, after_end=True), pending=NOW + timedelta(minutes=3))
    running = shown(every(600, None, after_end=True))

    assert [o.at for o in waiting.occurrences] == [NOW + timedelta(minutes=3)]
    assert (running.occurrences, running.next_run_at, running.runs_in_coming_year) == ((), None, None)
    assert (running.runs_per_day, running.runs_at_most) == (144, True)
    assert running.rules[0].kind == "interval"


def test_clock_changes_of_two_years_say_what_they_do() -> None:
    changes = shown(cron("30 2 * * *", BERLIN)).clock_changes

    assert [(c.kind, c.local_before, c.local_after, c.seconds) for c in changes] == [
        ("gap", "2026-03-29T02:00:00", "2026-03-29T03:00:00", 3600),
        ("repeat", "2026-10-25T03:00:00", "2026-10-25T02:00:00", 3600),
        ("gap", "2027-03-28T02:00:00", "2027-03-28T03:00:00", 3600),
        ("repeat", "2027-10-31T03:00:00", "2027-10-31T02:00:00", 3600),
    ]
    assert (changes[0].offset_before, changes[0].offset_after) == ("+01:00", "+02:00")
    assert changes[0].effect == "The clock skips 02:30: it runs once, at 03:00."
    assert changes[0].fires_at == (changes[0].at,)
    assert changes[1].effect == "02:30 comes twice: it runs the first time only."
    assert changes[1].fires_at == (datetime(2026, 10, 25, 0, 30, tzinfo=UTC),)


@pytest.mark.parametrize(
    ("rule", "gap", "repeat"),
    [
        (cron("*/30 2 * * *", BERLIN), "The clock skips 2 times from 02:00 to 02:30: there is no run for them.",
         "2 times from 02:00 to 02:30 come twice: it runs both times."),
        (cron("30 2 * * *", BERLIN, on_dst_gap=DstGap.SKIP, on_dst_repeat=DstRepeat.TWICE),
         "The clock skips 02:30: there is no run for it.", "02:30 comes twice: it runs both times."),
        (cron("* * * * *", BERLIN), "No fire time is touched.", "No fire time is touched."),
        (cron("0 9 * * *", BERLIN), "No fire time is touched.", "No fire time is touched."),
        (cron("*/30 * * * *", BERLIN, on_dst_repeat=DstRepeat.ONCE),
         "The clock skips 2 times from 02:00 to 02:30: there is no run for them.",
         "2 times from 02:00 to 02:30 come twice: it runs the first time only."),
    ],
)  # fmt: skip
def test_a_clock_change_is_told_as_the_schedule_chose(rule: CronRule, gap: str, repeat: str) -> None:
    told = shown(rule)

    assert [change.effect for change in told.clock_changes[:2]] == [gap, repeat]
    assert [change.affects for change in told.clock_changes[:2]] == [gap[0] == "T"] * 2


def test_what_a_clock_change_is_said_to_do_is_what_happens() -> None:
    for rule in (
        cron("0,30 2 * * *", BERLIN),
        cron("*/20 1,2 * * *", BERLIN),
        cron("45 1 * * *", "Australia/Lord_Howe"),
    ):
        schedule = shown_schedule(task(rule))
        for change in preview(schedule, after=NOW, count=1).clock_changes:
            by = timedelta(seconds=change.seconds)
            if change.kind == "repeat" and change.affects:
                found = schedule.fire_times(
                    change.at - by - timedelta(seconds=1), change.at + by - timedelta(seconds=1), 50
                )
                assert list(change.fires_at) == found
            elif change.kind == "gap":
                assert all(schedule.latest_fire_time(at) == at for at in change.fires_at)


def test_clock_changes_of_several_zones_and_schedules_are_told_together() -> None:
    told = shown(
        cron("30 2 * * *", BERLIN), cron("15 2 * * *", BERLIN), cron("30 2 * * *", "America/New_York"), every(60)
    )

    assert [change.timezone for change in told.clock_changes[:2]] == ["America/New_York", BERLIN]
    assert told.clock_changes[1].effect == (
        "30 2 * * *: The clock skips 02:30: it runs once, at 03:00. "
        "15 2 * * *: The clock skips 02:15: it runs once, at 03:00."
    )
    assert shown(every(60, timezone=BERLIN)).clock_changes == ()


def test_clock_changes_outside_of_the_bounds_are_left_out() -> None:
    assert shown(cron("30 2 * * *", BERLIN), end_at=NOW + timedelta(days=9)).clock_changes == ()
    assert codes(shown(cron("30 2 * * *", BERLIN), end_at=NOW + timedelta(days=9))) == []


# -- calendars, by another way ----------------------------------------------------------------------------------------

uses = st.sampled_from([(), IN_OFFICE, NOT_ON_HOLIDAYS, (*IN_OFFICE, *NOT_ON_HOLIDAYS)])
texts = st.sampled_from(["*/30 * * * *", "0 9 * * *", "15 */5 * * *", "0 0 12 * *", "*/20 8-10 * * MON"])
heeding = st.builds(
    lambda text, zone, used: cron(text, zone, calendars=used), texts, st.sampled_from([BERLIN, "UTC"]), uses
)


@settings(deadline=None, max_examples=60)
@given(
    rules=st.lists(heeding, min_size=1, max_size=3).map(tuple),
    after=st.integers(0, 100_000).map(lambda n: NOW + timedelta(seconds=n, microseconds=n)),
    days=st.integers(0, 12),
)
def test_what_calendars_leave_is_found_and_counted(rules: tuple[CronRule, ...], after: datetime, days: int) -> None:
    schedule = shown_schedule(task(*rules))
    until = after + timedelta(days=days, minutes=30)
    running = [
        at
        for at in schedule.fire_times(after, until, 10_000)
        if excluded_by(schedule.rule_at(at), at, CALENDARS) is None
    ]

    assert count_runs(schedule, after=after, until=until, calendars=CALENDARS) == len(running)
    following = find_next_run(schedule, after=after, calendars=CALENDARS)
    assert (following if following is not None and following <= until else None) == (running[0] if running else None)
    if len(rules) == 1:
        hits = find_hits(schedule, after=after, until=until, calendars=CALENDARS)
        if len(hits) < 20:
            assert sum(hit.fire_times for hit in hits) == schedule.count_fire_times(after, until) - len(running)


def test_a_calendar_that_is_gone_excludes_everything() -> None:
    gone = cron("0 9 * * *", calendars=(CalendarUse(calendar_id="gone", mode=CalendarMode.EXCLUDE),))
    told = shown(gone)

    assert told.next_run_at is None
    assert told.runs_in_coming_year == 0
    assert codes(told) == ["all_excluded"]
    assert told.calendar_hits[0].fire_times == 365


# -- the difference ----------------------------------------------------------------------------------------------------


def test_the_difference_is_told_instant_by_instant() -> None:
    told = compare(
        shown_schedule(task(cron("0 9,12 * * *"))), shown_schedule(task(cron("0 9,15 * * *"))), after=NOW, count=6
    )

    by_list = [[(at.day, at.hour) for at in found] for found in (told.both, told.only_old, told.only_new)]
    assert by_list == [[(11, 9), (12, 9)], [(11, 12), (12, 12)], [(10, 15), (11, 15)]]
    assert (told.old_next, told.new_next) == (NOW.replace(day=11, hour=9), NOW.replace(hour=15))
    assert told.next_run_changes
    assert not told.same
    assert told.sentence.endswith("the next run is 2026-01-10 15:00 (UTC).")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (task(NINE), task(NINE, max_executions=9), "The next 4 runs stay as they are."),
        (task(cron("0 8,20 * * *")), task(cron("0 20 * * *")),
         "Of the next 4 runs 2 no longer run; the next run stays the same."),
        (task(NINE), task(), "Of the next 4 runs 4 no longer run; there is no next run any more."),
        (task(), task(cron("0 0 * * *")), "Of the next 4 runs 4 are new; the next run is 2026-01-11 00:00 (UTC)."),
        (task(), task(), "Neither runs any more."),
        (task(cron("0 9 * * *", BERLIN)), task(cron("0 9 * * *", BERLIN, calendars=NOT_ON_HOLIDAYS)),
         "Of the next 4 runs 2 no longer run; the next run is 2026-01-13 09:00 (Europe/Berlin)."),
    ],
)  # fmt: skip
def test_the_difference_is_a_sentence(old: TaskDefinition, new: TaskDefinition, sentence: str) -> None:
    told = compare(shown_schedule(old), shown_schedule(new), after=NOW, count=4, calendars=CALENDARS)

    assert told.sentence == sentence
    assert told.same == (old.schedules == new.schedules)


# -- bounds ------------------------------------------------------------------------------------------------------------


def many_windows() -> Calendar:
    """An hour in, an hour out, all week."""
    hours = tuple(
        CalendarWeekdays(name=f"{hour}", days=(0, 1, 2, 3, 4, 5, 6), begins=time(hour), ends=time(hour, 30))
        for hour in range(24)
    )
    return parse_calendar(CalendarDefinition(name="Odd", timezone=BERLIN, weekdays=hours), calendar_id="odd")


@pytest.mark.parametrize(
    "definition",
    [
        task(cron("* * * * * *", BERLIN, calendars=(CalendarUse(calendar_id="odd", mode=CalendarMode.EXCLUDE),))),
        task(cron("45 * * * *", BERLIN, calendars=(CalendarUse(calendar_id="odd", mode=CalendarMode.INCLUDE),))),
        task(*(cron(f"{n} */2 * * *", zone) for n, zone in enumerate(sorted(known_zones())[5:400:20]))),
        task(*(every(n + 1, NOW + timedelta(seconds=n)) for n in range(20))),
        task(*(cron("* * * * * *", zone) for zone in (BERLIN, "America/New_York", "Australia/Lord_Howe"))),
        task(cron("0 0 29 2 1#5")),
    ],
    ids=["every second", "always excluded", "20 zones", "20 intervals", "dense", "sparse"],
)
def test_no_task_takes_long_to_look_at(definition: TaskDefinition) -> None:
    calendars = {"odd": many_windows()}
    schedule = shown_schedule(definition)
    preview(schedule, after=NOW, count=100, calendars=calendars)

    began = clock.thread_time()
    preview(schedule, after=NOW, count=100, calendars=calendars)
    compare(schedule, shown_schedule(task(NINE)), after=NOW, count=20, calendars=calendars)

    assert clock.thread_time() - began < 0.5  # a tenth of that on a quiet machine


def test_the_end_of_time_is_no_fault() -> None:
    for rule in (NINE, every(60), OnceRule(at=NOW, timezone="UTC"), cron("0 9 * * *", calendars=IN_OFFICE)):
        for after in (datetime(2199, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)):
            told = shown(rule, after=after)
            assert (told.occurrences, told.next_run_at) == ((), None)
    assert shown(NINE, after=datetime(1, 1, 2, tzinfo=UTC)).occurrences
