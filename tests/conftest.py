"""Fixtures for every test: real services, missing ones told openly."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import asyncpg
import pytest
import pytest_asyncio

from cronplug.store import migrate
from cronplug.store.schema import metadata
from tests.services.chromium import ChromiumMissing, find_chromium
from tests.services.postgres import (
    PostgresMissing,
    PostgresServer,
    StoppablePostgres,
    running_postgres,
    running_stoppable_postgres,
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the files: those with servers and those with a browser by turns, then all others.

    The long ones come first, so that no process rests at the end; and the ones wait while the others work.
    """
    if not hasattr(config, "workerinput"):
        return
    turns: dict[Path, int] = {}
    counted: Counter[str] = Counter()
    for item in items:
        if item.path not in turns:
            kind = next((kind for kind in ("acceptance", "e2e") if item.get_closest_marker(kind)), None)
            turns[item.path] = counted[kind] if kind else len(items)
            counted.update([kind] if kind else [])
    items.sort(key=lambda item: turns[item.path])


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the whole run."""
    try:
        with running_postgres() as server:
            yield server
    except PostgresMissing as missing:
        _report_missing(missing)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database that only this test sees."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


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


@pytest.fixture
def stoppable_postgres() -> Iterator[StoppablePostgres]:
    """A PostgreSQL server that only this test uses, so that it may be away for a while."""
    try:
        with running_stoppable_postgres() as server:
            yield server
    except PostgresMissing as missing:
        _report_missing(missing)


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The program of a Chromium that runs headless; for playwright's `launch(executable_path=...)`."""
    try:
        return find_chromium()
    except ChromiumMissing as missing:
        _report_missing(missing)


def _report_missing(service: Exception) -> NoReturn:
    """Skip where a service cannot be had; on a build server, where nobody reads skips, fail."""
    if os.environ.get("CI"):
        pytest.fail(str(service), pytrace=False)
    pytest.skip(str(service))
