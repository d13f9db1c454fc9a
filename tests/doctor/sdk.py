"""A client that stands on the SDK: it prints what it gets, gaps too; doctor has to find nothing."""

from __future__ import annotations

import asyncio
import os

from twinstream.client import Gap, connect
from twinstream.client.event import BaseEvent


async def main() -> None:
    """Read until the stream ends. A dead link is noticed after two and a half intervals: tests share machines."""
    idle_timeout_s = 2.5 * float(os.environ["TWINSTREAM_HEARTBEAT_S"])
    async with connect(os.environ["TWINSTREAM_URL"], idle_timeout_s=idle_timeout_s) as stream:
        async for item in stream.items():
            if isinstance(item, BaseEvent):
                print(item.text, flush=True)  # noqa: T201
            elif isinstance(item, Gap):
                print(f"gap: {item.first} to {item.last}", flush=True)  # noqa: T201


asyncio.run(main())
