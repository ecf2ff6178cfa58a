"""The server's own log lines."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from cronplug.structured_logs import Format, JsonFormatter, TextFormatter, configure_logging

LOG = logging.getLogger("cronplug.tests")


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    names = [None, "cronplug", "uvicorn", "uvicorn.access", "databases", "httpx"]
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    root = logging.getLogger()
    for handler in tuple(root.handlers):
        if isinstance(handler.formatter, TextFormatter | JsonFormatter):
            root.removeHandler(handler)


def configured(format: Format) -> io.StringIO:
    stream = io.StringIO()
    configure_logging("info", format, stream=stream)
    return stream


def test_a_text_line_reads_time_level_logger_message_and_facts() -> None:
    stream = configured("text")

    LOG.warning("Task %s is late", "report", extra={"task": "t1", "note": "two words"})

    time, rest = stream.getvalue().split(" ", 1)
    assert len(time) == len("2026-01-01T08:30:00.000Z")
    assert rest == 'WARNING cronplug.tests: Task report is late task=t1 note="two words"\n'


def test_a_message_cannot_forge_a_second_line() -> None:
    stream = configured("text")

    LOG.info("name: %s", "x\n2026-01-01T00:00:00.000Z ERROR forged\x1b[31m", extra={"who": "a\nb"})

    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


def test_a_json_line_is_one_object_with_facts_and_exception() -> None:
    stream = configured("json")

    try:
        raise ValueError("bad")
    except ValueError:
        LOG.exception("Step failed", extra={"step": "plan", "level": "not this", "odd": object})

    line = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert line["level"] == "error"
    assert line["logger"] == "cronplug.tests"
    assert line["message"] == "Step failed"
    assert line["step"] == "plan"
    assert line["exception"].endswith("ValueError: bad")


def test_libraries_are_quiet_and_uvicorn_speaks() -> None:
    stream = configured("text")

    logging.getLogger("databases").info("Query: secret")
    logging.getLogger("httpx").info("HTTP Request: secret")
    logging.getLogger("uvicorn.access").info("secret")
    logging.getLogger("uvicorn.error").info("started", extra={"color_message": "started"})

    assert "secret" not in stream.getvalue()
    assert stream.getvalue().endswith("uvicorn.error: started\n")


def test_configuring_twice_writes_each_line_once() -> None:
    first, second = configured("text"), configured("json")

    LOG.info("once")

    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1
