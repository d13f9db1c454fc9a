"""One socket of a stream: opened, read message by message, found dead, closed with manners.

Owns what the WebSocket library raises and tells it in our words; knows nothing of events, numbers or what comes after
an end. Invariant: nothing is read ahead beyond `QUEUE_FRAMES` frames, so a reader who takes its time is felt by the
server and not by the memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket as sockets
import ssl
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from twinstream.client.address import STREAM_PATH, Address, is_local
from twinstream.client.clock import Clock
from twinstream.client.ending import LONGEST_WAIT_S
from twinstream.client.error import MessageError, RefusedError, UnreachableError
from twinstream.errors import CLOSE_CODES, Disconnect, TwinstreamError

QUEUE_FRAMES = 16
"""Messages that may wait in memory for the reader; then the socket is not read any further."""
ANSWER = "Z"
CLOSE_TIMEOUT_S = 1.0
"""So long a server may take to answer our close frame."""
BROKEN_CODES = frozenset({1002, 1003, 1007, 1009})
"""Codes with which our side ends a socket because of what the server sent."""


class LinkOptions(msgspec.Struct, frozen=True):
    """How sockets are opened and when they count as dead: see `stream.connect`."""

    idle_timeout_s: float
    open_timeout_s: float
    max_message_bytes: int
    tls: ssl.SSLContext | None = None
    longest_wait_s: float = LONGEST_WAIT_S


class LostError(TwinstreamError):
    """The connection ended without a word, or with a code that means nothing here; another may be opened."""


class Link:
    """An open socket. One task reads it."""

    def __init__(self, socket: ClientConnection, options: LinkOptions, clock: Clock) -> None:
        self._socket = socket
        self._options = options
        self._clock = clock
        self._is_silent = False
        self._asked_at_s: float | None = None
        self._within_until_s: float | None = None
        self._reading: asyncio.Future[str | bytes] | None = None
        self._watch = asyncio.create_task(self._watch_silence())

    async def receive(self, within_s: float | None = None) -> str | bytes | None:
        """Return the next message; None if none came within so many seconds. Being cancelled loses nothing.

        Raises:
            Disconnect: the server closed the socket with a code of `CLOSE_CODES`.
            LostError: it ended in another way, or nothing at all has come for the idle timeout.
            MessageError: what came is no WebSocket text, or too long.
        """
        if self._asked_at_s is None:
            self._asked_at_s = self._clock.monotonic_s()
        try:
            if within_s is None and self._reading is None:
                message: str | bytes | None = await self._socket.recv()
            else:
                message = await self._receive_within(within_s)
        except ConnectionClosed as error:
            raise self._explain_end(error) from None
        if message is not None:
            self._asked_at_s = None
        return message

    async def _receive_within(self, within_s: float | None) -> str | bytes | None:
        """See `receive`. The reading goes on in a task when its time is up, for the next call to take; and so does the
        time when the step is given up.
        """
        reading = self._reading = self._reading or asyncio.ensure_future(self._socket.recv())
        if within_s is None:
            await asyncio.wait([reading])
        else:
            now_s = self._clock.monotonic_s()
            self._within_until_s = now_s + within_s if self._within_until_s is None else self._within_until_s
            timer = asyncio.create_task(self._clock.sleep(max(0.0, self._within_until_s - now_s)))
            either: list[asyncio.Future[Any]] = [reading, timer]
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            finally:
                timer.cancel()
            self._within_until_s = None
            if not reading.done():
                return None
        self._reading = None
        return reading.result()

    async def answer(self) -> None:
        """Answer a heartbeat. That it cannot be sent any more is told by `receive`, after all that came before."""
        with contextlib.suppress(ConnectionClosed):
            await self._socket.send(ANSWER)

    async def close(self) -> None:
        """Say goodbye with 1000 and end the connection, at the latest after `CLOSE_TIMEOUT_S`; at once if cancelled."""
        tasks: list[asyncio.Future[Any]] = [self._watch] if self._reading is None else [self._watch, self._reading]
        for task in tasks:
            task.cancel()
        try:
            await self._socket.close()
        except asyncio.CancelledError:
            self._socket.transport.abort()
            raise
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch_silence(self) -> None:
        """Cut the connection when a reader has waited, and nothing has come, for the idle timeout.

        Why the reader's waiting counts: while it does not wait the socket may not be read, and would seem silent. It
        waits from its first question until something comes, in however many steps, unless the socket is full meanwhile.
        """
        timeout_s = self._options.idle_timeout_s
        while True:
            now_s = self._clock.monotonic_s()
            asked_at_s = self._asked_at_s
            if asked_at_s is None or not self._socket.transport.is_reading():
                asked_at_s = now_s
            left_s = max(asked_at_s, self._socket.heard_at_s) + timeout_s - now_s  # type: ignore[attr-defined]
            if left_s <= 0:
                self._is_silent = True
                self._socket.transport.abort()
                return
            await self._clock.sleep(left_s)

    def _explain_end(self, error: ConnectionClosed) -> TwinstreamError:
        if self._is_silent:
            return LostError(f"nothing came for {self._options.idle_timeout_s:g} s")
        said, sent = error.rcvd, error.sent
        if sent is not None and sent.code in BROKEN_CODES and not (said is not None and error.rcvd_then_sent):
            if sent.code == 1009:
                return MessageError(f"a message is longer than {self._options.max_message_bytes} bytes")
            return MessageError(f"the server sent what is no WebSocket text ({sent.code} {sent.reason})".rstrip())
        if said is None:
            return LostError("connection lost")
        if said.code in CLOSE_CODES:
            return Disconnect(said.code, said.reason)
        return LostError(f"closed with {said.code} {said.reason}".rstrip())


async def open_link(address: Address, seq_start: int | None, options: LinkOptions, clock: Clock) -> Link:
    """Open a socket that begins with that number (None: where the server says).

    Raises:
        RefusedError: the server answered with an HTTP status.
        UnreachableError: nobody answered, or not as a WebSocket server; its cause is an `ssl.SSLError` where that is.
    """
    try:
        socket = await connect(
            address.url_from(seq_start),
            compression=None,
            proxy=None if is_local(address.base) else True,
            ssl=(options.tls or True) if address.base.startswith("wss:") else None,
            open_timeout=options.open_timeout_s,
            ping_interval=None,  # a server that is alive sends heartbeats; a proxy's pong would prove nothing
            close_timeout=CLOSE_TIMEOUT_S,
            max_size=options.max_message_bytes,
            max_queue=QUEUE_FRAMES,
            create_connection=partial(_Socket, clock),  # type: ignore[arg-type]  # any factory will do
        )
    except InvalidStatus as error:
        raise _read_refusal(address, error, clock) from None
    except sockets.gaierror as error:
        host = urlsplit(address.base).hostname
        raise UnreachableError(f"the name {host} leads nowhere ({error.strerror}); look at its spelling") from error
    except (OSError, EOFError, WebSocketException) as error:  # TimeoutError is an OSError
        raise UnreachableError(address.hide_key(_describe(error))) from error
    return Link(socket, options, clock)


class _Socket(ClientConnection):
    """A connection that notes when anything came: messages, pings, or parts of them."""

    def __init__(self, clock: Clock, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.clock = clock
        self.heard_at_s = clock.monotonic_s()

    def data_received(self, data: bytes) -> None:
        self.heard_at_s = self.clock.monotonic_s()
        super().data_received(data)


class _Problem(msgspec.Struct, frozen=True):
    """What matters of problem details (RFC 9457)."""

    detail: str = ""


def _read_refusal(address: Address, error: InvalidStatus, clock: Clock) -> RefusedError:
    response = error.response
    try:
        message = msgspec.json.decode(response.body or b"", type=_Problem).detail
    except msgspec.DecodeError:
        message = ""
    message = message or response.reason_phrase
    path = urlsplit(address.base).path
    if response.status_code == HTTPStatus.NOT_FOUND and path != STREAM_PATH:
        message += f" The address has the path {path}; a stream is at {STREAM_PATH}."
    wait_s = read_retry_after_s(response.headers.get("Retry-After", ""), clock)
    return RefusedError(response.status_code, address.hide_key(message), wait_s)


def read_retry_after_s(text: str, clock: Clock) -> float | None:
    """Read a ``Retry-After`` header, which is seconds or a date (RFC 9110 section 10.2.3); None if it is neither."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - clock.now_s())
    except ValueError:
        return None


def _describe(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "connection refused"
    return str(error) or type(error).__name__
