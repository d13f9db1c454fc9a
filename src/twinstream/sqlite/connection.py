"""Changes of devices' presence in SQLite: the table `connection`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.connection import Connection
from twinstream.model.device import ConnectionStatus
from twinstream.ports.connection import KEPT
from twinstream.sqlite.device import encode
from twinstream.sqlite.repository import Repository
from twinstream.sqlite.structure import write_object


class Connections(Repository):
    """See `ports.connection.Connections`."""

    def add(self, device_keys: Sequence[int], status: ConnectionStatus) -> None:
        """Store that devices came or went."""
        values = {"keys": encode(device_keys), "status": status, "now_s": self._now_s, "kept": KEPT}
        self._run(
            "INSERT INTO connection (device_key, status, created_at) SELECT value, :status, :now_s"
            " FROM json_each(:keys)",
            values,
        )
        self._run(
            """DELETE FROM connection WHERE number IN (
                SELECT old.number FROM json_each(:keys) AS key JOIN connection AS old ON old.device_key = key.value
                WHERE old.number <= (
                    SELECT number FROM connection AS kept WHERE kept.device_key = key.value
                    ORDER BY number DESC LIMIT 1 OFFSET :kept
                ))""",
            values,
        )

    def list_newest(self, device_key: int, since_s: float, before: int | None, limit: int) -> Sequence[Connection]:
        """List a device's changes, the newest first."""
        (row,) = self._run(
            f"""SELECT json_group_array({_OBJECT} ORDER BY connection.number DESC) FROM (
                SELECT * FROM connection
                WHERE device_key = :device_key AND number < coalesce(:before, 9223372036854775807)
                    AND created_at >= :since_s
                ORDER BY number DESC LIMIT :limit
            ) AS connection""",
            {"device_key": device_key, "since_s": since_s, "before": before, "limit": limit},
        )
        return _CONNECTIONS.decode(row[0])


_OBJECT = write_object(Connection, "connection")
_CONNECTIONS = msgspec.json.Decoder(list[Connection])
