"""How far a collector's streams are, for whoever shows it: a terminal, a status file, metrics.

Owns the words for what a stream is doing; changed by the runner alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """What a stream is doing, in the words that status and metrics show."""

    STARTING = "starting"
    """It asks the sink for its cursor, and connects for the first time."""
    STREAMING = "streaming"
    RECONNECTING = "reconnecting"
    """There is no connection; ``reason`` says why."""
    SINK_AWAY = "sink away"
    """The sink cannot take events at present; ``reason`` says why. The stream is paused, nothing is dropped."""
    SINK_FULL = "sink full"
    """As before, and somebody must make room."""
    ENDED = "ended"
    """The server said that there is no more, or the collector was asked to stop."""
    FAILED = "failed"
    """It cannot go on; ``error`` says why."""


@dataclass
class Progress:
    """How far one stream is. Read it in the event loop that the runner runs in.

    Times are UNIX seconds. ``read`` and ``written`` count events since the start of the process (so their difference is
    what is on its way), ``seq`` is the sink's cursor, ``event_time`` the time of the last event written, as the event
    says, ``oldest_at`` that of the oldest one read and not written, or when it was read if it does not say. ``gaps``
    are the newest 100 ranges (first, last; both included) that did not come in their turn; ``missing`` counts the
    events in all of them.
    """

    name: str
    state: State = State.STARTING
    reason: str = ""
    seq: int | None = None
    read: int = 0
    written: int = 0
    batches: int = 0
    reconnects: int = 0
    sink_retries: int = 0
    missing: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)
    event_time: str | None = None
    oldest_at: float | None = None
    started_at: float | None = None
    read_at: float | None = None
    written_at: float | None = None
    error: Exception | None = None
