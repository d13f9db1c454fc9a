"""What the hub and its sessions tell of themselves: to the store, to metrics, to the console."""

from __future__ import annotations

import msgspec


class Gap(msgspec.Struct, frozen=True):
    """Numbers (both ends included) that a session asked for and retention had already removed."""

    subscription_id: int
    from_seq: int
    through_seq: int


class Counters(msgspec.Struct):
    """Counts since the process started. ``closes`` is by close code, the peer's or ours."""

    delivered: int = 0
    heartbeats: int = 0
    demotions: int = 0
    gaps: int = 0
    closes: dict[int, int] = {}


class SessionStatus(msgspec.Struct, frozen=True):
    """A session at a moment. ``lag``: positions between it and the tail, 0 when level; a measure, not a count.

    ``since_s`` and ``last_inbound_s`` are monotonic times. ``unanswered``: heartbeats sent since the last answer.
    """

    subscription_id: int
    state: str
    position: int
    seq: int
    lag: int
    full: bool
    observe: bool
    since_s: float
    last_inbound_s: float
    unanswered: int
