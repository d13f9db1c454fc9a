"""Whom a request is about: from path segments to references, and where it comes from.

A key is a number of up to 18 digits; whatever else stands in its place can't exist.
"""

from __future__ import annotations

from typing import Any

from litestar import Request

from twinstream.errors import RequestError
from twinstream.model.principal import Device
from twinstream.model.property import PropertyRef
from twinstream.web.address import Addresses
from twinstream.wire.body import read_id


def by_device(device_key: str, name: str) -> PropertyRef:
    """Refer to a property by its device's key and its name. Raises RequestError ``not_found``."""
    return read_id(device_key), name


def by_dsn(dsn: str, name: str) -> PropertyRef:
    """Refer to a property by its device's DSN and its name."""
    return dsn, name


def by_key(property_key: str) -> PropertyRef:
    """Refer to a property by its own key. Raises RequestError ``not_found``."""
    return None, read_id(property_key)


def read_ip(request: Request[Any, Any, Any]) -> str | None:
    """Answer the address that the request came from."""
    return request.client.host if request.client else None


def read_source(request: Request[Any, Any, Any]) -> str:
    """Answer the address that the request came from; empty if limits per address leave it alone."""
    addresses: Addresses = request.app.state["addresses"]
    address = read_ip(request) or ""
    return "" if addresses.is_exempt(address) else address


def require_own(device: Device, segment: str) -> None:
    """Refuse a device the path of another. Raises RequestError ``not_found``; ``segment`` is a DSN or a key."""
    if segment != device.dsn and segment != str(device.key):
        raise RequestError("not_found")
