"""Statements as constants: compiled once, and strict about their parameters."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest
import sqlalchemy as sa

from cronplug.store import Conn, Store, access, failures, health, logs, nodes, rollups, stats, tasks
from cronplug.store.columns import Id, Words
from cronplug.store.executions import claims, ends, progress, reading, retention, stopping, turns
from cronplug.store.statements import DialectName, JsonRows, Row, Stmt, pack_rows

MODULES = (
    access, claims, ends, failures, health, logs, nodes, progress, reading, retention, rollups, stats, stopping, tasks,
    turns,
)  # fmt: skip
ONE = Stmt(sa.select(sa.cast(sa.bindparam("value", type_=sa.Integer()), sa.Integer()).label("value")))
ROWS = JsonRows("rows", {"id": Id(), "text": Words()})
READ_ROWS = Stmt(sa.select(ROWS["id"].label("number"), ROWS["text"].label("text")))


def constants(module: ModuleType) -> dict[str, Stmt]:
    return {name: it for name, it in inspect.getmembers(module) if isinstance(it, Stmt)}


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_statement_compiles_for_every_database(module: ModuleType, dialect: DialectName) -> None:
    for name, stmt in constants(module).items():
        compiled = stmt.compiled(dialect)
        assert compiled is stmt.compiled(dialect), name
        assert "POSTCOMPILE" not in compiled.sql, name
        assert ":" not in compiled.sql.replace("::", ""), name


def test_there_are_statements_to_test() -> None:
    assert sum(len(constants(module)) for module in MODULES) > 50


@pytest.mark.parametrize("params", [{}, {"valu": 1}, {"value": 1, "more": 2}])
async def test_a_missing_or_unknown_parameter_is_refused(store: Store, params: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="parameter"):
        await store.read(lambda conn: conn.fetch(ONE, **params))

    assert await store.read(lambda conn: conn.fetch(ONE, value=7)) == [{"value": 7}]


async def test_rows_travel_in_one_parameter(store: Store) -> None:
    rows: list[Row] = [
        {"id": "000000000000z", "text": "a"},
        {"id": "0000000000010", "text": None},
        {"id": None, "text": "é\"'\\"},
    ]
    packed = pack_rows({"id": Id(), "text": Words()}, rows)

    async def read(conn: Conn) -> list[tuple[object, ...]]:
        return [tuple(row.values()) for row in await conn.fetch(READ_ROWS, rows=packed)]

    assert await store.read(read) == [(31, "a"), (32, None), (None, "é\"'\\")]


async def test_no_row_is_none(store: Store) -> None:
    empty = Stmt(sa.select(sa.literal_column("1").label("one")).where(sa.literal_column("1 = 2")))

    assert await store.read(lambda conn: conn.fetch_one(empty)) is None
    assert await store.read(lambda conn: conn.fetch_value(empty)) is None
