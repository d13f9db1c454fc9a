"""Properties: the named, typed slots of a twin, and who may set which.

Owns what a property is and how a new one may be declared; the value rules are in `model.value`. Invariant: a value only
ever comes to an output property from its device.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from twinstream.errors import RequestError
from twinstream.model.check import check_segment, check_text, must
from twinstream.model.user import check_role
from twinstream.model.value import BaseType, Value


class Direction(StrEnum):
    """Which way values go: ``input`` to the device (and back from it), ``output`` from it alone."""

    INPUT = "input"
    OUTPUT = "output"


class Scope(StrEnum):
    """Whom a property is for, as ``scope`` spells it: ``user`` or ``oem``. It is told, and bears on no right."""

    USER = "user"
    OEM = "oem"


class Property(msgspec.Struct, frozen=True, kw_only=True):
    """A property with its present value. Times are seconds since 1970.

    ``datapoint_id`` and ``datapoint_updated_at`` are those of its newest datapoint, None before the first;
    ``ack_status``, ``ack_message`` and ``acked_at`` those of the latest acknowledgement. ``product_name`` is the
    device's. ``retention_days`` None is the server's default. Who has one of ``denied_roles`` does not see it.
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
    time_series: bool
    derived: bool
    host_sw_version: bool
    app_type: str | None
    recipe: str | None
    mime_type: str | None
    denied_roles: tuple[str, ...]
    retention_days: int | None
    value: Value | None
    datapoint_id: str | None
    datapoint_updated_at: float | None
    ack_status: int | None
    ack_message: int | None
    acked_at: float | None
    product_name: str


class PropertyPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A property that a device is to have. ``display_name`` None means its name.

    ``read_only`` None: outputs are. ``mime_type`` is for messages, of `MIME_TYPES`; ``retention_days`` is how long its
    datapoints are kept, but for the newest: None, the server's default, and for messages `MESSAGE_RETENTION_DAYS`.
    ``app_type``, ``recipe``, ``time_series``, ``derived`` and ``host_sw_version`` are told to whoever reads the
    property; nothing here depends on them.
    """

    name: str
    base_type: BaseType
    direction: Direction
    display_name: str | None = None
    ack_enabled: bool = False
    track_only_changes: bool = False
    scope: Scope = Scope.USER
    read_only: bool | None = None
    time_series: bool = False
    derived: bool = False
    host_sw_version: bool = False
    app_type: str | None = None
    recipe: str | None = None
    mime_type: str | None = None
    denied_roles: tuple[str, ...] = ()
    retention_days: int | None = None


MIME_TYPES = ("application/octet-stream", "application/json", "text/plain")
"""What a message property may hold, the default first. Source: ayla-facts 3.4."""

MESSAGE_RETENTION_DAYS = 90
"""Source: ayla-facts 3.7."""

LONGEST_RETENTION_DAYS = 36_500


def check_plan(plan: PropertyPlan) -> PropertyPlan:
    """Answer the plan with what it leaves out.

    Raises:
        RequestError: ``invalid``, naming the field: a name that no path could carry, a text that is too long, a role
            that does not exist, a MIME type where none is due.
    """
    check_segment(plan.name, field="name")
    check_text(plan.display_name or plan.name, field="display_name", shortest=1)
    for field in ("app_type", "recipe"):
        check_text(getattr(plan, field) or "", field=field)
    for role in plan.denied_roles:
        check_role(role)
    if plan.retention_days is not None and not 1 <= plan.retention_days <= LONGEST_RETENTION_DAYS:
        raise must("retention_days", f"be 1 to {LONGEST_RETENTION_DAYS}")
    if plan.direction is Direction.OUTPUT and plan.read_only is False:
        raise must("read_only", "be true for an output property: only its device sets it")
    is_message = plan.base_type is BaseType.MESSAGE
    if plan.mime_type is not None and not (is_message and plan.mime_type in MIME_TYPES):
        raise must("mime_type", f"be one of {', '.join(MIME_TYPES)}, and only message properties have one")
    return msgspec.structs.replace(
        plan,
        display_name=plan.display_name or plan.name,
        read_only=plan.direction is Direction.OUTPUT if plan.read_only is None else plan.read_only,
        mime_type=(plan.mime_type or MIME_TYPES[0]) if is_message else None,
        retention_days=plan.retention_days or (MESSAGE_RETENTION_DAYS if is_message else None),
    )


PropertyRef = tuple[str | int | None, str | int]
"""How a path names a property: (DSN or device key, name), or (None, property key)."""


def check_settable(direction: Direction, read_only: bool) -> None:
    """Let users set input properties. Raises RequestError ``forbidden`` for the others."""
    if direction is not Direction.INPUT or read_only:
        raise RequestError("forbidden", "The property is read-only: only its device sets it.")
