"""Runner, batch, worker and a sink in each other's way: whatever comes when, each event once, and memory bounded."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from random import Random
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection

from tests.client.play import Play, Still, playing, record
from twinstream.client import Event, Stream, connect
from twinstream.collector.batch import Limits
from twinstream.collector.progress import Progress, State
from twinstream.collector.runner import Source, run_collector
from twinstream.collector.sink import SinkAwayError, SinkSetBackError, go_on

LAST = 300
BATCH = 7
LONGEST_MESSAGE = 20


class WildSink:
    """A sink with every trouble that the contract allows, at random; ``faults`` says what is against the contract."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._pending: list[int] = []
        self._busy = threading.Lock()
        self.held: list[int] = []
        self.faults: list[str] = []

    def open(self) -> None:
        self._stumble()

    def cursor(self, stream: str) -> int | None:
        self._stumble()
        self._pending = []
        return self.held[-1] if self.held else None

    def write(self, stream: str, events: Sequence[Event], release: Callable[[], None] = go_on) -> None:
        seqs = [event.seq for event in events]
        if not self._busy.acquire(blocking=False):
            self.faults.append("two writes at once")
        if self._pending and seqs != self._pending:
            self.faults.append(f"{seqs} after {self._pending}")
        self._pending = seqs
        for _ in range(self._random.randrange(4)):
            release()
            time.sleep(self._random.choice((0, 0, 0.0005)))
        try:
            self._write(seqs)
        finally:
            self._busy.release()
        self._pending = []

    def _write(self, seqs: list[int]) -> None:
        trouble = self._random.randrange(12)
        if trouble == 0:
            raise SinkAwayError("before it was written")
        if trouble == 1 and self.held and self.held[-1] < seqs[0]:
            del self.held[-self._random.randrange(1, 9) :]
            raise SinkSetBackError("set back")
        if not self.held or self.held[-1] < seqs[-1]:
            self.held += seqs
        if trouble == 2:
            raise SinkAwayError("after it was written")

    def close(self) -> None:
        pass

    def _stumble(self) -> None:
        if self._random.randrange(4) == 0:
            raise SinkAwayError("at the start")


def play_wildly(random: Random) -> Play:
    """A server that sends what is asked for in messages of any size, and now and then ends the connection."""

    async def play(connection: ServerConnection) -> None:
        assert connection.request is not None
        first = int(parse_qs(urlsplit(connection.request.path).query)["seq_start"][0]) or 1
        while first <= LAST:
            end = min(first + random.randrange(1, LONGEST_MESSAGE), LAST + 1)
            await connection.send("".join(map(record, range(first, end))))
            first = end
            if random.randrange(15) == 0:
                connection.transport.abort()
                return
        await connection.wait_closed()

    return play


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_comes_when_each_event_is_held_once_and_in_order(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections end, the sink is away, in doubt, set back, silent, and releases early, late or never; and somebody
    stops the collector and starts it again.
    """
    monkeypatch.setattr("twinstream.collector.runner.SILENCE_S", 0.0003)
    monkeypatch.setattr("twinstream.collector.runner.LONGEST_WAIT_S", 0.001)
    monkeypatch.setattr("twinstream.client.link.CLOSE_TIMEOUT_S", 0.01)  # unread messages hold the goodbye up
    random = Random(seed)
    sink, waiting = WildSink(random), 0

    def open_stream(seq_start: int) -> Stream:
        return connect(url, seq_start=seq_start, seq_end=LAST, patient=True, random=Still())

    async with playing(play_wildly(random)) as (url, _), asyncio.timeout(20):
        for pause_s in (0.02, 0.05, 0.1, None):
            if sink.held[-1:] == [LAST]:
                break
            stop, progress = asyncio.Event(), Progress("s")
            source = Source("s", open_stream, sink, Limits(batch_events=BATCH, batch_age_s=0.001))
            running = asyncio.create_task(run_collector([source], progress=[progress], stop=stop, random=Still()))
            if pause_s is not None:
                asyncio.get_running_loop().call_later(pause_s, stop.set)
            while not running.done():
                waiting = max(waiting, progress.read - progress.written)
                await asyncio.sleep(0.0005)
            assert (progress.state, progress.error) == (State.ENDED, None)
    assert sink.faults == []
    assert sink.held == list(range(1, LAST + 1))
    assert waiting <= 2 * BATCH + LONGEST_MESSAGE
