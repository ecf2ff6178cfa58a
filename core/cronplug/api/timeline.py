"""What ran, runs and will run within a stretch of time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field
from quart import Blueprint, Response

from cronplug.api.execution_json import StatusName, known_status
from cronplug.api.fields import (
    QUERY_WHOLE,
    Answer,
    Instant,
    InstantIn,
    InstantText,
    Query,
    QueryBoolean,
    QueryText,
    QueryTexts,
)
from cronplug.api.operation import operation
from cronplug.api.parts import parts
from cronplug.clock import EPOCH, from_millis, millis_rfc3339
from cronplug.operations import timeline as told
from cronplug.store import timeline as stored

timeline = Blueprint("timeline", __name__, url_prefix="/api/scheduler")

GroupName = Literal["task", "function", "tag"]


class TimelineQuery(Query):
    """Which stretch of time, and what of it."""

    from_: InstantIn | None = Field(None, alias="from", description="Default 18 hours ago, or a day before `to`.")
    to: InstantIn | None = Field(None, description="Default a day after `from`; at most 8 days after it.")
    group_by: GroupName = "task"
    q: QueryText | None = Field(None, description="Only tasks with this text, as in GET /tasks.")
    tag: QueryTexts = Field((), description="Only tasks with this tag; given several times, with all of them.")
    function_name: QueryText | None = Field(None, description="Only this function.")
    task_id: QueryText | None = Field(None, description="Only this task.")
    limit: Annotated[int, Field(ge=1, le=200), QUERY_WHOLE] = Field(60, description="At most so many lanes.")
    planned: QueryBoolean = Field(True, description="Whether to tell what is to come.")

    def asked(self) -> told.Asked:
        """What is asked for."""
        day = timedelta(days=1)
        if self.from_ is not None:
            since = self.from_
        elif self.to is not None:
            since = max(EPOCH, self.to - day)
        else:
            since = parts().operations.now() - timedelta(hours=18)
        return told.Asked(
            since=since,
            until=self.to or since + day,
            group_by=self.group_by,
            limit=self.limit,
            planned=self.planned,
            q=self.q,
            tags=self.tag,
            function_name=self.function_name,
            task_id=self.task_id,
        )


class TimelineMark(Answer):
    """One execution."""

    execution_id: str
    status: StatusName
    start: InstantText = Field(description="When it started, or, if it has not, its fire time.")
    end: InstantText | None = Field(description="null: it has not ended.")
    scheduled_for: InstantText
    attempt: int

    @classmethod
    def of(cls, mark: stored.Mark) -> Self:
        """The execution as it is answered."""
        return cls(
            execution_id=mark.execution_id,
            status=known_status(mark.status),
            start=millis_rfc3339(mark.start),
            end=None if mark.end is None else millis_rfc3339(mark.end),
            scheduled_for=millis_rfc3339(mark.scheduled_for),
            attempt=mark.attempt,
        )


class TimelineBucket(Answer):
    """Executions that start within a bucket of time."""

    start: Instant
    seconds: int
    count: int
    failed: int = Field(description="Failed, timed_out and lost ones.")
    running: int


class TimelineLane(Answer):
    """The executions and coming fire times of a task, a function or a tag."""

    key: str = Field(description="The id, function or tag; empty for what has none.")
    title: str
    task_id: str | None = Field(description="Only with groupBy task, and of what has a task.")
    enabled: bool
    count: int = Field(description="Of executions in this stretch.")
    failed: int
    marks: list[TimelineMark] = Field(
        description="By start; empty when there are more than 500, or 6,000 in all lanes so far, which `buckets` tell."
    )
    buckets: list[TimelineBucket]
    planned: list[Instant] = Field(
        description="Coming fire times that will run, as its forecast tells them; at most 200."
    )
    planned_more: bool = Field(description="There are more of them.")

    @classmethod
    def of(cls, lane: told.Lane, seconds: int) -> Self:
        """The lane as it is answered."""
        return cls(
            key=lane.key,
            title=lane.title,
            task_id=lane.task_id,
            enabled=lane.enabled,
            count=lane.count,
            failed=lane.failed,
            marks=[TimelineMark.of(mark) for mark in lane.marks],
            buckets=[
                TimelineBucket(
                    start=from_millis(it.start), seconds=seconds, count=it.count, failed=it.failed, running=it.running
                )
                for it in lane.bunches
            ],
            planned=lane.planned,
            planned_more=lane.planned_more,
        )


class TimelineLoad(Answer):
    """How busy a bucket of time was and will be, all lanes together."""

    start: Instant
    seconds: int
    started: int
    peak: int | None = Field(description="The most executions side by side; null when there are too many to tell.")
    planned: int = Field(description="Coming fire times; of tasks in no lane that is shown, only the next one.")


class Timeline(Answer):
    """What ran, runs and will run within a stretch of time: failures first, then what ran, then what is to come."""

    from_: Instant = Field(alias="from")
    to: Instant
    now: Instant
    group_by: GroupName
    lanes: list[TimelineLane]
    load: list[TimelineLoad]
    more: int = Field(description="How many lanes were left out.")

    @classmethod
    def of(cls, found: told.Timeline) -> Self:
        """The timeline as it is answered."""
        return cls(
            from_=found.since,
            to=found.until,
            now=found.now,
            group_by=found.group_by,
            lanes=[TimelineLane.of(lane, found.seconds) for lane in found.lanes],
            load=[
                TimelineLoad(
                    start=it.start, seconds=found.seconds, started=it.started, peak=it.peak, planned=it.planned
                )
                for it in found.load
            ],
            more=found.more,
        )


@timeline.get("/timeline")
@operation("getTimeline", shared=True, tag="server", query=TimelineQuery, answers={200: Timeline})
async def get_timeline(query: TimelineQuery) -> Response:
    """Show what ran, runs and will run, in lanes.

    Executions are those queued in this stretch or at most 6 hours before, and all that have not ended.
    """
    found = await parts().operations.timeline(query.asked())
    text = await asyncio.to_thread(lambda: Timeline.of(found).model_dump_json(by_alias=True))  # of thousands of marks
    return Response(text, content_type="application/json")
