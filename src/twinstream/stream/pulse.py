"""Whether a socket is alive: heartbeats and what their answers confirm, silence, and a backlog that does not move.

Owns the deadlines of one session; knows no clock (times are passed in, monotonic seconds) and sends nothing itself.

TCP keeps order: whoever answers a heartbeat has received what was written to that socket before it. So the k-th answer
confirms the cursor that the session had when the k-th heartbeat was sent; a surplus answer is a sign of life and no
more.
"""

from __future__ import annotations

from math import inf

from twinstream.errors import Disconnect
from twinstream.ports.log import Cursor
from twinstream.stream.limits import StreamLimits

_REMEMBERED = 8
"""So many cursors wait for a client that does not answer; later heartbeats join the last of them (bounded memory)."""

_ASLEEP_S = 5.0
"""A due time missed by more than this means that this process was stopped or starved, not that the peer was silent."""


class Pulse:
    """The signs of life of one socket.

    ``last_inbound_s``: when anything last came in. ``unanswered``: heartbeats sent since the last answer.
    """

    __slots__ = (
        "_backlog_bytes",
        "_heartbeat_at_s",
        "_limits",
        "_moved",
        "_slow_at_s",
        "_waiting",
        "last_inbound_s",
        "unanswered",
    )

    def __init__(self, limits: StreamLimits, now_s: float) -> None:
        self._limits = limits
        self.last_inbound_s = now_s
        self._heartbeat_at_s = now_s + limits.heartbeat_interval_s
        self._slow_at_s = inf
        self._backlog_bytes = 0
        self._moved = False  # the kernel has taken some of the backlog since the deadline was set
        self.unanswered = 0
        # (n, cursor): the cursor is confirmed by the n-th answer from there on.
        self._waiting: list[tuple[int, Cursor]] = []

    def heartbeat(self, cursor: Cursor, now_s: float) -> None:
        """Note that a heartbeat is sent behind everything up to the cursor."""
        self._heartbeat_at_s = now_s + self._limits.heartbeat_interval_s
        self.unanswered += 1
        if len(self._waiting) < _REMEMBERED:
            self._waiting.append((1, cursor))
        else:
            self._waiting[-1] = (self._waiting[-1][0] + 1, cursor)

    def answer(self) -> Cursor | None:
        """Note an answer to a heartbeat, and tell what it confirms, if anything."""
        self.unanswered = 0
        if not self._waiting:
            return None
        answers, cursor = self._waiting[0]
        if answers > 1:
            self._waiting[0] = (answers - 1, cursor)
            return None
        del self._waiting[0]
        return cursor

    def fill(self, backlog_bytes: int, now_s: float) -> None:
        """Note that the outlet is full: from now on its backlog must get smaller."""
        self._backlog_bytes = backlog_bytes
        self._moved = False
        self._slow_at_s = now_s + self._limits.slow_reader_timeout_s

    def look(self, backlog_bytes: int) -> None:
        """Note the backlog before more is queued while the outlet is full: has it got smaller? `swell` comes next."""
        self._moved = self._moved or backlog_bytes < self._backlog_bytes

    def swell(self, backlog_bytes: int) -> None:
        """Note the backlog after more was queued while the outlet is full."""
        self._backlog_bytes = backlog_bytes

    def drain(self) -> None:
        """Note that the outlet is full no more."""
        self._slow_at_s = inf

    def due_s(self) -> float:
        """Answer when the next deadline is."""
        return min(self._heartbeat_at_s, self.last_inbound_s + self._limits.inbound_timeout_s, self._slow_at_s)

    def heartbeat_is_due(self, now_s: float) -> bool:
        """Tell whether it is time for a heartbeat."""
        return now_s >= self._heartbeat_at_s

    def slow_is_due(self, now_s: float) -> bool:
        """Tell whether it is time to look at the backlog: see `verdict`."""
        return now_s >= self._slow_at_s

    def verdict(self, now_s: float, backlog_bytes: int) -> Disconnect | None:
        """Tell why the socket must be closed, if it must. ``backlog_bytes`` counts only if `slow_is_due`."""
        if now_s >= self.last_inbound_s + self._limits.inbound_timeout_s:
            return Disconnect(4408)
        if now_s >= self._slow_at_s:
            self.look(backlog_bytes)
            if not self._moved:
                return Disconnect(4008)
            self.fill(backlog_bytes, now_s)
        if now_s >= self._heartbeat_at_s and 0 < self._limits.heartbeat_misses <= self.unanswered:
            return Disconnect(4408, "heartbeats unanswered")
        return None

    def excuse(self, late_s: float, now_s: float) -> None:
        """Begin the peer's time anew if a deadline was looked at too late: what it sent meanwhile is still unread."""
        if late_s > _ASLEEP_S:
            self.last_inbound_s = now_s
            self.unanswered = 0
            if self._slow_at_s < inf:
                self._slow_at_s = now_s + self._limits.slow_reader_timeout_s
