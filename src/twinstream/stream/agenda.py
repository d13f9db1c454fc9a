"""One timer for all sessions: who is due next.

Owns a heap of due times; knows no clock (the time is passed in) and nothing of what is done when one is due. Invariant:
an item's valid entry is the one whose time equals the item's ``due_s``; others are stale and skipped, so an item can be
hastened without a search, and one whose ``due_s`` is infinite is forgotten.
"""

from __future__ import annotations

import heapq
from itertools import count
from math import inf
from typing import Protocol


class Timed(Protocol):
    """Something that wants to be called when its time has come. ``due_s`` belongs to the agenda."""

    due_s: float

    def on_time(self, now_s: float) -> float:
        """Do what is due and answer the next due time; infinity: never again."""


class Agenda:
    """Calls `Timed` items when they are due, a bounded number at a time."""

    __slots__ = ("_entries", "_order")

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Timed]] = []
        self._order = count()

    def call(self, item: Timed, due_s: float) -> None:
        """Have the item called at ``due_s`` instead of any time it had before."""
        item.due_s = due_s
        if due_s < inf:
            heapq.heappush(self._entries, (due_s, next(self._order), item))

    def hasten(self, item: Timed, due_s: float) -> None:
        """Have the item called at ``due_s`` unless it is called earlier anyway."""
        if due_s < item.due_s:
            self.call(item, due_s)

    def tick(self, now_s: float, limit: int) -> float:
        """Call at most ``limit`` items that are due; answer when to tick next, at once if some had to wait."""
        entries = self._entries
        while entries and (entries[0][0] <= now_s or entries[0][0] != entries[0][2].due_s):
            due_s, _, item = entries[0]
            if due_s == item.due_s:
                if limit == 0:
                    break
                limit -= 1
            heapq.heappop(entries)
            if due_s == item.due_s:
                self.call(item, item.on_time(now_s))
        return entries[0][0] if entries else inf
