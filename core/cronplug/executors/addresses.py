"""Which addresses outgoing requests may reach: the rules, for the guards that stand where connections are opened."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from cronplug.sdk.steering import AddressRefused

__all__ = ["AddressPolicy", "AddressRefused"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


# RFC 3927 and RFC 4291 link-local, and the metadata services of clouds that sit elsewhere: AWS and Google Cloud over
# IPv6, Azure's wire server, Alibaba, Oracle's classic one. They hand out credentials to whoever asks.
_METADATA = _networks(
    "169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "fd20:ce::254/128",
    "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32",
)  # fmt: skip
# The unspecified address reaches this machine too (Linux connects 0.0.0.0 and :: to loopback).
_LOOPBACK = _networks("127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128")
_NOT_UNICAST = _networks("224.0.0.0/4", "240.0.0.0/4", "ff00::/8")

# IPv6 forms that carry an IPv4 address, and how far it is from the right: IPv4-mapped and IPv4-compatible (RFC 4291),
# IPv4-translated (RFC 2765), NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056).
_CARRIERS = tuple(
    (IPv6Network(text), shift)
    for text, shift in (
        ("::ffff:0:0/96", 0), ("::/96", 0), ("::ffff:0:0:0/96", 0),
        ("64:ff9b::/96", 0), ("64:ff9b:1::/48", 0), ("2002::/16", 80),
    )
)  # fmt: skip
_TEREDO = IPv6Network("2001::/32")  # RFC 4380: the client's IPv4 address, every bit turned over, is at the end
_ISATAP = (0x00005EFE, 0x02005EFE)  # RFC 5214: the upper half of the interface identifier


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """The addresses that HTTP tasks and `ctx.http` may reach.

    Link-local and cloud-metadata addresses are always refused. Beyond that `allow` wins over `deny`, so a wide `deny`
    can have exceptions. Loopback needs `loopback_allowed` (the server itself listens on loopback only) or `allow`.
    Everything else, private networks included, is allowed unless `deny` names it.
    """

    allow: tuple[Network, ...] = ()
    deny: tuple[Network, ...] = ()
    loopback_allowed: bool = False

    @classmethod
    def from_text(cls, text: str) -> AddressPolicy:
        """The policy that `to_text` wrote; raises ValueError for any other text."""
        allow, deny, loopback_allowed = json.loads(text)
        return cls(_networks(*allow), _networks(*deny), bool(loopback_allowed))

    def to_text(self) -> str:
        """One line that says it all, to tell worker processes."""
        return json.dumps([list(map(str, self.allow)), list(map(str, self.deny)), self.loopback_allowed])

    def check(self, address: Address) -> None:
        """Raise AddressRefused unless `address`, and any IPv4 address inside it, may be reached.

        >>> AddressPolicy().check(ip_address("192.168.1.10"))
        >>> AddressPolicy(loopback_allowed=True).check(ip_address("127.0.0.1"))
        """
        for each in _with_embedded(address):
            fault = self._fault_of(each)
            if fault is not None:
                name = str(address) if each == address else f"{address} (which stands for {each})"
                raise AddressRefused(f"cronplug may not connect to {name}: {fault}")

    def check_text(self, text: str) -> None:
        """The same for an address as a resolver gives it, or as it stands in a URL."""
        try:
            address = ip_address(text)
        except ValueError:
            # The system's own reading of such a text could differ from ours: refuse it rather than guess.
            raise AddressRefused(f"cronplug may not connect to {text!r}: it is not a plain IP address.") from None
        self.check(address)

    def _fault_of(self, address: Address) -> str | None:
        if _within(address, _METADATA):
            return "link-local and cloud-metadata addresses are always refused."
        if _within(address, _NOT_UNICAST):
            return "it is a multicast or reserved address."
        if _within(address, self.allow):
            return None
        denied = next((network for network in self.deny if address in network), None)
        if denied is not None:
            return f"SCHEDULER_HTTP_DENY names {denied}. Take it out there, or add {address} to SCHEDULER_HTTP_ALLOW."
        if not self.loopback_allowed and _within(address, _LOOPBACK):
            return f"it is this machine itself. Add {address} to SCHEDULER_HTTP_ALLOW to allow it."
        return None


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _with_embedded(address: Address) -> Iterator[Address]:
    if isinstance(address, IPv4Address):
        yield address
        return
    number = int(address)
    plain = IPv6Address(number)  # without a scope such as %eth0
    if plain.ipv4_mapped is None:  # a mapped address is nothing but its IPv4 address
        yield plain
    if plain.is_loopback or plain.is_unspecified:
        return
    for network, shift in _CARRIERS:
        if plain in network:
            yield IPv4Address(number >> shift & 0xFFFFFFFF)
    if plain in _TEREDO:
        yield IPv4Address(~number & 0xFFFFFFFF)
    if number >> 32 & 0xFFFFFFFF in _ISATAP:
        yield IPv4Address(number & 0xFFFFFFFF)
