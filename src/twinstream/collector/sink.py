"""Where collected events go: the contract of databases and files.

Owns the port and its errors; knows neither streams nor databases.
Invariant: a sink keeps for every stream a *cursor*, the number of the last event it holds, and moves it together with
the events: after a crash at any moment the cursor tells exactly what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from twinstream.client import Event
from twinstream.errors import TwinstreamError


class SinkError(TwinstreamError):
    """The sink cannot go on, and waiting does not help; the text names the remedy and holds no secret."""


class SinkTakenError(SinkError):
    """Another collector writes the same stream into the same place; nothing of this batch was written here."""


class SinkAwayError(TwinstreamError):
    """The sink cannot take events at present (a database that is down, a full disk): the same call is to be repeated.

    The text says why, for people, without a secret. ``is_full``: somebody must make room, time alone does not help.
    Whether the batch was written may be unknown; repeating ``write`` with the same batch finds out and is always right.
    """

    def __init__(self, reason: str, *, is_full: bool = False) -> None:
        self.is_full = is_full
        super().__init__(reason)


class SinkSetBackError(TwinstreamError):
    """The sink holds less than it once confirmed (a replica took over, a backup was restored, commits were lost with
    the power); nothing of this batch was written. What it holds is whole: go on behind ``cursor``.
    """


def go_on() -> None:
    """Do nothing: nobody waits."""


class Sink(Protocol):
    """A place that holds every event once. Every method blocks; it is called in a thread.

    Several threads may call at once, but at most one for the same stream. ``stream`` is the name that the user gave
    the stream, the same at every start. Each method may raise `SinkAwayError` (call again later: the runner waits);
    every other error is final for the stream.
    """

    def open(self) -> None:
        """Check that the place is there and usable, make what is missing. Harmless if open already."""
        ...

    def cursor(self, stream: str) -> int | None:
        """Return the number of the last event that is held of a stream; None if there never was one."""
        ...

    def write(self, stream: str, events: Sequence[Event], release: Callable[[], None] = go_on) -> None:
        """Store a batch (at least one event, numbers ascending, all behind the cursor) and move the cursor to its last.

        Both or nothing, durable at the return. After a `SinkAwayError` the next call for the stream brings the same
        batch. ``cursor`` was called for the stream before.

        ``release()`` lets the stream be read on, into the next batch. A sink calls it when what is left to do waits
        for a disk or a server, rather than works in the interpreter, where reader and writer would only take turns.
        Harmless if it is called again.

        Raises:
            SinkTakenError: somebody else has moved the cursor.
            SinkSetBackError: the cursor is lower than it was.
            SinkError: an event that the place cannot hold; nothing of the batch was stored.
        """
        ...

    def close(self) -> None:
        """Let go of everything; what was written stays. Harmless if never opened."""
        ...
