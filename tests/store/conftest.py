"""The store under test, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cronplug.store import Store
from tests.store.making import Maker


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'cronplug.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest_asyncio.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open store with empty tables."""
    store = await Store.open(database_url, readers=2)
    yield store
    await store.close()


@pytest_asyncio.fixture
async def sqlite_store(sqlite_url: str) -> AsyncIterator[Store]:
    """An open store on SQLite, for what only that has."""
    store = await Store.open(sqlite_url)
    yield store
    await store.close()


@pytest.fixture
def make() -> Maker:
    """Makes tasks and executions."""
    return Maker()
