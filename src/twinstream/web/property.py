"""Properties: below `/apiv1/dsns/<DSN>`, `/apiv1/devices/<key>`, and by their own key."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.params import FromPath

from twinstream.model.principal import User
from twinstream.service.content import ContentService
from twinstream.service.property import PropertyService
from twinstream.web.authentication import Given
from twinstream.web.openapi import describe_query
from twinstream.web.ref import by_device, by_dsn, by_key
from twinstream.web.signed import RequestLinks
from twinstream.wire.body import read_id
from twinstream.wire.property import PropertyReply, show_properties, show_property

_NAMES = {"names[]": "Only the properties of these names."}


@get("/apiv1/dsns/{dsn:str}/properties", operation_class=describe_query(**_NAMES), tags=["properties"])
async def list_properties_by_dsn(
    dsn: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    properties: Given[PropertyService],
    contents: Given[ContentService],
) -> list[PropertyReply]:
    """List a device's properties with their values; ``names[]=a&names[]=b`` picks some."""
    found = await properties.list_of_device(user, dsn, _read_names(request))
    return show_properties(found, properties.retention_days, RequestLinks(contents, request.scope))


@get("/apiv1/devices/{device_key:str}/properties", operation_class=describe_query(**_NAMES), tags=["properties"])
async def list_properties(
    device_key: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    properties: Given[PropertyService],
    contents: Given[ContentService],
) -> list[PropertyReply]:
    """List the properties of a device named by its key."""
    found = await properties.list_of_device(user, read_id(device_key), _read_names(request))
    return show_properties(found, properties.retention_days, RequestLinks(contents, request.scope))


@get("/apiv1/dsns/{dsn:str}/properties/{name:str}", tags=["properties"])
async def get_property_by_dsn(
    dsn: FromPath[str],
    name: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    properties: Given[PropertyService],
    contents: Given[ContentService],
) -> PropertyReply:
    """Answer a property with its value; of files and messages that is the address of the newest datapoint."""
    found = await properties.find(user, by_dsn(dsn, name))
    return show_property(found, properties.retention_days, RequestLinks(contents, request.scope))


@get("/apiv1/devices/{device_key:str}/properties/{name:str}", tags=["properties"])
async def get_property(
    device_key: FromPath[str],
    name: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    properties: Given[PropertyService],
    contents: Given[ContentService],
) -> PropertyReply:
    """Answer a property of a device named by its key."""
    found = await properties.find(user, by_device(device_key, name))
    return show_property(found, properties.retention_days, RequestLinks(contents, request.scope))


@get("/apiv1/properties/{property_key:str}", tags=["properties"])
async def get_property_by_key(
    property_key: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    properties: Given[PropertyService],
    contents: Given[ContentService],
) -> PropertyReply:
    """Answer a property by its own key."""
    found = await properties.find(user, by_key(property_key))
    return show_property(found, properties.retention_days, RequestLinks(contents, request.scope))


ROUTES = [list_properties_by_dsn, list_properties, get_property_by_dsn, get_property, get_property_by_key]


def _read_names(request: Request[Any, Any, Any]) -> list[str] | None:
    names: list[str] = request.query_params.getall("names[]", [])
    return names or None
