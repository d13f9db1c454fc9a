"""LAN mode: `lan`, `connection_config` and `connection_info` of devices."""

from __future__ import annotations

from litestar import get
from litestar.params import FromPath

from twinstream.errors import RequestError
from twinstream.model.principal import Device, User
from twinstream.service.device import DeviceService
from twinstream.service.lan import LanService
from twinstream.web.authentication import Given
from twinstream.web.ref import require_own
from twinstream.wire.body import read_id
from twinstream.wire.lan import (
    ConnectionConfigReply,
    ConnectionDetailsFieldsReply,
    ConnectionDetailsReply,
    LanReply,
    show_lan_key,
    show_no_lan_key,
)


@get("/apiv1/devices/{device_key:str}/lan", tags=["LAN mode"])
async def get_lan_key(device_key: FromPath[str], user: Given[User], lans: Given[LanService]) -> LanReply:
    """Answer the key that apps and the device share on their own network; the first call makes it."""
    found = await lans.find(user, read_id(device_key))
    return show_lan_key(found.id, found.key)


@get("/apiv1/dsns/{dsn:str}/lan", tags=["LAN mode"])
async def get_lan_key_by_dsn(dsn: FromPath[str], user: Given[User], lans: Given[LanService]) -> LanReply:
    """Answer the key of a device named by its DSN."""
    found = await lans.find(user, dsn)
    return show_lan_key(found.id, found.key)


@get("/apiv1/devices/{device_key:str}/connection_config", tags=["LAN mode"])
async def get_connection_config(
    device_key: FromPath[str], user: Given[User], lans: Given[LanService]
) -> ConnectionConfigReply:
    """Answer the same key as ``local_key``."""
    return ConnectionConfigReply((await lans.find(user, read_id(device_key))).key)


@get("/apiv1/dsns/{dsn:str}/connection_config", tags=["LAN mode"])
async def get_connection_config_by_dsn(
    dsn: FromPath[str], user: Given[User], lans: Given[LanService]
) -> ConnectionConfigReply:
    """Answer the key of a device named by its DSN as ``local_key``."""
    return ConnectionConfigReply((await lans.find(user, dsn)).key)


@get("/apiv1/dsns/{dsn:str}/connection_info", tags=["LAN mode"])
async def get_connection_details(
    dsn: FromPath[str], user: Given[User], devices: Given[DeviceService]
) -> ConnectionDetailsReply:
    """Tell by which Wi-Fi network a device is connected; 404 if it has not said so. ``rssi`` is not known."""
    device = (await devices.find(user, dsn)).device
    if device.ssid is None:
        raise RequestError("not_found")
    return ConnectionDetailsReply(ConnectionDetailsFieldsReply("Wifi", None, device.ssid))


@get("/devices/{device_key:str}/lan", tags=["device side"])
async def get_own_lan_key(device_key: FromPath[str], device: Given[Device], lans: Given[LanService]) -> LanReply:
    """Answer the device's own key, the one that apps are told; an empty ``lanip`` while the device has no owner."""
    require_own(device, device_key)
    found = await lans.find_own(device)
    return show_no_lan_key() if found is None else show_lan_key(found.id, found.key)


ROUTES = [
    get_lan_key,
    get_lan_key_by_dsn,
    get_connection_config,
    get_connection_config_by_dsn,
    get_connection_details,
    get_own_lan_key,
]
