"""Registration: `POST /apiv1/devices`, `DELETE /apiv1/devices/<key>`."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, post
from litestar.params import FromPath

from twinstream.model.device import Sight
from twinstream.model.principal import User
from twinstream.service.device import DeviceService
from twinstream.service.registration import RegistrationService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body
from twinstream.wire.body import read_id
from twinstream.wire.device import DeviceReply, show_device
from twinstream.wire.registration import RegistrationRequest, read_claim


@post("/apiv1/devices", status_code=201, operation_class=describe_body(RegistrationRequest), tags=["devices"])
async def register_device(
    request: Request[Any, Any, Any],
    user: Given[User],
    registrations: Given[RegistrationService],
    devices: Given[DeviceService],
) -> DeviceReply:
    """Make the caller a device's owner. What must be shown depends on the device's registration type."""
    claim = read_claim(await read_json(request), request.client.host if request.client else None)
    device = await registrations.register(user, claim)
    return show_device(Sight(device, None), devices.last_talk_s(device.key))


@delete("/apiv1/devices/{device_key:str}", status_code=200, tags=["devices"])
async def unregister_device(
    device_key: FromPath[str], user: Given[User], registrations: Given[RegistrationService]
) -> None:
    """Leave the caller's device without an owner."""
    await registrations.unregister(user, read_id(device_key))


ROUTES = [register_device, unregister_device]
