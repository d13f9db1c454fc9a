"""Schedules: there are none yet, so lists of them are empty."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.params import FromPath

from twinstream.model.principal import User
from twinstream.service.device import DeviceService
from twinstream.web.authentication import Given
from twinstream.wire.body import read_id


@get("/apiv1/devices/{device_key:str}/schedules", tags=["schedules"])
async def list_schedules(device_key: FromPath[str], user: Given[User], devices: Given[DeviceService]) -> list[Any]:
    """List a device's schedules: none; they come later."""
    await devices.find(user, read_id(device_key))
    return []


@get("/apiv1/schedules/all/by_user", tags=["schedules"])
async def list_own_schedules(user: Given[User]) -> list[Any]:  # noqa: ARG001
    """List the schedules of all of the caller's devices: none; they come later."""
    return []


ROUTES = [list_schedules, list_own_schedules]
