"""Bodies of devices' role labels."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.check import must
from twinstream.model.device_role import DeviceRole
from twinstream.wire.body import read_body, unwrap
from twinstream.wire.time import format_time


class DeviceRoleFields(msgspec.Struct, frozen=True):
    """A role that is to have to do with a device."""

    role_name: str
    description: str | None = None


class DeviceRoleRequest(msgspec.Struct, frozen=True):
    """``{"role_label": {...}}``, also without the wrapper."""

    role_label: DeviceRoleFields


class DeviceRoleChangeFields(msgspec.Struct, frozen=True):
    """What is to be otherwise; what is left out stays."""

    role_name: str | None = None
    description: str | None = None


class DeviceRoleChange(msgspec.Struct, frozen=True):
    """``{"role_label": {...}}``, also without the wrapper."""

    role_label: DeviceRoleChangeFields


class DeviceLabelRequest(msgspec.Struct, frozen=True):
    """A role of the device and a label: ``{"key": "dealer_id", "value": "101"}``, also ``{"dealer_id": "101"}``."""

    role_name: str
    label: dict[str, str]


class DeviceLabelReply(msgspec.Struct, frozen=True):
    """A label."""

    key: str
    value: str


class DeviceRoleFieldsReply(msgspec.Struct, frozen=True):
    """A role that has to do with a device, and its labels by key."""

    id: int
    device_key: int
    role_name: str
    description: str
    labels: list[DeviceLabelReply]
    created_at: str
    updated_at: str


class DeviceRoleReply(msgspec.Struct, frozen=True):
    """``{"role_label": {...}}``."""

    role_label: DeviceRoleFieldsReply


def read_device_role(body: object) -> tuple[str, str]:
    """Read name and description. Raises RequestError ``invalid``."""
    fields = read_body(unwrap(body, "role_label"), DeviceRoleFields)
    return fields.role_name, fields.description or ""


def read_device_role_change(body: object) -> tuple[str | None, str | None]:
    """Read name and description, None for what stays. Raises RequestError ``invalid``."""
    fields = read_body(unwrap(body, "role_label"), DeviceRoleChangeFields)
    return fields.role_name, fields.description


def read_device_label(body: object) -> tuple[str, tuple[str, str]]:
    """Read the role's name, and key and value of the label. Raises RequestError ``invalid``."""
    request = read_body(unwrap(body, "role_label"), DeviceLabelRequest)
    label = request.label
    if label.keys() == {"key", "value"}:
        return request.role_name, (label["key"], label["value"])
    if len(label) != 1 or label.keys() <= {"key", "value"}:
        raise must("label", "be a key and a value")
    return request.role_name, next(iter(label.items()))


def show_device_role(role: DeviceRole) -> DeviceRoleReply:
    """Write a role of a device."""
    return DeviceRoleReply(
        DeviceRoleFieldsReply(
            role.id,
            role.device_key,
            role.role_name,
            role.description,
            [DeviceLabelReply(key, value) for key, value in sorted(role.labels.items())],
            format_time(role.created_at),
            format_time(role.updated_at),
        )
    )


def show_device_roles(roles: Sequence[DeviceRole]) -> list[DeviceRoleReply]:
    """Write roles, as a bare array."""
    return [show_device_role(role) for role in roles]
