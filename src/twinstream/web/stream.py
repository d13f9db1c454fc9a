"""`/stream` for everything but the upgrade, which `web.front` hands to `web.websocket`.

``GET`` without an upgrade is told what is missing; ``DELETE`` is the legacy verb that disconnects (ayla-facts 1.1).
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, delete, get

from twinstream.errors import RequestError
from twinstream.web.authentication import Given
from twinstream.web.handshake import find_key, parse_stream_query
from twinstream.web.shell import Shell, StreamKeys

PATHS = ["/stream", "/stream/stream"]


@get(PATHS, status_code=101, summary="Open a stream (WebSocket upgrade)")
async def refuse_without_upgrade() -> None:
    """Upgrade to WebSocket and send the subscription's events; the query is described in docs/protocol.md."""
    raise RequestError("upgrade_required")


@delete(PATHS, summary="Disconnect a stream key's sockets")
async def disconnect(request: Request[Any, Any, Any], keys: Given[StreamKeys], shell: Given[Shell]) -> Response[None]:
    """Close the sockets of a stream key with 1000. The key itself is the credential; the subscription stays."""
    headers = list(request.scope["headers"])
    query = parse_stream_query(request.scope["query_string"])
    key, _ = find_key(headers, query, allow_query=not shell.strict_security)
    opened = await keys.open_stream(key)
    shell.hub.disconnect(opened.subscription_id)
    return Response(None, status_code=204)


ROUTES = [refuse_without_upgrade, disconnect]
