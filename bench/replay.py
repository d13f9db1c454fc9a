"""A server that plays ready frames: as fast as they are taken, the same events to everybody.

``python -m bench.replay COUNT`` prints its port and serves the events 1 to COUNT on every connection, in messages of up
to 64 KiB as a subscription with a large ``batch_size`` gets them, then closes with 1000.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from twinstream.wire.event import Datapoint, DatapointMessage, PropertyMetadata, encode_record, encode_tail

MESSAGE_BYTES = 64 * 1024
AT = "2018-09-24T10:25:14Z"


def make_text(seq: int) -> str:
    """Return the record of an event as a device's properties make them, about 500 bytes."""
    name = f"property_{seq % 50}"
    metadata = PropertyMetadata("0dfc7900", "linuxevb", f"AC{seq % 1000:013}", name, name, "integer", (), "datapoint")
    user = "40e45b84-690c-11e8-acf3-12f911dcfe40"
    body = Datapoint(f"1ff9b91c-bfe4-11e8-1261-{seq:012}", None, AT, AT, user, False, False, seq, {})
    return encode_record(seq, encode_tail(DatapointMessage(metadata, body))).decode()


def make_messages(count: int) -> Iterator[str]:
    """Yield the events 1 to count as messages of several records."""
    records: list[str] = []
    size = 0
    for seq in range(1, count + 1):
        record = make_text(seq)
        if size + len(record) > MESSAGE_BYTES:
            yield "".join(records)
            records, size = [], 0
        records.append(record)
        size += len(record)
    yield "".join(records)


async def play(count: int) -> None:
    """Serve until killed."""
    messages = list(make_messages(count))

    async def send(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):  # it has what it wanted
            for message in messages:
                await connection.send(message)
            await connection.close(1000)

    async with serve(send, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(play(int(sys.argv[1])))
