"""Streams into sinks: one task per stream reads, batches by size and time, and writes in a thread.

Owns the pace and what is told of it; knows nothing of SQL, files or configuration.
Invariants: a batch is written before the next one; memory holds at most two batches per stream (one being written, one
filling), then the socket is left unread; a stream starts behind its sink's cursor; a stream that cannot go on ends
alone, the others run on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from twinstream.collector.sink import Sink


class State(StrEnum):
    """What a stream is doing, in the words that status and metrics show."""

    STARTING = "starting"
    """It asks the sink for its cursor and connects."""
    STREAMING = "streaming"
    RECONNECTING = "reconnecting"
    """The stream dropped; ``reason`` says why."""
    SINK_AWAY = "sink away"
    """The sink cannot take events at present; ``reason`` says why. The stream is paused, nothing is dropped."""
    SINK_FULL = "sink full"
    """As before, and somebody must make room."""
    ENDED = "ended"
    """The server said that there is no more, or the collector was asked to stop; all that was read is stored."""
    FAILED = "failed"
    """It cannot go on; ``error`` says why. All that was confirmed is stored."""


@dataclass
class Progress:
    """How far one stream is; changed by the runner alone, read by whoever shows it, in the same event loop.

    Times are UNIX seconds. ``read`` and ``written`` count events since the start of the process, ``seq`` is the sink's
    cursor, ``gaps`` the ranges (first, last; inclusive) that the server no longer had, the newest 100 of them;
    ``missed`` counts all events in gaps.
    """

    name: str
    state: State = State.STARTING
    reason: str = ""
    seq: int | None = None
    read: int = 0
    written: int = 0
    batches: int = 0
    reconnects: int = 0
    sink_retries: int = 0
    missed: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)
    started_at: float = 0.0
    read_at: float | None = None
    written_at: float | None = None
    error: Exception | None = None


@dataclass(frozen=True)
class Source:
    """One stream and where it goes. ``name`` keys its cursor: unique within a run, the same at every start.

    ``url`` and ``stream_key`` are those of `twinstream.client.connect` and are not shown. Several may share a ``sink``.
    """

    name: str
    url: str = field(repr=False)
    stream_key: str | None = field(repr=False)
    sink: Sink = field(repr=False)


@dataclass(frozen=True)
class Limits:
    """When a batch is written: at so many events, so many bytes of JSON, or when its oldest event is so old."""

    batch_events: int = 1000
    batch_bytes: int = 4 * 1024 * 1024
    batch_age_s: float = 0.5


async def run_collector(
    sources: Sequence[Source],
    *,
    limits: Limits = Limits(),
    progress: Sequence[Progress] | None = None,
    stop: asyncio.Event | None = None,
) -> Sequence[Progress]:
    """Collect the streams until each has ended or failed, or ``stop`` is set; return how far each came.

    ``progress``: one per source, in the same order, made by a caller that shows them; they change as events come in.
    A stream that fails (`State.FAILED`, ``error``) leaves the others running; nothing is raised for it. After ``stop``
    what was read is written first, unless the sink is away. Cancelling drops what is unwritten; the next start gets it
    again. The sinks are opened and closed here.

    Errors in ``Progress.error``: `sink.SinkError`, and what `twinstream.client.connect` raises for what cannot succeed
    (`UnreachableError`, `RefusedError`, `Disconnect`, `MessageError`).
    """
    raise NotImplementedError
