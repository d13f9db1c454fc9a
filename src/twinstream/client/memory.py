"""The last events of a stream, to tell one that comes twice from another one under the same number.

Owns what is remembered, and for how long; what follows from it is `stream`'s business. Invariant: no more is kept than
the texts of `REMEMBERED` events and one message, nor than `REMEMBERED_CHARACTERS` and one message.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from twinstream.client.event import BaseEvent

REMEMBERED = 256
"""So many events are known again when they come twice; of an overlap that is longer no more can be told."""
REMEMBERED_CHARACTERS = 1024 * 1024
"""Where events are large, the last ones that have so many together."""


class Memory:
    """What events said, by their numbers.

    They come in runs without a hole, as messages bring them, and are kept like that: to file each by its number would
    take a fast reader longer than to check that nothing is missing.
    """

    def __init__(self) -> None:
        self._runs: deque[Sequence[BaseEvent]] = deque()
        self._events = self._characters = 0

    def add(self, run: Sequence[BaseEvent]) -> None:
        """Remember events (at least one) with numbers in a row, all behind those that are remembered."""
        self._runs.append(run)
        self._events += len(run)
        self._characters += _measure(run)
        while len(self._runs) > 1 and (
            self._events - len(self._runs[0]) >= REMEMBERED or self._characters > REMEMBERED_CHARACTERS
        ):
            oldest = self._runs.popleft()
            self._events -= len(oldest)
            self._characters -= _measure(oldest)

    def find(self, seq: int) -> str | None:
        """Return the text of the event with that number; None if it is not remembered."""
        for run in reversed(self._runs):
            if 0 <= seq - run[0].seq < len(run):
                return run[seq - run[0].seq].text
        return None


def _measure(run: Sequence[BaseEvent]) -> int:
    return sum([len(event.text) for event in run])
