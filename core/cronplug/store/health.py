"""Since when tasks fail: kept with the ends of executions, in the same transaction.

Decisive are success, failed, timed_out and lost; what was cancelled, skipped or missed says nothing of a task.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from cronplug.ids import first_id_at
from cronplug.model import Status
from cronplug.store import schema
from cronplug.store.columns import Id, Instant
from cronplug.store.conn import Conn
from cronplug.store.executions import Finish
from cronplug.store.statements import JsonRows, Stmt, given_ids, in_order, pack_ids, pack_rows

FAILURES = frozenset({Status.FAILED, Status.TIMED_OUT, Status.LOST})
DECISIVE = FAILURES | {Status.SUCCESS}

T, E = schema.tasks, schema.executions

FAILS_ANY = Stmt(sa.select(T.c.id).where(schema.FAILING).limit(sa.literal_column("1")))
SELECT_TASKS = Stmt(sa.select(E.c.id, E.c.task_id).where(E.c.id.in_(given_ids("ids")), E.c.task_id.is_not(None)))

_OF = sa.select(E.c.task_id).where(E.c.id.in_(given_ids("ids")))
_OF_FAILED = sa.select(E.c.task_id).where(E.c.id.in_(given_ids("failed")))
HOLD = Stmt(
    sa.select(T.c.id)
    .where(T.c.id.in_(_OF), sa.or_(schema.FAILING, T.c.id.in_(_OF_FAILED)))
    .order_by(T.c.id)
    .with_for_update(key_share=True)
)

_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {"task_id": Id(), "since": Instant(), "is_anew": sa.Boolean()}
_GIVEN = JsonRows("rows", _COLUMNS)
_NEW = sa.case(
    (_GIVEN["is_anew"], _GIVEN["since"]),
    else_=sa.func.coalesce(T.c.failing_since, _GIVEN["since"]),
)
KEEP = Stmt(
    sa.update(T)
    .where(T.c.id == _GIVEN["task_id"], T.c.failing_since.is_distinct_from(_NEW))
    .values(failing_since=_NEW)
    .returning(T.c.id)
)

LONGEST_RUN = timedelta(days=1)
"""How long before its end an execution that is looked for may have been queued."""

_S, _F = E.alias("succeeded"), E.alias("failed")
_FROM = sa.bindparam("from_id", type_=sa.BigInteger())
_FAILED_LATER = sa.exists().where(
    _F.c.task_id == _S.c.task_id,
    sa.cast(_F.c.id, sa.BigInteger()) >= _FROM,
    sa.or_(*(_F.c.status == status for status in sorted(FAILURES))),
    _F.c.finished_at >= _S.c.finished_at,
)
_SUCCEEDED_SINCE = sa.exists().where(
    _S.c.task_id == T.c.id,
    sa.cast(_S.c.id, sa.BigInteger()) >= _FROM,
    _S.c.status == Status.SUCCESS,
    _S.c.finished_at > T.c.failing_since,
    ~_FAILED_LATER,
)
_SUCCEEDS = (T.c.failing_since >= sa.bindparam("since", type_=Instant()), _SUCCEEDED_SINCE)
_CLEAR = sa.update(T).where(*_SUCCEEDS).values(failing_since=None).returning(T.c.id)
CLEAR = Stmt(_CLEAR, postgresql=_CLEAR.where(in_order(T.c.id, *_SUCCEEDS)))


@dataclass(frozen=True, slots=True)
class Spell:
    """What a task's ends, told together, mean: failing since then, or not (None).

    `is_anew`: whatever was before; else a task that fails already goes on failing since when it did.
    """

    since: datetime | None
    is_anew: bool


def judge_ends(ends: Iterable[tuple[str, Status, datetime]]) -> Mapping[str, Spell]:
    """The spell of each task by its decisive ends, (task, status, finished at), in any order.

    >>> at = datetime(2026, 1, 1)
    >>> judge_ends([("a", Status.FAILED, at)])["a"].is_anew
    False
    >>> judge_ends([("a", Status.FAILED, at), ("a", Status.SUCCESS, at)])["a"].since is None
    True
    """
    spells: dict[str, Spell] = {}
    for task_id, status, at in sorted(ends, key=lambda end: end[2]):
        before = spells.get(task_id)
        if status is Status.SUCCESS:
            spells[task_id] = Spell(None, is_anew=True)
        elif before is None or before.since is None:
            spells[task_id] = Spell(at, is_anew=before is not None)
    return spells


async def hold_tasks(conn: Conn, finishes: Sequence[Finish]) -> None:
    """Lock the tasks of which `keep_failing_since` may note something, in the same transaction: before their executions.

    Whoever plans, queues or deletes locks them in that order too.
    """
    ends = [it for it in finishes if it.status in DECISIVE]
    if ends and conn.dialect == "postgresql":  # on SQLite there is one writer
        failed = pack_ids(it.execution_id for it in ends if it.status in FAILURES)
        await conn.run(HOLD, ids=pack_ids(it.execution_id for it in ends), failed=failed)


async def keep_failing_since(conn: Conn, finishes: Sequence[Finish], won: Iterable[str]) -> set[str]:
    """Note of the tasks whose executions ended for good whether they fail; the tasks for which that changed.

    One look into an empty index while nothing fails and nothing was failing.
    """
    won = won if isinstance(won, set) else set(won)
    ends = {it.execution_id: it for it in finishes if it.status in DECISIVE and it.execution_id in won}
    if not ends:
        return set()
    if all(it.status is Status.SUCCESS for it in ends.values()) and not await conn.fetch(FAILS_ANY):
        return set()
    of_tasks = await conn.fetch(SELECT_TASKS, ids=pack_ids(ends))
    spells = judge_ends((row["task_id"], end.status, end.finished_at) for row in of_tasks for end in (ends[row["id"]],))
    if not spells:
        return set()
    rows = ({"task_id": id_, "since": spells[id_].since, "is_anew": spells[id_].is_anew} for id_ in sorted(spells))
    return {row["id"] for row in await conn.fetch(KEEP, rows=pack_rows(_COLUMNS, rows))}


async def clear_overtaken(conn: Conn, *, since: datetime) -> set[str]:
    """Let tasks that seem to fail since then, or later, no longer do so where a success is their newest decisive end.

    Two nodes may write the ends of one task at the same moment, each without seeing the other's; and an end may be written
    after a later one.
    """
    found = await conn.fetch(CLEAR, since=since, from_id=first_id_at(since - LONGEST_RUN))
    return {row["id"] for row in found}
