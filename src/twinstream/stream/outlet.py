"""What a session needs of the world: its socket (`Outlet`) and the hub (`Tail`), as it sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from twinstream.errors import Disconnect
from twinstream.model.event import Record
from twinstream.model.filter import Filter
from twinstream.ports.log import Cursor, PageRequest
from twinstream.stream.limits import StreamLimits

if TYPE_CHECKING:
    from twinstream.stream.session import Session


class Outlet(Protocol):
    """The shell around one socket. No method blocks or raises, also when the connection is already lost.

    ``send`` may call `Session.on_full` or `Session.on_closed` before it returns, and no other method of the session.
    """

    def send(self, message: bytes) -> None:
        """Queue one text message with this payload: ASCII; often one object for many sessions, to be framed once."""

    def ping(self) -> None:
        """Queue a WebSocket ping."""

    def read(self, request: PageRequest) -> None:
        """Have the page read, and in a later turn of the loop call `Session.on_page` once with it.

        If reading fails: `Session.end` with 1011. A page that comes when the session is CLOSED may be dropped.
        """

    def backlog_bytes(self) -> int:
        """Tell how many bytes are queued that the kernel has not taken. Asked only while full, to see progress."""

    def close(self, disconnect: Disconnect) -> None:
        """Send what is queued, then the close frame, then close. The session is CLOSED already."""


class Tail(Protocol):
    """The hub as a session sees it. ``dispatched``: the position of the last record that all LIVE sessions had."""

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
        """Take note of wanted numbers that retention had removed before the session could send them."""

    def report_bookmark(self, subscription_id: int, cursor: Cursor) -> None:
        """Offer a cursor for storing."""

    def report_acknowledgement(self, subscription_id: int, cursor: Cursor) -> None:
        """Take note that a subscriber has received everything up to this cursor."""

    def report_demotion(self) -> None:
        """Take note of a step back from LIVE because the outlet was full."""

    def forget(self, session: Session, close_code: int) -> None:
        """Take note that the session is CLOSED."""
