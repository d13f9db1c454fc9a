"""Bodies of LAN mode: the key that an app and its device share, and how a device is connected."""

from __future__ import annotations

import msgspec

KEEP_ALIVE_S = 30
"""How often an app and its device tell each other that they are there."""


class LanFieldsReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """A key for the local network; all absent where there is none."""

    lanip_key_id: int | None = None
    lanip_key: str | None = None
    keep_alive: int | None = None
    auto_sync: int | None = None
    status: str | None = None


class LanReply(msgspec.Struct, frozen=True):
    """``{"lanip": {...}}``."""

    lanip: LanFieldsReply


class ConnectionConfigReply(msgspec.Struct, frozen=True):
    """The same key under the name by which some clients look for it."""

    local_key: str


class ConnectionDetailsFieldsReply(msgspec.Struct, frozen=True):
    """How a device is connected; devices don't tell the server the strength of their signal."""

    connectivity_type: str
    rssi: int | None
    network_name: str


class ConnectionDetailsReply(msgspec.Struct, frozen=True):
    """``{"connection_info": {...}}``."""

    connection_info: ConnectionDetailsFieldsReply


def show_lan_key(key_id: int, key: str) -> LanReply:
    """Write a key."""
    return LanReply(LanFieldsReply(key_id, key, KEEP_ALIVE_S, 1, "enable"))


def show_no_lan_key() -> LanReply:
    """Write that there is none."""
    return LanReply(LanFieldsReply())
