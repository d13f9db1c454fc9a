"""Metadata of devices in SQLite: the table `device_datum`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.datum import Datum
from twinstream.sqlite.repository import Repository
from twinstream.sqlite.structure import write_object


class DeviceData(Repository):
    """See `ports.datum.DeviceData`."""

    def list_all(self, device_key: int) -> Sequence[Datum]:
        """List a device's data."""
        (row,) = self._run(
            f"SELECT json_group_array({_OBJECT} ORDER BY key) FROM device_datum WHERE device_key = ?", (device_key,)
        )
        return _DATA.decode(row[0])

    def find(self, device_key: int, key: str) -> Datum | None:
        """Find one."""
        row = self._first(f"SELECT {_OBJECT} FROM device_datum WHERE device_key = ? AND key = ?", (device_key, key))
        return None if row is None else _DATUM.decode(row[0])

    def put(self, device_key: int, key: str, value: str) -> None:
        """Store a value."""
        self._run(
            """INSERT INTO device_datum (device_key, key, value, created_at, updated_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (device_key, key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at""",
            (device_key, key, value, self._now_s, self._now_s),
        )

    def remove(self, device_key: int, key: str) -> None:
        """Delete one."""
        self._run("DELETE FROM device_datum WHERE device_key = ? AND key = ?", (device_key, key))

    def remove_all(self, device_key: int) -> None:
        """Delete all of a device's."""
        self._run("DELETE FROM device_datum WHERE device_key = ?", (device_key,))


_OBJECT = write_object(Datum, "device_datum")
_DATUM = msgspec.json.Decoder(Datum)
_DATA = msgspec.json.Decoder(list[Datum])
