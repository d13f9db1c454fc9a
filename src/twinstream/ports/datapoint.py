"""Stored datapoints, and the state that creating one depends on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from twinstream.model import principal
from twinstream.model.datapoint import ALL_TIME, Acknowledgement, Datapoint, DatapointPage, Span
from twinstream.model.property import Direction, PropertyRef
from twinstream.model.share import Operation
from twinstream.model.value import BaseType


class PropertyState(msgspec.Struct, frozen=True, array_like=True):
    """What decides whether a datapoint may be created, and what its event says, read in one piece.

    ``gateway_key`` is the gateway that speaks for a node.
    ``holders`` are those of `model.device.Audience`; ``hidden_from`` those of them, or the owner, whose role must not
    see the property. ``newest`` is given for properties that track only changes, and
    only once they have a datapoint. (``array_like`` is how stores transfer it; nothing depends on it.)
    """

    property_key: int
    device_key: int
    gateway_key: int | None
    dsn: str
    oem: str
    oem_model: str
    owner: str | None
    name: str
    display_name: str
    base_type: BaseType
    direction: Direction
    read_only: bool
    ack_enabled: bool
    track_only_changes: bool
    holders: dict[str, Operation]
    hidden_from: tuple[str, ...]
    newest: Datapoint | None


class StoredDatapoint(msgspec.Struct, frozen=True):
    """A datapoint to be stored, and the property that it is of."""

    property_key: int
    datapoint: Datapoint


class AcknowledgedDatapoint(msgspec.Struct, frozen=True):
    """A datapoint of a device's own, with the state of its property."""

    state: PropertyState
    datapoint: Datapoint


class PageWanted(msgspec.Struct, frozen=True):
    """Which datapoints of a property: at most ``limit``, oldest first, beyond a cursor.

    ``cursor`` is a datapoint's id, or None; the page has those after it, or, with ``backward``, those before it. Of a
    datapoint that is not kept (any more) nothing is before, and everything after.
    """

    limit: int
    cursor: str | None = None
    backward: bool = False
    span: Span = ALL_TIME


class Datapoints(Protocol):
    """The history of datapoints, apart from the log. The newest of a property is its value, and is never purged."""

    def find_states(self, refs: Sequence[PropertyRef]) -> dict[int, PropertyState]:
        """Find the states of the named properties, by their place in ``refs``; what does not exist is missing.

        Whoever asks: the caller checks rights against the state. One statement, whatever the number.
        """

    def add(self, stored: Sequence[StoredDatapoint]) -> None:
        """Store datapoints in order; the last of each property becomes its value. A few statements for all of them."""

    def find_own(self, device: principal.Device, property_name: str, datapoint_id: str) -> AcknowledgedDatapoint | None:
        """Find a datapoint of a device's property that was made for the device's present owner."""

    def acknowledge(
        self, property_key: int, datapoint_id: str, acknowledgement: Acknowledgement, ack_id: str, acked_at: float
    ) -> None:
        """Store how the device answered, at the datapoint and at its property."""

    def find_visible(self, user: principal.User, ref: PropertyRef, datapoint_id: str) -> Datapoint | None:
        """Find a datapoint of a device that the user owns or holds a share of, made since its present owner has it."""

    def list_visible(
        self, user: principal.User, ref: PropertyRef, limit: int, span: Span = ALL_TIME
    ) -> Sequence[Datapoint] | None:
        """List the newest datapoints of such a property, oldest first, by the same conditions. None: not visible."""

    def page_visible(self, user: principal.User, ref: PropertyRef, wanted: PageWanted) -> DatapointPage | None:
        """Answer a page of such a property's datapoints, by the same conditions. None: not visible."""

    def list_ends(
        self, user: principal.User, ref: PropertyRef, spans: Sequence[Span]
    ) -> Sequence[Sequence[Datapoint]] | None:
        """Answer, for each span, its first and its last datapoint (or the only one). None: not visible."""

    def find_old(self, keep_s: float, after: int, limit: int) -> tuple[Sequence[int], int | None]:
        """Find what may be purged: numbers of datapoints older than ``keep_s``, or than their property's own
        ``retention_days``, that are not their property's newest.

        Looks at ``limit`` datapoints whose number is above ``after``; answers where to go on, None at the end.
        """

    def remove(self, numbers: Sequence[int]) -> int:
        """Delete datapoints, except any that is its property's newest; answer how many."""
