"""The runner: from a real socket into a sink that fails on purpose, each event once, nothing dropped."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

from tests.client.play import Still, play_of, playing, record
from twinstream.client import Event, MessageError, Stream, connect
from twinstream.collector.batch import Limits
from twinstream.collector.progress import Progress, State
from twinstream.collector.runner import Source, run_collector
from twinstream.collector.sink import SinkAwayError, SinkError, SinkSetBackError, go_on
from twinstream.wire.event import encode_record

LIMITS = Limits(batch_events=3, batch_age_s=0.001)


class Hurried(Random):
    """Chance that waits next to nothing."""

    def uniform(self, a: float, b: float) -> float:
        return 0.001


class ListSink:
    """A sink in memory; ``troubles`` are raised one after the other by whatever is called next."""

    def __init__(self, *troubles: Exception, seq: int | None = None, gate: threading.Event | None = None) -> None:
        self.troubles = list(troubles)
        self.batches: list[list[int]] = []
        self.seq = seq
        self.gate = gate
        self.is_closed = False

    def open(self) -> None:
        self._stumble()

    def cursor(self, stream: str) -> int | None:
        self._stumble()
        return self.seq

    def write(self, stream: str, events: Sequence[Event], release: Callable[[], None] = go_on) -> None:
        self._stumble()
        if self.gate is not None:
            self.gate.wait(10)
        self.batches.append([event.seq for event in events])

    def close(self) -> None:
        self.is_closed = True

    @property
    def seqs(self) -> list[int]:
        """All numbers written."""
        return [seq for batch in self.batches for seq in batch]

    def _stumble(self) -> None:
        if self.troubles:
            raise self.troubles.pop(0)


class FullSink(ListSink):
    """A sink without room."""

    is_full = True

    def write(self, stream: str, events: Sequence[Event], release: Callable[[], None] = go_on) -> None:
        if self.is_full:
            raise SinkAwayError("no room", is_full=True)
        super().write(stream, events, release)


def source(url: str, sink: Any, name: str = "s", limits: Limits = LIMITS) -> Source:
    """A source on a played server."""

    def open_stream(seq_start: int) -> Stream:
        return connect(url, seq_start=seq_start, seq_end=9, patient=True, random=Still())

    return Source(name, open_stream, sink, limits)


async def run(*sources: Source, **options: Any) -> Sequence[Progress]:
    """Run to the end, without long waits."""
    return await run_collector(sources, random=Hurried(), now=lambda: 5.0, **options)


NINE = "".join(record(seq) for seq in range(1, 10))


class ForgetfulSink(ListSink):
    """A sink that loses the last five events that it held, once."""

    def write(self, stream: str, events: Sequence[Event], release: Callable[[], None] = go_on) -> None:
        if self.seq == 6:
            self.seq = 1
            raise SinkSetBackError("set back")
        self.seq = events[-1].seq
        super().write(stream, events, release)


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until something is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # there is nothing that could tell
            await asyncio.sleep(0.001)


async def test_a_sink_that_was_set_back_is_gone_on_with_where_it_is() -> None:
    """The stream is opened again behind what is left, and nothing that the sink holds comes twice."""
    sink = ForgetfulSink()
    async with playing(play_of(NINE), play_of("".join(record(seq) for seq in range(2, 10)))) as (url, targets):
        (progress,) = await run(source(url, sink))
    assert sink.seqs == [1, 2, 3, 4, 5, 6, 2, 3, 4, 5, 6, 7, 8, 9]
    assert "seq_start=2" in targets[1]
    assert (progress.state, progress.seq, progress.read - progress.written) == (State.ENDED, 9, 0)
    assert (progress.sink_retries, progress.missing) == (1, 0)


async def test_what_comes_before_a_record_that_is_no_event_is_written() -> None:
    """Then the stream has failed, of which nothing more can be believed."""
    sink = ListSink()
    async with playing(play_of(record(1) + record(2) + '12|{"seq":"3"]}' + record(4))) as (url, _):
        (progress,) = await run(source(url, sink, limits=Limits(batch_events=9, batch_age_s=0.001)))
    assert sink.seqs == [1, 2]
    assert (progress.state, type(progress.error)) == (State.FAILED, MessageError)


class WaitingSink(ListSink):
    """A sink that has written all but the end of a batch and waits for the disk, as long as the gate is closed."""

    def write(self, stream: str, events: Sequence[Event], release: Callable[[], None] = go_on) -> None:
        release()
        super().write(stream, events)


@pytest.mark.parametrize(("kind", "silence_s", "read"), [(ListSink, 9, 4), (WaitingSink, 9, 7), (ListSink, 0.01, 7)])
async def test_a_stream_is_read_on_when_the_sink_releases_it(
    kind: type[ListSink], silence_s: float, read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or takes long. Until then it takes one message at most, and at all times no more than a batch and a message."""
    monkeypatch.setattr("twinstream.collector.runner.SILENCE_S", silence_s)
    gate = threading.Event()
    sink = kind(gate=gate)
    progress = Progress("s")
    async with playing(play_of(*(record(seq) for seq in range(1, 10)))) as (url, _):
        limits = Limits(batch_events=3, batch_age_s=3600)
        running = asyncio.create_task(run(source(url, sink, limits=limits), progress=[progress]))
        await until(lambda: progress.read == read)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await until(lambda: progress.read > read)
        gate.set()
        await running
    assert sink.batches == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


async def test_events_arrive_in_batches_and_in_order() -> None:
    """A new sink gets all that is kept; progress tells how far it is."""
    sink = ListSink()
    async with playing(play_of(NINE)) as (url, targets):
        (progress,) = await run(source(url, sink))
    assert sink.batches == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert "seq_start=0" in targets[0]
    assert (progress.state, progress.seq, progress.read, progress.written) == (State.ENDED, 9, 9, 9)
    assert (progress.batches, progress.started_at, progress.written_at, progress.error) == (3, 5.0, 5.0, None)
    assert sink.is_closed


async def test_it_goes_on_behind_the_sinks_cursor() -> None:
    """What the sink holds decides, not what the server remembers."""
    sink = ListSink(seq=6)
    async with playing(play_of(record(7) + record(8) + record(9))) as (url, targets):
        await run(source(url, sink))
    assert "seq_start=7" in targets[0]
    assert sink.seqs == [7, 8, 9]


async def test_a_sink_that_is_away_is_asked_again_until_it_is_back() -> None:
    """At the start, for the cursor and for a batch: nothing is dropped, nothing comes twice."""
    away = SinkAwayError("gone for lunch")
    sink = ListSink(away, away, SinkAwayError("full", is_full=True))
    async with playing(play_of(NINE)) as (url, _):
        (progress,) = await run(source(url, sink))
    assert sink.seqs == list(range(1, 10))
    assert progress.sink_retries == 3


@pytest.mark.parametrize(("time", "oldest_at"), [("1970-01-01T00:00:03Z", 3.0), (None, 5.0)])
async def test_a_sink_that_is_away_is_told_of(time: str | None, oldest_at: float) -> None:
    """The state names the reason, whether time heals it, since when an event waits, and goes when it is over."""
    said = json.dumps({"metadata": {"event_type": "datapoint"}, "datapoint": {"created_at": time} if time else {}})
    first = encode_record(1, said[1:].encode()).decode()
    sink = FullSink()
    progress, stop = Progress("s"), asyncio.Event()
    async with playing(play_of(first, record(2), record(3))) as (url, _):
        limits = Limits(batch_events=1, batch_age_s=3600)
        running = asyncio.create_task(run(source(url, sink, limits=limits), progress=[progress], stop=stop))
        await until(lambda: progress.state is State.SINK_FULL)
        assert progress.reason == "no room"
        await until(lambda: progress.read == 3)  # so that heartbeats are answered
        assert progress.oldest_at == oldest_at
        sink.is_full = False
        await until(lambda: progress.state is State.STREAMING)
        assert progress.reason == ""
        await until(lambda: progress.written == 3 and progress.oldest_at is None)
        stop.set()
        await running


async def test_a_sink_that_hangs_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that neither answers nor refuses is away, too; when it answers, nothing was lost."""
    monkeypatch.setattr("twinstream.collector.runner.SILENCE_S", 0.01)
    gate, progress = threading.Event(), Progress("s")
    sink = ListSink(gate=gate)
    async with playing(play_of(NINE)) as (url, _):
        running = asyncio.create_task(run(source(url, sink), progress=[progress]))
        await until(lambda: progress.state is State.SINK_AWAY)
        assert progress.reason.startswith("no answer for")
        gate.set()
        await running
    assert sink.seqs == list(range(1, 10))


async def test_a_gap_is_told() -> None:
    """Events that did not come in their turn are counted, by range."""
    async with playing(play_of(record(4), "1|Z", code=1012), play_of(record(9), "1|Z")) as (url, _):
        (progress,) = await run(source(url, ListSink(seq=1)))
    assert progress.gaps == [(2, 3), (5, 8)]
    assert progress.missing == 6


async def test_a_stream_that_cannot_go_on_ends_alone() -> None:
    """What was read before is stored; the others run on."""
    first, second = ListSink(), ListSink()
    async with playing(play_of(record(1) + record(2), code=4403)) as (url, _), playing(play_of(NINE)) as (other, _):
        failed, ended = await run(source(url, first), source(other, second, "t"))
    assert failed.state is State.FAILED
    assert "4403" in failed.reason
    assert first.seqs == [1, 2]
    assert ended.state is State.ENDED
    assert second.seqs == list(range(1, 10))


@pytest.mark.parametrize("trouble", [SinkError("wrong password"), ZeroDivisionError()])
async def test_an_error_of_the_sink_that_is_no_pause_ends_the_stream(trouble: Exception) -> None:
    """A final error, and one that nobody has thought of."""
    async with playing(play_of(NINE)) as (url, _):
        (progress,) = await run(source(url, ListSink(trouble)))
    assert progress.state is State.FAILED
    assert progress.error is trouble
    assert progress.reason == (str(trouble) or "ZeroDivisionError")


async def test_after_stop_what_was_read_is_written() -> None:
    """A collector that is asked to stop leaves nothing behind that it has."""
    sink, stop, progress = ListSink(), asyncio.Event(), Progress("s")
    lazy = Limits(batch_events=100, batch_age_s=3600)
    async with playing(play_of(record(1) + record(2))) as (url, _):
        running = asyncio.create_task(run(source(url, sink, limits=lazy), progress=[progress], stop=stop))
        await until(lambda: progress.read == 2)
        stop.set()
        await running
    assert sink.batches == [[1, 2]]
    assert progress.state is State.ENDED


async def test_after_stop_what_waits_for_room_is_written_too() -> None:
    """A message that does not fit into the batch, while the batch before it is being written."""
    gate, stop, progress = threading.Event(), asyncio.Event(), Progress("s")
    sink = ListSink(gate=gate)
    async with playing(play_of(NINE)) as (url, _):
        running = asyncio.create_task(run(source(url, sink), progress=[progress], stop=stop))
        await until(lambda: progress.read == 9)
        stop.set()
        gate.set()
        await running
    assert sink.seqs == list(range(1, 10))
    assert (progress.state, progress.written) == (State.ENDED, 9)


async def test_stop_waits_only_so_long_for_a_write_and_not_for_what_comes_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether the batch was written the next start finds out; an error that comes too late is nobody's."""
    monkeypatch.setattr("twinstream.collector.runner.LAST_WRITE_S", 0.01)
    gate, stop, complaints = threading.Event(), asyncio.Event(), list[Any]()
    asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
    sink = LateSink(gate=gate)
    async with playing(play_of(NINE)) as (url, _):
        running = asyncio.create_task(run(source(url, sink, name="late"), stop=stop))
        await asyncio.to_thread(sink.began.wait, 10)
        stop.set()
        (progress,) = await running
    gate.set()
    (worker,) = (thread for thread in threading.enumerate() if thread.name == "sink of late")
    await asyncio.to_thread(worker.join, 10)
    await asyncio.sleep(0)
    gc.collect()
    assert (progress.state, progress.written, complaints) == (State.ENDED, 0, [])


class LateSink(ListSink):
    """A sink that fails when nobody waits for it any more."""

    def __init__(self, gate: threading.Event) -> None:
        super().__init__(gate=gate)
        self.began = threading.Event()

    def write(self, stream: str, events: Sequence[Event], release: Callable[[], None] = go_on) -> None:
        self.began.set()
        super().write(stream, events, release)
        raise SinkError("too late")


async def test_stop_does_not_wait_for_a_sink_that_is_away() -> None:
    """The next start gets the events again."""
    stop, progress = asyncio.Event(), Progress("s")
    sink = ListSink(*[SinkAwayError("away")] * 10_000)
    async with playing(play_of(NINE)) as (url, _):
        running = asyncio.create_task(run(source(url, sink), progress=[progress], stop=stop))
        await until(lambda: progress.state is State.SINK_AWAY)
        stop.set()
        await running
    assert progress.state is State.ENDED
    assert sink.is_closed


async def test_a_stream_that_drops_is_resumed() -> None:
    """The reconnect is counted; nothing is doubled."""
    sink = ListSink()
    plays = (play_of(record(1) + record(2), code=1012), play_of("".join(record(seq) for seq in range(3, 10))))
    async with playing(*plays) as (url, _):
        (progress,) = await run(source(url, sink))
    assert sink.seqs == list(range(1, 10))
    assert progress.reconnects == 1
