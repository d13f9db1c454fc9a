"""Events on their way from a stream to its sink: gathered until there are enough of them, or the oldest waited enough.

Owns when a batch is due; knows neither streams nor sinks. One task adds, one takes, in the same event loop.
Invariant: the order stays, nothing is dropped, and no more is held than one full batch and what is being added: then
whoever adds has to wait, and so it has between `Batch.take` and `Batch.release`. Only the last batch may be larger.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from twinstream.client import Event


@dataclass(frozen=True)
class Limits:
    """When a batch is due: at so many events, so many bytes of JSON, or when its oldest event is so old."""

    batch_events: int = 1000
    batch_bytes: int = 4 * 1024 * 1024
    batch_age_s: float = 0.5


class Batch:
    """The batch that is filling."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._events: list[Event] = []
        self._left: list[Event] = []  # what somebody waits with
        self._size_bytes = 0
        self._is_closed = False
        self._due = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def oldest(self) -> Event | None:
        """What comes next, in the batch or waiting for room in it; None if there is nothing."""
        return next(iter(self._events or self._left), None)

    async def add(self, events: list[Event]) -> None:
        """Put events behind the others; while the batch is full, wait until it is taken and released."""
        limits, begin = self._limits, 0
        while begin < len(events):
            self._left = events[begin:] if begin else events
            await self._room.wait()
            self._left = []
            if not self._events:
                self._timer = asyncio.get_running_loop().call_later(limits.batch_age_s, self._due.set)
            fitting = events[begin : begin + limits.batch_events - len(self._events)]
            begin += len(fitting)
            self._events += fitting
            self._size_bytes += sum(len(event.text) for event in fitting)
            if self._is_full():
                self._room.clear()
                self._due.set()

    async def take(self) -> list[Event]:
        """Wait until the batch is due and return it; an empty one when there will be no more.

        Nothing is added to the next one before `release`.
        """
        await self._due.wait()
        events, self._events = self._events, []
        self._size_bytes = 0
        if self._timer is not None:
            self._timer.cancel()
        if not self._is_closed:
            self._due.clear()
        self._room.clear()
        return events

    def release(self) -> None:
        """Let the next batch fill. Harmless if it is full already."""
        if not self._is_full():
            self._room.set()

    def close(self) -> None:
        """Say that no more will be added: what is there is due, with what somebody waited with who was cancelled."""
        self._is_closed = True
        self._events += self._left
        self._due.set()

    def _is_full(self) -> bool:
        return len(self._events) >= self._limits.batch_events or self._size_bytes >= self._limits.batch_bytes
