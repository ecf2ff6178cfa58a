"""`run_function`: one attempt, in the test's process or in a real worker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cronplug.clock import SettableClock
from cronplug.sdk.context import Platform
from cronplug.sdk.functions import Function
from cronplug.testing.context import EXAMPLE_FIRE_TIME, FakeContext
from cronplug.testing.ran import Ran

if TYPE_CHECKING:
    import httpx


class FunctionRunner:
    """Calls functions as a worker would."""

    def __call__(
        self,
        function: Function[..., Any],
        payload: Mapping[str, Any] | None = None,
        *,
        attempt: int = 1,
        task_name: str | None = "test",
        scheduled_for: datetime | None = None,
        timeout_seconds: float = 10.0,
        cancelled: bool = False,
        cancel_when: str | None = None,
        cancel_after_seconds: float | None = None,
        clock: SettableClock | None = None,
        platform: Platform | None = None,
        kept: Mapping[str, Any] | None = None,
        http_transport: httpx.MockTransport | None = None,
        worker: bool = False,
    ) -> Ran:
        """Run one attempt to its end; what the function raises is in the answer, not raised.

        The payload goes through JSON first, as it does in production; one that does not fit raises InvalidPayload.
        `cancelled` asks the function to end before it begins (it sees it as `ctx.cancelled`), `cancel_when` as soon as
        a line or note of it contains that text, `cancel_after_seconds` when so much time has passed.

        `kept` is what earlier attempts did with `ctx.once` (`ran.once` of one), `http_transport` is what answers
        `ctx.http` in place of the network.

        With `clock`, the fire time and the deadline are by that clock, and an async function that sleeps moves it on
        instead of waiting. With `worker`, it runs in a real worker process, which imports it by its module and name:
        isolated, with its time limit enforced, and with the server's address rules; `clock`, `platform`, `cancelled` and
        `http_transport` are for the test's own process only.
        """
        raw = json.loads(json.dumps(payload or {}))
        json.dumps(function.payload_schema(), allow_nan=False)
        function.parameters.arguments(function.payload, raw)
        fire_time = scheduled_for or (clock.now() if clock else EXAMPLE_FIRE_TIME)
        if worker:
            if clock is not None or platform is not None or http_transport is not None or cancelled:
                raise ValueError("clock, platform, cancelled and http_transport do not reach into a worker")
            from cronplug.testing.worker import run_in_worker

            return run_in_worker(
                function,
                raw,
                attempt=attempt,
                task_name=task_name,
                scheduled_for=fire_time,
                timeout_seconds=timeout_seconds,
                kept=kept or {},
                cancel_when=cancel_when,
                cancel_after_seconds=cancel_after_seconds,
            )
        from cronplug.testing.in_process import run_in_process

        context = FakeContext(
            function_name=function.name,
            attempt=attempt,
            task_name=task_name,
            scheduled_for=fire_time,
            timeout_seconds=timeout_seconds,
            cancelled=cancelled,
            cancel_when=cancel_when,
            platform=platform,
            clock=clock,
            kept=kept,
            http_transport=http_transport,
        )
        return run_in_process(
            function,
            raw,
            context,
            timeout_seconds=timeout_seconds,
            cancel_after_seconds=cancel_after_seconds,
            clock=clock,
        )
