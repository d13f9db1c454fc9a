"""Notifications of devices: there are none yet, so lists of them are empty."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get
from litestar.params import FromPath

from twinstream.model.principal import User
from twinstream.service.device import DeviceService
from twinstream.web.authentication import Given
from twinstream.wire.body import read_id


class NotificationsReply(msgspec.Struct, frozen=True):
    """``{"notification": [...]}``: the form that clients look for here."""

    notification: list[Any]


@get("/apiv1/devices/{device_key:str}/notifications", tags=["notifications"])
async def list_notifications(device_key: FromPath[str], user: Given[User], devices: Given[DeviceService]) -> list[Any]:
    """List a device's notifications: none; they come later."""
    await devices.find(user, read_id(device_key))
    return []


@get("/apiv1/devices/{device_key:str}/notifications/all", tags=["notifications"])
async def list_all_notifications(
    device_key: FromPath[str], user: Given[User], devices: Given[DeviceService]
) -> NotificationsReply:
    """List a device's notifications under one key: none; they come later."""
    await devices.find(user, read_id(device_key))
    return NotificationsReply([])


ROUTES = [list_notifications, list_all_notifications]
