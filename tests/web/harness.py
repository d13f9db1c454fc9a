"""The whole web layer on a real socket in this process: real protocols, hub and shell; the log in memory.

A test appends events itself, so that it knows which there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from litestar import Request, post

from twinstream.errors import RequestError
from twinstream.memory.log import MemoryLog
from twinstream.model.event import Change, Control, Event, EventType
from twinstream.model.filter import Clause, Filter
from twinstream.model.subscription import ClientType, StartFrom
from twinstream.service.numbering import Numbering
from twinstream.service.subscription import OpenedStream
from twinstream.settings import Settings
from twinstream.stream.hub import Hub
from twinstream.stream.limits import StreamLimits
from twinstream.system import SystemClock, SystemIds
from twinstream.web import health, stream
from twinstream.web.address import Addresses
from twinstream.web.app import create_app
from twinstream.web.body import BodyLimits, read_json
from twinstream.web.front import FrontLimits
from twinstream.web.health import Health
from twinstream.web.listener import HttpServer, listen
from twinstream.web.outer import RequestIds
from twinstream.web.shell import Shell

KEY = "00112233445566778899aabbccddeeff"
SUSPENDED_KEY = "ffeeddccbbaa99887766554433221100"
OEM = "0dfc7900"
FILTER = Filter(OEM, None, None, {EventType.DATAPOINT: (Clause(None, None),)})


class Keys:
    """Knows one key, and one of a suspended subscription; which ids were touched, and which addresses asked."""

    def __init__(self) -> None:
        self.opened = {KEY: OpenedStream(1, OEM, 1, StartFrom.ACKNOWLEDGED, ClientType.CLOUD)}
        self.touched: list[int] = []
        self.sources: list[str] = []

    async def open_stream(self, stream_key: str, source: str = "") -> OpenedStream:
        """See `StreamKeys`."""
        self.sources.append(source)
        await asyncio.sleep(0)
        if stream_key == SUSPENDED_KEY:
            raise RequestError("suspended")
        if stream_key not in self.opened:
            raise RequestError("unknown_key")
        return self.opened[stream_key]

    def touch(self, subscription_id: int) -> None:
        """See `StreamKeys`."""
        self.touched.append(subscription_id)


class Harness:
    """A running server; make it with `serving`."""

    def __init__(self, settings: Settings, stream_limits: StreamLimits, **limits: Any) -> None:
        self.log = MemoryLog()
        self.log.begin_stretch(1, FILTER)
        self.keys = Keys()
        clock = SystemClock()
        self.hub = Hub(self.log.head, stream_limits)
        numbering = Numbering(cast(Any, None), self.log)  # no count here takes more than a page
        addresses = Addresses(settings.trusted_proxies)
        self.shell = Shell(self.hub, self.log, self.keys, numbering, settings, clock, addresses)
        self.log.follow(self.shell.dispatch)
        request_ids = RequestIds(SystemIds())
        answers: Counter[int] = Counter()
        self.health = Health(self.shell, answers, lambda: None, {})
        body_limits = limits.pop("body_limits", BodyLimits())
        app = create_app(
            {
                "keys": self.keys,
                "shell": self.shell,
                "users": None,
                "device_authentication": None,
                "clock": clock,
                "health": self.health,
            },
            request_ids=request_ids,
            addresses=addresses,
            operator_token="",
            routes=[*health.ROUTES, *stream.ROUTES, *limits.pop("routes", ())],
            body_limits=body_limits,
            allowed_origins=settings.allowed_origins,
            answers=answers,
        )
        self.http = HttpServer(app, self.shell, request_ids, FrontLimits(**limits))
        self._listener = listen(limits.pop("host", "127.0.0.1"), 0)
        self._clients: list[Client] = []
        self.port: int = self._listener.getsockname()[1]

    def connections(self) -> list[Any]:
        """The server's side of all connections."""
        return list(self.http._server.server_state.connections)

    async def start(self) -> None:
        """Listen."""
        await self.http.start(self._listener)

    def append(self, count: int = 1, value: str = "x") -> None:
        """Append matching events, each committed and dispatched by itself."""
        for _ in range(count):
            self.append_together(1, value)

    def append_together(self, count: int, value: str = "x") -> None:
        """Append matching events, committed and dispatched as one group."""
        for _ in range(count):
            tail = f'"metadata":{{}},"datapoint":{{"value":"{value}"}}}}'.encode()
            self.log.append(Event(EventType.DATAPOINT, OEM, "m", "d", "p", (), tail))
        self.log.tell_tail()

    def change(self, change: Change) -> None:
        """Append a change of the subscription."""
        self.log.append_control(Control(change, (1,)))
        self.log.tell_tail()

    async def send(self, request: bytes | str, *, eof: bool = False) -> Client:
        """Connect and send bytes as they are."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request.encode("latin-1") if isinstance(request, str) else request)
        if eof:
            writer.write_eof()
        client = Client(reader, writer)
        self._clients.append(client)
        return client

    async def stop(self) -> None:
        """Close everything."""
        for client in self._clients:
            await client.close()
        await self.http.stop(0.0)

    async def connect(self, query: str = f"stream_key={KEY}", **headers: str) -> Client:
        """Open a stream; the answer to the upgrade is read already."""
        client = await self.send(upgrade(query, **headers))
        status, _, body = await client.read_response()
        assert status == 101, (status, body)
        return client


@post("/apiv1/echo")
async def echo(request: Request[Any, Any, Any]) -> Any:
    """Answer with the body."""
    return {"body": await read_json(request)}


@asynccontextmanager
async def serving(
    settings: Settings | None = None, stream_limits: StreamLimits | None = None, **limits: Any
) -> AsyncIterator[Harness]:
    """Start a harness and stop it; ``limits`` are of `FrontLimits`, and ``body_limits``, ``routes``."""
    harness = Harness(settings or Settings(), stream_limits or StreamLimits(), **limits)
    await harness.start()
    try:
        yield harness
    finally:
        await harness.stop()


def upgrade(
    query: str = f"stream_key={KEY}", path: str = "/stream", version: str = "1.1", **headers: str | None
) -> str:
    """Write an upgrade request; headers replace or (None) remove the usual ones, ``_`` standing for ``-``."""
    usual = {
        "Host": "127.0.0.1",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"GET {path}{'?' if query else ''}{query} HTTP/{version}"]
    lines += [f"{name}: {value}" for name, value in usual.items() if value is not None]
    return "\r\n".join([*lines, "", ""])


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """Frame as a client does."""
    mask = os.urandom(4)
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes([(0x80 if fin else 0) | opcode]) + length + mask + masked


class Client:
    """A raw client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)

    async def read_head(self) -> tuple[int, dict[str, str]]:
        """Read the head of a response: status, headers in lower case."""
        async with asyncio.timeout(5):
            head = await self.reader.readuntil(b"\r\n\r\n")
        lines = [line.partition(":") for line in head.decode("latin-1").split("\r\n")]
        headers = {name.strip().lower(): value.strip() for name, _, value in lines[1:-2]}
        return int(lines[0][0].split()[1]), headers

    async def read_response(self) -> tuple[int, dict[str, str], bytes]:
        """Read one HTTP response: status, headers in lower case, body."""
        status, headers = await self.read_head()
        async with asyncio.timeout(5):
            return status, headers, await self.reader.readexactly(int(headers.get("content-length", 0)))

    async def read_frame(self) -> tuple[int, bytes]:
        """Read one frame from the server: opcode and payload."""
        async with asyncio.timeout(5):
            first, size = await self.reader.readexactly(2)
            assert first & 0xF0 == 0x80
            assert size < 128, "masked by the server"
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            return first & 0x0F, await self.reader.readexactly(size)

    async def read_text(self) -> str:
        """Read frames up to a text that is no heartbeat."""
        while True:
            opcode, payload = await self.read_frame()
            if opcode == 1 and payload != b"1|Z":
                return payload.decode("ascii")
            assert opcode in (1, 9), (opcode, payload)

    async def read_close(self) -> int:
        """Read frames up to the close; answer its code (1005: none)."""
        while True:
            opcode, payload = await self.read_frame()
            if opcode == 8:
                return int.from_bytes(payload[:2], "big") if payload else 1005

    async def read_eof(self, timeout_s: float = 7.0) -> bytes:
        """Read all that comes until the server closes (or resets)."""
        async with asyncio.timeout(timeout_s):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def close(self) -> None:
        """Close the connection."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


async def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Wait for something that tells nobody when it has happened."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
