"""Postal addresses: `/apiv1/devices/<key>/addr`."""

from __future__ import annotations

from typing import Any

from litestar import Request, get, put
from litestar.params import FromPath

from twinstream.model.principal import User
from twinstream.service.postal import PostalService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body
from twinstream.wire.body import read_id
from twinstream.wire.postal import PostalBody, read_postal, show_postal

_PATH = "/apiv1/devices/{device_key:str}/addr"


@get(_PATH, tags=["devices"])
async def get_postal_address(device_key: FromPath[str], user: Given[User], postals: Given[PostalService]) -> PostalBody:
    """Answer the postal address of the caller's device; all null if none was set."""
    return show_postal(await postals.find(user, read_id(device_key)))


@put(_PATH, operation_class=describe_body(PostalBody), tags=["devices"])
async def change_postal_address(
    device_key: FromPath[str], request: Request[Any, Any, Any], user: Given[User], postals: Given[PostalService]
) -> PostalBody:
    """Set the postal address of the caller's device; what is absent is none. ``zip`` is the device's ``locality``."""
    address = read_postal(await read_json(request))
    return show_postal(await postals.change(user, read_id(device_key), address))


ROUTES = [get_postal_address, change_postal_address]
