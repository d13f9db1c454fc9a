"""What holds for every HTTP request, whichever handler answers it: an ASGI layer around the routes.

Owns request ids, the ``.json`` suffix, the case of `oemAccessRules`, HEAD, CORS and the security headers; knows no
noun.
Invariant: a path reaches the routes in one form only, decoded once, without suffix, doubled slashes or dot segments.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from twinstream.errors import RequestError
from twinstream.ports.ids import NewId
from twinstream.web.address import Addresses
from twinstream.web.error import encode_error

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


class RequestIds:
    """Gives each request of this process a name: eight random characters and a count."""

    def __init__(self, new_id: NewId) -> None:
        self._prefix = new_id.code(8)
        self._number = itertools.count(1)

    def take(self) -> str:
        """Answer the next."""
        return f"{self._prefix}-{next(self._number):x}"


class Outer:
    """Wraps the routes; see the module."""

    def __init__(
        self,
        app: App,
        *,
        allowed_origins: tuple[str, ...],
        request_ids: RequestIds,
        addresses: Addresses,
        answers: Counter[int],
    ) -> None:
        self._app = app
        self._origins = frozenset(origin.encode("ascii") for origin in allowed_origins)
        self._request_ids = request_ids
        self._answers = answers
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (or pass on the life-span protocol)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._request_ids.take()
        state = dict(scope.get("state", {}), request_id=request_id)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        origin = next((value for name, value in scope["headers"] if name == b"origin"), None)

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._answers[message["status"]] += 1
                headers = list(message.get("headers", ()))
                own = {name for name, _ in headers}  # pages have their own policy, and their files may be kept
                more = [(b"x-request-id", request_id.encode("ascii")), *self._allow_origin(origin)]
                more += [header for header in _SECURITY_HEADERS if header[0] not in own]
                message["headers"] = [*headers, *more, *state.get("response_headers", ())]
            await send(message)

        try:
            path = normalize_path(scope["path"])
        except RequestError as error:
            await _send_error(send_with_headers, scope["path"], error, request_id)
            return
        if scope["method"] == "OPTIONS" and origin is not None:
            await _send_preflight(send_with_headers, scope["headers"])
            return
        method = "GET" if scope["method"] == "HEAD" else scope["method"]  # the server sends no body after HEAD
        client = (self._addresses.find_client(scope["client"][0], scope["headers"]), scope["client"][1])
        inner = dict(scope, path=path, method=method, client=client, state=state)
        await self._app(inner, receive, send_with_headers)

    def _allow_origin(self, origin: bytes | None) -> Headers:
        if not self._origins:
            return [(b"access-control-allow-origin", b"*"), _EXPOSED]
        if origin in self._origins and origin is not None:
            return [(b"access-control-allow-origin", origin), (b"vary", b"origin"), _EXPOSED]
        return [(b"vary", b"origin")]


def normalize_path(path: str) -> str:
    """Bring a decoded path into the one form that the routes know.

    Raises:
        RequestError: ``bad_request`` for control characters and undecodable bytes, ``not_found`` for what could only be
        an
            attempt at another path: doubled slashes, dot segments, a doubled suffix.
    """
    if _UNDECODABLE.search(path):
        raise RequestError("bad_request", "The path holds control characters or is not UTF-8.")
    path = path.removesuffix("/").removesuffix(".json") or "/"
    if not path.startswith("/") or _DEVIOUS.search(path):
        raise RequestError("not_found")
    return _ACCESS_RULES.sub("/api/v1/oemAccessRules", path)


async def _send_error(send: Send, path: str, error: RequestError, request_id: str) -> None:
    headers, body = encode_error(path, error, request_id)
    headers["content-length"] = str(len(body))
    encoded = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})


async def _send_preflight(send: Send, headers: Headers) -> None:
    wanted = b", ".join(value for name, value in headers if name == b"access-control-request-headers")
    answer = [
        (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
        (b"access-control-allow-headers", wanted if _HEADER_NAMES.fullmatch(wanted) else b"*"),
        (b"access-control-max-age", b"7200"),
        (b"vary", b"access-control-request-headers"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": answer})
    await send({"type": "http.response.body", "body": b""})


_UNDECODABLE = re.compile("[\0-\x1f\x7f\ufffd]")
_DEVIOUS = re.compile(r"//|/\.{1,2}(?:/|$)|\\|\.json$")
_ACCESS_RULES = re.compile(r"^/api/v1/oemaccessrules(?=/|$)", re.IGNORECASE)
_HEADER_NAMES = re.compile(rb"[A-Za-z0-9_\-, ]+")
_EXPOSED = (b"access-control-expose-headers", b"x-request-id, retry-after")
_SECURITY_HEADERS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
