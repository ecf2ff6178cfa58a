"""The first step of a coroutine, and how it goes on."""

from __future__ import annotations

import asyncio

import pytest

from cronplug.executors.first_step import Finished, Waits, take_first_step


async def test_a_coroutine_that_never_waits_is_finished_at_once() -> None:
    async def call() -> int:
        return 1

    assert take_first_step(call()) == Finished(1)


async def test_what_it_raises_in_its_first_step_is_raised() -> None:
    async def call() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        take_first_step(call())


async def test_one_that_waits_goes_on_when_it_is_awaited() -> None:
    event = asyncio.Event()

    async def call() -> list[object]:
        task = asyncio.current_task()
        await event.wait()
        await asyncio.sleep(0)
        return [task, asyncio.current_task()]

    step = take_first_step(call())
    assert isinstance(step, Waits)
    event.set()
    assert await step == [asyncio.current_task()] * 2


async def test_a_limit_of_its_own_and_one_around_it_both_end_it() -> None:
    async def call(seconds: float | None) -> str:
        try:
            async with asyncio.timeout(seconds):
                await asyncio.Event().wait()
        except TimeoutError:
            return "its own"
        return "none"

    step = take_first_step(call(0))
    assert isinstance(step, Waits)
    assert await step == "its own"
    step = take_first_step(call(None))
    assert isinstance(step, Waits)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await step


async def test_one_that_survives_its_cancellation_goes_on() -> None:
    async def call() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return "went on"

    step = take_first_step(call())
    assert isinstance(step, Waits)
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    assert await step == "went on"
    task.uncancel()


async def test_one_that_is_given_up_is_closed() -> None:
    closed = False

    async def call() -> None:
        nonlocal closed
        try:
            await asyncio.Event().wait()
        finally:
            closed = True

    step = take_first_step(call())
    assert isinstance(step, Waits)
    rest = step.__await__()
    next(rest)
    rest.close()
    assert closed
