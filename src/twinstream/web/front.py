"""The front door: uvicorn's HTTP protocol with the limits that it lacks, and the way to `/stream`.

Owns what is decided before a request has a handler: deadlines and sizes of its head, the one reading of it that proxies
and we must share, and to which protocol it goes. Bodies and paths are the business of `web.body` and `web.outer`.

Stands on uvicorn's `HttpToolsProtocol`, whose parts used here are no public interface: the version is pinned and
tests/web/test_front.py tests what is relied on (the parser's callbacks and their order, ``scope``, ``url``,
``headers``, ``cycle``, ``pipeline``, ``connections``, ``on_response_complete``, `handle_websocket_upgrade` never being
reached).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import httptools
import msgspec
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from twinstream.errors import RequestError
from twinstream.web.handshake import encode_refusal
from twinstream.web.outer import RequestIds, normalize_path
from twinstream.web.shell import RETRY_AFTER_S, Shell, StreamRequest
from twinstream.web.stream import PATHS
from twinstream.web.websocket import StreamProtocol

_log = structlog.get_logger(__name__)


class FrontLimits(msgspec.Struct, frozen=True):
    """What the head of a request may cost, and how many connections there may be.

    ``pipelined``: requests that may wait for the answer to the one ahead; a chunk of bytes may bring thousands.
    ``slow_reader_timeout_s``: how long a client may take nothing of an answer; at shutdown it is ``linger_s``.
    Source of the sizes: security.md S11.
    """

    header_timeout_s: float = 10.0
    slow_reader_timeout_s: float = 30.0
    max_connections: int = 10_000
    line_bytes: int = 8 * 1024
    headers_bytes: int = 16 * 1024
    headers_count: int = 100
    pipelined: int = 100
    linger_s: float = 2.0


class FrontProtocol(HttpToolsProtocol):
    """One connection until it closes or becomes a stream.

    uvicorn makes it, with ``shell``, ``request_ids`` and ``limits`` bound.
    """

    def __init__(self, *, shell: Shell, request_ids: RequestIds, limits: FrontLimits, **given: Any) -> None:
        super().__init__(**given)
        self.access_log = False  # Invariant: no query string is logged, whoever else configures logging
        self._shell = shell
        self._request_ids = request_ids
        self._limits = limits
        self._deadline: asyncio.TimerHandle | None = None
        self._reader_deadline: asyncio.TimerHandle | None = None
        self._reader_timeout_s = limits.slow_reader_timeout_s
        self._in_head = True
        self._head_bytes = 0
        self._to_stream = False
        self._deaf = False
        self._lingering = False
        self._postponed: RequestError | None = None
        self.url = b""
        self.headers = []

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        if len(self.connections) > self._limits.max_connections + 100:
            transport.abort()  # not even a refusal: descriptors are running out
            return
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; turn what it refuses into an answer."""
        if self._deaf:
            return
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._take_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(_explain(error, data))
        else:
            self._check_unfinished_head(len(data))

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        self._stop_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Let answers wait for the client to read, and watch whether it does."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        self._stop_watching()
        super().resume_writing()

    def shutdown(self) -> None:
        """Finish the request under way and close; called by uvicorn. Who reads nothing is not waited for long."""
        self._stop_waiting()
        super().shutdown()
        self._reader_timeout_s = self._limits.linger_s
        if self.transport.get_write_buffer_size():
            self._watch_reader()

    # Callbacks of the parser. What they raise reaches `data_received` as the context of an HttpParserCallbackError.

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 0
        self._to_stream = False
        if self._deadline is None:
            self._await_head()

    def on_url(self, url: bytes) -> None:
        """Take (a part of) the request target."""
        super().on_url(url)
        if len(self.url) > self._limits.line_bytes:
            raise RequestError("uri_too_long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header."""
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value) + 4
        if len(self.headers) > self._limits.headers_count or self._head_bytes > self._limits.headers_bytes:
            raise RequestError("headers_too_large")

    def on_headers_complete(self) -> None:
        """Judge the head as a whole and choose the protocol."""
        self._in_head = False
        self._stop_waiting()
        method = self.parser.get_method().decode("ascii")
        _check_head(method, self.parser.get_http_version(), self.url, self.headers)
        if len(self.connections) > self._limits.max_connections:
            raise RequestError("too_many_connections", retry_after_s=RETRY_AFTER_S)
        if len(self.pipeline) >= self._limits.pipelined:
            raise RequestError("too_many_requests", retry_after_s=RETRY_AFTER_S)
        self._to_stream = self.parser.should_upgrade() and self._wants_stream(method)
        super().on_headers_complete()
        if not self._to_stream:
            joining = _JoiningTransport(self.transport, self.cycle, self._linger)
            self.cycle.transport = cast(asyncio.Transport, joining)
            self.cycle.on_response = partial(self._on_answered, self.cycle, joining)

    # Inside

    def _on_answered(self, cycle: RequestResponseCycle, joining: _JoiningTransport) -> None:
        """Go on with the connection, or close it: one whose body nobody read, or with a broken request behind."""
        joining.flush()
        self.on_response_complete()
        if self._postponed is not None and self._has_answered():
            self._refuse(self._postponed)
        elif cycle.more_body:
            self._linger()

    def _should_upgrade(self) -> bool:
        """Tell uvicorn's class to leave the request alone."""
        return self._to_stream

    def _wants_stream(self, method: str) -> bool:
        if method != "GET" or self._get_upgrade() != b"websocket":
            return False
        target = httptools.parse_url(self.url)
        try:
            if normalize_path(target.path.decode("ascii")) not in PATHS:
                return False
        except RequestError:
            return False
        if self.parser.get_http_version() != "1.1":
            raise RequestError("http_version")
        if any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in self.headers
        ):
            raise RequestError("bad_request", "An upgrade has no body.")
        if not self._has_answered():
            raise RequestError("bad_request", "An upgrade waits for the answer to the request ahead of it.")
        return True

    def _take_upgrade(self, leftover: bytes) -> None:
        if not self._to_stream:
            self._deaf = True  # answered as HTTP; what would follow is another protocol
            self.cycle.keep_alive = False
            return
        self.connections.discard(self)
        target = httptools.parse_url(self.url)
        address = self._shell.addresses.find_client(self.client[0] if self.client else "", self.headers)
        self._stop_watching()
        stream = StreamProtocol(self._shell, self.transport, self.connections, address)
        self.transport.set_protocol(stream)
        request = StreamRequest(target.query or b"", self.headers, address)
        stream.start(request, "/stream", self._request_ids.take(), leftover)
        self.parser = cast(Any, None)  # it refers to this object, which nobody needs any more

    def _has_answered(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(self._limits.header_timeout_s, self._on_late_head)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _watch_reader(self) -> None:
        self._stop_watching()
        unread_bytes = self.transport.get_write_buffer_size()
        self._reader_deadline = self.loop.call_later(self._reader_timeout_s, self._check_reader, unread_bytes)

    def _stop_watching(self) -> None:
        if self._reader_deadline is not None:
            self._reader_deadline.cancel()
            self._reader_deadline = None

    def _check_reader(self, unread_bytes: int) -> None:
        """Abort if nothing has been read of what was unread (bytes) when the watch began; else go on watching."""
        if self.transport.get_write_buffer_size() < unread_bytes:
            self._watch_reader()
            return
        _log.info("slow reader cut", address=self.client and self.client[0])
        self.transport.abort()

    def _on_late_head(self) -> None:
        self._deadline = None
        if not (self.url or self.headers):
            self.transport.close()  # nobody has asked anything
        else:
            self._refuse(RequestError("request_timeout"))

    def _check_unfinished_head(self, received_bytes: int) -> None:
        if not self._in_head or self._deaf:
            return
        self._head_bytes += received_bytes
        if self._head_bytes > self._limits.line_bytes + 2 * self._limits.headers_bytes:
            self._refuse(RequestError("headers_too_large" if self.headers else "uri_too_long"))

    def _refuse(self, error: RequestError) -> None:
        """Answer an error and close; if a request ahead is not answered yet, then after that."""
        self._deaf = True
        self._stop_waiting()
        if not self._has_answered():
            self._postponed = error
            return
        self._shell.refusals[error.code] += 1
        request_id = self._request_ids.take()
        _log.info("request refused", code=error.code, address=self.client and self.client[0], request_id=request_id)
        path = self.url.decode("latin-1")
        more = [(b"allow", _ALLOW)] if error.code == "method_not_allowed" else []
        self.transport.write(encode_refusal(error, path, request_id, more))
        self._linger()

    def _linger(self) -> None:
        """Close so that the client can read the answer: a reset would take it away (RFC 9112 section 9.6)."""
        if self._lingering or self.transport.is_closing():
            return
        self._deaf = self._lingering = True
        self._unset_keepalive_if_required()
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._deadline = self.loop.call_later(self._limits.linger_s, self.transport.close)
        else:
            self.transport.close()


class _JoiningTransport:
    """Makes one write of a response's head and the beginning of its body; else each is a system call and a packet.

    And closes so that the answer arrives: with ``linger`` where the client may still be sending.
    """

    __slots__ = ("_cycle", "_head", "_linger", "_transport")

    def __init__(self, transport: asyncio.Transport, cycle: RequestResponseCycle, linger: Callable[[], None]) -> None:
        self._transport = transport
        self._cycle = cycle
        self._linger = linger
        self._head: bytes | None = b""  # None: the head has gone

    def write(self, data: bytes) -> None:
        """Keep the head back until there is more; 100 Continue is no head.

        Why not to a lost connection: uvicorn tells only the last of its pipelined requests that it is lost.
        """
        if self._transport.is_closing():
            return
        if self._head is None or data.startswith(b"HTTP/1.1 100"):
            self._transport.write(data)
        elif not self._head:
            self._head = data
        else:
            self._transport.write(self._head + data)
            self._head = None

    def flush(self) -> None:
        """Write a head that no body follows."""
        if self._head and not self._transport.is_closing():
            self._transport.write(self._head)
            self._head = None

    def close(self) -> None:
        """Close behind all that was written."""
        self.flush()
        if self._cycle.more_body:
            self._linger()
        else:
            self._transport.close()

    def is_closing(self) -> bool:
        """Tell whether the connection is being closed."""
        return self._transport.is_closing()


def _check_head(method: str, version: str, url: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Refuse what could be read in two ways, by us and by a proxy in front (security.md S14)."""
    if method == "CONNECT":
        raise RequestError("method_not_allowed")
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (version == "1.1" and not hosts) or not all(map(_HOST.fullmatch, hosts)):
        raise RequestError("bad_request", "A request names its host, once.")
    if b"#" in url:
        raise RequestError("bad_request", "A request target has no fragment.")
    if not url.startswith(b"/") and not (hosts and _ABSOLUTE.match(url) and _authority(url) == hosts[0].lower()):
        raise RequestError("bad_request", "The request target is a path, or names the same host as the Host header.")
    if any(name == b"transfer-encoding" and value.strip().lower() != b"chunked" for name, value in headers):
        raise RequestError("bad_request", "The only transfer encoding is chunked.")


def _authority(url: bytes) -> bytes:
    return url.split(b"/", 3)[2].lower()


def _explain(error: httptools.HttpParserError, data: bytes) -> RequestError:
    """Find what a parser error means: an error of our own callbacks, an unknown method, or malformed HTTP."""
    if isinstance(error, httptools.HttpParserCallbackError):
        if isinstance(error.__context__, RequestError):
            return error.__context__
        _log.error("head not read", exc_info=error)
        return RequestError("internal")
    if isinstance(error, httptools.HttpParserInvalidMethodError) and _UNKNOWN_METHOD.match(data):
        return RequestError("method_not_allowed")
    return RequestError("bad_request", "This is not HTTP/1.1.")


_ABSOLUTE = re.compile(rb"https?://[^/]+/", re.IGNORECASE)
_HOST = re.compile(rb"[A-Za-z0-9._~%\[\]:-]+")
_UNKNOWN_METHOD = re.compile(
    rb"(?!(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT) )[A-Z][A-Z-]{1,20} /\S* HTTP/1\.[01]\r\n"
)
_ALLOW = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
