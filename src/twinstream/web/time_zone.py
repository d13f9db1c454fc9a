"""Time zones: `/apiv1/devices/<key>/time_zones`."""

from __future__ import annotations

from typing import Any

from litestar import Request, get, put
from litestar.params import FromPath

from twinstream.model.principal import User
from twinstream.service.time_zone import TimeZoneService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body
from twinstream.wire.body import read_id
from twinstream.wire.time_zone import TimeZoneReply, TimeZoneRequest, read_time_zone, show_time_zone

_PATH = "/apiv1/devices/{device_key:str}/time_zones"


@get(_PATH, tags=["devices"])
async def get_time_zone(
    device_key: FromPath[str], user: Given[User], time_zones: Given[TimeZoneService]
) -> TimeZoneReply:
    """Answer a device's time zone: UTC, with a null ``key``, if none was set."""
    return show_time_zone(await time_zones.find(user, read_id(device_key)))


@put(_PATH, operation_class=describe_body(TimeZoneRequest), tags=["devices"])
async def change_time_zone(
    device_key: FromPath[str], request: Request[Any, Any, Any], user: Given[User], time_zones: Given[TimeZoneService]
) -> TimeZoneReply:
    """Set a device's time zone, a name of the tz database."""
    return show_time_zone(await time_zones.change(user, read_id(device_key), read_time_zone(await read_json(request))))


ROUTES = [get_time_zone, change_time_zone]
