"""The five types of events as a client gets them, and one for what a later server may invent.

Owns what an event's text means to whoever uses it; knows neither sockets nor the server's own types. Invariant: an
event is never lost to its shape: what has another shape than the documents' is an `UnknownEvent`, and ``text`` always
is the JSON object exactly as it came, with every field that this version does not know.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from twinstream.client.error import MessageError

SEQ_DIGITS = 20
"""Most digits of a number; 64 bits have 19."""


class Metadata(msgspec.Struct, frozen=True, gc=False):
    """``metadata`` of an event. The three in the middle are None for events that concern the device as a whole."""

    oem_id: str = ""
    oem_model: str = ""
    dsn: str = ""
    property_name: str | None = None
    display_name: str | None = None
    base_type: str | None = None
    resource_tags: tuple[Any, ...] | None = ()
    event_type: str = ""


class Connection(msgspec.Struct, frozen=True, gc=False):
    """Body of a connectivity event. ``status``: Online or Offline, and whatever else a server may know."""

    status: str
    event_time: str | None = None
    user_uuid: str | None = None


class Datapoint(msgspec.Struct, frozen=True, gc=False):
    """Body of a datapoint or datapointack event; the fields from ``ack_message`` on are None in the former."""

    id: str = ""
    created_at_from_device: str | None = None
    updated_at: str | None = None
    created_at: str | None = None
    user_uuid: str | None = None
    echo: bool = False
    closed: bool = False
    value: bool | int | float | str | None = None
    metadata: dict[str, Any] | None = None
    file: str | None = None
    ack_message: int | str | None = None
    ack_status: int | str | None = None
    ack_id: str | None = None
    acked_at: str | None = None


class LocationBody(msgspec.Struct, frozen=True, gc=False):
    """Body of a location event, as it is on the wire: ``lat`` and ``long`` are text, with a blank before."""

    lat: str | float
    long: str | float
    dsn: str = ""
    ip: str | None = None
    provider: str | None = None
    user_uuid: str | None = None
    created_at: str | None = None


class RegistrationBody(msgspec.Struct, frozen=True, gc=False):
    """Body of a registration event; of the two times the one that fits is there."""

    registered: bool
    dsn: str = ""
    user_uuid: str | None = None
    registration_type: str | None = None
    registered_at: str | None = None
    unregistered_at: str | None = None


class BaseEvent(msgspec.Struct, frozen=True, gc=False):
    """What all events have: the number ``seq``, the JSON object as it came (``text``), and the ``metadata``."""

    seq: int
    text: str
    metadata: Metadata

    @property
    def event_type(self) -> str:
        """As ``metadata`` spells it."""
        return self.metadata.event_type

    @property
    def dsn(self) -> str:
        """The device's serial number; "" if the event names none."""
        return self.metadata.dsn

    @property
    def property_name(self) -> str | None:
        """The property that it concerns, if any."""
        return self.metadata.property_name

    @property
    def time_text(self) -> str | None:
        """When it happened, as the server wrote it; None if the event does not say."""
        return None

    @property
    def time(self) -> datetime | None:
        """When it happened, with a time zone; None if the event does not say, or not in a way that can be read."""
        return read_time(self.time_text)

    @property
    def user_uuid(self) -> str | None:
        """Whose device it is, or who acted; None if the event does not say."""
        return None

    def decode(self) -> dict[str, Any]:
        """Return the whole object, decoded, with the fields that have no name here; half a surrogate pair is U+FFFD."""
        return _decode_object(self.text)


class ConnectivityEvent(BaseEvent, frozen=True, gc=False):
    """The cloud gained or lost contact with a device."""

    connection: Connection

    @property
    def status(self) -> str:
        """Online or Offline, or whatever else a server may know."""
        return self.connection.status

    @property
    def is_online(self) -> bool:
        """Tell whether the device is there: exactly the status Online means that."""
        return self.connection.status == "Online"

    @property
    def time_text(self) -> str | None:
        """When it happened, as the server wrote it."""
        return self.connection.event_time

    @property
    def user_uuid(self) -> str | None:
        """The owner."""
        return self.connection.user_uuid


class DatapointEvent(BaseEvent, frozen=True, gc=False):
    """A property of a twin has a new value."""

    datapoint: Datapoint

    @property
    def base_type(self) -> str | None:
        """The property's type: boolean, integer, decimal, string, file or message."""
        return self.metadata.base_type

    @property
    def value(self) -> bool | int | float | str | None:
        """The value in the property's type: booleans, which are 0 and 1 on the wire, are True and False.

        What cannot be read as the type stays as it came.
        """
        value = self.datapoint.value
        read = _READERS.get(self.metadata.base_type or "")
        if value is None or read is None:
            return value
        try:
            return read(value)
        except (ValueError, OverflowError):
            return value

    @property
    def is_echo(self) -> bool:
        """Tell whether it is the device repeating a value that it was given."""
        return self.datapoint.echo

    @property
    def time_text(self) -> str | None:
        """When the datapoint was created, as the server wrote it."""
        return self.datapoint.created_at

    @property
    def user_uuid(self) -> str | None:
        """The owner, or who set the value."""
        return self.datapoint.user_uuid


class DatapointackEvent(DatapointEvent, frozen=True, gc=False):
    """A device confirmed, or refused, a value that it was given; a `DatapointEvent` with the answer."""

    @property
    def ack_status(self) -> int | None:
        """200: done; 400: refused. None if the event does not say in digits."""
        status = self.datapoint.ack_status
        return int(status) if isinstance(status, int) or (isinstance(status, str) and status.isdecimal()) else None

    @property
    def is_acknowledged(self) -> bool:
        """Tell whether the device did what was asked: a status from 200 to 299."""
        return 200 <= (self.ack_status or 0) < 300

    @property
    def time_text(self) -> str | None:
        """When the device answered, as the server wrote it."""
        return self.datapoint.acked_at or self.datapoint.created_at


class LocationEvent(BaseEvent, frozen=True, gc=False):
    """A device is at another place."""

    location_event: LocationBody

    @property
    def latitude(self) -> float | None:
        """Degrees north; None if it cannot be read."""
        return _read_degrees(self.location_event.lat)

    @property
    def longitude(self) -> float | None:
        """Degrees east; None if it cannot be read."""
        return _read_degrees(self.location_event.long)

    @property
    def time_text(self) -> str | None:
        """When the place was stored, as the server wrote it."""
        return self.location_event.created_at

    @property
    def user_uuid(self) -> str | None:
        """The owner."""
        return self.location_event.user_uuid


class RegistrationEvent(BaseEvent, frozen=True, gc=False):
    """A device was registered or unregistered."""

    registration_event: RegistrationBody

    @property
    def is_registered(self) -> bool:
        """Tell which of the two it was."""
        return self.registration_event.registered

    @property
    def time_text(self) -> str | None:
        """When it was, as the server wrote it."""
        body = self.registration_event
        return (body.registered_at if body.registered else body.unregistered_at) or (
            body.registered_at or body.unregistered_at
        )

    @property
    def user_uuid(self) -> str | None:
        """The owner; None once unregistered."""
        return self.registration_event.user_uuid


class UnknownEvent(BaseEvent, frozen=True, gc=False):
    """An event of a type that is not one of the five, or of another shape; `decode` has all of it."""


Event = ConnectivityEvent | DatapointEvent | DatapointackEvent | LocationEvent | RegistrationEvent | UnknownEvent


def decode_event(text: str) -> Event:
    """Read the JSON object of a record.

    Raises:
        MessageError: it is no JSON object with a number, so nothing could say where it belongs.
    """
    try:
        read = _READ_SHAPE(text)
    except (msgspec.DecodeError, RecursionError):  # of the former a ValidationError is one
        return _decode_unknown(text)
    metadata = read.metadata
    kind = metadata.event_type
    if kind == "datapoint" and read.datapoint is not None:
        return DatapointEvent(_read_seq(read.seq), text, metadata, read.datapoint)
    if kind == "datapointack" and read.datapoint is not None:
        return DatapointackEvent(_read_seq(read.seq), text, metadata, read.datapoint)
    if kind == "connectivity" and read.connection is not None:
        return ConnectivityEvent(_read_seq(read.seq), text, metadata, read.connection)
    if kind == "location" and read.location_event is not None:
        return LocationEvent(_read_seq(read.seq), text, metadata, read.location_event)
    if kind == "registration" and read.registration_event is not None:
        return RegistrationEvent(_read_seq(read.seq), text, metadata, read.registration_event)
    return UnknownEvent(_read_seq(read.seq), text, metadata)


def read_time(text: str | None) -> datetime | None:
    """Read when something happened (ISO 8601); None for none, or for one without a time zone."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo else None


class _Shape(msgspec.Struct, gc=False):
    """Any event of the documents."""

    seq: str | int
    metadata: Metadata
    connection: Connection | None = None
    datapoint: Datapoint | None = None
    location_event: LocationBody | None = None
    registration_event: RegistrationBody | None = None


def _decode_unknown(text: str) -> UnknownEvent:
    try:
        fields = _decode_object(text)
        seq = _read_seq(fields["seq"])
    except (ValueError, KeyError, RecursionError):
        raise MessageError("a record holds no event with a number") from None
    found = fields.get("metadata")
    texts = (
        {k: v for k, v in found.items() if isinstance(v, str) and k != "resource_tags"}
        if isinstance(found, dict)
        else {}
    )
    return UnknownEvent(seq, text, msgspec.convert(texts, Metadata))


def _decode_object(text: str) -> dict[str, Any]:
    """Decode a JSON object. Raises ValueError.

    Why twice: half a surrogate pair (text that somebody has cut in the midst of a character) and numbers beyond all
    bounds are JSON, which msgspec refuses. The half becomes U+FFFD, since no file and no database takes it.
    """
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        fields = json.loads(text)
        if not isinstance(fields, dict):
            raise
        units = json.dumps(fields, ensure_ascii=False).encode("utf-16", "surrogatepass")
        mended: dict[str, Any] = json.loads(units.decode("utf-16", "replace"))
        return mended


def _read_seq(seq: object) -> int:
    text = str(seq)
    if isinstance(seq, bool) or not (text.isascii() and text.isdigit() and len(text) <= SEQ_DIGITS):
        raise MessageError("a record holds no event with a number")
    return int(text)


def _read_boolean(value: bool | int | float | str) -> bool:
    if value in (0, 1, "0", "1"):
        return value in (1, "1")
    raise ValueError


def _read_integer(value: bool | int | float | str) -> int:
    number = int(value)
    if number != float(value):
        raise ValueError
    return number


def _read_degrees(value: str | float) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


_READERS: dict[str, Callable[[bool | int | float | str], bool | int | float | str]] = {
    "boolean": _read_boolean,
    "integer": _read_integer,
    "decimal": float,
    "float": float,
}
"""How the value of each base type that is no text is read."""

_READ_SHAPE = msgspec.json.Decoder(_Shape).decode
