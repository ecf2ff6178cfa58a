"""Tokens, sessions, kept answers and small facts."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from cronplug.model import Json
from cronplug.store import Conn, Store, access
from cronplug.store.access import Answer, Session, Token
from tests.store.making import NOW, after


async def test_the_first_admin_token_stays_until_it_is_replaced(store: Store) -> None:
    assert await store.read(access.select_admin_token_hash) is None
    assert await store.write(lambda conn: access.insert_admin_token_hash(conn, "first", now=NOW))
    assert not await store.write(lambda conn: access.insert_admin_token_hash(conn, "second", now=NOW))
    assert await store.read(access.select_admin_token_hash) == "first"

    await store.write(lambda conn: access.replace_admin_token_hash(conn, "third", now=after(1)))

    assert await store.read(access.select_admin_token_hash) == "third"


async def test_replacing_makes_the_first_one_too(store: Store) -> None:
    await store.write(lambda conn: access.replace_admin_token_hash(conn, "only", now=NOW))

    assert await store.read(access.select_admin_token_hash) == "only"


async def test_tokens_are_kept_touched_and_revoked(store: Store) -> None:
    token = Token(id="t1", name="CI", secret_hash="hash", created_at=NOW, expires_at=after(60))
    assert await store.write(lambda conn: access.insert_token(conn, token))
    assert not await store.write(lambda conn: access.insert_token(conn, token))
    await store.write(lambda conn: access.touch_token(conn, "t1", now=after(5)))

    found = await store.read(lambda conn: access.select_token_by_id(conn, "t1"))

    assert found == Token(
        id="t1",
        name="CI",
        secret_hash="hash",
        created_at=NOW,
        expires_at=after(60),
        last_used_at=after(5),
    )
    assert await store.read(access.select_tokens) == [found]
    assert await store.write(lambda conn: access.delete_token(conn, "t1"))
    assert not await store.write(lambda conn: access.delete_token(conn, "t1"))
    assert await store.read(lambda conn: access.select_token_by_id(conn, "t1")) is None


async def test_sessions_are_kept_touched_and_ended(store: Store) -> None:
    session = Session(id_hash="s1", created_at=NOW, seen_at=NOW, expires_at=after(600))
    await store.write(lambda conn: access.insert_session(conn, session))
    assert await store.write(lambda conn: access.touch_session(conn, "s1", now=after(5)))

    found = await store.read(lambda conn: access.select_session(conn, "s1"))

    assert found == Session(id_hash="s1", created_at=NOW, seen_at=after(5), expires_at=after(600))
    assert await store.write(lambda conn: access.delete_session(conn, "s1"))
    assert not await store.write(lambda conn: access.delete_session(conn, "s1"))
    assert not await store.write(lambda conn: access.touch_session(conn, "s1", now=NOW))
    assert await store.read(lambda conn: access.select_session(conn, "s1")) is None


async def test_old_sessions_are_forgotten(store: Store) -> None:
    for name, seen, expires in (("idle", -100, 99), ("over", 0, 0), ("good", -99, 1)):
        session = Session(id_hash=name, created_at=NOW, seen_at=after(seen), expires_at=after(expires))
        await store.write(partial(access.insert_session, session=session))

    await store.write(lambda conn: access.delete_old_sessions(conn, now=NOW, idle_since=after(-99)))

    kept = [await store.read(partial(access.select_session, id_hash=it)) for it in ("idle", "over", "good")]
    assert [it is not None for it in kept] == [False, False, True]


async def test_an_answer_is_kept_with_its_request(store: Store) -> None:
    answer = {"id": "x", "list": [1, None]}
    await store.write(lambda conn: access.insert_answer(conn, "POST /tasks", "key", "hash", answer, NOW))

    assert await store.read(lambda conn: access.select_answer(conn, "POST /tasks", "key")) == Answer(
        request_hash="hash", answer=answer, created_at=NOW
    )
    assert await store.read(lambda conn: access.select_answer(conn, "other scope", "key")) is None
    assert await store.write(lambda conn: access.delete_old_answers(conn, before=NOW)) == 0
    assert await store.write(lambda conn: access.delete_old_answers(conn, before=after(0.001))) == 1


async def test_of_many_with_one_key_one_has_an_effect_and_all_get_its_answer(store: Store) -> None:
    def request(number: int) -> Any:
        async def unit(conn: Conn) -> Json:
            kept = await access.select_answer(conn, "scope", "key")
            if kept is not None:
                return kept.answer
            await access.set_meta(conn, f"effect-{number}", "done")
            await access.insert_answer(conn, "scope", "key", "hash", number, NOW)
            return number

        return unit

    answers = await asyncio.gather(*(store.write(request(number)) for number in range(8)))

    async def effects(conn: Conn) -> list[int]:
        return [number for number in range(8) if await access.get_meta(conn, f"effect-{number}")]

    assert len(set(answers)) == 1
    assert await store.read(effects) == [answers[0]]


async def test_a_small_fact_is_set_and_set_again(store: Store) -> None:
    assert await store.read(lambda conn: access.get_meta(conn, "k")) is None
    for value in ("one", "two"):
        await store.write(partial(access.set_meta, key="k", value=value))

    assert await store.read(lambda conn: access.get_meta(conn, "k")) == "two"
