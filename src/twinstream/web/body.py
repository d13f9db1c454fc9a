"""Request bodies, read within limits.

Owns size, time, type and encoding of a body; what it says is for `wire/` and the nouns. Handlers read bodies with
`read_json` or `read_bytes` instead of a ``data`` parameter, so that GET may carry one and every refusal looks the same;
they describe them for OpenAPI with ``operation_class=describe_body(...)`` (see `web.openapi`).
Invariant: no more than the limit is ever held, and a refused body closes the connection instead of being read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
from litestar import Request

from twinstream.errors import RequestError
from twinstream.wire.json import decode_json


class BodyLimits(msgspec.Struct, frozen=True):
    """How long a body may be, and how long it may take to arrive."""

    size_bytes: int = 1024 * 1024
    timeout_s: float = 30.0


async def read_json(request: Request[Any, Any, Any]) -> Any:
    """Read the body as one JSON value: ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool`` or None.

    Raises:
        RequestError: what `read_bytes` and `twinstream.wire.json.decode_json` raise; ``unsupported_media_type`` (415)
        if the content
            type is neither JSON nor absent.
    """
    check_json_type(request.headers.get("content-type"))
    return decode_json(await read_bytes(request))


async def read_optional_json(request: Request[Any, Any, Any]) -> Any:
    """Read the body as one JSON value, as `read_json`; None if there is no body."""
    content = await read_bytes(request)
    if not content.strip():
        return None
    check_json_type(request.headers.get("content-type"))
    return decode_json(content)


async def read_bytes(request: Request[Any, Any, Any]) -> bytes:
    """Read the body as it is; empty if there is none. Call once.

    Raises:
        RequestError: ``unsupported_media_type`` (415) for any Content-Encoding, ``body_too_large`` (413),
            ``request_timeout`` (408), ``bad_request`` (400) if the client went away.
    """
    limits: BodyLimits = request.app.state["body_limits"]
    check_head(request.headers.get("content-encoding"), request.headers.get("content-length"), limits)
    return await receive_body(request.receive, limits)


async def receive_body(receive: Callable[[], Awaitable[Any]], limits: BodyLimits) -> bytes:
    """Read the body of an ASGI request whose head `check_head` has passed.

    Raises:
        RequestError: ``body_too_large``, ``request_timeout``, ``bad_request``, as `read_bytes`.
    """
    try:
        async with asyncio.timeout(limits.timeout_s):
            return await _receive(receive, limits.size_bytes)
    except TimeoutError:
        raise RequestError("request_timeout") from None


def check_json_type(content_type: str | None) -> None:
    """Refuse a content type that is given and is not JSON in UTF-8."""
    if not content_type:
        return
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise RequestError("unsupported_media_type", "The body's content type is application/json.")
    for parameter in parameters:
        if parameter.startswith("charset=") and parameter.removeprefix("charset=").strip('"') not in (
            "utf-8",
            "utf8",
            "us-ascii",
        ):
            raise RequestError("unsupported_media_type", "The body's character set is UTF-8.")


def check_head(encoding: str | None, length: str | None, limits: BodyLimits) -> None:
    """Refuse what the head of a request already tells of a body that will not be read."""
    if encoding and encoding.lower() != "identity":
        raise RequestError("unsupported_media_type", "Bodies come without Content-Encoding.")
    if length and int(length) > limits.size_bytes:  # the parser has checked that these are digits
        raise RequestError("body_too_large")


async def _receive(receive: Callable[[], Awaitable[Any]], limit_bytes: int) -> bytes:
    received = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestError("bad_request", "The client went away before the body was complete.")
        received += cast(bytes, message.get("body", b""))
        if len(received) > limit_bytes:
            raise RequestError("body_too_large")
        if not message.get("more_body", False):
            return bytes(received)
