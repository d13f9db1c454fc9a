"""Users in SQLite: the table `user`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twinstream.errors import RequestError
from twinstream.model.principal import Operator, User
from twinstream.model.user import Account
from twinstream.ports.user import Credentials
from twinstream.sqlite.repository import Repository, Row

_COLUMNS = "id, uuid, oem, email, role, firstname, lastname, created_at, updated_at"


class Users(Repository):
    """See `ports.user.Users`."""

    def add(
        self,
        operator: Operator,
        oem: str,
        uuid: str,
        email: str,
        password_hash: str,
        role: str,
        firstname: str,
        lastname: str,
    ) -> Account:
        """Add a user."""
        if self._first("SELECT 1 FROM oem WHERE id = ?", (oem,)) is None:
            raise RequestError("not_found", "There is no such OEM.")
        row = self._first(
            "INSERT INTO user (uuid, oem, email, password_hash, role, firstname, lastname, created_at, updated_at)"
            f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (oem, email) DO NOTHING RETURNING {_COLUMNS}",
            (uuid, oem, email, password_hash, role, firstname, lastname, self._now_s, self._now_s),
        )
        if row is None:
            raise RequestError("conflict", "A user with this email exists.")
        return _read_row(row)

    def find(self, operator: Operator, uuid: str) -> Account | None:
        """Find any user."""
        return self._find_one(f"SELECT {_COLUMNS} FROM user WHERE uuid = ?", (uuid,))

    def list_of_oem(self, operator: Operator, oem: str) -> Sequence[Account]:
        """List an OEM's users."""
        rows = self._run(f"SELECT {_COLUMNS} FROM user WHERE oem = ? ORDER BY id", (oem,))
        return [_read_row(row) for row in rows]

    def profile(self, user: User) -> Account | None:
        """Find the calling user."""
        return self._find_one(f"SELECT {_COLUMNS} FROM user WHERE id = ? AND oem = ?", (user.id, user.oem))

    def find_credentials(self, email: str, oem: str | None) -> Credentials | None:
        """Find who signs in."""
        rows = self._run(
            "SELECT id, uuid, oem, email, role, password_hash FROM user"
            " WHERE email = ?1 AND (?2 IS NULL OR oem = ?2) LIMIT 2",
            (email, oem),
        )
        if len(rows) != 1:
            return None
        *user, password_hash = rows[0]
        return Credentials(User(*user), password_hash)

    def set_role(self, operator: Operator, uuid: str, role: str) -> Account | None:
        """Change a user's role."""
        return self._find_one(
            f"UPDATE user SET role = ?, updated_at = ? WHERE uuid = ? RETURNING {_COLUMNS}", (role, self._now_s, uuid)
        )

    def set_password(self, operator: Operator, uuid: str, password_hash: str) -> Account | None:
        """Change a user's password."""
        return self._find_one(
            f"UPDATE user SET password_hash = ?, updated_at = ? WHERE uuid = ? RETURNING {_COLUMNS}",
            (password_hash, self._now_s, uuid),
        )

    def remove(self, operator: Operator, uuid: str) -> bool:
        """Delete a user."""
        if self._first("SELECT 1 FROM device WHERE user_uuid = ?", (uuid,)) is not None:
            raise RequestError("conflict", "The user owns a device; unregister it first.")
        self._run("DELETE FROM share WHERE owner_uuid = ?1 OR user_uuid = ?1", (uuid,))
        self._run("DELETE FROM token WHERE user_id IN (SELECT id FROM user WHERE uuid = ?)", (uuid,))
        return bool(self._run("DELETE FROM user WHERE uuid = ? RETURNING id", (uuid,)))

    def _find_one(self, statement: str, values: tuple[Any, ...]) -> Account | None:
        row = self._first(statement, values)
        return _read_row(row) if row else None


def _read_row(row: Row) -> Account:
    user_id, uuid, oem, email, role, firstname, lastname, created_at, updated_at = row
    return Account(User(user_id, uuid, oem, email, role), firstname, lastname, created_at, updated_at)
