"""Errors a function raises to say what should happen next; every other exception is a plain failure."""

from __future__ import annotations

import math


class PermanentError(Exception):
    """The function failed and trying again would not help: no retry follows, whatever the task allows."""


class RetryLater(Exception):
    """The function failed for now; its next attempt, if the task has one left, starts after `seconds`."""

    def __init__(self, seconds: float, message: str = "") -> None:
        if not math.isfinite(seconds) or seconds < 0:
            raise ValueError(f"seconds must be zero or more, not {seconds}")
        super().__init__(message or f"to be tried again in {seconds:g} s")
        self.seconds = float(seconds)


class AddressRefused(OSError):
    """Outgoing requests may not go to this address; the text says which setting to change.

    `ctx.http` raises it as the cause of an `httpx.ConnectError`. No retry follows: the rules do not change by themselves.
    """


class Interrupted(BaseException):
    """Raised inside a sync function when its time is up or it was cancelled, so that its `finally` blocks run.

    Not an Exception: `except Exception` lets it pass, as it does KeyboardInterrupt.
    """
