"""Role labels of devices: `/apiv1/devices/<key>/role_labels`, `/apiv1/role_labels/<id>`.

Owners write them, whoever sees the device reads them; they let nobody see a device.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, post, put
from litestar.params import FromPath

from twinstream.model.check import invalid
from twinstream.model.principal import User
from twinstream.service.device import DeviceService
from twinstream.service.device_role import DeviceRoleService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body, describe_query
from twinstream.web.query import read_query
from twinstream.wire.body import read_id
from twinstream.wire.device import DeviceReply, show_device
from twinstream.wire.device_role import (
    DeviceLabelRequest,
    DeviceRoleChange,
    DeviceRoleReply,
    DeviceRoleRequest,
    read_device_label,
    read_device_role,
    read_device_role_change,
    show_device_role,
    show_device_roles,
)

_OF_DEVICE = "/apiv1/devices/{device_key:str}/role_labels"
_ONE = "/apiv1/role_labels/{role_label_id:str}"
_QUERY = {"role": "The role.", "key": "The key of a label.", "value": "Its value."}


@get("/apiv1/devices/find_by_role_label", operation_class=describe_query("role", **_QUERY), tags=["devices"])
async def find_devices_by_role_label(
    request: Request[Any, Any, Any],
    user: Given[User],
    devices: Given[DeviceService],
    device_roles: Given[DeviceRoleService],
) -> list[DeviceReply]:
    """Find the devices that have a role.

    With ``key`` and ``value`` those of them that have this label. Only devices that the caller sees anyway, as owner
    or by a share, are found.
    """
    role_name, key, value = (read_query(request, name) for name in _QUERY)
    if role_name is None:
        raise invalid("role", "is missing")
    if key is None and value is not None:
        raise invalid("key", "is missing")
    label = None if key is None else (key, value or "")
    sights = await device_roles.find_devices(user, role_name, label)
    return [show_device(sight, devices.last_talk_s(sight.device.key)) for sight in sights]


@get(_OF_DEVICE, tags=["roles"])
async def list_device_roles(
    device_key: FromPath[str], user: Given[User], device_roles: Given[DeviceRoleService]
) -> list[DeviceRoleReply]:
    """List a device's role labels, as a bare array by id."""
    return show_device_roles(await device_roles.list_all(user, read_id(device_key)))


@post(_OF_DEVICE, status_code=201, operation_class=describe_body(DeviceRoleRequest), tags=["roles"])
async def create_device_role(
    device_key: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    device_roles: Given[DeviceRoleService],
) -> DeviceRoleReply:
    """Say that a role has to do with the caller's device; 409 if the device has it already.

    The role is one of the OEM's (``OEM::...``); nobody needs to have it yet.
    """
    name, description = read_device_role(await read_json(request))
    return show_device_role(await device_roles.create(user, read_id(device_key), name, description))


@put(f"{_OF_DEVICE}/associate", operation_class=describe_body(DeviceLabelRequest), tags=["roles"])
async def associate_device_label(
    device_key: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    device_roles: Given[DeviceRoleService],
) -> DeviceRoleReply:
    """Give a role of the caller's device a label, in place of one with the same key.

    404 if the device does not have the role: it is created first.
    """
    name, label = read_device_label(await read_json(request))
    return show_device_role(await device_roles.associate(user, read_id(device_key), name, label))


@put(f"{_OF_DEVICE}/disassociate", operation_class=describe_body(DeviceLabelRequest), tags=["roles"])
async def disassociate_device_label(
    device_key: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    device_roles: Given[DeviceRoleService],
) -> DeviceRoleReply:
    """Take a label from a role of the caller's device; 404 if it is not there with this value."""
    name, label = read_device_label(await read_json(request))
    return show_device_role(await device_roles.disassociate(user, read_id(device_key), name, label))


@get(_ONE, tags=["roles"])
async def get_device_role(
    role_label_id: FromPath[str], user: Given[User], device_roles: Given[DeviceRoleService]
) -> DeviceRoleReply:
    """Answer a role label of a device that the caller sees."""
    return show_device_role(await device_roles.find(user, read_id(role_label_id)))


@put(_ONE, operation_class=describe_body(DeviceRoleChange), tags=["roles"])
async def change_device_role(
    role_label_id: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    device_roles: Given[DeviceRoleService],
) -> DeviceRoleReply:
    """Change name or description of a role label of the caller's device; labels stay. 409 for a name that is taken."""
    name, description = read_device_role_change(await read_json(request))
    return show_device_role(await device_roles.change(user, read_id(role_label_id), name, description))


@delete(_ONE, status_code=200, tags=["roles"])
async def delete_device_role(
    role_label_id: FromPath[str], user: Given[User], device_roles: Given[DeviceRoleService]
) -> None:
    """Delete a role label of the caller's device, with its labels.

    A ``role_name`` does in place of the id; 409 if several of the caller's devices have this role.
    """
    await device_roles.delete(user, role_label_id if ":" in role_label_id else read_id(role_label_id))


ROUTES = [
    find_devices_by_role_label,
    list_device_roles,
    create_device_role,
    associate_device_label,
    disassociate_device_label,
    get_device_role,
    change_device_role,
    delete_device_role,
]
