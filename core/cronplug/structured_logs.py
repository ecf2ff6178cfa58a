"""The server's own log: one line per record on standard error, readable text or JSON.

Facts go into `extra`, not only into the sentence: `log.info("Task created", extra={"task": id})` becomes
`... Task created task=01h...` as text and a member `"task"` as JSON.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime
from typing import Any, Literal, TextIO

from cronplug.clock import from_millis, rfc3339

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["text", "json"]

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_QUIET = ("aiohttp", "aiosqlite", "alembic", "asyncio", "databases", "httpcore", "httpx", "uvicorn.access")
"""Libraries whose lower levels are noise; `databases` and `httpx` would also show values and whole URLs."""
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


def configure_logging(level: Level, format: Format, *, stream: TextIO | None = None) -> None:
    """Send every logger of this process to `stream` (standard error); may be called again.

    `level` holds for cronplug's loggers and uvicorn's; other libraries speak from WARNING on. uvicorn must be started
    with `log_config=None`, or it puts its own handlers in the way.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if format == "json" else TextFormatter())
    root = logging.getLogger()
    for old in tuple(root.handlers):
        if isinstance(old.formatter, TextFormatter | JsonFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in ("cronplug", "uvicorn"):
        logging.getLogger(name).setLevel(_LEVELS[level])
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, _LEVELS[level]))


class TextFormatter(logging.Formatter):
    """`2026-01-01T08:30:00.000Z INFO  cronplug.engine: Stopped drained=3`; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        line = f"{rfc3339(_at(record))} {record.levelname:<7} {record.name}: {_one_line(record.getMessage())}"
        for name, value in _facts(record).items():
            line += f" {name}={_word(value)}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        if record.stack_info:
            line += "\n" + self.formatStack(record.stack_info)
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, then the record's own facts, and `exception`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        told: dict[str, Any] = {
            "time": rfc3339(_at(record)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in _facts(record).items():
            told.setdefault(name, value)
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            told["stack"] = self.formatStack(record.stack_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def _at(record: logging.LogRecord) -> datetime:
    return from_millis(int(record.created * 1000))


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}


def _one_line(text: str) -> str:
    # A message may quote what a stranger sent: it must not be able to forge a line of its own.
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _word(value: object) -> str:
    text = _one_line(str(value))
    return text if text and " " not in text and '"' not in text else json.dumps(text, ensure_ascii=False)
