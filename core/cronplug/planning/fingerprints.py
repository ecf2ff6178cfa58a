"""Which failures are the same one: their messages, without what differs from one time to the next."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

_LONGEST = 500
_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_HEX = re.compile(r"\b(?:0[xX][0-9a-fA-F]+|(?=[0-9a-fA-F]*[0-9])(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,})\b")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Failure:
    """An execution that did not succeed, and why."""

    execution_id: str
    reason: str | None
    message: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorGroup:
    """Failures that are taken for the same one; `message` is what they have in common, `last_message` the newest one's."""

    fingerprint: str
    message: str
    last_message: str
    reason: str | None
    count: int
    first_at: datetime
    last_at: datetime
    last_execution_id: str


def normalise(message: str) -> str:
    """The line of a message that says what happened, without numbers and identifiers.

    >>> normalise("connection to db-3.internal:5432 timed out after 30.5 s")
    'connection to db-<n>.internal:<n> timed out after <n> s'
    >>> normalise("no row 0f8fad5b-d9cb-469f-a165-70867728950e at 0x7f3a, commit 9fceb02d")
    'no row <id> at <hex>, commit <hex>'
    """
    text = _NUMBER.sub("<n>", _HEX.sub("<hex>", _UUID.sub("<id>", telling_line(message))))
    return _SPACES.sub(" ", text).strip()


def telling_line(message: str) -> str:
    """The first line of a message, of a traceback the last one; cut at 500 characters.

    >>> telling_line("Traceback (most recent call last):\\n  File ...\\nValueError: no\\n")
    'ValueError: no'
    """
    text = message.strip()
    # Only that line is looked at: there may be thousands of messages with thousands of lines.
    line = text[text.rfind("\n") + 1 :] if text.startswith("Traceback") else text.partition("\n")[0]
    return line[:_LONGEST].strip()


def group_failures(failures: Iterable[Failure], *, most: int) -> Sequence[ErrorGroup]:
    """The failures, the newest first, put together: the most frequent first, then the newest, at most `most` groups."""
    groups: dict[tuple[str | None, str], list[Failure]] = {}
    for failure in failures:
        groups.setdefault((failure.reason, normalise(failure.message or "")), []).append(failure)
    told = [
        ErrorGroup(
            fingerprint=hashlib.sha256(f"{reason}\n{message}".encode("utf-8", "replace")).hexdigest()[:16],
            message=message,
            last_message=telling_line(members[0].message or ""),
            reason=reason,
            count=len(members),
            first_at=min(member.at for member in members),
            last_at=max(member.at for member in members),
            last_execution_id=members[0].execution_id,
        )
        for (reason, message), members in groups.items()
    ]
    told.sort(key=lambda it: it.last_at, reverse=True)
    return sorted(told, key=lambda it: it.count, reverse=True)[:most]
