"""What waits for a device: values set from the cloud, and commands.

Owns the shapes; knows neither storage nor how they travel. Invariant: of one property only the newest value waits.
"""

from __future__ import annotations

import msgspec

from twinstream.model.value import BaseType, Value


class PendingValue(msgspec.Struct, frozen=True):
    """A value that waits for the device. ``datapoint_id`` names the datapoint that set it.

    ``dsn`` names the node that it is for, if the device is only the gateway that is to pass it on.
    """

    property_key: int
    datapoint_id: str
    name: str
    base_type: BaseType
    ack_enabled: bool
    value: Value | None
    dsn: str | None


class Command(msgspec.Struct, frozen=True):
    """A request that the device is to answer as if it were a server: ``method`` on ``resource`` with ``body``.

    The result is sent to ``uri`` below the device's own path, with the command's id and an HTTP status.
    """

    id: int
    method: str
    resource: str
    uri: str
    body: str


class Pending(msgspec.Struct, frozen=True):
    """What one poll may hand out; ``more`` says that it is not all."""

    values: tuple[PendingValue, ...]
    commands: tuple[Command, ...]
    more: bool
