"""Users in SQLite: the table `user`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from twinstream.errors import RequestError
from twinstream.model.principal import Operator, User
from twinstream.model.user import Account, Profile
from twinstream.ports.user import Credentials
from twinstream.sqlite.repository import Repository, Row

_COLUMNS = """id, uuid, oem, email, role, firstname, lastname, created_at, updated_at,
    (SELECT name FROM oem WHERE oem.id = user.oem), confirmed_at IS NOT NULL, profile"""


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
        *,
        profile: Profile = Profile(),  # noqa: B008  # frozen
        confirmed: bool = True,
    ) -> Account:
        """Add a user."""
        if self._first("SELECT 1 FROM oem WHERE id = ?", (oem,)) is None:
            raise RequestError("not_found", "There is no such OEM.")
        row = self._first(
            "INSERT INTO user (uuid, oem, email, password_hash, role, firstname, lastname, profile, confirmed_at,"
            " created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, iif(?9, ?10, NULL), ?10, ?10)"
            f" ON CONFLICT (oem, email) DO NOTHING RETURNING {_COLUMNS}",
            (
                uuid,
                oem,
                email,
                password_hash,
                role,
                firstname,
                lastname,
                _encode(profile),
                confirmed,
                self._now_s,
            ),
        )
        if row is None:
            raise RequestError("conflict", "A user with this email exists.")
        return _read_row(row)

    def find(self, operator: Operator, uuid: str) -> Account | None:
        """Find any user."""
        return self._find_one(f"SELECT {_COLUMNS} FROM user WHERE uuid = ?", (uuid,))

    def find_by_email(self, operator: Operator, oem: str, email: str) -> Account | None:
        """Find an OEM's user by email."""
        return self._find_one(f"SELECT {_COLUMNS} FROM user WHERE email = ? AND oem = ?", (email, oem))

    def find_by_sso(self, operator: Operator, oem: str, sso_uuid: str) -> Account | None:
        """Find an identity provider's user."""
        return self._find_one(f"SELECT {_COLUMNS} FROM user WHERE oem = ? AND sso_uuid = ?", (oem, sso_uuid))

    def set_sso(self, operator: Operator, uuid: str, sso_uuid: str) -> None:
        """Bind a user to an identity provider's."""
        self._run("UPDATE user SET sso_uuid = ? WHERE uuid = ?", (sso_uuid, uuid))

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
            "SELECT id, uuid, oem, email, role, password_hash, confirmed_at IS NOT NULL FROM user"
            " WHERE email = ?1 AND (?2 IS NULL OR oem = ?2) LIMIT 2",
            (email, oem),
        )
        if len(rows) != 1:
            return None
        *user, password_hash, confirmed = rows[0]
        return Credentials(User(*user), password_hash, bool(confirmed))

    def set_role(self, operator: Operator, uuid: str, role: str) -> Account | None:
        """Change a user's role."""
        return self._find_one(
            f"UPDATE user SET role = ?, updated_at = ? WHERE uuid = ? RETURNING {_COLUMNS}", (role, self._now_s, uuid)
        )

    def describe(
        self, operator: Operator, uuid: str, firstname: str, lastname: str, profile: Profile
    ) -> Account | None:
        """Replace what a user has told."""
        return self._find_one(
            "UPDATE user SET firstname = ?, lastname = ?, profile = ?, updated_at = ? WHERE uuid = ?"
            f" RETURNING {_COLUMNS}",
            (firstname, lastname, _encode(profile), self._now_s, uuid),
        )

    def confirm(self, operator: Operator, uuid: str, email: str) -> Account | None:
        """Give a user a confirmed email."""
        taken = "SELECT 1 FROM user WHERE email = ?1 AND uuid <> ?2 AND oem = (SELECT oem FROM user WHERE uuid = ?2)"
        if self._first(taken, (email, uuid)) is not None:
            raise RequestError("conflict", "A user with this email exists.")
        return self._find_one(
            f"UPDATE user SET email = ?, confirmed_at = ?, updated_at = ? WHERE uuid = ? RETURNING {_COLUMNS}",
            (email, self._now_s, self._now_s, uuid),
        )

    def list_unconfirmed(self, operator: Operator, before_s: float, limit: int) -> Sequence[Account]:
        """List users who will never confirm."""
        rows = self._run(
            f"SELECT {_COLUMNS} FROM user WHERE confirmed_at IS NULL AND created_at < ? AND NOT EXISTS"
            " (SELECT 1 FROM ticket WHERE ticket.user_id = user.id AND ticket.expires_at > ?) LIMIT ?",
            (before_s, self._now_s, limit),
        )
        return [_read_row(row) for row in rows]

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
    user, (firstname, lastname, created_at, updated_at, oem_name, confirmed, profile) = row[:5], row[5:]
    return Account(
        User(*user), firstname, lastname, created_at, updated_at, oem_name, bool(confirmed), _PROFILE.decode(profile)
    )


def _encode(profile: Profile) -> str:
    return msgspec.json.encode(profile).decode()


_PROFILE = msgspec.json.Decoder(Profile)
