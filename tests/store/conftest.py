"""The store under test, on both databases."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from cronplug.store import Store, migrate
from cronplug.store.schema import metadata
from tests.services.postgres import PostgresServer
from tests.store.making import Maker


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'cronplug.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "cronplug.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """A PostgreSQL database with all tables, to be emptied before each use."""
    url = postgres_server.create_database()
    asyncio.run(migrate(url))
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """The URL of a SQLite file with empty tables."""
    path = tmp_path / "cronplug.db"
    shutil.copyfile(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest_asyncio.fixture
async def emptied_postgres_url(migrated_postgres: str) -> str:
    """The URL of a PostgreSQL database with empty tables."""
    connection = await asyncpg.connect(migrated_postgres)
    await connection.execute(";".join(f"DELETE FROM {table}" for table in metadata.tables))  # faster than TRUNCATE
    await connection.close()
    return migrated_postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database with empty tables."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "emptied_postgres_url")
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
