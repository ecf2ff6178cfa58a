"""What functions print and log, sent to the core line by line under the run that wrote it.

A context variable says which run that is, so that many can share a worker; where it is not set (a thread of the
plugin's own), the only run there is, or else none: the core then writes it to its own log.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Literal, cast

from cronplug.worker.channel import Channel

StreamName = Literal["stdout", "stderr"]
_CHUNK = 16 * 1024
_MAX_CHARACTERS = 64 * 1024 * 1024
_FORMAT = logging.Formatter()


class RunOutput:
    """The output of one run (None: of none). Past 64 Mi characters nothing more is sent: no reader keeps as much."""

    def __init__(self, channel: Channel, run: int | None) -> None:
        self._channel = channel
        self.run = run
        self._pending: dict[StreamName, str] = {"stdout": "", "stderr": ""}
        self._characters = 0

    def write(self, stream: StreamName, text: str) -> None:
        """Send whole lines at once, keep the rest until its line ends, it grows long or is flushed."""
        pending = self._pending[stream] + text
        cut = pending.rfind("\n") + 1 or (len(pending) if len(pending) >= _CHUNK else 0)
        self._pending[stream] = pending[cut:]
        if cut:
            self._send(stream, pending[:cut])

    def flush(self, stream: StreamName) -> None:
        """Send what waits for its line end."""
        if pending := self._pending[stream]:
            self._pending[stream] = ""
            self._send(stream, pending)

    def log(self, level: str, created: float, text: str) -> None:
        """Send a log record, which may have several lines."""
        self._characters += len(text)
        if self._characters <= _MAX_CHARACTERS:
            for start in range(0, len(text) or 1, _CHUNK * 8):
                self._channel.send(
                    {
                        "kind": "log",
                        "run": self.run,
                        "level": level,
                        "at": int(created * 1000),
                        "text": text[start : start + _CHUNK * 8],
                    }
                )

    def progress(self, fraction: float, note: str) -> None:
        """Send how far the run is."""
        self._channel.send({"kind": "progress", "run": self.run, "fraction": fraction, "note": note})

    def _send(self, stream: StreamName, text: str) -> None:
        self._characters += len(text)
        if self._characters > _MAX_CHARACTERS:
            return
        for start in range(0, len(text), _CHUNK):
            self._channel.send(
                {"kind": "text", "run": self.run, "stream": stream, "text": text[start : start + _CHUNK]}
            )


class Outputs:
    """Knows whose output is whose."""

    def __init__(self, channel: Channel) -> None:
        self.current: ContextVar[RunOutput | None] = ContextVar("run_output", default=None)
        self.open: set[RunOutput] = set()
        self._unattributed = RunOutput(channel, None)

    def here(self) -> RunOutput:
        """The output of the run that is executing now."""
        current = self.current.get()
        if current is not None:
            return current
        if len(self.open) == 1:
            return next(iter(self.open))
        return self._unattributed


class RunStream(io.TextIOBase):
    """Stands for sys.stdout or sys.stderr. `fileno` and `buffer` lead to the real descriptor, captured as well."""

    def __init__(self, outputs: Outputs, stream: StreamName, descriptor: int) -> None:
        super().__init__()
        self._outputs = outputs
        self._stream = stream
        self._descriptor = descriptor
        self.buffer = io.FileIO(descriptor, "w", closefd=False)

    @property
    def name(self) -> str:
        """As of the real stream."""
        return f"<{self._stream}>"

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Always UTF-8."""
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """Nothing written here can fail to be encoded."""
        return "replace"

    def write(self, text: str) -> int:
        """Send `text` under the present run."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._outputs.here().write(self._stream, text)
        return len(text)

    def flush(self) -> None:
        """Send an unended line too."""
        self._outputs.here().flush(self._stream)

    def writable(self) -> bool:
        """Yes."""
        return True

    def isatty(self) -> bool:
        """No."""
        return False

    def fileno(self) -> int:
        """The real descriptor, for children's output."""
        return self._descriptor

    def reconfigure(self, **_: Any) -> None:
        """There is nothing to configure."""

    def close(self) -> None:
        """A function must not close it for the ones after it."""


class RunLogHandler(logging.Handler):
    """Sends log records; `output` says to which run."""

    def __init__(self, output: Callable[[], RunOutput], *, with_name: bool) -> None:
        super().__init__()
        self._output = output
        self._with_name = with_name

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record; a record that cannot be formatted is told on stderr, as logging does."""
        try:
            text = record.getMessage()
            if self._with_name and record.name != "root":
                text = f"{record.name}: {text}"
            if record.exc_info:
                text += "\n" + _FORMAT.formatException(record.exc_info)
        except Exception:  # noqa: BLE001 - the message and its arguments are the plugin's
            self.handleError(record)
            return
        self._output().log(record.levelname.lower(), record.created, text)


def make_run_logger(name: str, output: RunOutput) -> logging.Logger:
    """The logger of one run's `ctx.log`: no other run, and no configuration of a plugin, can take its lines."""
    log = logging.Logger(name, logging.DEBUG)
    log.addHandler(RunLogHandler(lambda: output, with_name=False))
    return log


def plain_stream(descriptor: int) -> io.TextIOWrapper:
    """An ordinary text stream on a descriptor: what a forked child of a function writes to."""
    raw = cast("io.RawIOBase", io.FileIO(descriptor, "w", closefd=False))
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="replace", line_buffering=True)


class Descriptors:
    """The pipes behind descriptors 1 and 2, kept safe from functions that close or redirect them."""

    def __init__(self) -> None:
        import fcntl

        self.saved = {number: fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 200) for number in (1, 2)}

    def restore(self) -> None:
        """Lead 1 and 2 to the pipes again, whatever was done to them."""
        for number, saved in self.saved.items():
            os.dup2(saved, number)

    def mark(self, mark: bytes) -> None:
        """Write the mark that ends a run's output, on both."""
        for saved in self.saved.values():
            os.write(saved, mark)
