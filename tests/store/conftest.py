"""The store under test, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cronplug.store import Store, migrate
from tests.store.making import Maker


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'cronplug.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest_asyncio.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open store with all tables."""
    await migrate(database_url)
    store = await Store.open(database_url)
    yield store
    await store.close()


@pytest_asyncio.fixture
async def sqlite_store(tmp_path: Path) -> AsyncIterator[Store]:
    """An open store on SQLite, for what only that has."""
    url = f"sqlite:///{tmp_path / 'cronplug.db'}"
    await migrate(url)
    store = await Store.open(url)
    yield store
    await store.close()


@pytest.fixture
def make() -> Maker:
    """Makes tasks and executions."""
    return Maker()
