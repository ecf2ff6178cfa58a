"""`cronExpression` and `timezone` beside `schedules`: what was meant, as a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cronplug.api.shorthand import Asked, Schedules, in_short, keep_anchors, merge_schedules, same_rules
from cronplug.errors import FieldError, InvalidInput
from cronplug.model import CronRule, DstGap, IntervalRule, OnceRule, ScheduleRule

BERLIN, UTC_ = "Europe/Berlin", "UTC"
AT = datetime(2030, 1, 1, tzinfo=UTC)

nine = CronRule(cron_expression="0 9 * * *", timezone=BERLIN, on_dst_gap=DstGap.SKIP, payload={"a": 1})
noon = CronRule(cron_expression="0 12 * * *", timezone=UTC_)
each = IntervalRule(every_seconds=90, timezone=UTC_, anchor_at=AT)
once = OnceRule(at=AT, timezone=UTC_)

STORED = Schedules(UTC_, (nine,))
"""Answered as cronExpression 0 9 * * *, timezone Europe/Berlin."""

SEVERAL = Schedules(UTC_, (each, nine, noon))
NONE = Schedules(UTC_)


def asked(**given: Any) -> Asked:
    """A body with these fields."""
    return Asked(has_expression="expression" in given, **given)


TABLE: list[tuple[str, Schedules, Asked, Schedules]] = [
    ("nothing is said", STORED, asked(), STORED),
    ("an expression keeps the options", STORED, asked(expression="@daily"),
     Schedules(UTC_, (replace(nine, cron_expression="@daily"),))),
    ("a zone alone is that of the expression too", STORED, asked(timezone="Asia/Tokyo"),
     Schedules("Asia/Tokyo", (replace(nine, timezone="Asia/Tokyo"),))),
    ("the zone that was answered changes nothing", STORED, asked(timezone=BERLIN), STORED),
    ("null removes it", STORED, asked(expression=None), NONE),
    ("null where there is none", NONE, asked(expression=None), NONE),
    ("an expression where there is none", NONE, asked(expression="@daily"),
     Schedules(UTC_, (CronRule(cron_expression="@daily", timezone=UTC_),))),
    ("a zone where there is no schedule", NONE, asked(timezone=BERLIN), Schedules(BERLIN)),
    ("an expression beside another kind", Schedules(UTC_, (each,)), asked(expression="@daily", timezone=BERLIN),
     Schedules(BERLIN, (each, CronRule(cron_expression="@daily", timezone=BERLIN)))),
    ("of several the first expression changes", SEVERAL, asked(expression="@daily"),
     Schedules(UTC_, (each, replace(nine, cron_expression="@daily"), noon))),
    ("of several the first expression is removed", SEVERAL, asked(expression=None), Schedules(UTC_, (each, noon))),
    ("schedules replace all", STORED, asked(rules=(once, each)), Schedules(UTC_, (once, each))),
    ("no schedules", STORED, asked(rules=()), NONE),
    ("everything is sent back", STORED, asked(rules=(nine,), expression="0 9 * * *", timezone=BERLIN), STORED),
    ("everything is sent back, of several", SEVERAL,
     asked(rules=(each, nine, noon), expression="0 9 * * *", timezone=BERLIN), SEVERAL),
    ("only the expression was changed", STORED, asked(rules=(nine,), expression="@daily", timezone=BERLIN),
     Schedules(UTC_, (replace(nine, cron_expression="@daily"),))),
    ("only the zone was changed", STORED, asked(rules=(nine,), expression="0 9 * * *", timezone=UTC_),
     Schedules(UTC_, (replace(nine, timezone=UTC_),))),
    ("only the expression was cleared", STORED, asked(rules=(nine,), expression=None, timezone=BERLIN), NONE),
    ("only schedules were changed", STORED, asked(rules=(noon,), expression="0 9 * * *", timezone=BERLIN),
     Schedules(UTC_, (noon,))),
    ("only schedules were changed, to another kind", STORED,
     asked(rules=(each,), expression="0 9 * * *", timezone=BERLIN), Schedules(UTC_, (each,))),
    ("both were changed alike", STORED, asked(rules=(noon,), expression="0 12 * * *", timezone=UTC_),
     Schedules(UTC_, (noon,))),
    ("both were cleared", STORED, asked(rules=(), expression=None, timezone=BERLIN), NONE),
    ("a zone beside schedules without an expression", STORED, asked(rules=(each,), timezone="Asia/Tokyo"),
     Schedules("Asia/Tokyo", (each,))),
    ("payloads are compared as JSON", STORED, asked(rules=(replace(nine, payload={"a": True}),)),
     Schedules(UTC_, (replace(nine, payload={"a": True}),))),
]  # fmt: skip


@pytest.mark.parametrize(("before", "given", "after"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_was_meant(before: Schedules, given: Asked, after: Schedules) -> None:
    merged = merge_schedules(before, given)

    assert merged.timezone == after.timezone
    assert same_rules(merged.rules, after.rules)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (asked(rules=(noon,), expression="@daily"), "cronExpression"),
        (asked(rules=(noon,), expression=None), "cronExpression"),
        (asked(rules=(each,), expression="@daily"), "cronExpression"),
        (asked(rules=(), expression="@daily"), "cronExpression"),
        (asked(rules=(noon,), timezone="Asia/Tokyo"), "timezone"),
    ],
)
def test_both_changed_and_contradicting_is_refused(given: Asked, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        merge_schedules(STORED, given)

    assert [error.field for error in refused.value.errors] == [field]


def test_a_new_task_may_have_a_zone_of_its_own_beside_that_of_a_schedule() -> None:
    assert merge_schedules(NONE, asked(rules=(nine,), timezone="Asia/Tokyo"), is_new=True) == Schedules(
        "Asia/Tokyo", (nine,)
    )


def test_a_new_task_with_an_expression_that_its_schedules_do_not_have_is_refused() -> None:
    with pytest.raises(InvalidInput):
        merge_schedules(NONE, asked(rules=(nine,), expression="@daily"), is_new=True)


def test_masked_payloads_that_are_sent_back_are_no_change() -> None:
    masked = replace(nine, payload={"a": "********"})
    stored = Schedules(UTC_, (nine, noon), shown=(masked, noon))

    back = merge_schedules(stored, asked(rules=(masked, noon), expression="@daily"))

    assert back.rules == (replace(nine, cron_expression="@daily"), noon)
    assert merge_schedules(stored, asked(rules=(masked,))).rules == (masked,)


def test_an_interval_keeps_its_grid_when_no_anchor_is_named() -> None:
    other = replace(each, every_seconds=60)
    sent: tuple[ScheduleRule, ...] = (replace(each, anchor_at=None), replace(other, anchor_at=None))

    assert keep_anchors(sent, (each,)) == (each, replace(other, anchor_at=None))
    assert keep_anchors((sent[0], sent[0]), (each,)) == (each, sent[0])
    assert merge_schedules(Schedules(UTC_, (each,)), asked(rules=sent[:1])).rules == (each,)


@pytest.mark.parametrize(
    ("field", "short"),
    [
        ("schedules.0.cronExpression", "cronExpression"),
        ("schedules.12.timezone", "timezone"),
        ("schedules.0.everySeconds", "schedules.0.everySeconds"),
        ("schedules", "schedules"),
        ("name", "name"),
    ],
)
def test_faults_have_the_name_that_the_caller_used(field: str, short: str) -> None:
    assert in_short(FieldError(field, "No.")).field == short
