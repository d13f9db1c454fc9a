"""Role labels in SQLite: the table `role_label`."""

from __future__ import annotations

from collections.abc import Sequence

from twinstream.ports.role import RoleLabel
from twinstream.sqlite.repository import Repository


class RoleLabels(Repository):
    """See `ports.role.RoleLabels`."""

    def put(self, user_id: int, label: RoleLabel) -> None:
        """Store a label."""
        self._run(
            "INSERT OR REPLACE INTO role_label VALUES (?, ?, ?, ?)", (user_id, label.role, label.key, label.value)
        )

    def remove(self, user_id: int, role: str, key: str) -> bool:
        """Delete a label."""
        removed = self._run(
            "DELETE FROM role_label WHERE user_id = ? AND role = ? AND key = ? RETURNING 1", (user_id, role, key)
        )
        return bool(removed)

    def remove_all(self, user_id: int) -> None:
        """Delete a user's labels."""
        self._run("DELETE FROM role_label WHERE user_id = ?", (user_id,))

    def list_of_user(self, user_id: int) -> Sequence[RoleLabel]:
        """List a user's labels."""
        rows = self._run("SELECT role, key, value FROM role_label WHERE user_id = ? ORDER BY key", (user_id,))
        return [RoleLabel(*row) for row in rows]

    def find_users(self, oem: str, role: str | None, key: str, value: str) -> Sequence[str]:
        """Find users with a label."""
        rows = self._run(
            "SELECT DISTINCT user.uuid FROM role_label JOIN user ON user.id = role_label.user_id"
            " WHERE role_label.key = ?1 AND role_label.value = ?2 AND user.oem = ?3"
            " AND (?4 IS NULL OR role_label.role = ?4)",
            (key, value, oem, role),
        )
        return [uuid for (uuid,) in rows]
