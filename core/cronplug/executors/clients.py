"""The httpx clients behind `ctx.http`: every connection they open, redirects included, passes the address policy.

As with HTTP tasks, the address that is checked is the very one that is connected to. Certificates are checked against
the name in the URL.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import httpcore
import httpx

from cronplug.executors.addresses import AddressPolicy, AddressRefused

_SILENCE_SECONDS = 30.0
_Options = Iterable[Any] | None


class GuardedClients:
    """Makes the clients of one attempt, which share neither cookies nor connections with any other."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._async: httpx.AsyncClient | None = None
        self._sync: httpx.Client | None = None

    def make_async(self) -> httpx.AsyncClient:
        """A client for the running event loop."""
        transport = httpx.AsyncHTTPTransport(verify=_ssl_context(), trust_env=False)
        # httpx gives no way to hand it a pool, httpcore gives pools no other way to a guard.
        transport._pool = httpcore.AsyncConnectionPool(
            ssl_context=_ssl_context(), keepalive_expiry=5.0, network_backend=_AsyncBackend(self._policy)
        )
        self._async = httpx.AsyncClient(
            transport=transport, headers=_headers(), timeout=_SILENCE_SECONDS, trust_env=False
        )
        return self._async

    def make_sync(self) -> httpx.Client:
        """A client that blocks."""
        transport = httpx.HTTPTransport(verify=_ssl_context(), trust_env=False)
        transport._pool = httpcore.ConnectionPool(
            ssl_context=_ssl_context(), keepalive_expiry=5.0, network_backend=_SyncBackend(self._policy)
        )
        self._sync = httpx.Client(transport=transport, headers=_headers(), timeout=_SILENCE_SECONDS, trust_env=False)
        return self._sync

    async def aclose(self) -> None:
        """Close what was made, at the end of an async function."""
        client, self._async = self._async, None
        if client is not None:
            await client.aclose()
        self.close()

    def close(self) -> None:
        """Close the blocking client, at the end of a plain function."""
        client, self._sync = self._sync, None
        if client is not None:
            client.close()


def _headers() -> dict[str, str]:
    return {"User-Agent": f"cronplug/{version('cronplug')}"}


@functools.lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    return httpx.create_ssl_context()


class _ConnectRefused(httpcore.ConnectError, AddressRefused):
    """Both, since httpcore drops the cause of what it passes on; httpx keeps it as the cause of its own error."""


def _checked(policy: AddressPolicy, found: Iterable[tuple[Any, ...]]) -> list[str]:
    """The addresses of a name, in the resolver's order; all must be allowed. Raises httpcore.ConnectError."""
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    try:
        for address in addresses:
            policy.check_text(address)
    except AddressRefused as refused:
        raise _ConnectRefused(str(refused)) from refused
    return addresses


class _AsyncBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _Options = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host} was not resolved within {timeout:g} s") from error
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved: {error.strerror}") from error
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in _checked(self._policy, found):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _SyncBackend(httpcore.NetworkBackend):
    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: _Options = None,
    ) -> httpcore.NetworkStream:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved: {error.strerror}") from error
        failure: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in _checked(self._policy, found):
            try:
                return self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError(f"{host} has no address")
