"""`ctx.http` in a worker: httpx is imported when a function first asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

    from cronplug.executors.clients import GuardedClients


class RunClients:
    """The clients of one run, under the address rules that the core gave this process (`AddressPolicy.to_text`)."""

    def __init__(self, policy: str | None) -> None:
        self._policy = policy
        self._made: GuardedClients | None = None

    @property
    def used(self) -> bool:
        """Whether there is anything to close."""
        return self._made is not None

    def make_async(self) -> httpx.AsyncClient:
        """For the running event loop."""
        return self._clients().make_async()

    def make_sync(self) -> httpx.Client:
        """For plain functions."""
        return self._clients().make_sync()

    async def aclose(self) -> None:
        """At the end of an async function."""
        if self._made is not None:
            await self._made.aclose()

    def close(self) -> None:
        """At the end of a plain function."""
        if self._made is not None:
            self._made.close()

    def _clients(self) -> GuardedClients:
        if self._made is None:
            from cronplug.executors.addresses import AddressPolicy
            from cronplug.executors.clients import GuardedClients

            policy = AddressPolicy() if self._policy is None else AddressPolicy.from_text(self._policy)
            self._made = GuardedClients(policy)
        return self._made
