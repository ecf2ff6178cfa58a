"""Migrations: the same tables from everywhere, by one process at a time, never backwards."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cronplug.errors import SchemaAhead, StoreError
from cronplug.store import Migrated, Store, access, migrate
from cronplug.store.migrations import HEAD, alembic_config
from cronplug.store.schema import metadata

module = sys.modules["cronplug.store.migrate"]


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def engine_of(url: str) -> AsyncEngine:
    return create_async_engine(
        url.replace("sqlite:", "sqlite+aiosqlite:").replace("postgresql:", "postgresql+asyncpg:"), poolclass=sa.NullPool
    )


async def run(url: str, *statements: str) -> None:
    engine = engine_of(url)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)
    await engine.dispose()


async def inspect(url: str, look: Any) -> Any:
    engine = engine_of(url)
    async with engine.connect() as connection:
        found = await connection.run_sync(look)
    await engine.dispose()
    return found


async def test_an_empty_database_gets_all_tables_once(empty_url: str) -> None:
    assert await migrate(empty_url) == Migrated(before=None, after=HEAD)
    assert await migrate(empty_url) == Migrated(before=HEAD, after=HEAD)

    store = await Store.open(empty_url)
    await store.write(lambda conn: access.set_meta(conn, "a", "b"))
    await store.close()


async def test_migrations_lead_to_exactly_the_schema(database_url: str) -> None:
    def drift(connection: sa.Connection) -> Any:
        options = {"compare_type": True, "version_table": module.VERSION_TABLE}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    assert await inspect(database_url, drift) == []


async def test_partial_indexes_are_those_of_the_schema(database_url: str, tmp_path: Path) -> None:
    """Alembic does not compare the conditions of indexes; the texts that the database keeps tell them."""
    query = (
        "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        if database_url.startswith("sqlite")
        else "SELECT replace(indexdef, 'other.', 'public.') FROM pg_indexes"
    )

    def definitions(connection: sa.Connection, condition: str = "") -> set[str]:
        return {" ".join(row[0].split()) for row in connection.exec_driver_sql(query + condition)}

    def of_the_schema(connection: sa.Connection) -> set[str]:
        if connection.dialect.name == "sqlite":
            metadata.create_all(connection)
            return definitions(connection)
        connection.exec_driver_sql("CREATE SCHEMA other")
        connection.exec_driver_sql("SET LOCAL search_path = other")
        metadata.create_all(connection)
        found = definitions(connection, " WHERE schemaname = 'other'")
        connection.rollback()
        return found

    if database_url.startswith("sqlite"):
        expected = await inspect(f"sqlite:///{tmp_path / 'other.db'}", of_the_schema)
        found = await inspect(database_url, definitions)
    else:
        expected = await inspect(database_url, of_the_schema)
        found = await inspect(
            database_url,
            lambda c: definitions(c, f" WHERE schemaname = 'public' AND tablename <> '{module.VERSION_TABLE}'"),
        )

    assert found == expected


def test_head_is_the_last_migration() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [HEAD]


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(empty_url: str) -> None:
    await migrate(empty_url)
    await run(empty_url, f"UPDATE {module.VERSION_TABLE} SET version_num = '9999'")

    with pytest.raises(SchemaAhead, match="newer cronplug"):
        await migrate(empty_url)


async def test_tables_of_another_program_are_refused_and_left_alone(empty_url: str) -> None:
    await run(empty_url, "CREATE TABLE tasks (id integer)", "CREATE TABLE other (id integer)")

    with pytest.raises(StoreError, match=r"another program \(tasks\)"):
        await migrate(empty_url)

    assert set(await inspect(empty_url, lambda c: sa.inspect(c).get_table_names())) == {"tasks", "other"}


async def test_a_migration_that_fails_leaves_everything_as_it_was(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import command

    upgrade = command.upgrade

    def fail_at_the_end(*args: Any) -> None:
        upgrade(*args)
        raise sa.exc.OperationalError("ALTER", {}, sqlite3.OperationalError("disk I/O error"))

    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", fail_at_the_end)
        with pytest.raises(StoreError):
            await migrate(empty_url)
    assert await inspect(empty_url, lambda c: sa.inspect(c).get_table_names()) == []

    assert (await migrate(empty_url)).before is None


async def test_many_migrate_at_once_and_one_does_it(empty_url: str) -> None:
    results = await asyncio.gather(*(migrate(empty_url) for _ in range(4)))

    assert sorted(str(it.before) for it in results) == [HEAD] * 3 + ["None"]


def test_six_processes_migrate_one_file_at_once(tmp_path: Path) -> None:
    code = "import asyncio, sys; from cronplug.store import migrate; print(asyncio.run(migrate(sys.argv[1])).before)"
    command = [sys.executable, "-c", code, f"sqlite:///{tmp_path / 'x.db'}"]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(6)
    ]

    told = sorted(process.communicate(timeout=60)[0].strip() for process in processes)

    assert told == [HEAD] * 5 + ["None"]
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        assert connection.execute(f"SELECT count(*) FROM {module.VERSION_TABLE}").fetchone() == (1,)


async def test_an_old_sqlite_file_is_copied_before_its_upgrade(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of(sqlite_url)
    await run(sqlite_url, "INSERT INTO meta VALUES ('a', 'old')")
    monkeypatch.setattr(module, "HEAD", "9999")  # as if this were the next version
    await migrate(sqlite_url)

    copy = path.with_name(f"{path.name}.before-9999")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT value FROM meta").fetchone() == ("old",)
        assert connection.execute(f"SELECT version_num FROM {module.VERSION_TABLE}").fetchone() == (HEAD,)
    assert [it.name for it in path.parent.glob("*.before-*")] == [copy.name]
    assert copy.stat().st_mode & 0o777 == 0o600


async def test_a_new_or_present_sqlite_file_is_not_copied(tmp_path: Path, sqlite_url: str) -> None:
    await migrate(sqlite_url)
    await migrate(f"sqlite:///{tmp_path / 'new.db'}")

    assert not list(tmp_path.glob("*before*"))


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("Dear diary, " * 500)

    with pytest.raises(StoreError, match="not a SQLite database"):
        await migrate(f"sqlite:///{tmp_path / 'x.db'}")


async def test_no_server_is_told_in_one_line() -> None:
    with pytest.raises(StoreError, match="cannot be reached") as caught:
        await migrate("postgresql://nobody@127.0.0.1:1/none")

    assert "\n" not in str(caught.value)
