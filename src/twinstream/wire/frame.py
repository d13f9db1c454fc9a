"""WebSocket frames (RFC 6455 section 5) as a server of event streams needs them: sans-I/O.

Owns the bytes of frames in both directions; knows neither sockets nor what the messages mean. Inbound is strict and
small, since clients only ever send answers to heartbeats; outbound is never masked, fragmented or compressed.
Invariant: a `FrameReader` never holds more than one message of `MAX_MESSAGE_BYTES` and one frame's head; what is longer
or malformed is refused when its head arrives, before any of it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

import msgspec

from twinstream.errors import Disconnect

MAX_MESSAGE_BYTES = 4096
"""Longest inbound message; clients only send ``Z`` (bad-inputs F15)."""

MAX_FRAGMENTS = 64
"""Most frames that an inbound message may come in (bad-inputs F28)."""

NO_STATUS = 1005
"""Stands for a close frame without a code; never on the wire (RFC 6455 section 7.4.1)."""


class Opcode(IntEnum):
    """RFC 6455 section 11.8."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Message(msgspec.Struct, frozen=True):
    """A whole inbound message: TEXT has its UTF-8 bytes, BINARY nothing, PING and PONG the payload, CLOSE the code."""

    opcode: Opcode
    payload: bytes = b""
    close_code: int = 0


class FrameReader:
    """Reads what one client sends, chunk by chunk."""

    __slots__ = ("_fragments", "_opcode", "_parts", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._parts = b""
        self._fragments = 0
        self._opcode = Opcode.CONTINUATION  # of the message under way; CONTINUATION: none

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """Take the next bytes and give the messages that they complete.

        Raises:
            Disconnect: 1002, 1007 or 1009. What came before the offence has been given; feed nothing more.
        """
        bytes_left = self._rest + chunk if self._rest else chunk
        at = 0
        while (frame := _split(bytes_left, at, MAX_MESSAGE_BYTES - len(self._parts))) is not None:
            first_byte, payload, at = frame
            message = self._take(first_byte, payload)
            if message is not None:
                yield message
        self._rest = bytes_left[at:]

    def _take(self, first_byte: int, payload: bytes) -> Message | None:
        opcode = Opcode(first_byte & 0x0F)
        if opcode >= Opcode.CLOSE:
            return _read_close(payload) if opcode is Opcode.CLOSE else Message(opcode, payload)
        if (opcode is Opcode.CONTINUATION) == (self._opcode is Opcode.CONTINUATION):
            raise Disconnect(1002, "a continuation belongs inside a message, and only there")
        if not first_byte & 0x80:
            self._opcode = self._opcode or opcode
            self._parts += payload
            self._fragments += 1
            if self._fragments >= MAX_FRAGMENTS:
                raise Disconnect(1009, f"a message comes in at most {MAX_FRAGMENTS} frames")
            return None
        opcode, payload = self._opcode or opcode, self._parts + payload
        self._opcode, self._parts, self._fragments = Opcode.CONTINUATION, b"", 0
        if opcode is Opcode.BINARY:
            return Message(opcode)
        _check_text(payload)
        return Message(opcode, payload)


def encode_text(payload: bytes) -> bytes:
    """Frame a whole text message; the payload must be UTF-8."""
    size = len(payload)
    if size < 126:
        return b"\x81%c%b" % (size, payload)
    if size < 65536:
        return b"\x81\x7e%b%b" % (size.to_bytes(2, "big"), payload)
    return b"\x81\x7f%b%b" % (size.to_bytes(8, "big"), payload)


def encode_pong(payload: bytes) -> bytes:
    """Frame the answer to a ping; the payload is the ping's."""
    return b"\x8a%c%b" % (len(payload), payload)


def encode_close(close_code: int, reason: str = "") -> bytes:
    """Frame a close; without code and reason for `NO_STATUS`. The reason is cut to 123 bytes."""
    if close_code == NO_STATUS:
        return b"\x88\x00"
    text = reason.encode("utf-8")[:123].decode("utf-8", "ignore").encode("utf-8")
    return b"\x88%c%b%b" % (2 + len(text), close_code.to_bytes(2, "big"), text)


PING = b"\x89\x00"
"""A ping without payload, framed."""


def _split(source: bytes, at: int, room: int) -> tuple[int, bytes, int] | None:
    """Take one frame out of ``source`` at ``at``: its first byte, its unmasked payload, where the next begins.

    None: not whole yet.
    """
    have = len(source) - at
    if have < 2:
        return None
    first_byte, size = source[at], source[at + 1] & 0x7F
    _check_head(first_byte, masked=source[at + 1] >= 0x80, size=size)
    head = 2
    if size >= 126:
        width = 2 if size == 126 else 8
        head += width
        if have < head:
            return None
        size = int.from_bytes(source[at + 2 : at + head], "big")
        if size >= 2**63 or size < (126 if width == 2 else 65536):
            raise Disconnect(1002, "a length is written in the fewest bytes, its highest bit 0")
    if size > room and first_byte & 0x0F < Opcode.CLOSE:
        raise Disconnect(1009, f"a message has at most {MAX_MESSAGE_BYTES} bytes")
    end = head + 4 + size
    if have < end:
        return None
    mask = source[at + head : at + head + 4]
    return first_byte, _unmask(source[at + head + 4 : at + end], mask), at + end


def _check_head(first_byte: int, *, masked: bool, size: int) -> None:
    if first_byte & 0x70:
        raise Disconnect(1002, "a reserved bit is set")
    opcode = first_byte & 0x0F
    if opcode not in _OPCODES:
        raise Disconnect(1002, "unknown opcode")
    if not masked:
        raise Disconnect(1002, "a client masks its frames")
    if opcode >= Opcode.CLOSE and (size > 125 or not first_byte & 0x80):
        raise Disconnect(1002, "a control frame is whole and has at most 125 bytes")


def _unmask(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")


def _read_close(payload: bytes) -> Message:
    if not payload:
        return Message(Opcode.CLOSE, close_code=NO_STATUS)
    _check_text(payload[2:])
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (code in _CLOSE_CODES or 3000 <= code < 5000):
        raise Disconnect(1002, "no such close code")
    return Message(Opcode.CLOSE, close_code=code)


def _check_text(payload: bytes) -> None:
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError:
        raise Disconnect(1007) from None


_OPCODES = frozenset(Opcode)
_CLOSE_CODES = frozenset({1000, 1001, 1002, 1003, *range(1007, 1015)})
"""Those below 3000 that may be on the wire (the IANA registry of WebSocket close codes)."""
