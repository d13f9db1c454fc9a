"""Datapoints in SQLite: the table `datapoint`, and the value that each property has from its newest.

The way in is hot: a group of datapoints costs one statement to read all that decides about it and two to write it,
whatever its size. Invariant: ``property.datapoint_id`` names the datapoint of the property with the highest number.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model import principal
from twinstream.model.datapoint import ALL_TIME, Acknowledgement, Datapoint, DatapointPage, Span
from twinstream.model.property import PropertyRef
from twinstream.ports.datapoint import (
    AcknowledgedDatapoint,
    PageWanted,
    PropertyState,
    StoredDatapoint,
)
from twinstream.sqlite.device import HOLDERS, VISIBLE, bind_user, encode
from twinstream.sqlite.insert import insert_rows
from twinstream.sqlite.property import SHOWN, bind_property, match_property
from twinstream.sqlite.repository import Repository
from twinstream.sqlite.structure import write_array, write_boolean, write_object


class Datapoints(Repository):
    """See `ports.datapoint.Datapoints`."""

    def find_states(self, refs: Sequence[PropertyRef]) -> dict[int, PropertyState]:
        """Find the states of the named properties."""
        row = self._first(_FIND_STATES, {"refs": encode(refs), "now_s": self._now_s})
        return {} if row is None else _STATES.decode(row[0])

    def add(self, stored: Sequence[StoredDatapoint]) -> None:
        """Store datapoints in order."""
        rows = [
            (
                entry.property_key,
                (datapoint := entry.datapoint).id,
                datapoint.created_at,
                datapoint.updated_at,
                datapoint.created_at_from_device,
                datapoint.user_uuid,
                datapoint.echo,
                datapoint.closed,
                encode(datapoint.value),
                encode(datapoint.metadata),
            )
            for entry in stored
        ]
        insert_rows(self._connection, _INTO, rows)
        whole = (row for row, entry in zip(rows, stored, strict=True) if entry.datapoint.is_whole)
        newest = {row[0]: (row[0], row[1], row[3], row[8]) for row in whole}
        if newest:
            self._run(_UPDATE_PROPERTIES, (encode(list(newest.values())),))

    def find_own(self, device: principal.Device, property_name: str, datapoint_id: str) -> AcknowledgedDatapoint | None:
        """Find a datapoint of the device's own."""
        row = self._first(
            f"""SELECT json_object('state', {STATE}, 'datapoint', {OBJECT})
            FROM device JOIN property ON property.device_key = device.key AND property.name = :name
            JOIN datapoint ON datapoint.property_key = property.key AND datapoint.id = :id
            WHERE device.key = :key AND datapoint.user_uuid IS device.user_uuid""",
            {"key": device.key, "name": property_name, "id": datapoint_id, "now_s": self._now_s},
        )
        return None if row is None else _ACKNOWLEDGED.decode(row[0])

    def acknowledge(
        self, property_key: int, datapoint_id: str, acknowledgement: Acknowledgement, ack_id: str, acked_at: float
    ) -> None:
        """Store how the device answered."""
        values = (acknowledgement.status, acknowledgement.message, acked_at)
        self._run(
            "UPDATE datapoint SET ack_status = ?, ack_message = ?, acked_at = ?, updated_at = ?, ack_id = ?"
            " WHERE id = ? AND property_key = ?",
            (*values, acked_at, ack_id, datapoint_id, property_key),
        )
        self._run(
            "UPDATE property SET ack_status = ?, ack_message = ?, acked_at = ? WHERE key = ?", (*values, property_key)
        )

    def find_visible(self, user: principal.User, ref: PropertyRef, datapoint_id: str) -> Datapoint | None:
        """Find a datapoint that the user may see."""
        row = self._first(
            f"""SELECT {OBJECT} FROM {VISIBLE} AS visible JOIN device USING (key)
            JOIN property ON property.device_key = device.key
            JOIN datapoint ON datapoint.property_key = property.key AND datapoint.id = :id
            WHERE {match_property(ref)} AND {SHOWN} AND {_SINCE_REGISTRATION}""",
            {**bind_user(user), **bind_property(ref), "id": datapoint_id, "now_s": self._now_s},
        )
        return None if row is None else _DATAPOINT.decode(row[0])

    def list_visible(
        self, user: principal.User, ref: PropertyRef, limit: int, span: Span = ALL_TIME
    ) -> Sequence[Datapoint] | None:
        """List the newest datapoints of a property that the user may see."""
        row = self._first(
            f"SELECT {_list('true', 'DESC')} {_from_visible(ref)}",
            {**bind_user(user), **bind_property(ref), **_bind_span(span), "limit": limit, "now_s": self._now_s},
        )
        return None if row is None else _DATAPOINTS.decode(row[0])

    def page_visible(self, user: principal.User, ref: PropertyRef, wanted: PageWanted) -> DatapointPage | None:
        """Answer a page of a property's datapoints."""
        at = "(SELECT number FROM datapoint WHERE id = :cursor AND property_key = property.key)"
        beyond = f"< coalesce({at}, 0)" if wanted.backward else f"> coalesce({at}, 0)"
        page = _list(f"datapoint.number {beyond}", "DESC" if wanted.backward else "ASC")
        values = {**bind_user(user), **bind_property(ref), **_bind_span(wanted.span), "now_s": self._now_s}
        row = self._first(
            f"SELECT property.key, coalesce(device.registered_at, 0), {page} {_from_visible(ref)}",
            {**values, "limit": wanted.limit, "cursor": wanted.cursor},
        )
        if row is None:
            return None
        key, registered_at, text = row
        datapoints = _DATAPOINTS.decode(text)
        first, last = (datapoints[0].id, datapoints[-1].id) if datapoints else (wanted.cursor, wanted.cursor)
        (counts,) = self._run(
            f"""SELECT count(*) FILTER (WHERE number < (SELECT number FROM datapoint WHERE id = :first)),
                count(*) FILTER (WHERE number > (SELECT number FROM datapoint WHERE id = :last))
            FROM datapoint WHERE property_key = :key AND created_at >= :registered_at AND {_IN_SPAN}""",
            {
                **_bind_span(wanted.span),
                "key": key,
                "registered_at": registered_at,
                "first": first,
                "last": last,
            },
        )
        return DatapointPage(tuple(datapoints), *counts)

    def list_ends(
        self, user: principal.User, ref: PropertyRef, spans: Sequence[Span]
    ) -> Sequence[Sequence[Datapoint]] | None:
        """Answer the first and the last datapoint of each span."""
        ends: list[Sequence[Datapoint]] = []
        for span in spans:
            values = {**bind_user(user), **bind_property(ref), **_bind_span(span), "limit": 1, "now_s": self._now_s}
            row = self._first(f"SELECT {_list('true', 'ASC')}, {_list('true', 'DESC')} {_from_visible(ref)}", values)
            if row is None:
                return None
            first, last = map(_DATAPOINTS.decode, row)
            ends.append(first if first == last else [*first, *last])
        return ends

    def find_old(self, keep_s: float, after: int, limit: int) -> tuple[Sequence[int], int | None]:
        """Find what may be purged."""
        (row,) = self._run(
            """SELECT json_group_array(chunk.number) FILTER (
                    WHERE chunk.created_at < :now_s - coalesce(property.retention_days * 86400.0, :keep_s)
                    AND property.datapoint_id IS NOT chunk.id
                ), max(chunk.number), min(chunk.created_at), count(*),
                :now_s - min(:keep_s, coalesce(
                    (SELECT min(retention_days) FROM property WHERE retention_days IS NOT NULL) * 86400.0, :keep_s
                ))
            FROM (SELECT number, id, property_key, created_at FROM datapoint WHERE number > :after
                ORDER BY number LIMIT :limit) AS chunk
            JOIN property ON property.key = chunk.property_key""",
            {"now_s": self._now_s, "keep_s": keep_s, "after": after, "limit": limit},
        )
        numbers, last, oldest, count, before = row
        at_end = count < limit or oldest >= before
        return _NUMBERS.decode(numbers), None if at_end else last

    def remove(self, numbers: Sequence[int]) -> int:
        """Delete datapoints that are not the newest of their property."""
        self._run(
            """DELETE FROM datapoint WHERE number IN (SELECT value FROM json_each(?)) AND NOT EXISTS
                (SELECT 1 FROM property WHERE property.key = property_key AND property.datapoint_id = datapoint.id)""",
            (encode(numbers),),
        )
        return self._connection.changes()


OBJECT = write_object(
    Datapoint,
    "datapoint",
    value="json(datapoint.value)",
    metadata="json(datapoint.metadata)",
    ack_enabled=write_boolean("property.ack_enabled"),
    content=f"""json(iif(property.base_type IN ('file', 'message'), json_object(
        'property_key', property.key, 'mime_type', property.mime_type,
        'fetched', {write_boolean("datapoint.fetched")}, 'discarded', {write_boolean("datapoint.discarded")}
    ), 'null'))""",
)
STATE = write_array(
    PropertyState,
    "property",
    property_key="property.key",
    gateway_key="device.gateway_key",
    dsn="device.dsn",
    oem="device.oem",
    oem_model="device.oem_model",
    owner="device.user_uuid",
    holders=f"json({HOLDERS})",
    hidden_from=f"""json(iif(property.denied_roles = '[]', '[]', (
        SELECT json_group_array(user.uuid) FROM user
        WHERE (user.uuid = device.user_uuid OR user.uuid IN (SELECT key FROM json_each({HOLDERS})))
            AND user.role IN (SELECT value FROM json_each(property.denied_roles)))))""",
    newest=f"""json((SELECT {OBJECT} FROM datapoint
        WHERE property.track_only_changes AND datapoint.id = property.datapoint_id))""",
)
_IN_SPAN = """(:from_s IS NULL OR datapoint.created_at >= :from_s)
    AND (:before_s IS NULL OR datapoint.created_at < :before_s)"""
_SINCE_REGISTRATION = "datapoint.created_at >= coalesce(device.registered_at, 0)"
"""Why: a new owner does not see what the device did for the one before."""


def _list(condition: str, order: str) -> str:
    """Write the SQL of an array: of those that meet the condition the first ``:limit`` in this order, oldest first."""
    return f"""(SELECT json_group_array({OBJECT} ORDER BY datapoint.number) FROM (
        SELECT * FROM datapoint WHERE datapoint.property_key = property.key
            AND {condition} AND {_IN_SPAN} AND {_SINCE_REGISTRATION}
        ORDER BY datapoint.number {order} LIMIT :limit
    ) AS datapoint)"""


def _from_visible(ref: PropertyRef) -> str:
    return f"""FROM {VISIBLE} AS visible JOIN device USING (key)
        JOIN property ON property.device_key = device.key WHERE {match_property(ref)} AND {SHOWN}"""


def _bind_span(span: Span) -> dict[str, object]:
    return {"from_s": span.from_s, "before_s": span.before_s}


_FIND_STATES = f"""
    SELECT json_group_object(ref.key, {STATE}) FROM json_each(:refs) AS ref
    JOIN property ON property.key = iif(ref.value ->> 0 IS NULL, ref.value ->> 1, (
        SELECT named.key FROM property AS named
        WHERE named.device_key = iif(
            typeof(ref.value ->> 0) = 'text', (SELECT key FROM device WHERE dsn = ref.value ->> 0), ref.value ->> 0
        ) AND named.name = ref.value ->> 1
    ))
    JOIN device ON device.key = property.device_key"""

_INTO = """INSERT INTO datapoint
    (property_key, id, created_at, updated_at, created_at_from_device, user_uuid, echo, closed, value, metadata)"""

_UPDATE_PROPERTIES = """
    UPDATE property
    SET datapoint_id = row.value ->> 1, datapoint_updated_at = row.value ->> 2, value = row.value ->> 3
    FROM json_each(?) AS row WHERE property.key = row.value ->> 0"""

_STATES = msgspec.json.Decoder(dict[int, PropertyState])
_ACKNOWLEDGED = msgspec.json.Decoder(AcknowledgedDatapoint)
_DATAPOINT = msgspec.json.Decoder(Datapoint)
_DATAPOINTS = msgspec.json.Decoder(list[Datapoint])
_NUMBERS = msgspec.json.Decoder(list[int])
