"""A hub on a log in memory with one OEM, and sockets that write down what they are told."""

from __future__ import annotations

from twinstream.errors import Disconnect
from twinstream.memory.log import MemoryLog
from twinstream.model.event import Event, EventType
from twinstream.model.filter import Clause, Filter
from twinstream.ports.log import Cursor, PageRequest
from twinstream.stream.hub import Hub
from twinstream.stream.limits import StreamLimits
from twinstream.stream.opening import Opening, open_at, wanted_seq
from twinstream.stream.session import Session
from twinstream.wire.event import HEARTBEAT


def make_filter(*dsns: str) -> Filter:
    """Make a filter for datapoints of these devices; of all if none is named."""
    return Filter("o", None, frozenset(dsns) or None, {EventType.DATAPOINT: (Clause(None, None),)})


class Recorder:
    """An `Outlet` that keeps everything. ``high_water``: so many messages make it full, until `drain`."""

    def __init__(self, stage: Stage, high_water: int = 1_000_000) -> None:
        self.stage = stage
        self.high_water = high_water
        self.session: Session
        self.messages: list[bytes] = []
        self.pings = 0
        self.requests: list[PageRequest] = []
        self.closed: Disconnect | None = None
        self.drained = 0
        self.dies_at: int | None = None

    def send(self, message: bytes) -> None:
        """Keep the message."""
        self.messages.append(message)
        if self.dies_at == len(self.messages):
            self.session.on_closed()
        elif len(self.messages) - self.drained == self.high_water:
            self.session.on_full(self.stage.now_s)

    def ping(self) -> None:
        """Count it."""
        self.pings += 1

    def read(self, request: PageRequest) -> None:
        """Keep the request for `Stage.serve`."""
        self.requests.append(request)

    def backlog_bytes(self) -> int:
        """Add up what was not drained."""
        return sum(len(message) for message in self.messages[self.drained :])

    def close(self, disconnect: Disconnect) -> None:
        """Keep the reason."""
        assert self.closed is None
        self.closed = disconnect

    def drain(self, messages: int = 1_000_000) -> None:
        """Let the kernel take messages; if that is all of them, the outlet is full no more."""
        self.drained = min(self.drained + messages, len(self.messages))
        if self.drained == len(self.messages):
            self.session.on_drained()

    @property
    def state(self) -> str:
        """Show the session's state."""
        return str(self.session.state)

    @property
    def close_code(self) -> int | None:
        """Show why the session closed the socket; None if it did not."""
        return self.closed.close_code if self.closed else None

    @property
    def records(self) -> list[str]:
        """Show what came, without heartbeats, as ``1:a`` for number 1 of event a."""
        joined = b"".join(message for message in self.messages if message != HEARTBEAT)
        shown: list[str] = []
        while joined:
            length, _, rest = joined.partition(b"|")
            record, joined = rest[: int(length)], rest[int(length) :]
            seq, _, tail = record.removeprefix(b'{"seq":"').partition(b'",')
            shown.append(f"{int(seq)}:{tail.decode().rstrip('.')}")
        return shown


class Stage:
    """Subscription 1 sees all devices unless told otherwise."""

    def __init__(self, **limits: float) -> None:
        self.now_s = 100.0
        self.log = MemoryLog()
        self.start_hub(StreamLimits(**limits))  # type: ignore[arg-type]  # numbers of either kind
        self.log.begin_stretch(1, make_filter())

    def start_hub(self, limits: StreamLimits) -> None:
        """Let a new process begin."""
        self.hub = Hub(self.log.head, limits)
        self.log.follow(self.hub.dispatch)

    def append(self, names: str, *, dsn: str = "d", tell: bool = True) -> None:
        """Commit one event for each letter, all dispatched in one call unless ``tell`` is false."""
        for name in names:
            self.log.append(Event(EventType.DATAPOINT, "o", "m", dsn, "p", (), name.encode()))
        if tell:
            self.log.tell_tail()

    def connect(
        self,
        *,
        subscription_id: int = 1,
        seq_start: int | None = None,
        seq_end: int | None = None,
        live: bool = False,
        observe: bool = False,
        batch_size: int = 1,
        high_water: int = 1_000_000,
        serve: bool = True,
    ) -> Recorder:
        """Open a socket as the shell does, and serve its pages unless told otherwise."""
        point = self.log.start(subscription_id, wanted_seq(seq_start, live=live))
        assert point is not None
        opening = open_at(
            point,
            subscription_id=subscription_id,
            seq_start=seq_start,
            seq_end=seq_end,
            live=live,
            observe=observe,
            batch_size=batch_size,
        )
        return self.attach(opening, high_water=high_water, serve=serve)

    def attach(self, opening: Opening, *, high_water: int = 1_000_000, serve: bool = True) -> Recorder:
        """Attach a session with just this opening."""
        recorder = Recorder(self, high_water)
        recorder.session = self.hub.attach(recorder, opening, self.now_s)
        if serve:
            self.serve(recorder)
        return recorder

    def serve(self, recorder: Recorder, pages: int = 100) -> None:
        """Answer page requests, at most so many."""
        for _ in range(pages):
            if not recorder.requests:
                break
            recorder.session.on_page(self.log.page(recorder.requests.pop(0)))

    def pass_time(self, seconds: float, *pongs: Recorder) -> None:
        """Let the clock go on second by second; these sockets show life each time."""
        for _ in range(int(seconds)):
            self.now_s += 1
            for recorder in pongs:
                recorder.session.on_inbound(self.now_s)
            while self.hub.tick(self.now_s) <= self.now_s:
                pass

    def acknowledged(self) -> dict[int, int]:
        """Take the acknowledged numbers."""
        return {subscription_id: cursor.seq for subscription_id, cursor in self.hub.take_acknowledgements()}

    def bookmarks(self) -> list[Cursor]:
        """Take the bookmarks of subscription 1."""
        return [cursor for _, cursor in self.hub.take_bookmarks()]
