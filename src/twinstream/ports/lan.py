"""Stored keys for the local network."""

from __future__ import annotations

from typing import Protocol

import msgspec


class SealedLanKey(msgspec.Struct, frozen=True):
    """A device's key for its local network: a number that names it, and the key, sealed (`ports.seal`)."""

    id: int
    key: str


class LanKeys(Protocol):
    """At most one key of each device."""

    def find(self, device_key: int) -> SealedLanKey | None:
        """Find a device's key."""

    def add(self, device_key: int, lan_key: SealedLanKey) -> None:
        """Give a device that has none its key."""

    def remove(self, device_key: int) -> None:
        """Take a device's key, if it has one."""
