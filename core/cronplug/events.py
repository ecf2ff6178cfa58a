"""What changed, told to whoever listens in this process: hints only, the truth is in the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["task", "execution", "plugin", "stats", "log", "calendar"]
Change = Literal["created", "updated", "deleted"]


@dataclass(frozen=True, slots=True)
class Event:
    """`id` names the thing that changed; kind `log` means new lines of the execution with that id."""

    kind: Kind
    id: str
    change: Change


@dataclass(eq=False, slots=True)
class Subscription:
    """A bounded inbox. When its reader is too slow it is closed (`overflowed`) and the reader starts again.

    What waits in it already is not put there a second time: its reader will look at the thing after both changes.
    """

    wanted: Callable[[Event], bool]
    queue: asyncio.Queue[Event | None]
    overflowed: bool = False
    waiting: set[Event] = field(default_factory=set)

    async def next(self, *, timeout_seconds: float) -> Event | Literal["idle"] | None:
        """The next event, "idle" after `timeout_seconds` without one, None when the bus or this inbox is closed."""
        try:
            async with asyncio.timeout(timeout_seconds):
                event = await self.queue.get()
        except TimeoutError:
            return "idle"
        if event is not None:
            self.waiting.discard(event)
        return event

    def take_waiting(self) -> list[Event]:
        """What waits now, in its order; that the inbox is closed is left for `next` to tell."""
        taken: list[Event] = []
        while not self.queue.empty():
            event = self.queue.get_nowait()
            if event is None:
                self.queue.put_nowait(None)
                break
            self.waiting.discard(event)
            taken.append(event)
        return taken


class EventBus:
    """Publish and subscribe within one event loop; `publish` never waits and never fails."""

    def __init__(self, *, inbox_size: int = 1024) -> None:
        self._inbox_size = inbox_size
        self._subscriptions: set[Subscription] = set()
        self._closed = False

    @property
    def closed(self) -> bool:
        """True once `close` was called: streams say goodbye."""
        return self._closed

    @property
    def subscribers(self) -> int:
        """How many inboxes are open now."""
        return len(self._subscriptions)

    def publish(self, kind: Kind, id: str, change: Change) -> None:
        """Tell every subscriber that wants it. A full inbox is closed rather than waited for."""
        if not self._subscriptions:
            return
        event = Event(kind, id, change)
        for subscription in tuple(self._subscriptions):
            if event in subscription.waiting or not subscription.wanted(event):
                continue
            if subscription.queue.full():
                subscription.overflowed = True
                self._end(subscription)
            else:
                subscription.waiting.add(event)
                subscription.queue.put_nowait(event)

    @asynccontextmanager
    async def subscribe(self, wanted: Callable[[Event], bool] = lambda _: True) -> AsyncIterator[Subscription]:
        """An inbox for the events that `wanted` accepts, closed on leaving the block."""
        subscription = Subscription(wanted, asyncio.Queue(self._inbox_size))
        if self._closed:
            subscription.queue.put_nowait(None)
        else:
            self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End every inbox, now and for later subscribers."""
        self._closed = True
        for subscription in tuple(self._subscriptions):
            self._end(subscription)

    def _end(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)
        if subscription.queue.full():
            subscription.queue.get_nowait()
        subscription.queue.put_nowait(None)


class Doorbell:
    """Wakes one waiting loop at once; rings while nobody waits are remembered as one."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the waiter, or make its next wait return at once."""
        self._rung.set()

    async def wait(self, *, at_most_seconds: float | None) -> bool:
        """Wait for a ring, as long as it takes with None; True when it rang, False when the time ran out."""
        try:
            async with asyncio.timeout(at_most_seconds):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class NamingDoorbell(Doorbell):
    """A doorbell whose ringers may say whom it is about; `take` says it to who was woken."""

    def __init__(self) -> None:
        super().__init__()
        self._names: set[str] = set()
        self._all = False

    def ring(self, name: str | None = None) -> None:
        """Wake the waiter for the sake of `name`, or (None) of everything."""
        if name is None:
            self._all = True
        else:
            self._names.add(name)
        super().ring()

    def take(self) -> frozenset[str] | None:
        """The names rung for since the last `take`; None: it is about everything."""
        names = None if self._all else frozenset(self._names)
        self._names.clear()
        self._all = False
        return names


class Doorbells:
    """How the rest of the process wakes the engine: hints, never needed for correctness.

    `plan`: a task changed, so the earliest fire time may have. `claim`: an execution was queued or a slot came free.
    `cancel`: an execution that runs is to be stopped. `ends`: executions ended (named by task), or
    wait for the end of others.
    """

    def __init__(self) -> None:
        self.plan = Doorbell()
        self.claim = Doorbell()
        self.cancel = Doorbell()
        self.ends = NamingDoorbell()
