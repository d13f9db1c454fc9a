"""The request that opens a stream: from its head to what the client wants, and the answers to it.

Owns the opening handshake (RFC 6455 section 4.2), the query of `/stream` and the form of refusals before the upgrade;
pure, knows neither sockets nor subscriptions. Invariant: every refusal is an HTTP status with a body that says why, and
closes the connection.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import parse_qsl

import msgspec

from twinstream.errors import RequestError
from twinstream.stream.opening import MAX_SEQ
from twinstream.web.error import encode_error

Headers = Sequence[tuple[bytes, bytes]]

MAX_PARAMETERS = 100
"""Most parameters in a query (bad-inputs Q13)."""

KNOWN_PARAMETERS = frozenset({"stream_key", "seq_start", "seq_end", "observe", "on_gap"})
"""What the query can say; the rest is ignored."""

KEY_PROTOCOL = "dss.key."
"""A subprotocol that begins so carries the stream key, for browsers where the query must not (security.md S3)."""


class StreamQuery(msgspec.Struct, frozen=True):
    """What the query string says; see docs/protocol.md. ``stream_key`` is empty if it has none."""

    stream_key: str
    seq_start: int | None = None
    seq_end: int | None = None
    observe: bool = False
    refuse_gap: bool = False


def parse_stream_query(query: bytes) -> StreamQuery:
    """Read the query string of `/stream`; parameters that it does not know are ignored.

    Raises:
        RequestError: ``bad_query``, ``duplicate_parameter``, ``bad_seq_start``, ``bad_seq_end``.
    """
    given = _parse_parameters(query)
    seq_start = _parse_seq(given.get("seq_start", ""), "bad_seq_start")
    seq_end = None if seq_start is None else _parse_seq(given.get("seq_end", ""), "bad_seq_end")
    if seq_start is not None and seq_end is not None and seq_end < seq_start:
        raise RequestError("bad_seq_end")
    observe, on_gap = given.get("observe", ""), given.get("on_gap", "")
    if observe not in ("", "0", "1"):
        raise RequestError("bad_query", "observe must be 1 or 0.", field="observe")
    if on_gap not in ("", "refuse"):
        raise RequestError("bad_query", "on_gap must be refuse, or absent.", field="on_gap")
    return StreamQuery(given.get("stream_key", ""), seq_start, seq_end, observe == "1", on_gap == "refuse")


def check_origin(headers: Headers, allowed_origins: frozenset[bytes]) -> None:
    """Refuse pages of other origins where some are named; who sends no Origin is no page. Raises ``origin_refused``."""
    if allowed_origins and any(value not in allowed_origins for name, value in headers if name == b"origin"):
        raise RequestError("origin_refused")


def find_key(headers: Headers, query: StreamQuery, *, allow_query: bool) -> tuple[str, str | None]:
    """Find the stream key: in the query, in ``Authorization: stream_key <key>``, or in a subprotocol.

    Answers the key (empty: none) and the subprotocol to select, None if none is to be.

    Raises:
        RequestError: ``bad_query`` if the key is in the query and ``allow_query`` is False.
    """
    if query.stream_key:
        if not allow_query:
            raise RequestError("bad_query", "This server takes no stream key in the query.", field="stream_key")
        return query.stream_key, None
    for value in _values(headers, b"authorization"):
        scheme, _, key = value.partition(" ")
        if scheme.lower() == "stream_key":
            return key.strip(), None
    offered = [item.strip() for value in _values(headers, b"sec-websocket-protocol") for item in value.split(",")]
    for protocol in offered:
        if protocol.startswith(KEY_PROTOCOL):
            return protocol.removeprefix(KEY_PROTOCOL), "dss" if "dss" in offered else protocol
    return "", None


def accept_handshake(headers: Headers, subprotocol: str | None) -> bytes:
    """Answer 101: no extension, and no subprotocol but the one given."""
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    digest = hashlib.sha1(_websocket_key(headers).encode("ascii") + _ACCEPT_GUID, usedforsecurity=False).digest()
    answer += base64.b64encode(digest) + b"\r\n"
    if subprotocol is not None:
        answer += b"Sec-WebSocket-Protocol: " + subprotocol.encode("ascii") + b"\r\n"
    return answer + b"\r\n"


def check_handshake(headers: Headers) -> None:
    """Check what RFC 6455 section 4.2.1 wants of an upgrade that names websocket already.

    Raises:
        RequestError: ``upgrade_required`` for another version than 13, ``bad_request`` for a bad Sec-WebSocket-Key.
    """
    if [value.strip() for value in _values(headers, b"sec-websocket-version")] != ["13"]:
        raise RequestError("upgrade_required", "Sec-WebSocket-Version is 13.")
    _websocket_key(headers)


def encode_refusal(error: RequestError, path: str, request_id: str, more_headers: Headers = ()) -> bytes:
    """Write a whole HTTP response that tells the error and closes the connection."""
    told, body = encode_error(path, error, request_id)
    told["connection"] = "Upgrade, close" if "upgrade" in told else "close"
    told |= {"content-length": str(len(body)), "x-request-id": request_id}
    lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode("ascii")]
    lines += [f"{name}: {value}".encode("ascii") for name, value in told.items()]
    lines += [name + b": " + value for name, value in more_headers]
    return b"\r\n".join([*lines, b"", body])


def _parse_parameters(query: bytes) -> dict[str, str]:
    if _BAD_ESCAPE.search(query):
        raise RequestError("bad_query", "The query holds a malformed percent escape.")
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:  # UnicodeDecodeError is one
        raise RequestError(
            "bad_query", f"The query must be UTF-8 and have at most {MAX_PARAMETERS} parameters."
        ) from None
    given: dict[str, str] = {}
    for name, value in pairs:
        if "\0" in value or "\0" in name:
            raise RequestError("bad_query", "The query holds U+0000.")
        if name in given and name in KNOWN_PARAMETERS:
            raise RequestError("duplicate_parameter", field=name)
        given[name] = value
    return given


def _parse_seq(text: str, code: str) -> int | None:
    if not text:
        return None
    if not _SEQ.fullmatch(text) or int(text) > MAX_SEQ:
        raise RequestError(code)
    return int(text)


def _websocket_key(headers: Headers) -> str:
    keys = [value.strip() for value in _values(headers, b"sec-websocket-key")]
    try:
        if len(keys) == 1 and len(base64.b64decode(keys[0].encode("ascii"), validate=True)) == 16:
            return keys[0]
    except (binascii.Error, UnicodeEncodeError):
        pass
    raise RequestError("bad_request", "Sec-WebSocket-Key is 16 bytes in base64, given once.")


def _values(headers: Headers, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in headers if name == wanted]


_SEQ = re.compile("[0-9]{1,19}")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ACCEPT_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455 section 1.3."""
