"""Which addresses are in one network."""

from __future__ import annotations

import pytest

from twinstream.model.registration import find_network


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        ("192.168.1.20", "192.168.1.30", True),
        ("10.0.0.1", "fe80::1%eth0", True),
        ("192.168.1.20", "203.0.113.7", False),
        ("2001:db8:1:2::3", "2001:db8:1:2:ffff::4", True),
        ("2001:db8:1:2::3", "2001:db8:1:3::3", False),
    ],
)
def test_what_is_one_network(one: str, other: str, same: bool) -> None:
    """A public IPv4 address by itself, 64 bits of an IPv6 address, and all private ones together."""
    assert find_network(one) is not None
    assert (find_network(one) == find_network(other)) == same


@pytest.mark.parametrize("ip", [None, "", "testclient", "1.2.3", "1.2.3.4/24"])
def test_what_is_no_address_is_in_no_network(ip: str | None) -> None:
    """And two such are not in the same one."""
    assert find_network(ip) is None
