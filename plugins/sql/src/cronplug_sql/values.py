"""A database's values as JSON."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from typing import Any

_MAX_INTEGER = 2**63


def as_json(value: object) -> Any:
    """The JSON value that says the same.

    Instants, dates and times as ISO 8601, intervals in seconds, bytes in hexadecimal. What a JSON number cannot hold
    (decimals, integers beyond 64 bits, infinity) and whatever else a driver gives becomes its text.

    >>> as_json(date(2026, 3, 2)), as_json(b"a"), as_json(timedelta(minutes=1))
    ('2026-03-02', '61', 60.0)
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value) if -_MAX_INTEGER <= value < _MAX_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    return str(value)
