"""What happens to a stream itself: the items that stand between its events, and what is counted.

Invariant: whoever reads `Stream.items` sees every event that was lost (`Gap`) and every moment without a connection.
"""

from __future__ import annotations

import msgspec


class Connected(msgspec.Struct, frozen=True):
    """A socket is open. ``first`` tells the stream's first from those after a drop."""

    first: bool


class Reconnecting(msgspec.Struct, frozen=True):
    """There is no socket; the next attempt follows in ``wait_s``.

    ``reason`` is for people and never holds the stream key; ``failures`` counts the attempts in a row that have brought
    nothing, from 1.
    """

    reason: str
    wait_s: float
    failures: int


class Resumed(msgspec.Struct, frozen=True):
    """Behind each `Connected` but the first: the stream was asked to go on behind the event numbered ``after``.

    None: nothing had come yet, so it begins again as it was first asked to. What the server could not give any more
    follows as a `Gap`.
    """

    after: int | None


class Gap(msgspec.Struct, frozen=True):
    """The events ``first`` to ``last``, both included, are not handed out: they were asked for and not sent, since the
    server has them no more, or they came when later ones had been handed out (at the beginning of a stream).
    """

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many events are missing."""
        return self.last - self.first + 1


State = Connected | Reconnecting | Resumed | Gap


class Counters(msgspec.Struct):
    """What a stream has seen since it was opened; it counts on in place.

    ``events`` handed out; ``heartbeats`` answered; ``reconnects``: sockets opened after the first; ``duplicates``
    dropped; ``gaps``, and the events ``missing`` in them.
    """

    events: int = 0
    heartbeats: int = 0
    reconnects: int = 0
    duplicates: int = 0
    gaps: int = 0
    missing: int = 0
