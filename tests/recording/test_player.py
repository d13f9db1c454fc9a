"""A recording played over real sockets, and recorded again."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect as connect_socket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.client.clock import TestClock, settle
from tests.recording.tapes import datapoint, tape
from twinstream.client import connect
from twinstream.client.clock import Clock, SystemClock
from twinstream.recording.file import EventLine
from twinstream.recording.player import Player
from twinstream.recording.reel import Reel


@asynccontextmanager
async def playing(
    events: Sequence[EventLine],
    *,
    speed: float = math.inf,
    clock: Clock | None = None,
    key: str | None = None,
    heartbeat_s: float = 30.0,
) -> AsyncIterator[str]:
    """Play these events; answer the address without a key."""
    player = Player(Reel(events, speed=speed), clock or SystemClock(), stream_key=key, heartbeat_s=heartbeat_s)
    async with player.open("127.0.0.1", 0) as (host, port):
        yield f"ws://{host}:{port}/stream"


async def test_the_sdk_reads_a_range() -> None:
    """From a number to a number, each event as it was; behind the last one the stream is over."""
    events = tape(9)
    async with playing(events) as url, connect(url, stream_key="k", seq_start=3, seq_end=7) as stream:
        assert [event.text async for event in stream] == [event.text for event in events[2:7]]
    assert stream.counters.gaps == 0


async def test_text_beyond_ascii_and_gaps_are_played_as_they_were() -> None:
    """The length is that of the bytes."""
    text = '{"seq":"7", "metadata":{},"v":"Küche | 温度 |Z"}'
    async with playing([*tape(1), EventLine(9e8, 7, text)]) as url, connect_socket(f"{url}?stream_key=k") as socket:
        assert await socket.recv() == f"{len(datapoint(1, 'v0'))}|{datapoint(1, 'v0')}"
        assert await socket.recv() == f"{len(text.encode())}|{text}"


async def test_clients_share_one_timeline() -> None:
    """It begins with the first of them; who comes later gets at once what has been played, and then both the same."""
    clock = TestClock()
    async with playing(tape(3, apart_s=60), speed=2, clock=clock, heartbeat_s=1e6) as url:
        await clock.advance(1000)
        async with connect_socket(f"{url}?stream_key=a") as first:
            assert '"seq":"1"' in str(await first.recv())
            await clock.advance(31)
            assert '"seq":"2"' in str(await first.recv())
            async with connect_socket(f"{url}?stream_key=b") as second:
                assert '"seq":"1"' in str(await second.recv())
                assert '"seq":"2"' in str(await second.recv())
                await settle()
                await clock.advance(30)
                assert '"seq":"3"' in str(await first.recv())
                assert '"seq":"3"' in str(await second.recv())


async def test_an_answered_heartbeat_keeps_the_place_of_a_key() -> None:
    """A client that comes back goes on behind it; a look on, or another key, moves nothing."""
    clock = TestClock()
    async with playing(tape(2), clock=clock) as url:
        for query, seen in (("a&observe=1", "1"), ("a", "1"), ("b", "1"), ("a&seq_start=1", "1")):
            async with connect_socket(f"{url}?stream_key={query}") as socket:
                assert f'"seq":"{seen}"' in str(await socket.recv())
                await socket.recv()
                await clock.advance(30)
                assert await socket.recv() == "1|Z"
                await socket.send("Z")
                await (await socket.ping())  # what was sent before has been read
        async with connect_socket(f"{url}?stream_key=a") as socket:
            await clock.advance(30)
            assert await socket.recv() == "1|Z"


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("?stream_key=other", 401),
        ("", 401),
        ("?stream_key=k&seq_start=x", 400),
        ("?stream_key=k&seq_start=5&seq_end=4", 400),
        ("?stream_key=k&seq_end=4", 400),
        ("s?stream_key=k", 404),
    ],
)
async def test_what_cannot_be_played_is_refused(target: str, status: int) -> None:
    """Before the upgrade, as by a real server."""
    async with playing(tape(1), key="k") as url:
        with pytest.raises(InvalidStatus) as caught:
            await connect_socket(url + target)
    assert caught.value.response.status_code == status


async def test_the_end_of_a_recording_is_silence() -> None:
    """The socket stays open, as that of a stream on which nothing happens, until the player ends."""
    async with playing(tape(1)) as url:
        socket = await connect_socket(f"{url}/stream?stream_key=k")
        await socket.recv()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.05)
    with pytest.raises(ConnectionClosed):
        await socket.recv()
