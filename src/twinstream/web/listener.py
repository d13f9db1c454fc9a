"""The listening socket, and uvicorn on it with our protocols.

Owns everything that uvicorn must be told, and its starting and stopping; knows no route and no signal. What of uvicorn
is relied on beyond its documentation is said in `web.front`; here it is `Server.startup`, `Server.capture_signals` and
``should_exit`` and ``server_state``.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import uvicorn

from twinstream.exits import EX_UNAVAILABLE, CommandError
from twinstream.web.front import FrontLimits, FrontProtocol
from twinstream.web.outer import App, RequestIds
from twinstream.web.shell import Shell

BACKLOG = 4096
"""Connections that may wait to be accepted when thousands come back at once (promises.md, P14)."""

KEEP_ALIVE_S = 65
"""Longer than devices and phones wait between two polls."""

NOTSENT_LOWAT_BYTES = 16 * 1024
"""What the kernel may hold of a stream beyond what is in flight; else a dead reader hides in 4 MiB (performance.md)."""

USER_TIMEOUT_MS = 45_000
"""How long sent bytes may stay unacknowledged: a vanished peer costs its buffers no longer (promises.md, P12)."""

CUT_S = 0.1
"""Within this a request's task has heard that its connection is gone, and ended; one that has not is cancelled."""


def listen(host: str, port: int) -> socket.socket:
    """Bind a socket; connections have its options. ``port`` 0 takes a free one.

    Raises:
        CommandError: 69, naming the address and why it cannot be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError):
        raise CommandError(EX_UNAVAILABLE, f"host: {host!r} is not an address of this machine") from None
    family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOTSENT_LOWAT_BYTES)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        listener.bind(address)
    except OSError as error:
        listener.close()
        reason = _REASONS.get(error.errno or 0, os.strerror(error.errno or 0))
        raise CommandError(EX_UNAVAILABLE, f"cannot listen on {host} port {port}: {reason}") from None
    return listener


def describe_url(listener: socket.socket, *, tls: bool) -> str:
    """Answer the URL by which this machine reaches the socket, without a path."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- nothing is bound here
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


class HttpServer:
    """uvicorn, started and stopped from outside."""

    def __init__(
        self,
        app: App,
        shell: Shell,
        request_ids: RequestIds,
        limits: FrontLimits,
        *,
        tls_cert: Path | None = None,
        tls_key: Path | None = None,
    ) -> None:
        logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)
        front = partial(FrontProtocol, shell=shell, request_ids=request_ids, limits=limits)
        self._server = _Server(
            uvicorn.Config(
                app,
                http=front,  # type: ignore[arg-type]
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,  # it would print query strings
                proxy_headers=False,  # web.address decides whom to believe
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_S,
                ssl_certfile=tls_cert,
                ssl_keyfile=str(tls_key) if tls_key else None,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self, listener: socket.socket) -> None:
        """Accept connections. What ends the server early is raised here."""
        self._task = asyncio.get_running_loop().create_task(self._server.serve(sockets=[listener]), name="http")
        ready = asyncio.ensure_future(self._server.ready.wait())
        await asyncio.wait({self._task, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._task.done():
            self._task.result()

    async def stop(self, grace_s: float) -> None:
        """Accept nothing more, let requests finish within ``grace_s``, then cut what is left."""
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=grace_s)
            self.cut()
            await self._task

    def cut(self) -> None:
        """Abort all connections, and what is being done for them if it does not end by itself then."""
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        asyncio.get_running_loop().call_later(CUT_S, self._cancel)

    def _cancel(self) -> None:
        for task in list(self._server.server_state.tasks):
            task.cancel()


class _Server(uvicorn.Server):
    """uvicorn's server without its own handling of signals."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """Keep uvicorn from logging a request that `HttpServer.cut` cancels as an exception of the application."""
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)


_REASONS = {
    errno.EADDRINUSE: "another program uses it; stop that, or choose another port (0 takes a free one)",
    errno.EADDRNOTAVAIL: "this machine has no such address",
    errno.EACCES: "ports below 1024 need the right to bind them",
}
