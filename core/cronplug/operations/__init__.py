"""What a person may do, whatever the door (REST, command line, browser): checked, done in one transaction, announced.

Every method either does all of what it says, durably, before it returns, or raises one of `cronplug.errors` and has
changed nothing. `Operations` is the whole; its rooms are a module each: `tasks`, `revisions`, `triggers`, `bulk`,
`executions`, `functions`, `requests`, `previews`, `fire_times`, `pausing`, `figures`, `series`, `timeline`, `error_groups`. What they all use is in `means`, how executions get into the queue in
`queueing`; `definitions` judges what is to be stored, `states` and `views` say how stored things are told. `platform` is what trusted functions may do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cronplug.clock import Clock
from cronplug.events import Doorbells, EventBus
from cronplug.ids import IdGenerator
from cronplug.operations.attention import UnfitTasks
from cronplug.operations.bulk import BulkAction, BulkFailure, BulkOperations, BulkOutcome, BulkRequest
from cronplug.operations.calendars import CalendarOperations
from cronplug.operations.error_groups import ErrorOperations
from cronplug.operations.executions import ExecutionOperations
from cronplug.operations.figures import FigureOperations
from cronplug.operations.fire_time_accounts import FireTimeAccount
from cronplug.operations.fire_times import FireTimeOperations
from cronplug.operations.functions import FunctionOperations
from cronplug.operations.means import Means
from cronplug.operations.pausing import PauseOperations
from cronplug.operations.previews import LookedAhead, PreviewOperations
from cronplug.operations.requests import RequestOperations
from cronplug.operations.rescans import Rescans
from cronplug.operations.revisions import RevisionView
from cronplug.operations.series import Bucket, Series, SeriesOperations
from cronplug.operations.states import TaskStates
from cronplug.operations.tasks import RECENT
from cronplug.operations.timeline import TimelineOperations
from cronplug.operations.views import (
    TOTAL_CAP,
    ExecutionPage,
    ExecutionView,
    Figures,
    Idempotency,
    LogPage,
    Page,
    Replayed,
    TaskState,
    TaskView,
)
from cronplug.registry import Registry
from cronplug.settings import Settings
from cronplug.store import Store
from cronplug.store.calendars import CalendarCache

__all__ = [
    "RECENT",
    "TOTAL_CAP",
    "Bucket",
    "BulkAction",
    "BulkFailure",
    "BulkOutcome",
    "BulkRequest",
    "ExecutionPage",
    "ExecutionView",
    "Figures",
    "FireTimeAccount",
    "Idempotency",
    "LogPage",
    "LookedAhead",
    "Operations",
    "Page",
    "Replayed",
    "RevisionView",
    "Series",
    "TaskState",
    "TaskView",
]


class Operations(
    BulkOperations,  # with those of tasks, their revisions and triggers
    ExecutionOperations,
    FunctionOperations,
    RequestOperations,
    PreviewOperations,
    FireTimeOperations,
    PauseOperations,
    CalendarOperations,
    FigureOperations,
    SeriesOperations,
    TimelineOperations,
    ErrorOperations,
):
    """The verbs of cronplug. One object per process; safe to call side by side."""

    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        settings: Settings,
        clock: Clock,
        ids: IdGenerator,
        bus: EventBus,
        doorbells: Doorbells,
        plan_due: Callable[[], Awaitable[object]],
        rescans: Rescans | None = None,
    ) -> None:
        """`plan_due` plans some of what is due, the oldest first: a change never swallows a fire time that has come."""
        states = TaskStates(registry)
        super().__init__(
            Means(
                store=store,
                registry=registry,
                settings=settings,
                clock=clock,
                ids=ids,
                bus=bus,
                doorbells=doorbells,
                plan_due=plan_due,
                states=states,
                unfit=UnfitTasks(store, registry, states),
                calendars=CalendarCache(),
                rescans=rescans or Rescans(store=store, registry=registry, clock=clock, bus=bus),
            )
        )
