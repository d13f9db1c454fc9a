"""A server for one case: it takes connections, and does to them what the case says.

Owns the sockets; what is sent over them and what is expected back is the business of the cases. Heartbeats go out by
themselves, as from a real server, until a socket is muted. Invariant: every attempt to connect is in `Stage.attempts`,
refused or not.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import msgspec
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from twinstream.exits import EX_UNAVAILABLE, CommandError
from twinstream.wire.event import HEARTBEAT
from twinstream.wire.frame import encode_text

BEAT = HEARTBEAT.decode()
ANSWERS = ("Z", BEAT)
"""What answers a heartbeat: the documents' own client sends the one, the mobile SDKs the other."""


class Attempt(msgspec.Struct, frozen=True):
    """A handshake: when (the loop's clock, in seconds), from which number on, and the status that answered it."""

    at_s: float
    seq_start: int | None
    status: int


class Refusal(msgspec.Struct, frozen=True):
    """How a handshake is refused."""

    status: int
    retry_after_s: int | None = None


class Socket:
    """One connection of the client."""

    def __init__(self, connection: ServerConnection, seq_start: int | None, interval_s: float) -> None:
        self._connection = connection
        self._interval_s = interval_s
        self._pulse: asyncio.Task[None] | None = None
        self.seq_start = seq_start
        self.beats = 0
        """Heartbeats sent."""
        self.received: list[str] = []
        """Text messages from the client."""
        self.is_open = True

    @property
    def answers(self) -> int:
        """How many of the client's messages are answers to heartbeats."""
        return sum(message in ANSWERS for message in self.received)

    async def send(self, *messages: str) -> None:
        """Send text messages; a socket that is closed swallows them."""
        with contextlib.suppress(ConnectionClosed):
            for message in messages:
                await self._connection.send(message)

    async def send_in_fragments(self, message: str, size: int) -> None:
        """Send a text message in several frames, ``size`` characters each."""
        with contextlib.suppress(ConnectionClosed):
            await self._connection.send([message[at : at + size] for at in range(0, len(message), size)])

    async def beat(self) -> None:
        """Send a heartbeat, now."""
        self.beats += 1
        await self.send(BEAT)

    def mute(self) -> None:
        """Send no heartbeats by itself from now on."""
        if self._pulse is not None:
            self._pulse.cancel()

    def freeze(self) -> None:
        """Be dead: send nothing, read nothing, answer no ping, and leave the connection open."""
        self.mute()
        self._connection.transport.pause_reading()

    def cut(self, message: str) -> None:
        """Send the first half of a frame, and end the connection without a close frame."""
        frame = encode_text(message.encode())
        self._connection.transport.write(frame[: len(frame) // 2])
        self._connection.transport.close()  # Why not abort(): what was sent before must arrive

    async def close(self, close_code: int) -> None:
        """Close with a close frame."""
        await self._connection.close(close_code)

    async def live(self, on_event: Callable[[], None]) -> None:
        """Read what the client sends until the connection ends."""
        self._pulse = asyncio.create_task(self._beat_for_ever())
        try:
            async for message in self._connection:
                if isinstance(message, str):
                    self.received.append(message)
                on_event()
        except ConnectionClosed:
            pass
        finally:
            self.is_open = False
            self._pulse.cancel()
            on_event()

    def abort(self) -> None:
        """End the connection, whatever state it is in."""
        self._connection.transport.abort()

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            await self.beat()
            with contextlib.suppress(ConnectionClosed):
                await self._connection.ping()


class Stage:
    """The server of one case. ``on_event`` is called whenever a client has done something."""

    def __init__(self, interval_s: float, on_event: Callable[[], None]) -> None:
        self._interval_s = interval_s
        self._on_event = on_event
        self._all: list[Socket] = []
        self.waiting: deque[Socket] = deque()
        """Connections that no case has taken yet."""
        self.attempts: list[Attempt] = []
        self.refusals: deque[Refusal] = deque()
        """How the next handshakes are refused."""
        self.refusal_of_all: Refusal | None = None
        """How all handshakes are refused once `refusals` is empty; None: they are not."""
        self.address = ("", 0)

    @asynccontextmanager
    async def open(self, host: str, port: int) -> AsyncIterator[None]:
        """Listen; port 0 is any free one.

        Raises:
            CommandError: 69, the address is taken or is none of this machine.
        """
        try:
            server = await serve(
                self._handle,
                host,
                port,
                process_request=self._admit,
                compression=None,
                ping_interval=None,
                close_timeout=0.5,
            )
        except (OSError, socket.gaierror) as error:
            raise CommandError(EX_UNAVAILABLE, f"cannot listen on {host}:{port}: {error.strerror or error}") from None
        self.address = next(iter(server.sockets)).getsockname()[:2]
        try:
            yield
        finally:
            for one in self._all:
                one.abort()
            server.close()
            await server.wait_closed()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        refusal = self.refusals.popleft() if self.refusals else self.refusal_of_all
        at_s = asyncio.get_running_loop().time()
        self.attempts.append(Attempt(at_s, _read_seq_start(request.path), refusal.status if refusal else 101))
        self._on_event()
        if refusal is None:
            return None
        response = connection.respond(HTTPStatus(refusal.status), f"{HTTPStatus(refusal.status).phrase}\n")
        if refusal.retry_after_s is not None:
            response.headers["Retry-After"] = str(refusal.retry_after_s)
        return response

    async def _handle(self, connection: ServerConnection) -> None:
        path = connection.request.path if connection.request else ""
        taken = Socket(connection, _read_seq_start(path), self._interval_s)
        self._all.append(taken)
        self.waiting.append(taken)
        self._on_event()
        await taken.live(self._on_event)


def _read_seq_start(target: str) -> int | None:
    text = parse_qs(urlsplit(target).query).get("seq_start", [""])[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
