"""Made-up tasks of an imaginary company, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cronplug.clock import from_millis
from cronplug.model import CronRule, Overlap, TaskDefinition, TaskType
from cronplug.planning.stretches import DAY, HOUR, offset_of, zone_or_utc
from cronplug.schedules.zones import ZoneTable

MINUTE = 60_000
QUARTER = 15 * MINUTE
WEEK = 7 * DAY
_ZONES = ("UTC", "UTC", "Europe/Berlin", "Europe/London", "America/New_York", "Asia/Kolkata", "Asia/Tokyo")
_VERBS = (
    "Sync",
    "Export",
    "Import",
    "Rebuild",
    "Check",
    "Send",
    "Archive",
    "Reconcile",
    "Refresh",
    "Validate",
    "Rotate",
    "Index",
)
_THINGS = (
    "orders", "invoices", "customers", "stock levels", "price lists", "search index", "sales report", "exchange rates",
    "newsletter", "backups", "certificates", "payroll", "shipments", "returns", "loyalty points", "web analytics",
    "sitemap", "ad spend", "supplier feeds", "tax tables", "audit trail", "support tickets", "thumbnails", "subscriptions",
)  # fmt: skip
_PLACES = (
    "",
    "",
    "EU",
    "US",
    "UK",
    "India",
    "Japan",
    "staging",
    "warehouse 1",
    "warehouse 2",
    "Berlin",
    "partners",
    "mobile",
    "web shop",
)
_TEAMS = ("sales", "finance", "platform", "data", "marketing", "logistics", "support", "security")
_SHARES = ((QUARTER, 0.25), (HOUR, 0.35), (6 * HOUR, 0.15), (DAY, 0.25))
"""Which part of all executions the tasks of each period have; what is left of the tasks runs weekly or by hand."""

_ERRORS = (
    "ConnectionError: connection to db-{n}.internal:5432 timed out after {n} ms",
    "ValueError: row {n} has no column 'amount'",
    "KeyError: 'customer_{n}'",
    "PermissionError: [Errno 13] Permission denied: '/srv/export/{n}.csv'",
    "RuntimeError: checksum {h} does not match",
)

_HTTP_ERRORS = (
    "The server answered 503: upstream {n} is not available",
    "The server answered 500: request {h} failed",
    "The server answered 404: there is no page {n}",
)


@dataclass(slots=True)
class DemoTask:
    """A task with the habits of its executions. Times are milliseconds; `period` 0: it is only run by hand.

    It fires where the time on the wall of its zone is `phase` after a multiple of `period`.
    """

    number: int
    definition: TaskDefinition
    zone: ZoneTable
    period: int
    phase: int
    seconds: float
    failing: float
    error: str
    fails_from: int | None
    fired_count: int = 0
    failing_since: int | None = None

    def fire_times(self, since: int, until: int) -> Sequence[int]:
        """Its fire times from `since` to before `until`, which are not further apart than a day."""
        if not self.period:
            return ()
        offset = offset_of(self.zone, since)
        wall = since + offset
        first = wall + (self.phase - wall) % self.period
        return range(first - offset, until, self.period)


def make_tasks(
    count: int, executions: int, days: int, *, now: int, quiet: bool, chance: random.Random
) -> list[DemoTask]:
    """`count` tasks that together fire about `executions` times in `days`; with `quiet` none fires within a day."""
    periods: list[int] = []
    left = 0.0
    for period, share in _SHARES:
        left += executions * share
        each = days * DAY / period
        periods += [period] * int(left // each)
        left %= each  # goes to the next, less frequent ones
    periods = periods[:count]
    periods += [WEEK if chance.random() < 0.9 else 0 for _ in range(count - len(periods))]
    chance.shuffle(periods)
    return [_make_task(number, period, now=now, quiet=quiet, chance=chance) for number, period in enumerate(periods)]


def _make_task(number: int, period: int, *, now: int, quiet: bool, chance: random.Random) -> DemoTask:
    zone = chance.choice(_ZONES)
    minute, hour, weekday = chance.randrange(60), chance.randrange(24), chance.randrange(7)
    expression, phase = _schedule(period, minute, hour, weekday)
    place = chance.choice(_PLACES)
    name = f"{chance.choice(_VERBS)} {chance.choice(_THINGS)}{f' ({place})' if place else ''}"
    team = chance.choice(_TEAMS)
    tags = (
        team,
        *(["critical"] if chance.random() < 0.08 else []),
        *(["nightly"] if period == DAY and hour < 6 else []),
    )
    fate = chance.random()
    definition = TaskDefinition(
        name=name if number < 200 else f"{name} #{number}",
        description=f"Owned by the {team} team.",
        tags=tags,
        enabled=chance.random() >= 0.04,
        timezone=zone,
        schedules=() if expression is None else (CronRule(cron_expression=expression, timezone=zone),),
        start_at=from_millis(now) + timedelta(days=1) if quiet and expression is not None else None,
        overlap=chance.choice((Overlap.SKIP, Overlap.SKIP, Overlap.QUEUE)),
        max_retries=chance.choice((0, 0, 1, 3)),
        timeout_seconds=600,
        **_work(chance),
    )
    return DemoTask(
        number=number,
        definition=definition,
        zone=zone_or_utc(zone),
        period=period,
        phase=phase,
        seconds=10 ** chance.uniform(-1.0, 1.6),
        failing=0.12 if fate > 0.93 else 0.02 if fate > 0.73 else 0.001,
        error=chance.choice(_ERRORS if definition.function_name else _HTTP_ERRORS),
        fails_from=now - int(chance.uniform(0.1, 6) * DAY) if fate < 0.025 else None,
    )


def _schedule(period: int, minute: int, hour: int, weekday: int) -> tuple[str | None, int]:
    """A cron expression of that period, and how long after a multiple of it (from a Thursday on) it fires."""
    if period == QUARTER:
        return f"{minute % 15}-59/15 * * * *", minute % 15 * MINUTE
    if period == HOUR:
        return f"{minute} * * * *", minute * MINUTE
    if period == 6 * HOUR:
        return f"{minute} {hour % 6}-23/6 * * *", hour % 6 * HOUR + minute * MINUTE
    if period == DAY:
        return f"{minute} {hour} * * *", hour * HOUR + minute * MINUTE
    if period == WEEK:
        return f"{minute} {hour} * * {weekday}", (weekday - 4) % 7 * DAY + hour * HOUR + minute * MINUTE
    return None, 0


def _work(chance: random.Random) -> dict[str, Any]:
    kind = chance.random()
    if kind < 0.3:
        path = f"{chance.choice(_THINGS).replace(' ', '-')}/{chance.randrange(1000)}"
        return {
            "type": TaskType.HTTP,
            "http_method": chance.choice(("GET", "POST", "POST")),
            "http_url": f"http://127.0.0.1:9/hooks/{path}",
        }
    if kind < 0.55:
        return _function("example.greet", {"name": chance.choice(_PLACES) or "world"})
    if kind < 0.8:
        return _function("example.crunch", {"limit": chance.randrange(1, 20) * 10_000})
    if kind < 0.95:
        return _function("maintenance.heartbeat", {})
    return _function("example.flaky", {"fail_attempts": 1})


def _function(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"type": TaskType.FUNCTION, "function_name": name, "function_payload": payload}
