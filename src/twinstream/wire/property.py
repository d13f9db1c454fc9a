"""Bodies of properties."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.property import Property
from twinstream.model.value import BaseType
from twinstream.wire.datapoint import Links
from twinstream.wire.time import format_optional_time


class PropertyFieldsReply(msgspec.Struct, frozen=True):
    """A property. ``value``: of booleans the numbers 0 and 1, null before the first datapoint.

    Of files and messages it is the address of the newest datapoint, which tells where the bytes are.

    ``generated_at`` and ``generated_from`` are always null: no source says what they would hold.
    """

    type: str
    name: str
    base_type: str
    read_only: bool
    direction: str
    scope: str
    data_updated_at: str | None
    key: int
    device_key: int
    product_name: str
    track_only_changes: bool
    display_name: str
    host_sw_version: bool
    time_series: bool
    derived: bool
    app_type: str | None
    recipe: str | None
    value: int | float | str | None
    denied_roles: tuple[str, ...]
    ack_enabled: bool
    ack_status: int | None
    ack_message: int | None
    acked_at: str | None
    retention_days: int
    mime_type: str | None
    generated_at: None = None
    generated_from: None = None


class PropertyReply(msgspec.Struct, frozen=True):
    """``{"property": {...}}``."""

    property: PropertyFieldsReply


def show_property(found: Property, retention_days: int, links: Links) -> PropertyReply:
    """Write a property; ``retention_days`` is the server's default. The value of a file or message is an address."""
    return PropertyReply(
        PropertyFieldsReply(
            type="Property",
            name=found.name,
            base_type=found.base_type,
            read_only=found.read_only,
            direction=found.direction,
            scope=found.scope,
            data_updated_at=format_optional_time(found.datapoint_updated_at),
            key=found.key,
            device_key=found.device_key,
            product_name=found.product_name,
            track_only_changes=found.track_only_changes,
            display_name=found.display_name,
            host_sw_version=found.host_sw_version,
            time_series=found.time_series,
            derived=found.derived,
            app_type=found.app_type,
            recipe=found.recipe,
            value=links.resolve(found.value) if found.base_type in _IN_FILES else found.value,
            denied_roles=found.denied_roles,
            ack_enabled=found.ack_enabled,
            ack_status=found.ack_status,
            ack_message=found.ack_message,
            acked_at=format_optional_time(found.acked_at),
            retention_days=found.retention_days or retention_days,
            mime_type=found.mime_type,
        )
    )


def show_properties(found: Sequence[Property], retention_days: int, links: Links) -> list[PropertyReply]:
    """Write a list of properties."""
    return [show_property(one, retention_days, links) for one in found]


_IN_FILES = (BaseType.FILE, BaseType.MESSAGE)
