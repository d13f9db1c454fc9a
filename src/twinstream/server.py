"""The server: which parts there are, in which order they start, and in which order they stop.

The only module that knows concrete classes. The order of starting: logging, limits of the process, data folder (lock,
migration), services, the hub at the head of the log, the HTTP application, the listening socket, jobs; then it says
where it listens. Stopping:

1. SIGTERM or Ctrl-C: new sockets are refused (503), open ones are closed with 1012, spread over a part of
``shutdown_grace_s``. 2. The listening socket closes; running requests finish, at most the rest of the grace. 3. Jobs
end; acknowledgements, bookmarks and the like are stored; the writer finishes what waits; the folder is let go.

A second signal skips the waiting, not the storing. If the disk has failed for good nothing is stored any more and the
exit code is 74.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import structlog
import uvloop

from twinstream import __version__
from twinstream.errors import RequestError
from twinstream.exits import EX_IOERR
from twinstream.logging import configure_logging
from twinstream.model.oem import Retention
from twinstream.model.subscription import Gap
from twinstream.ports.work import UnitOfWork
from twinstream.service.access_rule import AccessRuleService
from twinstream.service.admin import AdminService
from twinstream.service.lockout import Lockout
from twinstream.service.numbering import Numbering
from twinstream.service.password import Passwords
from twinstream.service.share import ShareService
from twinstream.service.subscription import SubscriptionService
from twinstream.service.token import TokenCache
from twinstream.service.user import UserService
from twinstream.settings import Settings
from twinstream.sqlite.seal import KeyFileSealer
from twinstream.sqlite.store import SqliteStore
from twinstream.sqlite.trim import Trimmer
from twinstream.stream.hub import Hub
from twinstream.stream.limits import StreamLimits
from twinstream.system import SystemClock, SystemIds, write_private
from twinstream.web.address import Addresses
from twinstream.web.app import create_app
from twinstream.web.body import BodyLimits
from twinstream.web.front import FrontLimits
from twinstream.web.health import Gauges, Health
from twinstream.web.listener import HttpServer, describe_url, listen
from twinstream.web.outer import App, RequestIds
from twinstream.web.shell import Shell

ADDRESS_FILE = "admin.json"
"""Where `twinstream admin` finds the running server: its url, a token and its process id, in the data folder."""

SWITCH_INTERVAL_S = 0.0002
"""How soon a busy event loop hands the GIL to the writer (design.md section 2)."""

LOW_DISK_BYTES = 64 * 1024 * 1024
"""Below this the server says that it is not ready; it stores as long as it can."""

DRAINING_SHARE = 0.4
"""The part of the grace over which streams are closed; in the rest their clients answer and requests finish."""

FILES_OF_OURS = 256
"""Descriptors kept for the database, logs and the like; the others may be connections."""

_log = structlog.get_logger(__name__)


def run(settings: Settings, *, demo: bool = False) -> int:
    """Run a server until it is told to stop; answer the exit code.

    Raises:
        CommandError: the address cannot be had (69), the folder is in use (75) or not ours (65).
    """
    configure_logging(settings.log_level, settings.log_format)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with listen(settings.host, settings.port) as listener:
        return uvloop.run(_serve(settings, listener, demo=demo))


def call_offline(settings: Settings, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Open the data folder, answer one request of the operator's as a server would, and let the folder go.

    No socket is opened; the answer's status and body come back. Call it where no event loop runs.

    Raises:
        CommandError: the folder is in use (75), unusable (74, 78) or not ours (65).
    """
    configure_logging("error", settings.log_format)
    return asyncio.run(_answer_offline(settings, method, path, body))


async def _answer_offline(settings: Settings, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
    parts = _Parts(settings, _Stop())
    try:
        headers = {"Authorization": f"auth_token {parts.operator_token}", "Content-Type": "application/json"}
        transport = httpx.ASGITransport(parts.make_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answer = await client.request(method, path, headers=headers, content=body)
        return answer.status_code, answer.content
    finally:
        await parts.store.close()


async def _serve(settings: Settings, listener: socket.socket, *, demo: bool) -> int:
    stop = _Stop()
    stop.catch_signals()
    url = describe_url(listener, tls=settings.tls_cert is not None)
    async with AsyncExitStack() as stack:
        parts = _Parts(settings, stop)
        stack.push_async_callback(parts.store.close)
        await parts.prepare()
        jobs = _Jobs()
        stack.push_async_callback(jobs.stop)
        http = parts.make_http()
        await http.start(listener)
        stack.enter_context(_address_file(settings.data / ADDRESS_FILE, url, parts.operator_token))
        parts.start_jobs(jobs)
        print(f"twinstream {__version__} listens on {url}", flush=True)  # noqa: T201
        print(json.dumps({"url": url, "pid": os.getpid()}), flush=True)  # noqa: T201
        await stop.requested.wait()
        await _stop_serving(parts, http, stop, settings.shutdown_grace_s)
        await jobs.stop()
        if not stop.exit_code:
            await parts.flush()
    return stop.exit_code


async def _stop_serving(parts: _Parts, http: HttpServer, stop: _Stop, grace_s: float) -> None:
    """Part with everybody within ``grace_s``; at once if somebody is in a hurry."""
    ends_at_s = parts.clock.monotonic_s() + grace_s
    stop.on_hurry = http.cut
    hurry = asyncio.ensure_future(stop.hurry.wait())
    drained = asyncio.ensure_future(parts.shell.drain(grace_s * DRAINING_SHARE))
    await asyncio.wait({hurry, drained}, return_when=asyncio.FIRST_COMPLETED)
    hurry.cancel()
    drained.cancel()
    await http.stop(0.0 if stop.hurry.is_set() else max(0.0, ends_at_s - parts.clock.monotonic_s()))


class _Stop:
    """Why and how soon the server stops: signals, and the failure of the disk."""

    def __init__(self) -> None:
        self.requested = asyncio.Event()
        self.hurry = asyncio.Event()
        self.exit_code = 0
        self.on_hurry: Callable[[], None] = lambda: None

    def catch_signals(self) -> None:
        """Let SIGTERM and Ctrl-C ask for the end, from now on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)

    def on_fatal(self, cause: BaseException) -> None:
        """Stop because the store has failed for good."""
        _log.critical("the storage failed; the server stops", error=repr(cause))
        self.exit_code = EX_IOERR
        self._on_signal()
        self._on_signal()

    def _on_signal(self) -> None:
        if self.requested.is_set():
            self.hurry.set()
            self.on_hurry()
        self.requested.set()


class _Jobs:
    """The tasks that do something every now and then. A failure is logged, and the next time comes all the same."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def every(self, interval_s: float, job: Callable[[], Awaitable[Any]], name: str) -> None:
        """Run a job again and again, ``interval_s`` after it has ended the last time."""
        self._tasks.append(asyncio.get_running_loop().create_task(self._repeat(interval_s, job, name), name=name))

    async def stop(self) -> None:
        """Cancel all jobs and wait for their end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _repeat(self, interval_s: float, job: Callable[[], Awaitable[Any]], name: str) -> None:
        while True:
            await asyncio.sleep(interval_s)
            try:
                await job()
            except RequestError as error:
                _log.warning("job put off", job=name, code=error.code)
            except Exception as error:
                _log.error("job failed", job=name, exc_info=error)


class _Parts:
    """All parts of a server, made in the order in which they need each other."""

    def __init__(self, settings: Settings, stop: _Stop) -> None:
        self.clock = clock = SystemClock()
        self._settings = settings
        self._stop = stop
        self._ids = ids = SystemIds()
        self.operator_token = ids.secret()
        self.store = store = SqliteStore.open(settings.data, clock, stop.on_fatal)
        self._max_connections = min(settings.max_connections, _raise_file_limit() - FILES_OF_OURS)
        self._request_ids = RequestIds(ids)
        self._addresses = Addresses(settings.trusted_proxies)
        passwords, cache = Passwords(), TokenCache()
        self.hub = Hub(store.log.head, _stream_limits(settings))
        self._numbering = Numbering(store, store.log)
        self._users = UserService(
            store, clock, ids, passwords, Lockout(clock), cache, lifetime_s=settings.token_lifetime_s
        )
        self._admin = AdminService(store, ids, passwords, cache)
        self._subscriptions = SubscriptionService(
            store,
            clock,
            ids,
            KeyFileSealer.open(settings.data),
            lambda subscription_id: bool(self.hub.sessions_of(subscription_id)),
            strict_security=settings.strict_security,
            mobile_expiry_s=settings.mobile_expiry_s,
        )
        self.shell = Shell(self.hub, store.log, self._subscriptions, self._numbering, settings, clock, self._addresses)
        store.log.follow(self.shell.dispatch)
        self._trimmer = Trimmer(store, clock, Retention(settings.retention_age_s, settings.retention_size_bytes))

    async def prepare(self) -> None:
        """Do what must be done before anybody is served."""

    def make_app(self) -> App:
        """Join everything that answers requests."""
        settings = self._settings
        services: dict[str, Any] = {
            "users": self._users,
            "devices": None,
            "shares": ShareService(self.store),
            "subscriptions": self._subscriptions,
            "numbering": self._numbering,
            "access_rules": AccessRuleService(self.store),
            "admin": self._admin,
            "keys": self._subscriptions,
            "shell": self.shell,
            "health": Health(self.shell, self._why_not_ready, self._gauges()),
        }
        return create_app(
            services,
            request_ids=self._request_ids,
            addresses=self._addresses,
            operator_token=self.operator_token,
            body_limits=BodyLimits(settings.body_limit_bytes, settings.body_timeout_s),
            allowed_origins=settings.allowed_origins,
        )

    def make_http(self) -> HttpServer:
        """Put the application behind a server."""
        settings = self._settings
        limits = FrontLimits(header_timeout_s=settings.header_timeout_s, max_connections=self._max_connections)
        return HttpServer(
            self.make_app(), self.shell, self._request_ids, limits, tls_cert=settings.tls_cert, tls_key=settings.tls_key
        )

    def start_jobs(self, jobs: _Jobs) -> None:
        """Start everything that happens without being asked for."""
        jobs.every(self._settings.ack_flush_s, self._store_cursors, "store cursors")
        jobs.every(self._settings.retention_interval_s, self._trimmer.run, "trim")
        jobs.every(60.0, self._subscriptions.expire, "expire subscriptions")
        jobs.every(600.0, self._users.expire, "expire tokens")

    async def flush(self) -> None:
        """Store what is only in memory: the last thing before the store closes."""
        for part in (self._store_cursors, self._subscriptions.flush):
            try:
                await part()
            except RequestError as error:
                _log.warning("not stored at shutdown", code=error.code)

    async def _store_cursors(self) -> None:
        """Store acknowledgements, bookmarks and gaps. What cannot be stored is offered again."""
        hub = self.hub
        for gap in (gaps := hub.take_gaps()):
            _log.warning("gap", **msgspec.structs.asdict(gap))
        await self._subscriptions.record_gaps([Gap(gap.subscription_id, gap.from_seq, gap.through_seq) for gap in gaps])
        acknowledgements, bookmarks = hub.take_acknowledgements(), hub.take_bookmarks()
        if not acknowledgements and not bookmarks:
            return

        def store(work: UnitOfWork) -> None:
            work.log.store_bookmarks(bookmarks)
            work.log.store_acknowledgements(acknowledgements)

        try:
            await self.store.run(store)
        except RequestError:
            for subscription_id, cursor in acknowledgements:
                hub.report_acknowledgement(subscription_id, cursor)
            raise

    def _why_not_ready(self) -> RequestError | None:
        if self.shell.draining:
            return RequestError("shutting_down")
        if self._stop.exit_code:
            return RequestError("storage_failed")
        if shutil.disk_usage(self._settings.data).free < LOW_DISK_BYTES:
            return RequestError("storage_full")
        return None

    def _gauges(self) -> Gauges:
        return {
            "writer_pending": ("Commands that wait for the writer", lambda: self.store.pending),
            "log_head": ("Highest position of the log", lambda: self.store.log.head),
        }


def _stream_limits(settings: Settings) -> StreamLimits:
    return StreamLimits(
        heartbeat_interval_s=settings.heartbeat_interval_s,
        inbound_timeout_s=settings.inbound_timeout_s,
        heartbeat_misses=settings.heartbeat_misses,
        slow_reader_timeout_s=settings.slow_reader_timeout_s,
        sessions_per_subscription=settings.sessions_per_key,
        replaceable_after_s=settings.replace_silent_s,
    )


@contextmanager
def _address_file(path: Path, url: str, token: str) -> Iterator[None]:
    """Say where this server is, as long as it is there."""
    write_private(path, msgspec.json.encode({"url": url, "token": token, "pid": os.getpid()}))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _raise_file_limit() -> int:
    """Raise the limit of open files as far as the system allows, and answer it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1 << 20 if hard == resource.RLIM_INFINITY else hard
    if soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
