"""What is known of a fire time, from rows, revisions and the present schedule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cronplug.model import (
    CalendarDates,
    CalendarDefinition,
    CalendarMode,
    CalendarUse,
    CronRule,
    Execution,
    IntervalRule,
    Pause,
    Reason,
    Status,
    Task,
    TaskDefinition,
    TaskType,
    Trigger,
)
from cronplug.operations.fire_time_accounts import Account, Facts, FireTimeAccount, Revision, account_for
from cronplug.schedules.calendars import parse_calendar


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """An instant of March 2026."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


NOW = at(20, 12, 30)
HOURLY = CronRule(cron_expression="0 * * * *", timezone="UTC")
NOON = CronRule(cron_expression="0 12 * * *", timezone="Europe/Berlin")
TASK = TaskDefinition(name="Test", type=TaskType.FUNCTION, function_name="test.function", schedules=(HOURLY,))
MADE = at(10, 6, 30)


def task(definition: TaskDefinition = TASK, **fields: Any) -> Task:
    values: dict[str, Any] = {
        "id": "0000000000001",
        "revision": 1,
        "created_at": MADE,
        "updated_at": MADE,
        "next_run_at": at(20, 13),
    }
    return Task(definition=definition, **values | fields)


def facts(the_task: Task | None = None, **fields: Any) -> Facts:
    it = the_task or task()
    revisions = [Revision(number=it.revision, since=it.updated_at, definition=it.definition)]
    known: dict[str, Any] = {"task": it, "now": NOW, "revisions": revisions, "rows": (), "kept_days": 30}
    return Facts(**known | fields)


def row(fire_time: datetime, status: Status = Status.SUCCESS, **fields: Any) -> Execution:
    return Execution(
        id=f"row {fire_time:%d %H}",
        trigger=Trigger.SCHEDULE,
        status=status,
        scheduled_for=fire_time,
        queued_at=fire_time,
        available_at=fire_time,
        **fields,
    )


def told(known: Facts, fire_time: datetime) -> FireTimeAccount:
    """The account of one fire time, which must be among those told."""
    [only], more = account_for(known, after=fire_time - timedelta(seconds=1), until=fire_time, limit=10)
    assert not more
    assert only.fire_time == fire_time
    return only


def test_a_row_tells_of_its_fire_time() -> None:
    ran = told(
        facts(rows=[row(at(20, 12), Status.SKIPPED, reason=Reason.OVERLAP, error_message="Still at it.")]), at(20, 12)
    )

    assert (ran.account, ran.message, ran.coming, ran.rule) == (Account.EXECUTION, "Still at it.", False, 0)
    assert ran.execution is not None
    assert ran.execution.id == "row 20 12"


def test_one_row_tells_of_all_the_fire_times_it_stands_for() -> None:
    missed = row(at(12, 1), Status.MISSED, missed_count=5, missed_until=at(12, 5), error_message="No node was running.")

    accounts, _ = account_for(facts(rows=[missed, row(at(12, 6))]), after=at(12, 2), until=at(12, 6), limit=10)

    assert [it.fire_time.hour for it in accounts] == [3, 4, 5, 6]
    assert [it.execution.id for it in accounts if it.execution] == ["row 12 01"] * 3 + ["row 12 06"]


def test_what_is_coming_is_planned() -> None:
    coming = told(facts(), at(20, 13))

    assert (coming.account, coming.coming, coming.execution) == (Account.PLANNED, True, None)


HOLIDAY = parse_calendar(
    CalendarDefinition(
        name="Holidays", dates=(CalendarDates(name="Founders' day", first=at(21).date(), last=at(21).date()),)
    ),
    calendar_id="holidays",
)
HEEDS = replace(HOURLY, calendars=(CalendarUse(calendar_id="holidays", mode=CalendarMode.EXCLUDE),))

COMING: list[tuple[str, Facts, Account, str]] = [
    ("disabled", facts(task(replace(TASK, enabled=False), next_run_at=None)), Account.DISABLED, "disabled"),
    ("paused", facts(task(replace(TASK, paused_until=at(25)))), Account.PAUSED, "2026-03-25"),
    ("all are paused", facts(pause=Pause(since=at(20, 12), until=None, reason="Moving house")), Account.PAUSED,
     "Moving house"),
    ("a pause that is over by then", facts(pause=Pause(since=at(20), until=at(20, 20), reason="")), Account.PLANNED, ""),
    ("a calendar", facts(task(replace(TASK, schedules=(HEEDS,))), calendars={"holidays": HOLIDAY}), Account.CALENDAR,
     "Founders' day"),
    ("its function is missing", facts(function_missing=True), Account.FUNCTION_MISSING, "test.function"),
    ("it cannot be read", facts(task(schedule_error="No such zone.", next_run_at=None)), Account.SCHEDULE_ERROR,
     "No such zone."),
    ("the limit is used up", facts(task(replace(TASK, max_executions=5), fired_count=5, next_run_at=None)),
     Account.LIMIT_REACHED, "5 executions"),
    ("the limit will be used up by then", facts(task(replace(TASK, max_executions=5), fired_count=1)),
     Account.LIMIT_REACHED, "5 executions"),
    ("the limit is far", facts(task(replace(TASK, max_executions=500), fired_count=1)), Account.PLANNED, ""),
]  # fmt: skip


@pytest.mark.parametrize(("known", "account", "words"), [it[1:] for it in COMING], ids=[it[0] for it in COMING])
def test_why_a_coming_fire_time_will_not_run(known: Facts, account: Account, words: str) -> None:
    coming = told(known, at(21, 9))

    assert coming.account is account
    assert words in (coming.message or "")


def test_the_last_fire_time_within_the_limit_is_planned() -> None:
    known = facts(task(replace(TASK, max_executions=5), fired_count=3))

    assert [told(known, at(20, hour)).account for hour in (13, 14, 15)] == [
        Account.PLANNED,
        Account.PLANNED,
        Account.LIMIT_REACHED,
    ]


def changed(*revisions: Revision, **fields: Any) -> Facts:
    """A task with these revisions, the last of which is the present one."""
    last = revisions[-1]
    it = task(last.definition, revision=last.number, updated_at=last.since, **fields)
    return facts(it, revisions=revisions)


FIRST = Revision(number=1, since=MADE, definition=TASK)
OFF = Revision(number=2, since=at(12), definition=replace(TASK, enabled=False))
ON = Revision(number=3, since=at(14), definition=TASK)
AT_NOON = replace(TASK, schedules=(NOON,))
BY_NOON = Revision(number=2, since=at(12), definition=AT_NOON)
AGAIN_HOURLY = Revision(number=3, since=at(14), definition=TASK)

PAST: list[tuple[str, Facts, datetime, Account, str]] = [
    ("before the task", facts(), at(10, 6), Account.BEFORE_TASK, "2026-03-10T06:30"),
    ("it was disabled", changed(FIRST, OFF, ON), at(13, 9), Account.DISABLED, "revision 2"),
    ("it was enabled again", changed(FIRST, OFF, ON), at(15, 9), Account.UNKNOWN, "Not known"),
    ("it had another schedule", changed(FIRST, BY_NOON, AGAIN_HOURLY), at(13, 9), Account.SCHEDULE_CHANGED, "revision 2"),
    ("that schedule's own time", changed(FIRST, BY_NOON, AGAIN_HOURLY), at(13, 11), Account.UNKNOWN, "Not known"),
    ("a revision that is gone", changed(FIRST, replace(ON, number=4)), at(13, 9), Account.UNKNOWN, "Not known"),
    ("long ago", facts(task(created_at=at(1) - timedelta(days=90)), kept_days=5), at(10, 9), Account.NOT_KEPT, "5 days"),
    ("not kept, but known to have been disabled", replace(changed(FIRST, OFF, ON), kept_days=1), at(13, 9),
     Account.DISABLED, "revision 2"),
    ("due and not planned yet", facts(task(next_run_at=at(20, 12))), at(20, 12), Account.DUE, "about to"),
    ("set aside", facts(task(schedule_error="Bad.", next_run_at=None)), at(20, 12), Account.SCHEDULE_ERROR, "Bad."),
    ("after the last one allowed", replace(facts(task(replace(TASK, max_executions=3), fired_count=3, next_run_at=None)),
     newest_row_at=at(20, 10)), at(20, 11), Account.LIMIT_REACHED, "3 executions"),
    ("before the last one allowed", replace(facts(task(replace(TASK, max_executions=3), fired_count=3, next_run_at=None)),
     newest_row_at=at(20, 11)), at(20, 10), Account.UNKNOWN, "Not known"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("known", "fire_time", "account", "words"), [it[1:] for it in PAST], ids=[it[0] for it in PAST]
)
def test_why_there_is_no_row_for_a_past_fire_time(
    known: Facts, fire_time: datetime, account: Account, words: str
) -> None:
    past = told(known, fire_time)

    assert not past.coming
    assert past.account is account
    assert words in (past.message or "")


def test_fire_times_of_an_earlier_schedule_are_told_while_it_was_in_force() -> None:
    known = changed(FIRST, BY_NOON)  # hourly until the 12th, at noon since then

    accounts, _ = account_for(known, after=at(11, 21), until=at(12, 12), limit=100)

    assert [it.fire_time for it in accounts] == [at(11, 22), at(11, 23), at(12, 0), at(12, 11)]
    assert [it.rule for it in accounts] == [None, None, None, 0]
    assert accounts[-1].timezone == "Europe/Berlin"


def test_rows_that_no_schedule_names_are_told() -> None:
    by_other_zone_data = row(at(12, 9, 17))

    accounts, _ = account_for(facts(rows=[by_other_zone_data]), after=at(12, 9), until=at(12, 9, 59), limit=5)

    assert [(it.fire_time, it.account, it.rule) for it in accounts] == [(at(12, 9, 17), Account.EXECUTION, None)]


def test_an_answer_is_bounded_and_says_that_there_is_more() -> None:
    first, more = account_for(facts(), after=at(15), until=at(18), limit=24)
    assert more
    assert [it.fire_time for it in first] == [at(15) + timedelta(hours=hour) for hour in range(1, 25)]

    last, more = account_for(facts(), after=at(17), until=at(18), limit=24)
    assert not more
    assert len(last) == 24


def test_a_task_that_runs_after_the_end_of_the_last_has_rows_and_what_is_pending() -> None:
    rule = IntervalRule(every_seconds=60, timezone="UTC", after_end=True)
    known = facts(task(replace(TASK, schedules=(rule,))), rows=[row(at(20, 11, 59))])

    accounts, _ = account_for(known, after=at(20), until=at(21), limit=10)

    assert [(it.fire_time, it.account) for it in accounts] == [
        (at(20, 11, 59), Account.EXECUTION),
        (at(20, 13), Account.PLANNED),
    ]


def test_a_task_by_hand_has_none() -> None:
    assert account_for(
        facts(task(replace(TASK, schedules=()), next_run_at=None)), after=at(1), until=at(28), limit=9
    ) == (
        [],
        False,
    )
