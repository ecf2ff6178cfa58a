"""What came of a function in a test: plain values to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NamedTuple

from cronplug.sdk.keeping import Artifact

RanStatus = Literal["success", "failed", "timed_out", "cancelled"]


class Line(NamedTuple):
    """One line of output. `stream` is stdout, stderr or log; `level` is for log lines, such as `warning`."""

    stream: str
    text: str
    level: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Ran:
    """What an attempt came to, as the platform would record it.

    `reason` is the platform's code for it. `result` is what the function returned, as JSON, even where the platform
    would drop it because it was cancelled. `error` is the exception it raised, None when it ran in a worker.
    `permanent` and `retry_after_seconds` are what PermanentError and RetryLater asked for; `warnings` is what the
    platform would write into the log about the result. `lines` is all output in order, `artifacts` the files by name,
    `once` what `ctx.once` has kept by key (give it to a next attempt as `kept`), `seconds` how long it took.
    """

    status: RanStatus
    reason: str
    result: Any = None
    result_summary: str | None = None
    error: BaseException | None = None
    error_message: str | None = None
    permanent: bool = False
    retry_after_seconds: float | None = None
    warnings: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    progress: tuple[tuple[float, str], ...] = ()
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    once: Mapping[str, Any] = field(default_factory=dict)
    worker: str | None = None
    seconds: float = 0.0

    @property
    def success(self) -> bool:
        """Whether it ended well."""
        return self.status == "success"

    @property
    def log(self) -> tuple[tuple[str, str], ...]:
        """The (level, text) of what it logged.

        >>> Ran(status="success", reason="completed", lines=(Line("log", "done", "info"), Line("stdout", "hi"))).log
        (('info', 'done'),)
        """
        return tuple((line.level or "info", line.text) for line in self.lines if line.stream == "log")

    @property
    def printed(self) -> tuple[str, ...]:
        """The lines on standard output."""
        return tuple(line.text for line in self.lines if line.stream == "stdout")

    def __repr__(self) -> str:
        """What is worth reading: fields with something in them.

        >>> Ran(status="failed", reason="error", error_message="ValueError: no")
        Ran(status='failed', reason='error', error_message='ValueError: no')
        """
        told = [(field.name, getattr(self, field.name)) for field in fields(self) if field.name != "seconds"]
        return f"Ran({', '.join(f'{name}={value!r}' for name, value in told if value not in (None, (), {}, False))})"
