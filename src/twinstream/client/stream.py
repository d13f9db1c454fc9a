"""A stream of events that goes on by itself: messages taken apart, heartbeats answered, resumed after a drop.

Owns one subscription's socket on the client's side; knows the wire and nothing of the server. Invariant: events leave
here in the order of their numbers and none twice; after a drop the next connection asks for the number after the last
one handed out.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncGenerator, Callable
from random import Random, SystemRandom
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Data

from twinstream.client.back_off import back_off_s
from twinstream.errors import CLOSE_CODES, Disconnect, TwinstreamError
from twinstream.wire.event import HEARTBEAT

LONGEST_WAIT_S = 30.0
PATIENCE_S = 30.0
"""A server that leaves a WebSocket ping without an answer for so long is gone."""
MESSAGE_LIMIT_BYTES = 4 * 1024 * 1024
"""Longest message taken; the server's batches end at 64 KiB, but one event may be longer."""
LENGTH_DIGITS = 10
"""Most digits of a record's length; int() of thousands of them would fail in its own way."""
PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""Refusals that time can mend; a stream that was up before goes on trying."""


class Received(NamedTuple):
    """One event: its number, the JSON object as it came (``text``), and the same decoded."""

    seq: int
    text: str
    event: dict[str, Any]


class UnreachableError(TwinstreamError):
    """No server answered at the address, or what answered was no WebSocket server."""


class RefusedError(TwinstreamError):
    """The server answered the handshake with an HTTP status instead of a socket; ``message`` is its reason."""

    def __init__(self, status: int, message: str, retry_after_s: float | None = None) -> None:
        self.status = status
        self.retry_after_s = retry_after_s
        super().__init__(message)


class _Problem(msgspec.Struct, frozen=True):
    """What matters of problem details (RFC 9457)."""

    detail: str = ""


class MessageError(TwinstreamError):
    """The server sent what is neither a heartbeat nor records ``LEN|JSON``."""


def _keep_quiet(notice: str) -> None:
    """Take a notice and do nothing with it."""


async def read_stream(
    url: str,
    *,
    observe: bool = False,
    notify: Callable[[str], None] = _keep_quiet,
    random: Random | None = None,
) -> AsyncGenerator[Received]:
    """Yield the events of ``ws[s]://.../stream?stream_key=...[&seq_start=...]`` until the server says that there are no
    more.

    Ends when the server closes with 1000. The first connection must succeed; later ones are tried until they do.
    ``observe`` keeps the subscription's remembered acknowledgement where it is. ``notify`` gets one line for people
    when the stream drops, resumes or has lost events to retention. Close it with `contextlib.aclosing`.

    Raises:
        UnreachableError, RefusedError: the first connection failed, or a later one in a way that time does not mend.
        Disconnect: the server closed the socket with a code after which reconnecting cannot help.
        MessageError: the server does not speak this protocol.
    """
    random = random or SystemRandom()
    last_seq: int | None = None
    failures = 0
    was_up = False
    while True:
        try:
            async with _connect(with_query(url, observe=observe, after=last_seq)) as socket:
                if was_up:
                    notify("connected again" if last_seq is None else f"connected again, going on after {last_seq}")
                was_up = True
                try:
                    async for received in _read_socket(socket):
                        failures = 0
                        if last_seq is not None and received.seq <= last_seq:
                            continue
                        if last_seq is not None and received.seq > last_seq + 1:
                            notify(f"events {last_seq + 1} to {received.seq - 1} are no longer kept")
                        last_seq = received.seq
                        yield received
                except (GeneratorExit, asyncio.CancelledError):
                    await socket.close()  # Why: `connect` takes whatever leaves it for a failure, and closes with 1011
                    raise
                return
        except InvalidStatus as error:
            refused = _read_refusal(error)
            if not was_up or refused.status not in PASSING_STATUSES:
                raise refused from None
            reason, wait_s = str(refused), refused.retry_after_s or 0.0
        except ConnectionClosed as error:
            closed = _read_closing(error)
            if closed is not None and not CLOSE_CODES[closed.close_code].reconnect:
                raise closed from None
            reason, wait_s = f"closed with {closed}" if closed else "connection lost", 0.0
        except (OSError, EOFError, WebSocketException) as error:  # TimeoutError is an OSError
            if not was_up:
                raise UnreachableError(_describe(error)) from None
            reason, wait_s = _describe(error), 0.0
        failures += 1
        wait_s = max(wait_s, back_off_s(failures, cap_s=LONGEST_WAIT_S, random=random))
        notify(f"{reason}; trying again in {wait_s:.1f} s")
        await asyncio.sleep(wait_s)


def with_query(url: str, *, observe: bool = False, after: int | None = None) -> str:
    """Return the stream's URL with ``observe=1`` if so asked and, unless ``after`` is None, ``seq_start`` behind it."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if observe:
        query["observe"] = "1"
    if after is not None:
        query["seq_start"] = str(after + 1)
    return urlunsplit(parts._replace(query=urlencode(query)))


def split_message(message: Data) -> list[str]:
    """Take a message apart into the JSON texts of its records; a batch has several ``LEN|JSON`` one after the other.

    LEN counts bytes of UTF-8, which for our server's ASCII is also characters.

    Raises:
        MessageError: a length is missing, wrong, longer than `LENGTH_DIGITS`, or leads beyond the end.
    """
    payload = message.encode() if isinstance(message, str) else message
    texts: list[str] = []
    at = 0
    while at < len(payload):
        bar = payload.find(b"|", at, at + LENGTH_DIGITS + 1)
        length = payload[at:bar] if bar > at else b""
        begin = bar + 1
        at = begin + int(length) if length.isdigit() else 0
        if not begin < at <= len(payload):
            raise MessageError(f"record {len(texts) + 1} of a message has no length that fits it")
        texts.append(payload[begin:at].decode(errors="replace"))
    return texts


def is_local(url: str) -> bool:
    """Tell whether the URL leads to this very machine, for which the environment's proxies are not meant."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _connect(url: str) -> connect:
    return connect(
        url,
        compression=None,
        proxy=None if is_local(url) else True,
        ping_interval=PATIENCE_S,
        ping_timeout=PATIENCE_S,
        close_timeout=1,
        max_size=MESSAGE_LIMIT_BYTES,
    )


async def _read_socket(socket: ClientConnection) -> AsyncGenerator[Received]:
    """Yield what a socket brings, answer its heartbeats; end at close code 1000, raise ConnectionClosed at others."""
    while True:
        try:
            message = await socket.recv()
        except ConnectionClosed as error:
            if error.rcvd is not None and error.rcvd.code == 1000:
                return
            raise
        if message == HEARTBEAT.decode():
            await socket.send("Z")
            continue
        for text in split_message(message):
            yield _decode(text)


def _decode(text: str) -> Received:
    try:
        event = msgspec.json.decode(text, type=dict[str, Any])
        return Received(int(event["seq"]), text, event)
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        raise MessageError("a record holds no event with a number") from None


def _read_refusal(error: InvalidStatus) -> RefusedError:
    response = error.response
    try:
        retry_after_s = float(response.headers.get("Retry-After", ""))
    except ValueError:
        retry_after_s = None
    try:
        message = msgspec.json.decode(response.body or b"", type=_Problem).detail
    except msgspec.DecodeError:
        message = ""
    return RefusedError(response.status_code, message or response.reason_phrase, retry_after_s)


def _read_closing(error: ConnectionClosed) -> Disconnect | None:
    """Say why a socket ended; None for no close frame, or a code that we don't know: a lost connection."""
    code = error.rcvd.code if error.rcvd else (error.sent.code if error.sent else None)
    if code not in CLOSE_CODES:
        return None
    return Disconnect(code, error.rcvd.reason if error.rcvd else "")


def _describe(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "connection refused"
    return str(error) or type(error).__name__
