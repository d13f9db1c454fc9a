"""A server on a thread of its own, and the passing of its time.

Owns the thread, its event loop and the order in which things happen when the clock is turned. Knows no noun.
Invariant: nothing periodic runs by itself, so between two turns of the clock only requests change anything.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import structlog

from twinstream.errors import RequestError
from twinstream.logging import redact, render_text
from twinstream.model.mail import Mail
from twinstream.parts import Parts
from twinstream.process import Jobs, Stop, address_file
from twinstream.server import ADDRESS_FILE, new_event_loop
from twinstream.settings import Settings
from twinstream.stream.session import Session
from twinstream.testing.clock import TurnedClock
from twinstream.testing.tap import Taps
from twinstream.web.listener import describe_url, listen
from twinstream.web.outer import App

T = TypeVar("T")

CALL_TIMEOUT_S = 60.0
"""No call of a test takes longer, but for the passing of time; one that does hangs."""

LOOK_S = 0.0005
"""How often it is looked whether clients have answered: they cannot tell by themselves."""

CLOSE_GRACE_S = 0.1
"""How long clients have, in real time, to answer the close of their stream when the server stops."""

_log = structlog.get_logger(__name__)


class Mails:
    """Implements `ports.mail.Mailer`: keeps what is sent."""

    def __init__(self) -> None:
        self.kept: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        """Keep a mail."""
        self.kept.append(mail)


class ServerThread:
    """A running server. ``url`` is how it is reached; ``parts`` and ``loop`` are for calls on its event loop."""

    url: str
    port: int
    parts: Parts
    loop: asyncio.AbstractEventLoop

    def __init__(self, settings: Settings, clock: TurnedClock, taps: Taps, mails: Mails) -> None:
        """Start it. Raises what kept it from starting."""
        _log_to_library()
        self.clock = clock
        self._settings = settings
        self._taps = taps
        self._mails = mails
        self._started: Future[None] = Future()
        self._stop: asyncio.Event
        self._thread = threading.Thread(target=self._run, name="twinstream", daemon=True)
        self._thread.start()
        self._started.result(CALL_TIMEOUT_S)

    def call(self, action: Callable[[Parts], Coroutine[Any, Any, T]], timeout_s: float | None = CALL_TIMEOUT_S) -> T:
        """Do something on the server's event loop, and answer what comes of it; None waits for ever."""
        return self.submit(action).result(timeout_s)

    def submit(self, action: Callable[[Parts], Coroutine[Any, Any, T]]) -> Future[T]:
        """Have something done on the server's event loop."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("called from the server's own thread, which cannot wait for itself")
        return asyncio.run_coroutine_threadsafe(action(self.parts), self.loop)

    def stop(self) -> None:
        """Close streams with 1012, store what is in memory, and end."""
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(CALL_TIMEOUT_S)

    async def pass_time(self, seconds: float) -> None:
        """Let the clock go on; on the server's event loop. See `TurnedClock.advance`."""
        hub, shell, clock = self.parts.hub, self.parts.shell, self.clock
        end_s = clock.monotonic_s() + seconds
        await self._settle(frozenset())
        while (due_s := hub.tick(clock.monotonic_s(), 0)) <= end_s:
            clock.turn_to(due_s)
            waited_for = _unanswered(hub.sessions())
            while hub.tick(clock.monotonic_s()) <= clock.monotonic_s():
                pass
            shell.flush()
            await self._settle(_unanswered(hub.sessions()) - waited_for)
        clock.turn_to(end_s)
        for _, work, name in self.parts.list_rounds():
            await _guard(work, name)
        await self._settle(frozenset())

    async def _settle(self, expected: frozenset[tuple[Session, int]]) -> None:
        """Wait until pages are read, and these heartbeats are answered or the patience is over."""
        shell, loop = self.parts.shell, asyncio.get_running_loop()
        ends_s = loop.time() + self.clock.patience_s
        # Real sockets tell nobody when they have answered.
        while shell.is_reading or (expected & _unanswered(self.parts.hub.sessions()) and loop.time() < ends_s):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            try:
                runner.run(self._serve())
            except BaseException as error:
                if self._started.done():
                    raise
                self._started.set_exception(error)

    async def _serve(self) -> None:
        stop = Stop()
        self.loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.parts = parts = Parts(self._settings, stop, clock=self.clock, mailer=self._mails)
        try:
            assert parts.faults is not None  # noqa: S101 - `testing.cloud` allows them
            self._taps.join(parts.faults)
            await parts.prepare()
            with listen(self._settings.host, self._settings.port) as listener:
                self.url = describe_url(listener, tls=False)
                self.port = listener.getsockname()[1]
                http = parts.make_http(_when_asked(parts.make_app))
                await http.start(listener)
                jobs = Jobs()
                jobs.start(parts.outbox.run, "mail")
                with address_file(self._settings.data / ADDRESS_FILE, self.url, parts.operator_token):
                    self._started.set_result(None)
                    await self._stop.wait()
                await parts.shell.drain(0.0)
                parts.shell.flush()
                await asyncio.sleep(0)  # Why: the loop writes what was flushed before the connections are cut
                await http.stop(CLOSE_GRACE_S)
                await jobs.end()
            await parts.flush()
        finally:
            await parts.store.close()


async def _guard(work: Callable[[], Awaitable[Any]], name: str) -> None:
    """Do a round as a server does: what is refused is put off."""
    try:
        await work()
    except RequestError as error:
        _log.warning("job put off", job=name, code=error.code)


def _when_asked(make_app: Callable[[], App]) -> App:
    """Make the application with the first request: it takes longer than all the rest, and streams need none of it."""
    made: list[App] = []

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if not made:
            made.append(make_app())
        await made[0](scope, receive, send)

    return answer


def _unanswered(sessions: list[Session]) -> frozenset[tuple[Session, int]]:
    """Which sessions have heartbeats without an answer, and how many."""
    found = ((session, session.status().unanswered) for session in sessions)
    return frozenset((session, count) for session, count in found if count)


def _log_to_library() -> None:
    """Send our lines to `logging`, where pytest finds them, unless somebody has set structlog up."""
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.processors.format_exc_info,
            redact,
            render_text,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
