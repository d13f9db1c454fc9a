"""Time for clients, so that tests can turn it."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """The calendar's time, one that only goes forward, and a way to let it pass."""

    def now_s(self) -> float:
        """Seconds since 1970, UTC."""

    def monotonic_s(self) -> float:
        """Seconds that never go backwards; only differences mean something."""

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""


class SystemClock:
    """The clock of the machine."""

    def now_s(self) -> float:
        """Seconds since 1970, UTC."""
        return time.time()

    def monotonic_s(self) -> float:
        """Seconds that never go backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        await asyncio.sleep(seconds)
