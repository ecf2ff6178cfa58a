"""From the bytes and texts that functions write to lines, without ever holding more than one long line."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator

MAX_LINE_LENGTH = 8 * 1024


class LineSplitter:
    """Cuts text into lines; what is longer than 8 KiB becomes several. `finish` gives the last, unended one."""

    def __init__(self, emit: Callable[[str], None]) -> None:
        self._emit = emit
        self._partial = ""

    def feed(self, text: str) -> None:
        """Take the next piece and emit every line it ends."""
        *ended, self._partial = (self._partial + text).split("\n")
        for line in ended:
            self._emit_cut(line.removesuffix("\r"))
        if len(self._partial) > MAX_LINE_LENGTH:
            whole = len(self._partial) // MAX_LINE_LENGTH * MAX_LINE_LENGTH
            self._emit_cut(self._partial[:whole])
            self._partial = self._partial[whole:]

    def finish(self) -> None:
        """Emit what was not ended by a line end."""
        if self._partial:
            partial, self._partial = self._partial, ""
            self._emit_cut(partial.removesuffix("\r"))

    def _emit_cut(self, line: str) -> None:
        if len(line) <= MAX_LINE_LENGTH:
            self._emit(line)
        else:
            for piece in _pieces(line):
                self._emit(piece)


def cut_lines(text: str) -> Iterator[str]:
    """The lines of a whole text, none longer than 8 KiB.

    >>> list(cut_lines("a\\n\\nb"))
    ['a', '', 'b']
    """
    for line in text.split("\n"):
        yield from _pieces(line)


def _pieces(line: str) -> Iterator[str]:
    return (line[start : start + MAX_LINE_LENGTH] for start in range(0, len(line) or 1, MAX_LINE_LENGTH))


class MarkedBytes:
    """Decodes what comes through a pipe and finds the marks that end the output of runs.

    A mark is a NUL, `token`, a colon, the run's number and a line end. It may come in pieces: bytes that could be its
    beginning wait for the next ones. `emit` gets each text and, where a mark follows it at once, that run's number.
    """

    def __init__(self, token: str, emit: Callable[[str, int | None], None], on_mark: Callable[[int], None]) -> None:
        self._mark = re.compile(b"\0" + token.encode() + rb":(\d{1,15})\n")
        self._longest = len(token) + 18
        self._emit = emit
        self._on_mark = on_mark
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        data = self._held + data
        start = 0
        for mark in self._mark.finditer(data):
            run = int(mark[1])
            self._write(data[start : mark.start()], run, final=True)
            self._on_mark(run)
            start = mark.end()
        end = data.find(b"\0", max(start, len(data) - self._longest))
        self._held = b"" if end < 0 else data[end:]
        self._write(data[start:] if end < 0 else data[start:end])

    def finish(self) -> None:
        """The pipe is closed: nothing is held back any longer."""
        held, self._held = self._held, b""
        self._write(held, final=True)

    def _write(self, data: bytes, run: int | None = None, *, final: bool = False) -> None:
        if text := self._decoder.decode(data, final):
            self._emit(text, run)
