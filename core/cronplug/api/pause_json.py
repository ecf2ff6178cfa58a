"""How the pause of every schedule looks from outside."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints

from cronplug import model
from cronplug.api.fields import Answer, Body, Instant, InstantIn


class Pause(Answer):
    """Whether every schedule is paused now."""

    paused: bool
    since: Instant | None
    until: Instant | None = Field(description="null: until somebody resumes.")
    reason: str | None

    @classmethod
    def of(cls, pause: model.Pause | None) -> Self:
        """The pause as it is answered; None when there is none."""
        if pause is None:
            return cls(paused=False, since=None, until=None, reason=None)
        return cls(paused=True, since=pause.since, until=pause.until, reason=pause.reason)


class PauseRequest(Body):
    """How long schedules are to be paused, and why."""

    reason: Annotated[str, StringConstraints(max_length=500)] | None = ""
    until: InstantIn | None = Field(None, description="In the future; null: until somebody resumes.")
