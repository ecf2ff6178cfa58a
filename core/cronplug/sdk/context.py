"""What a running function may know and do besides its payload."""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, overload

from cronplug.errors import PluginError
from cronplug.sdk.keeping import Belongings, Keeper, Kept, NoKeeper

if TYPE_CHECKING:
    import httpx

P = ParamSpec("P")
T = TypeVar("T")


class Platform(Protocol):
    """Work on the platform itself, open to trusted inline functions as `ctx.platform`."""

    async def delete_ended_executions(
        self, *, success_older_than_days: int | None, failed_older_than_days: int | None, batch_size: int = 500
    ) -> int:
        """Delete ended executions with their logs, in batches; returns how many.

        None means the age of the retention settings. The newest execution of each task always stays.
        """
        ...

    async def optimize(self, *, reclaim: bool = False) -> Optimized:
        """Refresh the query planner's statistics and give free space of a SQLite file back to the disk.

        `reclaim` rewrites a SQLite file that cannot shrink otherwise; writes to the database wait meanwhile.
        """
        ...

    async def backup(
        self, *, folder: str = "", keep: int = 7, report: Callable[[float], object] | None = None
    ) -> BackupMade:
        """Copy the SQLite database into `folder`, check the copy, then remove all but the newest `keep` copies there.

        `folder` is below SCHEDULER_BACKUP_DIR, by default that folder itself. `report` hears the fraction copied.
        Raises PermanentError for any other folder, and on PostgreSQL.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimized:
    """What `Platform.optimize` came to; `free_bytes` are still unused inside a SQLite file."""

    database: str
    bytes_before: int
    bytes_after: int
    free_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupMade:
    """What `Platform.backup` came to: the path of the checked copy, its size, and the names of copies removed."""

    path: str
    bytes: int
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts of one attempt, fixed when it starts.

    `execution_id` and `idempotency_key` are the same for every attempt of the execution; `attempt` counts from 1.
    `task_id` and `task_name` are None for a direct invocation. Instants are aware UTC datetimes.
    """

    execution_id: str
    attempt: int
    task_id: str | None
    task_name: str | None
    scheduled_for: datetime
    deadline: datetime
    idempotency_key: str


class HttpClients(Protocol):
    """Makes clients that keep to the server's rules about addresses."""

    def make_async(self) -> httpx.AsyncClient:
        """For the running event loop."""
        ...

    def make_sync(self) -> httpx.Client:
        """For plain functions."""
        ...


class StopSignal:
    """Tells a function that it is asked to end, and the platform whether the function watches for it itself."""

    __slots__ = ("requested", "watched")

    def __init__(self) -> None:
        self.requested = False
        self.watched = False


class Context:
    """Given to a function that has a parameter annotated `Context` or called `ctx`; valid while the function runs."""

    __slots__ = (
        "_facts", "_http", "_http_clients", "_http_sync", "_keeper", "_kept", "_log", "_made_belongings", "_platform",
        "_report_progress", "_stop",
    )  # fmt: skip

    def __init__(
        self,
        facts: Facts,
        *,
        log: logging.Logger | Callable[[], logging.Logger],
        report_progress: Callable[[float, str], None],
        stop: StopSignal | None = None,
        platform: Platform | None = None,
        keeper: Keeper | None = None,
        kept: Kept | None = None,
        http_clients: HttpClients | None = None,
    ) -> None:
        self._facts = facts
        self._keeper = keeper
        self._kept = kept
        self._made_belongings: Belongings | None = None
        self._http_clients = http_clients
        self._http: httpx.AsyncClient | None = None
        self._http_sync: httpx.Client | None = None
        self._report_progress = report_progress
        self._stop = stop or StopSignal()
        self._platform = platform
        self._log = log

    @property
    def log(self) -> logging.Logger:
        """Lines written here appear in the execution's log with their level, from any thread."""
        if not isinstance(self._log, logging.Logger):
            self._log = self._log()
        return self._log

    @property
    def execution_id(self) -> str:
        """The execution this attempt belongs to."""
        return self._facts.execution_id

    @property
    def attempt(self) -> int:
        """Which try this is, from 1."""
        return self._facts.attempt

    @property
    def task_id(self) -> str | None:
        """The task that asked for the execution; None for a direct invocation."""
        return self._facts.task_id

    @property
    def task_name(self) -> str | None:
        """The task's name when the execution was made."""
        return self._facts.task_name

    @property
    def scheduled_for(self) -> datetime:
        """The fire time this work is meant for (UTC), or the instant of asking; the same on every attempt."""
        return self._facts.scheduled_for

    @property
    def deadline(self) -> datetime:
        """When this attempt's time is up (UTC)."""
        return self._facts.deadline

    @property
    def idempotency_key(self) -> str:
        """The same on every attempt of the execution: send it along to make outside effects happen once."""
        return self._facts.idempotency_key

    @property
    def cancelled(self) -> bool:
        """True once the function is asked to end: its time is up, it was cancelled, or the server stops.

        Async functions get `asyncio.CancelledError` and seldom need this. A sync function that looks at it at least
        once is left to end by itself; any other is interrupted by an exception. Both are killed after the grace.
        """
        self._stop.watched = True
        return self._stop.requested

    @property
    def platform(self) -> Platform:
        """The platform's own operations; raises PluginError except in trusted inline functions."""
        if self._platform is None:
            raise PluginError(
                "ctx.platform is only for functions of distributions named in SCHEDULER_PLUGINS_TRUSTED"
                " that ask for isolation='inline'."
            )
        return self._platform

    def progress(self, fraction: float, note: str = "") -> None:
        """Show how far the work is: `fraction` from 0 to 1 (values beyond are cut to it), and a short note."""
        fraction = float(fraction)
        if math.isnan(fraction):
            raise ValueError("progress needs a number from 0 to 1, not NaN")
        self._report_progress(min(1.0, max(0.0, fraction)), str(note)[:200])

    def artifact(self, name: str, data: str | bytes | bytearray | memoryview, media_type: str | None = None) -> None:
        """Keep a file with the execution, for people to download; the same name again replaces it.

        `name` is like a file's, without slashes. The media type is guessed from it when none is given. At most 10 MiB
        each, 50 MiB and 100 files an execution; beyond that, and for a bad name, ValueError.
        """
        self._belongings.add_artifact(name, data, media_type)

    @overload
    def once(self, key: str, /) -> Any: ...
    @overload
    def once(self, key: str, work: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]: ...
    @overload
    def once(self, key: str, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T: ...
    def once(self, key: str, work: Callable[..., Any] | None = None, /, *args: Any, **kwargs: Any) -> Any:
        """Do `work(*args, **kwargs)` unless an earlier attempt of this execution has; its JSON result either way.

        The result is durable before this returns, so that no later attempt does the work again. What `work` raises is
        raised, and nothing is kept. Without `work` it is a mark: True the first time, False ever after.
        In an async function it is awaited, and `work` may be async. `key` is a text of 1 to 200 characters; an
        execution keeps 1 MiB in all. Raises ValueError beyond that and for a result that is not JSON.

        Between the end of the work and its being kept a crash can still come: send `idempotency_key` along as well.
        """
        return self._belongings.once(key, None if work is None else functools.partial(work, *args, **kwargs))

    @property
    def http(self) -> httpx.AsyncClient:
        """An httpx client for async functions, with the address rules of HTTP tasks; made at the first use.

        Times out after 30 s of silence. Follows no redirects unless told to; each is checked. No proxies are used.
        Cookies are this attempt's own.
        """
        if self._http is None:
            self._http = self._clients().make_async()
        return self._http

    @property
    def http_sync(self) -> httpx.Client:
        """The same for plain functions."""
        if self._http_sync is None:
            self._http_sync = self._clients().make_sync()
        return self._http_sync

    @property
    def _belongings(self) -> Belongings:
        if self._made_belongings is None:  # most attempts leave nothing
            self._made_belongings = Belongings(self._keeper or NoKeeper(), self._kept or Kept())
        return self._made_belongings

    def _clients(self) -> HttpClients:
        if self._http_clients is None:
            raise PluginError("There is no HTTP client in this context.")
        return self._http_clients
