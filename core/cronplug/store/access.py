"""Who may come in (hashes only), answers kept for idempotency keys, and small facts by key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from cronplug.model import Json
from cronplug.store import schema
from cronplug.store.border import UnitConflict
from cronplug.store.columns import Instant, Words
from cronplug.store.conn import Conn
from cronplug.store.statements import Row, Stmt

ADMIN_TOKEN_ID = "admin"  # noqa: S105 - the name of a row


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An API token as it is kept: the secret's hash. `expires_at` None: never."""

    id: str
    name: str
    secret_hash: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that is signed in. `expires_at` is the end whatever its use, `seen_at` its last use."""

    id_hash: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered to a request with an idempotency key."""

    request_hash: str
    answer: Json
    created_at: datetime


def _words(name: str) -> sa.BindParameter[str]:
    return sa.bindparam(name, type_=Words())


T, S, I, M = schema.tokens, schema.sessions, schema.idempotency_answers, schema.meta  # noqa: E741
_BEFORE = sa.bindparam("before", type_=Instant())
_KEY = sa.and_(I.c.scope == _words("scope"), I.c.key == _words("key"))

_INSERT_TOKEN = insert(T)
INSERT_TOKEN = Stmt(_INSERT_TOKEN.on_conflict_do_nothing(index_elements=["id"]).returning(T.c.id))
REPLACE_TOKEN = Stmt(
    _INSERT_TOKEN.on_conflict_do_update(
        index_elements=["id"],
        set_={
            name: _INSERT_TOKEN.excluded[name]
            for name in ("name", "secret_hash", "created_at", "expires_at", "last_used_at")
        },
    )
)
SELECT_TOKEN = Stmt(sa.select(T).where(T.c.id == _words("token_id")))
SELECT_TOKENS = Stmt(sa.select(T).order_by(T.c.created_at, T.c.id))
TOUCH_TOKEN = Stmt(
    sa.update(T).where(T.c.id == _words("token_id")).values(last_used_at=sa.bindparam("now", type_=Instant()))
)
DELETE_TOKEN = Stmt(sa.delete(T).where(T.c.id == _words("token_id")).returning(T.c.id))

INSERT_SESSION = Stmt(sa.insert(S))
SELECT_SESSION = Stmt(sa.select(S).where(S.c.id_hash == _words("session")))
TOUCH_SESSION = Stmt(
    sa.update(S)
    .where(S.c.id_hash == _words("session"))
    .values(seen_at=sa.bindparam("now", type_=Instant()))
    .returning(S.c.id_hash)
)
DELETE_SESSION = Stmt(sa.delete(S).where(S.c.id_hash == _words("session")).returning(S.c.id_hash))
DELETE_OLD_SESSIONS = Stmt(
    sa.delete(S).where(
        sa.or_(
            S.c.expires_at <= sa.bindparam("now", type_=Instant()),
            S.c.seen_at < sa.bindparam("idle_since", type_=Instant()),
        )
    )
)

SELECT_ANSWER = Stmt(sa.select(I.c.request_hash, I.c.answer, I.c.created_at).where(_KEY))
INSERT_ANSWER = Stmt(insert(I).on_conflict_do_nothing(index_elements=["scope", "key"]).returning(I.c.key))
DELETE_OLD_ANSWERS = Stmt(sa.delete(I).where(I.c.created_at < _BEFORE).returning(I.c.key))

SELECT_META = Stmt(sa.select(M.c.value).where(M.c.key == _words("name")))
_INSERT_META = insert(M)
SET_META = Stmt(_INSERT_META.on_conflict_do_update(index_elements=["key"], set_={"value": _INSERT_META.excluded.value}))


# -- the admin token -------------------------------------------------------------------------------------------------


async def select_admin_token_hash(conn: Conn) -> str | None:
    """The hash of the stored admin token; None when none was made yet."""
    token = await select_token_by_id(conn, ADMIN_TOKEN_ID)
    return None if token is None else token.secret_hash


async def insert_admin_token_hash(conn: Conn, secret_hash: str, *, now: datetime) -> bool:
    """Keep the first admin token; False, and nothing done, when there is one (another process was faster)."""
    return bool(await conn.fetch(INSERT_TOKEN, **_admin(secret_hash, now)))


async def replace_admin_token_hash(conn: Conn, secret_hash: str, *, now: datetime) -> None:
    """Keep a new admin token; the one before is no longer valid."""
    await conn.run(REPLACE_TOKEN, **_admin(secret_hash, now))


def _admin(secret_hash: str, now: datetime) -> Row:
    return {
        "id": ADMIN_TOKEN_ID,
        "name": "admin",
        "secret_hash": secret_hash,
        "created_at": now,
        "expires_at": None,
        "last_used_at": None,
    }


# -- API tokens ------------------------------------------------------------------------------------------------------


async def insert_token(conn: Conn, token: Token) -> bool:
    """Keep a new token; False when its id is taken."""
    return bool(
        await conn.fetch(
            INSERT_TOKEN,
            id=token.id,
            name=token.name,
            secret_hash=token.secret_hash,
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
        )
    )


async def select_token_by_id(conn: Conn, token_id: str) -> Token | None:
    """A token, expired or not; None when there is none."""
    row = await conn.fetch_one(SELECT_TOKEN, token_id=token_id)
    return None if row is None else Token(**row)


async def select_tokens(conn: Conn) -> list[Token]:
    """All tokens, the oldest first."""
    return [Token(**row) for row in await conn.fetch(SELECT_TOKENS)]


async def touch_token(conn: Conn, token_id: str, *, now: datetime) -> None:
    """A token was used."""
    await conn.run(TOUCH_TOKEN, token_id=token_id, now=now)


async def delete_token(conn: Conn, token_id: str) -> bool:
    """Revoke a token; False when there was none."""
    return bool(await conn.fetch(DELETE_TOKEN, token_id=token_id))


# -- sessions --------------------------------------------------------------------------------------------------------


async def insert_session(conn: Conn, session: Session) -> None:
    """A browser has signed in."""
    await conn.run(
        INSERT_SESSION,
        id_hash=session.id_hash,
        created_at=session.created_at,
        seen_at=session.seen_at,
        expires_at=session.expires_at,
    )


async def select_session(conn: Conn, id_hash: str) -> Session | None:
    """A session, expired or not; None when there is none."""
    row = await conn.fetch_one(SELECT_SESSION, session=id_hash)
    return None if row is None else Session(**row)


async def touch_session(conn: Conn, id_hash: str, *, now: datetime) -> bool:
    """A session was used; False when there is none."""
    return bool(await conn.fetch(TOUCH_SESSION, session=id_hash, now=now))


async def delete_session(conn: Conn, id_hash: str) -> bool:
    """A browser has signed out; False when there was no such session."""
    return bool(await conn.fetch(DELETE_SESSION, session=id_hash))


async def delete_old_sessions(conn: Conn, *, now: datetime, idle_since: datetime) -> None:
    """Forget sessions that have expired, or were not used since `idle_since`."""
    await conn.run(DELETE_OLD_SESSIONS, now=now, idle_since=idle_since)


# -- idempotency -----------------------------------------------------------------------------------------------------


async def select_answer(conn: Conn, scope: str, key: str) -> Answer | None:
    """What was answered to the request that used this key; None when none did."""
    row = await conn.fetch_one(SELECT_ANSWER, scope=scope, key=key)
    return None if row is None else Answer(**row)


async def insert_answer(conn: Conn, scope: str, key: str, request_hash: str, answer: Json, now: datetime) -> None:
    """Keep an answer together with its effect. When another node used the key meanwhile, the unit is run again."""
    kept = await conn.fetch(
        INSERT_ANSWER, scope=scope, key=key, request_hash=request_hash, answer=answer, created_at=now
    )
    if not kept:
        raise UnitConflict("The Idempotency-Key was used by another request at the same time; try again.")


async def delete_old_answers(conn: Conn, *, before: datetime) -> int:
    """Forget answers kept before then; how many."""
    return len(await conn.fetch(DELETE_OLD_ANSWERS, before=before))


# -- small facts -----------------------------------------------------------------------------------------------------


async def get_meta(conn: Conn, key: str) -> str | None:
    """A small fact, None when it was never set."""
    value: str | None = await conn.fetch_value(SELECT_META, name=key)
    return value


async def set_meta(conn: Conn, key: str, value: str) -> None:
    """Set a small fact."""
    await conn.run(SET_META, key=key, value=value)
