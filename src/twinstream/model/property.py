"""Properties: the named, typed slots of a twin, and who may set which.

Owns what a property is and how a new one may be declared; the value rules are in `model.value`. Invariant: a value only
ever comes to an output property from its device.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from twinstream.errors import RequestError
from twinstream.model.check import check_segment, check_text
from twinstream.model.value import BaseType, Value


class Direction(StrEnum):
    """Which way values go: ``input`` to the device (and back from it), ``output`` from it alone."""

    INPUT = "input"
    OUTPUT = "output"


class Property(msgspec.Struct, frozen=True, kw_only=True):
    """A property with its present value. Times are seconds since 1970.

    ``datapoint_id`` and ``datapoint_updated_at`` are those of its newest datapoint, None before the first;
    ``ack_status``, ``ack_message`` and ``acked_at`` those of the latest acknowledgement. ``product_name`` is the
    device's.
    """

    key: int
    device_key: int
    name: str
    display_name: str
    base_type: BaseType
    direction: Direction
    scope: str
    read_only: bool
    ack_enabled: bool
    track_only_changes: bool
    value: Value | None
    datapoint_id: str | None
    datapoint_updated_at: float | None
    ack_status: int | None
    ack_message: int | None
    acked_at: float | None
    product_name: str


class PropertyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A property that a device is to have. ``display_name`` None means its name; outputs are read-only."""

    name: str
    base_type: BaseType
    direction: Direction
    display_name: str | None = None
    ack_enabled: bool = False
    track_only_changes: bool = False


def check_plan(plan: PropertyPlan) -> PropertyPlan:
    """Answer the plan. Raises RequestError ``invalid`` for a name that no path could carry, or one that is too long."""
    check_segment(plan.name, field="name")
    check_text(plan.display_name or plan.name, field="display_name", shortest=1)
    return plan


PropertyRef = tuple[str | int | None, str | int]
"""How a path names a property: (DSN or device key, name), or (None, property key)."""


def check_settable(direction: Direction, read_only: bool) -> None:
    """Let users set input properties. Raises RequestError ``forbidden`` for the others."""
    if direction is not Direction.INPUT or read_only:
        raise RequestError("forbidden", "The property is read-only: only its device sets it.")
