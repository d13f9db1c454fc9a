"""Which node was behind a gateway under which address."""

from __future__ import annotations

from typing import Protocol


class Nodes(Protocol):
    """Remembers nodes also after they have left, so that one that comes back has its DSN again."""

    def find(self, gateway_key: int, address: str) -> int | None:
        """Find the key of the node that is or was behind the gateway under this address."""

    def add(self, gateway_key: int, address: str, device_key: int) -> None:
        """Remember a node under an address that is new at this gateway."""

    def count(self, gateway_key: int) -> int:
        """Count the addresses that are known of a gateway."""
