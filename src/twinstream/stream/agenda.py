"""One timer for all sessions: who is due next.

Owns a heap of due times; knows no clock (the time is passed in) and nothing of what is done when one is due. Invariant:
an item has at most one entry that names it, the one of its ``due_s``. Entries that were replaced name nobody and are
skipped, so an item can be hastened without a search, and one that is forgotten is let go at once: a storm of
reconnections must not keep its dead sockets until they would have been due.
"""

from __future__ import annotations

import heapq
from itertools import count
from math import inf
from typing import Any, Protocol


class Timed(Protocol):
    """Something that wants to be called when its time has come. ``due_s`` belongs to the agenda."""

    due_s: float

    def on_time(self, now_s: float) -> float:
        """Do what is due and answer the next due time; infinity: never again."""


Entry = list[Any]
"""``[due_s, order, item]``: compared by the first two, which no two entries share; ``item`` None is nobody."""


class Agenda:
    """Calls `Timed` items when they are due, a bounded number at a time."""

    __slots__ = ("_entries", "_entry_of", "_order")

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._entry_of: dict[Timed, Entry] = {}
        self._order = count()

    def __len__(self) -> int:
        """Count the items that will be called."""
        return len(self._entry_of)

    def call(self, item: Timed, due_s: float) -> None:
        """Have the item called at ``due_s`` instead of any time it had before."""
        self.forget(item)
        item.due_s = due_s
        if due_s < inf:
            entry = self._entry_of[item] = [due_s, next(self._order), item]
            heapq.heappush(self._entries, entry)

    def hasten(self, item: Timed, due_s: float) -> None:
        """Have the item called at ``due_s`` unless it is called earlier anyway."""
        if due_s < item.due_s:
            self.call(item, due_s)

    def forget(self, item: Timed) -> None:
        """Never call the item, and keep nothing of it."""
        entry = self._entry_of.pop(item, None)
        if entry is not None:
            entry[2] = None

    def tick(self, now_s: float, limit: int) -> float:
        """Call at most ``limit`` items that are due; answer when to tick next, at once if some had to wait."""
        entries = self._entries
        while entries:
            due_s: float = entries[0][0]
            item: Timed | None = entries[0][2]
            if item is not None:
                if due_s > now_s or limit == 0:
                    return due_s
                limit -= 1
            heapq.heappop(entries)
            if item is not None:
                del self._entry_of[item]
                self.call(item, item.on_time(now_s))
        return inf
