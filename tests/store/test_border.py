"""The store is the only place that knows of databases."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "core" / "cronplug"
DATABASE_PACKAGES = {"databases", "sqlalchemy", "alembic", "asyncpg", "aiosqlite", "sqlite3"}


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_nobody_else_imports_a_database_package() -> None:
    guilty = {
        str(path.relative_to(CORE)): found
        for path in CORE.rglob("*.py")
        if not path.is_relative_to(CORE / "store") and (found := imports(path) & DATABASE_PACKAGES)
    }

    assert guilty == {}


VERBS = ("access", "logs", "nodes", "stats", "tasks", "conn")


@pytest.mark.parametrize("way", [".transaction(", ".execute(", ".execute_many(", ".fetch_all(", ".iterate("])
def test_verbs_use_nothing_of_databases(way: str) -> None:
    """`execute` answers an UPDATE with the last inserted id, `transaction` loses connections."""
    store = CORE / "store"
    verbs = [*(store / "executions").glob("*.py"), *(store / f"{name}.py" for name in VERBS)]

    assert [path.name for path in verbs if way in path.read_text()] == []


def test_opening_a_migrated_database_does_without_alembic(sqlite_url: str) -> None:
    code = (
        "import asyncio, sys\nfrom cronplug.store import Store, migrate\n"
        "async def main():\n    await migrate(sys.argv[1])\n    await (await Store.open(sys.argv[1])).close()\n"
        "asyncio.run(main())\nprint(bool({'alembic', 'sqlalchemy.orm'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code, sqlite_url], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "False"
    assert told.stderr == ""
