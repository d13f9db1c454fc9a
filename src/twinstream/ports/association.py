"""Stored associations: users tied to whoever has a role with a label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twinstream.model.association import Association
from twinstream.ports.role import RoleLabel


class Associations(Protocol):
    """Ties by user, role and key. Whoever asks: the caller has looked whether it may."""

    def put(self, user_id: int, label: RoleLabel) -> None:
        """Tie a user to a role and label, in place of a tie to the same role and key."""

    def remove(self, user_id: int, role: str, key: str) -> bool:
        """Delete one. False if it is not there."""

    def list_of_user(self, user_id: int) -> Sequence[Association]:
        """List a user's, by role and key."""

    def list_of_label(self, oem: str, label: RoleLabel) -> Sequence[Association]:
        """List the OEM's ties to a role and label, by user id."""
