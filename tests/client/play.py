"""A WebSocket server that plays a script, one for each connection, so that tests can make it misbehave."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from itertools import chain, repeat
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from twinstream.client.state import Connected, Gap, Reconnecting, Resumed
from twinstream.client.stream import Item, Stream, connect
from twinstream.wire.event import encode_record

Play = Callable[[ServerConnection], Awaitable[None]]


class Still(Random):
    """Chance that never waits."""

    def uniform(self, a: float, b: float) -> float:
        return a


def record(seq: int, text: str = "") -> str:
    """A short record with that number."""
    return encode_record(
        seq, b'"metadata":{}%b}' % (b',"text":%b' % json.dumps(text).encode() if text else b"")
    ).decode()


def play_of(*messages: str, code: int | None = None) -> Play:
    """A play that sends these messages and then waits for the client to go, or closes with that code."""

    async def play(connection: ServerConnection) -> None:
        for message in messages:
            await connection.send(message)
        if code is not None:
            await connection.close(code)
        await connection.wait_closed()

    return play


def quick(url: str, **options: Any) -> Stream:
    """A stream that never waits between attempts."""
    return connect(url, **{"random": Still()} | options)


def told(item: Item) -> object:
    """An event's number, a state in a short form."""
    match item:
        case Connected(first):
            return "first" if first else "again"
        case Reconnecting():
            return "reconnecting"
        case Resumed(after):
            return ("resumed", after)
        case Gap(first, last):
            return ("gap", first, last)
        case event:
            return event.seq


def starts(targets: list[str]) -> list[str | None]:
    """What each connection asked to begin with."""
    return [parse_qs(urlsplit(target).query).get("seq_start", [None])[0] for target in targets]


async def read_all(url: str, **options: Any) -> list[object]:
    """Read a stream to its end; tell its items."""
    async with quick(url, **options) as stream:
        return [told(item) async for item in stream.items()]


@asynccontextmanager
async def playing(
    *plays: Play,
    refuse: dict[int, int] | None = None,
    refusal: str = '{"detail":"told so"}',
    retry_after: str = "0",
    tls: ssl.SSLContext | None = None,
    may_enter: asyncio.Event | None = None,
    place: str | None = None,
) -> AsyncIterator[tuple[str, list[str]]]:
    """Serve one play per connection on a free port, the last one for all further; ``refuse`` maps connection numbers to
    HTTP statuses, whose body is ``refusal``. Handshakes are answered when ``may_enter`` is set. ``place`` answers
    whoever asks how far the stream is.

    Answers the stream's URL, and the list of requested targets, which grows.
    """
    targets: list[str] = []
    to_come = chain(plays, repeat(plays[-1])) if plays else iter(())

    async def admit(connection: ServerConnection, request: Request) -> Response | None:
        if place is not None and "/getCurrentSeq?" in request.path:
            return connection.respond(HTTPStatus.OK, place)
        targets.append(request.path)
        if may_enter is not None:
            await may_enter.wait()
        status = (refuse or {}).get(len(targets) - 1)
        if status is None:
            return None
        response = connection.respond(HTTPStatus(status), refusal)
        response.headers["Retry-After"] = retry_after
        return response

    async def handle(connection: ServerConnection) -> None:
        await next(to_come)(connection)

    async with serve(handle, "127.0.0.1", 0, process_request=admit, ssl=tls, close_timeout=1) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"{'wss' if tls else 'ws'}://127.0.0.1:{port}/stream?stream_key=k", targets
