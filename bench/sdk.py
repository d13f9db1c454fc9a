"""Measure what an event costs in the SDK, beside the bare loop that it replaces: `python bench/sdk.py`.

Both read the same datapoint events from the same server (a child process that writes them as fast as they are taken),
one record in a message and fifty. Told is the processor time of the reading process: events per second of one core, the
median of the rounds, which take turns. Bounded: about 15 s.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.queues import Queue
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from websockets.asyncio.client import connect as connect_bare
from websockets.asyncio.server import ServerConnection, serve

from twinstream.client import connect
from twinstream.wire.event import Datapoint, DatapointMessage, PropertyMetadata, encode_record, encode_tail
from twinstream.wire.frame import encode_text

EVENTS = 50_000
ROUNDS = 5
SIZES = (1, 50)
CHUNK_EVENTS = 1000
TAIL = encode_tail(
    DatapointMessage(
        PropertyMetadata("0dfc7900", "linuxevb", "AC000W005606115", "Blue_LED", "Blue_LED", "boolean", (), "datapoint"),
        Datapoint(
            "1ff9b91c-bfe4-11e8-1261-67d251d3ec96",
            None,
            "2018-09-24T10:25:14Z",
            "2018-09-24T10:25:14Z",
            "40e45b84-690c-11e8-acf3-12f911dcfe40",
            True,
            False,
            0,
            {},
        ),
    )
)


async def write_events(connection: ServerConnection, size: int) -> None:
    """Write all events, so many in a message, with the transport's own back-pressure."""
    for begin in range(1, EVENTS + 1, CHUNK_EVENTS):
        messages = (
            b"".join(encode_record(seq, TAIL) for seq in range(first, first + size))
            for first in range(begin, begin + CHUNK_EVENTS, size)
        )
        connection.transport.write(b"".join(map(encode_text, messages)))
        while connection.transport.get_write_buffer_size() > 1_000_000:  # noqa: ASYNC110 - transports have no event
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)
    await connection.wait_closed()


def run_server(ports: Queue[int]) -> None:
    """Serve on a free port until killed; the path says how many records a message has."""

    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        await write_events(connection, int(connection.request.path.strip("/").partition("?")[0]))

    async def run() -> None:
        async with serve(handle, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
            ports.put(next(iter(server.sockets)).getsockname()[1])
            await asyncio.Event().wait()

    asyncio.run(run())


async def read_bare(url: str) -> int:
    """Read as a program does that knows of nothing: split, decode, count."""
    count = 0
    async with connect_bare(url, compression=None, ping_interval=None, max_size=None, proxy=None) as socket:
        while count < EVENTS:
            message = await socket.recv()
            assert isinstance(message, str)
            at = 0
            while at < len(message):
                bar = message.index("|", at)
                end = bar + 1 + int(message[at:bar])
                json.loads(message[bar + 1 : end])
                at = end
                count += 1
    return count


async def read_sdk(url: str) -> int:
    """Read with the SDK."""
    count = 0
    async with connect(url, stream_key="k", seq_start=1, seq_end=EVENTS) as stream:
        async for _ in stream:
            count += 1
    return count


READERS: dict[str, Callable[[str], Awaitable[int]]] = {"bare loop": read_bare, "SDK": read_sdk}


def main() -> None:
    """Measure, and print a table."""
    context = multiprocessing.get_context("spawn")
    ports: Queue[int] = context.Queue()
    server = context.Process(target=run_server, args=(ports,), daemon=True)
    server.start()
    try:
        port = ports.get(timeout=20)
        print(f"{'records in a message':<22}" + "".join(f"{name:>14}" for name in READERS) + "   events/s of one core")
        for size in SIZES:
            rates: dict[str, list[float]] = {name: [] for name in READERS}
            for _ in range(ROUNDS):
                for name, read in READERS.items():
                    began_s = time.process_time()
                    count = asyncio.run(_finish(read(f"ws://127.0.0.1:{port}/{size}")))
                    assert count == EVENTS
                    rates[name].append(count / (time.process_time() - began_s))
            print(f"{size:<22}" + "".join(f"{statistics.median(found):>14,.0f}" for found in rates.values()))
    finally:
        server.kill()
        server.join()


async def _finish(read: Awaitable[int]) -> int:
    return await read


if __name__ == "__main__":
    main()
