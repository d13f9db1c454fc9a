"""A WebSocket server that plays a script, one for each connection, so that tests can make it misbehave."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from twinstream.wire.event import encode_record

Play = Callable[[ServerConnection], Awaitable[None]]


def record(seq: int) -> str:
    """The shortest record with that number."""
    return encode_record(seq, b'"metadata":{}}').decode()


@asynccontextmanager
async def playing(
    *plays: Play,
    refuse: dict[int, int] | None = None,
    refusal: str = '{"detail":"told so"}',
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[tuple[str, list[str]]]:
    """Serve one play per connection on a free port; ``refuse`` maps connection numbers to HTTP statuses, whose body is
    ``refusal``.

    Answers the stream's URL, and the list of requested targets, which grows.
    """
    targets: list[str] = []
    socket_count = iter(range(1000))

    def admit(connection: ServerConnection, request: Request) -> Response | None:
        targets.append(request.path)
        status = (refuse or {}).get(len(targets) - 1)
        if status is None:
            return None
        response = connection.respond(HTTPStatus(status), refusal)
        response.headers["Retry-After"] = "7" if len(targets) == 1 else "0"
        return response

    async def handle(connection: ServerConnection) -> None:
        await plays[next(socket_count)](connection)

    async with serve(handle, "127.0.0.1", 0, process_request=admit, ssl=tls) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"{'wss' if tls else 'ws'}://127.0.0.1:{port}/stream?stream_key=k", targets
