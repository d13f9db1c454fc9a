"""A simulated socket with its client: a buffer with a high-water mark, and a reader that checks what it gets."""

from __future__ import annotations

from random import Random

from tests.stream.oracle import Oracle, ViolationError
from twinstream.errors import Disconnect
from twinstream.ports.log import PageRequest
from twinstream.stream.limits import StreamLimits
from twinstream.stream.opening import Opening
from twinstream.stream.session import Session
from twinstream.stream.state import State
from twinstream.wire.event import HEARTBEAT

NOT_ANSWERS = (b"z", b"", b"Z ", b"1|X", b"1|Z\n", b"2|Z", b"ZZ", b'{"Z":1}')


class Subscriber:
    """An `Outlet` and the far end of its connection.

    ``has``: the client has every event through this number, or claimed to, or was told that it is lost; None until
    that is decided (``live``). ``window``: how many messages make the outlet full.
    """

    def __init__(
        self, oracle: Oracle, limits: StreamLimits, opening: Opening, has: int | None, random: Random, now_s: float
    ) -> None:
        self.oracle, self.limits, self.opening, self.has, self.random = oracle, limits, opening, has, random
        self.window = random.choice((2, 3, 50))
        self.session: Session | None = None
        self.request: PageRequest | None = None
        self.queue: list[bytes | Disconnect] = []
        self.answers: list[bytes] = []
        self.now_s = self.last_inbound_s = self.drained_at_s = now_s
        self.full_since_s: float | None = None
        self.may_be_refused = self.must_be_refused = False  # the subscription was suspended or deleted
        self.excess = 0  # records queued although full
        self.heartbeats_unanswered = 0
        self.in_flight = 0  # heartbeats sent whose answer has not reached the server
        self.lost = False  # the connection is gone
        self.received_any = False
        self.closed: Disconnect | None = None
        self.ended: Disconnect | None = None  # the same, once the client has seen it

    def fail(self, what: str) -> None:
        """Report a broken promise."""
        raise ViolationError(f"subscription {self.opening.subscription_id}, {self.opening}: {what}")

    # ---- Outlet

    def send(self, message: bytes) -> None:
        """Queue it; now and then the connection turns out to be gone."""
        if self.lost:
            return
        if self.closed is not None:
            self.fail("sends after close")
        if message == HEARTBEAT:
            self.in_flight += 1
            self.heartbeats_unanswered += 1
        elif self.full_since_s is not None:
            self.excess += 1
            if self.excess > 2 * self.limits.page_events:
                self.fail("sends without end although the outlet is full")
        self.queue.append(message)
        if self.random.random() < 0.002:
            self.lose()
        elif self.full_since_s is None and len(self.queue) >= self.window:
            self.full_since_s, self.excess = self.now_s, 0
            assert self.session is not None
            self.session.on_full(self.now_s)

    def ping(self) -> None:
        """Ignore it: answers to pings are drawn by lot."""

    def read(self, request: PageRequest) -> None:
        """Keep the request until the simulation serves it."""
        if self.request is not None or self.closed is not None or self.lost:
            self.fail("reads although it must not")
        if self.full_since_s is not None:
            self.fail("reads although full")
        self.request = request

    def backlog_bytes(self) -> int:
        """Add up what is queued."""
        return sum(len(message) for message in self.queue if isinstance(message, bytes))

    def close(self, disconnect: Disconnect) -> None:
        """Queue the close frame."""
        if self.closed is not None:
            self.fail("closes twice")
        self.closed = disconnect
        self.queue.append(disconnect)
        self.judge_close(disconnect.close_code)

    def judge_close(self, close_code: int) -> None:
        """Check that there is a reason to close with this code."""
        assert self.session is not None
        subscription_id, session, limits = self.opening.subscription_id, self.session, self.limits
        silent_s = self.now_s - self.last_inbound_s
        reason = {
            1000: self.opening.seq_end is not None and session.seq >= self.opening.seq_end,
            4008: self.full_since_s is not None
            and self.now_s - max(self.full_since_s, self.drained_at_s) >= limits.slow_reader_timeout_s,
            4403: self.may_be_refused,
            4408: silent_s >= limits.inbound_timeout_s or 0 < limits.heartbeat_misses <= self.heartbeats_unanswered,
            4409: silent_s > limits.replaceable_after_s,
            4410: self.oracle.lost_through(subscription_id) > session.seq,
        }
        if not reason[close_code]:
            self.fail(f"closed {close_code} without reason")

    # ---- the far end

    def lose(self) -> None:
        """Lose the connection, with what is queued."""
        self.lost = True
        self.queue.clear()
        if self.session is not None:
            self.session.on_closed()

    def drain(self, messages: int) -> None:
        """Let the client receive some messages."""
        for _ in range(min(messages, len(self.queue))):
            message = self.queue.pop(0)
            self.drained_at_s = self.now_s
            if isinstance(message, Disconnect):
                self.ended = message
                if message.close_code == 1000 and (self.has or 0) < (self.opening.seq_end or 0):
                    self.fail(f"range ended at {self.has}")
            elif message == HEARTBEAT:
                self.hear_heartbeat()
            else:
                self.receive(message)
        if self.full_since_s is not None and len(self.queue) <= self.window // 2:
            self.full_since_s = None
            assert self.session is not None
            self.session.on_drained()

    def hear_heartbeat(self) -> None:
        """Answer in one of the two ways, or forget to."""
        if self.random.random() < 0.85:
            self.answers.append(self.random.choice((b"Z", HEARTBEAT)))

    def inbound(self) -> None:
        """Let an answer, or something else, reach the server."""
        assert self.session is not None
        lot = self.random.random()
        if lot < 0.15:
            self.session.on_text(self.random.choice(NOT_ANSWERS), self.now_s)
        elif self.answers:
            self.in_flight -= 1
            self.heartbeats_unanswered = 0
            self.session.on_text(self.answers.pop(0), self.now_s)
        elif lot < 0.4 and not self.in_flight:  # a surplus answer
            self.session.on_text(b"Z", self.now_s)
        else:
            self.session.on_inbound(self.now_s)
        self.last_inbound_s = self.now_s

    def receive(self, message: bytes) -> None:
        """Check a message: framing, number, content."""
        records = 0
        rest = message
        while rest:
            length, bar, rest = rest.partition(b"|")
            record, rest = rest[: int(length)], rest[int(length) :]
            if not bar or len(record) != int(length) or not record.startswith(b'{"seq":"'):
                self.fail(f"framing of {message!r}")
            number, _, tail = record[8:].partition(b'",')
            self.receive_event(int(number), tail)
            records += 1
        if records > self.opening.batch_size or (records > 1 and len(message) > 65536):
            self.fail("batch too large")

    def receive_event(self, seq: int, tail: bytes) -> None:
        """Check that this is the next event, and the right one."""
        if self.has is None or seq != self.has + 1:
            self.fail(f"got number {seq} after {self.has}")
        if self.opening.seq_end is not None and seq > self.opening.seq_end:
            self.fail(f"got number {seq}, past the end")
        if tail != self.oracle.tail(self.opening.subscription_id, seq):
            self.fail(f"number {seq} is {tail!r}")
        self.received_any = True
        self.note_has(seq)

    def note_has(self, seq: int) -> None:
        """Note that the client has everything through this number."""
        self.has = seq
        if not self.opening.observe and self.opening.seq_end is None:
            self.oracle.has(self.opening.subscription_id, seq)

    def note_gap(self, from_seq: int, through_seq: int) -> None:
        """Check a gap that was reported while this session took a page."""
        if self.received_any or self.has is None or from_seq != self.has + 1 or through_seq < from_seq:
            self.fail(f"gap {from_seq} to {through_seq} after {self.has}")
        if through_seq > self.oracle.lost_through(self.opening.subscription_id):
            self.fail(f"gap through {through_seq}, which is kept")
        self.note_has(through_seq)

    def note_progress(self, floor: int) -> None:
        """Decide what a ``live`` session has: nothing is owed before it is level; ``floor`` existed before it began."""
        if self.has is None and self.session is not None:
            subscription_id, cursor = self.opening.subscription_id, self.session.cursor
            self.oracle.has(subscription_id, cursor.seq)
            if self.session.state is State.LIVE:
                if not floor <= cursor.seq == self.oracle.count(subscription_id, cursor.position):
                    self.fail(f"live at {cursor}")
                self.note_has(cursor.seq)
