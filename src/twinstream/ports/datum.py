"""Stored metadata of devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twinstream.model.datum import Datum


class DeviceData(Protocol):
    """Metadata by device and key. Whoever asks: the caller has looked whether it may."""

    def list_all(self, device_key: int) -> Sequence[Datum]:
        """List a device's data, by key."""

    def find(self, device_key: int, key: str) -> Datum | None:
        """Find one."""

    def put(self, device_key: int, key: str, value: str) -> None:
        """Store a value under a new key, or in place of the one there."""

    def remove(self, device_key: int, key: str) -> None:
        """Delete one, if it is there."""

    def remove_all(self, device_key: int) -> None:
        """Delete all of a device's."""
