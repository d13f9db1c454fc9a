"""Associations in SQLite: the table `association`."""

from __future__ import annotations

from collections.abc import Sequence

from twinstream.model.association import Association
from twinstream.ports.role import RoleLabel
from twinstream.sqlite.repository import Repository

_ASSOCIATIONS = """
    SELECT user.id, user.uuid, user.email, user.firstname, user.lastname,
        association.role, association.key, association.value
    FROM association JOIN user ON user.id = association.user_id"""


class Associations(Repository):
    """See `ports.association.Associations`."""

    def put(self, user_id: int, label: RoleLabel) -> None:
        """Tie a user to a role and label."""
        self._run(
            "INSERT OR REPLACE INTO association VALUES (?, ?, ?, ?)", (user_id, label.role, label.key, label.value)
        )

    def remove(self, user_id: int, role: str, key: str) -> bool:
        """Delete a tie."""
        removed = self._run(
            "DELETE FROM association WHERE user_id = ? AND role = ? AND key = ? RETURNING 1", (user_id, role, key)
        )
        return bool(removed)

    def list_of_user(self, user_id: int) -> Sequence[Association]:
        """List a user's ties."""
        rows = self._run(
            f"{_ASSOCIATIONS} WHERE association.user_id = ? ORDER BY association.role, association.key", (user_id,)
        )
        return [Association(*row) for row in rows]

    def list_of_label(self, oem: str, label: RoleLabel) -> Sequence[Association]:
        """List the ties to a role and label."""
        rows = self._run(
            f"{_ASSOCIATIONS} WHERE association.key = ? AND association.value = ? AND association.role = ?"
            " AND user.oem = ? ORDER BY user.id",
            (label.key, label.value, label.role, oem),
        )
        return [Association(*row) for row in rows]
