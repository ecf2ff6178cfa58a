"""Identifiers that sort by time: 63-bit integers in the database, short opaque text everywhere else.

Layout, high to low: 41 bits milliseconds since 2020-01-01, 7 bits node number, 15 bits counter. An integer primary
key keeps a table of executions in time order on disk, so "the newest" needs no second index.
The text is 13 characters of Crockford's base 32 in lower case and sorts like the number.
"""

from __future__ import annotations

import random
import threading
from datetime import datetime

from cronplug.clock import from_millis, to_millis

_EPOCH_MILLIS = 1_577_836_800_000
_NODE_BITS = 7
_COUNTER_BITS = 15
_LOW_BITS = _NODE_BITS + _COUNTER_BITS
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_VALUES = {text: value for texts in (_ALPHABET, _PAIRS) for value, text in enumerate(texts)}
_LENGTH = 13
_MAX = (1 << 63) - 1
MAX_NODE_NUMBER = (1 << _NODE_BITS) - 1


_FIRST_COUNTER_BITS = _COUNTER_BITS - 1


class IdGenerator:
    """Makes identifiers that rise strictly within a process and never meet those of another node number.

    The counter begins each millisecond at a random place, so that two nodes which happened to take the same number
    hardly ever make the same identifier. Any thread may ask.
    """

    def __init__(self, node_number: int = 0) -> None:
        if not 0 <= node_number <= MAX_NODE_NUMBER:
            raise ValueError(f"node number {node_number} is not in 0..{MAX_NODE_NUMBER}")
        self._node = node_number << _COUNTER_BITS
        self._millis = 0
        self._counter = 0
        self._lock = threading.Lock()

    def new(self, now: datetime) -> str:
        """The next identifier. A clock that goes back does not: the last millisecond is used on."""
        millis = to_millis(now) - _EPOCH_MILLIS
        with self._lock:
            if millis > self._millis:
                self._millis, self._counter = millis, random.getrandbits(_FIRST_COUNTER_BITS)
            elif self._counter + 1 < 1 << _COUNTER_BITS:
                self._counter += 1
            else:
                self._millis, self._counter = self._millis + 1, 0
            number = self._millis << _LOW_BITS | self._node | self._counter
        return encode_id(number)


def encode_id(number: int) -> str:
    """The text of an identifier.

    >>> encode_id(0)
    '0000000000000'
    """
    pairs = _PAIRS
    return (
        _ALPHABET[number >> 60 & 31]
        + pairs[number >> 50 & 1023]
        + pairs[number >> 40 & 1023]
        + pairs[number >> 30 & 1023]
        + pairs[number >> 20 & 1023]
        + pairs[number >> 10 & 1023]
        + pairs[number & 1023]
    )


def decode_id(text: str) -> int:
    """The number of an identifier, or -1 (which no row has) when `text` is not one.

    >>> decode_id(encode_id(12345))
    12345
    >>> decode_id("not an id")
    -1
    """
    if len(text) != _LENGTH:
        return -1
    values = _VALUES
    try:
        number = (
            values[text[0]] << 60
            | values[text[1:3]] << 50
            | values[text[3:5]] << 40
            | values[text[5:7]] << 30
            | values[text[7:9]] << 20
            | values[text[9:11]] << 10
            | values[text[11:]]
        )
    except KeyError:
        return -1
    return number if number <= _MAX else -1


def first_id_at(at: datetime) -> int:
    """The smallest number an identifier made at `at` can have: turns a time range into a key range.

    Before the first or after the last possible identifier (in 2089), that one.
    """
    return min(max(0, (to_millis(at) - _EPOCH_MILLIS) << _LOW_BITS), _MAX)


def time_of_id(text: str) -> datetime:
    """The instant, to the millisecond, at which an identifier was made."""
    return from_millis((decode_id(text) >> _LOW_BITS) + _EPOCH_MILLIS)
