"""Tokens and sessions by themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio

from cronplug.access import Access
from cronplug.clock import SettableClock, SystemClock
from cronplug.store import Store, migrate
from cronplug.store import access as stored_access
from tests.api.conftest import TOKEN, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    settings = settings_for(tmp_path)
    await migrate(settings.database_url)
    store = await Store.open(settings.database_url)
    yield store
    await store.close()


async def test_the_admin_token_is_made_once(store: Store, tmp_path: Path) -> None:
    access = Access(store=store, clock=SystemClock(), settings=settings_for(tmp_path, admin_token=""))
    token = await access.ensure_admin_token()
    assert token is not None
    assert await access.check_token(token)
    assert not await access.check_token(token[:-1] + ("0" if token[-1] != "0" else "1"))
    assert await access.ensure_admin_token() is None
    assert await access.check_token(token)


async def test_a_configured_admin_token_wins_over_a_stored_one(store: Store, tmp_path: Path) -> None:
    stored = await Access(
        store=store, clock=SystemClock(), settings=settings_for(tmp_path, admin_token="")
    ).ensure_admin_token()
    assert stored is not None
    configured = Access(store=store, clock=SystemClock(), settings=settings_for(tmp_path))
    assert await configured.ensure_admin_token() is None
    assert await configured.check_token(TOKEN)
    assert not await configured.check_token(stored)


async def test_changing_the_admin_token_ends_sessions(store: Store, tmp_path: Path) -> None:
    before = Access(store=store, clock=SystemClock(), settings=settings_for(tmp_path))
    made = await before.create_session(TOKEN)
    assert made is not None
    after = Access(store=store, clock=SystemClock(), settings=settings_for(tmp_path, admin_token="z" * 40))
    assert await before.check_session(made[0]) is not None
    assert await after.check_session(made[0]) is None


async def test_a_session_ends_when_it_is_idle_and_after_a_week(store: Store, tmp_path: Path) -> None:
    clock = SettableClock(SystemClock().now())
    access = Access(store=store, clock=clock, settings=settings_for(tmp_path))
    idle, busy = await access.create_session(TOKEN), await access.create_session(TOKEN)
    assert idle is not None
    assert busy is not None
    for _ in range(14):
        assert await access.check_session(busy[0]) is not None
        clock.advance(11 * 3600)
    assert await access.check_session(idle[0]) is None
    assert await access.check_session(busy[0]) is not None
    clock.advance(11 * 3600)
    assert await access.check_session(busy[0]) is not None
    clock.advance(11 * 3600)
    assert await access.check_session(busy[0]) is None


async def test_the_use_of_a_stored_token_is_written_down_at_most_once_a_minute(store: Store, tmp_path: Path) -> None:
    clock = SettableClock(SystemClock().now())
    access = Access(store=store, clock=clock, settings=settings_for(tmp_path))
    text = await access.create_token(name="ci")
    first = clock.now()

    async def last_used_at() -> datetime | None:
        [token] = await store.read(stored_access.select_tokens)
        return token.last_used_at

    assert await last_used_at() is None
    assert await access.check_token(text) == "ci"
    assert await last_used_at() == first
    clock.advance(59)
    assert await access.check_token(text) == "ci"
    assert await last_used_at() == first
    clock.advance(1)
    assert await access.check_token(text) == "ci"
    assert await last_used_at() == clock.now()
