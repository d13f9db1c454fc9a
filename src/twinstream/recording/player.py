"""A server that plays a recording on the protocol that it was recorded from: any number of clients, one timeline.

Owns sockets, places and heartbeats; which event comes when is the `Reel`'s business. The timeline begins with the first
client. A stream key has a place, as with a real server: behind the last event before an answered heartbeat; that is
where a client begins that names no number, at first with the first event.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from twinstream.client.clock import Clock
from twinstream.exits import EX_UNAVAILABLE, CommandError
from twinstream.recording.reel import Reel
from twinstream.wire.event import HEARTBEAT

HEARTBEAT_S = 30.0
_BEAT = HEARTBEAT.decode()
_PATHS = ("/stream", "/stream/", "/stream/stream")


class Range(msgspec.Struct, frozen=True):
    """What a client asks for."""

    stream_key: str
    seq_start: int | None = None
    seq_end: int | None = None
    observe: bool = False


class RefusedRangeError(ValueError):
    """A handshake that cannot be accepted; ``status`` answers it."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        self.status = status
        super().__init__(detail)


class Player:
    """Plays one reel. ``stream_key`` None: any key will do."""

    def __init__(
        self, reel: Reel, clock: Clock, *, stream_key: str | None = None, heartbeat_s: float = HEARTBEAT_S
    ) -> None:
        self._reel = reel
        self._clock = clock
        self._stream_key = stream_key
        self._heartbeat_s = heartbeat_s
        self._places: dict[str, int] = {}
        self._start: tuple[float, float] | None = None  # the clock's two times when the first client came

    @asynccontextmanager
    async def open(self, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
        """Serve; answer host and port. Port 0 is any free one.

        Raises:
            CommandError: 69, the address is taken or is none of this machine.
        """
        try:
            server = await serve(self._handle, host, port, process_request=self._admit, compression=None)
        except OSError as error:
            raise CommandError(EX_UNAVAILABLE, f"cannot listen on {host}:{port}: {error.strerror or error}") from None
        async with server:
            yield next(iter(server.sockets)).getsockname()[:2]

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        try:
            self._read(request.path)
        except RefusedRangeError as error:
            response = connection.respond(error.status, msgspec.json.encode({"detail": str(error)}).decode())
            del response.headers["Content-Type"]
            response.headers["Content-Type"] = "application/problem+json"
            return response
        return None

    def _read(self, target: str) -> Range:
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.path not in _PATHS:
            raise RefusedRangeError(HTTPStatus.NOT_FOUND, "Here is /stream and nothing else.")
        key = query.get("stream_key", "")
        if not key or (self._stream_key is not None and key != self._stream_key):
            raise RefusedRangeError(HTTPStatus.UNAUTHORIZED, "Unauthorized: the stream key is unknown or expired.")
        start, end = _read_seq(query.get("seq_start")), _read_seq(query.get("seq_end"))
        if end is not None and (start is None or end < start):
            raise RefusedRangeError(HTTPStatus.BAD_REQUEST, "seq_end is a decimal number, not below seq_start.")
        return Range(key, start, end, query.get("observe") == "1")

    async def _handle(self, connection: ServerConnection) -> None:
        wanted = self._read(connection.request.path if connection.request else "")
        if self._start is None:
            self._start = self._clock.now_s(), self._clock.monotonic_s()
        session = _Session(connection, self._clock, self._heartbeat_s)
        tasks = [asyncio.create_task(session.listen(self._places, wanted)), asyncio.create_task(session.beat())]
        try:
            await self._play(session, wanted)
            await connection.wait_closed()
        except ConnectionClosed:
            pass
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _play(self, session: _Session, wanted: Range) -> None:
        """Send all events from where the client wants to begin, each when it is due; close behind the last it wants."""
        began_s, began_monotonic_s = self._start or (0.0, 0.0)
        start = wanted.seq_start if wanted.seq_start is not None else self._places.get(wanted.stream_key, -1) + 1
        index = self._reel.find(start)
        while self._reel.has(index):
            shown = self._reel.event(index, began_s)
            if wanted.seq_end is not None and shown.seq > wanted.seq_end:
                break
            wait_s = began_monotonic_s + shown.due_s - self._clock.monotonic_s()
            if wait_s > 0:
                await self._clock.sleep(wait_s)
            await session.send(shown.seq, shown.text)
            index += 1
            if shown.seq == wanted.seq_end:
                break
        if wanted.seq_end is not None:
            await session.close()


class _Session:
    """One client's socket."""

    def __init__(self, connection: ServerConnection, clock: Clock, heartbeat_s: float) -> None:
        self._connection = connection
        self._clock = clock
        self._heartbeat_s = heartbeat_s
        self._last_seq: int | None = None
        self._beats: deque[int | None] = deque()  # the last number before each heartbeat without an answer

    async def send(self, seq: int, text: str) -> None:
        await self._connection.send(f"{len(text.encode())}|{text}")
        self._last_seq = seq

    async def close(self) -> None:
        await self._connection.close(1000)

    async def beat(self) -> None:
        """Send heartbeats until the socket is closed."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._clock.sleep(self._heartbeat_s)
                self._beats.append(self._last_seq)
                await self._connection.send(_BEAT)

    async def listen(self, places: dict[str, int], wanted: Range) -> None:
        """Take answers to heartbeats, and move the key's place."""
        with contextlib.suppress(ConnectionClosed):
            async for message in self._connection:
                if message not in ("Z", _BEAT) or not self._beats:
                    continue
                seq = self._beats.popleft()
                if seq is not None and not wanted.observe and wanted.seq_end is None:
                    places[wanted.stream_key] = max(seq, places.get(wanted.stream_key, -1))


def _read_seq(text: str | None) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,19}", text, re.ASCII):
        raise RefusedRangeError(HTTPStatus.BAD_REQUEST, "seq_start and seq_end are decimal numbers.")
    return int(text)
