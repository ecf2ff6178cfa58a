"""Messages between the core and its workers: four bytes of length, then JSON, on a private socket.

Only names and JSON cross the border, never pickles, so that neither side runs what the other sends.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_LENGTH = struct.Struct(">I")
MAX_FRAME_BYTES = 8 * 1024 * 1024


class BrokenFrame(Exception):
    """The other side does not keep to the protocol."""


def encode_frame(body: bytes) -> bytes:
    """`body` with its length before it.

    >>> encode_frame(b"{}")
    b'\\x00\\x00\\x00\\x02{}'
    """
    return _LENGTH.pack(len(body)) + body


class FrameReader:
    """Cuts a stream of bytes, in whatever pieces it comes, into the bodies of frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bodies that are complete now; raises BrokenFrame for one longer than 8 MiB."""
        buffer = self._buffer
        buffer += data
        start, available = 0, len(buffer)
        try:
            while available - start >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(buffer, start)
                if length > MAX_FRAME_BYTES:
                    raise BrokenFrame(f"a frame of {length} bytes")
                end = start + _LENGTH.size + length
                if end > available:
                    break
                body = bytes(buffer[start + _LENGTH.size : end])
                start = end
                yield body
        finally:
            del buffer[:start]
