"""What waits for devices, in SQLite: the tables `pending` (values) and `command`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.command import Command, Pending, PendingValue
from twinstream.ports.command import NewValue
from twinstream.sqlite.device import encode
from twinstream.sqlite.repository import Repository
from twinstream.sqlite.structure import write_object


class Commands(Repository):
    """See `ports.command.Commands`."""

    def add_values(self, values: Sequence[NewValue]) -> None:
        """Let values wait, in place of what waited."""
        rows = [(value.property_key, value.device_key, value.datapoint_id, value.value) for value in values]
        self._run(
            """INSERT OR REPLACE INTO pending (property_key, device_key, datapoint_id, value)
            SELECT row.value ->> 0, row.value ->> 1, row.value ->> 2, row.value -> 3 FROM json_each(?) AS row""",
            (encode(rows),),
        )

    def add_command(self, device_key: int, method: str, resource: str, uri: str, body: str) -> int:
        """Let a command wait, in place of those for the same resource."""
        self._run("DELETE FROM command WHERE device_key = ? AND resource = ?", (device_key, resource))
        (row,) = self._run(
            "INSERT INTO command (device_key, method, resource, uri, body, created_at) VALUES (?, ?, ?, ?, ?, ?)"
            " RETURNING id",
            (device_key, method, resource, uri, body, self._now_s),
        )
        return int(row[0])

    def list_pending(self, device_key: int, limit: int) -> Pending:
        """List what waits."""
        (row,) = self._run(_LIST_PENDING, {"device_key": device_key, "limit": limit})
        values, commands = _VALUES.decode(row[0]), _COMMANDS.decode(row[1])
        more = len(values) > limit or len(commands) > limit
        return Pending(values[:limit], commands[:limit], more)

    def remove_values(self, values: Sequence[tuple[int, str]]) -> None:
        """Let these values wait no more."""
        self._run(
            """DELETE FROM pending WHERE property_key IN (
                SELECT waiting.property_key FROM json_each(?) AS gone JOIN pending AS waiting
                ON waiting.property_key = gone.value ->> 0 AND waiting.datapoint_id = gone.value ->> 1)""",
            (encode(values),),
        )

    def remove_commands(self, device_key: int, command_ids: Sequence[int]) -> None:
        """Let these commands wait no more."""
        self._run(
            "DELETE FROM command WHERE device_key = ? AND id IN (SELECT value FROM json_each(?))",
            (device_key, encode(command_ids)),
        )

    def remove_all(self, device_key: int) -> None:
        """Let nothing wait for the device."""
        self._run("DELETE FROM pending WHERE device_key = ?", (device_key,))
        self._run("DELETE FROM command WHERE device_key = ?", (device_key,))

    def list_waiting_devices(self) -> Sequence[int]:
        """List the devices for which anything waits."""
        (row,) = self._run(
            "SELECT json_group_array(device_key) FROM"
            " (SELECT device_key FROM pending UNION SELECT device_key FROM command UNION SELECT device.gateway_key"
            " FROM pending JOIN device ON device.key = pending.device_key WHERE device.gateway_key IS NOT NULL)"
        )
        return _KEYS.decode(row[0])


_VALUE = write_object(
    PendingValue,
    "pending",
    name="property.name",
    base_type="property.base_type",
    ack_enabled="json(iif(property.ack_enabled, 'true', 'false'))",
    value="json(pending.value)",
)
_LIST_PENDING = f"""
    SELECT (SELECT json_group_array({_VALUE} ORDER BY pending.property_key) FROM (
            SELECT waiting.*, iif(waiting.device_key = :device_key, NULL, device.dsn) AS dsn
            FROM pending AS waiting JOIN device ON device.key = waiting.device_key
            WHERE waiting.device_key IN (
                SELECT :device_key UNION ALL SELECT node.key FROM device AS node WHERE node.gateway_key = :device_key
            ) ORDER BY waiting.property_key LIMIT :limit + 1
        ) AS pending JOIN property ON property.key = pending.property_key),
        (SELECT json_group_array({write_object(Command, "command")} ORDER BY command.id) FROM (
            SELECT * FROM command WHERE device_key = :device_key ORDER BY id LIMIT :limit + 1
        ) AS command)"""

_VALUES = msgspec.json.Decoder(tuple[PendingValue, ...])
_COMMANDS = msgspec.json.Decoder(tuple[Command, ...])
_KEYS = msgspec.json.Decoder(list[int])
