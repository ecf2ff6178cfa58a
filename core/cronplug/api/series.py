"""Figures of the past by hours and days."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field
from quart import Blueprint, Response

from cronplug import operations
from cronplug.api.fields import Answer, Instant, InstantIn, Query, QueryText
from cronplug.api.operation import answer, operation
from cronplug.api.parts import parts
from cronplug.model import Status
from cronplug.planning.tallies import Tally

BucketName = Literal["hour", "day"]

series = Blueprint("series", __name__, url_prefix="/api/scheduler")


class SeriesQuery(Query):
    """Which stretch of the past."""

    from_: InstantIn | None = Field(
        None,
        alias="from",
        description="Rounded down to an hour or day of the zone; default 364 days before `to`, of hours 7. At most 800 buckets.",
    )
    to: InstantIn | None = Field(None, description="Up to before this instant; default now.")
    bucket: BucketName = Field("day", description="Hours are kept for 35 days, days for 400.")


class AllSeriesQuery(SeriesQuery):
    """Which stretch of the past, and of what."""

    function_name: QueryText | None = Field(None, description="Only executions of this function; default all.")


class SeriesBucket(Answer):
    """The ended executions that were queued in one hour or one day."""

    start: Instant
    date: str | None = Field(description="The day, as 2026-11-23; null for hours.")
    success: int
    failed: int = Field(description="Failed and lost ones.")
    timeout: int
    cancelled: int
    skipped: int
    missed: int
    p50_seconds: float | None = Field(
        description="Of the durations of success, failed and timed_out, within 10 %; null without any."
    )
    p95_seconds: float | None
    max_seconds: float | None
    start_delay_p95_seconds: float | None = Field(description="By how much they started later than they could have.")

    @classmethod
    def of(cls, bucket: operations.Bucket) -> Self:
        """The bucket as it is answered."""
        tally = bucket.tally
        return cls(
            start=bucket.start,
            date=None if bucket.day is None else bucket.day.isoformat(),
            success=tally.count(Status.SUCCESS),
            failed=tally.count(Status.FAILED, Status.LOST),
            timeout=tally.count(Status.TIMED_OUT),
            cancelled=tally.count(Status.CANCELLED),
            skipped=tally.count(Status.SKIPPED),
            missed=tally.count(Status.MISSED),
            p50_seconds=tally.duration(0.5),
            p95_seconds=tally.duration(0.95),
            max_seconds=tally.max_seconds,
            start_delay_p95_seconds=tally.delay(0.95),
        )


class Series(Answer):
    """Figures by hours or days, rising; empty ones are left out."""

    bucket: BucketName
    timezone: str = Field(description="The zone of hours and days.")
    from_: Instant = Field(alias="from")
    to: Instant
    items: list[SeriesBucket] = Field(alias="list")

    @classmethod
    def of(cls, told: operations.Series) -> Self:
        """The series as it is answered."""
        return cls(
            bucket=told.bucket,
            timezone=told.timezone,
            from_=told.since,
            to=told.until,
            items=[SeriesBucket.of(bucket) for bucket in told.buckets],
        )


class TaskSeries(Series):
    """Figures of a task by hours or days of its zone, rising; empty ones are left out."""

    task_id: str = ""


class FunctionFigures(Answer):
    """What became of the executions that were queued in the last seven days."""

    ended: int
    failed: int = Field(description="Failed, timed_out and lost ones.")
    p50_seconds: float | None = Field(description="Within 10 %; null without any.")
    p95_seconds: float | None

    @classmethod
    def of(cls, tally: Tally) -> Self:
        """The figures as they are answered."""
        return cls(
            ended=tally.ended,
            failed=tally.failures,
            p50_seconds=tally.duration(0.5),
            p95_seconds=tally.duration(0.95),
        )


@series.get("/tasks/<task_id>/series")
@operation("getTaskSeries", shared=True, tag="tasks", query=SeriesQuery, answers={200: TaskSeries}, problems=(404,))
async def get_task_series(task_id: str, query: SeriesQuery) -> Response:
    """Show how a task did, by hours or days."""
    told = await parts().operations.task_series(task_id, bucket=query.bucket, since=query.from_, until=query.to)
    return answer(TaskSeries.of(told).model_copy(update={"task_id": task_id}))


@series.get("/series")
@operation("getSeries", shared=True, tag="server", query=AllSeriesQuery, answers={200: Series})
async def get_series(query: AllSeriesQuery) -> Response:
    """Show how everything, or one function, did by hours or days."""
    told = await parts().operations.series(
        function_name=query.function_name, bucket=query.bucket, since=query.from_, until=query.to
    )
    return answer(Series.of(told))
