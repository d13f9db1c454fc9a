"""The five event types as JSON, byte for byte as the documents show them, and the record ``LEN|JSON``.

Owns key order, null handling and escaping; knows neither sockets nor storage. An event is encoded once, as the
*tail* that follows its number; a record is made per subscriber by putting the number in front.
Invariant: a tail is ASCII and holds no ``|``, so LEN is the same in bytes, characters and UTF-16 units, and clients
that split a message at every ``|`` or look for ``|Z`` anywhere still work (design.md section 2, "ASCII on the wire").
"""

from __future__ import annotations

import json
import re

import msgspec


class DeviceMetadata(msgspec.Struct, frozen=True):
    """``metadata`` of events that concern the device as a whole."""

    oem_id: str
    oem_model: str
    dsn: str
    resource_tags: tuple[str, ...]
    event_type: str


class PropertyMetadata(msgspec.Struct, frozen=True):
    """``metadata`` of events that concern one property."""

    oem_id: str
    oem_model: str
    dsn: str
    property_name: str
    display_name: str
    base_type: str
    resource_tags: tuple[str, ...]
    event_type: str


class Connection(msgspec.Struct, frozen=True):
    """Body of a connectivity event; ``status`` is Online or Offline."""

    event_time: str
    user_uuid: str | None
    status: str


class Datapoint(msgspec.Struct, frozen=True):
    """Body of a datapoint event. ``value``: booleans are the numbers 0 and 1. ``file`` only for file properties."""

    id: str
    created_at_from_device: str | None
    updated_at: str
    created_at: str
    user_uuid: str | None
    echo: bool
    closed: bool
    value: int | float | str | None
    metadata: dict[str, str]
    file: str | msgspec.UnsetType = msgspec.UNSET


class AckedDatapoint(msgspec.Struct, frozen=True):
    """Body of a datapointack event: the datapoint, and how the device answered. ``ack_status`` 200 or 400."""

    id: str
    created_at_from_device: str | None
    updated_at: str
    created_at: str
    user_uuid: str | None
    echo: bool
    closed: bool
    value: int | float | str | None
    ack_message: int
    ack_status: int
    ack_id: str
    acked_at: str
    metadata: dict[str, str]


class LocationEvent(msgspec.Struct, frozen=True):
    """Body of a location event; ``lat`` and ``long`` as `format_coordinate` writes them."""

    dsn: str
    ip: str
    lat: str
    long: str
    provider: str
    user_uuid: str | None
    created_at: str


class Unregistration(msgspec.Struct, frozen=True):
    """Body of a registration event for a device that was unregistered; ``user_uuid`` is None."""

    dsn: str
    user_uuid: str | None
    registered: bool
    registration_type: str
    unregistered_at: str


class Registration(msgspec.Struct, frozen=True):
    """Body of a registration event for a device that was registered."""

    dsn: str
    user_uuid: str | None
    registered: bool
    registration_type: str
    registered_at: str


class ConnectivityMessage(msgspec.Struct, frozen=True):
    """A connectivity event without its number."""

    metadata: DeviceMetadata
    connection: Connection


class DatapointMessage(msgspec.Struct, frozen=True):
    """A datapoint or datapointack event without its number; the body key is ``datapoint`` for both."""

    metadata: PropertyMetadata
    datapoint: Datapoint | AckedDatapoint


class LocationMessage(msgspec.Struct, frozen=True):
    """A location event without its number."""

    metadata: DeviceMetadata
    location_event: LocationEvent


class RegistrationMessage(msgspec.Struct, frozen=True):
    """A registration event without its number."""

    metadata: DeviceMetadata
    registration_event: Registration | Unregistration


Message = ConnectivityMessage | DatapointMessage | LocationMessage | RegistrationMessage


def encode_tail(message: Message) -> bytes:
    """Encode an event once: compact ASCII JSON from ``"metadata"`` to the closing brace, without ``|``."""
    encoded = _ENCODER.encode(message)
    if not encoded.isascii() or b"|" in encoded:
        text = encoded.decode().replace("|", "\\u007c")  # outside of strings there is neither
        encoded = _NON_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text).encode("ascii")
    return encoded[1:]


def encode_record(seq: int, tail: bytes) -> bytes:
    """Put the number and the length in front of a tail: ``LEN|{"seq":"N",...}``."""
    number = b'{"seq":"%d",' % seq
    return b"%d|%b%b" % (len(number) + len(tail), number, tail)


def format_coordinate(degrees: float) -> str:
    """Write a latitude or longitude with six decimals and a blank in the sign's place when it is not negative.

    Source: the documents' location sample, ``" 44.769500"`` beside ``"-69.428300"``.
    """
    return f"{degrees: .6f}"


HEARTBEAT = b"1|Z"

_ENCODER = msgspec.json.Encoder()
_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
