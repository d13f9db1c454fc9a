"""One socket of `/stream`: the I/O shell of one session.

Owns the transport between upgrade and end: frames in and out, the closing handshake (RFC 6455 section 7), the allowance
of inbound messages, back-pressure. State in slots, no task and no timer while open. Made by `web.front` for every
upgrade request to `/stream`.

What the hub sends in one turn leaves as one write: a system call costs more than all else that is done for an event,
and uvloop 0.23 makes one for each write (measured; earlier ones joined what a turn wrote).

=========  ==========================================================================================
state      meaning
=========  ==========================================================================================
OPENING    the request is being judged; reading is paused; a refusal is an HTTP response
OPEN       a session is attached
CLOSING    our close frame is out; waiting for the peer's, at most `CLOSE_TIMEOUT_S`
DEAF       the peer broke the protocol or was told that it talks too much: nothing it sends is read
=========  ==========================================================================================
"""

from __future__ import annotations

import asyncio
from enum import IntEnum
from typing import TYPE_CHECKING, Any, cast

import structlog

from twinstream.errors import Disconnect, RequestError
from twinstream.ports.log import PageRequest
from twinstream.web.handshake import encode_refusal
from twinstream.web.shell import Shell, StreamRequest
from twinstream.wire.frame import PING, FrameReader, Message, Opcode, encode_close, encode_pong, encode_text

if TYPE_CHECKING:
    from twinstream.stream.session import Session

HIGH_WATER_BYTES = 256 * 1024
"""Above this the session is full (design.md R4); with the kernel's share about what a dead reader costs."""

LOW_WATER_BYTES = 32 * 1024
"""Below this it reads on."""

FLUSH_BYTES = 64 * 1024
"""So much is written at once without waiting for the end of the turn, so that what is queued is bounded too."""

CLOSE_TIMEOUT_S = 4.0
"""How long a closing socket waits for the peer, then it is cut. With 45 s of silence before: under 50 s (P12)."""

MESSAGE_RATE = 20.0
MESSAGE_BURST = 600.0
"""Inbound messages: so many a second in the long run, so many at once (bad-inputs F26)."""

_DEAF_CODES = frozenset({1002, 1007, 1009, 4429})

_log = structlog.get_logger(__name__)


class State(IntEnum):
    """See the module."""

    OPENING = 0
    OPEN = 1
    CLOSING = 2
    DEAF = 3


class StreamProtocol(asyncio.Protocol):
    """See the module. Implements `stream.session.Outlet`."""

    __slots__ = (
        "_address",
        "_allowance",
        "_allowance_at_s",
        "_connections",
        "_cut",
        "_queued",
        "_queued_bytes",
        "_reader",
        "_session",
        "_shell",
        "_state",
        "_task",
        "transport",
    )

    def __init__(self, shell: Shell, transport: asyncio.Transport, connections: set[Any], address: str) -> None:
        self._shell = shell
        self.transport = transport
        self._connections = connections
        self._address = address
        self._state = State.OPENING
        self._reader = FrameReader()
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None
        self._cut: asyncio.TimerHandle | None = None
        self._queued: list[bytes] = []
        self._queued_bytes = 0
        self._allowance = MESSAGE_BURST
        self._allowance_at_s = 0.0
        connections.add(self)

    def start(self, request: StreamRequest, path: str, request_id: str, leftover: bytes) -> None:
        """Judge the request and answer it. ``leftover``: what the client sent behind it already."""
        self.transport.pause_reading()
        opening = self._open(request, path, request_id, leftover)
        self._task = asyncio.get_running_loop().create_task(opening, name="open stream")

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Take what the client sends."""
        if self._state is State.DEAF:
            return
        now_s = self._shell.clock.monotonic_s()
        ping: bytes | None = None
        try:
            for message in self._reader.feed(data):
                if message.opcode is Opcode.CLOSE:
                    self._answer_close(message.close_code)
                    return
                if self._state is State.OPEN:
                    self._take(message, now_s)
                    ping = message.payload if message.opcode is Opcode.PING else ping
        except Disconnect as disconnect:
            self._fail(disconnect)
        if ping is not None and self._state is State.OPEN:
            self.transport.write(encode_pong(ping))

    def eof_received(self) -> None:
        """Let the transport close: half a connection is of no use, and what the client no longer takes is let go.

        Why here: the transport tells that the connection is lost only once all that it holds has been written.
        """
        if self._session is not None:
            self._session.on_closed()
            self._end_soon(half_close=False)

    def pause_writing(self) -> None:
        """Tell the session that its outlet is full."""
        if self._session is not None:
            self._session.on_full(self._shell.clock.monotonic_s())

    def resume_writing(self) -> None:
        """Tell the session that its outlet is drained."""
        if self._session is not None:
            self._session.on_drained()
            self._shell.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything."""
        self._connections.discard(self)
        self._queued = []
        if self._cut is not None:
            self._cut.cancel()
        if self._session is not None:
            self._shell.close(self._session)
            self._shell.leave(self._address)
        _log.debug("socket closed", address=self._address, reason=type(exc).__name__ if exc else "")

    def shutdown(self) -> None:
        """End at once because the server stops; called by uvicorn."""
        if self._session is not None:
            self._session.end(Disconnect(1012))
        else:
            self.transport.close()

    # SocketOutlet

    def accept(self, response: bytes) -> None:
        """Write the answer to the handshake; from now on messages can be sent."""
        self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES, low=LOW_WATER_BYTES)
        self.transport.write(response)
        self._state = State.OPEN

    def is_gone(self) -> bool:
        """Tell whether the connection is lost."""
        return self.transport.is_closing()

    def send(self, message: bytes) -> None:
        """Queue one text message until the shell's next `flush`."""
        shell = self._shell
        if message is not shell.framed_message:  # often one object goes to many sessions
            shell.framed_message = message
            shell.frame = encode_text(message)
        self._queue(shell.frame)

    def ping(self) -> None:
        """Queue a ping."""
        self._queue(PING)

    def flush(self) -> None:
        """Write all that is queued, in one go."""
        queued = self._queued
        if queued and not self.transport.is_closing():
            self._queued = []
            self._queued_bytes = 0
            self.transport.write(queued[0] if len(queued) == 1 else b"".join(queued))

    def read(self, request: PageRequest) -> None:
        """Have a page read."""
        asyncio.get_running_loop().call_soon(self._read, request) if self._session is None else self._read(request)

    def backlog_bytes(self) -> int:
        """Tell what the kernel has not taken yet."""
        return self.transport.get_write_buffer_size() + self._queued_bytes

    def close(self, disconnect: Disconnect) -> None:
        """Send the close frame after all that is queued, and see to it that the end comes."""
        if self._state is not State.OPEN:
            return
        deaf = disconnect.close_code in _DEAF_CODES
        self._state = State.DEAF if deaf else State.CLOSING
        self._queue(encode_close(disconnect.close_code, disconnect.reason))
        self.flush()
        self._end_soon(half_close=deaf)

    def hang_up(self) -> None:
        """End after all that is queued without a close frame, as a proxy does that dies."""
        self._state = State.DEAF
        self.flush()
        self._end_soon(half_close=False)
        self.transport.close()

    # Inside

    async def _open(self, request: StreamRequest, path: str, request_id: str, leftover: bytes) -> None:
        try:
            self._shell.enter(request.address)
            try:
                self._session = await self._shell.open(request, self)
            finally:
                if self._session is None:
                    self._shell.leave(request.address)
        except RequestError as error:
            self._refuse(error, path, request_id)
            return
        except Exception as error:
            _log.error("stream not opened", address=self._address, request_id=request_id, exc_info=error)
            self._refuse(RequestError("internal"), path, request_id)
            return
        finally:
            self._task = None
        if self._session is None:
            self.transport.close()
            return
        self.transport.resume_reading()
        if leftover:
            self.data_received(leftover)

    def _queue(self, frame: bytes) -> None:
        queued = self._queued
        if not queued:
            self._shell.unflushed.append(self)
        queued.append(frame)
        self._queued_bytes += len(frame)
        if self._queued_bytes >= FLUSH_BYTES:
            self.flush()

    def _read(self, request: PageRequest) -> None:
        self._shell.read(cast("Session", self._session), request)

    def _take(self, message: Message, now_s: float) -> None:
        session = cast("Session", self._session)
        self._allowance = min(MESSAGE_BURST, self._allowance + (now_s - self._allowance_at_s) * MESSAGE_RATE) - 1.0
        self._allowance_at_s = now_s
        if self._allowance < 0.0:
            raise Disconnect(4429)
        if message.opcode is Opcode.TEXT:
            session.on_text(message.payload, now_s)
        else:
            session.on_inbound(now_s)

    def _answer_close(self, close_code: int) -> None:
        if self._state is State.OPEN:
            cast("Session", self._session).on_closed(close_code)
            self.transport.write(encode_close(close_code))
        self._state = State.DEAF
        self._end_soon(half_close=False)
        self.transport.close()

    def _fail(self, disconnect: Disconnect) -> None:
        if self._state is State.OPEN:
            cast("Session", self._session).end(disconnect)
        else:
            self._state = State.DEAF
            self.transport.close()

    def _refuse(self, error: RequestError, path: str, request_id: str) -> None:
        self._shell.refusals[error.code] += 1
        _log.info("stream refused", code=error.code, address=self._address, request_id=request_id)
        self._state = State.DEAF
        self.transport.write(encode_refusal(error, path, request_id))
        self.transport.resume_reading()
        self._end_soon(half_close=True)

    def _end_soon(self, *, half_close: bool) -> None:
        if self._cut is None:
            self._cut = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self.transport.abort)
        if half_close:
            if self.transport.can_write_eof():
                self.transport.write_eof()
            else:
                self.transport.close()
