"""Column types: opaque identifiers as 63-bit integers, instants as epoch milliseconds, JSON as text.

How they come out of the database again is written in `cronplug.store.statements`.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator, TypeEngine

from cronplug.clock import to_millis
from cronplug.ids import decode_id
from cronplug.model import Json


class Id(TypeDecorator[str]):
    """An identifier of `cronplug.ids`. A text that is not one binds -1, which no row has: it finds nothing."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        """INTEGER on SQLite, where only that makes a primary key the order of the table on disk."""
        return sa.Integer() if dialect.name == "sqlite" else sa.BigInteger()

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> int | None:
        """The number to store."""
        return None if value is None else decode_id(value)


class Instant(TypeDecorator[datetime]):
    """An aware datetime as milliseconds since 1970-01-01T00:00Z: `databases` loses zones on SQLite."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        """The milliseconds to store."""
        return None if value is None else to_millis(value)


class JsonText(TypeDecorator[Json]):
    """A JSON value as plain text, the same on every database. NULL is None, and so is JSON's null."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Json, dialect: sa.Dialect) -> str | None:
        """The text to store."""
        return None if value is None else dump_json(value)


class Words(TypeDecorator[str]):
    """Text for people. What no database can keep (U+0000, lone surrogates) becomes U+FFFD."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        """The text to store."""
        return None if value is None else storable(str(value))


def dump_json(value: Json) -> str:
    """JSON as ASCII text. Raises ValueError for what is not JSON (NaN, infinity), TypeError for other objects."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def at_most(number: int) -> int:
    """`number`, or the largest integer a database takes; for limits and offsets that people may name."""
    return min(number, (1 << 63) - 1)


def storable(text: str) -> str:
    """`text` with U+FFFD where it has characters that PostgreSQL and UTF-8 do not know.

    >>> storable("a\\x00b")
    'a\\ufffdb'
    """
    if text.isascii():
        return text.replace("\x00", "\ufffd") if "\x00" in text else text
    cleaned = text.replace("\x00", "\ufffd")
    try:
        cleaned.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in cleaned)
    return cleaned
