"""An event as columns: what of it stands in a table by itself, beside the whole JSON.

Owns which field becomes which column; knows neither databases nor files. Invariants: every event becomes a row,
whatever its type; what is missing or not of the expected shape is None; `read_event` takes and refuses the texts that
`twinstream.client.event.decode_event` does, and finds the same number.

``time`` is when the thing itself happened, as the documents' INSERT takes ``event_time`` of a connectivity event:
``created_at`` of a datapoint and of a location, ``acked_at`` of a datapointack (the acknowledgement, not its
datapoint), ``registered_at`` or ``unregistered_at`` of a registration. ``user_uuid`` is that of the body.
"""

from __future__ import annotations

from typing import Any

import msgspec

from twinstream.client.event import SEQ_DIGITS, DatapointEvent, Event, Metadata, UnknownEvent, decode_event

TIMES = ("event_time", "acked_at", "registered_at", "unregistered_at", "created_at", "updated_at")
"""Fields that say when something happened; the first that an event of an unknown type has is its time."""

FIELDS = (
    "event_type", "oem_id", "oem_model", "dsn", "time", "user_uuid", "property", "value", "seq", "event",
)  # fmt: skip
"""The columns of a row: ``seq`` is the number, ``event`` the whole JSON. The others are text: ``value`` a string as it
is, anything else as JSON, null as None."""

Row = tuple[Any, ...]
"""What stands in the columns `FIELDS`, in their order."""


class RowEvent(UnknownEvent, frozen=True, gc=False):
    """An event of which the row was read and nothing else: number, text, and ``row``; ``metadata`` is empty."""

    row: Row

    @property
    def time_text(self) -> str | None:
        """When it happened, as the server wrote it."""
        time: str | None = self.row[_TIME]
        return time


def read_event(text: str) -> Event:
    """Read of a datapoint, as nearly all events are, the row; of other events all, as `decode_event` does.

    Raises:
        MessageError: it is no JSON object with a number.
    """
    try:
        read = _READ_DATAPOINT(text)
    except (msgspec.DecodeError, RecursionError):
        return decode_event(text)
    digits, metadata, body = read.seq, read.metadata, read.datapoint
    if metadata.event_type != "datapoint" or not (digits.isascii() and digits.isdigit() and len(digits) <= SEQ_DIGITS):
        return decode_event(text)
    seq = int(digits)
    value = body.value
    return RowEvent(
        seq,
        text,
        _NOTHING,
        (
            "datapoint",
            metadata.oem_id or None,
            metadata.oem_model or None,
            metadata.dsn or None,
            body.created_at,
            body.user_uuid,
            metadata.property_name,
            value if value is None or type(value) is str else _say(value),
            seq,
            text,
        ),
    )


def read_row(event: Event) -> Row:
    """Return what stands in the columns `FIELDS` for an event."""
    if isinstance(event, RowEvent):
        return event.row
    if isinstance(event, UnknownEvent):
        return _read_unknown(event)
    metadata = event.metadata
    value = event.datapoint.value if isinstance(event, DatapointEvent) else None
    return (
        metadata.event_type,
        metadata.oem_id or None,
        metadata.oem_model or None,
        metadata.dsn or None,
        event.time_text,
        event.user_uuid,
        metadata.property_name,
        value if value is None or type(value) is str else _say(value),
        event.seq,
        event.text,
    )


def _read_unknown(event: UnknownEvent) -> Row:
    """Take time, user and value from where the documents' types have them: the first object beside ``metadata``."""
    objects = (part for key, part in event.decode().items() if key != "metadata" and isinstance(part, dict))
    body: dict[str, Any] = next(objects, {})
    metadata = event.metadata
    value = body.get("value")
    return (
        metadata.event_type or None,
        metadata.oem_id or None,
        metadata.oem_model or None,
        metadata.dsn or None,
        next((body[key] for key in TIMES if _is_text(body.get(key))), None),
        body["user_uuid"] if _is_text(body.get("user_uuid")) else None,
        metadata.property_name,
        value if value is None or type(value) is str else _say(value),
        event.seq,
        event.text,
    )


def _is_text(part: Any) -> bool:
    return isinstance(part, str) and bool(part)


def _say(value: Any) -> str:
    return str(value) if type(value) is int else msgspec.json.encode(value).decode()


class _Metadata(msgspec.Struct, gc=False):
    """What becomes columns of `twinstream.client.event.Metadata`."""

    event_type: str
    oem_id: str | None = None
    oem_model: str | None = None
    dsn: str | None = None
    property_name: str | None = None


class _Body(msgspec.Struct, gc=False):
    """What becomes columns of `twinstream.client.event.Datapoint`."""

    created_at: str | None = None
    user_uuid: str | None = None
    value: bool | int | float | str | None = None


class _Datapoint(msgspec.Struct, gc=False):
    """A datapoint event."""

    seq: str
    metadata: _Metadata
    datapoint: _Body


_READ_DATAPOINT = msgspec.json.Decoder(_Datapoint).decode
_NOTHING = Metadata()
_TIME = FIELDS.index("time")
