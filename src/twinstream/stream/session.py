"""One connected socket reading one subscription: what it has been sent, and where the next event comes from.

Owns a session's state, its cursor, its flow control, its heartbeats. Sans-I/O: knows no socket, no event loop, no clock (times are
passed in as monotonic seconds), no storage; it acts through an `Outlet` and a `Tail`. Not thread-safe: one loop calls it.

Theory of operation
-------------------
A session never merges history with live events. At any moment it has exactly one source:

* READING: it asks the log for a page, sends the page, asks for the next. At most one page is asked for at a time, none while the
  outlet is full. Connecting, resuming, replaying and having been slow are all this one state.
* LIVE: the hub hands it every matching record as it is dispatched. There is no queue of its own.
* CLOSED: nothing more is sent; late pages and calls are ignored.

Its *cursor* is (position, seq): all of the subscription's matches at or before the position are counted, seq of them, and each one
that was wanted has been handed to the outlet. The cursor never goes back, so no source can hand over what another has handed over.

* R1: a page reports the highest position *scanned*; the cursor moves there, so pages without a match make progress too.
* R2: a session becomes LIVE only when nothing lies between its cursor and the hub's last dispatched position, or when the hub's ring
  of recent records covers that (and holds no change of this subscription). Check and registration happen in one call.
* R3: a record at or below the cursor is skipped: a page may have run ahead of the dispatch.
* R4: a full outlet makes a LIVE session READING, cursor kept. What was being sent as one (a page, a batch) is sent whole, so the outlet
  holds at most its high-water mark and one page more. Once drained the session goes on from its cursor.
* R5: a dispatched change of the subscription makes a LIVE session READING: the log knows which filter holds from where on.

=========  =========================================================================================
state      leaves it for
=========  =========================================================================================
READING    LIVE (level with the tail), CLOSED
LIVE       READING (outlet full; subscription changed), CLOSED
CLOSED     nothing
=========  =========================================================================================

Why a partial page is safe: if the outlet dies in the middle of a page the cursor stays before the page; acknowledgements and bookmarks are
only ever taken from cursors, so they are never ahead of what was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import inf
from typing import Protocol

import msgspec

from twinstream.errors import Disconnect
from twinstream.model.event import Control, Record
from twinstream.model.filter import Filter
from twinstream.ports.log import Cursor, Page, PageRequest
from twinstream.stream.heartbeat import Heartbeats
from twinstream.stream.limits import BOOKMARK_EVERY, MAX_MESSAGE_BYTES, StreamLimits
from twinstream.stream.opening import MAX_SEQ, Opening
from twinstream.wire.event import HEARTBEAT, encode_record


class State(StrEnum):
    """Where a session's next event comes from; see the module's table."""

    READING = "reading"
    LIVE = "live"
    CLOSED = "closed"


_MOVES = {
    State.READING: {State.LIVE, State.CLOSED},
    State.LIVE: {State.READING, State.CLOSED},
    State.CLOSED: set[State](),
}


class IllegalMoveError(RuntimeError):
    """The socket shell or the hub called a session in a way that its state excludes: a bug of the caller."""

    def __init__(self, call: str, expected: str, got: str) -> None:
        super().__init__(f"{call}: expected {expected}, got {got}")


class Outlet(Protocol):
    """What a session needs of its socket. No method blocks or raises, also when the connection is already lost.

    ``send`` may call `Session.on_full` or `Session.on_closed` before it returns. `Session.on_page` must never be called from inside
    ``read``: always in a later turn of the loop.
    """

    def send(self, message: bytes) -> None:
        """Queue one text message with this payload (ASCII; the same object may be sent to many sessions: frame it once)."""

    def ping(self) -> None:
        """Queue a WebSocket ping."""

    def read(self, request: PageRequest) -> None:
        """Have the page read and later call `Session.on_page` once with it (or `Session.end` with 1011 if reading failed)."""

    def backlog_bytes(self) -> int:
        """Tell how many bytes are queued that the kernel has not taken. Asked only while full, to see progress."""

    def close(self, disconnect: Disconnect) -> None:
        """Send what is queued, then the close frame, then close. The session is CLOSED already and hears no more."""


class Tail(Protocol):
    """What a session needs of the hub."""

    limits: StreamLimits
    dispatched: int

    def since(self, position: int) -> Sequence[Record] | None:
        """Answer the dispatched records after the position, in order; None if the ring does not reach back so far."""

    def join(self, session: Session, filter: Filter) -> None:
        """From the next dispatched record on, offer the session what this filter matches."""

    def leave(self, session: Session, filter: Filter) -> None:
        """Undo `join`."""

    def hasten(self, session: Session, due_s: float) -> None:
        """Call the session's `on_time` at this time or before."""

    def count_sent(self, heartbeats: int, records: int) -> None:
        """Take note of what was sent outside of the hub's own dispatch."""

    def report_gap(self, subscription_id: int, from_seq: int, through_seq: int) -> None:
        """Take note of wanted numbers that retention had removed before this session could send them."""

    def report_bookmark(self, subscription_id: int, cursor: Cursor) -> None:
        """Offer a cursor for storing."""

    def report_acknowledgement(self, subscription_id: int, cursor: Cursor) -> None:
        """Take note that the subscriber has received everything up to this cursor."""

    def report_demotion(self) -> None:
        """Take note of a step back from LIVE because the outlet was full."""

    def forget(self, session: Session, close_code: int) -> None:
        """Take note that the session is CLOSED."""


class SessionStatus(msgspec.Struct, frozen=True):
    """A session as the console sees it. ``lag`` is the distance in positions to the tail (0 when level), a measure, not a count."""

    subscription_id: int
    state: str
    position: int
    seq: int
    lag: int
    full: bool
    observe: bool
    since_s: float
    last_inbound_s: float


class Session:
    """See the module. Made by `Hub.attach`; the socket shell calls the ``on_`` methods and `end`."""

    __slots__ = (
        "_acknowledged_seq",
        "_backlog_bytes",
        "_batch",
        "_batch_bytes",
        "_bookmarked",
        "_filter",
        "_full",
        "_heartbeats",
        "_opening",
        "_outlet",
        "_reading",
        "_skip_through",
        "_slow_at_s",
        "_tail",
        "_touched",
        "due_s",
        "last_inbound_s",
        "plain_below",
        "position",
        "send",
        "seq",
        "since_s",
        "state",
        "subscription_id",
    )

    def __init__(self, tail: Tail, outlet: Outlet, opening: Opening, now_s: float) -> None:
        ...

    # What the socket shell calls

    def on_page(self, page: Page) -> None:
        """Take the page that was asked for: send it, move the cursor, go live or read on. Ignored when CLOSED."""

    def on_full(self, now_s: float) -> None:
        """Hear that the outlet's buffer is above its high-water mark. May be called from inside `Outlet.send`."""

    def on_drained(self) -> None:
        """Hear that the outlet's buffer is below its low-water mark again."""

    def on_text(self, text: bytes, now_s: float) -> None:
        """Take an inbound text message: a sign of life, and an acknowledgement if it is exactly ``Z`` or ``1|Z``."""

    def on_inbound(self, now_s: float) -> None:
        """Hear that any other frame came in (ping, pong, binary): a sign of life."""

    def on_closed(self, close_code: int = 1006) -> None:
        """Hear that the connection is gone or the peer closes it; nothing is sent any more. Ignored when CLOSED.

        ``close_code``: the peer's, or 1006 if it sent none (RFC 6455 section 7.1.5).
        """

    def end(self, disconnect: Disconnect) -> None:
        """Close the session from this side: it is CLOSED at once, and the outlet sends the close frame. Ignored when CLOSED."""

    def on_time(self, now_s: float) -> float:
        """Do what is due (the hub's agenda calls this) and answer when to be called next."""

    @property
    def cursor(self) -> Cursor:
        """How far the session is."""

    def status(self) -> SessionStatus:
        """Describe the session for the console."""
