"""Tokens in SQLite: the table `token`; `created_at` is the time of the pair, not of its family.

`spent` is 0 for a pair in force, else when it was refreshed, which is when its successor was made; 1 if that is over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twinstream.model.principal import User
from twinstream.ports.token import GRACE_S, Pair, Refreshed
from twinstream.ports.user import Credentials
from twinstream.sqlite.repository import Repository


class Tokens(Repository):
    """See `ports.token.Tokens`."""

    def add(self, credentials: Credentials, family: str, app_id: str | None, pair: Pair) -> bool:
        """Begin a family."""
        added = self._run(
            "INSERT INTO token (access_hash, refresh_hash, family, user_id, app_id, created_at, expires_at)"
            " SELECT ?, ?, ?, id, ?, ?, ? FROM user WHERE id = ? AND password_hash = ? RETURNING 1",
            (
                pair.access_hash,
                pair.refresh_hash,
                family,
                app_id,
                self._now_s,
                pair.expires_at,
                credentials.user.id,
                credentials.password_hash,
            ),
        )
        return bool(added)

    def find_user(self, access_hash: str) -> tuple[User, float] | None:
        """Find whom an access token stands for."""
        row = self._first(
            "SELECT user.id, user.uuid, user.oem, user.email, user.role, token.expires_at"
            " FROM token JOIN user ON user.id = token.user_id WHERE token.access_hash = ? AND NOT token.spent",
            (access_hash,),
        )
        return (User(*row[:5]), row[5]) if row else None

    def refresh(self, refresh_hash: str, pair: Pair, idle_s: float, is_used: Callable[[str], bool]) -> Refreshed:
        """Replace a pair, or revoke its family."""
        row = self._first(
            "SELECT user.id, user.uuid, user.oem, user.email, user.role,"
            " token.access_hash, token.family, token.app_id, token.spent, token.created_at"
            " FROM token JOIN user ON user.id = token.user_id WHERE token.refresh_hash = ?",
            (refresh_hash,),
        )
        if row is None:
            return Refreshed(None, ())
        *user, access_hash, family, app_id, spent, created_at = row
        made_at, spent_at = self._now_s, self._now_s
        if spent and self._now_s - spent <= GRACE_S:
            access_hash = self._find_successor(family, spent)
            made_at, spent_at = spent, 1.0
            spent = access_hash is None or is_used(access_hash)
        if spent or created_at + idle_s <= self._now_s:
            return Refreshed(None, self._revoke(family))
        self._run("UPDATE token SET spent = ? WHERE access_hash = ?", (spent_at, access_hash))
        self._run(
            "INSERT INTO token (access_hash, refresh_hash, family, user_id, app_id, created_at, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (pair.access_hash, pair.refresh_hash, family, user[0], app_id, made_at, pair.expires_at),
        )
        return Refreshed(User(*user), (access_hash,))

    def revoke_family(self, access_hash: str) -> Sequence[str]:
        """Delete the family of an access token."""
        row = self._first("SELECT family FROM token WHERE access_hash = ?", (access_hash,))
        return self._revoke(row[0]) if row else ()

    def revoke_user(self, user_id: int, *, keep: str = "") -> Sequence[str]:
        """Delete a user's pairs."""
        rows = self._run(
            "DELETE FROM token WHERE user_id = ? AND family IS NOT (SELECT family FROM token WHERE access_hash = ?)"
            " RETURNING access_hash",
            (user_id, keep),
        )
        return [access_hash for (access_hash,) in rows]

    def remove_idle(self, before_s: float, limit: int) -> int:
        """Delete old pairs."""
        removed = self._run(
            "DELETE FROM token WHERE access_hash IN (SELECT access_hash FROM token WHERE created_at < ? LIMIT ?)"
            " RETURNING 1",
            (before_s, limit),
        )
        return len(removed)

    def _find_successor(self, family: str, made_at: float) -> str | None:
        row = self._first(
            "SELECT access_hash FROM token WHERE family = ? AND created_at = ? AND NOT spent", (family, made_at)
        )
        return row[0] if row else None

    def _revoke(self, family: str) -> Sequence[str]:
        rows = self._run("DELETE FROM token WHERE family = ? RETURNING access_hash", (family,))
        return [access_hash for (access_hash,) in rows]
