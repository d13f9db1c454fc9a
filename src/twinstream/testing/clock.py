"""A clock that stands until a test turns it.

Owns the two times of `ports.clock`; what is done when time passes is the business of `testing.server`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from math import isfinite


class TurnedClock:
    """Implements `ports.clock.Clock`. It begins at the machine's time, and stands.

    ``patience_s`` is how long, in real time, each heartbeat of an `advance` waits for the answers of clients.
    """

    def __init__(self) -> None:
        self.patience_s = 0.5
        self._start_s = time.time()
        self._passed_s = 0.0
        self._pass: Callable[[float], None] = self.turn_to
        self._pass_async: Callable[[float], Awaitable[None]] | None = None

    def now_s(self) -> float:
        """Seconds since 1970, UTC."""
        return self._start_s + self._passed_s

    def monotonic_s(self) -> float:
        """Seconds that never go backwards; 0 at the beginning."""
        return self._passed_s

    def advance(self, seconds: float) -> None:
        """Let time pass, and return when everything has happened that happens in it.

        Heartbeats, time-outs of streams and faults come at their very times, one after the other, each given
        ``patience_s`` for the answers of those who read; what the server does in rounds, expiry, retention and Offline
        devices among them, comes once at the end. Not on an event loop whose own clients are to answer: see
        `advance_async`.
        """
        self._pass(self._checked(seconds))

    async def advance_async(self, seconds: float) -> None:
        """`advance` for a test that is a coroutine: clients on its event loop go on and can answer."""
        seconds = self._checked(seconds)
        if self._pass_async is None:
            self._pass(seconds)
        else:
            await self._pass_async(seconds)

    def turn_to(self, monotonic_s: float) -> None:
        """Move the hands alone: nothing is done. For `testing.server`."""
        self._passed_s = max(self._passed_s, monotonic_s)

    def bind(self, passing: Callable[[float], None], passing_async: Callable[[float], Awaitable[None]]) -> None:
        """Say who does what is due. For `testing.cloud`."""
        self._pass, self._pass_async = passing, passing_async

    @staticmethod
    def _checked(seconds: float) -> float:
        if not (isfinite(seconds) and seconds >= 0):
            raise ValueError(f"time passes forward only, not by {seconds!r} s")
        return seconds
