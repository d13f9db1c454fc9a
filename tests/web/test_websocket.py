"""One socket of `/stream`, from upgrade to end, byte by byte."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
from websockets.asyncio.client import connect

from tests.web.harness import KEY, Harness, frame, serving, until, upgrade
from twinstream.errors import CLOSE_CODES, Disconnect
from twinstream.model.event import Change
from twinstream.stream.limits import StreamLimits
from twinstream.web import websocket

FIRST = '51|{"seq":"1","metadata":{},"datapoint":{"value":"x"}}'


async def test_events_arrive(harness: Harness) -> None:
    """What is appended arrives as one text frame of LEN|JSON each, numbered from 1."""
    client = await harness.connect()
    harness.append(2)
    assert await client.read_text() == FIRST
    assert await client.read_text() == FIRST.replace('"1"', '"2"')


async def test_a_library_agrees(harness: Harness) -> None:
    """An ordinary client connects, reads, pings and closes."""
    async with connect(f"ws://127.0.0.1:{harness.port}/stream?stream_key={KEY}", compression=None) as client:
        harness.append()
        assert await client.recv() == FIRST
        await (await client.ping())
    assert client.close_code == 1000


async def test_a_key_is_also_taken_from_elsewhere(harness: Harness) -> None:
    """The key may come in an Authorization header or a subprotocol instead of the query."""
    await harness.connect("", Authorization=f"stream_key {KEY}")
    for offered, selected in ((f"dss, dss.key.{KEY}", "dss"), (f"dss.key.{KEY}", f"dss.key.{KEY}")):
        client = await harness.send(upgrade("", Sec_WebSocket_Protocol=offered))
        status, headers, _ = await client.read_response()
        assert (status, headers["sec-websocket-protocol"]) == (101, selected)


async def test_frames_sent_with_the_request(harness: Harness) -> None:
    """What a client sends behind its request, before the answer, is not lost."""
    client = await harness.send(upgrade().encode() + frame(9, b"early"))
    assert (await client.read_response())[0] == 101
    assert await client.read_frame() == (10, b"early")


async def test_pings_of_one_turn_get_one_pong(harness: Harness) -> None:
    """Pings may be answered together, with the last one's payload (RFC 6455 section 5.5.3)."""
    client = await harness.connect()
    client.write(b"".join(frame(9, b"%d" % number) for number in range(500)))
    answers: list[bytes] = []
    while not answers or answers[-1] != b"499":
        opcode, payload = await client.read_frame()
        assert opcode == 10
        answers.append(payload)
    assert len(answers) < 500


@pytest.mark.parametrize("reply", [b"Z", b"1|Z"])
async def test_heartbeats(reply: bytes) -> None:
    """A heartbeat is the text 1|Z with a ping beside it; both replies acknowledge what was received before."""
    async with serving(stream_limits=StreamLimits(heartbeat_interval_s=0.05)) as harness:
        client = await harness.connect()
        harness.append(3)
        seen: list[tuple[int, bytes]] = []
        while len(seen) < 5 or (1, b"1|Z") not in seen[3:]:
            seen.append(await client.read_frame())
        assert (9, b"") in seen
        client.write(frame(1, reply))
        while not (acknowledged := harness.hub.take_acknowledgements()):
            await client.read_frame()
        assert [(number, cursor.seq) for number, cursor in acknowledged] == [(1, 3)]


async def test_silence_is_4408() -> None:
    """Who sends nothing at all is closed with 4408."""
    limits = StreamLimits(heartbeat_interval_s=0.1, inbound_timeout_s=0.2)
    async with serving(stream_limits=limits) as harness:
        client = await harness.connect()
        assert await client.read_close() == 4408
        client.write(frame(8, struct.pack("!H", 4408)))
        assert await client.read_eof() == b""


async def test_pongs_alone_are_not_enough() -> None:
    """Who answers pings but no heartbeat is closed with 4408 after so many misses."""
    limits = StreamLimits(heartbeat_interval_s=0.05, inbound_timeout_s=30, heartbeat_misses=3)
    async with serving(stream_limits=limits) as harness:
        client = await harness.connect()
        beats = 0
        while True:
            opcode, payload = await client.read_frame()
            if opcode == 9:
                client.write(frame(10, payload))
            beats += payload == b"1|Z"
            if opcode == 8:
                break
        assert struct.unpack("!H", payload[:2]) == (4408,)
        assert beats == 3


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999, None])
async def test_close_by_the_client(harness: Harness, code: int | None) -> None:
    """A close is echoed with its code, what comes behind it is ignored, and the connection ends."""
    client = await harness.connect()
    payload = b"" if code is None else struct.pack("!H", code) + b"bye"
    client.write(frame(8, payload) + frame(1, b"Z") + b"rubbish")
    assert await client.read_close() == (code or 1005)
    assert await client.read_eof() == b""
    assert harness.hub.counters.closes == {code or 1005: 1}


async def test_close_by_the_server(harness: Harness) -> None:
    """The server's close carries code and reason, and the connection ends when the client has answered."""
    client = await harness.connect()
    harness.change(Change.SUSPENDED)
    opcode, payload = await client.read_frame()
    assert (opcode, struct.unpack("!H", payload[:2])[0]) == (8, 4403)
    assert b"suspended" in payload
    client.write(frame(1, b"Z") + frame(8, payload))
    assert await client.read_eof() == b""


async def test_a_client_that_does_not_answer_the_close(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A closing connection is cut after a few seconds, whether the client answers or not."""
    monkeypatch.setattr(websocket, "CLOSE_TIMEOUT_S", 0.1)
    client = await harness.connect()
    harness.hub.disconnect(1)
    assert await client.read_close() == 1000
    assert await client.read_eof(1.0) == b""


@pytest.mark.parametrize("close_code", sorted(CLOSE_CODES))
async def test_every_close_code_can_be_sent(harness: Harness, close_code: int) -> None:
    """Each code of the table arrives with its meaning as reason."""
    client = await harness.connect()
    (session,) = harness.hub.sessions()
    session.end(Disconnect(close_code))
    opcode, payload = await client.read_frame()
    assert (opcode, struct.unpack("!H", payload[:2])[0]) == (8, close_code)
    assert payload[2:].decode() == CLOSE_CODES[close_code].meaning


async def test_a_client_that_just_goes(harness: Harness) -> None:
    """A connection that ends without a close frame ends its session."""
    client = await harness.connect()
    await client.close()
    await until(lambda: not harness.connections())
    assert not harness.hub.sessions()
    assert harness.hub.counters.closes == {1006: 1}
    assert harness.keys.touched == [1, 1]


async def test_a_reset(harness: Harness) -> None:
    """A reset connection ends its session without a trace."""
    client = await harness.connect()
    client.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.writer.transport.abort()
    await until(lambda: not harness.hub.sessions())


async def test_half_a_connection_is_none(harness: Harness) -> None:
    """Who ends its side without a close frame, and takes nothing, is gone at once and costs no more memory."""
    slow = await _connect_slowly(harness)
    await until(lambda: harness.hub.sessions()[0].status().state == "live")
    (connection,) = harness.connections()
    while connection.transport.get_write_buffer_size() < 50_000:
        harness.append(10, "y" * 500)
    slow.shutdown(socket.SHUT_WR)
    await until(lambda: not harness.hub.sessions(), timeout_s=1)
    assert harness.hub.counters.closes == {1006: 1}
    await until(lambda: not harness.connections(), timeout_s=websocket.CLOSE_TIMEOUT_S + 2)
    slow.close()


async def test_who_has_caught_up_need_not_wait_for_others(harness: Harness) -> None:
    """What a drained session takes from the ring leaves in the same turn, not with the next event or heartbeat."""
    client = await harness.connect()
    await until(lambda: harness.hub.sessions()[0].status().state == "live")
    (connection,) = harness.connections()
    connection.pause_writing()
    harness.append(3)
    connection.resume_writing()
    assert not connection._queued
    for seq in range(1, 4):
        assert f'"seq":"{seq}"' in await client.read_text()


async def test_too_many_messages(harness: Harness) -> None:
    """Who sends far more than answers to heartbeats is closed with 4429 after the burst allowance."""
    client = await harness.connect()
    client.write(frame(1, b"Z") * 2000)
    assert await client.read_close() == 4429
    assert await client.read_eof() == b""


async def test_a_slow_reader_costs_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who stops reading holds up nobody, costs a bounded buffer, is closed with 4008, and misses nothing when back."""
    limits = StreamLimits(slow_reader_timeout_s=0.5)
    async with serving(stream_limits=limits) as harness:
        healthy = await harness.connect("observe=1&stream_key=" + KEY)
        slow = await _connect_slowly(harness)
        (_, stuck) = harness.hub.sessions()
        received = 0
        for _ in range(400):
            harness.append(20, "y" * 500)
            for _ in range(20):
                await healthy.read_text()
                received += 1
        assert received == 8000
        backlog = max(connection.transport.get_write_buffer_size() for connection in harness.connections())
        assert 0 < backlog <= websocket.HIGH_WATER_BYTES + limits.page_bytes + 70_000
        await until(lambda: stuck not in harness.hub.sessions(), timeout_s=10)
        assert harness.hub.counters.closes == {4008: 1}
        assert harness.hub.counters.demotions >= 1
        back = await harness.connect(f"stream_key={KEY}&seq_start=1")
        for seq in range(1, 8001):
            assert f'"seq":"{seq}"' in await back.read_text()
        slow.close()


async def test_resume_and_range(harness: Harness) -> None:
    """seq_start begins at that number, 0 at the oldest; seq_end closes the stream with 1000 behind its number."""
    harness.append(5)
    client = await harness.connect(f"stream_key={KEY}&seq_start=4")
    assert '"seq":"4"' in await client.read_text()
    client = await harness.connect(f"stream_key={KEY}&seq_start=0")
    assert '"seq":"1"' in await client.read_text()
    client = await harness.connect(f"stream_key={KEY}&seq_start=2&seq_end=3")
    assert '"seq":"2"' in await client.read_text()
    assert '"seq":"3"' in await client.read_text()
    assert await client.read_close() == 1000


async def _connect_slowly(harness: Harness) -> socket.socket:
    """Open a stream with a small receive buffer, and read nothing of it but the answer to the upgrade."""
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(slow, ("127.0.0.1", harness.port))
    await loop.sock_sendall(slow, upgrade().encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += await loop.sock_recv(slow, 1)
    return slow


async def test_what_comes_together_leaves_together(harness: Harness) -> None:
    """Events of one group of commits leave in one write, heartbeat and ping too; a large group in bounded pieces."""
    client = await harness.connect()
    await until(lambda: harness.hub.sessions()[0].status().state == "live")
    (connection,) = harness.connections()
    written: list[int] = []
    connection.transport = _Counting(connection.transport, written)
    harness.append_together(20)
    assert len(written) == 1
    harness.append_together(1000, "y" * 1000)
    assert len(written) < 30
    assert max(written) < 70_000
    for seq in range(1, 1021):
        assert f'"seq":"{seq}"' in await client.read_text()


class _Counting:
    """A transport that notes the sizes of writes."""

    def __init__(self, transport: asyncio.Transport, written: list[int]) -> None:
        self._transport = transport
        self._written = written

    def write(self, data: bytes) -> None:
        self._written.append(len(data))
        self._transport.write(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)
