"""What executions leave beside their output: artifacts for people, and results that later attempts need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from cronplug.model import ArtifactInfo, Json
from cronplug.store import schema
from cronplug.store.columns import Id, Instant, JsonText, Words
from cronplug.store.conn import Conn
from cronplug.store.statements import Stmt

A = schema.artifacts
O = schema.once_results  # noqa: E741 - as the other tables' short names
E = schema.executions


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The attempt that leaves something; only what is still its own is changed."""

    execution_id: str
    attempt: int
    lease_owner: str


def _bind(name: str, type_: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=type_)


_STILL_RUNS = sa.and_(
    E.c.id == _bind("execution_id", Id()),
    E.c.attempt == _bind("attempt", sa.Integer()),
    E.c.lease_owner == _bind("lease_owner", Words()),
    sa.text("executions.status || '' = 'running'"),
)

_NEW_ARTIFACT = insert(A).from_select(
    ["execution_id", "name", "media_type", "size", "attempt", "created_at", "data"],
    sa.select(
        E.c.id,
        _bind("name", Words()),
        _bind("media_type", Words()),
        _bind("size", sa.Integer()),
        E.c.attempt,
        _bind("now", Instant()),
        _bind("data", sa.LargeBinary()),
    ).where(_STILL_RUNS),
)
PUT_ARTIFACT = Stmt(
    _NEW_ARTIFACT.on_conflict_do_update(
        index_elements=["execution_id", "name"],
        set_={name: _NEW_ARTIFACT.excluded[name] for name in ("media_type", "size", "attempt", "created_at", "data")},
    ).returning(A.c.execution_id)
)
_NEW_RESULT = insert(O).from_select(
    ["execution_id", "key", "value", "attempt", "created_at"],
    sa.select(E.c.id, _bind("key", Words()), _bind("value", JsonText()), E.c.attempt, _bind("now", Instant())).where(
        _STILL_RUNS
    ),
)
PUT_ONCE = Stmt(
    _NEW_RESULT.on_conflict_do_update(
        index_elements=["execution_id", "key"],
        set_={name: _NEW_RESULT.excluded[name] for name in ("value", "attempt", "created_at")},
    ).returning(O.c.execution_id)
)
LIST_ARTIFACTS = Stmt(
    sa.select(A.c.name, A.c.media_type, A.c.size, A.c.attempt, A.c.created_at)
    .where(A.c.execution_id == _bind("id", Id()))
    .order_by(A.c.name)
)
SELECT_ARTIFACT = Stmt(sa.select(A).where(A.c.execution_id == _bind("id", Id()), A.c.name == _bind("name", Words())))
SELECT_ONCE = Stmt(sa.select(O.c.key, O.c.value).where(O.c.execution_id == _bind("id", Id())).order_by(O.c.key))


async def put_artifact(conn: Conn, owner: Owner, *, name: str, media_type: str, data: bytes, now: datetime) -> bool:
    """Keep a file under its name, instead of an earlier one; False when the attempt is not the owner's any more."""
    put = await conn.fetch(
        PUT_ARTIFACT,
        execution_id=owner.execution_id,
        attempt=owner.attempt,
        lease_owner=owner.lease_owner,
        name=name,
        media_type=media_type,
        size=len(data),
        data=data,
        now=now,
    )
    return bool(put)


async def select_artifacts(conn: Conn, execution_id: str) -> list[ArtifactInfo]:
    """An execution's files without their data, by name."""
    return [ArtifactInfo(**row) for row in await conn.fetch(LIST_ARTIFACTS, id=execution_id)]


async def select_artifact(conn: Conn, execution_id: str, name: str) -> tuple[ArtifactInfo, bytes] | None:
    """One file, None when the execution has none of that name."""
    row = await conn.fetch_one(SELECT_ARTIFACT, id=execution_id, name=name)
    if row is None:
        return None
    data: bytes = row.pop("data")
    del row["execution_id"]
    return ArtifactInfo(**row), bytes(data)


async def put_once(conn: Conn, owner: Owner, *, key: str, value: Json, now: datetime) -> bool:
    """Keep the result of a piece of work; False when the attempt is not the owner's any more."""
    put = await conn.fetch(
        PUT_ONCE,
        execution_id=owner.execution_id,
        attempt=owner.attempt,
        lease_owner=owner.lease_owner,
        key=key,
        value=value,
        now=now,
    )
    return bool(put)


async def select_once(conn: Conn, execution_id: str) -> dict[str, Json]:
    """The results that the execution's attempts have kept, by key."""
    return {row["key"]: row["value"] for row in await conn.fetch(SELECT_ONCE, id=execution_id)}
