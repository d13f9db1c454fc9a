"""A whole streaming server in one thread, driven at random and checked against an oracle.

Real: sessions, hub, matcher, openings, the log in memory. Simulated: sockets and clients (`subscriber`), time, the
delay between a commit and its dispatch, page reads in flight, and a process that is killed (memory lost, log kept).
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from itertools import accumulate
from random import Random
from typing import Protocol

import msgspec

from tests.stream.oracle import Oracle, ViolationError
from tests.stream.subscriber import Subscriber
from twinstream.errors import RequestError
from twinstream.memory.log import MemoryLog
from twinstream.model.event import Change, Control, Event, EventType
from twinstream.model.filter import Clause, Filter
from twinstream.ports.log import EventLog, LogWriter, Page, PageRequest, StartPoint
from twinstream.stream import opening as openings
from twinstream.stream.hub import Hub
from twinstream.stream.limits import StreamLimits
from twinstream.stream.state import State

OEMS = ("0dfc7900", "11111111")
MODELS, DSNS, NAMES, USERS = ("m", "n"), ("d1", "d2", "d3"), ("x", "y"), ("u", "v")
TYPES = (EventType.DATAPOINT, EventType.CONNECTIVITY)


class SimulatedLog(EventLog, LogWriter, Protocol):
    """A log without threads, and what the simulation does to it; see `MemoryLog`."""

    def page(self, request: PageRequest) -> Page: ...
    def start(self, subscription_id: int, wanted_seq: int) -> StartPoint | None: ...
    def trim(self, oem: str, through: int) -> object: ...
    def tell_tail(self, at_most: int | None = None) -> int: ...
    def reopen(self) -> None: ...


def make_memory_log(random: Random) -> SimulatedLog:
    """Make a log whose positions are not dense."""
    return MemoryLog(step=lambda: random.choice((1, 1, 3)))


class Simulation:
    """One schedule: `run` it; it raises ViolationError if a promise is broken."""

    def __init__(self, seed: int, make_log: Callable[[Random], SimulatedLog] = make_memory_log) -> None:
        self.random = random = Random(seed)
        self.now_s = 1000.0
        self.limits = StreamLimits(
            sessions_per_subscription=3,
            heartbeat_interval_s=3,
            inbound_timeout_s=9,
            heartbeat_misses=random.choice((0, 3)),
            slow_reader_timeout_s=6,
            replaceable_after_s=7,
            ring_records=random.choice((0, 1, 4, 16)),
            page_events=random.choice((1, 3, 8)),
            page_bytes=random.choice((30, 1000)),
        )
        self.max_scanned = random.choice((2, 20_000, 20_000))
        self.log = make_log(random)
        self.oracle = Oracle()
        self.subscribers: list[Subscriber] = []
        self.pages: dict[Subscriber, Page] = {}
        self.floors: dict[Subscriber, int] = {}
        self.suspended: set[int] = set()
        self.refused_at: dict[int, int] = {}
        self.deleted: set[int] = set()
        self.live = {n for n in range(1, 5) if random.random() < 0.2}
        self.closes: set[int] = set()
        self.appended = self.delivered = self.demotions = 0
        self.start_server()
        for subscription_id in range(1, 5):
            self.change_filter(subscription_id)

    def run(self) -> None:
        """Do a random number of random things, then let everything come to rest and check that nothing is missing."""
        random, actions, weights = self.random, *_actions()
        for _ in range(random.randint(40, 300)):
            actions[bisect(weights, random.random() * weights[-1])](self)
            self.store()
        self.rest()
        self.stop_counting()

    # ---- the store

    def append(self) -> None:
        """Commit an event."""
        random = self.random
        kind = random.choice(TYPES)
        name = random.choice(NAMES) if kind is EventType.DATAPOINT else None
        readers = tuple(user for user in USERS if random.random() < 0.6)  # shares come and go
        self.appended += 1
        tail = b'"n":%d}' % self.appended
        event = Event(kind, random.choice(OEMS), random.choice(MODELS), random.choice(DSNS), name, readers, tail)
        self.oracle.append(self.log.append(event), event)

    def change_filter(self, subscription_id: int | None = None) -> None:
        """Begin a stretch."""
        random = self.random
        if subscription_id is None:
            subscription_id = random.choice(list(self.oracle.filters))
        if subscription_id in self.deleted:
            return
        known = self.oracle.filters.get(subscription_id)
        clause = Clause(
            frozenset(random.sample(MODELS, 1)) if random.random() < 0.3 else None,
            frozenset(random.sample(NAMES, 1)) if random.random() < 0.3 else None,
        )
        filter = Filter(
            known.oem if known else random.choice(OEMS),
            known.reader if known else random.choice((None, *USERS)),
            frozenset(random.sample(DSNS, 2)) if random.random() < 0.4 else None,
            {kind: (clause,) for kind in TYPES if random.random() < 0.8},
        )
        self.log.begin_stretch(subscription_id, filter)
        self.oracle.change(subscription_id, filter)

    def change_filters(self) -> None:
        """Begin a stretch for several at once, as a change of an access rule does."""
        stretches = []
        for subscription_id, filter in self.oracle.filters.items():
            if subscription_id not in self.deleted:
                kinds = {kind: clauses for kind, clauses in filter.clauses.items() if self.random.random() < 0.8}
                changed = msgspec.structs.replace(filter, clauses=kinds)
                stretches.append((subscription_id, changed))
        self.log.begin_stretches(stretches)
        for subscription_id, filter in stretches:
            self.oracle.change(subscription_id, filter)

    def suspend(self) -> None:
        """Suspend a subscription, or let it go on."""
        subscription_id = self.random.choice(list(self.oracle.filters))
        if subscription_id in self.suspended:
            self.suspended.discard(subscription_id)
        elif subscription_id not in self.deleted:
            self.suspended.add(subscription_id)
            self.refuse(subscription_id, Change.SUSPENDED)

    def delete(self) -> None:
        """Delete a subscription."""
        subscription_id = self.random.choice(list(self.oracle.filters))
        if subscription_id not in self.deleted and self.random.random() < 0.2:
            self.deleted.add(subscription_id)
            self.log.end_stretches(subscription_id)
            self.refuse(subscription_id, Change.DELETED)

    def refuse(self, subscription_id: int, change: Change) -> None:
        """Commit the control record; its sockets may be closed from now on."""
        self.refused_at[subscription_id] = self.log.append_control(Control(change, (subscription_id,)))
        for subscriber in self.subscribers:
            if subscriber.opening.subscription_id == subscription_id:
                subscriber.may_be_refused = subscriber.must_be_refused = True

    def trim(self) -> None:
        """Let retention take a slice."""
        oem, through = self.random.choice(OEMS), self.random.randint(0, max(self.log.head, 1))
        self.log.trim(oem, through)
        self.oracle.trim(oem, through)

    def store(self) -> None:
        """Check what the hub wants stored; now and then store it, now and then it is lost."""
        for subscription_id, cursor in self.hub.take_bookmarks():
            if self.oracle.count(subscription_id, cursor.position) != cursor.seq:
                raise ViolationError(f"subscription {subscription_id}: wrong bookmark {cursor}")
            if self.random.random() < 0.8:
                self.log.store_bookmarks([(subscription_id, cursor)])
        for subscription_id, cursor in self.hub.take_acknowledgements():
            if self.oracle.count(subscription_id, cursor.position) != cursor.seq:
                raise ViolationError(f"subscription {subscription_id}: wrong acknowledgement {cursor}")
            if cursor.seq > self.oracle.confirmable(subscription_id):
                raise ViolationError(f"subscription {subscription_id}: {cursor} acknowledged, but never received")
            if self.random.random() < 0.8:
                self.log.store_acknowledgements([(subscription_id, cursor)])

    # ---- the server

    def start_server(self) -> None:
        """Begin with what the log has."""
        self.hub = Hub(self.log.head, self.limits)
        self.log.follow(self.hub.dispatch)

    def dispatch(self) -> None:
        """Let the tail catch up a little."""
        self.log.tell_tail(self.random.choice((1, 2, 9)))
        self.note_progress()

    def crash(self) -> None:
        """Kill the process: clients may still receive some of what was sent."""
        self.stop_counting()
        for subscriber in self.subscribers:
            if subscriber.full_since_s is None:
                subscriber.drain(self.random.randint(0, 3))
            subscriber.session = None
        self.subscribers.clear()
        self.log.reopen()
        self.start_server()

    def stop_counting(self) -> None:
        """Take the counters over before they are lost."""
        self.delivered += self.hub.counters.delivered
        self.demotions += self.hub.counters.demotions
        self.closes |= self.hub.counters.closes.keys()

    def pass_time(self) -> None:
        """Let the clock go on, and do what is due, bounded."""
        self.now_s += self.random.choice((0.3, 1, 3, 3, 12))
        for subscriber in self.subscribers:
            subscriber.now_s = self.now_s
        while self.hub.tick(self.now_s, self.random.randint(1, 4)) <= self.now_s:
            pass

    # ---- the clients

    def connect(self) -> None:
        """Open a socket, with one or another query."""
        random = self.random
        subscription_id = random.choice(list(self.oracle.filters))
        total = self.oracle.count(subscription_id)
        seq_start = random.choice((None, None, None, 0, random.randint(1, total + 3)))
        seq_end = None if seq_start is None or random.random() < 0.6 else seq_start + random.randint(0, 6)
        live = subscription_id in self.live and seq_start is None
        point = self.log.start(subscription_id, openings.wanted_seq(seq_start, live=live))
        if (point is None) != (subscription_id in self.deleted):
            raise ViolationError(f"start point {point}")
        if point is None or subscription_id in self.suspended:
            return
        has = point.acknowledged.seq if seq_start is None else seq_start - 1 if seq_start else point.oldest_seq - 1
        opening = openings.open_at(
            point,
            subscription_id=subscription_id,
            seq_start=seq_start,
            seq_end=seq_end,
            live=live,
            observe=random.random() < 0.2,
            batch_size=random.choice((1, 1, 3, 100)),
        )
        subscriber = Subscriber(self.oracle, self.limits, opening, None if live else has, random, self.now_s)
        if has and not live:
            subscriber.note_has(has)
        try:
            self.hub.admit(subscription_id, self.now_s)
        except RequestError:
            if len(self.hub.sessions_of(subscription_id)) < self.limits.sessions_per_subscription:
                raise ViolationError("refused although there is room") from None
            return
        # A suspension that was taken back may still be on its way to the hub: it closes what came in between.
        subscriber.may_be_refused = self.refused_at.get(subscription_id, 0) > self.hub.dispatched
        self.floors[subscriber] = self.oracle.count(subscription_id, self.hub.dispatched)
        self.subscribers.append(subscriber)
        subscriber.session = self.hub.attach(subscriber, opening, self.now_s)

    def with_one(self, deed: Callable[[Subscriber], None]) -> None:
        """Do it to one of the open sockets."""
        if self.subscribers:
            subscriber = self.random.choice(self.subscribers)
            deed(subscriber)
            if subscriber.lost or subscriber.ended is not None:
                self.subscribers.remove(subscriber)

    def read(self, subscriber: Subscriber) -> None:
        """Take the snapshot that a page is read from."""
        if subscriber.request is not None and subscriber not in self.pages:
            request = msgspec.structs.replace(subscriber.request, max_scanned=self.max_scanned)
            self.pages[subscriber] = self.log.page(request)

    def finish_read(self, subscriber: Subscriber) -> None:
        """Hand over a page that was read."""
        page = self.pages.pop(subscriber, None)
        if page is None or subscriber.session is None:
            return
        subscriber.request = None
        subscriber.session.on_page(page)
        for gap in self.hub.take_gaps():
            subscriber.note_gap(gap.from_seq, gap.through_seq)
        self.note_progress()

    def drain(self, subscriber: Subscriber) -> None:
        """Let the client receive."""
        subscriber.drain(self.random.choice((1, 3, 60)))
        self.note_progress()

    def note_progress(self) -> None:
        """Look for sessions that have become live for the first time."""
        for subscriber in self.subscribers:
            if subscriber.has is None:
                subscriber.note_progress(self.floors[subscriber])

    # ---- the end

    def rest(self) -> None:
        """Dispatch everything, serve everyone until nothing moves, and check that everyone has everything."""
        self.log.tell_tail()
        for subscriber in self.subscribers:
            for _ in range(3000):
                self.note_progress()
                if not subscriber.queue and subscriber.request is None:
                    break
                subscriber.drain(60)
                self.read(subscriber)
                self.finish_read(subscriber)
            else:
                subscriber.fail("is stuck")
            self.check_rest(subscriber)

    def check_rest(self, subscriber: Subscriber) -> None:
        """Check that an open socket is live and has all there is."""
        session, opening = subscriber.session, subscriber.opening
        if subscriber.lost or subscriber.closed is not None or session is None:
            return
        if subscriber.must_be_refused:
            subscriber.fail("is open although the subscription is suspended or deleted")
        total = self.oracle.count(opening.subscription_id)
        if session.state is not State.LIVE or subscriber.has is None or subscriber.has < total:
            subscriber.fail(f"ends {session.state} with {subscriber.has} of {total}")
        if session.cursor.seq != total:
            subscriber.fail(f"counted {session.cursor.seq} of {total}")


def _actions() -> tuple[list[Callable[[Simulation], None]], list[float]]:
    """List what can happen, with cumulative weights."""
    table: list[tuple[float, Callable[[Simulation], None]]] = [
        (26, Simulation.append),
        (14, Simulation.dispatch),
        (7, Simulation.connect),
        (16, lambda s: s.with_one(s.read)),
        (18, lambda s: s.with_one(s.finish_read)),
        (12, lambda s: s.with_one(s.drain)),
        (10, lambda s: s.with_one(Subscriber.inbound)),
        (8, Simulation.pass_time),
        (2, Simulation.change_filter),
        (0.2, Simulation.change_filters),
        (1.2, Simulation.trim),
        (0.8, lambda s: s.with_one(Subscriber.lose)),
        (0.5, Simulation.suspend),
        (0.2, Simulation.delete),
        (0.3, Simulation.crash),
    ]
    return [action for _, action in table], list(accumulate(weight for weight, _ in table))
