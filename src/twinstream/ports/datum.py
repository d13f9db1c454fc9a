"""Stored metadata of devices, and of users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twinstream.model.datum import Datum


class Data(Protocol):
    """Metadata by owner (a device by its key, or a user by id) and key. Whoever asks: the caller has looked."""

    def list_all(self, owner: int) -> Sequence[Datum]:
        """List an owner's data, by key."""

    def find(self, owner: int, key: str) -> Datum | None:
        """Find one."""

    def put(self, owner: int, key: str, value: str) -> None:
        """Store a value under a new key, or in place of the one there."""

    def remove(self, owner: int, key: str) -> None:
        """Delete one, if it is there."""

    def remove_all(self, owner: int) -> None:
        """Delete all of an owner's."""
