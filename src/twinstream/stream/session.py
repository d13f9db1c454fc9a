"""One connected socket reading one subscription: what it has been sent, and where the next event comes from.

Owns a session's state, its cursor, its flow control, its deadlines. Sans-I/O: knows no socket, no event loop, no clock
(times are passed in, monotonic seconds), no storage; it acts through an `Outlet` and a `Tail`. One loop calls it.

Theory of operation
-------------------
A session never merges history with live events. At any moment it has exactly one source:

* READING: it asks the log for a page, sends the page, asks for the next. At most one page is asked for at a time, none
  while the outlet is full. Connecting, resuming, replaying and having been slow are all this one state.
* LIVE: the hub offers it every matching record as it is dispatched. There is no queue of its own.
* CLOSED: nothing more is sent; late pages and calls are ignored.

Its *cursor* is (position, seq): all of the subscription's matches at or before the position are counted, seq of them,
and each that was wanted has been handed to the outlet. It never goes back, so no source repeats what another has sent.

* R1: a page reports the highest position *scanned*; the cursor moves there, so pages without a match get on too.
* R2: a session becomes LIVE only when nothing lies between its cursor and the last dispatched position, or when the
  hub's ring of recent records covers that and holds no change of this subscription. Check and registration happen in
  one call.
* R3: a record at or below the cursor is skipped: a page may have run ahead of the dispatch.
* R4: a full outlet makes a LIVE session READING, cursor kept. What is sent as one (a page, a batch) is sent whole, so
  the outlet holds at most its high-water mark and one page. Once drained the session goes on from its cursor.
* R5: a dispatched change of the subscription makes a LIVE session READING: the log knows which filter holds where.

=========  ==============================================================
state      is left for
=========  ==============================================================
READING    LIVE (level with the tail), CLOSED
LIVE       READING (outlet full; subscription changed), CLOSED
CLOSED     nothing
=========  ==============================================================

Why an outlet that dies in the middle of a page does no harm: the cursor is still before the page then, and bookmarks
and acknowledgements are only ever taken from cursors, so they are never ahead of what was handed over.
"""

from __future__ import annotations

from math import inf

from twinstream.errors import Disconnect
from twinstream.model.event import Control
from twinstream.model.filter import Filter
from twinstream.ports.log import Cursor, Page, PageRequest
from twinstream.stream.batch import Batch
from twinstream.stream.opening import MAX_SEQ, Opening
from twinstream.stream.outlet import Outlet, Tail
from twinstream.stream.pulse import Pulse
from twinstream.stream.report import SessionStatus
from twinstream.stream.state import IllegalMoveError, State, move
from twinstream.wire.event import HEARTBEAT, encode_record

BOOKMARK_EVERY = 1000
"""A session offers a bookmark each time it has counted so many matches, so that finding a number never counts far."""


class Session:
    """See the module. `Hub.attach` makes it; the socket shell calls the ``on_`` methods and `end`.

    ``seq`` and ``position`` are the cursor (of a LIVE session see `cursor`). Numbers below ``plain_below`` need nothing
    but sending; it is 0 unless LIVE, so that the hub has one comparison to make.
    """

    __slots__ = (
        "_acknowledged_seq",
        "_batch",
        "_bookmarked",
        "_filter",
        "_full",
        "_last_seq",
        "_opening",
        "_outlet",
        "_pulse",
        "_put",
        "_reading",
        "_skip_through",
        "_tail",
        "_touched",
        "acknowledges_below",
        "due_s",
        "plain_below",
        "position",
        "send",
        "seq",
        "since_s",
        "state",
        "subscription_id",
    )

    def __init__(self, tail: Tail, outlet: Outlet, opening: Opening, now_s: float) -> None:
        self._tail = tail
        self._outlet = outlet
        self._opening = opening
        self.subscription_id = opening.subscription_id
        self.state = State.READING
        self.position, self.seq = opening.start.position, opening.start.seq
        self.plain_below = 0
        self.send = outlet.send
        self._batch = Batch(opening.batch_size, outlet.send) if opening.batch_size > 1 else None
        self._put = self._batch.put if self._batch else outlet.send
        self._skip_through = MAX_SEQ if opening.live else opening.skip_through
        self._last_seq = MAX_SEQ if opening.seq_end is None else opening.seq_end
        self._filter: Filter | None = None  # the one that holds from the cursor to the next change; None: ask the log
        self._reading = False
        self._full = False
        self._touched = False  # has sent something or been LIVE: retention may not overtake it in silence
        self._bookmarked = opening.start
        self._acknowledged_seq = opening.start.seq
        self.acknowledges_below = MAX_SEQ  # faults have dropped the event of this number (`stream.fault`)
        self._pulse = Pulse(tail.limits, now_s)
        self.since_s = now_s
        self.due_s = inf

    def start(self) -> None:
        """Ask for the first page. `Hub.attach` calls this once."""
        self._advance()

    # ---- what the socket shell calls

    def on_page(self, page: Page) -> None:
        """Take the page that was asked for: send it, move the cursor, go live or read on. Ignored when CLOSED."""
        if self.state is State.CLOSED:
            return
        if not self._reading:
            raise IllegalMoveError("on_page", "READING with a page asked for", self.state)
        self._reading = False
        if self._full:
            self._pulse.look(self._outlet.backlog_bytes())
        if page.gone:
            self.end(Disconnect(4403, "subscription deleted"))
        elif page.trimmed is None or self._outlives(page.trimmed):
            self._send_page(page)
            if not self._is_closed():
                self._pass_page(page)

    def on_full(self, now_s: float) -> None:
        """Hear that the outlet's buffer is above its high-water mark. May be called from inside `Outlet.send`."""
        if self.state is State.CLOSED or self._full:
            return
        self._full = True
        self._pulse.fill(self._outlet.backlog_bytes(), now_s)
        self._tail.hasten(self, self._pulse.due_s())
        if self.state is State.LIVE:  # R4
            self._step_back(self._tail.dispatched)
            self._tail.report_demotion()

    def on_drained(self) -> None:
        """Hear that the outlet's buffer is below its low-water mark again."""
        if self.state is State.CLOSED or not self._full:
            return
        self._full = False
        self._pulse.drain()
        if not self._reading:
            self._advance()

    def on_text(self, text: bytes, now_s: float) -> None:
        """Take an inbound text message: a sign of life, and an acknowledgement if it is exactly ``Z`` or ``1|Z``."""
        self._pulse.last_inbound_s = now_s
        if self.state is State.CLOSED or (text != b"Z" and text != HEARTBEAT):
            return
        confirmed = self._pulse.answer()
        if confirmed is None or not self._acknowledged_seq < confirmed.seq < self.acknowledges_below:
            return
        if self._opening.observe or self._opening.seq_end is not None:
            return
        self._acknowledged_seq = confirmed.seq
        self._tail.report_acknowledgement(self.subscription_id, confirmed)

    def on_inbound(self, now_s: float) -> None:
        """Hear that any other frame came in (ping, pong, binary): a sign of life."""
        self._pulse.last_inbound_s = now_s

    def on_closed(self, close_code: int = 1006) -> None:
        """Hear that the connection is gone, or that the peer closes it. Ignored when CLOSED.

        ``close_code``: the peer's, or 1006 if it sent none (RFC 6455 section 7.1.5).
        """
        if self.state is not State.CLOSED:
            self._close(close_code)

    def end(self, disconnect: Disconnect) -> None:
        """Close from this side: CLOSED at once, and the outlet sends the close frame. Ignored when CLOSED."""
        self.flush()
        if self.state is not State.CLOSED:
            self._close(disconnect.close_code)
            self._outlet.close(disconnect)

    # ---- what the hub calls

    def take(self, position: int, tail: bytes) -> bool:
        """Take a matching record that is being dispatched. Answers whether `flush` is owed after the dispatch."""
        if self.state is not State.LIVE or position <= self.position:  # not LIVE: the log has it. R3: it has been sent.
            return False
        self._count(position, tail)
        return self._batch is not None

    def flush(self) -> None:
        """Send what has gathered of a batch."""
        if self._batch is not None:
            self._batch.flush()
        if self._full:
            self._pulse.swell(self._outlet.backlog_bytes())

    def on_change(self, position: int) -> None:
        """Hear that a change of the subscription was dispatched at this position."""
        if self.state is State.LIVE:  # R5
            self._step_back(position)
            self._filter = None
            self._advance()

    def on_time(self, now_s: float) -> float:
        """Do what is due and answer when to be called next; infinity: never again."""
        if self.state is State.CLOSED:
            return inf
        pulse = self._pulse
        pulse.excuse(now_s - self.due_s, now_s)
        disconnect = pulse.verdict(now_s, self._outlet.backlog_bytes() if pulse.slow_is_due(now_s) else 0)
        if disconnect is not None:
            self.end(disconnect)
        elif pulse.heartbeat_is_due(now_s):
            self._send_heartbeat(now_s)
        return inf if self._is_closed() else pulse.due_s()

    @property
    def last_inbound_s(self) -> float:
        """When anything last came in."""
        return self._pulse.last_inbound_s

    @property
    def cursor(self) -> Cursor:
        """How far the session is."""
        position = self.position
        if self.state is State.LIVE:  # every match up to here was offered to it
            position = max(position, self._tail.dispatched)
        return Cursor(position, self.seq)

    def status(self) -> SessionStatus:
        """Describe the session for the console."""
        cursor = self.cursor
        return SessionStatus(
            subscription_id=self.subscription_id,
            state=self.state,
            position=cursor.position,
            seq=cursor.seq,
            lag=max(0, self._tail.dispatched - cursor.position),
            full=self._full,
            observe=self._opening.observe,
            since_s=self.since_s,
            last_inbound_s=self.last_inbound_s,
            unanswered=self._pulse.unanswered,
        )

    # ---- from state to state

    def _advance(self) -> None:
        """Go live if the ring reaches, else ask for a page: READING, with no page asked for."""
        if self._full:  # R4
            return
        if self._filter is not None and self._catch_up(self._filter):  # R2
            self._go_live(self._filter)
        elif self.state is State.READING and not self._full:
            self._reading = True
            self._outlet.read(self._next_request())

    def _catch_up(self, filter: Filter) -> bool:
        """Take what the hub's ring has after the cursor; tell whether the session is level then and able to be LIVE."""
        records = self._tail.since(self.position)
        if records is None:
            return False
        for record in records:
            entry = record.entry
            if isinstance(entry, Control):
                if self.subscription_id in entry.subscription_ids:
                    self._filter = None
                    break
            elif filter.matches(entry):
                self._count(record.position, entry.tail)
                if self._full or self.state is not State.READING:
                    break
        self.flush()
        return self._filter is not None and not self._full and self.state is State.READING

    def _go_live(self, filter: Filter) -> None:
        self.state = move(self.state, State.LIVE)
        self._touched = True
        if self._skip_through == MAX_SEQ:  # `Opening.live`: what comes from now on is wanted
            self._skip_through = self.seq
        self._tail.join(self, filter)
        self._watch()

    def _step_back(self, through: int) -> None:
        """Become READING; everything through this position was offered to the session while it was LIVE."""
        self._leave_tail()
        self.state = move(self.state, State.READING)
        self.position = max(self.position, through)

    def _close(self, close_code: int) -> None:
        self.position = self.cursor.position
        if self.state is State.LIVE:
            self._leave_tail()
        self.state = move(self.state, State.CLOSED)
        if self._batch is not None:
            self._batch.clear()
        if self.position > self._bookmarked.position:
            self._offer_bookmark()
        self._tail.forget(self, close_code)

    def _leave_tail(self) -> None:
        assert self._filter is not None  # noqa: S101 - LIVE has a filter
        self._tail.leave(self, self._filter)
        self.plain_below = 0

    def _is_closed(self) -> bool:
        """Tell whether a call to the outlet has closed the session meanwhile (what the type checker can't see)."""
        return self.state is State.CLOSED

    # ---- reading

    def _next_request(self) -> PageRequest:
        limits = self._tail.limits
        wanted = max(1, min(limits.page_events, self._last_seq - max(self.seq, self._skip_through)))
        after = Cursor(self.position, self.seq)
        return PageRequest(self.subscription_id, after, self._skip_through, wanted, limits.page_bytes)

    def _outlives(self, trimmed: Cursor) -> bool:
        """Deal with retention having removed matches through this cursor; tell whether the session goes on."""
        first_lost = max(self.seq, self._skip_through) + 1
        last_lost = min(trimmed.seq, self._last_seq)
        if last_lost < first_lost:  # nothing that was wanted
            return True
        if self._touched:
            self.end(Disconnect(4410))
            return False
        self._tail.report_gap(self.subscription_id, first_lost, last_lost)
        return True

    def _send_page(self, page: Page) -> None:
        """Send the whole page, also if the outlet gets full on the way (R4); stop if it closes."""
        seq = page.first_seq
        for tail in page.tails:
            if seq > self._last_seq or self.state is State.CLOSED:
                break
            self._put(encode_record(seq, tail))
            seq += 1
        self.flush()
        if page.tails:
            self._touched = True
            self._tail.count_sent(0, seq - page.first_seq)

    def _pass_page(self, page: Page) -> None:
        """Move the cursor behind a page that was sent, and go on from there."""
        self.position, self.seq = page.through.position, page.through.seq  # R1
        self._filter = page.filter
        if self.seq >= self._last_seq:
            self.end(Disconnect(1000))
            return
        if self.seq - self._bookmarked.seq >= BOOKMARK_EVERY:
            self._offer_bookmark()
        self._advance()

    # ---- sending

    def _count(self, position: int, tail: bytes) -> None:
        """Count the match at this position, and send it if it is wanted."""
        self.position = position
        self.seq = seq = self.seq + 1
        if seq > self._skip_through:
            self._touched = True
            self._tail.count_sent(0, 1)
            self._put(encode_record(seq, tail))
        if seq == self._last_seq:
            self.end(Disconnect(1000))
            return
        if seq - self._bookmarked.seq >= BOOKMARK_EVERY:
            self._offer_bookmark()
        if self.state is State.LIVE:
            self._watch()

    def _watch(self) -> None:
        """Set the number that needs more than sending: the next bookmark, or the end."""
        if self._batch is None and self.seq >= self._skip_through:
            self.plain_below = min(self._bookmarked.seq + BOOKMARK_EVERY, self._last_seq)

    def _offer_bookmark(self) -> None:
        self._bookmarked = Cursor(self.position, self.seq)
        self._tail.report_bookmark(self.subscription_id, self._bookmarked)

    def _send_heartbeat(self, now_s: float) -> None:
        self._pulse.heartbeat(self.cursor, now_s)
        if self._full:
            self._pulse.look(self._outlet.backlog_bytes())
        self._tail.count_sent(1, 0)
        self.send(HEARTBEAT)
        if self.state is not State.CLOSED:
            self._outlet.ping()
        if self._full:
            self._pulse.swell(self._outlet.backlog_bytes())
