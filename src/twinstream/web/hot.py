"""The hot routes, past the framework: creating datapoints, and polling commands, for a fraction of the cost.

An ASGI layer in front of the routes. It answers exactly what the handlers in `web.datapoint` and `web.command` would,
which describe the same routes for OpenAPI; everything else it passes on, also a device that proves itself, since that
happens once in a device's day. Invariant: taking this layer out changes no answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import structlog

from twinstream.errors import RequestError
from twinstream.model.principal import Device, User
from twinstream.model.receipt import Repeatable
from twinstream.service.authentication import DeviceAuthentication
from twinstream.service.command import CommandService
from twinstream.service.content import ContentService
from twinstream.service.datapoint import DatapointService
from twinstream.service.user import UserService
from twinstream.web.authentication import read_access_token, read_device_credential
from twinstream.web.body import BodyLimits, check_head, check_json_type, receive_body
from twinstream.web.command import PARTIAL, wants_all
from twinstream.web.datapoint import (
    create_batch_by_device,
    create_batch_by_user,
    create_by_device,
    create_by_user,
    read_echo,
)
from twinstream.web.error import encode_error
from twinstream.web.outer import App, Headers, Receive, Scope, Send
from twinstream.web.receipt import HEADER, read_repeatable
from twinstream.web.ref import by_device, by_dsn, by_key, require_own
from twinstream.web.signed import RequestLinks
from twinstream.wire.command import encode_pending
from twinstream.wire.datapoint import encode_reply

_log = structlog.get_logger(__name__)

Answer = tuple[int, bytes]
"""Status and JSON body."""


class _Call(NamedTuple):
    """A request: the segments of its path (the first is empty), its body, its query as sent, its connection, all.

    ``keyed``: it may be repeated (`web.receipt`).
    """

    parts: list[str]
    body: bytes
    query: bytes
    connection: Any
    scope: Scope
    keyed: bool


class _Route(NamedTuple):
    """A path whose variable segments are ``*``, who may call it, and what answers."""

    pattern: tuple[str, ...]
    by_user: bool
    answer: Callable[[Any, _Call], Awaitable[Answer]]


class HotRoutes:
    """See the module. ``services`` are those of `web.app.create_app`."""

    def __init__(self, app: App, services: Mapping[str, Any], limits: BodyLimits) -> None:
        self._app = app
        self._limits = limits
        self._users: UserService = services["users"]
        self._authentication: DeviceAuthentication = services["device_authentication"]
        self._datapoints: DatapointService = services["datapoints"]
        self._commands: CommandService = services["commands"]
        self._contents: ContentService = services["contents"]
        self._routes: dict[tuple[str, int, str], list[_Route]] = {}
        self._add("POST", "/apiv1/dsns/*/properties/*/datapoints", self._set_by_dsn, by_user=True)
        self._add("POST", "/apiv1/devices/*/properties/*/datapoints", self._set_by_device, by_user=True)
        self._add("POST", "/apiv1/properties/*/datapoints", self._set_by_key, by_user=True)
        self._add("POST", "/apiv1/batch_datapoints", self._set_many, by_user=True)
        self._add("POST", "/devices/*/properties/*/datapoints", self._post)
        self._add("POST", "/dev/v1/dsns/*/batch_datapoints", self._post_many)
        self._add("GET", "/devices/*/commands", self._poll)
        self._add("GET", "/devices/*/cmds", self._poll)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a hot request, pass on the others."""
        parts = scope["path"].split("/") if scope["type"] == "http" else []
        route = self._find(scope.get("method", ""), parts)
        if route is None:
            await self._app(scope, receive, send)
            return
        try:
            caller = await self._authenticate(scope, route)
            if caller is None:
                await self._app(scope, receive, send)
                return
            status, body = await route.answer(caller, await self._read(scope, receive, parts))
            headers = _JSON
        except RequestError as error:
            status, headers, body = _tell(scope, error)
        except Exception as error:
            _log.error("request failed", method=scope["method"], path=scope["path"], exc_info=error)
            status, headers, body = _tell(scope, RequestError("internal"))
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": body})

    def _add(
        self, method: str, path: str, answer: Callable[[Any, _Call], Awaitable[Answer]], *, by_user: bool = False
    ) -> None:
        pattern = tuple(path.split("/"))
        self._routes.setdefault((method, len(pattern), pattern[-1]), []).append(_Route(pattern, by_user, answer))

    def _find(self, method: str, parts: list[str]) -> _Route | None:
        for route in self._routes.get((method, len(parts), parts[-1] if parts else ""), ()):
            if all(wanted in ("*", part) for wanted, part in zip(route.pattern, parts, strict=True)) and all(parts[1:]):
                return route
        return None

    async def _authenticate(self, scope: Scope, route: _Route) -> User | Device | None:
        """Answer who calls; None for a device that proves itself."""
        if route.by_user:
            return await self._users.authenticate(read_access_token(scope["headers"]))
        credential = read_device_credential(scope["headers"], scope["method"], scope["raw_path"])
        return None if credential.proof else (await self._authentication.authenticate(credential)).device

    async def _read(self, scope: Scope, receive: Receive, parts: list[str]) -> _Call:
        body, keyed = b"", False
        if scope["method"] == "POST":
            head = {name: value.decode("latin-1") for name, value in scope["headers"] if name.startswith(_READ)}
            keyed = HEADER in head
            check_json_type(head.get(b"content-type"))
            check_head(head.get(b"content-encoding"), head.get(b"content-length"), self._limits)
            body = await receive_body(receive, self._limits)
        return _Call(parts, body, scope["query_string"], scope["client"], scope, keyed)

    def _link(self, call: _Call) -> RequestLinks:
        return RequestLinks(self._contents, call.scope)

    async def _set_by_dsn(self, user: User, call: _Call) -> Answer:
        ref = by_dsn(call.parts[3], call.parts[5])
        return 201, encode_reply(
            await create_by_user(self._datapoints, user, ref, call.body, self._link(call), _once(user, call))
        )

    async def _set_by_device(self, user: User, call: _Call) -> Answer:
        ref = by_device(call.parts[3], call.parts[5])
        return 201, encode_reply(
            await create_by_user(self._datapoints, user, ref, call.body, self._link(call), _once(user, call))
        )

    async def _set_by_key(self, user: User, call: _Call) -> Answer:
        ref = by_key(call.parts[3])
        return 201, encode_reply(
            await create_by_user(self._datapoints, user, ref, call.body, self._link(call), _once(user, call))
        )

    async def _set_many(self, user: User, call: _Call) -> Answer:
        return 200, encode_reply(await create_batch_by_user(self._datapoints, user, call.body, _once(user, call)))

    async def _post(self, device: Device, call: _Call) -> Answer:
        require_own(device, call.parts[2])
        echo, links = read_echo(call.query), RequestLinks(self._contents, call.scope, to_device=True)
        return 201, encode_reply(
            await create_by_device(
                self._datapoints, device, call.parts[4], call.body, links, echo=echo, once=_once(device, call)
            )
        )

    async def _post_many(self, device: Device, call: _Call) -> Answer:
        require_own(device, call.parts[4])
        return 200, encode_reply(await create_batch_by_device(self._datapoints, device, call.body, _once(device, call)))

    async def _poll(self, device: Device, call: _Call) -> Answer:
        require_own(device, call.parts[2])
        if call.query and wants_all(call.query):
            await self._commands.renew(device)
        pending = await self._commands.poll(device, call.connection)
        return PARTIAL if pending.more else 200, encode_pending(pending)


def _once(caller: User | Device, call: _Call) -> Repeatable | None:
    return read_repeatable(call.scope, caller, call.body) if call.keyed else None


def _tell(scope: Scope, error: RequestError) -> tuple[int, Headers, bytes]:
    headers, body = encode_error(scope["path"], error, scope["state"].get("request_id", ""))
    return error.status, [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()], body


_READ = (b"content-", HEADER)
_JSON: Headers = [(b"content-type", b"application/json")]
