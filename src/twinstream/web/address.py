"""Where a request comes from, when there may be proxies in between.

Owns who is believed about addresses and whom the limits per address do not count. Knows no limit itself.
Invariant: what a peer that is not a trusted proxy says about addresses is ignored.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable


class Addresses:
    """Reads client addresses.

    Args:
        trusted_proxies: addresses and networks (``10.0.0.0/8``) whose ``X-Forwarded-For`` is believed.
    """

    def __init__(self, trusted_proxies: Iterable[str] = ()) -> None:
        self._trusted = tuple(ipaddress.ip_network(proxy) for proxy in trusted_proxies)

    def find_client(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Answer the client's address: the peer's, or what the nearest proxies that are trusted say it is.

        ``X-Forwarded-For`` is read from its end, since everything before the last trusted entry is the client's own
        claim.
        """
        if not self._trusted:
            return peer
        claims = b",".join(value for name, value in headers if name == b"x-forwarded-for")
        forwarded = claims.decode("latin-1").split(",")
        address = peer
        while forwarded and self._is_trusted(address):
            claimed = forwarded.pop().strip()
            if _parse(claimed) is None:
                break
            address = claimed
        return address

    def is_exempt(self, address: str) -> bool:
        """Tell whether limits per address leave this one alone: this machine, and trusted proxies."""
        parsed = _parse(address)
        return parsed is None or parsed.is_loopback or self._is_trusted(address)

    def _is_trusted(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


def _parse(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
