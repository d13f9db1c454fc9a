"""Metadata in SQLite: the tables `device_datum` and `user_datum`, alike but for whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from twinstream.model.datum import Datum
from twinstream.sqlite.repository import Repository
from twinstream.sqlite.structure import write_object


class _Data(Repository):
    """See `ports.datum.Data`."""

    table: ClassVar[str]
    owner: ClassVar[str]
    datum: ClassVar[str]

    def list_all(self, owner: int) -> Sequence[Datum]:
        """List an owner's data."""
        (row,) = self._run(
            f"SELECT json_group_array({self.datum} ORDER BY key) FROM {self.table} WHERE {self.owner} = ?", (owner,)
        )
        return _DATA.decode(row[0])

    def find(self, owner: int, key: str) -> Datum | None:
        """Find one."""
        row = self._first(f"SELECT {self.datum} FROM {self.table} WHERE {self.owner} = ? AND key = ?", (owner, key))
        return None if row is None else _DATUM.decode(row[0])

    def put(self, owner: int, key: str, value: str) -> None:
        """Store a value."""
        self._run(
            f"""INSERT INTO {self.table} ({self.owner}, key, value, created_at, updated_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT ({self.owner}, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at""",
            (owner, key, value, self._now_s, self._now_s),
        )

    def remove(self, owner: int, key: str) -> None:
        """Delete one."""
        self._run(f"DELETE FROM {self.table} WHERE {self.owner} = ? AND key = ?", (owner, key))

    def remove_all(self, owner: int) -> None:
        """Delete all of an owner's."""
        self._run(f"DELETE FROM {self.table} WHERE {self.owner} = ?", (owner,))


class DeviceData(_Data):
    """Those of devices, by key."""

    table = "device_datum"
    owner = "device_key"
    datum = write_object(Datum, "device_datum")


class UserData(_Data):
    """Those of users, by id."""

    table = "user_datum"
    owner = "user_id"
    datum = write_object(Datum, "user_datum")


_DATUM = msgspec.json.Decoder(Datum)
_DATA = msgspec.json.Decoder(list[Datum])
