"""How long a stream waits for an event that is missing, and how often it asks for one again.

Owns the limits of both; what is missing, and what to do about it, is `stream`'s business. Invariant: a server whose
numbers have holes costs a few questions and no more, and one that has shown a thousand numbers without a hole gets the
whole patience again.
"""

from __future__ import annotations

from dataclasses import dataclass

HOLD_S = 1.0
"""So long what came before its turn is held, in time spent waiting for messages."""
DOUBTS = 3
"""So often in a row a server is asked in vain for events that it left out; then its numbers may have holes."""
WHOLE = 1000
"""After so many numbers without a hole it is asked again."""


@dataclass
class Patience:
    """``hold_left_s`` of the present hold, and ``doubts_left``, the questions that may still be asked in vain."""

    hold_left_s: float = HOLD_S
    doubts_left: int = DOUBTS
    doubted_seq: int | None = None
    _hole_seq: int = 0

    def renew(self, seq: int) -> None:
        """Note that the event with that number has come in its turn."""
        self.hold_left_s = HOLD_S
        if seq == self.doubted_seq or seq - self._hole_seq >= WHOLE:
            self.doubted_seq, self.doubts_left = None, DOUBTS

    def lose(self, seq: int | None) -> None:
        """Note that what was asked for again did not come, if it was that number."""
        if seq == self.doubted_seq:
            self.doubted_seq, self.doubts_left = None, max(0, self.doubts_left - 1)

    def note_hole(self, last: int) -> None:
        """Note that the numbers up to that one are taken for missing."""
        self._hole_seq = last
