"""Bodies of the history of connections."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.connection import Connection
from twinstream.wire.time import format_time


class ConnectionFieldsReply(msgspec.Struct, frozen=True):
    """That a device came or went; ``id`` orders, and leads to the next page."""

    id: int
    event_time: str
    status: str


class ConnectionReply(msgspec.Struct, frozen=True):
    """``{"connection": {...}}``."""

    connection: ConnectionFieldsReply


def show_connections(connections: Sequence[Connection]) -> list[ConnectionReply]:
    """Write changes of a device's presence, as a bare array."""
    return [
        ConnectionReply(ConnectionFieldsReply(connection.number, format_time(connection.created_at), connection.status))
        for connection in connections
    ]
