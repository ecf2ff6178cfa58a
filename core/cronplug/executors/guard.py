"""Which addresses HTTP tasks may reach, checked where every connection passes: at the connect.

A check of the URL's text sees neither redirects, nor names that change their answer, nor odd spellings (`2130706433`,
`0x7f.1`, `::ffff:127.0.0.1`). Here the address that is checked is the very address that is connected to:
`GuardedResolver` refuses a name as soon as one of its addresses is refused, and the connector of `guarded_connector`
makes no socket for a refused address, those written in URLs included.
"""

from __future__ import annotations

import socket
from ssl import SSLContext
from typing import Any

from aiohttp import TCPConnector, ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from cronplug.executors.addresses import AddressPolicy, AddressRefused

__all__ = ["AddressPolicy", "AddressRefused", "GuardedResolver", "guarded_connector"]


class GuardedResolver(AbstractResolver):
    """Resolves names by the host's own rules and refuses those that have a refused address."""

    def __init__(self, policy: AddressPolicy, *, resolver: AbstractResolver | None = None) -> None:
        self._policy = policy
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of `host`; AddressRefused when one of them is."""
        found = await self._resolver.resolve(host, port, family)
        for result in found:
            self._policy.check_text(result["host"])
        return found

    async def close(self) -> None:
        """Release what the inner resolver holds."""
        await self._resolver.close()


def guarded_connector(
    policy: AddressPolicy,
    *,
    ssl: SSLContext,
    resolver: AbstractResolver | None = None,
    dns_cache_seconds: int = 10,
) -> TCPConnector:
    """A connector that opens connections to allowed addresses only; needs a running event loop.

    A refusal surfaces as aiohttp's ClientConnectorError whose `os_error` is the AddressRefused.
    """

    def open_socket(addr_info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, target = addr_info
        policy.check_text(target[0])
        return socket.socket(family=family, type=kind, proto=protocol)

    return TCPConnector(
        ssl=ssl,
        resolver=GuardedResolver(policy, resolver=resolver),
        socket_factory=open_socket,
        use_dns_cache=dns_cache_seconds > 0,
        ttl_dns_cache=dns_cache_seconds,
        limit=0,  # the engine bounds how many executions run at once
        keepalive_timeout=30,
    )
