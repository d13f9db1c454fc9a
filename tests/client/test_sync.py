"""A stream for programs without an event loop."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import pytest
from websockets.asyncio.server import ServerConnection

from tests.client.play import Play, Still, play_of, playing, record, told
from twinstream.client.error import RefusedError
from twinstream.client.sync import SyncStream, connect_sync
from twinstream.errors import Disconnect


@contextmanager
def serving(*plays: Play, refuse: dict[int, int] | None = None) -> Iterator[str]:
    """Play in a thread of its own, since the test's is taken; answer the URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    begun: Future[str] = Future()

    async def serve(done: asyncio.Event) -> None:
        async with playing(*plays, refuse=refuse) as (url, _):
            begun.set_result(url)
            await done.wait()

    done = asyncio.Event()
    service = asyncio.run_coroutine_threadsafe(serve(done), loop)
    try:
        yield begun.result(10)
    finally:
        loop.call_soon_threadsafe(done.set)
        service.result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def quick(url: str, seq_start: int | None = None, seq_end: int | None = None) -> SyncStream:
    """A stream that never waits between attempts."""
    return connect_sync(url, random=Still(), seq_start=seq_start, seq_end=seq_end)


def test_events_and_states_come_as_from_any_iterator() -> None:
    """Iterating ends where the stream does; what happens to it stands between the events."""
    with serving(play_of(record(1) + record(2), code=1012), play_of(record(4)), play_of(record(1), record(2))) as url:
        with quick(url, 1, 4) as stream:
            told_so = [told(item) for item in stream.items()]
        assert told_so == ["first", 1, 2, "reconnecting", "again", ("resumed", 2), ("gap", 3, 3), 4]
        assert (stream.last_seq, stream.counters.events, stream.counters.missing) == (4, 3, 1)
        with quick(url, 1, 2) as stream:
            assert [event.seq for event in stream] == [1, 2]
    assert threading.active_count() == 1


def test_the_place_is_that_of_the_event_in_hand() -> None:
    """`last_seq` counts what was handed out, however much came in one message."""
    with serving(play_of(record(1) + record(2))) as url, quick(url) as stream:
        assert next(stream).seq == stream.last_seq == 1
        assert next(stream).seq == stream.last_seq == 2


def test_a_wait_can_be_bounded_and_loses_nothing() -> None:
    """TimeoutError says that nothing came; what comes later is there for the next call."""
    release = threading.Event()

    async def play(connection: ServerConnection) -> None:
        await asyncio.get_running_loop().run_in_executor(None, release.wait)
        await connection.send(record(1))
        await connection.wait_closed()

    with serving(play) as url, quick(url) as stream:
        assert told(stream.next_item(10)) == "first"  # type: ignore[arg-type]
        for _ in range(3):
            with pytest.raises(TimeoutError):
                stream.next_item(0.01)
        release.set()
        assert told(stream.next_item(10)) == 1  # type: ignore[arg-type]


def test_what_ends_a_stream_is_raised_in_the_caller() -> None:
    """Refusals where it is opened, closings where it is read, and the user's own errors as they are."""
    with serving(play_of(code=4403), play_of(record(1)), refuse={0: 401}) as url:
        with pytest.raises(RefusedError), quick(url):
            pass
        with quick(url) as stream:
            for _ in range(2):
                with pytest.raises(Disconnect):
                    next(stream)
        with pytest.raises(ZeroDivisionError), quick(url) as stream:
            assert next(stream).seq // 0
    assert threading.active_count() == 1


def test_ctrl_c_ends_it() -> None:
    """A program that waits for events is interrupted at once, and says goodbye."""
    codes: list[int | None] = []
    is_open, is_closed = threading.Event(), threading.Event()

    async def play(connection: ServerConnection) -> None:
        await connection.send(record(1))
        await connection.send("1|Z")
        await connection.recv()  # it has come back for more
        is_open.set()
        await connection.wait_closed()
        codes.append(connection.close_code)
        is_closed.set()

    program = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from twinstream import connect_sync
try:
    with connect_sync(sys.argv[1]) as stream:
        for event in stream:
            print(event.seq, flush=True)
except KeyboardInterrupt:
    print("interrupted")
"""
    with serving(play) as url:
        process = subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True)
        assert is_open.wait(30)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
        assert is_closed.wait(10)
    assert (said, process.returncode, codes) == ("1\ninterrupted\n", 0, [1000])


def test_a_forked_process_leaves_the_stream_to_its_parent() -> None:
    """A child that was forked within the block cannot read, not even what had come before; the parent reads on."""
    codes: list[int | None] = []
    is_closed = threading.Event()

    async def play(connection: ServerConnection) -> None:
        await connection.send(record(1) + record(2))
        await connection.send("1|Z")
        await connection.recv()  # it has come back for more, when its child has gone
        await connection.send(record(3))
        await connection.wait_closed()
        codes.append(connection.close_code)
        is_closed.set()

    program = """
import os, sys
from twinstream import connect_sync
with connect_sync(sys.argv[1]) as stream:
    print(next(stream).seq, flush=True)
    child = os.fork()
    if child:
        print("child:", os.waitpid(child, 0)[1], flush=True)
        print(next(stream).seq, next(stream).seq, flush=True)
    else:
        try:
            stream.next_item()
        except RuntimeError as error:
            print(error, flush=True)
if not child:
    stream.close()
    print("left", flush=True)
"""
    with serving(play) as url:
        ended = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, timeout=30)
        assert is_closed.wait(10)
    refusal = "a stream is read by the process that opened it: after a fork open another one"
    assert ended.stdout.splitlines() == ["1", refusal, "left", "child: 0", "2 3"]
    assert (ended.stderr, ended.returncode, codes) == ("", 0, [1000])
