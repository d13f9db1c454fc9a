"""The C tools of the benchmark: figures are worth what the counters are worth, so these are shown every fault."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bench.floors import floor_lanes
from bench.scenario import Scenario, measure
from bench.tool import BUILD, BenchError, Child, Published, Publisher, Watcher, build

pytestmark = pytest.mark.needs("cc")
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
UPGRADED = (
    b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nsec-websocket-accept: " + ACCEPT + b"\r\n\r\n"
)
LIFE_S = 20.0


@pytest.fixture(autouse=True, scope="module")
def _built() -> None:
    build()


class Peer:
    """A server that says to its only client what a test wants, byte for byte."""

    def __init__(self, listener: socket.socket, greeting: bytes) -> None:
        self._listener, self._greeting = listener, greeting
        self.connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._welcome)
        self._thread.start()

    def _welcome(self) -> None:
        self.connection, _ = self._listener.accept()
        self.connection.settimeout(10)
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.connection.recv(4096)
        self.connection.sendall(self._greeting)

    def say(self, *pieces: bytes) -> None:
        """Send each piece with a call of its own."""
        assert self.connection is not None
        for piece in pieces:
            self.connection.sendall(piece)

    def hear(self, size: int) -> bytes:
        """Receive exactly so many bytes."""
        assert self.connection is not None
        heard = b""
        while len(heard) < size:
            heard += self.connection.recv(size - len(heard))
        return heard

    def close(self) -> None:
        """End the thread and the connection."""
        self._thread.join()
        if self.connection:
            self.connection.close()


@contextmanager
def watched(folder: Path, greeting: bytes = UPGRADED) -> Iterator[tuple[Peer, Watcher]]:
    """Connect a client of one connection to a peer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        peer = Peer(listener, greeting)
        try:
            with Watcher(listener.getsockname()[1], ["/stream?stream_key=k"], None, folder, LIFE_S) as watcher:
                watcher.reset()
                yield peer, watcher
        finally:
            peer.close()


def record(seq: int, padding: int = 0) -> bytes:
    """Return LEN|JSON with so many bytes of padding."""
    json = b'{"seq":"%d","x":"%s"}' % (seq, b"x" * padding)
    return b"%d|%s" % (len(json), json)


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """Return an unmasked frame, with the shortest length that holds it."""
    if len(payload) < 126:
        return bytes([0x80 | opcode, len(payload)]) + payload
    if len(payload) < 65536:
        return bytes([0x80 | opcode, 126]) + len(payload).to_bytes(2, "big") + payload
    return bytes([0x80 | opcode, 127]) + len(payload).to_bytes(8, "big") + payload


def unmasked(sent: bytes) -> bytes:
    """Return the payload of a client's short frame."""
    return bytes(byte ^ sent[2 + index % 4] for index, byte in enumerate(sent[6:]))


def test_frames_of_every_length_are_counted_however_they_are_cut(tmp_path: Path) -> None:
    """Frames of 7, 16 and 64 bits of length count the same in one read, in many, and several records to a message."""
    sent = b"".join(
        [frame(record(1)), frame(record(2, 400)), frame(record(3, 70_000)), frame(record(4) + record(5, 200))]
    )
    with watched(tmp_path) as (peer, watcher):
        peer.say(sent[:1], sent[1:30], sent[30:500], sent[500:])
        window = watcher.until(5)
        assert window.faults(5) == []
        assert window.bytes == len(sent)


@pytest.mark.parametrize(
    ("messages", "fault"),
    [
        ([record(7), record(9)], "1 seq gaps"),
        ([record(7), record(7)], "1 seq gaps"),
        ([b"99" + record(7)], "1 wrong lengths"),
        ([record(7) + b" "], "1 wrong lengths"),
        ([b"no number"], "1 protocol errors"),
    ],
)
def test_faults_are_found(tmp_path: Path, messages: list[bytes], fault: str) -> None:
    """A number left out or given twice, a wrong LEN and a message that is no record are told apart."""
    with watched(tmp_path) as (peer, watcher):
        peer.say(*(frame(message) for message in [*messages, b"1|Z"]))
        peer.hear(9)  # the answer to the heartbeat: all before it has been read
        assert fault in watcher.until(0).faults(len(messages))


def test_a_missing_event_is_a_fault(tmp_path: Path) -> None:
    """When fewer arrive than were published, the wait ends at its time-out and says both numbers."""
    with watched(tmp_path) as (peer, watcher):
        peer.say(frame(record(1)))
        assert watcher.until(2, timeout_ms=100).faults(2) == ["1 delivered, 2 expected"]


def test_heartbeats_and_pings_are_answered(tmp_path: Path) -> None:
    """``1|Z`` comes back masked as a text, a ping's payload as a pong."""
    with watched(tmp_path) as (peer, watcher):
        peer.say(frame(b"1|Z"), frame(b"hello", opcode=9))
        heartbeat, pong = peer.hear(9), peer.hear(11)
        assert (heartbeat[:2], unmasked(heartbeat)) == (b"\x81\x83", b"1|Z")
        assert (pong[:2], unmasked(pong)) == (b"\x8a\x85", b"hello")
        window = watcher.until(0)
        assert (window.heartbeats, window.pings) == (1, 1)


def test_a_refused_upgrade_is_told(tmp_path: Path) -> None:
    """A server that refuses a stream key ends the benchmark with the status that it gave."""
    refusal = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(BenchError, match="1 of 1 connections refused, first with 401"), watched(tmp_path, refusal):
        pass


def test_the_floors_deliver_what_was_triggered(tmp_path: Path) -> None:
    """Both floors, all patterns: the client counts exactly what the publisher triggered, dense and whole."""
    scenarios = [Scenario("firehose", 1, "all", burst=5), Scenario("sparse", 20, "turn", burst=5)]
    with ExitStack() as stack:
        for lane in floor_lanes(scenarios, stack, (None, None), tmp_path, LIFE_S):
            sample = measure(lane, None, 0.02, quiet_first=False)
            assert sample.faults == ()
            assert sample.deliveries > 0
            assert sample.p50_ms > 0


def test_the_publisher_keeps_its_rate_and_tells_refusals(tmp_path: Path) -> None:
    """In a tenth of a second, at 200 a second, it sends twenty at most; those not answered 2xx are refused."""
    good = b"POST /send/0/1/all HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
    requests = tmp_path / "requests.http"
    requests.write_bytes(good + b"POST /nowhere HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
    with Child([BUILD / "floor", "each", str(LIFE_S)], None) as floor:
        port = int(floor.hear()["port"])
        with Publisher(port, requests, None, connections=2, seconds=0.1, rate=200) as publisher:
            published: Published = publisher.result()
    assert 2 <= published.sent <= 20  # fewer where others have the machine
    assert published.accepted + published.refused == published.sent
    assert published.accepted - published.refused in (0, 1)
    assert published.refused_status == 404
