"""All sessions of this process: hands them the tail, admits new ones, and collects what they want stored.

Owns which sessions there are, the ring of recent records, and the boxes of gaps, bookmarks and acknowledgements that
wait to be stored. Sans-I/O and clockless like `stream.session`; one loop calls it. Invariant: `Hub.dispatched` is the
position of the last record that every LIVE session was offered, so a LIVE session has nothing to catch up at or below
it.

`Hub.dispatch` is the hot path: nobody waits in it, and what it does per session is a few attribute accesses and one
`Outlet.send`. A record is encoded once per distinct number, so sessions that count alike share one message object.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import ceil

from twinstream.errors import Disconnect, RequestError
from twinstream.model.event import Change, Control, Event, Record
from twinstream.model.filter import Filter
from twinstream.model.matcher import Matcher
from twinstream.ports.log import Cursor
from twinstream.stream.agenda import Agenda, Timed
from twinstream.stream.limits import StreamLimits
from twinstream.stream.opening import Opening
from twinstream.stream.outlet import Outlet
from twinstream.stream.report import Counters, Gap
from twinstream.stream.session import Session
from twinstream.wire.event import encode_record

MOST_GAPS = 10_000
"""Gap records that wait for a disk that is full; memory must not fill up instead."""


class Hub:
    """See the module. ``head``: `EventLog.head` at the moment when `dispatch` is registered with `EventLog.follow`."""

    def __init__(self, head: int, limits: StreamLimits | None = None) -> None:
        self.limits = limits or StreamLimits()
        self.dispatched = head
        self.counters = Counters()
        self._live: Matcher[Session] = Matcher()
        self._sessions: dict[int, list[Session]] = {}
        self._agenda = Agenda()
        self._ring: deque[Record] = deque()
        self._ring_floor = head  # the ring holds every record after this position
        self._gaps: list[Gap] = []
        self._acknowledgements: dict[int, Cursor] = {}
        self._being_stored: dict[int, Cursor] = {}  # the acknowledgements taken last
        self._bookmarks: dict[tuple[int, int], Cursor] = {}

    def dispatch(self, records: Sequence[Record]) -> None:
        """Hand records to the sessions that are live. Register it with `EventLog.follow`.

        If that fails, a flaw of the program, who was offered what is uncertain from there on: all sessions are closed
        with 1011 while their cursors are true, and go on from the log when they come back. The failure is raised then.
        """
        try:
            self._offer(records)
        except BaseException:
            self._start_over(records[-1].position)
            raise

    def admit(self, subscription_id: int, now_s: float) -> None:
        """Make sure that one more session of the subscription may be attached.

        Call it and `attach` with no await between. If the subscription has as many sessions as it may have, the one
        that has been silent longest is closed (4409) if that is longer than ``replaceable_after_s``.

        Raises: RequestError ``too_many_sessions``, with ``retry_after_s``, if none has been silent for so long.
        """
        sessions = self._sessions.get(subscription_id, [])
        if len(sessions) < self.limits.sessions_per_subscription:
            return
        silent = min(sessions, key=lambda session: session.last_inbound_s)
        wait_s = silent.last_inbound_s + self.limits.replaceable_after_s - now_s
        if wait_s >= 0:
            raise RequestError("too_many_sessions", retry_after_s=max(1, ceil(wait_s)))
        silent.end(Disconnect(4409))

    def attach(self, outlet: Outlet, opening: Opening, now_s: float) -> Session:
        """Make a session and start it: it asks the outlet for its first page."""
        session = Session(self, outlet, opening, now_s)
        self._sessions.setdefault(opening.subscription_id, []).append(session)
        self._agenda.call(session, now_s + min(self.limits.heartbeat_interval_s, self.limits.inbound_timeout_s))
        session.start()
        return session

    def sessions(self) -> list[Session]:
        """List all sessions."""
        return [session for sessions in self._sessions.values() for session in sessions]

    def sessions_of(self, subscription_id: int) -> list[Session]:
        """List a subscription's sessions."""
        return list(self._sessions.get(subscription_id, ()))

    def disconnect(self, subscription_id: int) -> int:
        """Close a subscription's sessions with 1000 (``DELETE /stream``) and answer how many there were."""
        sessions = self.sessions_of(subscription_id)
        for session in sessions:
            session.end(Disconnect(1000, "closed on request"))
        return len(sessions)

    def tick(self, now_s: float, limit: int = 200) -> float:
        """Do what is due, heartbeats and time-outs, of at most ``limit`` sessions: a round must not block the loop.

        Answers when to call again (at or before ``now_s`` if some had to wait; infinity if nothing is due ever). Call
        within a second all the same: a session may be attached, or become full, in the meantime.
        """
        return self._agenda.tick(now_s, limit)

    def call(self, item: Timed, due_s: float) -> None:
        """Have `tick` call something else than a session at this time, instead of any it had before; infinity: never.

        Call it late once, when nothing is due any more, so that the item is let go.
        """
        self._agenda.call(item, due_s)

    def take_gaps(self) -> list[Gap]:
        """Hand over the gaps noted since the last call: to be stored, logged, shown."""
        gaps, self._gaps = self._gaps, []
        return gaps

    def return_gaps(self, gaps: list[Gap]) -> None:
        """Take gaps back that could not be stored, for the next `take_gaps`; the newest `MOST_GAPS` are kept."""
        self._gaps = [*gaps, *self._gaps][-MOST_GAPS:]

    def take_acknowledgements(self) -> list[tuple[int, Cursor]]:
        """Hand over what was acknowledged since the last call, the furthest of each subscription.

        For `LogWriter.store_acknowledgements`, at most every 2 s and at shutdown: a lost one only repeats events. Call
        again only when these are stored, or were reported again.
        """
        self._being_stored, self._acknowledgements = self._acknowledgements, {}
        return list(self._being_stored.items())

    def find_acknowledged(self, subscription_id: int) -> Cursor | None:
        """Answer what a subscription's subscribers acknowledged lately, if the log may not know it yet."""
        return self._acknowledgements.get(subscription_id) or self._being_stored.get(subscription_id)

    def find_cursor(self, subscription_id: int) -> Cursor | None:
        """Answer how far the furthest session of a subscription is; None if it has none."""
        cursors = [session.cursor for session in self.sessions_of(subscription_id)]
        return max(cursors, key=lambda cursor: cursor.seq, default=None)

    def take_bookmarks(self) -> list[tuple[int, Cursor]]:
        """Hand over the cursors offered since the last call, for `LogWriter.store_bookmarks`; losing them is safe."""
        taken, self._bookmarks = [(key[0], cursor) for key, cursor in self._bookmarks.items()], {}
        return taken

    # ---- what sessions call: see `stream.session.Tail`

    def since(self, position: int) -> list[Record] | None:
        """Answer the dispatched records after the position, in order; None if the ring does not reach back so far."""
        if position < self._ring_floor:
            return None
        records: list[Record] = []
        for record in reversed(self._ring):
            if record.position <= position:
                break
            records.append(record)
        records.reverse()
        return records

    def join(self, session: Session, filter: Filter) -> None:
        """From the next dispatched record on, offer the session what this filter matches."""
        self._live.add(filter, session)

    def leave(self, session: Session, filter: Filter) -> None:
        """Undo `join`."""
        self._live.remove(filter, session)

    def hasten(self, session: Session, due_s: float) -> None:
        """Call the session's `on_time` at this time or before."""
        self._agenda.hasten(session, due_s)

    def count_sent(self, heartbeats: int, records: int) -> None:
        """Take note of what was sent outside of `dispatch`."""
        self.counters.heartbeats += heartbeats
        self.counters.delivered += records

    def report_gap(self, subscription_id: int, from_seq: int, through_seq: int) -> None:
        """Take note of wanted numbers that retention had removed before the session could send them."""
        self.counters.gaps += 1
        self._gaps.append(Gap(subscription_id, from_seq, through_seq))

    def report_bookmark(self, subscription_id: int, cursor: Cursor) -> None:
        """Offer a cursor for storing; of several with one number the furthest is kept."""
        key = (subscription_id, cursor.seq)
        known = self._bookmarks.get(key)
        if known is None or known.position < cursor.position:
            self._bookmarks[key] = cursor

    def report_acknowledgement(self, subscription_id: int, cursor: Cursor) -> None:
        """Take note that a subscriber has received everything up to this cursor."""
        known = self._acknowledgements.get(subscription_id)
        if known is None or known.position < cursor.position:
            self._acknowledgements[subscription_id] = cursor

    def report_demotion(self) -> None:
        """Take note of a step back from LIVE because the outlet was full."""
        self.counters.demotions += 1

    def forget(self, session: Session, close_code: int) -> None:
        """Take note that the session is CLOSED."""
        closes = self.counters.closes
        closes[close_code] = closes.get(close_code, 0) + 1
        sessions = self._sessions[session.subscription_id]
        sessions.remove(session)
        if not sessions:
            del self._sessions[session.subscription_id]
        self._agenda.forget(session)

    # ----

    def _offer(self, records: Sequence[Record]) -> None:
        match = self._live.match
        delivered = 0
        unflushed: dict[Session, None] = {}
        for record in records:
            entry, position = record.entry, record.position
            if isinstance(entry, Event):
                tail = entry.tail
                messages: dict[int, bytes] = {}
                for session in match(entry):
                    seq = session.seq + 1
                    if seq < session.plain_below and position > session.position:  # LIVE; R3
                        session.seq = seq
                        session.position = position
                        message = messages.get(seq)
                        if message is None:
                            message = messages[seq] = encode_record(seq, tail)
                        session.send(message)
                        delivered += 1
                    elif session.take(position, tail):
                        unflushed[session] = None
            else:
                self._apply(entry, position)
            self.dispatched = position
            self._remember(record)
        for session in unflushed:
            session.flush()
        self.counters.delivered += delivered

    def _start_over(self, dispatched: int) -> None:
        """Close all sessions, while `dispatched` still says what they were offered, and go on behind the failure."""
        for session in self.sessions():
            try:
                session.end(Disconnect(1011))
            except Exception:  # its outlet may be what has failed
                session.on_closed(1011)
        self.dispatched = self._ring_floor = dispatched
        self._ring.clear()

    def _apply(self, control: Control, position: int) -> None:
        """Let a change take effect on the sessions of its subscriptions."""
        for subscription_id in control.subscription_ids:
            for session in self.sessions_of(subscription_id):
                if control.change is Change.FILTER:
                    session.on_change(position)
                else:
                    session.end(Disconnect(4403, f"subscription {control.change}"))

    def _remember(self, record: Record) -> None:
        """Put a record into the ring, whose size is bounded."""
        self._ring.append(record)
        if len(self._ring) > self.limits.ring_records:
            self._ring_floor = self._ring.popleft().position
