"""One read for all who ask the same at the same time: after an event, every open admin asks for the same page.

Who asks while the same is being read waits for the next read, together with all who come until that begins. So every
answer tells of whatever was acknowledged before it was asked for, and nothing is ever kept for later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable

from quart import Response
from werkzeug.datastructures import Headers

Read = Callable[[], Awaitable[Response]]


class SharedReads:
    """Reads under way, and those that wait for them to end, by what is asked for."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Future[None]] = {}
        self._coming: dict[Hashable, asyncio.Task[Response]] = {}

    async def answer(self, key: Hashable, read: Read) -> Response:
        """What `read` answers, perhaps to several at once; of equal `key`s it must not matter whose it is.

        Raises what it raises, to all of them. One who leaves takes nothing from the others.
        """
        coming = self._coming.get(key)
        if coming is None:
            before = self._under_way.get(key)
            if before is None:
                return await self._read(key, read)
            coming = self._coming[key] = asyncio.create_task(self._read_after(before, key, read), name="shared-read")
            coming.add_done_callback(_look_at_failure)
        return await _copy(await asyncio.shield(coming))

    async def _read_after(self, before: asyncio.Future[None], key: Hashable, read: Read) -> Response:
        await before
        del self._coming[key]  # who comes from now on must see what is written from now on
        return await self._read(key, read)

    async def _read(self, key: Hashable, read: Read) -> Response:
        ended = self._under_way[key] = asyncio.get_running_loop().create_future()
        try:
            return await read()
        finally:
            if self._under_way.get(key) is ended:
                del self._under_way[key]
            ended.set_result(None)


async def _copy(response: Response) -> Response:
    """Each answer gets headers of its own."""
    return Response(await response.get_data(as_text=False), response.status_code, headers=Headers(response.headers))


def _look_at_failure(task: asyncio.Task[Response]) -> None:
    """It is told to those who wait; when all have left, to nobody."""
    if not task.cancelled():
        task.exception()
