"""Which addresses are public, in whatever form they are written."""

from __future__ import annotations

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.sources.addresses import RefusedError, allowed, is_public

PRIVATE = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.2.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
]  # fmt: skip
PRIVATE6 = ["::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8", "2001:db8::/32"]


@given(st.sampled_from(PRIVATE), st.floats(0, 1))
def test_special_ipv4_networks_are_not_public_nor_in_ipv6_clothes(network: str, where: float) -> None:
    net = ipaddress.IPv4Network(network)
    address = net[int(where * (net.num_addresses - 1))]
    assert not is_public(str(address))
    assert not is_public(f"::ffff:{address}")
    assert not is_public(f"64:ff9b::{address}")
    assert not is_public(str(ipaddress.IPv6Address((0x2002 << 112) | (int(address) << 80) | 1)))


@given(st.sampled_from(PRIVATE6), st.integers(0, 2**64))
def test_special_ipv6_networks_are_not_public(network: str, offset: int) -> None:
    net = ipaddress.IPv6Network(network)
    assert not is_public(str(net[offset % net.num_addresses]))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_others_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", ["", "example.org", "1.2.3", "fe80::1%eth0"])
def test_what_is_no_address_is_not(address: str) -> None:
    assert not is_public(address)


def test_only_the_public_ones_of_a_name_are_connected_to() -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("10.0.0.1", "8.8.8.8", "8.8.8.8")]
    assert allowed(found, "rebound.example") == ["8.8.8.8"]
    with pytest.raises(RefusedError, match=r"rebound\.example is 10\.0\.0\.1"):
        allowed(found[:1], "rebound.example")
