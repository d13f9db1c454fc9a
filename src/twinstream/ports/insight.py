"""Looking into the log from the side: single events, and how far subscriptions are. For people, not for streams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from twinstream.model.event import Event, EventType
from twinstream.model.filter import Filter
from twinstream.model.principal import Operator, User
from twinstream.ports.log import Cursor


class Logged(msgspec.Struct, frozen=True):
    """An event and its place: ``position``, when it was stored (``created_at``, seconds since 1970), and
    ``oem_bytes``, the size of all of its OEM's events through it; only differences of that mean something."""

    position: int
    created_at: float
    oem_bytes: int
    event: Event


class Census(msgspec.Struct, frozen=True):
    """Devices of an OEM: all, and those that are Online."""

    total: int
    online: int


class Insights(Protocol):
    """Questions only; each is bounded."""

    def list_events(
        self,
        caller: User | Operator,
        oem: str,
        dsn: str,
        *,
        shown: Filter | None,
        type: EventType | None,
        property_name: str | None,
        limit: int,
    ) -> Sequence[Logged]:
        """List a device's newest events in an OEM, the newest first.

        Those that ``shown`` matches, all if it is None, and those that the caller is a reader of.
        """

    def find_event(self, position: int) -> Logged | None:
        """Find the event at a position; None for a control record, and once it is trimmed."""

    def find_newest(self, oem: str) -> Logged | None:
        """Find an OEM's newest event."""

    def find_filter(self, subscription_id: int, position: int) -> Filter | None:
        """Find the filter that a subscription has at a position; None before its creation."""

    def count_through(self, subscription_id: int, position: int, known: Cursor | None = None) -> int:
        """Count a subscription's matches at or before a position: the number of the event there, if it matches.

        ``known`` is a cursor of the subscription that lies before, if the caller has one: what is behind it is counted.
        """

    def count_gaps(self, subscription_id: int) -> int:
        """Count a subscription's gaps."""

    def count_events_since(self, oem: str, since_s: float) -> int:
        """Count an OEM's events that were stored since a time (seconds since 1970)."""

    def count_devices(self, oem: str) -> Census:
        """Count an OEM's devices."""

    def list_behind(self, oem: str, limit: int) -> Sequence[int]:
        """List the ids of an OEM's cloud subscriptions, those first whose acknowledgement is oldest."""
