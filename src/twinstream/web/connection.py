"""The history of connections: `connection_history` of devices. Our own design: the service's path is not known."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.params import FromPath

from twinstream.model.principal import User
from twinstream.service.connection import LIST_LIMIT, ConnectionService
from twinstream.web.authentication import Given
from twinstream.web.query import read_number
from twinstream.wire.body import read_id
from twinstream.wire.connection import ConnectionReply, show_connections


@get("/apiv1/devices/{device_key:str}/connection_history", tags=["devices"])
async def list_connections(
    device_key: FromPath[str],
    request: Request[Any, Any, Any],
    user: Given[User],
    connections: Given[ConnectionService],
) -> list[ConnectionReply]:
    """List when a device came (Online) and went (Offline), the newest first: 100, or ``limit``.

    ``before`` is the ``id`` of the last one of the page before. The newest 500 of a device are kept, and those before
    its present owner are not shown.
    """
    before, limit = _read_page(request)
    return show_connections(await connections.list_of_device(user, read_id(device_key), before=before, limit=limit))


@get("/apiv1/dsns/{dsn:str}/connection_history", tags=["devices"])
async def list_connections_by_dsn(
    dsn: FromPath[str], request: Request[Any, Any, Any], user: Given[User], connections: Given[ConnectionService]
) -> list[ConnectionReply]:
    """List when a device named by its DSN came and went."""
    before, limit = _read_page(request)
    return show_connections(await connections.list_of_device(user, dsn, before=before, limit=limit))


ROUTES = [list_connections, list_connections_by_dsn]


def _read_page(request: Request[Any, Any, Any]) -> tuple[int | None, int]:
    return read_number(request, "before"), read_number(request, "limit") or LIST_LIMIT
