"""How schedules' previews look from outside."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints

from cronplug import model, schedules
from cronplug.api.fields import QUERY_WHOLE, WHOLE, Answer, Body, Instant, InstantIn, Query


class PreviewRequest(Body):
    """A schedule to look at."""

    cron_expression: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    timezone: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = Field(
        None, description="An IANA zone; default SCHEDULER_DEFAULT_TIMEZONE."
    )
    count: Annotated[int, Field(ge=1, le=100), WHOLE] = 5
    after: InstantIn | None = Field(None, description="Fire times strictly after this instant; default now.")


class ForecastQuery(Query):
    """How many fire times."""

    count: Annotated[int, Field(ge=1, le=100), QUERY_WHOLE] = 5


class Occurrence(Answer):
    """One coming fire time."""

    at: Instant
    local: str = Field(description="The local time in the schedule's zone, without offset.")
    offset: str = Field(description="The zone's offset then, like +02:00.")
    note: str | None = Field(description="What a clock change does to it.")


class SchedulePart(Answer):
    """One field of an expression in words."""

    name: str
    text: str


class Preview(Answer):
    """What a schedule means. A schedule that ends gives fewer fire times than asked for."""

    description: str
    next_runs: list[Instant]
    occurrences: list[Occurrence]
    runs_per_day: float
    warnings: list[str]
    parts: list[SchedulePart]
    timezone: str
    tzdata_version: str

    @classmethod
    def of(cls, preview: schedules.Preview) -> Self:
        """The preview as it is answered."""
        return cls(
            description=preview.description,
            next_runs=[occurrence.at for occurrence in preview.occurrences],
            occurrences=[
                Occurrence(at=found.at, local=found.local, offset=found.offset, note=found.note)
                for found in preview.occurrences
            ],
            runs_per_day=preview.runs_per_day,
            warnings=[warning.message for warning in preview.warnings],
            parts=[SchedulePart(name=part.name, text=part.text) for part in preview.parts],
            timezone=preview.timezone,
            tzdata_version=preview.tzdata_version,
        )

    @classmethod
    def of_nothing(cls, definition: model.TaskDefinition) -> Self:
        """The forecast of a task that has no coming fire times."""
        return cls(
            description="Disabled: no fire times" if definition.schedules else "Runs only when triggered",
            next_runs=[],
            occurrences=[],
            runs_per_day=0.0,
            warnings=[],
            parts=[],
            timezone=definition.timezone,
            tzdata_version=schedules.tzdata_version(),
        )
