"""A clock that tests turn."""

from __future__ import annotations

import asyncio


class TestClock:
    """Implements `client.clock.Clock`: nobody wakes before `advance` has passed the time."""

    __test__ = False

    def __init__(self, now_s: float = 1_537_784_797.0) -> None:
        self._now_s = now_s
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now_s(self) -> float:
        """The time that the test has turned it to."""
        return self._now_s

    def monotonic_s(self) -> float:
        """The same."""
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have been passed."""
        woken = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now_s + seconds, woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let everything begin to sleep that is about to, pass the time, and wake who is due."""
        await settle()
        self._now_s += seconds
        for wake_s, woken in self._sleepers:
            if wake_s <= self._now_s and not woken.done():
                woken.set_result(None)
        self._sleepers = [sleeper for sleeper in self._sleepers if not sleeper[1].done()]
        await settle()


class HastyClock(TestClock):
    """A clock on which every sleep is over at once, and has passed its time."""

    async def sleep(self, seconds: float) -> None:
        """Return, later by so many seconds."""
        self._now_s += seconds


async def settle() -> None:
    """Let everything run that waits for nothing but its turn, or for a socket on this machine."""
    for _ in range(200):
        await asyncio.sleep(0)
