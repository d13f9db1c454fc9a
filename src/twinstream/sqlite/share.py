"""Shares in SQLite: the table `share`.

Invariant: `_SHARES` joins the device and its present owner, so a share that its giver could not make any more is not
there. The plus signs keep SQLite from going through all devices of an OEM.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from twinstream.errors import RequestError
from twinstream.model.principal import User
from twinstream.model.share import Operation, Party, Share, ShareTerms
from twinstream.sqlite.repository import Repository, Row

_SHARES = """
    SELECT share.id, share.dsn, share.operation, share.start_at, share.end_at, share.created_at, share.updated_at,
        owner.id, owner.uuid, owner.email, owner.firstname, owner.lastname,
        holder.id, holder.uuid, holder.email, holder.firstname, holder.lastname, share.role
    FROM share
    JOIN device ON device.dsn = share.dsn AND device.user_uuid = share.owner_uuid
    JOIN user AS owner ON owner.uuid = share.owner_uuid AND owner.oem = +device.oem
    JOIN user AS holder ON holder.uuid = share.user_uuid AND holder.oem = +device.oem
    WHERE (share.end_at IS NULL OR share.end_at > :now_s)"""

_NOT_ENDED = "(end_at IS NULL OR end_at > ?)"


class Shares(Repository):
    """See `ports.share.Shares`."""

    def add(self, owner: User, dsn: str, email: str, terms: ShareTerms) -> Share:
        """Add a share."""
        device = self._first(
            "SELECT 1 FROM device WHERE dsn = ? AND oem = ? AND user_uuid = ?", (dsn, owner.oem, owner.uuid)
        )
        if device is None:
            raise RequestError("not_found", "There is no such device, or it is not yours.")
        holder = self._first("SELECT uuid FROM user WHERE oem = ? AND email = ?", (owner.oem, email))
        if holder is None:
            raise RequestError("not_found", "No user has this user_email.")
        if holder[0] == owner.uuid:
            raise RequestError("invalid", "user_email is that of the owner.", field="user_email")
        self._run(
            "DELETE FROM share WHERE dsn = ? AND user_uuid = ? AND (end_at <= ? OR owner_uuid <> ?)",
            (dsn, holder[0], self._now_s, owner.uuid),
        )
        row = self._first(
            "INSERT INTO share (dsn, owner_uuid, user_uuid, operation, start_at, end_at, role, created_at, updated_at)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) ON CONFLICT (dsn, user_uuid) DO NOTHING RETURNING id",
            (dsn, owner.uuid, holder[0], terms.operation, terms.start_at, terms.end_at, terms.role, self._now_s),
        )
        if row is None:
            raise RequestError("conflict", "The device is shared with this user already.")
        return self._read("share.id = :id", id=row[0], now_s=0.0)[0]

    def find(self, user: User, share_id: int) -> Share | None:
        """Find a share given or got."""
        found = self._read(
            "share.id = :id AND :uuid IN (share.owner_uuid, share.user_uuid)", id=share_id, uuid=user.uuid
        )
        return found[0] if found else None

    def list_given(self, user: User) -> Sequence[Share]:
        """List shares given."""
        return self._read("share.owner_uuid = :uuid", uuid=user.uuid)

    def list_received(self, user: User) -> Sequence[Share]:
        """List shares got."""
        return self._read("share.user_uuid = :uuid", uuid=user.uuid)

    def amend(self, owner: User, share_id: int, terms: ShareTerms) -> Share | None:
        """Replace a share's terms."""
        if not self._read("share.id = :id AND share.owner_uuid = :uuid", id=share_id, uuid=owner.uuid):
            return None
        self._run(
            "UPDATE share SET operation = ?, start_at = ?, end_at = ?, role = ?, updated_at = ?"
            " WHERE id = ? AND owner_uuid = ?",
            (terms.operation, terms.start_at, terms.end_at, terms.role, self._now_s, share_id, owner.uuid),
        )
        return self._read("share.id = :id", id=share_id, now_s=0.0)[0]

    def remove(self, user: User, share_id: int) -> bool:
        """Delete a share given or got."""
        removed = self._run(
            f"DELETE FROM share WHERE id = ? AND ? IN (owner_uuid, user_uuid) AND {_NOT_ENDED} RETURNING id",
            (share_id, user.uuid, self._now_s),
        )
        return bool(removed)

    def remove_of_device(self, user: User, dsn: str) -> int:
        """Delete a device's shares given or got."""
        removed = self._run(
            f"DELETE FROM share WHERE dsn = ? AND ? IN (owner_uuid, user_uuid) AND {_NOT_ENDED} RETURNING id",
            (dsn, user.uuid, self._now_s),
        )
        return len(removed)

    def end_all(self, dsn: str) -> None:
        """Delete all shares of a device."""
        self._run("DELETE FROM share WHERE dsn = ?", (dsn,))

    def find_holders(self, dsns: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Find whose shares count now."""
        rows = self._run(
            """
            SELECT share.dsn, json_group_array(share.user_uuid ORDER BY share.user_uuid) FROM share
            JOIN device ON device.dsn = share.dsn AND device.user_uuid = share.owner_uuid
            WHERE share.dsn IN (SELECT value FROM json_each(:dsns))
                AND (share.start_at IS NULL OR share.start_at <= :now_s)
                AND (share.end_at IS NULL OR share.end_at > :now_s)
            GROUP BY share.dsn""",
            {"dsns": json.dumps(list(dsns)), "now_s": self._now_s},
        )
        return {dsn: tuple(json.loads(uuids)) for dsn, uuids in rows}

    def _read(self, condition: str, **values: Any) -> list[Share]:
        values.setdefault("now_s", self._now_s)
        rows = self._run(f"{_SHARES} AND {condition} ORDER BY share.id", values)
        return [_read_row(row) for row in rows]


def _read_row(row: Row) -> Share:
    share_id, dsn, operation, start_at, end_at, created_at, updated_at = row[:7]
    owner, holder = Party(*row[7:12]), Party(*row[12:17])
    terms = ShareTerms(Operation(operation), start_at, end_at, row[17])
    return Share(share_id, dsn, owner, holder, terms, created_at, updated_at)
