"""What an event is before and after the log took it in.

Owns the event types and the fields that filters look at; knows neither JSON nor storage.
Invariant: an event never changes; ``tail`` is the very text that every subscriber gets after the number.
``gc=False``: these hold no cycle, and without it the collector walks the ring's records on and on (measured: a third of
the dispatch).
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class EventType(StrEnum):
    """The five types of the documents, as ``subscription_type`` and ``metadata.event_type`` spell them."""

    CONNECTIVITY = "connectivity"
    DATAPOINT = "datapoint"
    DATAPOINTACK = "datapointack"
    LOCATION = "location"
    REGISTRATION = "registration"


class Event(msgspec.Struct, frozen=True, gc=False):
    """An immutable fact about one device, ready to be appended.

    ``readers`` are the UUIDs of the users who may see it, fixed when it is committed. ``tail`` is ASCII JSON
    text that follows the number: ``"metadata":{...},"datapoint":{...}}`` (see `wire.event`).
    ``property_name`` is None for events that concern no property.
    """

    type: EventType
    oem: str
    oem_model: str
    dsn: str
    property_name: str | None
    readers: tuple[str, ...]
    tail: bytes


class Change(StrEnum):
    """What a control record says has happened to subscriptions."""

    FILTER = "filter"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class Control(msgspec.Struct, frozen=True, gc=False):
    """A control record: the subscriptions (by id) that changed at this position. Never sent to a subscriber."""

    change: Change
    subscription_ids: tuple[int, ...]


class Record(msgspec.Struct, frozen=True, gc=False):
    """An entry of the log at its ``position`` (opaque, ordered, never used again)."""

    position: int
    entry: Event | Control
