"""Streams into sinks: one task per stream reads, batches by size and time, and writes in a thread.

Owns the pace; knows nothing of SQL, files or configuration. Invariants: a batch is written before the next one; memory
holds at most two batches per stream (one being written, one filling), then the socket is left unread; a stream starts
behind its sink's cursor; a stream that cannot go on ends alone, the others run on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from random import Random, SystemRandom
from typing import TypeVar

from twinstream.client import Connected, Event, Gap, Reconnecting, Stream
from twinstream.client import State as StreamItem
from twinstream.client.back_off import back_off_s
from twinstream.client.event import BaseEvent
from twinstream.collector.batch import Batch, Limits
from twinstream.collector.progress import Progress, State
from twinstream.collector.sink import Sink, SinkAwayError, SinkSetBackError
from twinstream.collector.worker import Worker

LONGEST_WAIT_S = 15.0
"""Upper end of the wait for a sink that is away."""
SILENCE_S = 10.0
"""A sink that takes longer for a batch is told of; it is waited for all the same."""
LAST_WRITE_S = 10.0
"""So long a collector that is asked to stop waits for the batch that is being written."""
GAPS_KEPT = 100

_T = TypeVar("_T")


@dataclass(frozen=True)
class Source:
    """One stream and where it goes. ``name`` keys its cursor: the same at every start, and unique in its sink.

    ``connect(seq_start)`` makes the stream (`twinstream.client.connect` with ``patient=True``), ready to be entered;
    its events may be read by `row.read_event`.
    ``seq_start`` counts where the sink holds nothing yet: 0 is the oldest event that the server keeps. Several sources
    may share a ``sink``.
    """

    name: str
    connect: Callable[[int], AbstractAsyncContextManager[Stream]] = field(repr=False)
    sink: Sink = field(repr=False)
    limits: Limits = field(default_factory=Limits)
    seq_start: int = 0


async def run_collector(
    sources: Sequence[Source],
    *,
    progress: Sequence[Progress] | None = None,
    stop: asyncio.Event | None = None,
    now: Callable[[], float] = time.time,
    random: Random | None = None,
) -> Sequence[Progress]:
    """Collect the streams until each has ended or failed, or ``stop`` is set; return how far each came.

    ``progress``: one per source, in the same order, made by a caller that shows them; they change as events come in.
    A stream that fails (`State.FAILED`, ``error``) leaves the others running; nothing is raised for it. After ``stop``
    what was read is written first, unless the sink is away. Being cancelled drops what is unwritten; the next start
    gets it again. The sinks are opened and closed here.

    Errors in ``Progress.error``: `sink.SinkError`, and what iterating a `twinstream.client.Stream` raises.
    """
    progress = progress or [Progress(source.name) for source in sources]
    stop = stop or asyncio.Event()
    random = random or SystemRandom()
    collections = [
        _Collection(source, shown, stop, now, random) for source, shown in zip(sources, progress, strict=True)
    ]
    try:
        async with asyncio.TaskGroup() as tasks:
            for collection in collections:
                tasks.create_task(collection.run())
    finally:
        for sink in {id(source.sink): source.sink for source in sources}.values():
            sink.close()
    return progress


class _StoppedError(Exception):
    """The collector was asked to stop while it waited for a sink."""


class _Collection:
    """One stream on its way into its sink."""

    def __init__(
        self, source: Source, progress: Progress, stop: asyncio.Event, now: Callable[[], float], random: Random
    ) -> None:
        self._source = source
        self._progress = progress
        self._stop = stop
        self._now = now
        self._random = random
        self._batch = Batch(source.limits)
        self._worker: Worker | None = None
        self._stream_state, self._stream_reason = State.STARTING, ""

    async def run(self) -> None:
        """Collect until the end; what keeps the stream from going on is told in its progress, not raised."""
        self._progress.started_at = self._now()
        try:
            while await self._is_set_back():
                self._batch = Batch(self._source.limits)
        except _StoppedError:
            pass
        except Exception as error:  # one stream's trouble, of whatever kind, is not the others'
            self._progress.state, self._progress.error = State.FAILED, error
            self._progress.reason = str(error) or type(error).__name__
            return
        finally:
            if self._worker is not None:
                self._worker.close()
        self._progress.state, self._progress.reason = State.ENDED, ""

    async def _is_set_back(self) -> bool:
        """Collect until the end, or until the sink has lost what it held: then it has to begin behind what is left."""
        progress = self._progress
        try:
            await self._collect()
        except SinkSetBackError as error:
            progress.read = progress.written  # what was not written comes again
            progress.oldest_at = None
            progress.sink_retries += 1
            progress.state, progress.reason = State.SINK_AWAY, str(error)
            await self._pause(1)
            return True
        return False

    async def _collect(self) -> None:
        source = self._source
        await self._ask(source.sink.open)
        seq = await self._ask(lambda: source.sink.cursor(source.name))
        self._progress.seq = seq
        async with source.connect(source.seq_start if seq is None else seq + 1) as stream:
            reading = asyncio.create_task(self._read(stream))
            stopping = asyncio.create_task(self._stop.wait())
            stopping.add_done_callback(lambda _: reading.cancel())
            try:
                await self._write()
            finally:
                stopping.cancel()
                reading.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await reading  # raises what ended the stream; what came before is written

    async def _read(self, stream: Stream) -> None:
        try:
            while items := await stream.next_items():
                events: list[Event] = []
                for item in items:
                    if isinstance(item, BaseEvent):
                        events.append(item)
                    else:
                        self._note(item)
                if events:
                    self._progress.read += len(events)
                    self._progress.read_at = self._now()
                    if self._progress.oldest_at is None:
                        self._note_oldest(events[0])
                    await self._batch.add(events)
        finally:
            self._batch.close()

    async def _write(self) -> None:
        sink, name, progress = self._source.sink, self._source.name, self._progress
        loop, batch = asyncio.get_running_loop(), self._batch

        def release() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(batch.release)

        while events := await batch.take():
            await self._ask(lambda events=events: sink.write(name, events, release))  # type: ignore[misc]
            batch.release()
            progress.seq = events[-1].seq
            progress.event_time = events[-1].time_text
            progress.written += len(events)
            progress.batches += 1
            progress.written_at = self._now()
            self._note_oldest(batch.oldest)

    def _note_oldest(self, event: Event | None) -> None:
        at = None if event is None else event.time
        self._progress.oldest_at = at.timestamp() if at else None if event is None else self._progress.read_at

    def _note(self, item: StreamItem) -> None:
        progress = self._progress
        if isinstance(item, Connected):
            progress.reconnects += not item.first
            self._stream_state, self._stream_reason = State.STREAMING, ""
        elif isinstance(item, Reconnecting):
            self._stream_state, self._stream_reason = State.RECONNECTING, item.reason
        elif isinstance(item, Gap):
            progress.missing += item.size
            progress.gaps.append((item.first, item.last))
            del progress.gaps[:-GAPS_KEPT]
        if progress.state not in (State.SINK_AWAY, State.SINK_FULL):
            progress.state, progress.reason = self._stream_state, self._stream_reason

    async def _ask(self, work: Callable[[], _T]) -> _T:
        """Have the sink do something, as often as it takes.

        Where it takes long the stream is read on meanwhile, so that heartbeats are answered as long as there is room.
        """
        failures = 0
        while True:
            try:
                answer = await self._in_thread(work)
            except SinkAwayError as error:
                self._batch.release()
                failures += 1
                self._progress.sink_retries += 1
                self._progress.state = State.SINK_FULL if error.is_full else State.SINK_AWAY
                self._progress.reason = str(error)
            else:
                self._progress.state, self._progress.reason = self._stream_state, self._stream_reason
                return answer
            await self._pause(failures)

    async def _pause(self, failures: int) -> None:
        """Wait for a sink, longer with each failure in a row."""
        wait_s = back_off_s(failures, cap_s=LONGEST_WAIT_S, random=self._random)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), wait_s)
            raise _StoppedError

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        """Run what blocks, and tell of a sink that is silent.

        Raises:
            _StoppedError: the collector was asked to stop, and the sink does not come back. And what the work raises.
        """
        if self._worker is None:
            self._worker = Worker(f"sink of {self._source.name}")
        answer = self._worker.do(work)
        stopping = asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait((answer, stopping), timeout=SILENCE_S, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done() and not stopping.done():
                self._progress.state, self._progress.reason = State.SINK_AWAY, f"no answer for {SILENCE_S:.0f} s"
                self._batch.release()
                await asyncio.wait((answer, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                await asyncio.wait((answer,), timeout=LAST_WRITE_S)
            if not answer.done():
                raise _StoppedError
            return answer.result()
        finally:
            stopping.cancel()
            answer.cancel()  # nobody wants to know any more
