"""The process that ends workers when the core has died."""

from __future__ import annotations

import asyncio
import sys

import uvloop

from cronplug.executors.warden import Warden


def test_a_warden_that_was_killed_stops_nobody() -> None:
    async def main() -> None:
        warden = Warden()
        await warden.start(python=sys.executable)
        assert warden._process is not None
        assert warden._process.stdin is not None
        warden._process.kill()
        await warden._process.wait()
        async with asyncio.timeout(10):
            while not warden._process.stdin.is_closing():
                warden.forget(1)
                await asyncio.sleep(0)
        warden.forget(1)
        await warden.close()

    uvloop.run(main())
