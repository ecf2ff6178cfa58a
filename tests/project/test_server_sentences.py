"""The admin tells in its own languages what the server says: its table knows the sentences that the server makes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cronplug.model import (
    CalendarDates,
    CalendarDefinition,
    CatchUp,
    CronRule,
    Delivery,
    Overlap,
    Pause,
    Reason,
    Status,
    TaskDefinition,
    TaskType,
    Trigger,
    Unfinished,
)
from cronplug.planning import (
    NO_RETRIES,
    AttemptFacts,
    CatchUpPolicy,
    PlannedFire,
    RetryPolicy,
    find_bars,
    missing_function_bar,
    plan_after_attempt,
    plan_fire_times,
    settle_overlap,
)
from cronplug.schedules import parse_schedule, task_schedule
from cronplug.schedules.calendars import Exclusion, parse_calendar

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

LITERAL = {
    "replacedByHand": "Another run, asked for at {rfc3339(now)}, took its place: overlap is replace.",
    "replacedLater": "The run for a later fire time took its place at {rfc3339(now)}: overlap is replace.",
    "skippedAhead": "Will be skipped. ",
    "skippedUnless": "Will be skipped unless that changes. ",
    "disabled": "The task is disabled.",
    "disabledThen": "The task was disabled then (revision {revision.number}).",
    "limitAhead": "The schedules may start {most} executions in all, and will have done so.",
    "limitPast": '[1].replace("will have", "had")',
    "due": "Due: its execution is about to be made.",
    "otherSchedule": "The schedule was another one then (revision {revision.number}); the present one came later.",
    "notKept": "Nothing is known of it any more: executions are deleted after {self._facts.kept_days} days.",
    "unknown": "Not known: there is no execution for it; it may have been deleted.",
    "timeLimit": "The function did not end within its time limit of {spec.timeout_seconds:g} s.",
    "cancelledQueued": "Cancelled before it started.",
    "cancelledRunning": "Cancelled while it ran.",
    "taskDeleted": "The task was deleted before this ran.",
    "nodeStopped": "The node that ran this stopped without finishing it.",
    "serverStopped": "The server stopped while it ran.",
    "httpTimeLimit": "Timed out after {spec.timeout_seconds:g} s waiting for {progress.waiting_for}.",
    "httpTimeLimitRest": "Timed out after {spec.timeout_seconds:g} s waiting for {progress.waiting_for}.",
    "httpCutOff": "Cut off by the server's shutdown while waiting for {progress.waiting_for}.",
    "httpCutOffRest": "Cut off by the server's shutdown while waiting for {progress.waiting_for}.",
    "httpCancelled": "Cancelled on request while waiting for {progress.waiting_for}.",
    "httpCancelledRest": "Cancelled on request while waiting for {progress.waiting_for}.",
    "httpBody": "The server answered {status}, but {where} does not contain the expected text.",
    "httpBodyStart": "The server answered {status}, but {where} does not contain the expected text.",
    "httpStatusSaid": "The server answered {status}: {excerpt}",
    "httpStatus": "The server answered {status}",
    "httpRedirects": "More than {MAX_REDIRECTS} redirects; the last one leads to {_shown(request.url)}",
    "httpNoAnswer": "No complete answer: {str(cause) or type(cause).__name__}",
    "setAside": "The task is set aside: {task.schedule_error}",
}
"""Sentences that are made deep inside of what has effects, as the source has them."""

SAID = {
    "{rfc3339(now)}": ("2026-03-02T12:00:00.000Z",),
    "{progress.waiting_for}": ("a connection and the answer", "the rest of the answer ({response.status_code})"),
    "{where}": ("its body", "the first {_size_text(len(body.kept))} of its body"),
}
"""What stands for a part of them: of two, the second belongs to the key that is longer."""


def test_the_table_knows_each_sentence_by_one_pattern_only() -> None:
    table = {row["key"]: _pattern(row["pattern"]) for row in _table()}
    unseen = set(table) - set(LITERAL)

    for key, sentence in _planned():
        named = [each for each, pattern in table.items() if pattern.fullmatch(sentence)]
        assert named == [key], sentence
        unseen.discard(key)

    assert not unseen, "no sentence of the server is known by these"


def test_what_is_written_down_in_the_source_is_still_said_so() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "core/cronplug").rglob("*.py")))
    table = {row["key"]: _pattern(row["pattern"]) for row in _table()}

    assert [key for key, words in LITERAL.items() if words not in source] == []
    for key, words in LITERAL.items():
        said = LITERAL["limitAhead"].replace("will have", "had") if key == "limitPast" else words
        for part, choices in SAID.items():
            chosen = choices[-1 if key.endswith(("Rest", "Start")) else 0]
            assert part not in said or part == "{rfc3339(now)}" or chosen in source, chosen
            said = said.replace(part, chosen)
        said = said.replace("{_size_text(len(body.kept))}", "65.5 kB")
        said = re.sub(r"\{[^}]+\}", "7", said).strip()
        assert [each for each, pattern in table.items() if pattern.fullmatch(said)] == [key], said


def _table() -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads((ROOT / "webui/src/utils/serverSentences.json").read_text("utf-8"))
    return found


def _pattern(source: str) -> re.Pattern[str]:
    """The pattern as the admin reads it."""
    pieces = source.replace("TIME", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z").replace("NUMBER", r"[\d.]+(?:e\+\d+)?")
    return re.compile(re.sub(r"\(\?<(\w+)>", r"(?P<\1>", pieces), re.DOTALL)


def _planned() -> Iterator[tuple[str, str]]:
    yield from _skipped()
    yield from _missed()
    yield from _barred()
    for key, delivery, cut_offs in (("atMostOnce", "at_most_once", 0), ("crashLoop", "at_least_once", 9)):
        facts = AttemptFacts(verdict="cut_off", reason=Reason.CUT_OFF, attempt=1, cut_offs=cut_offs)
        after = plan_after_attempt(facts, policy=NO_RETRIES, delivery=Delivery(delivery), now=NOW)
        yield key, after.sentence or ""
    failed = AttemptFacts(verdict="failed", reason=Reason.ERROR, attempt=1, cut_offs=0, error_kinds=("ValueError",))
    for key, policy in (
        ("noRetryOn", RetryPolicy(max_retries=3, no_retry_on=("acme.ValueError",))),
        ("retryOnOther", RetryPolicy(max_retries=3, retry_on=("OSError",))),
    ):
        yield key, plan_after_attempt(failed, policy=policy, delivery=Delivery.AT_LEAST_ONCE, now=NOW).sentence or ""


def _skipped() -> Iterator[tuple[str, str]]:
    def settle(overlap: str, *, running: bool | None, held: int = 2) -> list[str]:
        fires = [
            PlannedFire(scheduled_for=NOW + minute * MINUTE, trigger=Trigger.SCHEDULE, status=Status.QUEUED)
            for minute in range(4)
        ]
        before = None if running is None else Unfinished(execution_id="0abc", is_running=running, since=NOW, held=held)
        settled = settle_overlap(fires, overlap=Overlap(overlap), unfinished=before, queue_max=2)
        return [fire.sentence for fire in settled.fires if fire.sentence is not None]

    for key, running in (("running", True), ("waiting", False), ("notStarted", None)):
        yield key, settle("skip", running=running)[0]
        yield f"{key}Full", settle("queue", running=running)[0]
    yield "replacedBefore", settle("replace", running=None)[0]


def _missed() -> Iterator[tuple[str, str]]:
    every_minute = parse_schedule(cron_expression="* * * * *", timezone="UTC")
    for key, catch_up, window, most in (
        ("noCatchUp", "none", 60, 1),
        ("lateForCatchUp", "all", 60, 100),
        ("newestOnly", "all", 86_400, 1),
    ):
        plan = plan_fire_times(
            every_minute,
            next_run_at=NOW,
            now=NOW + 30 * MINUTE,
            policy=CatchUpPolicy(catch_up=CatchUp(catch_up), window_seconds=window, max_runs=most),
            outages=[(NOW - MINUTE, NOW + 30 * MINUTE)],
            max_rows=500,
        )
        lead, rest = re.split(r"(?<=;) ", plan.fires[0].sentence or "")
        yield "down", lead
        yield key, rest
    outage = (NOW, NOW + timedelta(days=1))
    policy = CatchUpPolicy(catch_up=CatchUp.NONE, window_seconds=60, max_runs=1)
    plan = plan_fire_times(
        every_minute, next_run_at=NOW + MINUTE, now=outage[1], policy=policy, outages=[outage], max_rows=2_000
    )
    yield "many", (plan.fires[0].sentence or "").split(" No node")[0]


def _barred() -> Iterator[tuple[str, str]]:
    task = TaskDefinition(
        name="Test",
        type=TaskType.FUNCTION,
        function_name="acme.test",
        schedules=(CronRule(cron_expression="* * * * *", timezone="UTC"),),
        paused_until=NOW + MINUTE,
    )
    schedule = task_schedule(task, seed="0abc")
    assert schedule is not None
    for key, pause in (
        ("taskPaused", None),
        ("allPaused", Pause(since=NOW, until=None, reason="")),
        ("allPausedFor", Pause(since=NOW, until=None, reason="Moving. In parts")),
    ):
        barred = find_bars(task, schedule, pause=pause)
        assert barred is not None
        bar = barred(NOW)
        assert bar is not None
        yield key, bar.sentence
    yield "noFunction", missing_function_bar("acme.test").sentence
    days = CalendarDates(name="Founders' day", first=NOW.date(), last=NOW.date())
    calendar = parse_calendar(CalendarDefinition(name="Holidays", dates=(days,)), calendar_id="holidays")
    yield "noCalendar", Exclusion(None, None).sentence
    yield "outsideCalendar", Exclusion(calendar, None).sentence
    yield "inCalendar", Exclusion(calendar, "Founders' day").sentence
