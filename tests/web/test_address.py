"""Client addresses behind proxies."""

from __future__ import annotations

import pytest

from twinstream.web.address import Addresses


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ((), "127.0.0.1", ["1.2.3.4"], "127.0.0.1"),
        (("10.0.0.0/8",), "192.0.2.1", ["1.2.3.4"], "192.0.2.1"),
        (("10.0.0.0/8",), "10.1.1.1", ["1.2.3.4"], "1.2.3.4"),
        (("10.0.0.0/8",), "10.1.1.1", ["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
        (("10.0.0.0/8",), "10.1.1.1", ["6.6.6.6", "1.2.3.4, 10.2.2.2"], "1.2.3.4"),
        (("10.0.0.0/8",), "10.1.1.1", [], "10.1.1.1"),
        (("10.0.0.0/8",), "10.1.1.1", ["10.3.3.3"], "10.3.3.3"),
        (("10.0.0.0/8",), "10.1.1.1", ["unknown"], "10.1.1.1"),
        (("10.0.0.0/8",), "10.1.1.1", ["1.2.3.4, \xff"], "10.1.1.1"),
        (("10.0.0.0/8",), "::ffff:10.1.1.1", ["2001:db8::1"], "2001:db8::1"),
        (("::1",), "::1", ["2001:db8::1"], "2001:db8::1"),
    ],
)
def test_find_client(trusted: tuple[str, ...], peer: str, forwarded: list[str], client: str) -> None:
    """X-Forwarded-For counts from its end, as far as trusted proxies vouch for it."""
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    assert Addresses(trusted).find_client(peer, headers) == client


@pytest.mark.parametrize(
    ("address", "exempt"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("10.1.1.1", True), ("192.0.2.1", False)],
)
def test_is_exempt(address: str, exempt: bool) -> None:
    """This machine and trusted proxies are not counted."""
    assert Addresses(["10.0.0.0/8"]).is_exempt(address) is exempt
