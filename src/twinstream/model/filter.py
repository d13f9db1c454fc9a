"""What a subscription may see: a pure predicate over events.

Owns matching; knows no subscription, role or storage. Whoever builds a filter has resolved access rules
and roles into it already. Invariant: `Filter.matches` depends on the event's own fields and nothing else,
so that numbers counted today and tomorrow agree. The SQL form of the same predicate lives in `sqlite.search`;
a test holds the two together.
"""

from __future__ import annotations

import msgspec

from twinstream.model.event import Event, EventType


class Clause(msgspec.Struct, frozen=True):
    """One way for an event of a type to match: its model and its property are in these sets; None means any.

    ``property_names`` binds only events that concern a property.
    """

    oem_models: frozenset[str] | None
    property_names: frozenset[str] | None


class Filter(msgspec.Struct, frozen=True):
    """Everything that decides whether a subscription gets an event.

    ``reader`` None: an OEM-wide (cloud) subscription; otherwise only events that have this user UUID among their
    readers. ``dsns`` None means any device. An event matches if OEM, reader and DSN agree and any clause of its type
    does; a type without clauses matches nothing.
    """

    oem: str
    reader: str | None
    dsns: frozenset[str] | None
    clauses: dict[EventType, tuple[Clause, ...]]

    def matches(self, event: Event) -> bool:
        """Tell whether the event belongs to this filter's stream."""
        if event.oem != self.oem or (self.dsns is not None and event.dsn not in self.dsns):
            return False
        if self.reader is not None and self.reader not in event.readers:
            return False
        name = event.property_name
        for clause in self.clauses.get(event.type, ()):  # a plain loop: a generator costs as much again
            if (clause.oem_models is None or event.oem_model in clause.oem_models) and (
                clause.property_names is None or name is None or name in clause.property_names
            ):
                return True
        return False


def encode_filter(filter: Filter) -> bytes:
    """Write a filter as canonical JSON (sorted keys and sets), so that equal filters are equal bytes."""
    return msgspec.json.encode(filter, order="deterministic")


def decode_filter(text: bytes | str) -> Filter:
    """Read what `encode_filter` wrote."""
    return _DECODER.decode(text)


_DECODER = msgspec.json.Decoder(Filter)
