"""The I/O shell around the streaming core: opens sessions, reads their pages, keeps their time, ends them at shutdown.

Owns what all sockets share: the hub, one timer, the tasks that read pages, the counts per address. Knows neither frames
nor SQL.

Invariants:

* A session is attached only with an answer that no later change of its subscription contradicts: whoever is between the
  first question and `Hub.attach` is told of every change that is dispatched meanwhile, and asks again.
* No task and no timer belongs to a single idle session.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Sequence
from math import inf
from typing import Protocol

import msgspec
import structlog

from twinstream.errors import Disconnect, RequestError
from twinstream.model.event import Control, Record
from twinstream.model.subscription import StartFrom
from twinstream.ports.clock import Clock
from twinstream.ports.log import EventLog, PageRequest
from twinstream.service.numbering import Numbering
from twinstream.service.subscription import OpenedStream
from twinstream.settings import Settings
from twinstream.stream.agenda import Timed
from twinstream.stream.hub import Hub
from twinstream.stream.opening import Opening, open_at, wanted_seq
from twinstream.stream.outlet import Outlet
from twinstream.stream.session import Session
from twinstream.stream.state import State
from twinstream.web.address import Addresses
from twinstream.web.handshake import (
    Headers,
    StreamQuery,
    accept_handshake,
    check_handshake,
    check_origin,
    find_key,
    parse_stream_query,
)

READING_TASKS = 8
"""Pages read at the same time; more only makes the reading threads wait for each other."""

LONGEST_SLEEP_S = 1.0
"""The timer looks at least so often while there are sessions: one may have become due earlier than was known."""

RETRY_AFTER_S = 5

_log = structlog.get_logger(__name__)


class StreamKeys(Protocol):
    """What the shell needs of the subscriptions."""

    async def open_stream(self, stream_key: str, source: str = "") -> OpenedStream:
        """Find what a key opens. Raises RequestError ``unknown_key``, ``suspended``, ``too_many_requests``."""

    def touch(self, subscription_id: int) -> None:
        """Remember that a socket of the subscription is open now."""


class StreamRequest(msgspec.Struct, frozen=True):
    """The head of a request that asks for a WebSocket; ``address`` is the client's."""

    query: bytes
    headers: Headers
    address: str


class SocketOutlet(Outlet, Protocol):
    """An outlet that has not been accepted yet."""

    def accept(self, response: bytes) -> None:
        """Write the answer to the handshake; from now on the outlet takes messages."""

    def is_gone(self) -> bool:
        """Tell whether the connection is lost."""

    def flush(self) -> None:
        """Write all that is queued."""

    def hang_up(self) -> None:
        """End after all that is queued without a close frame."""


class Between(Outlet, Protocol):
    """An outlet around another, which is told its session once that is attached."""

    session: Session


class Interposer(Protocol):
    """What stands between sessions and sockets: faults (`web.fault`)."""

    def wrap(self, subscription_id: int, outlet: SocketOutlet) -> Between:
        """Make the outlet of a session out of that of its socket."""


class Shell:
    """See the module. Call on the event loop only."""

    def __init__(
        self,
        hub: Hub,
        log: EventLog,
        keys: StreamKeys,
        numbering: Numbering,
        settings: Settings,
        clock: Clock,
        addresses: Addresses,
    ) -> None:
        self.hub = hub
        self.clock = clock
        self.addresses = addresses
        self.draining = False
        self.refusals: Counter[str] = Counter()
        self.pages = 0
        self.groups = 0
        self.records = 0
        self.unflushed: list[SocketOutlet] = []
        self.framed_message = b""
        self.frame = b""
        self.interposer: Interposer | None = None
        self._log = log
        self._keys = keys
        self._numbering = numbering
        self._settings = settings
        self.strict_security = settings.strict_security
        self._origins = frozenset(origin.encode("ascii") for origin in settings.allowed_origins)
        self._sockets_of: Counter[str] = Counter()
        self._openings: set[_Watch] = set()
        self._waiting: deque[tuple[Session, PageRequest]] = deque()
        self._readers: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at_s = 0.0

    @property
    def is_reading(self) -> bool:
        """Whether pages are being read."""
        return bool(self._readers)

    def dispatch(self, records: Sequence[Record]) -> None:
        """Take the tail: register it with `EventLog.follow`."""
        for watch in self._openings:
            watch.note(records)
        self.hub.dispatch(records)
        self.flush()
        self.groups += 1
        self.records += len(records)

    async def open(self, request: StreamRequest, outlet: SocketOutlet) -> Session | None:
        """Open a session for an upgrade request; None if the client has gone meanwhile.

        Raises:
            RequestError: for everything that is refused before the upgrade.
        """
        if self.draining:
            raise RequestError("shutting_down", retry_after_s=RETRY_AFTER_S)
        check_origin(request.headers, self._origins)
        check_handshake(request.headers)
        query = parse_stream_query(request.query)
        key, subprotocol = find_key(request.headers, query, allow_query=not self.strict_security)
        source = "" if self.addresses.is_exempt(request.address) else request.address
        opening = await self._prepare(key, source, query)
        now_s = self.clock.monotonic_s()
        # Invariant: no await from here on.
        if outlet.is_gone():
            return None
        if self.draining:
            raise RequestError("shutting_down", retry_after_s=RETRY_AFTER_S)
        self.hub.admit(opening.subscription_id, now_s)
        outlet.accept(accept_handshake(request.headers, subprotocol))
        if self.interposer is None:
            session = self.hub.attach(outlet, opening, now_s)
        else:
            between = self.interposer.wrap(opening.subscription_id, outlet)
            session = between.session = self.hub.attach(between, opening, now_s)
        self._keys.touch(opening.subscription_id)
        self._arm(0.0)
        return session

    def enter(self, address: str) -> None:
        """Count one more socket of an address, to be given back with `leave`.

        Raises RequestError ``too_many_requests``.
        """
        limit = self._settings.sessions_per_address
        if limit and self._sockets_of[address] >= limit and not self.addresses.is_exempt(address):
            raise RequestError(
                "too_many_requests", "Your address has as many sockets as it may have.", retry_after_s=RETRY_AFTER_S
            )
        self._sockets_of[address] += 1

    def close(self, session: Session) -> None:
        """Take note that a session's connection is gone."""
        session.on_closed()
        self._keys.touch(session.subscription_id)

    def leave(self, address: str) -> None:
        """Undo `enter`."""
        self._sockets_of[address] -= 1
        if not self._sockets_of[address]:
            del self._sockets_of[address]

    def read(self, session: Session, request: PageRequest) -> None:
        """Have a page read and given to the session in a later turn of the loop."""
        self._waiting.append((session, request))
        if len(self._readers) < READING_TASKS:
            task = asyncio.get_running_loop().create_task(self._read_pages(), name="read pages")
            self._readers.add(task)
            task.add_done_callback(self._readers.discard)

    def flush(self) -> None:
        """Have the outlets write what they queued. Whoever calls something that sends calls this in the same turn."""
        unflushed, self.unflushed = self.unflushed, []
        for outlet in unflushed:
            outlet.flush()

    async def drain(self, over_s: float) -> None:
        """Refuse new sockets from now on and close all sessions with 1012, spread over the time."""
        self.draining = True
        sessions = self.hub.sessions()
        pause_s = over_s / max(len(sessions), 1)
        owed_s = 0.0
        for session in sessions:
            session.end(Disconnect(1012))
            owed_s += pause_s
            if owed_s >= 0.05:
                await asyncio.sleep(owed_s)
                owed_s = 0.0

    async def _prepare(self, key: str, source: str, query: StreamQuery) -> Opening:
        watch = _Watch()
        self._openings.add(watch)
        try:
            while True:
                watch.changed.clear()
                opened = await self._keys.open_stream(key, source)
                opening = await self._find_start(opened, query)
                if opened.subscription_id not in watch.changed:
                    return opening
        finally:
            self._openings.discard(watch)

    async def _find_start(self, opened: OpenedStream, query: StreamQuery) -> Opening:
        live = opened.start_from is StartFrom.LIVE and query.seq_start is None
        point = await self._log.start_point(opened.subscription_id, wanted_seq(query.seq_start, live=live))
        if point is None:
            raise RequestError("unknown_key")
        lately = self.hub.find_acknowledged(opened.subscription_id)
        if lately is not None and lately.position > point.acknowledged.position:
            point = msgspec.structs.replace(point, acknowledged=lately)
        if query.refuse_gap and not live:
            wanted = point.acknowledged.seq + 1 if query.seq_start is None else query.seq_start
            await self._numbering.check_start(opened.subscription_id, wanted)
        return open_at(
            point,
            subscription_id=opened.subscription_id,
            seq_start=query.seq_start,
            seq_end=query.seq_end,
            live=live,
            observe=query.observe,
            batch_size=opened.batch_size,
        )

    async def _read_pages(self) -> None:
        while self._waiting:
            session, request = self._waiting.popleft()
            if session.state is State.CLOSED:
                continue
            try:
                page = await self._log.read_page(request)
                self.pages += 1
                session.on_page(page)
            except Exception as error:
                _log.error("page not read or sent", subscription_id=request.subscription_id, exc_info=error)
                session.end(Disconnect(1011))
            self.flush()

    def call(self, item: Timed, due_s: float) -> None:
        """Have the timer call an item at this time instead of any it had before; see `Hub.call`."""
        self.hub.call(item, due_s)
        delay_s = max(due_s - self.clock.monotonic_s(), 0.0)
        if self._timer is not None and asyncio.get_running_loop().time() + delay_s < self._rings_at_s:
            self._timer.cancel()
            self._timer = None
            self._arm(delay_s)

    def _arm(self, delay_s: float) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._rings_at_s = loop.time() + delay_s
            self._timer = loop.call_later(delay_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now_s = self.clock.monotonic_s()
        due_s = now_s + LONGEST_SLEEP_S
        try:
            due_s = self.hub.tick(now_s)
        finally:  # a flaw in what is due for one session does not stop the clock of the others
            self.flush()
            if due_s < inf:
                longest_s = min(LONGEST_SLEEP_S, self._settings.heartbeat_interval_s)
                self._arm(min(max(due_s - now_s, 0.0), longest_s))


class _Watch:
    """Notes which subscriptions change while a stream is being opened."""

    def __init__(self) -> None:
        self.changed: set[int] = set()

    def note(self, records: Sequence[Record]) -> None:
        for record in records:
            if isinstance(record.entry, Control):
                self.changed.update(record.entry.subscription_ids)
