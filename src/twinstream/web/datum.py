"""Metadata of devices and of users: `/apiv1/dsns/<DSN>/data`, `/api/v1/users/data`."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, post, put
from litestar.params import FromPath

from twinstream.model.principal import User
from twinstream.service.datum import DatumService
from twinstream.web.authentication import Given
from twinstream.web.body import read_json
from twinstream.web.openapi import describe_body, describe_query
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
_OWN = "/api/v1/users/data"

_KEYS = {"keys[]": "Only these keys.", "keys": "A key, with `%` for any text."}


@get(_ALL, operation_class=describe_query(**_KEYS), tags=["metadata"])
async def list_device_data(
    dsn: FromPath[str], request: Request[Any, Any, Any], user: Given[User], metadata: Given[DatumService]
) -> list[DatumReply]:
    """List a device's metadata by key. ``keys[]=a&keys[]=b`` picks some, ``keys=%25ab%25`` (``%ab%``) those alike."""
    return show_data(await metadata.list_all(user, dsn, read_list(request, "keys")))


@get(_ONE, tags=["metadata"])
async def get_device_datum(
    dsn: FromPath[str], key: FromPath[str], user: Given[User], metadata: Given[DatumService]
) -> DatumReply:
    """Answer one datum of a device."""
    return show_datum(await metadata.find(user, dsn, key))


@post(_ALL, status_code=201, operation_class=describe_body(NewDatumRequest), tags=["metadata"])
async def create_device_datum(
    dsn: FromPath[str], request: Request[Any, Any, Any], user: Given[User], metadata: Given[DatumService]
) -> DatumReply:
    """Store a text under a new key; 409 if the key is there already. A share for writing is enough."""
    return show_datum(await metadata.create(user, dsn, *read_new_datum(await read_json(request))))


@put(_ONE, operation_class=describe_body(DatumRequest), tags=["metadata"])
async def update_device_datum(
    dsn: FromPath[str],
    key: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    metadata: Given[DatumService],
) -> DatumReply:
    """Store another text under a key."""
    return show_datum(await metadata.update(user, dsn, key, read_datum(await read_json(request))))


@delete(_ONE, status_code=200, tags=["metadata"])
async def delete_device_datum(
    dsn: FromPath[str], key: FromPath[str], user: Given[User], metadata: Given[DatumService]
) -> None:
    """Delete a datum of a device."""
    await metadata.delete(user, dsn, key)


@get(_OWN, operation_class=describe_query(**_KEYS), tags=["metadata"])
async def list_user_data(
    request: Request[Any, Any, Any], user: Given[User], metadata: Given[DatumService]
) -> list[DatumReply]:
    """List the caller's own metadata by key, picked as a device's is (``keys[]=a``, ``keys=%25ab%25``)."""
    return show_data(await metadata.list_all(user, None, read_list(request, "keys")))


@get(f"{_OWN}/{{key:str}}", tags=["metadata"])
async def get_user_datum(key: FromPath[str], user: Given[User], metadata: Given[DatumService]) -> DatumReply:
    """Answer one of the caller's own data."""
    return show_datum(await metadata.find(user, None, key))


@post(_OWN, status_code=201, operation_class=describe_body(NewDatumRequest), tags=["metadata"])
async def create_user_datum(
    request: Request[Any, Any, Any], user: Given[User], metadata: Given[DatumService]
) -> DatumReply:
    """Store a text of the caller's under a new key; 409 if the key is there already."""
    return show_datum(await metadata.create(user, None, *read_new_datum(await read_json(request))))


@put(f"{_OWN}/{{key:str}}", operation_class=describe_body(DatumRequest), tags=["metadata"])
async def update_user_datum(
    key: FromPath[str], request: Request[Any, Any, Any], user: Given[User], metadata: Given[DatumService]
) -> DatumReply:
    """Store another text under a key of the caller's."""
    return show_datum(await metadata.update(user, None, key, read_datum(await read_json(request))))


@delete(f"{_OWN}/{{key:str}}", status_code=200, tags=["metadata"])
async def delete_user_datum(key: FromPath[str], user: Given[User], metadata: Given[DatumService]) -> None:
    """Delete one of the caller's own data."""
    await metadata.delete(user, None, key)


DEVICE_ROUTES = [list_device_data, get_device_datum, create_device_datum, update_device_datum, delete_device_datum]
USER_ROUTES = [list_user_data, get_user_datum, create_user_datum, update_user_datum, delete_user_datum]
ROUTES = [*DEVICE_ROUTES, *USER_ROUTES]
