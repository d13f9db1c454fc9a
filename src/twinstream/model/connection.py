"""Connections: when a device came and went."""

from __future__ import annotations

import msgspec

from twinstream.model.device import ConnectionStatus


class Connection(msgspec.Struct, frozen=True):
    """A change of a device's presence; ``created_at`` is in seconds since 1970."""

    number: int
    status: ConnectionStatus
    created_at: float
