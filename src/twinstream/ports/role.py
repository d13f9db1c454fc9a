"""Stored role labels: pairs of key and value that say more about a user's role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec


class RoleLabel(msgspec.Struct, frozen=True):
    """One pair, of a user in a role."""

    role: str
    key: str
    value: str


class RoleLabels(Protocol):
    """Labels by user and role. Whoever asks: the caller has looked whether it may."""

    def put(self, user_id: int, label: RoleLabel) -> None:
        """Store a value under a key, in place of the one there."""

    def remove(self, user_id: int, role: str, key: str) -> bool:
        """Delete one. False if it is not there."""

    def remove_all(self, user_id: int) -> None:
        """Delete all of a user's."""

    def list_of_user(self, user_id: int) -> Sequence[RoleLabel]:
        """List a user's, by key."""

    def find_users(self, oem: str, role: str | None, key: str, value: str) -> Sequence[str]:
        """Find the UUIDs of an OEM's users who have this label, in this role (None: in any)."""
