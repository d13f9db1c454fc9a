"""Metadata of devices: `/apiv1/dsns/<DSN>/data`."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, post, put
from litestar.params import FromPath

from twinstream.model.principal import User
from twinstream.service.datum import DatumService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body
from twinstream.web.query import read_list
from twinstream.wire.datum import (
    DatumReply,
    DatumRequest,
    NewDatumRequest,
    read_datum,
    read_new_datum,
    show_data,
    show_datum,
)

_ALL = "/apiv1/dsns/{dsn:str}/data"
_ONE = "/apiv1/dsns/{dsn:str}/data/{key:str}"


@get(_ALL, tags=["metadata"])
async def list_device_data(
    dsn: FromPath[str], request: Request[Any, Any, Any], user: Given[User], device_data: Given[DatumService]
) -> list[DatumReply]:
    """List a device's metadata by key. ``keys[]=a&keys[]=b`` picks some, ``keys=%25ab%25`` (``%ab%``) those alike."""
    return show_data(await device_data.list_of_device(user, dsn, read_list(request, "keys")))


@get(_ONE, tags=["metadata"])
async def get_device_datum(
    dsn: FromPath[str], key: FromPath[str], user: Given[User], device_data: Given[DatumService]
) -> DatumReply:
    """Answer one datum of a device."""
    return show_datum(await device_data.find(user, dsn, key))


@post(_ALL, status_code=201, operation_class=describe_body(NewDatumRequest), tags=["metadata"])
async def create_device_datum(
    dsn: FromPath[str], request: Request[Any, Any, Any], user: Given[User], device_data: Given[DatumService]
) -> DatumReply:
    """Store a text under a new key; 409 if the key is there already. A share for writing is enough."""
    return show_datum(await device_data.create(user, dsn, *read_new_datum(await read_json(request))))


@put(_ONE, operation_class=describe_body(DatumRequest), tags=["metadata"])
async def update_device_datum(
    dsn: FromPath[str],
    key: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    device_data: Given[DatumService],
) -> DatumReply:
    """Store another text under a key."""
    return show_datum(await device_data.update(user, dsn, key, read_datum(await read_json(request))))


@delete(_ONE, status_code=200, tags=["metadata"])
async def delete_device_datum(
    dsn: FromPath[str], key: FromPath[str], user: Given[User], device_data: Given[DatumService]
) -> None:
    """Delete a datum of a device."""
    await device_data.delete(user, dsn, key)


ROUTES = [list_device_data, get_device_datum, create_device_datum, update_device_datum, delete_device_datum]
