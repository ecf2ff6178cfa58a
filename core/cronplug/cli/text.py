"""Text for people at a terminal: tables, times, and nothing that could steer the terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import click

_COLOUR = re.compile(r"(\x1b\[[0-9;]*m|\t)")


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print aligned columns under their names; the last column is as wide as it needs to be."""
    cells = [[plain("-" if cell in (None, "") else str(cell)) for cell in row] for row in rows]
    table = [[column.upper() for column in columns], *cells]
    widths = [max(len(row[i]) for row in table) for i in range(len(columns))]
    for row in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def show_facts(facts: Sequence[tuple[str, object]]) -> None:
    """Print names and values, one a line, a text of several lines below itself; None and what is empty are left out."""
    told = [(name, value) for name, value in facts if value not in (None, "", [], {})]
    width = max((len(name) for name, _ in told), default=0)
    for name, value in told:
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
        first, *more = text.splitlines() or [""]
        click.echo(f"{name.ljust(width)}  {plain(first)}")
        for line in more:
            click.echo(f"{' ' * width}  {plain(line)}".rstrip())


def show_json(value: Any) -> None:
    """Print a JSON value, indented."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def plain(text: str) -> str:
    """`text` on one line, control characters spelt out."""
    return text if text.isprintable() else "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def coloured(text: str) -> str:
    """`text` on one line with its colours and tabs, every other control character spelt out."""
    return "".join(part if i % 2 else plain(part) for i, part in enumerate(_COLOUR.split(text)))


def time_text(instant: str | None) -> str | None:
    """An instant of the API, `2026-01-01T08:30:00.000Z`, as people read it.

    >>> time_text("2026-01-01T08:30:00.000Z")
    '2026-01-01 08:30:00Z'
    """
    return None if instant is None else f"{instant[:10]} {instant[11:19]}Z"
