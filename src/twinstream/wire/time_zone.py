"""Bodies of time zones. Which fields beside ``tz_id`` the service knows is not documented: these are ours."""

from __future__ import annotations

import msgspec

from twinstream.model.time_zone import TimeZone
from twinstream.wire.body import read_body


class TimeZoneFields(msgspec.Struct, frozen=True):
    """A name of the tz database."""

    tz_id: str


class TimeZoneRequest(msgspec.Struct, frozen=True):
    """``{"time_zone": {"tz_id": "Europe/Berlin"}}``."""

    time_zone: TimeZoneFields


class TimeZoneFieldsReply(msgspec.Struct, frozen=True):
    """A zone as it is now; ``key`` is null if none was set."""

    key: int | None
    tz_id: str
    utc_offset: str
    dst: bool
    dst_active: bool


class TimeZoneReply(msgspec.Struct, frozen=True):
    """``{"time_zone": {...}}``."""

    time_zone: TimeZoneFieldsReply


def read_time_zone(body: object) -> str:
    """Read a zone's name. Raises RequestError ``invalid``."""
    return read_body(body, TimeZoneRequest).time_zone.tz_id


def show_time_zone(zone: TimeZone) -> TimeZoneReply:
    """Write a zone; its offset as ``+01:00``."""
    minutes = abs(zone.offset_s) // 60
    offset = f"{'-' if zone.offset_s < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"
    return TimeZoneReply(TimeZoneFieldsReply(zone.key, zone.tz_id, offset, zone.dst, zone.dst_active))
