"""A clock that tests turn: who sleeps wakes in the order of the times, when the test lets time pass."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count

SETTLING_TURNS = 100
"""So many turns of the loop let everything run that waits for no time; nothing here does real I/O."""


class TestClock:
    """Implements `simulator.clock.Clock`. ``slept`` lists the seconds of all sleeps as they began."""

    __test__ = False

    def __init__(self, now_s: float = 1_537_784_797.0) -> None:
        self.slept: list[float] = []
        self._now_s = now_s
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def now_s(self) -> float:
        """The time that the test has turned it to."""
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        """Return when `advance` has passed so many seconds."""
        self.slept.append(seconds)
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now_s + seconds, next(self._numbers), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let time pass; return when everything that happens until then has happened."""
        end_s = self._now_s + seconds
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end_s:
            wake_s, _, woken = heapq.heappop(self._sleepers)
            self._now_s = wake_s
            if not woken.done():
                woken.set_result(None)
            await self._settle()
        self._now_s = end_s

    async def _settle(self) -> None:
        for _ in range(SETTLING_TURNS):
            await asyncio.sleep(0)
