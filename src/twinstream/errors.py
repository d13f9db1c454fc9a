"""The errors that the outside may see: one tree, two tables.

Owns every error code and every WebSocket close code; knows nothing of HTTP frameworks or storage.
Invariant: codes are API. Each is listed here once, documented from here, and pinned by a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class TwinstreamError(Exception):
    """Root of all errors that twinstream raises on purpose."""


class RequestError(TwinstreamError):
    """Answers one call: the caller did (or the server has) something that the call can't go on with.

    ``code`` is a key of `REQUEST_ERRORS`, which fixes the HTTP status. ``message`` is for people, may name
    the offending field, and never holds a secret. ``retry_after_s`` becomes a ``Retry-After`` header; ``members`` are
    told beside the message (``oldest`` and ``head`` of a gap).
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        field: str | None = None,
        retry_after_s: int | None = None,
        members: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code
        self.status = REQUEST_ERRORS[code].status
        self.message = message or REQUEST_ERRORS[code].meaning
        self.field = field
        self.retry_after_s = retry_after_s
        self.members = members or {}
        super().__init__(self.message)


class Disconnect(TwinstreamError):
    """Ends a session.

    ``close_code`` is a key of `CLOSE_CODES`; ``reason`` goes into the close frame (at most 123 bytes).
    """

    def __init__(self, close_code: int, reason: str = "") -> None:
        self.close_code = close_code
        self.reason = reason or CLOSE_CODES[close_code].meaning
        super().__init__(f"{close_code} {self.reason}")


class RequestErrorKind(NamedTuple):
    """One row of `REQUEST_ERRORS`: the HTTP status, and what the code means."""

    status: int
    meaning: str


class CloseCode(NamedTuple):
    """One row of `CLOSE_CODES`: what it means, whether reconnecting can help, and what a client should do.

    ``sent``: False if this server does not send it at present; it is reserved, and clients treat it as is said here.
    """

    meaning: str
    reconnect: bool
    remedy: str
    sent: bool = True


REQUEST_ERRORS: dict[str, RequestErrorKind] = {
    "bad_request": RequestErrorKind(400, "The request is malformed."),
    "bad_json": RequestErrorKind(400, "The body is not one well-formed JSON value."),
    "bad_query": RequestErrorKind(400, "A query parameter is malformed."),
    "duplicate_parameter": RequestErrorKind(400, "A query parameter is given twice."),
    "bad_seq_start": RequestErrorKind(400, "seq_start must be a decimal number from 0 to 9223372036854775807."),
    "bad_seq_end": RequestErrorKind(400, "seq_end must be a decimal number, not below seq_start."),
    "unauthorized": RequestErrorKind(401, "The credential is missing, wrong or expired."),
    "bad_sign_in": RequestErrorKind(401, "Invalid email or password."),
    "unconfirmed": RequestErrorKind(401, "The email address has to be confirmed before the first sign-in."),
    "locked": RequestErrorKind(401, "The account is locked for a while after too many failed sign-ins."),
    "unknown_key": RequestErrorKind(401, "Unauthorized: the stream key is unknown or expired."),
    "forbidden": RequestErrorKind(403, "The caller may not do this."),
    "no_access_rule": RequestErrorKind(403, "No access rule lets the caller's role subscribe to this."),
    "suspended": RequestErrorKind(403, "The subscription is suspended."),
    "faults_off": RequestErrorKind(403, "Faults are off; who runs the server can start it with --allow-faults."),
    "origin_refused": RequestErrorKind(403, "The page's origin is not allowed here."),
    "not_found": RequestErrorKind(404, "There is no such thing, or it is not yours."),
    "bad_application": RequestErrorKind(404, "Unknown application: confirm app_id and app_secret."),
    "method_not_allowed": RequestErrorKind(405, "The method is not allowed on this path."),
    "incomplete": RequestErrorKind(406, "The file is not complete yet, or is closed already."),
    "request_timeout": RequestErrorKind(408, "The request took too long to arrive."),
    "not_acceptable": RequestErrorKind(406, "The answer is JSON, which the client does not accept."),
    "conflict": RequestErrorKind(409, "The request conflicts with the present state."),
    "seq_expired": RequestErrorKind(410, "seq_start is older than the oldest event kept."),
    "body_too_large": RequestErrorKind(413, "The body is larger than allowed."),
    "uri_too_long": RequestErrorKind(414, "The request target is longer than allowed."),
    "unsupported_media_type": RequestErrorKind(415, "The body's type or encoding is not supported."),
    "seq_ahead": RequestErrorKind(416, "seq_start lies beyond the newest event."),
    "invalid": RequestErrorKind(422, "A field's value is not valid."),
    "upgrade_required": RequestErrorKind(426, "This path speaks WebSocket, version 13."),
    "too_many_requests": RequestErrorKind(429, "Too many requests; try again later."),
    "too_many_sessions": RequestErrorKind(
        429,
        "This stream key has as many sockets as it may have; use the key of another subscription, "
        "or raise sessions_per_key of the server.",
    ),
    "headers_too_large": RequestErrorKind(431, "The request's headers are larger than allowed."),
    "internal": RequestErrorKind(500, "Internal error; the request id leads to the log line."),
    "storage_full": RequestErrorKind(503, "The disk is full; nothing was stored."),
    "storage_failed": RequestErrorKind(503, "The storage failed; nothing was stored."),
    "identity_provider_failed": RequestErrorKind(503, "The application's identity provider gave no usable answer."),
    "shutting_down": RequestErrorKind(503, "The server is shutting down; try again."),
    "too_many_connections": RequestErrorKind(503, "The server has as many connections as it may have."),
    "http_version": RequestErrorKind(505, "HTTP/1.1 is needed."),
}

CLOSE_CODES: dict[int, CloseCode] = {
    1000: CloseCode(
        "done", True, "A bounded replay is complete, or the socket was closed on request. Reconnect only for more."
    ),
    1001: CloseCode("going away", True, "Reconnect with back-off.", sent=False),
    1002: CloseCode("protocol error", False, "Mend the client: it broke RFC 6455."),
    1003: CloseCode("unsupported data", False, "Mend the client: it sent what is never accepted.", sent=False),
    1007: CloseCode("invalid text", False, "Mend the client: it sent text that is not UTF-8."),
    1009: CloseCode("message too big", False, "Mend the client: it only ever needs to send Z."),
    1011: CloseCode("internal error", True, "Reconnect with back-off; the server's log has the reason."),
    1012: CloseCode("service restart", True, "Reconnect with back-off and jitter; nothing is lost."),
    1013: CloseCode("try again later", True, "Reconnect after a minute.", sent=False),
    4008: CloseCode("slow reader", True, "Read faster; reconnect and continue where you were: nothing is lost."),
    4401: CloseCode("stream key expired", False, "Create a new subscription.", sent=False),
    4403: CloseCode("subscription suspended or deleted", False, "Ask its owner, or create a new subscription."),
    4408: CloseCode("no sign of life", True, "Answer heartbeats; reconnect."),
    4409: CloseCode(
        "replaced by a newer socket", True, "Another socket took this silent one's place; reconnect if you are alive."
    ),
    4410: CloseCode("retention overtook the reader", True, "Reconnect: the stream goes on at the oldest event kept."),
    4429: CloseCode("too many messages", True, "Send nothing but answers to heartbeats; reconnect after a minute."),
}
