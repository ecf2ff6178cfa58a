"""cronplug beside its peers, and beside the bare libraries that it stands on: which sides are run, and what their goals are."""

from __future__ import annotations

import dataclasses

from bench.results import Figure, Row, judged, limit, peer_versions
from bench.runs import Bench, Measured, Side, Taken
from tests.services.postgres import running_postgres

OURS = "every execution a row that is written when it is queued, claimed and ended; 500 slots, 2 worker processes"


def _rate(taken: Taken) -> str:
    cpu = f" ({taken['cpu_ms']:.2f} ms CPU each)" if "cpu_ms" in taken.rounds[0] else ""
    return f"{taken['per_second']:,.0f} / s{cpu}"


def _against_peer(figure: str, ours: Taken, what: str, peer: Taken, at_least: float | None = None) -> Row:
    ratio = ours.over(peer, "per_second")
    return Row(figure, _rate(ours), f"{_rate(peer)} ({what})", *judged(ratio, at_least=at_least))


def throughput(bench: Bench) -> tuple[list[Row], str]:
    inline, workers, stored, huey, celery = bench.alternate(
        Side("ours", "throughput", bench.scale(20_000, 1_000)),
        Side("ours", "throughput-worker", bench.scale(10_000, 1_000)),
        Side("peers.apscheduler3", "throughput", bench.scale(1_000, 100)),
        Side("peers.huey_sqlite", "throughput", bench.scale(5_000, 500)),
        Side("peers.celery_redis", "throughput", bench.scale(3_000, 300)),
    )
    sql, prefork = "APScheduler, SQLAlchemyJobStore on SQLite", "Celery, 2 prefork processes, Redis"
    figure, isolated = "durable no-op runs of a backlog, inline", "the same through worker processes"
    return [
        _against_peer(figure, inline, sql, stored, 20),
        _against_peer(figure, inline, "Huey on SQLite with fsync, 2 threads", huey, 5),
        _against_peer(isolated, workers, sql, stored, 5),
        _against_peer(isolated, workers, prefork, celery, 8),
    ], (
        f"Ours on SQLite with `synchronous=FULL`: {OURS}. APScheduler with 20 threads and `misfire_grace_time=None` (its "
        "default of 1 s drops most of such a backlog); it keeps schedules, not runs. Huey and Celery store a result of "
        "each run; Redis has its own settings, so it writes to its disk now and then, and Celery acknowledges early. "
        f"{peer_versions('apscheduler', 'sqlalchemy', 'huey', 'celery', 'redis')}."
    )


def postgres(bench: Bench) -> tuple[list[Row], str]:
    with running_postgres(durable=True) as server:
        inline, workers, peer = dataclasses.replace(bench, postgres=server).alternate(
            Side("ours", "throughput", bench.scale(20_000, 1_000), postgres=True),
            Side("ours", "throughput-worker", bench.scale(10_000, 1_000), postgres=True),
            Side("peers.procrastinate_postgres", "throughput", bench.scale(2_000, 200), postgres=True),
        )
    what = "Procrastinate, 20 at once"
    return [
        _against_peer("durable no-op runs of a backlog, inline", inline, what, peer),
        _against_peer("the same through worker processes", workers, what, peer),
    ], (
        f"PostgreSQL with its own settings (`fsync` and `synchronous_commit` on) on a socket. Ours: {OURS}. Procrastinate "
        "runs the functions on its event loop, as ours inline. "
        f"{peer_versions('procrastinate', 'psycopg')}."
    )


def lateness(bench: Bench) -> tuple[list[Row], str]:
    count = bench.scale(1_000, 200)
    ours, stored, memory = bench.alternate(
        Side("ours", "lateness", count),
        Side("peers.apscheduler3", "lateness", count),
        Side("peers.apscheduler3", "lateness-memory", count),
    )
    figure = f"{count:,} tasks due on one second: lateness of the function's first line, p50 / p99"
    return [
        _late_row(figure, ours, "APScheduler in memory, nothing durable", memory, 1),
        _late_row(figure, ours, "APScheduler, SQLAlchemyJobStore on SQLite", stored),
    ], (
        "Ours is durable before a function starts (SQLite, `synchronous=FULL`), and none is missed. APScheduler with "
        f"20 threads and `misfire_grace_time=None`: by default it drops what is a second late. {peer_versions('apscheduler')}."
    )


def _late_row(figure: str, ours: Taken, what: str, peer: Taken, at_least: float | None = None) -> Row:
    cells = [f"{one['p50_ms']:.0f} / {one['p99_ms']:.0f} ms" for one in (ours, peer)]
    return Row(figure, cells[0], f"{cells[1]} ({what})", *judged(peer.over(ours, "p99_ms"), at_least=at_least))


def steady(bench: Bench) -> tuple[list[Row], str]:
    count = bench.scale(10_000, 1_500)
    ours, called = bench.alternate(Side("ours", "steady", count), Side("peers.huey_sqlite", "steady-called", count))
    planned = bench.measure(Side("peers.huey_sqlite", "steady", count))
    figure = f"500 starts a second for {count / 500:g} s: lateness, p50 / p99"
    quiet, met = limit(ours["p99_ms"], 10, "ms on a quiet machine")
    return [
        _late_row(figure, ours, "Huey on SQLite, called at each instant", called, 10),
        Row(
            "the same, planned beforehand",
            f"{ours['p50_ms']:.0f} / {ours['p99_ms']:.0f} ms",
            f"{planned['p50_ms']:.0f} / {planned['p99_ms']:.0f} ms (Huey on SQLite, scheduled; once)",
            *judged(planned["p99_ms"] / ours["p99_ms"]),
        ),
        Row("the p99 by itself", f"{ours['p99_ms']:.1f} ms", "", "", quiet, met),
    ], (
        "Ours: 500 tasks with an interval of a second each, spread evenly, durable before each start. Huey with fsync and "
        "2 threads; scheduled, it looks once a second what is due (the least it allows), so a caller in the same "
        f"process that enqueues each at its instant shows it at its best. {peer_versions('huey')}."
    )


def start(bench: Bench) -> tuple[list[Row], str]:
    count, peers = bench.scale(1_000_000, 20_000), bench.scale(100_000, 5_000)
    folder = bench.kept("tasks", count)
    full, empty = [], []
    for _ in range(min(bench.rounds, 2)):
        full.append(bench.measure(Side("server", "start", count), folder=folder))
        empty.append(bench.measure(Side("server", "start", 0)))
    ours, none = Taken(full), Taken(empty)
    stored_in = bench.root / "stored"
    bench.measure(Side("peers.apscheduler3", "fill", peers), folder=stored_in)
    stored = bench.measure(Side("peers.apscheduler3", "start", peers), folder=stored_in)
    memory = bench.measure(Side("peers.apscheduler3", "start-memory", peers))
    return _start_rows(ours, none, stored, memory, count=count, peers=peers), (
        "From the start of `cronplug serve` to the first good answer of /readyz; memory 3 s later; then 20 s in which "
        "nothing is due. The peers know a tenth as many: APScheduler reads its SQL store while it runs, and is as fast "
        f"to start as it is slow then. {peer_versions('apscheduler')}."
    )


def _start_rows(ours: Taken, none: Taken, stored: Measured, memory: Measured, *, count: int, peers: int) -> list[Row]:
    ratio = ours.over(none, "ready_seconds")
    grown = ours["megabytes"] - none["megabytes"]
    idle = ours["idle_percent"]
    return [
        Row(
            f"ready with {count:,} tasks, beside an empty start",
            f"{ours['ready_seconds']:.2f} s",
            f"{none['ready_seconds']:.2f} s (empty)",
            f"{ratio:.2f} times the empty start",
            "<= 2 times",
            ratio <= 2,
        ),
        Row(
            f"the same beside APScheduler with {peers:,}",
            f"{ours['ready_seconds']:.2f} s",
            f"{memory['start_seconds']:.2f} s (added to its memory store), {stored['start_seconds']:.2f} s (SQL store)",
        ),
        Row(
            "memory for them",
            f"{grown:+.0f} MB ({ours['megabytes']:.0f} MB in all)",
            f"{memory['grown_megabytes']:+.0f} MB (memory store, {peers:,}), {stored['grown_megabytes']:+.0f} MB (SQL store)",
            "",
            "< 20 MB",
            grown < 20,
        ),
        Row(
            "processor while nothing is due",
            f"{idle:.2f} %",
            f"{none['idle_percent']:.2f} % (empty)",
            "",
            "< 0.5 %",
            idle < 0.5,
        ),
        Row("a page of 100 of them", f"{ours['list_ms']:.0f} ms", f"{stored['list_seconds']:.1f} s for all {peers:,}"),
    ]


def memory(bench: Bench) -> tuple[list[Row], str]:
    count = bench.scale(1_000_000, 10_000)
    taken = bench.measure(Side("server", "memory", count, seconds=900))
    growth = taken["growth_megabytes"]
    goal, met = limit(growth, 10, "MB more")
    return (
        [
            Row(
                f"resident memory of the server over {count:,} executions",
                f"{taken['first_megabytes']:.0f} MB after the first tenth, {taken['last_megabytes']:.0f} MB after the last",
                "",
                f"{growth:+.1f} MB at most",
                goal,
                met,
            )
        ],
        "A backlog in slices of 100,000, put beside the running server, 500 at a time, inline; looked at after each slice.",
    )


def history(bench: Bench) -> tuple[list[Row], str]:
    count = bench.scale(10_000_000, 100_000)
    folder = bench.kept("history", count)
    full, empty = [], []
    for _ in range(bench.rounds):
        full.append(bench.measure(Side("history", "full", count, seconds=400), folder=folder))
        empty.append(bench.measure(Side("history", "empty", 0)))
    ours, none = Taken(full), Taken(empty)
    rows = [_history_row(figure, ours, none, name) for name, figure in HISTORY.items()]
    stats, met = limit(ours["stats"], 20, "ms")
    rows.append(Row("/stats", _page(ours, "stats"), _page(none, "stats"), "", stats, met))
    return rows, (
        f"Over the API, pages of 20, of {count:,} executions of 90 days and a thousand tasks, one request after the other, each "
        "of another task and at another place: p99 of 200 on the clock, and in brackets the median of the processor's "
        "time. Beside it the first page of an empty table, whose p99 plus 5 ms is the goal."
    )


HISTORY = {
    "newest": "the newest",
    "deep": "anywhere by cursor",
    "page_100": "page 100 by number",
    "task": "of one task",
    "task_deep": "of one task, anywhere",
    "failed": "failed, timed out or lost",
    "failed_deep": "failed, timed out or lost, anywhere",
    "lost_deep": "lost (one in a thousand), anywhere",
    "success_deep": "successes, anywhere",
    "manual_deep": "triggered by hand, anywhere",
    "function_deep": "of one function, anywhere",
    "task_failed": "of one task, failed, timed out or lost",
    "task_failed_deep": "of one task, failed, timed out or lost, anywhere",
    "task_success_deep": "of one task, successes, anywhere",
    "day": "of one day",
    "day_failed": "of one day, failed, timed out or lost",
    "day_task": "of one day and task",
}


def _page(taken: Taken, name: str) -> str:
    return f"{taken[name]:.1f} ms ({taken[f'{name}_cpu']:.1f} CPU)"


def _history_row(figure: str, ours: Taken, none: Taken, name: str) -> Row:
    goal, met = limit(ours[name], round(none["empty"] + 5, 1), "ms")
    return Row(figure, _page(ours, name), _page(none, "empty"), f"{ours[name] - none['empty']:+.1f} ms", goal, met)


def rest(bench: Bench) -> tuple[list[Row], str]:
    count = bench.scale(5_000, 300)
    ours, quart = bench.alternate(Side("server", "rest", count), Side("server", "bare", count))
    rows = []
    for name, figure in (
        ("list", "GET /tasks, a page of 20, the same for all"),
        ("pages", "the same, each client another page"),
        ("trigger", "POST /tasks/{id}/trigger, each also run"),
    ):
        ratio = ours.over(quart, f"{name}_per_second", theirs="bare_per_second")
        rows.append(Row(figure, _answers(ours, name), _answers(quart, "bare"), *judged(ratio, at_least=0.33)))
    return rows, (
        '32 connections of one cheap client in a process of its own. Bare: one Quart route that answers `{"ok": true}`, '
        "without sign-in, served by uvicorn as ours."
    )


def _answers(taken: Taken, kind: str) -> str:
    cost = f"{taken[f'{kind}_cpu_ms']:.2f} ms CPU each, p99 {taken[f'{kind}_p99_ms']:.0f} ms"
    return f"{taken[f'{kind}_per_second']:,.0f} / s ({cost})"


def http(bench: Bench) -> tuple[list[Row], str]:
    count = bench.scale(5_000, 500)
    ours, bare = bench.alternate(Side("http_tasks", "ours", count), Side("http_tasks", "bare", count))
    figure = "HTTP tasks to a local server, 32 at once"
    return [_against_peer(figure, ours, "httpx over aiohttp, bare", bare, 0.5)], (
        "Ours: claimed, sent through the address check, judged, and written down with the answer and its log (SQLite, "
        "`synchronous=FULL`). Bare: 32 loops over one client with the same transport. The local server answers with "
        "12 bytes of JSON from a process of its own."
    )


PEER = ("cronplug", "peer")
COMPARISONS: dict[str, Figure] = {
    "throughput": Figure("Runs per second", PEER, throughput),
    "postgres": Figure("Runs per second on PostgreSQL", PEER, postgres),
    "lateness": Figure("Lateness of many at once", PEER, lateness),
    "steady": Figure("Lateness of a steady stream", PEER, steady),
    "start": Figure("A million tasks", ("cronplug", "beside"), start),
    "memory": Figure("Memory over a million executions", ("cronplug", "beside"), memory),
    "history": Figure("Lists of ten million executions", ("cronplug", "empty table"), history),
    "rest": Figure("The REST API", ("cronplug", "bare Quart"), rest),
    "http": Figure("HTTP tasks", ("cronplug", "bare client"), http),
}
"""By the names that `./dev bench` takes."""
