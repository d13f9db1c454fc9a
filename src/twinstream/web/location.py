"""Where devices are: `POST /apiv1/devices/<key>/locations`."""

from __future__ import annotations

from typing import Any

from litestar import Request, post
from litestar.params import FromPath

from twinstream.model.principal import User
from twinstream.service.location import LocationService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body
from twinstream.wire.body import read_id
from twinstream.wire.location import LocationReply, LocationRequest, read_location, show_location


@post(
    "/apiv1/devices/{device_key:str}/locations",
    status_code=201,
    operation_class=describe_body(LocationRequest),
    tags=["devices"],
)
async def move_device(
    device_key: FromPath[str], request: Request[Any, Any, Any], user: Given[User], locations: Given[LocationService]
) -> LocationReply:
    """Say where a device is. Another place than before makes a ``user-based`` location event."""
    place = read_location(await read_json(request))
    await locations.move(user, read_id(device_key), place)
    return show_location(place)


ROUTES = [move_device]
