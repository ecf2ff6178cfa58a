"""What an HTTP task expects of the answer, and when it should be asked for again."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime
from email.utils import parsedate_to_datetime

STATUS_PATTERN = r"[1-5](?:xx|[0-9]{2}(?:-[1-5][0-9]{2})?)"
"""A status, a class or a range of them: `204`, `2xx`, `200-299`."""


def matches_status(status: int, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns (see `STATUS_PATTERN`) names `status`.

    >>> matches_status(204, ["200", "204-206"]), matches_status(404, ["2xx", "3xx"])
    (True, False)
    """
    return any(_matches(status, pattern) for pattern in patterns)


def retry_after_seconds(value: str | None, *, date: str | None) -> float | None:
    """The delay a `Retry-After` header asks for (RFC 9110, 10.2.3), from 0; None when it says nothing usable.

    A point in time is measured from the answer's own `Date`, so that clocks that differ do no harm.

    >>> retry_after_seconds("120", date=None)
    120.0
    >>> retry_after_seconds("Wed, 21 Oct 2026 07:28:30 GMT", date="Wed, 21 Oct 2026 07:28:00 GMT")
    30.0
    """
    if value is None:
        return None
    if re.fullmatch(r"\s*[0-9]{1,10}\s*", value, re.ASCII):
        return float(value)
    until, since = _read_date(value), _read_date(date)
    if until is None or since is None:
        return None
    return max(math.ceil((until - since).total_seconds()), 0.0)


def _matches(status: int, pattern: str) -> bool:
    if pattern.endswith("xx"):
        return status // 100 == int(pattern[0])
    first, _, last = pattern.partition("-")
    return int(first) <= status <= int(last or first)


def _read_date(text: str | None) -> datetime | None:
    try:
        at = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return None if at.tzinfo is None else at
