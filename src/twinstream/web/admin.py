"""The operator's API, `/admin/v1`: what `twinstream admin` calls, from this machine and with the data folder's token.

It is ours, not one of the compatible ones: bodies are flat, errors are problem details (RFC 9457).
"""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, patch, post, put
from litestar.params import FromPath

from twinstream.model.oem import Retention
from twinstream.model.principal import Operator
from twinstream.service.admin import AdminService
from twinstream.service.device import Attributes, DeviceService
from twinstream.service.subscription import SubscriptionService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body
from twinstream.wire.admin import (
    ApplicationReply,
    ApplicationRequest,
    DeviceReply,
    DeviceRequest,
    OemReply,
    OemRequest,
    RetentionRequest,
    UserChange,
    UserReply,
    UserRequest,
    show_account,
    show_application,
    show_device,
    show_oem,
)
from twinstream.wire.body import read_body, read_id
from twinstream.wire.subscription import SubscriptionReply, show_subscription

_OEMS = "/admin/v1/oems"
_OEM = f"{_OEMS}/{{oem:str}}"


@post(_OEMS, status_code=201, operation_class=describe_body(OemRequest), tags=["admin"])
async def create_oem(
    request: Request[Any, Any, Any], operator: Given[Operator], admin: Given[AdminService]
) -> OemReply:
    """Add an OEM, with access rules that let its administrators subscribe to everything."""
    wanted = read_body(await read_json(request), OemRequest)
    return show_oem(await admin.add_oem(operator, wanted.name, wanted.id))


@get(_OEMS, tags=["admin"])
async def list_oems(operator: Given[Operator], admin: Given[AdminService]) -> list[OemReply]:
    """List OEMs."""
    return [show_oem(oem) for oem in await admin.list_oems(operator)]


@put(f"{_OEM}/retention", operation_class=describe_body(RetentionRequest), tags=["admin"])
async def set_retention(
    oem: FromPath[str], request: Request[Any, Any, Any], operator: Given[Operator], admin: Given[AdminService]
) -> OemReply:
    """Replace both limits of an OEM's log."""
    wanted = read_body(await read_json(request), RetentionRequest)
    retention = Retention(wanted.retention_age_s, wanted.retention_size_bytes)
    return show_oem(await admin.set_retention(operator, oem, retention))


@post(f"{_OEM}/applications", status_code=201, operation_class=describe_body(ApplicationRequest), tags=["admin"])
async def create_application(
    oem: FromPath[str], request: Request[Any, Any, Any], operator: Given[Operator], admin: Given[AdminService]
) -> ApplicationReply:
    """Add an application; its secret is in this reply and nowhere else."""
    wanted = read_body(await read_json(request), ApplicationRequest)
    made = await admin.add_application(operator, oem, wanted.name, wanted.app_id)
    return show_application(made.application, made.app_secret)


@get(f"{_OEM}/applications", tags=["admin"])
async def list_applications(
    oem: FromPath[str], operator: Given[Operator], admin: Given[AdminService]
) -> list[ApplicationReply]:
    """List an OEM's applications."""
    return [show_application(application) for application in await admin.list_applications(operator, oem)]


@post(f"{_OEM}/users", status_code=201, operation_class=describe_body(UserRequest), tags=["admin"])
async def create_user(
    oem: FromPath[str], request: Request[Any, Any, Any], operator: Given[Operator], admin: Given[AdminService]
) -> UserReply:
    """Add a user, who can sign in at once."""
    wanted = read_body(await read_json(request), UserRequest)
    account = await admin.add_user(
        operator,
        oem,
        wanted.email,
        wanted.password,
        wanted.role,
        firstname=wanted.firstname,
        lastname=wanted.lastname,
    )
    return show_account(account)


@get(f"{_OEM}/users", tags=["admin"])
async def list_users(oem: FromPath[str], operator: Given[Operator], admin: Given[AdminService]) -> list[UserReply]:
    """List an OEM's users."""
    return [show_account(account) for account in await admin.list_users(operator, oem)]


@patch("/admin/v1/users/{uuid:str}", operation_class=describe_body(UserChange), tags=["admin"])
async def change_user(
    uuid: FromPath[str], request: Request[Any, Any, Any], operator: Given[Operator], admin: Given[AdminService]
) -> UserReply:
    """Change a user's role or password; either signs the user out."""
    wanted = read_body(await read_json(request), UserChange)
    account = await admin.change_user(operator, uuid, role=wanted.role, password=wanted.password)
    return show_account(account)


@delete("/admin/v1/users/{uuid:str}", tags=["admin"])
async def delete_user(uuid: FromPath[str], operator: Given[Operator], admin: Given[AdminService]) -> None:
    """Delete a user with tokens, shares and subscriptions; 409 while the user owns a device."""
    await admin.remove_user(operator, uuid)


@post(f"{_OEM}/devices", status_code=201, operation_class=describe_body(DeviceRequest), tags=["admin"])
async def create_device(
    oem: FromPath[str], request: Request[Any, Any, Any], operator: Given[Operator], devices: Given[DeviceService]
) -> DeviceReply:
    """Add a device with its properties, or what is missing of them; the reply holds the key that the device needs."""
    wanted = read_body(await read_json(request), DeviceRequest)
    named: Attributes = {
        "model": wanted.model,
        "product_name": wanted.product_name,
        "registration_type": wanted.registration_type,
        "properties": wanted.properties,
    }
    if not wanted.with_key:
        added = await devices.add(operator, oem, wanted.dsn, wanted.oem_model, **named)
        return show_device(added.device, None, added.is_new, added.added_properties)
    made = await devices.provision(operator, oem, wanted.dsn, wanted.oem_model, **named)
    return show_device(made.device, made.public_key, made.is_new, made.added_properties)


@get(f"{_OEM}/devices", tags=["admin"])
async def list_devices(
    oem: FromPath[str], operator: Given[Operator], devices: Given[DeviceService]
) -> list[DeviceReply]:
    """List an OEM's devices."""
    return [show_device(device) for device in await devices.list_of_oem(operator, oem)]


@get(f"{_OEM}/subscriptions", tags=["admin"])
async def list_subscriptions(
    oem: FromPath[str], operator: Given[Operator], subscriptions: Given[SubscriptionService]
) -> list[SubscriptionReply]:
    """List an OEM's subscriptions, without their keys."""
    found = await subscriptions.list_of_oem(operator, oem)
    return [show_subscription(shown.subscription, None, shown.is_connected) for shown in found]


@post("/admin/v1/subscriptions/{subscription_id:str}/suspend", status_code=200, tags=["admin"])
async def suspend_subscription(
    subscription_id: FromPath[str], operator: Given[Operator], subscriptions: Given[SubscriptionService]
) -> SubscriptionReply:
    """Close a subscription's sockets and refuse new ones; its numbers go on."""
    shown = await subscriptions.set_suspended(operator, read_id(subscription_id), True)
    return show_subscription(shown.subscription, None, shown.is_connected)


@post("/admin/v1/subscriptions/{subscription_id:str}/resume", status_code=200, tags=["admin"])
async def resume_subscription(
    subscription_id: FromPath[str], operator: Given[Operator], subscriptions: Given[SubscriptionService]
) -> SubscriptionReply:
    """Let sockets of a suspended subscription in again."""
    shown = await subscriptions.set_suspended(operator, read_id(subscription_id), False)
    return show_subscription(shown.subscription, None, shown.is_connected)


ROUTES = [
    create_oem,
    list_oems,
    set_retention,
    create_application,
    list_applications,
    create_user,
    list_users,
    change_user,
    delete_user,
    create_device,
    list_devices,
    list_subscriptions,
    suspend_subscription,
    resume_subscription,
]
