"""Datapoints of files and messages in SQLite: those rows of `datapoint` whose bytes are elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.datapoint import Datapoint
from twinstream.ports.command import NewValue
from twinstream.ports.datapoint import AcknowledgedDatapoint
from twinstream.sqlite.datapoint import OBJECT, STATE
from twinstream.sqlite.device import encode
from twinstream.sqlite.repository import Repository
from twinstream.sqlite.structure import write_object


class Contents(Repository):
    """See `ports.content.Contents`."""

    def find(self, datapoint_id: str) -> AcknowledgedDatapoint | None:
        """Find one."""
        row = self._first(
            f"""SELECT json_object('state', {STATE}, 'datapoint', {OBJECT})
            FROM datapoint JOIN property ON property.key = datapoint.property_key
            JOIN device ON device.key = property.device_key
            WHERE datapoint.id = :id AND property.base_type IN ('file', 'message')
                AND {_OF_OWNER}""",
            {"id": datapoint_id, "now_s": self._now_s},
        )
        return None if row is None else _FOUND.decode(row[0])

    def close(self, property_key: int, datapoint_id: str, value: str) -> None:
        """Make one complete."""
        values = (encode(value), self._now_s, datapoint_id)
        self._run("UPDATE datapoint SET closed = 1, value = ?, updated_at = ? WHERE id = ?", values)
        self._run(
            "UPDATE property SET value = ?, datapoint_updated_at = ?, datapoint_id = ? WHERE key = ?",
            (*values, property_key),
        )

    def mark(self, datapoint_id: str, *, fetched: bool = False, discarded: bool = False) -> None:
        """Note what became of one."""
        self._run(
            "UPDATE datapoint SET fetched = fetched OR ?, discarded = discarded OR ?, updated_at = ? WHERE id = ?",
            (fetched, discarded, self._now_s, datapoint_id),
        )

    def find_next(self, property_key: int) -> Datapoint | None:
        """Find the oldest that waits to be read."""
        row = self._first(
            f"""SELECT {OBJECT} FROM datapoint JOIN property ON property.key = datapoint.property_key
            JOIN device ON device.key = property.device_key WHERE property.key = ? AND {_UNREAD} AND {_OF_OWNER}
            ORDER BY datapoint.number LIMIT 1""",
            (property_key,),
        )
        return None if row is None else _DATAPOINT.decode(row[0])

    def list_due(self, device_key: int) -> Sequence[NewValue]:
        """List the files that wait to be read by a device and its nodes."""
        (row,) = self._run(
            f"""SELECT json_group_array({_NEXT} ORDER BY property.key)
            FROM device JOIN property ON property.device_key = device.key
            JOIN datapoint ON datapoint.number = (
                SELECT min(datapoint.number) FROM datapoint
                WHERE datapoint.property_key = property.key AND {_UNREAD} AND {_OF_OWNER})
            WHERE (device.key = ?1 OR device.gateway_key = ?1)
                AND property.base_type = 'file' AND property.direction = 'input'""",
            (device_key,),
        )
        return _DUE.decode(row[0])

    def list_kept(self, datapoint_ids: Sequence[str]) -> Sequence[str]:
        """Answer those that are wanted."""
        (row,) = self._run(
            """SELECT json_group_array(datapoint.id) FROM json_each(?) AS wanted
            JOIN datapoint ON datapoint.id = wanted.value WHERE NOT datapoint.fetched AND NOT datapoint.discarded""",
            (encode(datapoint_ids),),
        )
        return _IDS.decode(row[0])


_UNREAD = "datapoint.closed AND NOT datapoint.fetched AND NOT datapoint.discarded"
_OF_OWNER = """datapoint.user_uuid IS device.user_uuid
    AND datapoint.created_at >= coalesce(device.registered_at, 0)"""
"""Why: what was sent for an earlier owner concerns nobody any more."""

_NEXT = write_object(
    NewValue,
    "datapoint",
    device_key="property.device_key",
    datapoint_id="datapoint.id",
    value="json(datapoint.value)",
)

_FOUND = msgspec.json.Decoder(AcknowledgedDatapoint)
_DATAPOINT = msgspec.json.Decoder(Datapoint)
_DUE = msgspec.json.Decoder(list[NewValue])
_IDS = msgspec.json.Decoder(list[str])
