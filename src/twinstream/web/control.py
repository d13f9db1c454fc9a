"""Orders to devices below `/apiv1/devices/<key>`, and what waits for them."""

from __future__ import annotations

from typing import Any

from litestar import Request, get, put
from litestar.params import FromPath

from twinstream.model.principal import User
from twinstream.service.control import ControlService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body
from twinstream.wire.body import read_id
from twinstream.wire.command import CommandsReply, IdentifyRequest, encode_identify, show_pending


@get("/apiv1/devices/{device_key:str}/commands", tags=["devices"])
async def list_waiting(device_key: FromPath[str], user: Given[User], controls: Given[ControlService]) -> CommandsReply:
    """List what waits for a device, as it would get it; it goes on waiting."""
    return show_pending(await controls.list_waiting(user, read_id(device_key)))


@put("/apiv1/devices/{device_key:str}/cmds/factory_reset", tags=["devices"])
async def reset_device(device_key: FromPath[str], user: Given[User], controls: Given[ControlService]) -> None:
    """Have the caller's own device (or node) reset itself: the command ``reset.json?factory=1`` waits for it."""
    await controls.reset(user, read_id(device_key))


@put(
    "/apiv1/devices/{device_key:str}/identify",
    operation_class=describe_body(IdentifyRequest),
    tags=["devices"],
)
async def identify_device(
    device_key: FromPath[str], request: Request[Any, Any, Any], user: Given[User], controls: Given[ControlService]
) -> None:
    """Have a node blink or the like: the command ``identify.json`` waits for it. 405 for what is no node."""
    await controls.identify(user, read_id(device_key), encode_identify(await read_json(request)))


ROUTES = [list_waiting, reset_device, identify_device]
