"""Devices: `/apiv1/devices` and `/apiv1/dsns` for users, `/dsns` and `/devices` for devices themselves."""

from __future__ import annotations

from typing import Any

from litestar import Request, get, put
from litestar.params import FromPath

from twinstream.errors import RequestError
from twinstream.model.device import Sight
from twinstream.model.paging import MOST_PER_PAGE, ORDERS, Paging, cut_page
from twinstream.model.principal import Device, User
from twinstream.ports.clock import Clock
from twinstream.service.command import CommandService
from twinstream.service.device import DeviceService
from twinstream.service.node import NodeService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body, describe_query
from twinstream.web.query import read_number, read_query
from twinstream.web.ref import read_ip, require_own
from twinstream.wire.body import read_id
from twinstream.wire.device import (
    DeviceReply,
    OwnDeviceReply,
    RenameRequest,
    ReportRequest,
    read_rename,
    read_report,
    show_device,
    show_own_device,
)
from twinstream.wire.paging import DevicePageReply

_PAGE_QUERY = {
    "paginated": "`1`: one page instead of all.",
    "page": "The number of the page, from 1.",
    "per_page": "How many in a page, up to 500; 50 if absent.",
    "order_by": "The field by which they are ordered: `product_name`.",
    "order": "`asc` or `desc`.",
    "user_uuid": "Only the devices that this user owns.",
}


@get("/apiv1/devices", operation_class=describe_query(**_PAGE_QUERY), tags=["devices"])
async def list_devices(
    request: Request[Any, Any, Any], user: Given[User], devices: Given[DeviceService]
) -> list[DeviceReply] | DevicePageReply:
    """List the caller's own devices and those shared with them, as a bare array by key.

    With ``paginated=1`` (or ``true``) one page of them: ``page`` from 1, ``per_page`` up to 500 (50), ``order_by``
    (``product_name``) ``asc`` or ``desc`` as ``order``, and of ``user_uuid`` only the devices that this user owns.
    """
    sights = await devices.list_devices(user)
    if read_query(request, "paginated") not in ("1", "true"):
        return [_show(devices, sight) for sight in sights]
    paging = _read_paging(request)
    page = cut_page(sights, paging)
    return DevicePageReply(
        [_show(devices, sight) for sight in page.sights],
        paging.page,
        paging.per_page,
        -(-page.total // paging.per_page),
        page.total,
    )


@get("/apiv1/devices/{device_key:str}", tags=["devices"])
async def get_device(device_key: FromPath[str], user: Given[User], devices: Given[DeviceService]) -> DeviceReply:
    """Answer a device by its key."""
    return _show(devices, await devices.find(user, read_id(device_key)))


@get("/apiv1/dsns/{dsn:str}", tags=["devices"])
async def get_device_by_dsn(dsn: FromPath[str], user: Given[User], devices: Given[DeviceService]) -> DeviceReply:
    """Answer a device by its DSN."""
    return _show(devices, await devices.find(user, dsn))


@put("/apiv1/devices/{device_key:str}", operation_class=describe_body(RenameRequest), tags=["devices"])
async def rename_device(
    device_key: FromPath[str], request: Request[Any, Any, Any], user: Given[User], devices: Given[DeviceService]
) -> DeviceReply:
    """Rename the caller's device; nothing else of it can be changed."""
    return _show(devices, await devices.rename(user, read_id(device_key), read_rename(await read_json(request))))


@put("/apiv1/dsns/{dsn:str}", operation_class=describe_body(RenameRequest), tags=["devices"])
async def rename_device_by_dsn(
    dsn: FromPath[str], request: Request[Any, Any, Any], user: Given[User], devices: Given[DeviceService]
) -> DeviceReply:
    """Rename the caller's device, named by its DSN."""
    return _show(devices, await devices.rename(user, dsn, read_rename(await read_json(request))))


@get(
    "/dsns/{dsn:str}",
    operation_class=describe_query(test="`1`: do not activate it.", reset="`1`: drop its nodes."),
    tags=["device side"],
)
async def introduce_device(
    dsn: FromPath[str],
    request: Request[Any, Any, Any],
    device: Given[Device],
    devices: Given[DeviceService],
    clock: Given[Clock],
    nodes: Given[NodeService],
    commands: Given[CommandService],
) -> OwnDeviceReply:
    """Tell a device what it is to know of itself; the first time activates it, unless it comes with ``test=1``.

    It gets a new registration token each time, and a file that it has not marked as fetched is among its commands
    again. With ``reset=1`` a gateway has forgotten its nodes: they leave.
    """
    require_own(device, dsn)
    if read_query(request, "reset") == "1":
        await nodes.remove_all(device)
    await commands.offer_files(device)
    activate = read_query(request, "test") != "1"
    return show_own_device(await devices.introduce(device, read_ip(request), activate=activate), clock.now_s())


@put("/devices/{device_key:str}", operation_class=describe_body(ReportRequest), tags=["device side"])
async def report_device(
    device_key: FromPath[str],
    request: Request[Any, Any, Any],
    device: Given[Device],
    devices: Given[DeviceService],
    clock: Given[Clock],
) -> OwnDeviceReply:
    """Take what a device says of itself. A place in it (``setup_location``) makes an ``ip-based`` location event."""
    require_own(device, device_key)
    report = read_report(await read_json(request))
    return show_own_device(await devices.report(device, report, read_ip(request)), clock.now_s())


ROUTES = [
    list_devices,
    get_device,
    get_device_by_dsn,
    rename_device,
    rename_device_by_dsn,
    introduce_device,
    report_device,
]


def _read_paging(request: Request[Any, Any, Any]) -> Paging:
    page, per_page = read_number(request, "page"), read_number(request, "per_page")
    order_by, order = read_query(request, "order_by") or "product_name", read_query(request, "order") or "asc"
    for name, is_known, rule in (
        ("page", page != 0, "from 1"),
        ("per_page", per_page is None or 0 < per_page <= MOST_PER_PAGE, f"from 1 to {MOST_PER_PAGE}"),
        ("order_by", order_by in ORDERS, f"one of {', '.join(ORDERS)}"),
        ("order", order in ("asc", "desc"), "asc or desc"),
    ):
        if not is_known:
            raise RequestError("bad_query", f"{name} must be {rule}.", field=name)
    return Paging(
        page=page or 1,
        per_page=per_page or 50,
        order_by=order_by,
        descending=order == "desc",
        user_uuid=read_query(request, "user_uuid"),
    )


def _show(devices: DeviceService, sight: Sight) -> DeviceReply:
    return show_device(sight, devices.last_talk_s(sight.device.key))
