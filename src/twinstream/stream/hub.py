"""All sessions of this process: hands them the tail, admits new ones, and collects what they want stored.

Owns which sessions there are and the ring of recent records. Sans-I/O and clockless like `stream.session`; one loop calls it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from twinstream.model.event import Record
from twinstream.ports.log import Cursor
from twinstream.stream.limits import StreamLimits
from twinstream.stream.opening import Opening
from twinstream.stream.session import Outlet, Session


class Gap(msgspec.Struct, frozen=True):
    """Numbers (both ends included) that a session asked for and retention had already removed."""

    subscription_id: int
    from_seq: int
    through_seq: int


class Counters(msgspec.Struct):
    """Counts since the process started, for metrics. ``closes`` is by close code."""

    delivered: int = 0
    heartbeats: int = 0
    demotions: int = 0
    gaps: int = 0
    closes: dict[int, int] = {}


class Hub:
    """See the module. ``head`` is `EventLog.head` at the moment when `dispatch` is registered with `EventLog.follow`."""

    counters: Counters

    def __init__(self, head: int, limits: StreamLimits = StreamLimits()) -> None:
        ...

    def dispatch(self, records: Sequence[Record]) -> None:
        """Hand records to the sessions that are live. Register it with `EventLog.follow`."""

    def admit(self, subscription_id: int, now_s: float) -> None:
        """Make sure that one more session of the subscription may be attached.

        Call it and `attach` with no await between. If the subscription has as many sessions as it may have, the one that has been
        silent longest is closed (4409) if that is longer than 35 s.

        Raises: RequestError ``too_many_sessions``, with ``retry_after_s``, if none has been silent for so long.
        """

    def attach(self, outlet: Outlet, opening: Opening, now_s: float) -> Session:
        """Make a session and start it: it asks the outlet for its first page."""

    def sessions(self) -> list[Session]:
        """List all sessions."""

    def sessions_of(self, subscription_id: int) -> list[Session]:
        """List a subscription's sessions."""

    def disconnect(self, subscription_id: int) -> int:
        """Close a subscription's sessions with 1000 (``DELETE /stream``) and answer how many there were."""

    def tick(self, now_s: float, limit: int = 200) -> float:
        """Do what is due: heartbeats, time-outs; at most ``limit`` sessions at once.

        Answers when to call again: infinity if there is nothing to wait for (call again after the next `attach`).
        """

    def take_gaps(self) -> list[Gap]:
        """Hand over the gaps noted since the last call: to be stored, logged, shown."""

    def take_acknowledgements(self) -> list[tuple[int, Cursor]]:
        """Hand over what subscribers acknowledged since the last call, the furthest per subscription: for `LogWriter.store_acknowledgements`."""

    def take_bookmarks(self) -> list[tuple[int, Cursor]]:
        """Hand over the cursors offered since the last call: for `LogWriter.store_bookmarks`."""
