"""The address check of HTTP tasks, as a policy and at the connect."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from cronplug.executors.guard import AddressPolicy, AddressRefused

DEFAULT = AddressPolicy()
ON_LOOPBACK = AddressPolicy(loopback_allowed=True)

ALWAYS_REFUSED = [
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "fe80::1",
    "fe80::1%1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "ff02::1",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:5601:5601",
    "2001:db8::5efe:a9fe:a9fe",
]
THIS_MACHINE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:db8::200:5efe:7f00:1",
]
ORDINARY = [
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.10",
    "100.64.0.1",
    "fd12:3456::1",
    "93.184.216.34",
    "2606:2800:220:1::1",
    "64:ff9b::5db8:d822",
]


@pytest.mark.parametrize("text", ALWAYS_REFUSED)
def test_metadata_and_reserved_addresses_are_refused_whatever_the_settings_say(text: str) -> None:
    everything = AddressPolicy(allow=(ip_network("0.0.0.0/0"), ip_network("::/0")), loopback_allowed=True)

    for policy in (DEFAULT, ON_LOOPBACK, everything):
        with pytest.raises(AddressRefused):
            policy.check(ip_address(text))


@pytest.mark.parametrize("text", THIS_MACHINE)
def test_this_machine_is_refused_by_default_and_the_refusal_names_the_setting(text: str) -> None:
    with pytest.raises(AddressRefused, match="SCHEDULER_HTTP_ALLOW"):
        DEFAULT.check(ip_address(text))


@pytest.mark.parametrize("text", THIS_MACHINE)
def test_this_machine_is_reached_when_the_server_listens_on_loopback_only(text: str) -> None:
    ON_LOOPBACK.check(ip_address(text))


@pytest.mark.parametrize("text", ORDINARY)
def test_public_and_private_addresses_are_allowed(text: str) -> None:
    DEFAULT.check(ip_address(text))


@pytest.mark.parametrize("text", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203"])
def test_a_denied_network_is_refused_in_every_form(text: str) -> None:
    policy = AddressPolicy(deny=(ip_network("10.0.0.0/8"),))

    with pytest.raises(AddressRefused, match=r"SCHEDULER_HTTP_DENY names 10\.0\.0\.0/8"):
        policy.check(ip_address(text))


def test_allow_makes_exceptions_to_deny() -> None:
    policy = AddressPolicy(allow=(ip_network("10.1.2.0/24"),), deny=(ip_network("10.0.0.0/8"),))

    policy.check(ip_address("10.1.2.3"))
    with pytest.raises(AddressRefused):
        policy.check(ip_address("10.9.9.9"))


def test_deny_wins_over_loopback_being_allowed() -> None:
    policy = AddressPolicy(deny=(ip_network("127.0.0.2/32"),), loopback_allowed=True)

    policy.check(ip_address("127.0.0.1"))
    with pytest.raises(AddressRefused):
        policy.check(ip_address("127.0.0.2"))


def test_allowing_one_loopback_address_allows_no_other() -> None:
    policy = AddressPolicy(allow=(ip_network("127.0.0.1/32"),))

    policy.check(ip_address("127.0.0.1"))
    policy.check(ip_address("::ffff:127.0.0.1"))
    for other in ("127.0.0.2", "::1"):
        with pytest.raises(AddressRefused):
            policy.check(ip_address(other))
