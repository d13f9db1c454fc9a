"""Role labels of devices in SQLite: the table `device_role`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import msgspec

from twinstream.errors import RequestError
from twinstream.model.device_role import DeviceRole
from twinstream.sqlite.repository import Repository
from twinstream.sqlite.structure import write_object


class DeviceRoles(Repository):
    """See `ports.device_role.DeviceRoles`."""

    def add(self, device_key: int, role_name: str, description: str) -> DeviceRole:
        """Add a role."""
        row = self._first(
            "INSERT INTO device_role (device_key, role_name, description, created_at, updated_at)"
            f" VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (device_key, role_name) DO NOTHING RETURNING {_OBJECT}",
            (device_key, role_name, description, self._now_s),
        )
        if row is None:
            raise RequestError("conflict", _TAKEN, field="role_name")
        return _ROLE.decode(row[0])

    def find(self, role_id: int) -> DeviceRole | None:
        """Find a role."""
        row = self._first(f"SELECT {_OBJECT} FROM device_role WHERE id = ?", (role_id,))
        return None if row is None else _ROLE.decode(row[0])

    def list_of(self, device_keys: Sequence[int]) -> Sequence[DeviceRole]:
        """List devices' roles."""
        (row,) = self._run(
            f"SELECT json_group_array({_OBJECT} ORDER BY device_role.id) FROM device_role"
            " WHERE device_key IN (SELECT value FROM json_each(?))",
            (json.dumps(list(device_keys)),),
        )
        return _ROLES.decode(row[0])

    def change(self, role_id: int, role_name: str, description: str, labels: Mapping[str, str]) -> DeviceRole | None:
        """Replace what can change of a role."""
        row = self._first(
            "UPDATE OR IGNORE device_role SET role_name = ?, description = ?, labels = ?, updated_at = ?"
            f" WHERE id = ? RETURNING {_OBJECT}",
            (role_name, description, json.dumps(dict(labels)), self._now_s, role_id),
        )
        if row is None and self.find(role_id) is not None:
            raise RequestError("conflict", _TAKEN, field="role_name")
        return None if row is None else _ROLE.decode(row[0])

    def remove(self, role_id: int) -> None:
        """Delete a role."""
        self._run("DELETE FROM device_role WHERE id = ?", (role_id,))

    def remove_all(self, device_key: int) -> None:
        """Delete a device's roles."""
        self._run("DELETE FROM device_role WHERE device_key = ?", (device_key,))


_TAKEN = "The device has a role label with this role_name already."
_OBJECT = write_object(DeviceRole, "device_role", labels="json(device_role.labels)")
_ROLE = msgspec.json.Decoder(DeviceRole)
_ROLES = msgspec.json.Decoder(list[DeviceRole])
