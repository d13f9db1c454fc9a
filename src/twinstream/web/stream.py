"""`/stream` for everything but the upgrade, which `web.front` hands to `web.websocket`.

``GET`` without an upgrade is told what is missing; ``DELETE`` is the legacy verb that disconnects (ayla-facts 1.1).
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, delete, get

from twinstream.errors import RequestError
from twinstream.web.asyncapi import STREAM_QUERY
from twinstream.web.authentication import Given
from twinstream.web.handshake import find_key, parse_stream_query
from twinstream.web.openapi import describe_body
from twinstream.web.ref import read_source
from twinstream.web.shell import Shell, StreamKeys

PATHS = ["/stream", "/stream/stream"]

_QUERY = {name: meaning for name, meaning in STREAM_QUERY.items() if name != "stream_key"}  # that one is the credential


@get(
    PATHS,
    status_code=101,
    operation_class=describe_body(query=_QUERY, caller="stream"),
    tags=["stream"],
)
async def refuse_without_upgrade() -> None:
    """Open a stream: an upgrade to WebSocket, over which the subscription's events come.

    Whatever is refused is refused before the upgrade. 426: the request is no upgrade.
    """
    raise RequestError("upgrade_required")


@delete(PATHS, operation_class=describe_body(caller="stream"), tags=["stream"])
async def disconnect(request: Request[Any, Any, Any], keys: Given[StreamKeys], shell: Given[Shell]) -> Response[None]:
    """Close all sockets of a stream key, with 1000. The key itself is the credential; the subscription stays."""
    headers = list(request.scope["headers"])
    query = parse_stream_query(request.scope["query_string"])
    key, _ = find_key(headers, query, allow_query=not shell.strict_security)
    opened = await keys.open_stream(key, read_source(request))
    shell.hub.disconnect(opened.subscription_id)
    return Response(None, status_code=204)


ROUTES = [refuse_without_upgrade, disconnect]
