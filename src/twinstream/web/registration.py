"""Registration: who becomes a device's owner, and which devices there are to own."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, post, put
from litestar.params import FromPath

from twinstream.errors import RequestError
from twinstream.model.device import RegistrationType, Sight
from twinstream.model.location import check_place
from twinstream.model.principal import Device, User
from twinstream.service.candidate import CandidateService
from twinstream.service.device import DeviceService
from twinstream.service.registration import RegistrationService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json, read_optional_json
from twinstream.web.openapi import describe_body, describe_query
from twinstream.web.query import read_query
from twinstream.web.ref import read_ip, require_own
from twinstream.wire.body import read_id
from twinstream.wire.device import DeviceReply, show_candidate, show_device
from twinstream.wire.registration import (
    RegistrationRequest,
    TransferRequest,
    WindowRequest,
    parse_duration,
    read_claim,
    read_duration,
    read_transfer,
    read_type,
)


@post(
    "/apiv1/devices",
    status_code=201,
    operation_class=describe_body(
        RegistrationRequest, query={"lat": "Where it is: degrees north.", "lng": "Degrees east."}
    ),
    tags=["registration"],
)
async def register_device(
    request: Request[Any, Any, Any],
    user: Given[User],
    registrations: Given[RegistrationService],
    devices: Given[DeviceService],
) -> DeviceReply:
    """Make the caller a device's owner. What must be shown depends on the device's registration type.

    * ``Same-LAN``: ``dsn`` and the ``regtoken`` that the device got within the hour, from the same network; no owner.
    * ``Button-Push``: ``dsn``, within two minutes of the push, from the same network.
    * ``AP-Mode``: ``dsn`` and the ``setup_token`` that the app gave the device, which it reported within the hour.
    * ``Display``: the ``regtoken`` alone, which the device shows.
    * ``Dsn``: ``dsn``; no owner.
    * ``Node``: ``dsn``; its gateway is the caller's, and the gateway's registration window is open.

    "No owner": whoever has the device must unregister it first; by the other types it changes its owner at once. 422 if
    neither ``dsn`` nor ``regtoken`` is there. Whatever else is wrong is the same 404, for it tells strangers nothing.

    ``lat`` and ``lng`` in the query say where it is. "The same network" for Same-LAN and Button-Push: the same public
    IPv4 address, the same 64 bits of an IPv6 address, or both in private networks (where the server is, too).
    """
    claim = read_claim(await read_json(request), read_ip(request))
    lat, lng = read_query(request, "lat"), read_query(request, "lng")
    place = None if lat is None and lng is None else check_place(lat, lng, lng_field="lng")
    device = await registrations.register(user, claim, place)
    return show_device(Sight(device, None), devices.last_talk_s(device.key))


@get(
    "/apiv1/devices/register",
    operation_class=describe_query(
        regtype="How it would be registered: `Same-LAN`, `Button-Push`, `Display`, `Node`.",
        dsn="The device; for nodes their gateway.",
    ),
    tags=["registration"],
)
async def find_candidate(
    request: Request[Any, Any, Any], user: Given[User], candidates: Given[CandidateService]
) -> DeviceReply | list[DeviceReply]:
    """Find what the caller could register by ``regtype``: the newest device, of type Node an array; else 404.

    ``dsn`` names the device, of type Node the gateway. Same-LAN (also if ``regtype`` is absent) finds a device in the
    caller's network that talked to the server within the hour and has no owner; Button-Push one whose button was pushed
    in the last two minutes. If there are several such, none of them counts any more, and the answer is 404. The other
    types need no candidates: 404.
    """
    type_, dsn = read_type(read_query(request, "regtype")), read_query(request, "dsn")
    if type_ is not RegistrationType.NODE:
        return show_candidate(await candidates.find(user, type_, dsn, read_ip(request)))
    if dsn is None:
        raise RequestError("bad_query", "dsn is missing.", field="dsn")
    return [show_candidate(node) for node in await candidates.list_nodes(user, dsn)]


@delete("/apiv1/devices/{device_key:str}", status_code=200, tags=["registration"])
async def unregister_device(
    device_key: FromPath[str], user: Given[User], registrations: Given[RegistrationService]
) -> None:
    """Leave the caller's device without an owner; a gateway's nodes too."""
    await registrations.unregister(user, read_id(device_key))


@put("/apiv1/devices/{device_key:str}/transfer", operation_class=describe_body(TransferRequest), tags=["registration"])
async def transfer_device(
    device_key: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    registrations: Given[RegistrationService],
) -> DeviceReply:
    """Give the caller's device, named by its DSN, to another user of the OEM. One event for each owner."""
    device = await registrations.transfer(user, device_key, read_transfer(await read_json(request)))
    return show_candidate(device)


@post(
    "/apiv1/devices/{device_key:str}/registration_window",
    status_code=200,
    operation_class=describe_body(
        WindowRequest, required=False, query={"duration": "For how many seconds, up to 255; 0 ends it."}
    ),
    tags=["registration"],
)
async def open_join_window(
    device_key: FromPath[str], request: Request[Any, Any, Any], user: Given[User], candidates: Given[CandidateService]
) -> None:
    """Let the nodes of the caller's gateway be registered for ``duration`` seconds (body or query): 200, at most 255.

    0 ends it.
    """
    body = await read_optional_json(request)
    asked = read_query(request, "duration")
    duration_s = parse_duration(asked) if body is None or asked else read_duration(body)
    await candidates.open_join_window(user, read_id(device_key), duration_s)


@put("/devices/{device_key:str}/start_reg_window", tags=["device side"])
async def push_button(
    device_key: FromPath[str],
    request: Request[Any, Any, Any],
    device: Given[Device],
    candidates: Given[CandidateService],
) -> None:
    """Note that somebody pushed the device's button: for two minutes it can be registered from its network."""
    require_own(device, device_key)
    await candidates.push_button(device, read_ip(request))


ROUTES = [
    register_device,
    find_candidate,
    unregister_device,
    transfer_device,
    open_join_window,
    push_button,
]
