"""What ought to be delivered, counted in the plainest way: every event, every stretch, nothing trimmed or forgotten."""

from __future__ import annotations

from bisect import bisect_right

from twinstream.model.event import Event
from twinstream.model.filter import Filter


class ViolationError(AssertionError):
    """The simulated server broke a promise."""


class Oracle:
    """For every subscription its matches in order: number n is entry n - 1."""

    def __init__(self) -> None:
        self.filters: dict[int, Filter] = {}
        self._positions: dict[int, list[int]] = {}
        self._tails: dict[int, list[bytes]] = {}
        self._trimmed: dict[str, int] = {}
        self._confirmable: dict[int, int] = {}

    def change(self, subscription_id: int, filter: Filter) -> None:
        """From now on the subscription has this filter."""
        self.filters[subscription_id] = filter
        self._positions.setdefault(subscription_id, [])
        self._tails.setdefault(subscription_id, [])

    def append(self, position: int, event: Event) -> None:
        """Count the event for everyone who may see it."""
        for subscription_id, filter in self.filters.items():
            if filter.matches(event):
                self._positions[subscription_id].append(position)
                self._tails[subscription_id].append(event.tail)

    def trim(self, oem: str, through: int) -> None:
        """Remember what can't be had any more."""
        self._trimmed[oem] = max(self._trimmed.get(oem, 0), through)

    def tail(self, subscription_id: int, seq: int) -> bytes | None:
        """Answer the event with this number; None if there is none (yet)."""
        tails = self._tails[subscription_id]
        return tails[seq - 1] if 1 <= seq <= len(tails) else None

    def count(self, subscription_id: int, position: int | None = None) -> int:
        """Answer how many events match at or before the position, or in all."""
        positions = self._positions[subscription_id]
        return len(positions) if position is None else bisect_right(positions, position)

    def lost_through(self, subscription_id: int) -> int:
        """Answer the highest number that retention has removed."""
        return self.count(subscription_id, self._trimmed.get(self.filters[subscription_id].oem, 0))

    def confirmable(self, subscription_id: int) -> int:
        """Answer the highest number that anyone who may acknowledge has, claimed to have, or was told is lost."""
        return self._confirmable.get(subscription_id, 0)

    def has(self, subscription_id: int, seq: int) -> None:
        """Note that such a subscriber has everything through this number."""
        self._confirmable[subscription_id] = max(seq, self.confirmable(subscription_id))
