"""Statements as constants: written in SQLAlchemy Core, compiled once per database, run without `databases`' query layer.

`databases` compiles every statement anew, makes three thread hops for one on SQLite, and answers an UPDATE with the
last inserted row id; so statements go straight to the driver, and RETURNING tells who won.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import dialect as AsyncpgDialect
from sqlalchemy.dialects.sqlite.pysqlite import dialect as SqliteDialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from cronplug.clock import from_millis, to_millis
from cronplug.ids import decode_id, encode_id
from cronplug.store.columns import Id, Instant, JsonText, dump_json, storable

DialectName = Literal["sqlite", "postgresql"]
Row = dict[str, Any]
Statement = sa.SelectBase | sa.UpdateBase
Processor = Callable[[Any], Any] | None

_DIALECTS: Mapping[DialectName, sa.Dialect] = {
    "sqlite": SqliteDialect(paramstyle="qmark"),
    "postgresql": AsyncpgDialect(paramstyle="numeric_dollar"),  # type: ignore[no-untyped-call]
}


_READERS: Mapping[type[Any], Callable[[Any], Any]] = {
    Id: encode_id,
    Instant: from_millis,
    JsonText: json.loads,
    sa.Boolean: bool,  # SQLite has 0 and 1
}
"""How values that are not NULL come out; the drivers give those of all other types as they are."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """The text of a statement in one database's words, and how values go in and rows come out."""

    sql: str
    binds: tuple[tuple[str, Processor], ...]
    defaults: Mapping[str, Any]
    names: tuple[str, ...]
    readers: tuple[Processor, ...]

    def arguments(self, params: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the text's places. Raises TypeError for an unknown or missing parameter."""
        arguments = []
        used = 0
        for name, processor in self.binds:
            if name in params:
                value = params[name]
                used += 1
            elif name in self.defaults:
                value = self.defaults[name]
            else:
                raise TypeError(f"the statement's parameter {name!r} is missing")
            arguments.append(processor(value) if processor is not None else value)
        if used < len(params) and (unknown := params.keys() - {name for name, _ in self.binds}):
            raise TypeError(f"the statement has no parameter {', '.join(sorted(unknown))}")
        return arguments

    def rows(self, raw: Iterable[Sequence[Any]]) -> list[Row]:
        """What the driver gave, by column name, in Python's types."""
        names, readers = self.names, self.readers
        if not any(readers):
            return [dict(zip(names, values, strict=True)) for values in raw]
        return [
            {
                name: value if reader is None or value is None else reader(value)
                for name, reader, value in zip(names, readers, values, strict=True)
            }
            for values in raw
        ]


class Stmt:
    """One statement. Every value that varies is a `bindparam`; lists are `JsonRows`, never an expanding IN.

    Where the databases have no common words, `postgresql` is the second wording.
    """

    def __init__(self, statement: Statement, *, postgresql: Statement | None = None) -> None:
        self._statements: dict[DialectName, Statement] = {
            "sqlite": statement,
            "postgresql": statement if postgresql is None else postgresql,
        }
        self._compiled: dict[DialectName, Compiled] = {}

    def compiled(self, dialect: DialectName) -> Compiled:
        """The statement in the words of `dialect`; made at the first use."""
        compiled = self._compiled.get(dialect)
        if compiled is None:
            compiled = self._compiled[dialect] = _compile(self._statements[dialect], _DIALECTS[dialect])
        return compiled


def _compile(statement: Statement, dialect: sa.Dialect) -> Compiled:
    compiler = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    assert isinstance(compiler, SQLCompiler)
    names: Sequence[str] = compiler.positiontup or ()
    columns = [(str(column.name), column.type) for column in statement.exported_columns]
    return Compiled(
        sql=compiler.string,
        # Where a name is used twice, `$n` has one place and `?` has two.
        binds=tuple((name, compiler.binds[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names),
        defaults={name: compiler.binds[name].value for name in names if not compiler.binds[name].required},
        names=tuple(name for name, _ in columns),
        readers=tuple(_READERS.get(type(type_)) for _, type_ in columns),
    )


# -- many rows in one statement --------------------------------------------------------------------------------------


class _JsonElements(FunctionElement[Any]):
    """The elements of a JSON array as rows of one column `value`."""

    inherit_cache = True


class _JsonTexts(FunctionElement[Any]):
    """The elements of a JSON array of plain values as rows of one column `value`."""

    inherit_cache = True


class _JsonField(FunctionElement[Any]):
    """One member of a JSON object."""

    inherit_cache = True


@compiles(_JsonElements, "sqlite")
@compiles(_JsonTexts, "sqlite")
def _each_in_sqlite(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_JsonElements, "postgresql")
def _elements_in_postgresql(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    return f"jsonb_array_elements(CAST({compiler.process(element.clauses, **kw)} AS JSONB))"


@compiles(_JsonTexts, "postgresql")
def _texts_in_postgresql(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    return f"jsonb_array_elements_text(CAST({compiler.process(element.clauses, **kw)} AS JSONB))"


@compiles(_JsonField, "sqlite")
def _field_in_sqlite(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    value, name = element.clauses
    return f"json_extract({compiler.process(value, **kw)}, '$.{name.description}')"


@compiles(_JsonField, "postgresql")
def _field_in_postgresql(element: FunctionElement[Any], compiler: SQLCompiler, **kw: Any) -> str:
    value, name = element.clauses
    return f"({compiler.process(value, **kw)} ->> '{name.description}')"


class JsonRows:
    """A parameter that holds many rows, read as a table: one statement then serves them all.

    Filled by `pack_rows`. `rows["id"]` is the member `id` of each row, in the type of `columns["id"]`.
    """

    def __init__(self, parameter: str, columns: Mapping[str, TypeEngine[Any]]) -> None:
        elements = _JsonElements(sa.bindparam(parameter, type_=sa.Text()))
        self.table = elements.table_valued(sa.column("value", sa.Text())).alias(f"given_{parameter}")
        self._columns = columns

    def __getitem__(self, name: str) -> sa.ColumnElement[Any]:
        storage = _storage_type(self._columns[name])
        return sa.cast(_JsonField(self.table.c.value, sa.literal_column(name)), storage)


def given_ids(parameter: str) -> sa.Select[Any]:
    """A parameter that holds many identifiers (filled by `pack_ids`), as a subquery for IN."""
    table = _JsonTexts(sa.bindparam(parameter, type_=sa.Text())).table_valued(sa.column("value", sa.Text()))
    return sa.select(sa.cast(table.c.value, sa.BigInteger()))


def in_order(id_: sa.Column[Any], *conditions: sa.ColumnElement[bool] | sa.TextClause) -> sa.ColumnElement[bool]:
    """The condition by which a statement of PostgreSQL locks the rows that it may change, by rising id, before it does.

    Without it the plan decides which is locked first, and two such statements may wait for each other's rows.
    """
    held = sa.select(id_).where(*conditions).order_by(id_).with_for_update(key_share=True).correlate(None).cte("held")
    return id_.in_(sa.select(held.c.id))


def given_texts(parameter: str) -> sa.Select[Any]:
    """A parameter that holds many texts (filled by `pack_texts`), as a subquery for IN."""
    table = _JsonTexts(sa.bindparam(parameter, type_=sa.Text())).table_valued(sa.column("value", sa.Text()))
    return sa.select(sa.cast(table.c.value, sa.Text()))


def _storage_type(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """What a packed value is in the database: identifiers and instants were made integers, JSON text, before."""
    if isinstance(type_, Id | Instant):
        return sa.BigInteger()
    if isinstance(type_, sa.Integer | sa.Boolean | sa.Double):
        return type_
    return sa.Text()


def pack_rows(columns: Mapping[str, TypeEngine[Any]], rows: Iterable[Mapping[str, Any]]) -> str:
    """The value of a `JsonRows` parameter. Raises ValueError for an identifier that is none."""
    packers = _packers(columns)
    return _dump_rows([_packed([row[name] for name, _ in packers], packers) for row in rows])


def pack_objects(columns: Mapping[str, TypeEngine[Any]], objects: Iterable[Any]) -> str:
    """As `pack_rows`, of objects that have the columns as attributes."""
    packers = _packers(columns)
    values_of = operator.attrgetter(*columns)
    return _dump_rows([_packed(values_of(it), packers) for it in objects])


Packers = Sequence[tuple[str, Processor]]


def _packers(columns: Mapping[str, TypeEngine[Any]]) -> Packers:
    return [(name, _packer(type_)) for name, type_ in columns.items()]


def _packed(values: Iterable[Any], packers: Packers) -> Row:
    """What is not there reads as NULL, so that is left out."""
    return {
        name: value if packer is None else packer(value)
        for value, (name, packer) in zip(values, packers, strict=True)
        if value is not None
    }


def _dump_rows(packed: list[Row]) -> str:
    try:
        data = orjson.dumps(packed)
    except TypeError:  # a lone surrogate
        data = b"\\u0000"
    if b"\\u0000" in data:
        clean = [{k: storable(v) if isinstance(v, str) else v for k, v in row.items()} for row in packed]
        data = orjson.dumps(clean)
    return data.decode()


def pack_ids(ids: Iterable[str]) -> str:
    """The value of a `given_ids` parameter; texts that are no identifiers find nothing."""
    return orjson.dumps([decode_id(id_) for id_ in ids]).decode()


def pack_texts(texts: Iterable[str]) -> str:
    """The value of a `given_texts` parameter."""
    return orjson.dumps([storable(str(text)) for text in texts]).decode()


def _packer(type_: TypeEngine[Any]) -> Processor:
    if isinstance(type_, Id):
        return known_id
    if isinstance(type_, Instant):
        return to_millis
    if isinstance(type_, JsonText):
        return dump_json
    if isinstance(type_, sa.Boolean):
        return int
    if isinstance(type_, sa.Integer | sa.Double):
        return None
    return str


def known_id(text: str) -> int:
    """The number of an identifier that is to be stored. Raises ValueError when it is none."""
    number = decode_id(text)
    if number < 0:
        raise ValueError(f"{text!r} is not an identifier")
    return number


def column_types(table: sa.Table) -> dict[str, TypeEngine[Any]]:
    """The types of a table's columns, by name."""
    return {str(column.name): column.type for column in table.columns}
