"""The bus tells everyone who listens, and never waits for anyone."""

from __future__ import annotations

from cronplug.events import Doorbell, Event, EventBus, NamingDoorbell


async def test_a_subscriber_gets_what_it_wants_in_order() -> None:
    bus = EventBus()
    async with bus.subscribe(lambda event: event.kind == "task") as inbox:
        bus.publish("execution", "e", "created")
        bus.publish("task", "a", "created")
        bus.publish("task", "a", "deleted")
        assert await inbox.next(timeout_seconds=1) == Event("task", "a", "created")
        assert await inbox.next(timeout_seconds=1) == Event("task", "a", "deleted")
        assert await inbox.next(timeout_seconds=0.001) == "idle"
    assert bus.subscribers == 0


async def test_a_reader_that_is_too_slow_is_closed_and_harms_nobody() -> None:
    bus = EventBus(inbox_size=2)
    async with bus.subscribe() as slow, bus.subscribe() as quick:
        for number in range(3):
            bus.publish("task", str(number), "updated")
            await quick.next(timeout_seconds=1)
        assert slow.overflowed
        await slow.next(timeout_seconds=1)
        assert await slow.next(timeout_seconds=1) is None
        assert not quick.overflowed


async def test_a_change_that_waits_to_be_told_is_not_told_twice() -> None:
    bus = EventBus(inbox_size=2)
    async with bus.subscribe() as inbox:
        for _ in range(5):
            bus.publish("task", "a", "updated")
        assert await inbox.next(timeout_seconds=1) == Event("task", "a", "updated")
        assert await inbox.next(timeout_seconds=0.001) == "idle"
        bus.publish("task", "a", "updated")
        assert await inbox.next(timeout_seconds=1) == Event("task", "a", "updated")
        assert not inbox.overflowed


async def test_closing_the_bus_ends_present_and_later_subscribers() -> None:
    bus = EventBus()
    async with bus.subscribe() as present:
        bus.close()
        assert await present.next(timeout_seconds=1) is None
    async with bus.subscribe() as later:
        assert await later.next(timeout_seconds=1) is None


async def test_a_ring_before_the_wait_is_not_lost() -> None:
    bell = Doorbell()
    bell.ring()
    bell.ring()
    assert await bell.wait(at_most_seconds=1) is True
    assert await bell.wait(at_most_seconds=0.001) is False


def test_a_bell_that_is_rung_with_names_tells_whom_it_is_about() -> None:
    bell = NamingDoorbell()
    bell.ring("a")
    bell.ring("b")
    bell.ring("a")
    assert bell.take() == frozenset({"a", "b"})
    assert bell.take() == frozenset()


def test_a_ring_without_a_name_is_about_everything() -> None:
    bell = NamingDoorbell()
    bell.ring("a")
    bell.ring()
    assert bell.take() is None
    assert bell.take() == frozenset()
