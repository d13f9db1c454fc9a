"""Time comes from here and nowhere else, so that tests can turn it."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Two clocks: the calendar's, which may jump, and one that only goes forward. Both callable from any thread."""

    def now_s(self) -> float:
        """Seconds since 1970, UTC. May jump either way; order never depends on it."""

    def monotonic_s(self) -> float:
        """Seconds that never go backwards; only differences mean something. For time-outs and heartbeats."""
