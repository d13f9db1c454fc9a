"""Faults on real sockets: what a client sees of them, and what the server remembers all the same."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from tests.web.harness import KEY, Client, Harness, frame, serving, until
from twinstream.model.fault import PROFILES, Close, Faults, check_faults
from twinstream.settings import Settings
from twinstream.stream.limits import StreamLimits
from twinstream.system import SystemClock
from twinstream.web.fault_board import HIGH_WATER_BYTES, FaultBoard


class Stand:
    """A server that allows faults, on a subscription with number 1."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.board = FaultBoard(harness.shell, SystemClock())


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    """A server with quick heartbeats that allows faults."""
    limits = StreamLimits(heartbeat_interval_s=0.05, heartbeat_misses=0)
    async with serving(Settings(heartbeat_interval_s=0.05), limits) as harness:
        yield Stand(harness)


async def read_numbers(client: Client, count: int) -> list[int]:
    """Read so many records; answer their numbers."""
    return [
        int(found[1])
        for found in [re.search(r'"seq":"(\d+)"', await client.read_text()) for _ in range(count)]
        if found
    ]


async def test_what_is_set_holds_for_open_sockets_and_later_ones(stand: Stand) -> None:
    """Faults begin and end while a socket is open; one that opens meanwhile has them from its first event on."""
    client = await stand.harness.connect()
    stand.harness.append(2)
    assert await read_numbers(client, 2) == [1, 2]
    stand.board.set(1, Faults(duplicate=1.0))
    stand.harness.append(1)
    assert await read_numbers(client, 2) == [3, 3]
    other = await stand.harness.connect(f"stream_key={KEY}&seq_start=2")
    assert await read_numbers(other, 4) == [2, 2, 3, 3]
    assert stand.board.show(1).counts.connections == 2
    assert stand.board.clear(1)
    stand.harness.append(2)
    assert await read_numbers(client, 2) == [4, 5]
    assert await read_numbers(other, 2) == [4, 5]
    assert not stand.board.clear(1)
    assert stand.board.totals()["duplicated"] == 3


async def test_faults_of_one_subscription_alone(stand: Stand) -> None:
    """Other subscriptions get what they always get."""
    client = await stand.harness.connect()
    stand.board.set(2, Faults(drop=1.0))
    stand.harness.append(1)
    assert await read_numbers(client, 1) == [1]


async def test_a_dropped_event_is_not_acknowledged(stand: Stand) -> None:
    """An answer to a heartbeat acknowledges nothing at or behind a dropped event, so it comes with the next socket."""
    client = await stand.harness.connect()
    stand.harness.append(2)
    assert await read_numbers(client, 2) == [1, 2]
    await answer_heartbeats(stand, client, until_acknowledged=2)
    stand.board.set(1, Faults(drop=1.0))
    stand.harness.append(1)
    stand.board.set(1, Faults())
    stand.harness.append(1)
    assert await read_numbers(client, 1) == [4]
    for _ in range(3):
        await read_heartbeat(client)
        client.write(frame(1, b"Z"))
    found = stand.harness.hub.find_acknowledged(1)
    assert found is not None
    assert found.seq == 2
    other = await stand.harness.connect()
    assert await read_numbers(other, 2) == [3, 4]


async def test_polite_and_abrupt_closes(stand: Stand) -> None:
    """A close comes with its code behind exactly so many events, or without any close frame."""
    stand.harness.append(5)
    stand.board.set(1, Faults(close=Close(1012, after_events=2)))
    client = await stand.harness.connect()
    assert await read_numbers(client, 2) == [1, 2]
    assert await client.read_close() == 1012
    stand.board.set(1, Faults(close=Close(None, after_events=3)))
    client = await stand.harness.connect()
    assert await read_numbers(client, 3) == [1, 2, 3]
    rest = await client.read_eof()
    assert b'"seq"' not in rest
    assert b"\x88" not in rest
    assert stand.harness.hub.counters.closes == {1012: 1, 1006: 1}
    assert stand.board.totals()["closed"] == 2


async def test_a_close_every_so_often(stand: Stand) -> None:
    """A silent socket is closed too when its time is over."""
    stand.board.set(1, Faults(close=Close(1001, every_s=0.2)))
    client = await stand.harness.connect()
    assert await client.read_close() == 1001


async def test_mute_heartbeats(stand: Stand) -> None:
    """Neither heartbeats nor their pings come, events do."""
    stand.board.set(1, Faults(mute_heartbeats=1.0))
    client = await stand.harness.connect()
    await until(lambda: stand.board.show(1).counts.muted >= 3)
    stand.harness.append(1)
    opcode, payload = await client.read_frame()
    assert opcode == 1
    assert b'"seq":"1"' in payload


async def test_delay(stand: Stand) -> None:
    """Events come late, in order, and not all at once; a client is not slow because it was sent nothing."""
    stand.board.set(1, Faults(delay_ms=(50, 100)))
    client = await stand.harness.connect()
    stand.harness.append(20)
    started_s = asyncio.get_running_loop().time()
    assert await read_numbers(client, 20) == list(range(1, 21))
    assert asyncio.get_running_loop().time() - started_s >= 0.05
    assert stand.board.show(1).counts.delayed == 20


async def test_reorder(stand: Stand) -> None:
    """Events change places and none is missing, the last one neither."""
    stand.board.set(1, Faults(seed=7, reorder=3))
    client = await stand.harness.connect()
    stand.harness.append(20)
    came = await read_numbers(client, 20)
    assert sorted(came) == list(range(1, 21)) != came


async def test_held_events_are_bounded(stand: Stand) -> None:
    """What waits for its time fills the socket: the session stops reading, and goes on when it has drained."""
    stand.harness.append(600, "x" * 2000)
    stand.board.set(1, Faults(delay_ms=(300, 300)))
    client = await stand.harness.connect()
    await until(lambda: stand.harness.hub.sessions_of(1)[0].status().full)
    (outlet,) = stand.board._outlets[1]
    assert outlet.backlog_bytes() < HIGH_WATER_BYTES + 2 * stand.harness.hub.limits.page_bytes
    assert await read_numbers(client, 600) == list(range(1, 601))


async def test_a_bounded_replay_sends_what_is_held_before_its_end(stand: Stand) -> None:
    """A close of the server's own loses nothing that waits for its time."""
    stand.harness.append(5)
    stand.board.set(1, Faults(delay_ms=(60_000, 60_000)))
    client = await stand.harness.connect(f"stream_key={KEY}&seq_start=1&seq_end=5")
    assert await read_numbers(client, 5) == [1, 2, 3, 4, 5]
    assert await client.read_close() == 1000


async def test_closed_sockets_are_let_go(stand: Stand) -> None:
    """Reconnections leave nothing behind."""
    stand.board.set(1, Faults(close=Close(None, every_s=86_400)))
    for _ in range(3):
        client = await stand.harness.connect()
        await client.close()
        await until(lambda: not stand.harness.hub.sessions_of(1))
    await stand.harness.connect()
    assert len(stand.board._outlets[1]) == 1
    assert len(stand.harness.hub._agenda) == 2


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_are_in_bounds(name: str) -> None:
    """Every profile could be set by hand."""
    text, faults = PROFILES[name]
    assert check_faults(faults) is faults
    assert text


async def read_heartbeat(client: Client) -> None:
    """Read up to the next heartbeat."""
    while await client.read_frame() != (1, b"1|Z"):
        pass


async def answer_heartbeats(stand: Stand, client: Client, *, until_acknowledged: int) -> None:
    """Answer heartbeats until the server knows this number to be received."""
    while (found := stand.harness.hub.find_acknowledged(1)) is None or found.seq < until_acknowledged:
        await read_heartbeat(client)
        client.write(frame(1, b"Z"))
