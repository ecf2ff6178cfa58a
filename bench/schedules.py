"""Fire times: cronplug beside croniter as it is usually used, cronsim, and APScheduler's CronTrigger, in one process."""

from __future__ import annotations

import gc
import json
import random
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter
from cronsim import CronSim

from cronplug.schedules import parse_schedule
from cronplug.schedules.spec import compile_cron, forget_compiled

ZONE = "America/New_York"
START = datetime(2026, 1, 15, 12, 3, tzinfo=UTC)
TYPICAL = (
    "* * * * *",
    "*/5 * * * *",
    "*/15 * * * *",
    "7,37 * * * *",
    "0 * * * *",
    "0 */2 * * *",
    "0 */6 * * *",
    "30 2 * * *",
    "0 0 * * *",
    "15 3 * * *",
    "0 9 * * 1-5",
    "*/10 9-17 * * 1-5",
    "0 8,12,18 * * *",
    "30 6 * * 0",
    "0 0 * * 1",
    "0 5 1 * *",
    "0 0 1,15 * *",
    "20 4 * * 6,0",
    "45 23 28 * *",
    "0 4 1 1,4,7,10 *",
)
SPARSE = ("0 0 29 2 *", "30 2 31 12 *", "0 12 31 1 *", "0 0 13 2 *", "59 23 1 1 *")
EVERY_MINUTE = "* * * * *"
BEFORE_GAP = datetime(2026, 3, 8, 6, 59, tzinfo=UTC)  # 01:59 in New York, where 02:00 does not come
SECOND = timedelta(seconds=1)
Steps = Callable[[str], Iterator[None]]
"""Gets ready for an expression up to the first yield; each further one is a step."""


def cronplug_live(expression: str) -> Iterator[None]:
    schedule = parse_schedule(cron_expression=expression, timezone=ZONE)
    at: datetime | None = START
    while at is not None:
        yield
        at = schedule.next_fire_time(at)


def cronplug_rebuilt(expression: str) -> Iterator[None]:
    at: datetime | None = START
    while at is not None:
        yield
        at = parse_schedule(cron_expression=expression, timezone=ZONE).next_fire_time(at)


def cronplug_latest(expression: str) -> Iterator[None]:
    schedule = parse_schedule(cron_expression=expression, timezone=ZONE)
    at: datetime | None = START
    while at is not None:
        yield
        at = schedule.latest_fire_time(at - SECOND)


def croniter_live(expression: str) -> Iterator[None]:
    live = croniter(expression, START.astimezone(ZoneInfo(ZONE)), ret_type=datetime)
    while True:
        yield
        live.get_next()


def croniter_rebuilt(expression: str) -> Iterator[None]:
    at = START.astimezone(ZoneInfo(ZONE))
    while True:
        yield
        at = croniter(expression, at, ret_type=datetime).get_next()


def croniter_latest(expression: str) -> Iterator[None]:
    live = croniter(expression, START.astimezone(ZoneInfo(ZONE)), ret_type=datetime)
    while True:
        yield
        live.get_prev()


def cronsim_live(expression: str) -> Iterator[None]:
    live = CronSim(expression, START.astimezone(ZoneInfo(ZONE)))
    while True:
        yield
        next(live)


def cronsim_rebuilt(expression: str) -> Iterator[None]:
    at = START.astimezone(ZoneInfo(ZONE))
    while True:
        yield
        at = next(CronSim(expression, at))


def cronsim_latest(expression: str) -> Iterator[None]:
    live = CronSim(expression, START.astimezone(ZoneInfo(ZONE)), reverse=True)
    while True:
        yield
        next(live)


def apscheduler_live(expression: str) -> Iterator[None]:
    trigger = CronTrigger.from_crontab(expression, ZONE)
    at = START.astimezone(ZoneInfo(ZONE))
    while True:
        yield
        at = trigger.get_next_fire_time(at, at)


def apscheduler_rebuilt(expression: str) -> Iterator[None]:
    at = START.astimezone(ZoneInfo(ZONE))
    while True:
        yield
        at = CronTrigger.from_crontab(expression, ZONE).get_next_fire_time(at, at)


LIVE: dict[str, Steps] = {
    "cronplug": cronplug_live,
    "croniter": croniter_live,
    "cronsim": cronsim_live,
    "APScheduler": apscheduler_live,
}
REBUILT: dict[str, Steps] = {
    "cronplug": cronplug_rebuilt,
    "croniter": croniter_rebuilt,
    "cronsim": cronsim_rebuilt,
    "APScheduler": apscheduler_rebuilt,
}
LATEST: dict[str, Steps] = {"cronplug": cronplug_latest, "croniter": croniter_latest, "cronsim": cronsim_latest}


def microseconds(sides: dict[str, Steps], expressions: tuple[str, ...], *, steps: int) -> dict[str, float]:
    """The median over `expressions` of each side's microseconds a step, the best of three; sides take turns."""
    taken: dict[str, list[float]] = {side: [] for side in sides}
    for expression in expressions:
        best = dict.fromkeys(sides, float("inf"))
        for _ in range(3):
            for side, run in sides.items():
                ready = run(expression)
                next(ready)
                gc.collect()
                began = time.perf_counter()
                for _ in range(steps):
                    next(ready)
                best[side] = min(best[side], (time.perf_counter() - began) / steps * 1e6)
        for side in sides:
            taken[side].append(best[side])
    return {side: statistics.median(values) for side, values in taken.items()}


def mixed(count: int) -> list[tuple[str, str]]:
    """As people write them: many the same, some their own, in twenty zones."""
    draw = random.Random(1)
    zones = [ZONE, "UTC", "Europe/London", "Europe/Berlin", "Asia/Kolkata", "Asia/Tokyo", "Australia/Sydney"]
    zones += ["America/Chicago", "America/Los_Angeles", "America/Sao_Paulo", "Europe/Paris", "Europe/Madrid"]
    zones += ["Asia/Shanghai", "Asia/Singapore", "Africa/Cairo", "Africa/Lagos", "Pacific/Auckland", "Asia/Dubai"]
    zones += ["America/Toronto", "Europe/Dublin"]

    def expression() -> str:
        minute, hour = draw.randrange(60), draw.randrange(24)
        kind = draw.random()
        if kind < 0.3:
            return draw.choice(TYPICAL)
        if kind < 0.6:
            return f"{minute} {hour} * * *"
        if kind < 0.75:
            return f"{minute} {hour} * * {draw.choice(['1-5', '0', '1', '6', '1,3,5'])}"
        if kind < 0.85:
            return f"{minute} {hour} {draw.randint(1, 28)} * *"
        return f"{minute} * * * *" if kind < 0.95 else f"{minute % 20}-59/{draw.randint(2, 30)} {hour} * * *"

    return [(expression(), draw.choice(zones)) for _ in range(count)]


def compile_and_advance(count: int) -> dict[str, float]:
    """Seconds to read all schedules, with nothing kept from before, and find the first fire time of each."""
    schedules = mixed(count)
    at = {zone: START.astimezone(ZoneInfo(zone)) for _, zone in schedules}

    def ours() -> None:
        for expression, zone in schedules:
            parse_schedule(cron_expression=expression, timezone=zone).next_fire_time(START)

    def croniters() -> None:
        for expression, zone in schedules:
            croniter(expression, at[zone], ret_type=datetime).get_next()

    def cronsims() -> None:
        for expression, zone in schedules:
            next(CronSim(expression, at[zone]))

    def apschedulers() -> None:
        for expression, zone in schedules:
            CronTrigger.from_crontab(expression, zone).get_next_fire_time(None, at[zone])

    taken = {}
    forget_compiled()
    for side, run in {
        "cronplug": ours,
        "croniter": croniters,
        "cronsim": cronsims,
        "APScheduler": apschedulers,
    }.items():
        began = time.perf_counter()
        run()
        taken[side] = time.perf_counter() - began
    return taken | {"distinct": float(len({expression for expression, _ in schedules}))}


def over_gap(count: int) -> dict[str, float]:
    """Seconds in which `count` every-minute schedules find the fire time after a gap, and the longest call.

    Of the peers 200 are measured, and the seconds are those that `count` would take.
    """
    before = BEFORE_GAP.astimezone(ZoneInfo(ZONE))
    schedules = [parse_schedule(cron_expression=EVERY_MINUTE, timezone=ZONE) for _ in range(count)]
    longest = 0.0
    began = time.perf_counter()
    for schedule in schedules:
        called = time.perf_counter()
        schedule.next_fire_time(BEFORE_GAP)
        longest = max(longest, time.perf_counter() - called)
    taken = {"cronplug": time.perf_counter() - began, "longest": longest * 1e3}
    trigger = CronTrigger.from_crontab(EVERY_MINUTE, ZONE)
    peers: dict[str, Callable[[], object]] = {
        "croniter": lambda: croniter(EVERY_MINUTE, before, ret_type=datetime).get_next(),
        "cronsim": lambda: next(CronSim(EVERY_MINUTE, before)),
        "APScheduler": lambda: trigger.get_next_fire_time(before, before),
    }
    for side, find in peers.items():
        began = time.perf_counter()
        for _ in range(200):
            find()
        taken[side] = (time.perf_counter() - began) / 200 * count
    return taken


def distinct_expressions(count: int) -> Iterator[str]:
    """Each with its own day and weekday columns too, which is the dearest kind."""
    draw = random.Random(2)
    seen: set[str] = set()
    while len(seen) < count:
        days = ",".join(map(str, sorted(draw.sample(range(1, 32), 3))))
        text = f"{draw.randrange(60)},{draw.randrange(60)} {draw.randrange(24)} {days} * {draw.randrange(7)}#1,5"
        if text not in seen:
            seen.add(text)
            yield text


def kept_bytes(count: int) -> dict[str, float]:
    """Bytes kept for each of `count` distinct expressions; of the peers, by a live object."""
    before = START.astimezone(ZoneInfo(ZONE))
    sides: dict[str, Callable[[str], object]] = {
        "cronplug": compile_cron,
        "croniter": lambda text: croniter(text.replace("#1", ""), before, ret_type=datetime),
        "cronsim": lambda text: CronSim(text.replace("#1", ""), before),
        "APScheduler": lambda text: CronTrigger.from_crontab(text.replace("#1", ""), ZONE),
    }
    kept = {}
    for side, make in sides.items():
        number = count if side == "cronplug" else count // 10
        texts = list(distinct_expressions(number))
        forget_compiled()
        make(texts[0])
        gc.collect()
        tracemalloc.start()
        objects = [make(text[:1] + text[1:]) for text in texts]
        del texts
        gc.collect()
        kept[side] = (tracemalloc.get_traced_memory()[0] - sys.getsizeof(objects)) / number
        tracemalloc.stop()
    return kept


MEASUREMENTS: dict[str, Callable[[int], dict[str, float]]] = {
    "next": lambda count: microseconds(LIVE, TYPICAL, steps=count),
    "rebuilt": lambda count: microseconds(REBUILT, TYPICAL, steps=count),
    "sparse": lambda count: microseconds(LIVE, SPARSE, steps=count),
    "latest": lambda count: microseconds(LATEST, TYPICAL, steps=count),
    "mixed": compile_and_advance,
    "gap": over_gap,
    "bytes": kept_bytes,
}


if __name__ == "__main__":
    print(json.dumps(MEASUREMENTS[sys.argv[1]](int(sys.argv[3]))))
