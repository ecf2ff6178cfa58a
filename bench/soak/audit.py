"""The claim audit: tasks every second, the whole process group killed with kill -9 at random moments, then every row counted.

Witnesses beside the database: each attempt writes its execution's id into a file as it begins, and a client keeps books
of what the API acknowledged between the kills.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from bench.soak.stage import Stage, end_calmly
from cronplug.ids import encode_id
from tests.acceptance.audit import FIRED, Database, find_faults, statuses
from tests.acceptance.server import Server

READY_SHARE = 0.7
"""So many starts are waited for; the others may be killed while they start."""

HONEST = ("success", "missed", "lost")


def audit(stage: Stage, *, tasks: int = 500, seconds: float = 60, kills: int = 20) -> list[str]:
    """Kill it `kills` times within some `seconds` of work; the broken promises."""
    witness = stage.folder / "begun"
    witness.touch()
    with stage.server(SCHEDULER_MAX_CONCURRENCY="50") as (server, database):
        made = [create(server, number, witness, stage.chance) for number in range(tasks)]
        with Writer(server, stage.chance.randrange(10**6)) as writer:
            for _ in range(kills):
                time.sleep(stage.chance.uniform(0, 2 * seconds / kills))
                server.kill_group()
                server.start(ready=stage.chance.random() < READY_SHARE)
            server.until(server.is_ready, seconds=120, what="being ready after the last kill")
        faults = writer.find_lost()
        faults += end_calmly(server, made)
        told = told_of(database)
        print(f"  {kills} kills; {told}; {writer}")
        print(f"  {dict(statuses(database).most_common())}")
        return faults + find_faults(database) + find_dishonest(database) + compare(database, witness)


def create(server: Server, number: int, witness: Path, chance: random.Random) -> str:
    """A task every second: every other one at most once, catching up in every way."""
    made = server.create_task(
        name=f"every second {number}",
        type="function",
        functionName="soak.witness",
        functionPayload={"file": str(witness)},
        cronExpression="* * * * * *",
        overlap="allow",
        catchUp=chance.choice(("none", "last", "all")),
        delivery="at_most_once" if number % 2 else "at_least_once",
    )
    task_id: str = made["id"]
    return task_id


def told_of(database: Database) -> str:
    """How many fire times there were, and rows that tell of them."""
    [(rows, folded)] = database.select(
        f"SELECT count(*), coalesce(sum(missed_count - 1), 0) FROM executions WHERE {FIRED}"
    )
    return f"{rows + folded} fire times of schedules, {rows} rows"


def find_dishonest(database: Database) -> list[str]:
    """Ends that nothing here explains."""
    return [
        f"{count} executions are {what}"
        for what, count in statuses(database).items()
        if what.split()[0] not in HONEST and what != "failed (worker_died)"  # the kill of the group met it first
    ]


def compare(database: Database, witness: Path) -> list[str]:
    """What the attempts themselves wrote against the table."""
    began = Counter(witness.read_text().split())
    rows = {
        encode_id(id_): (status, '"delivery":"at_most_once"' in definition)
        for id_, status, definition in database.select(
            "SELECT e.id, e.status, r.definition FROM executions e"
            " JOIN task_revisions r ON r.task_id = e.task_id AND r.revision = e.task_revision"
        )
    }
    twice = [id_ for id_, count in began.items() if count > 1]
    print(f"  {began.total()} starts witnessed, {len(twice)} executions began more than once")
    known = {id_: rows[id_] for id_ in began if id_ in rows}
    return [
        *(f"execution {id_} began and has no row" for id_ in began if id_ not in rows),
        *(f"execution {id_} began {began[id_]} times under at_most_once" for id_ in twice if known[id_][1]),
        *(f"execution {id_} is a success and never began" for id_, (status, _) in rows.items()
          if status == "success" and id_ not in began),
        *(f"execution {id_} began and is {status}" for id_, (status, _) in known.items()
          if status in ("missed", "skipped")),
    ]  # fmt: skip


class Writer:
    """A client that writes whenever there is a server, and keeps books of what was acknowledged."""

    def __init__(self, server: Server, seed: int) -> None:
        self._server = server
        self._chance = random.Random(seed)
        self._http = httpx.Client(base_url=server.client.base_url, headers=server.client.headers, timeout=30)
        self._names: dict[str, str | None] = {}  # None: nobody knows, the answer to a change never came
        self._deleted: set[str] = set()
        self._runs: list[str] = []
        self._answers: Counter[str] = Counter()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write, name="writer")

    def __str__(self) -> str:
        return f"API {dict(self._answers)}"

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _write(self) -> None:
        while not self._over.wait(0.02):
            acts = ("create", "rename", "trigger", "delete") if self._known() else ("create",)
            act = self._chance.choice(acts)
            try:
                getattr(self, f"_{act}")()
            except httpx.TransportError:
                self._answers["unanswered"] += 1
                self._over.wait(0.1)

    def _known(self) -> list[str]:
        return [id_ for id_, name in self._names.items() if name is not None and id_ not in self._deleted]

    def _create(self) -> None:
        name = f"acknowledged {self._chance.random()}"
        made = self._ask("POST", "/tasks", 201, {"name": name, "type": "function", "functionName": "soak.die"})
        if made is not None:
            self._names[made["id"]] = name

    def _rename(self) -> None:
        id_, name = self._chance.choice(self._known()), f"renamed {self._chance.random()}"
        before, self._names[id_] = self._names[id_], None
        self._names[id_] = name if self._ask("PATCH", f"/tasks/{id_}", 200, {"name": name}) is not None else before

    def _trigger(self) -> None:
        run = self._ask("POST", "/functions/soak.linger/invoke", 202, {"payload": {"file": "/nowhere"}})
        if run is not None:
            self._runs.append(run["executionId"])

    def _delete(self) -> None:
        id_ = self._chance.choice(self._known())
        name, self._names[id_] = self._names[id_], None
        if self._ask("DELETE", f"/tasks/{id_}", 204, None) is None:
            self._names[id_] = name
        else:
            self._deleted.add(id_)

    def _ask(self, method: str, path: str, status: int, body: Any) -> Any:
        """The answer; None when nothing was done: 503. Raises TransportError when nobody knows."""
        answer = self._http.request(method, path, json=body)
        self._answers[str(answer.status_code)] += 1
        if answer.status_code == 503:
            return None
        if answer.status_code != status:
            self._answers[f"{method} {path}: {answer.text}"] += 1
        return answer.json() if answer.content else {}

    def find_lost(self) -> list[str]:
        """What was acknowledged and is not there."""
        faults = [f"an answer nobody expects: {answer}" for answer in self._answers if "/" in answer]
        for id_, name in self._names.items():
            found = self._http.get(f"/tasks/{id_}")
            if id_ in self._deleted:
                faults += [f"task {id_} was deleted, and is there"] if found.status_code != 404 else []
            elif name is not None and (found.status_code != 200 or found.json()["task"]["name"] != name):
                faults.append(f"task {id_} should be {name!r}: {found.status_code} {found.text[:200]}")
        for run in self._runs:
            found = self._http.get(f"/executions/{run}")
            faults += [f"execution {run} was acknowledged: {found.status_code}"] if found.status_code != 200 else []
        self._http.close()
        return faults
